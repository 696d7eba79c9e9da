import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { Sealer } from '../../../src/catalog/secrets.ts';
import { openFixture } from '../../support/catalog-fixture.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('what was sealed comes back, each sealing differs, and nothing else opens it', () => {
  const sealer = new Sealer(systemRandom.bytes(32), '/key', systemRandom);
  const text = '{"aws.s3.secret_key":"日本 x"}';
  const sealed = sealer.seal('volume-params', text);
  assert.equal(sealer.unseal('volume-params', sealed), text);
  assert.notEqual(sealer.seal('volume-params', text), sealed);
  assert.throws(() => sealer.unseal('load-job', sealed), hasCode('METADATA_KEY_WRONG'));
  const changed = `${sealed.slice(0, -6)}AAAA==`;
  assert.throws(() => sealer.unseal('volume-params', changed), hasCode('METADATA_KEY_WRONG'));
  assert.throws(() => sealer.unseal('volume-params', 'v1:'), hasCode('METADATA_KEY_WRONG'));
  const other = new Sealer(systemRandom.bytes(32), '/key', systemRandom);
  assert.throws(() => other.unseal('volume-params', sealed), hasCode('METADATA_KEY_WRONG'));
});

test('no secret of a volume or a job is in any file of the data directory; the key file is private', async (t) => {
  const fixture = await openFixture(t);
  const { dataDir } = fixture;
  // WAL and database both: read while open, then after the checkpoint of close.
  const grep = (): boolean =>
    readdirSync(dataDir)
      .filter((name) => !name.startsWith('volume'))
      .some((name) => readFileSync(join(dataDir, name)).includes('hush-hush'));
  assert.equal(grep(), false);
  await fixture.reopen();
  assert.equal(grep(), false);
  assert.equal(statSync(join(dataDir, 'metadata.key')).mode & 0o777, 0o600);
  const volume = await fixture.catalog.volumes.get('local');
  assert.equal(volume.params['aws.s3.secret_key'], 'hush-hush');
  const job = await fixture.catalog.loadJobs.byId(fixture.job.id);
  assert.match(job?.definitionJson ?? '', /hush-hush/);
});

test('a missing or wrong key file is one clear error, and the right one opens again', async (t) => {
  const fixture = await openFixture(t);
  await fixture.catalog.close();
  const path = join(fixture.dataDir, 'metadata.key');
  renameSync(path, `${path}.kept`);
  await assert.rejects(fixture.reopen(), hasCode('METADATA_KEY_MISSING'));
  writeFileSync(path, 'ab'.repeat(32));
  await assert.rejects(fixture.reopen(), hasCode('METADATA_KEY_WRONG'));
  writeFileSync(path, 'not a key');
  await assert.rejects(fixture.reopen(), hasCode('METADATA_KEY_WRONG'));
  rmSync(path);
  renameSync(`${path}.kept`, path);
  await fixture.reopen();
  assert.equal((await fixture.catalog.volumes.list()).length, 1);
});
