// Which results the metadata knows, and which have to be read from the files.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId } from '../../../src/base/ids.ts';
import type { ColumnStats, DataFile } from '../../../src/model/table.ts';
import { BIGINT, INT, STRING } from '../../../src/query/types.ts';
import { plan, storedTable } from './harness.ts';

const file = (
  id: number,
  rowCount: number,
  columnStats: Record<string, ColumnStats>,
  deletedRows = 0,
): DataFile => ({
  id: asId(id),
  transactionId: asId(id),
  volumeId: asId(1),
  key: `p/t${id}/x.parquet`,
  sizeBytes: 1,
  rowCount,
  columnStats,
  deletes: [],
  deletedRows,
});
const range = (min: string | null, max: string | null, nullCount = 0): ColumnStats => ({
  min,
  max,
  nullCount,
});
const COLUMNS = { id: BIGINT, n: INT, s: STRING, big: { kind: 'LARGEINT' } } as const;
const known = (sql: string, files: readonly DataFile[]) =>
  plan(sql, [storedTable('t', COLUMNS, files)]).knownRow;

const WHOLE = [
  file(1, 10, { id: range('5', '90'), n: range(null, null, 10), s: range('a', 'b') }),
  file(2, 4, { id: range('-7', '12'), n: range('3', '3', 2), s: range('a', 'z') }),
];

test('a count of all rows, and the range of whole numbers', () => {
  assert.deepEqual(known('SELECT count(*) FROM t', WHOLE), ['14']);
  assert.deepEqual(known('SELECT min(id), max(id), count(1), min(n) FROM t', WHOLE), [
    '-7',
    '90',
    '14',
    '3',
  ]);
  assert.deepEqual(known('SELECT count(*), max(id) FROM t', []), ['0', null]);
  assert.deepEqual(known('SELECT count(*) FROM t', [file(1, 10, {}, 3), file(2, 2, {})]), ['9']);
});

test('whatever is not exact is read', () => {
  for (const sql of [
    'SELECT count(*) FROM t WHERE id > -100',
    'SELECT count(*) FROM t GROUP BY id',
    'SELECT count(*) FROM t HAVING count(*) > 1',
    'SELECT count(*) FROM t LIMIT 1',
    'SELECT count(*) FROM t AS a, t AS b',
    'SELECT count(*) FROM (SELECT DISTINCT id FROM t) x',
    'SELECT DISTINCT count(*) FROM t',
    'SELECT count(*), 1 FROM t',
    'SELECT count(id) FROM t',
    'SELECT count(NULL) FROM t',
    'SELECT count(DISTINCT id) FROM t',
    'SELECT min(s) FROM t',
    'SELECT max(big) FROM t',
    'SELECT max(id + 1) FROM t',
    'SELECT sum(id) FROM t',
    'SELECT count(*) OVER () FROM t',
  ]) {
    assert.equal(known(sql, WHOLE), undefined, sql);
  }
  // A deleted row may have been the largest; without statistics nothing is known.
  assert.equal(
    known('SELECT max(id) FROM t', [file(1, 10, { id: range('1', '2') }, 1)]),
    undefined,
  );
  assert.equal(known('SELECT max(id) FROM t', [file(1, 10, {})]), undefined);
  assert.equal(
    known('SELECT max(n) FROM t', [file(1, 10, { n: range(null, null, 3) })]),
    undefined,
  );
});
