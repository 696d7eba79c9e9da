// Which queries are look-ups, and what they then ask for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LookUp } from '../../../src/model/query-plan.ts';
import { BIGINT, INT, STRING } from '../../../src/query/types.ts';
import { plan, storedTable } from './harness.ts';

const tables = [
  storedTable('t', {
    id: BIGINT,
    small: INT,
    name: STRING,
    flag: { kind: 'BOOLEAN' },
    big: { kind: 'LARGEINT' },
    list: { kind: 'ARRAY', element: INT },
    day: { kind: 'DATE' },
  }),
];
const lookUp = (sql: string): LookUp | undefined => plan(sql, tables).lookUp;

test('columns of one table by whole numbers', () => {
  assert.deepEqual(lookUp('SELECT name, id FROM t WHERE id = 7'), {
    columns: [
      { name: 'name', sql: 'CAST("name" AS VARCHAR)' },
      { name: 'id', sql: 'CAST("id" AS BIGINT)' },
    ],
    comparisons: [{ column: 'id', op: '=', value: 7n }],
    offset: 0,
    most: null,
  });
  const range = lookUp('SELECT day FROM t AS x WHERE x.id >= -5 AND 9 > x.small LIMIT 3, 4');
  assert.deepEqual(range?.comparisons, [
    { column: 'id', op: '>=', value: -5n },
    { column: 'small', op: '<', value: 9n },
  ]);
  assert.deepEqual([range?.offset, range?.most], [3, 4]);
  assert.equal(lookUp('SELECT * FROM t WHERE id = 7'), undefined, 'an array has no plain text');
});

test('everything else is the engine’s', () => {
  for (const sql of [
    'SELECT id FROM t',
    'SELECT id + 1 FROM t WHERE id = 7',
    'SELECT DISTINCT id FROM t WHERE id = 7',
    'SELECT count(*) FROM t WHERE id = 7',
    'SELECT id FROM t WHERE id = 7 GROUP BY id',
    'SELECT id FROM t WHERE id = 7 ORDER BY name',
    'SELECT id FROM t WHERE id = 7 OR id = 8',
    'SELECT id FROM t WHERE NOT id = 7',
    'SELECT id FROM t WHERE id <> 7',
    'SELECT id FROM t WHERE id <=> 7',
    'SELECT id FROM t WHERE id = NULL',
    'SELECT id FROM t WHERE id = small',
    'SELECT id FROM t WHERE id = 7.5',
    "SELECT id FROM t WHERE id = '7x'",
    'SELECT id FROM t WHERE id = 7 AND length(name) = 2',
    'SELECT id FROM t WHERE flag = 1',
    'SELECT id FROM t WHERE big = 7',
    "SELECT id FROM t WHERE name = 'a'",
    'SELECT list FROM t WHERE id = 7',
    'SELECT a.id FROM t a JOIN t b ON a.id = b.id WHERE a.id = 7',
    'SELECT id FROM (SELECT id FROM t) s WHERE id = 7',
    'WITH s AS (SELECT id FROM t) SELECT id FROM t WHERE id = 7',
    'SELECT id FROM t WHERE id = 7 UNION ALL SELECT 1',
    'SELECT id FROM t WHERE id = 7 AND id IN (SELECT id FROM t)',
  ]) {
    assert.equal(lookUp(sql), undefined, sql);
  }
});
