// FROM over a real DuckDB: PIVOT, unnest of several arrays, WITH RECURSIVE, FILTER, and GROUP BY with and
// without ONLY_FULL_GROUP_BY.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SqlType } from '../../../src/model/sql-type.ts';
import { Bench, errorOf, plan, SESSION } from './harness.ts';

const INT: SqlType = { kind: 'INT' };
const TEXT: SqlType = { kind: 'VARCHAR', length: 20 };

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  await bench.table(
    'sales',
    { shop: TEXT, year: INT, quarter: INT, amount: INT },
    `('a', 2024, 1, 10), ('a', 2024, 2, 20), ('a', 2025, 1, 40), ('b', 2024, 1, 7), ('b', 2025, 1, NULL)`,
  );
  await bench.table(
    'lists',
    { k: INT, a: { kind: 'ARRAY', element: INT }, b: { kind: 'ARRAY', element: TEXT } },
    `(1, [1, 2], ['x']), (2, [], ['y']), (3, NULL, NULL)`,
  );
});
after(() => bench.close());

const namesOf = (sql: string): string[] =>
  plan(sql, bench.tables).columns.map((column) => column.name);

test('PIVOT makes a column of each value; the other columns are the groups', async () => {
  const sql = `SELECT * FROM (SELECT shop, year, amount FROM sales) s
    PIVOT (sum(amount) FOR year IN (2024, 2025)) ORDER BY shop`;
  assert.deepEqual(namesOf(sql), ['shop', '2024', '2025']);
  assert.deepEqual(await bench.run(sql), [
    ['a', '30', '40'],
    ['b', '7', null],
  ]);
});

test('PIVOT with several aggregates, several columns, aliases and no group at all', async () => {
  const sql = `SELECT p.* FROM (SELECT year, quarter, amount FROM sales) s
    PIVOT (sum(amount) AS total, count(*) n FOR (year, quarter) IN ((2024, 1) AS q1, (2024, 2), (1999, 1))) AS p`;
  assert.deepEqual(namesOf(sql), [
    'total_q1',
    'n_q1',
    'total_2024_2',
    'n_2024_2',
    'total_1999_1',
    'n_1999_1',
  ]);
  assert.deepEqual(await bench.run(sql), [['17', '2', '20', '1', null, '0']]);
});

test('PIVOT refuses what it cannot turn', () => {
  const error = (sql: string): string => errorOf(() => plan(sql, bench.tables));
  assert.match(
    error('SELECT * FROM sales PIVOT (amount + 1 FOR year IN (1))'),
    /aggregate functions only/,
  );
  assert.match(
    error('SELECT * FROM sales PIVOT (abs(amount) FOR year IN (1))'),
    /aggregate functions only/,
  );
  assert.match(
    error('SELECT * FROM sales PIVOT (sum(amount) FOR (year, shop) IN ((1)))'),
    /PIVOT has 2 columns, but this value has 1 parts/,
  );
  assert.match(error('SELECT * FROM sales PIVOT (sum(nix) FOR year IN (1))'), /'nix' cannot be/);
});

test('unnest of several arrays goes side by side, the shorter padded with NULL', async () => {
  assert.deepEqual(
    await bench.run('SELECT k, x, y FROM lists, unnest(a, b) AS u(x, y) ORDER BY k, x'),
    [
      ['1', '1', 'x'],
      ['1', '2', null],
      ['2', null, 'y'],
    ],
  );
  assert.deepEqual(namesOf('SELECT * FROM unnest([1], [2])'), ['unnest', 'unnest']);
  assert.match(
    errorOf(() => plan('SELECT * FROM unnest([1], 2)', [])),
    /Unknown table function 'unnest\(array<tinyint\(4\)>, tinyint\(4\)\)'/,
  );
});

test('WITH RECURSIVE: the anchor settles names and types', async () => {
  assert.deepEqual(
    await bench.run(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i * 100 FROM n WHERE i < 1000000),
         texts AS (SELECT 'a' AS t UNION ALL SELECT concat(t, 'b') FROM texts WHERE length(t) < 3)
       SELECT i, t FROM n, texts ORDER BY i DESC, t LIMIT 3`,
    ),
    [
      ['1000000', 'a'],
      ['1000000', 'ab'],
      ['1000000', 'abb'],
    ],
  );
  assert.match(
    errorOf(() => plan('WITH RECURSIVE n AS (SELECT i FROM n) SELECT * FROM n', [])),
    /recursive WITH table n must be a plain UNION/,
  );
  assert.match(
    errorOf(() => plan('WITH n AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT * FROM n', [])),
    /Unknown table/,
  );
});

test('FILTER (WHERE ...) leaves rows out of one aggregate', async () => {
  assert.deepEqual(
    await bench.run(
      `SELECT shop, sum(amount) FILTER (WHERE year = 2024), count(*) FILTER (WHERE amount > 100)
       FROM sales GROUP BY shop ORDER BY shop`,
    ),
    [
      ['a', '30', '0'],
      ['b', '7', '0'],
    ],
  );
  assert.match(
    errorOf(() => plan('SELECT sum(amount) FILTER (WHERE max(year) > 1) FROM sales', bench.tables)),
    /FILTER of sum cannot contain aggregates/,
  );
  assert.match(
    errorOf(() => plan('SELECT abs(amount) FILTER (WHERE true) FROM sales', bench.tables)),
    /abs is no aggregate function/,
  );
});

test('without ONLY_FULL_GROUP_BY what is not grouped is any value of the group', async () => {
  const sql = 'SELECT shop, year > 1, count(*) FROM sales GROUP BY shop ORDER BY upper(shop), year';
  const strict = { ...SESSION, sqlMode: 'ONLY_FULL_GROUP_BY' };
  assert.match(
    errorOf(() => plan(sql, bench.tables, strict)),
    /'year' must be an aggregate expression or appear in GROUP BY clause/,
  );
  assert.deepEqual(await bench.run(sql, { ...SESSION, sqlMode: 'STRICT_TRANS_TABLES' }), [
    ['a', '1', '3'],
    ['b', '1', '2'],
  ]);
});

test('forms that Millrace has not are named', () => {
  const error = (sql: string): string => errorOf(() => plan(sql, bench.tables));
  assert.match(error('SELECT 1 FROM sales NATURAL JOIN lists'), /^NATURAL JOIN is not supported/);
  assert.match(error('SELECT 1 FROM sales TABLET (1)'), /^TABLET \(...\) behind a table is not/);
  assert.match(error('SELECT 1 FROM sales [_META_]'), /^a hint in brackets behind a table is not/);
  assert.match(
    error("SELECT 1 FROM sales FOR VERSION FROM '1' TO '2'"),
    /^FOR VERSION FROM is not supported/,
  );
});
