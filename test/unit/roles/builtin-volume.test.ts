// builtin_storage_volume: local without fe.conf, from fe.conf's keys where it asks for it, none otherwise.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { fail } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { systemRandom } from '../../../src/base/random.ts';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import { openCatalog } from '../../../src/catalog/open.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { ensureBuiltinVolume } from '../../../src/roles/builtin-volume.ts';
import type { VolumeAccess } from '../../../src/statements/types.ts';

interface Rig {
  readonly catalog: Catalog;
  readonly dataDir: string;
  readonly calls: string[];
  ensure(conf: string | null, access?: Partial<VolumeAccess>): Promise<void>;
}

async function rig(context: TestContext): Promise<Rig> {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-builtin-'));
  const catalog = await openCatalog({ dataDir, clock: systemClock, random: systemRandom });
  context.after(async () => {
    await catalog.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const calls: string[] = [];
  return {
    catalog,
    dataDir,
    calls,
    ensure: async (conf, access) => {
      const path = join(dataDir, 'fe.conf');
      if (conf !== null) writeFileSync(path, conf);
      await ensureBuiltinVolume({
        catalog,
        config: loadConfig(conf === null ? [] : [path]),
        dataDir,
        log: silentLog,
        volumes: {
          check: async (volume) => {
            calls.push(`check ${volume.location}`);
          },
          claim: async (volume) => {
            calls.push(`claim ${volume.location}`);
          },
          ...access,
        },
      });
    },
  };
}

const CONF = [
  'run_mode = shared_data',
  'cloud_native_storage_type = S3',
  'aws_s3_endpoint = minio:9000',
  'aws_s3_path = starrocks',
  'aws_s3_access_key = AAAA',
  'aws_s3_secret_key = BBBB',
  'aws_s3_use_instance_profile = false',
  'aws_s3_use_aws_sdk_default_behavior = false',
].join('\n');

test('without fe.conf: a local directory, checked, claimed and the default', async (context) => {
  const { catalog, dataDir, calls, ensure } = await rig(context);
  await ensure(null);
  const volume = await catalog.volumes.default();
  assert.equal(volume?.name, 'builtin_storage_volume');
  assert.equal(volume?.type, 'LOCAL');
  assert.ok(existsSync(join(dataDir, 'volumes', 'builtin')));
  assert.equal(calls.length, 2);
  await ensure(null);
  assert.equal(calls.length, 2);
});

test("enable_load_volume_from_conf: the seed's volume", async (context) => {
  const { catalog, ensure } = await rig(context);
  await ensure(`${CONF}\nenable_load_volume_from_conf = true`);
  const volume = await catalog.volumes.default();
  assert.equal(volume?.location, 's3://starrocks');
  assert.equal(
    JSON.stringify(volume?.params),
    '{"aws.s3.access_key":"AAAA","aws.s3.secret_key":"BBBB","aws.s3.endpoint":"minio:9000","aws.s3.region":"","aws.s3.use_instance_profile":"false","aws.s3.use_aws_sdk_default_behavior":"false"}',
  );
});

test('an fe.conf that does not ask for it: none', async (context) => {
  const { catalog, ensure } = await rig(context);
  await ensure(`${CONF}\nenable_load_volume_from_conf = false`);
  assert.deepEqual(await catalog.volumes.list(), []);
});

test('a store that is away does not keep the server from starting, one of another Millrace does', async (context) => {
  const away = await rig(context);
  await away.ensure(`${CONF}\nenable_load_volume_from_conf = true`, {
    check: async () => {
      throw fail('STORAGE_UNAVAILABLE', { where: 's3://starrocks', step: 'write', detail: 'away' });
    },
  });
  assert.notEqual(await away.catalog.volumes.default(), null);
  const taken = await rig(context);
  await assert.rejects(
    taken.ensure(`${CONF}\nenable_load_volume_from_conf = true`, {
      claim: async () => {
        throw fail('VOLUME_TAKEN', { volume: 'builtin_storage_volume', found: 'x', expected: 'y' });
      },
    }),
    /belongs to another millrace/,
  );
  assert.deepEqual(await taken.catalog.volumes.list(), []);
});

test('what is missing is named', async (context) => {
  const { ensure } = await rig(context);
  await assert.rejects(
    ensure('enable_load_volume_from_conf = true'),
    /aws_s3_path: is missing although enable_load_volume_from_conf is true/,
  );
  await assert.rejects(
    ensure('enable_load_volume_from_conf = true\naws_s3_path = b\naws_s3_access_key = A'),
    (error: unknown) => error instanceof Error && /aws\.s3\.secret_key/.test(error.message),
  );
});
