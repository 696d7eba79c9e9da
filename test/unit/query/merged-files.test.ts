// Which files of an AGGREGATE KEY table need no merging: by their names, their places, and the ranges of their keys.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asId,
  type FieldId,
  type FileId,
  type PartitionId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { mergedFileKey, mergedKeysOf, transactionOfKey } from '../../../src/model/file-key.ts';
import type { DataFile, TableSchema } from '../../../src/model/table.ts';
import { isMergedAlready } from '../../../src/query/merged-files.ts';

const UUID = '00000000-0000-4000-8000-000000000001';

const schemaOf = (...keys: readonly number[]): TableSchema => ({
  keysType: 'AGG_KEYS',
  columns: [
    ...keys.map((id) => ({
      fieldId: asId<FieldId>(id),
      name: `k${id}`,
      type: { kind: 'INT' as const },
      nullable: true,
      isKey: true,
      defaultValue: null,
      comment: '',
    })),
    {
      fieldId: asId<FieldId>(9),
      name: 'v',
      type: { kind: 'BIGINT' as const },
      nullable: true,
      isKey: false,
      aggregate: 'SUM' as const,
      defaultValue: null,
      comment: '',
    },
  ],
});

let made = 0;
function fileOf(
  by: readonly number[] | null,
  ranges: Readonly<
    Record<string, readonly [min: number | null, max: number | null, nulls?: number]>
  >,
  partition?: number,
): DataFile {
  made += 1;
  return {
    id: asId<FileId>(made),
    transactionId: asId<TransactionId>(7),
    volumeId: asId<VolumeId>(1),
    key: by === null ? `p/t7/${UUID}.parquet` : mergedFileKey('p', asId(7), UUID, by),
    sizeBytes: 1,
    rowCount: 10,
    deletes: [],
    deletedRows: 0,
    columnStats: Object.fromEntries(
      Object.entries(ranges).map(([name, [min, max, nullCount = 0]]) => [
        name,
        {
          min: min === null ? null : String(min),
          max: max === null ? null : String(max),
          nullCount,
        },
      ]),
    ),
    ...(partition === undefined
      ? {}
      : { partition: { kind: 'id' as const, id: asId<PartitionId>(partition) } }),
  };
}

test('the name of a merged file says by which columns, and whose it is', () => {
  const key = mergedFileKey('db/t-1/data', asId(7), UUID, [1, 12]);
  assert.equal(key, `db/t-1/data/t7/${UUID}-merged-1-12.parquet`);
  assert.deepEqual(mergedKeysOf(key), [1, 12]);
  assert.equal(transactionOfKey(key), 7);
  assert.equal(mergedKeysOf(`db/t-1/data/t7/${UUID}.parquet`), null);
  // A name would be too long for a file system: such a file is merged once more when it is read.
  const many = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(mergedKeysOf(mergedFileKey('p', asId(7), UUID, many)), null);
});

test('one merged file needs none, one as it was loaded does', () => {
  assert.equal(isMergedAlready([], schemaOf(1)), true);
  assert.equal(isMergedAlready([fileOf([1], {})], schemaOf(1)), true);
  assert.equal(isMergedAlready([fileOf(null, { k1: [1, 2] })], schemaOf(1)), false);
  const [merged, loaded] = [fileOf([1], { k1: [1, 2] }), fileOf(null, { k1: [5, 6] })];
  assert.equal(isMergedAlready([merged, loaded], schemaOf(1)), false);
});

test('merged files need none where no key can be in two of them', () => {
  const both = (a: DataFile, b: DataFile, ...keys: readonly number[]): boolean =>
    isMergedAlready([a, b], schemaOf(...keys));
  assert.equal(both(fileOf([1], { k1: [1, 4] }), fileOf([1], { k1: [5, 6] }), 1), true);
  assert.equal(both(fileOf([1], { k1: [1, 5] }), fileOf([1], { k1: [5, 6] }), 1), false);
  // NULL is a key, too.
  assert.equal(both(fileOf([1], { k1: [1, 4, 1] }), fileOf([1], { k1: [5, 6, 2] }), 1), false);
  assert.equal(both(fileOf([1], { k1: [1, 4, 1] }), fileOf([1], { k1: [5, 6] }), 1), true);
  assert.equal(both(fileOf([1], { k1: [null, null, 10] }), fileOf([1], { k1: [5, 6] }), 1), true);
  // Any of the key columns tells them apart.
  const wide = { k1: [1, 9] } as const;
  const [low, high] = [
    fileOf([1, 2], { ...wide, k2: [1, 1] }),
    fileOf([1, 2], { ...wide, k2: [2, 2] }),
  ];
  assert.equal(both(low, high, 1, 2), true);
  assert.equal(both(fileOf([1], {}), fileOf([1], {}), 1), false);
});

test('a key is in one partition', () => {
  const files = [fileOf([1], { k1: [1, 5] }, 1), fileOf([1], { k1: [1, 5] }, 2)];
  assert.equal(isMergedAlready(files, schemaOf(1)), true);
});

test('a key column that is gone lets rows meet, one that came later does not', () => {
  assert.equal(isMergedAlready([fileOf([1, 2], {})], schemaOf(1)), false);
  assert.equal(isMergedAlready([fileOf([1], {})], schemaOf(1, 2)), true);
  assert.equal(isMergedAlready([fileOf([1, 2], {})], schemaOf(1, 3)), false);
});
