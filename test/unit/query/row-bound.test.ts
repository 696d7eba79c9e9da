// How many rows a plan says it can give at most: LIMIT, or one for an aggregate of everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from './harness.ts';

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
