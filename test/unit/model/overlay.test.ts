// When a partial update is written as an overlay, and what statistics of a file say below one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TransactionId,
  type VolumeId,
} from '../../../src/base/ids.ts';
import { statsOf } from '../../../src/model/column-stats.ts';
import { MAX_OVERLAYS, writesColumns } from '../../../src/model/overlay.ts';
import {
  type ColumnSchema,
  type DataFile,
  newestPatch,
  type TableSchema,
  volumesOfFile,
} from '../../../src/model/table.ts';

const columns: readonly ColumnSchema[] = Array.from({ length: 11 }, (_, index) => ({
  fieldId: asId<FieldId>(index + 1),
  name: index === 0 ? 'k' : `c${index}`,
  type: { kind: 'BIGINT' },
  nullable: index > 0,
  isKey: index === 0,
  defaultValue: null,
  comment: '',
}));
const schema: TableSchema = { keysType: 'PRIMARY_KEYS', columns };
const some = (count: number): readonly ColumnSchema[] => columns.slice(1, count + 1);

function fileWith(overlays: number): DataFile {
  const stats = { min: '1', max: '2', nullCount: 0 };
  return {
    id: asId<FileId>(1),
    transactionId: asId<TransactionId>(1),
    volumeId: asId<VolumeId>(1),
    key: 'p/t1/x.parquet',
    sizeBytes: 1,
    rowCount: 10,
    columnStats: { c1: stats, c2: stats },
    deletes: [],
    deletedRows: 0,
    overlays: Array.from({ length: overlays }, (_, index) => ({
      object: {
        id: asId<DeleteFileId>(10 + index),
        volumeId: asId<VolumeId>(2),
        key: `p/t${index}/x-overlay.parquet`,
        sizeBytes: 1,
        rowCount: 1,
        fieldIds: [asId<FieldId>(3)],
      },
      part: 0,
      rows: 1,
    })),
  };
}

test('modes row and column do what they say, auto takes columns for many rows and few columns', () => {
  const write = { written: some(3), rowCount: 10_000, files: [] };
  assert.equal(writesColumns(schema, { ...write, mode: 'row' }), false);
  assert.equal(writesColumns(schema, { ...write, mode: 'column', rowCount: 1 }), true);
  assert.equal(writesColumns(schema, { ...write, mode: 'column', written: some(10) }), true);
  assert.equal(writesColumns(schema, { ...write, mode: 'auto' }), true);
  assert.equal(writesColumns(schema, { ...write, mode: 'auto', rowCount: 9_999 }), false);
  assert.equal(writesColumns(schema, { ...write, mode: 'auto', written: some(4) }), false);
});

test('whole rows are written of keys alone, of a changed sort key, and where a file has many overlays', () => {
  const write = { mode: 'column', rowCount: 1, files: [] } as const;
  assert.equal(writesColumns(schema, { ...write, written: [] }), false);
  const sorted = { ...schema, sortKey: [asId<FieldId>(3)] };
  assert.equal(writesColumns(sorted, { ...write, written: some(2) }), false);
  assert.equal(writesColumns(sorted, { ...write, written: some(1) }), true);
  const full = [fileWith(0), fileWith(MAX_OVERLAYS)];
  assert.equal(writesColumns(schema, { ...write, written: some(1), files: full }), false);
  const nearly = [fileWith(MAX_OVERLAYS - 1)];
  assert.equal(writesColumns(schema, { ...write, written: some(1), files: nearly }), true);
});

test('an overlaid column has no statistics; its objects are part of what a reader needs', () => {
  const file = fileWith(2);
  const [, c1, c2] = columns;
  assert.ok(c1 !== undefined && c2 !== undefined);
  assert.notEqual(statsOf(file, c1), undefined);
  assert.equal(statsOf(file, c2), undefined);
  assert.notEqual(statsOf(fileWith(0), c2), undefined);
  assert.deepEqual(volumesOfFile(file), [1, 2, 2]);
  assert.equal(newestPatch(file), 11);
  assert.equal(newestPatch(fileWith(0)), null);
});
