// How many rows a plan says it can give at most: LIMIT, or one for an aggregate of everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INT, STRING } from '../../../src/query/types.ts';
import { plan, storedTable } from './harness.ts';

const bound = (sql: string): number | null => plan(sql).maxRows;

test('a bound is given only where it holds', () => {
  assert.equal(bound('SELECT count(*), max(a) FROM (SELECT 1 AS a) t'), 1);
  assert.equal(bound('SELECT count(*) FROM (SELECT 1 AS a) t LIMIT 0'), 0);
  assert.equal(bound('SELECT a FROM (SELECT 1 AS a) t LIMIT 7'), 7);
  assert.equal(bound('SELECT a FROM (SELECT 1 AS a) t'), null);
  assert.equal(bound('SELECT a, count(*) FROM (SELECT 1 AS a) t GROUP BY a'), null);
  assert.equal(bound('SELECT count(*) OVER () FROM (SELECT 1 AS a) t'), null);
  assert.equal(bound('SELECT 1 UNION ALL SELECT 2'), null);
});

test('a filter over one scan is tried for a few rows first, nothing else is', () => {
  const tables = [storedTable('t', { id: INT, name: STRING })];
  const tries = (sql: string): boolean => plan(sql, tables).tryFewFirst === true;
  assert.equal(tries('SELECT id, name FROM t WHERE id = 1'), true);
  assert.equal(tries('SELECT upper(name) FROM t WHERE id IN (1, 2) AND name IS NOT NULL'), true);
  for (const sql of [
    'SELECT id FROM t',
    'SELECT id FROM t WHERE id > 1 ORDER BY id',
    'SELECT DISTINCT id FROM t WHERE id > 1',
    'SELECT max(id) FROM t WHERE id > 1 GROUP BY name',
    'SELECT row_number() OVER () FROM t WHERE id > 1',
    'SELECT id FROM (SELECT id FROM t WHERE id > 1) s WHERE id < 3',
    'SELECT id FROM t WHERE id IN (SELECT id FROM t)',
    'SELECT id FROM t WHERE id = 1 UNION ALL SELECT 2',
  ]) {
    assert.equal(tries(sql), false, sql);
  }
});
