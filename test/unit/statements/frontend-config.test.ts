// ADMIN SET FRONTEND CONFIG: kept in the metadata, in force again after a restart.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { restoreConfig } from '../../../src/statements/frontend-config.ts';
import { openStatementRig } from '../../support/statement-rig.ts';

test('what was set is in force at once and after a restart', async (context) => {
  const rig = await openStatementRig(context);
  const { catalog, config } = rig.services;
  await rig.run('ADMIN SET FRONTEND CONFIG ("label_keep_max_second" = "1234")');
  assert.equal(config.int('label_keep_max_second'), 1234);
  const restarted = loadConfig([]);
  assert.deepEqual(await restoreConfig(catalog, restarted), []);
  assert.equal(restarted.int('label_keep_max_second'), 1234);
});

test('one wrong item changes nothing', async (context) => {
  const rig = await openStatementRig(context);
  const set = rig.run(
    'ADMIN SET FRONTEND CONFIG ("label_keep_max_second" = "5", "query_port" = "1")',
  );
  await assert.rejects(set, /Config 'query_port' does not exist or is not mutable/);
  assert.equal(rig.services.config.int('label_keep_max_second'), 259_200);
  assert.equal((await rig.services.catalog.frontendConfig.all()).size, 0);
});

test('items of another version are left out, and told', async (context) => {
  const { services } = await openStatementRig(context);
  await services.catalog.frontendConfig.set('from_the_future', '1');
  await services.catalog.frontendConfig.set('run_mode', 'shared_nothing');
  const config = loadConfig([]);
  assert.deepEqual((await restoreConfig(services.catalog, config)).toSorted(), [
    'from_the_future',
    'run_mode',
  ]);
  assert.equal(config.text('run_mode'), 'shared_data');
});

test('secrets are masked', async (context) => {
  const rig = await openStatementRig(context);
  rig.services.config.change('test', 'aws_s3_secret_key', 'HUSH');
  const rows = await rig.run("ADMIN SHOW FRONTEND CONFIG LIKE 'aws_s3_secret_key'");
  assert(rows !== 'ok');
  assert.equal(rows[0]?.[2], '******');
});
