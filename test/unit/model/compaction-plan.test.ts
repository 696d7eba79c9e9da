// Size-tiered compaction: when, what, bounds, and what it costs over a long stream.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId, type FileId, type TransactionId, type VolumeId } from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { planCompaction, planNeighbours } from '../../../src/model/compaction-plan.ts';
import type { DataFile } from '../../../src/model/table.ts';

const MB = 1024 * 1024;
const file = (id: number, sizeBytes: number, volumeId = 1): DataFile => ({
  id: asId<FileId>(id),
  transactionId: asId<TransactionId>(id),
  volumeId: asId<VolumeId>(volumeId),
  key: `p/t${id}/x.parquet`,
  sizeBytes,
  rowCount: 1,
  deletes: [],
  deletedRows: 0,
  columnStats: {},
});
const many = (count: number, sizeBytes: number, from = 1, volumeId = 1): DataFile[] =>
  Array.from({ length: count }, (_, i) => file(from + i, sizeBytes, volumeId));

test('few files, or large ones, are left alone', () => {
  assert.deepEqual(planCompaction([]), []);
  assert.deepEqual(planCompaction(many(7, 5000)), []);
  assert.deepEqual(planCompaction(many(100, 300 * MB)), []);
  assert.deepEqual(planCompaction([...many(7, 5000), ...many(7, 5 * MB, 100)]), []);
});

test('a tier merges by itself, oldest first, and volumes are not mixed', () => {
  const tiny = many(9, 5000).toReversed();
  const [group, ...none] = planCompaction([...tiny, ...many(5, 5 * MB, 100)]);
  assert.deepEqual(none, []);
  assert.deepEqual(
    group?.map(({ id }) => Number(id)),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  const volumes = planCompaction([...many(8, 5000, 1, 1), ...many(8, 5000, 20, 2)]);
  assert.deepEqual(
    volumes.map((one) => new Set(one.map(({ volumeId }) => volumeId)).size),
    [1, 1],
  );
});

test('one merge is bounded in files and bytes', () => {
  assert.equal(planCompaction(many(2000, 5000))[0]?.length, 128);
  const [large] = planCompaction(many(60, 60 * MB));
  assert.ok((large?.length ?? 0) * 60 <= 512);
});

test('a day of one commit a second: few files at any time, each byte rewritten a few times', () => {
  const random = seededRandom(3);
  let live: DataFile[] = [];
  let nextId = 1;
  let loaded = 0;
  let rewritten = 0;
  let most = 0;
  for (let second = 0; second < 86_400; second += 1) {
    const size = 4000 + random.below(30_000);
    loaded += size;
    live.push(file(nextId++, size));
    if (second % 2 === 0)
      for (const group of planCompaction(live)) {
        const size = group.reduce((sum, one) => sum + one.sizeBytes, 0);
        rewritten += size;
        const gone = new Set(group);
        live = live.filter((one) => !gone.has(one));
        live.push(file(nextId++, size));
      }
    most = Math.max(most, live.filter(({ sizeBytes }) => sizeBytes < 128 * MB).length);
  }
  assert.ok(most <= 5 * 8, `${most} files`);
  assert.ok(live.length < 60);
  assert.ok(rewritten / loaded < 6, `write amplification ${rewritten / loaded}`);
});

test('where the order of rows counts, only files side by side merge', () => {
  const ids = (groups: readonly (readonly DataFile[])[]): number[][] =>
    groups.map((group) => group.map(({ id }) => Number(id)));
  const large = (id: number): DataFile => file(id, 300 * MB);
  assert.deepEqual(planNeighbours([...many(4, 5000), large(50), ...many(4, 5000, 10)]), []);
  const split = [...many(8, 5000), large(50), ...many(9, 5000, 10)];
  assert.deepEqual(
    ids(planNeighbours(split)).map((group) => group.length),
    [8, 9],
  );
  // A larger file among small ones goes up with them once there are enough together.
  const mixed = [...many(4, 5000), file(50, MB), ...many(4, 5000, 10)];
  assert.deepEqual(ids(planNeighbours(mixed)), [[1, 2, 3, 4, 50, 10, 11, 12, 13]]);
  assert.deepEqual(planNeighbours([...many(4, 5000), ...many(4, 5000, 10, 2)]), []);
  assert.equal(planNeighbours(many(500, 5000))[0]?.length, 128);
});
