// Where files go: into a local volume directly, through the temporary directory to a remote one, and
// nowhere when there are no rows or the numbers do not add up.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemRandom } from '../../../../src/base/random.ts';
import { transactionOfKey } from '../../../../src/model/file-key.ts';
import { parquetCopyOptions } from '../../../../src/model/parquet-layout.ts';
import { appendFile } from '../../../../src/pipeline/sink/append.ts';
import { targetSchema } from '../../../../src/pipeline/transform/compile-sql.ts';
import type { ObjectStore } from '../../../../src/storage/object-store.ts';
import { column, makePlan, PipelineFixture } from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const plan = makePlan({ columns: [column('id', { kind: 'BIGINT' })] });
const schema = targetSchema(plan);

function run(
  store: ObjectStore,
  rows: number,
  check: (rowCount: number) => void = () => undefined,
) {
  const begun = fixture.begin();
  return appendFile(
    { target: plan.target, schema, store },
    begun.transactionId,
    { random: systemRandom, tempDirectory: join(fixture.directory, 'upload') },
    fixture.connection,
    (path) =>
      `COPY (SELECT range AS id FROM range(${rows})) TO '${path}' (${parquetCopyOptions(schema)})`,
    check,
    {},
  );
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

test('a local file lies under its key, with the transaction in it and its statistics', async () => {
  const { file, rowCount } = await run(fixture.store, 10);
  assert.equal(rowCount, 10);
  assert.ok(file !== null && transactionOfKey(file.key) !== null);
  assert.deepEqual(file.columnStats, { id: { min: '0', max: '9', nullCount: 0 } });
  assert.equal(filesBelow(join(fixture.directory, 'volume')).length, 1);
});

test('a remote file goes through the temporary directory and leaves nothing there', async () => {
  const uploaded: string[] = [];
  const store: ObjectStore = {
    ...fixture.store,
    localPath: () => null,
    putFile: async (key, path) => {
      uploaded.push(key);
      assert.equal(filesBelow(join(fixture.directory, 'upload')).length, 1);
      assert.ok(path.startsWith(fixture.directory));
    },
  };
  const { file } = await run(store, 3);
  assert.deepEqual(uploaded, [file?.key]);
  assert.deepEqual(filesBelow(join(fixture.directory, 'upload')), []);
});

test('no rows, no file; a failed check or upload leaves nothing behind', async () => {
  const before = filesBelow(join(fixture.directory, 'volume')).length;
  assert.equal((await run(fixture.store, 0)).file, null);
  await assert.rejects(
    run(fixture.store, 5, () => {
      throw new Error('does not add up');
    }),
    /does not add up/,
  );
  const failing: ObjectStore = {
    ...fixture.store,
    putFile: () => Promise.reject(new Error('bucket is away')),
  };
  await assert.rejects(run(failing, 5), /bucket is away/);
  assert.equal(filesBelow(join(fixture.directory, 'volume')).length, before);
});

test('the directory of a volume is never made: a disk that is not mounted is an error', async () => {
  const away = `${join(fixture.directory, 'volume')}-away`;
  renameSync(join(fixture.directory, 'volume'), away);
  try {
    await assert.rejects(run(fixture.store, 1), /cannot use storage .* no such directory/);
    assert.ok(!existsSync(join(fixture.directory, 'volume')));
  } finally {
    renameSync(away, join(fixture.directory, 'volume'));
  }
});
