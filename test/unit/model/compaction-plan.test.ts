// Size-tiered compaction: when, what, bounds, and what it costs over a day of small commits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type PartitionId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import {
  COMPACTED_BYTES,
  type CompactionMode,
  compactionScore,
  loadingMode,
  planCompaction,
} from '../../../src/model/compaction-plan.ts';
import type { DataFile, TableSchema } from '../../../src/model/table.ts';

const KB = 1024;
const MB = 1024 * KB;
const file = (id: number, sizeBytes: number, volumeId = 1): DataFile => ({
  id: asId<FileId>(id),
  transactionId: asId<TransactionId>(id),
  volumeId: asId<VolumeId>(volumeId),
  key: `p/t${id}/x.parquet`,
  sizeBytes,
  rowCount: 10,
  deletes: [],
  deletedRows: 0,
  columnStats: {},
});
const many = (count: number, sizeBytes: number, from = 1, volumeId = 1): DataFile[] =>
  Array.from({ length: count }, (_, i) => file(from + i, sizeBytes, volumeId));
const plan = (files: readonly DataFile[], mode: CompactionMode = 'stream') =>
  planCompaction(files, 'DUP_KEYS', mode).map((group) => group.map(({ id }) => Number(id)));

test('few files, or large ones, are left alone', () => {
  assert.deepEqual(plan([]), []);
  assert.deepEqual(plan(many(7, 5000)), []);
  assert.deepEqual(plan(many(15, 4000)), [], 'they would not leave their tier');
  assert.deepEqual(plan(many(100, 300 * MB)), []);
  assert.deepEqual(plan([...many(7, 50 * KB), ...many(5, 5 * MB, 100)]), []);
});

test('a tier merges by itself once it is large or has many files, and volumes are not mixed', () => {
  const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  assert.deepEqual(plan([...many(9, 10 * KB), ...many(5, 1.5 * MB, 100)]), [nine]);
  assert.equal(plan(many(16, 100))[0]?.length, 16);
  const volumes = planCompaction([...many(8, 9 * KB, 1, 1), ...many(8, 9 * KB, 20, 2)], 'DUP_KEYS');
  assert.deepEqual(
    volumes.map((one) => [one.length, new Set(one.map(({ volumeId }) => volumeId)).size]),
    [
      [8, 1],
      [8, 1],
    ],
  );
});

test('partitions are not mixed: neighbours are those inside one', () => {
  const files = many(16, 9 * KB).map(
    (one, index): DataFile => ({
      ...one,
      partition: { kind: 'id', id: asId<PartitionId>(1 + (index % 2)) },
    }),
  );
  for (const keysType of ['DUP_KEYS', 'AGG_KEYS'] as const) {
    assert.deepEqual(
      planCompaction(files, keysType).map((group) => group.map(({ id }) => Number(id))),
      [
        [1, 3, 5, 7, 9, 11, 13, 15],
        [2, 4, 6, 8, 10, 12, 14, 16],
      ],
    );
  }
});

test('one merge is bounded in files, bytes and rows; the smallest comes first', () => {
  assert.equal(plan(many(2000, 5000))[0]?.length, 128);
  const [large] = plan(many(60, 60 * MB));
  assert.equal(large?.length, 4);
  const long = many(21, 2 * MB).map((one) => ({ ...one, rowCount: 10_000_000 }));
  assert.equal(plan(long, 'whole')[0]?.length, 3);
  const both = planCompaction([...many(20, 60 * MB), ...many(20, 8 * KB, 100)], 'DUP_KEYS');
  assert.deepEqual(
    both.map((group) => [group.length, group[0]?.sizeBytes]),
    [
      [20, 8 * KB],
      [4, 60 * MB],
    ],
  );
});

test('a quiet table is tidied up, but what is large already is not written again for a little', () => {
  const left = [...many(3, 10 * KB), ...many(2, 100 * KB, 10), ...many(2, 60 * MB, 20)];
  assert.deepEqual(plan(left), []);
  assert.deepEqual(plan(left, 'quiet'), [], 'few files are well enough');
  const more = [...many(6, 40 * KB), ...many(2, 100 * KB, 10), ...many(2, 60 * MB, 20)];
  assert.deepEqual(plan(more, 'quiet'), [[1, 2, 3, 4, 5, 6, 10, 11]]);
  assert.deepEqual(plan(many(6, 5000), 'quiet'), [[1, 2, 3, 4, 5, 6]]);
});

test('a file that lost many of its rows is written again, whatever its size', () => {
  const worn = { ...file(1, 900 * MB), deletedRows: 3 };
  const fresh = { ...file(2, 900 * MB), deletedRows: 2 };
  assert.deepEqual(plan([worn, fresh]), [[1]]);
  assert.deepEqual(plan([worn, fresh], 'whole'), [[1], [2]]);
  const small = { ...worn, sizeBytes: 5000 };
  assert.deepEqual(plan([small]), [], 'its tier is merged soon enough');
  assert.deepEqual(plan([small], 'quiet'), [[1]]);
});

