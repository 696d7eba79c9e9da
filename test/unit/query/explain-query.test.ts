// EXPLAIN's text: which files a scan reads, where predicates and join conditions stand, what each level adds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId } from '../../../src/base/ids.ts';
import type { DataFile } from '../../../src/model/table.ts';
import { type ExplainDetail, explainQuery } from '../../../src/query/explain-query.ts';
import { catalogOf, parseQuery, SESSION, storedTable } from './harness.ts';

const file = (id: number, min: number, max: number): DataFile => ({
  id: asId(id),
  transactionId: asId(id),
  volumeId: asId(1),
  key: `p/data/${id}.parquet`,
  sizeBytes: 1000 * id,
  rowCount: 100,
  deletes: [],
  deletedRows: 0,
  columnStats: { uid: { min: String(min), max: String(max), nullCount: id } },
});

const TABLES = [
  storedTable('clicks', { uid: { kind: 'BIGINT' }, site: { kind: 'VARCHAR', length: 50 } }, [
    file(1, 0, 99),
    file(2, 100, 199),
    file(3, 200, 299),
  ]),
  storedTable('users', { uid: { kind: 'BIGINT' }, city: { kind: 'VARCHAR', length: 50 } }, [
    file(4, 0, 10),
  ]),
];

function explain(sql: string, detail: ExplainDetail = 'NORMAL'): string {
  const context = {
    catalog: catalogOf(TABLES),
    session: SESSION,
    limits: { timeoutMs: 1000, maxRows: null },
  };
  return explainQuery(parseQuery(sql), sql, context, detail).join('\n');
}

test('a scan says how many files it reads and leaves out, and why', () => {
  assert.equal(
    explain('SELECT site FROM clicks WHERE uid >= 150 AND uid < 160'),
    `PLAN FRAGMENT 0
 OUTPUT EXPRS: site

  RESULT SINK

  0:OlapScanNode
     TABLE: db.clicks
     PREDICATES: uid >= 150, uid < 160
     files=1/3 (2 pruned)
     rows=100, bytes=2000`,
  );
});

test('VERBOSE names types and files, COSTS the ranges of columns and the rows expected', () => {
  const verbose = explain('SELECT uid FROM clicks WHERE uid > 199', 'VERBOSE');
  assert.match(verbose, /OUTPUT EXPRS: uid \[bigint\(20\)\]/);
  assert.match(
    verbose,
    /columns: uid \[bigint\(20\)\]\n {7}file: p\/data\/3\.parquet \(rows=100, bytes=3000\)$/,
  );
  const costs = explain('SELECT uid, count(*) FROM clicks WHERE uid > 99 GROUP BY uid', 'COSTS');
  assert.match(costs, /\* uid-->\[100, 299, nulls=5\]\n {5}cardinality: 66$/);
  assert.match(costs, /group by: uid\n {2}\| {2}cardinality: 7\n/);
});

test('many files are counted, not all named', () => {
  const files = Array.from({ length: 60 }, (_, i) => file(i + 1, i, i));
  const context = {
    catalog: catalogOf([storedTable('many', { uid: { kind: 'BIGINT' } }, files)]),
    session: SESSION,
    limits: { timeoutMs: 1000, maxRows: null },
  };
  const sql = 'SELECT uid FROM many';
  const lines = explainQuery(parseQuery(sql), sql, context, 'VERBOSE');
  assert.equal(lines.filter((line) => line.includes('file: ')).length, 50);
  assert.equal(lines.at(-1)?.trim(), '... 10 more files');
});

test('conditions of WHERE stand where the engine can use them', () => {
  const text = explain(`SELECT c.site FROM clicks c, users u
    WHERE c.uid = u.uid AND u.city = 'x' AND c.site <> u.city AND (SELECT max(uid) FROM users) > 1`);
  assert.match(text, /HASH JOIN\n.*join op: INNER JOIN\n.*equal join conjunct: c\.uid = u\.uid/);
  assert.match(text, /other join predicates: c\.site <> u\.city/);
  assert.match(text, /TABLE: db\.users\n.*PREDICATES: u\.city = 'x'/);
  assert.match(text, /SELECT\n.*predicates: \(subquery 1\) > 1/);
  assert.match(text, /SUBQUERY 1\n\n.*AGGREGATE\n.*output: max\(users\.uid\)/);
});

test('a predicate stays above the side of an outer join that may be filled with NULLs', () => {
  const text = explain(
    `SELECT 1 FROM clicks c LEFT JOIN users u ON c.uid = u.uid WHERE u.city = 'x' AND c.site = 'y'`,
  );
  assert.match(text, /SELECT\n.*predicates: u\.city = 'x'/);
  assert.match(text, /TABLE: db\.clicks\n.*PREDICATES: c\.site = 'y'/);
});

test('LOGICAL is one operator a line with the parts below', () => {
  assert.equal(
    explain('WITH w AS (SELECT 1 AS a) SELECT a FROM w ORDER BY a DESC LIMIT 2, 1', 'LOGICAL'),
    `- Output => [a]
    - TOP-N
            order by: a DESC
            offset: 2
            limit: 1
            cardinality: 1
        - CTE SCAN
                CTE: w
                cardinality: unknown
- CTE w
    - VALUES
            rows: 1
            cardinality: 1`,
  );
});

test('every kind of expression can be shown', () => {
  const text =
    explain(`SELECT CASE WHEN uid IS NULL THEN 'a' ELSE upper(site) END, cast(uid AS string),
      NOT (uid IN (1, 2)), [1, 2][1], array_map(x -> x + 1, [1]), site LIKE 'a%', date_add('2024-01-01', INTERVAL 1 DAY),
      map{1: 2}, sum(uid) OVER (PARTITION BY site ORDER BY uid DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
      count(DISTINCT uid) OVER ()
    FROM clicks WHERE EXISTS (SELECT 1 FROM users u WHERE u.uid = clicks.uid) AND uid IN (SELECT uid FROM users)`);
  assert.match(
    text,
    /sum\(clicks\.uid\) OVER \(PARTITION BY clicks\.site ORDER BY clicks\.uid DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW\)/,
  );
  assert.match(text, /predicates: EXISTS \(subquery 1\), clicks\.uid IN \(subquery 2\)/);
});
