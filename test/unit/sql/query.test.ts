import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseStatement, parseStatements } from '../../../src/sql/parse.ts';
import { printStatement } from '../../../src/sql/print-statement.ts';
import { withoutPositions } from './tree.ts';

const TPCH = readFileSync(new URL('../../fixtures/sql/tpch.sql', import.meta.url), 'utf8');

/** Text -> canonical print; '' = the text itself. */
const QUERIES: readonly (readonly [string, string])[] = [
  ['SELECT 1', ''],
  ['select 1 from dual', 'SELECT 1'],
  ['select all a, b c, d as "e f", g \'h\'', 'SELECT a, b AS c, d AS `e f`, g AS h'],
  [
    'select *, t.*, db.t.*, * exclude (a, b) from t',
    'SELECT *, t.*, db.t.*, * EXCLUDE (a, b) FROM t',
  ],
  [
    'select distinct timestamp, status, type, format from name',
    'SELECT DISTINCT timestamp, status, type, format FROM name',
  ],
  ['select /*+ SET_VAR(query_timeout=1) */ 1', 'SELECT /*+ SET_VAR(query_timeout=1) */ 1'],
  ['select 1 from a, b c, d as e', 'SELECT 1 FROM a CROSS JOIN b AS c CROSS JOIN d AS e'],
  ['select 1 from a, b join c on x = y', 'SELECT 1 FROM a CROSS JOIN (b INNER JOIN c ON x = y)'],
  [
    'select 1 from a left join b using (x, y) right outer join c on 1 full join d on 2',
    'SELECT 1 FROM a LEFT JOIN b USING (x, y) RIGHT JOIN c ON 1 FULL JOIN d ON 2',
  ],
  [
    'select 1 from a left semi join [broadcast] b on 1 right anti join c on 2',
    'SELECT 1 FROM a LEFT SEMI JOIN [BROADCAST] b ON 1 RIGHT ANTI JOIN c ON 2',
  ],
  ['select 1 from cat.db.t partition (p1, p2) x', 'SELECT 1 FROM cat.db.t PARTITION (p1, p2) AS x'],
  ['select 1 from t temporary partition (p)', 'SELECT 1 FROM t TEMPORARY PARTITION (p)'],
  ['select 1 from (select 1) as t(a, b)', 'SELECT 1 FROM (SELECT 1) AS t (a, b)'],
  ['select 1 from (values (1, 2), (3, 4)) t', 'SELECT 1 FROM (VALUES (1, 2), (3, 4)) AS t'],
  [
    'select 1 from t, lateral unnest(a, b) as u(x, y)',
    'SELECT 1 FROM t CROSS JOIN LATERAL unnest(a, b) AS u (x, y)',
  ],
  [
    'select 1 from table(generate_series(start => 1, end => 9)) g',
    'SELECT 1 FROM generate_series(start => 1, end => 9) AS g',
  ],
  ['select 1 from ((select 1) union (select 2)) t', 'SELECT 1 FROM (SELECT 1 UNION SELECT 2) AS t'],
  ['select 1 from ((select 1)) t', 'SELECT 1 FROM (SELECT 1) AS t'],
  ['select 1 from (a join (b cross join c))', 'SELECT 1 FROM a INNER JOIN (b CROSS JOIN c)'],
  [
    'select a, count(*) from t where b group by 1, a + 1 having count(*) > 1 qualify row_number() over () = 1',
    'SELECT a, count(*) FROM t WHERE b GROUP BY 1, a + 1 HAVING count(*) > 1 QUALIFY row_number() OVER () = 1',
  ],
  ['select 1 group by rollup(a, b)', 'SELECT 1 GROUP BY ROLLUP (a, b)'],
  ['select 1 group by a, b with rollup', 'SELECT 1 GROUP BY ROLLUP (a, b)'],
  ['select 1 group by cube(a)', 'SELECT 1 GROUP BY CUBE (a)'],
  [
    'select 1 group by grouping sets ((a, b), (a), ())',
    'SELECT 1 GROUP BY GROUPING SETS ((a, b), (a), ())',
  ],
  [
    'select 1 order by a, b asc nulls first, c desc limit 5, 10',
    'SELECT 1 ORDER BY a, b NULLS FIRST, c DESC LIMIT 10 OFFSET 5',
  ],
  ['select 1 limit 3 offset ?', 'SELECT 1 LIMIT 3 OFFSET ?'],
  ['select 1 union select 2 union all select 3', 'SELECT 1 UNION SELECT 2 UNION ALL SELECT 3'],
  ['select 1 union (select 2 union distinct select 3)', 'SELECT 1 UNION (SELECT 2 UNION SELECT 3)'],
  ['select 1 union select 2 intersect select 3', 'SELECT 1 UNION SELECT 2 INTERSECT SELECT 3'],
  [
    '(select 1 union select 2) intersect select 3 minus select 4',
    '(SELECT 1 UNION SELECT 2) INTERSECT SELECT 3 EXCEPT SELECT 4',
  ],
  [
    '(select 1 limit 1) union all (select 2 order by 1) order by 1 limit 2',
    '(SELECT 1 LIMIT 1) UNION ALL (SELECT 2 ORDER BY 1) ORDER BY 1 LIMIT 2',
  ],
  ['((select 1))', 'SELECT 1'],
  [
    'with a as (select 1), b(x, y) as (select 2, 3) select * from a, b',
    'WITH a AS (SELECT 1), b (x, y) AS (SELECT 2, 3) SELECT * FROM a CROSS JOIN b',
  ],
  ['with recursive a as (select 1) select 1', 'WITH RECURSIVE a AS (SELECT 1) SELECT 1'],
  ['with recursive as (select 1) select 1', 'WITH `recursive` AS (SELECT 1) SELECT 1'],
  ['select 1 except select 2', 'SELECT 1 EXCEPT SELECT 2'],
  ['select * from t except select * from u', 'SELECT * FROM t EXCEPT SELECT * FROM u'],
  [
    'select (select max(a) from t), b from u where exists (select 1 from v where v.x = u.x)',
    'SELECT (SELECT max(a) FROM t), b FROM u WHERE EXISTS (SELECT 1 FROM v WHERE v.x = u.x)',
  ],
];

for (const [text, canonical] of QUERIES) {
  test(`query: ${text}`, () => {
    const tree = parseStatement(text);
    const expected = canonical === '' ? text : canonical;
    assert.equal(printStatement(tree), expected);
    assert.deepEqual(withoutPositions(parseStatement(expected)), withoutPositions(tree));
  });
}

test('TPC-H: the 22 queries parse, and their print parses to the same trees', () => {
  const parsed = parseStatements(TPCH);
  assert.equal(parsed.length, 22);
  for (const { statement } of parsed) {
    assert.equal(statement.kind, 'query');
    const printed = printStatement(statement);
    assert.deepEqual(
      withoutPositions(parseStatement(printed)),
      withoutPositions(statement),
      printed,
    );
  }
});

test('a select item knows where its text ends', () => {
  const text = 'select  a +\n b  as c, d';
  const tree = parseStatement(text);
  assert.ok(tree.kind === 'query' && tree.body.kind === 'select');
  const texts = tree.body.items.map((item) =>
    item.kind === 'expression_item' ? text.slice(item.pos.start, item.end) : '*',
  );
  assert.deepEqual(texts, ['a +\n b', 'd']);
});