test('a file with many overlays, or large ones, is written again with them in it', () => {
  const over = (id: number, sizeBytes: number, rows: readonly number[]): DataFile => ({
    ...file(id, sizeBytes),
    overlays: rows.map((count, part) => ({
      object: {
        id: asId<DeleteFileId>(100 + part),
        volumeId: asId<VolumeId>(1),
        key: `p/t${100 + part}/x-overlay.parquet`,
        sizeBytes: 10,
        rowCount: count,
        fieldIds: [asId<FieldId>(2)],
      },
      part: 0,
      rows: count,
    })),
  });
  assert.deepEqual(plan([over(1, 900 * MB, [1]), over(2, 900 * MB, [3])]), [[2]]);
  assert.deepEqual(plan([over(1, 900 * MB, [1, 1]), over(2, 900 * MB, [1, 1, 0, 0])]), [[2]]);
  assert.deepEqual(plan([over(1, 5000, [10])]), [], 'its tier is merged soon enough');
  assert.deepEqual(plan([over(1, 5000, [1])], 'quiet'), [[1]]);
  assert.deepEqual(plan([over(1, 900 * MB, [1])], 'quiet'), [], 'not for so little');
  assert.deepEqual(plan([over(1, 900 * MB, [1])], 'whole'), [[1]]);
});

test('files of a megabyte and more wait while much is loaded, small ones do not', () => {
  const heavy = many(20, 4 * MB);
  assert.equal(loadingMode(heavy, 'DUP_KEYS'), 'busy');
  assert.equal(loadingMode(heavy, 'PRIMARY_KEYS'), 'stream');
  assert.deepEqual(plan(heavy, 'busy'), []);
  assert.equal(plan(heavy, 'stream')[0]?.length, 20);
  assert.equal(plan(many(24, 4 * MB), 'busy')[0]?.length, 24);
  assert.equal(loadingMode([...heavy, file(50, 9 * KB)], 'DUP_KEYS'), 'stream');
  assert.equal(plan(many(8, 9 * KB), 'busy')[0]?.length, 8);
});

test('the whole table: everything that is small, and nothing a second time', () => {
  assert.deepEqual(plan([file(1, 10), file(2, 100 * MB), file(3, 200 * MB)], 'whole'), [[1, 2]]);
  assert.deepEqual(plan([file(1, 10), file(3, 200 * MB)], 'whole'), []);
});

test('where order decides about values only neighbours are merged', () => {
  const files = [...many(8, 9 * KB), file(50, 200 * MB), ...many(8, 9 * KB, 60)];
  const groups = planCompaction(files, 'AGG_KEYS');
  assert.deepEqual(
    groups.map((group) => group.map(({ id }) => Number(id))),
    [
      [1, 2, 3, 4, 5, 6, 7, 8],
      [60, 61, 62, 63, 64, 65, 66, 67],
    ],
  );
  const whole = planCompaction([file(1, 10), file(2, 200 * MB), file(3, 10)], 'AGG_KEYS', 'whole');
  assert.deepEqual(whole, []);
});

/** Never merged again: of several side by side one is enough to part what lies around them. */
const isLarge = ({ sizeBytes }: DataFile): boolean => sizeBytes >= COMPACTED_BYTES;
const small = file(0, 0);

/** A day of commits of about `bytes` each, one merge at most every two seconds. */
function simulateDay(
  keysType: TableSchema['keysType'],
  everySeconds: number,
  bytes: number,
): { amplification: number; most: number; live: number } {
  const random = seededRandom(3);
  let live: DataFile[] = [];
  let nextId = 1;
  let loaded = 0;
  let rewritten = 0;
  let most = 0;
  for (let second = 0; second < 86_400; second += 1) {
    if (second % everySeconds === 0) {
      const size = bytes / 2 + random.below(bytes);
      loaded += size;
      live.push(file(nextId++, size));
    }
    const mode = second % everySeconds >= 10 ? 'quiet' : loadingMode(live, keysType);
    const [group] = second % 2 === 0 ? planCompaction(live, keysType, mode) : [];
    if (group !== undefined) {
      const size = group.reduce((sum, one) => sum + one.sizeBytes, 0);
      rewritten += size;
      const last = group.at(-1);
      const gone = new Set(group);
      const output = file(nextId++, size);
      // In the place of the newest: there the order of commits puts it.
      live = live
        .flatMap((one) => (one === last ? [output] : gone.has(one) ? [] : [one]))
        .filter((one, index, all) => !isLarge(one) || !isLarge(all[index - 1] ?? small));
    }
    most = Math.max(most, compactionScore(live));
  }
  return { amplification: (loaded + rewritten) / loaded, most, live: compactionScore(live) };
}

for (const keysType of ['DUP_KEYS', 'AGG_KEYS'] as const)
  for (const [everySeconds, bytes] of [
    [1, 1 * KB],
    [1, 4 * KB],
    [1, 20 * KB],
    [1, 100 * KB],
    [1, 1 * MB],
    [1, 6 * MB],
    [15, 10 * KB],
    [60, 1 * MB],
  ] as const)
    test(`a day of ${bytes / KB} KB every ${everySeconds} s into ${keysType}: each byte is written 6 times at most, files stay few`, (t) => {
      const { amplification, most, live } = simulateDay(keysType, everySeconds, bytes);
      t.diagnostic(`written ${amplification.toFixed(2)} times, ${most} small files at most`);
      assert.ok(amplification <= 6, `write amplification ${amplification}`);
      assert.ok(most <= 60, `${most} files`);
      assert.ok(live <= 60);
    });
