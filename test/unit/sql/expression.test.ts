import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpression, parseLoadColumns } from '../../../src/sql/parse.ts';
import { printExpression } from '../../../src/sql/print.ts';
import { shape, withoutPositions } from './tree.ts';

/** Text -> how it binds. */
const BINDING: readonly (readonly [string, string])[] = [
  ['1 + 2 * 3', '(1 + (2 * 3))'],
  ['1 - 2 - 3', '((1 - 2) - 3)'],
  ['a or b and c', '(a OR (b AND c))'],
  ['a || b && c', '(a OR (b AND c))'],
  ['a xor b or c xor d', '((a XOR b) OR (c XOR d))'],
  ['not a = b and c', '((NOT (a = b)) AND c)'],
  ['not not a', '(NOT (NOT a))'],
  ['!a = b', '((NOT a) = b)'],
  ['a = b in (1, 2)', '(a = (b IN (1, 2)))'],
  ['a in (1) = b', '((a IN (1)) = b)'],
  ['a = b is null', '((a = b) IS NULL)'],
  ['a is not null and b', '((a IS NOT NULL) AND b)'],
  ['a between 1 and 2 and c', '((a BETWEEN 1 AND 2) AND c)'],
  ['a not between 1 + 1 and 2 | 3', '(a NOT BETWEEN (1 + 1) AND (2 | 3))'],
  ["a not like 'x%' or b", "((a NOT LIKE 'x%') OR b)"],
  ["a rlike 'x' and b regexp 'y'", "((a REGEXP 'x') AND (b REGEXP 'y'))"],
  ['a | b & c + d * e ^ f', '(a | (b & (c + (d * (e ^ f)))))'],
  ['a << 1 | 2', '(a << (1 | 2))'],
  ['a >> 2', '(a >> 2)'],
  ['a bitshiftright 2', '(a >> 2)'],
  ['a div b mod c % d', '(((a DIV b) % c) % d)'],
  ['-a ^ b', '((- a) ^ b)'],
  ['- -1', '(- (- 1))'],
  ['-a[1]', '(- (a[1]))'],
  ['a <=> null', '(a <=> NULL)'],
  ['a < b = c > d', '(((a < b) = c) > d)'],
  ["j->'$.a'->'$.b' = 1", "(((j -> '$.a') -> '$.b') = 1)"],
  ['a[1][2].f', '(((a[1])[2]).f)'],
  ['f(x).y', '(f(x).y)'],
  ['(a.b).c', '(a.b.c)'],
  ['x -> x + 1', '(x => (x + 1))'],
  ['array_map((x, y) -> x + y, a, b)', 'array_map((x, y => (x + y)), a, b)'],
  ['d + interval 1 day * 2', '(d + ((INTERVAL 1 DAY) * 2))'],
  ['interval -3 month + d', '((INTERVAL (- 3) MONTH) + d)'],
  ['interval + 1', '(interval + 1)'],
  ['timestamp + date', '(timestamp + date)'],
  ['a.b.c.d = 1', '(a.b.c.d = 1)'],
  ['t.key', 't.key'],
];

for (const [text, expected] of BINDING) {
  test(`${text} binds as ${expected}`, () => {
    const tree = parseExpression(text);
    assert.equal(shape(tree), expected);
    const printed = printExpression(tree);
    assert.deepEqual(withoutPositions(parseExpression(printed)), withoutPositions(tree), printed);
  });
}

/** Text -> canonical print, which must parse to the same tree. */
const PRINTED: readonly (readonly [string, string])[] = [
  ['COUNT( * )', 'count(*)'],
  ['Count(distinct A, b)', 'count(DISTINCT A, b)'],
  [
    "group_concat(a order by b desc, c nulls last separator '|')",
    "group_concat(a ORDER BY b DESC, c NULLS LAST SEPARATOR '|')",
  ],
  ['sum(all x)', 'sum(x)'],
  ['lead(x ignore nulls, 1) over (order by y)', 'lead(x, 1) IGNORE NULLS OVER (ORDER BY y)'],
  [
    'row_number() over (partition by a, b order by c rows between unbounded preceding and 1 following)',
    'row_number() OVER (PARTITION BY a, b ORDER BY c ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING)',
  ],
  ['sum(x) over (order by y range current row)', 'sum(x) OVER (ORDER BY y RANGE CURRENT ROW)'],
  ['sum(x) filter (where y > 1)', 'sum(x) FILTER (WHERE y > 1)'],
  ['case when a then 1 end', 'CASE WHEN a THEN 1 END'],
  [
    'case a when 1 then 2 when 3 then 4 else 5 end',
    'CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 ELSE 5 END',
  ],
  ['cast(a as decimal(10,2))', 'CAST(a AS decimal(10, 2))'],
  [
    'cast(a as map<string,array<struct<x int, `select` json>>>)',
    'CAST(a AS map<varchar(65533),array<struct<x int(11), `select` json>>>)',
  ],
  ['cast(a as char)', 'CAST(a AS varchar(65533))'],
  ['try_cast(a as int)', 'TRY_CAST(a AS int(11))'],
  ['convert(a, signed)', 'CAST(a AS bigint(20))'],
  ['extract(year from d)', 'year(d)'],
  ['timestampdiff(day, a, b)', 'timestampdiff(DAY, a, b)'],
  ['time_slice(d, interval 5 minute, floor)', "time_slice(d, INTERVAL 5 MINUTE, 'floor')"],
  ['substring(a from 2 for 3)', 'substring(a, 2, 3)'],
  ['mod(a, 2)', 'mod(a, 2)'],
  ["if(a like 'x', left(b, 1), right(c, 2))", "if(a LIKE 'x', left(b, 1), right(c, 2))"],
  ["regexp(a, 'b')", "regexp(a, 'b')"],
  ['current_timestamp', 'current_timestamp()'],
  ['current_timestamp(3)', 'current_timestamp(3)'],
  ['database()', 'database()'],
  ['db.f(1)', 'db.f(1)'],
  ['`select`(1)', '`select`(1)'],
  ['`cast`(1)', '`cast`(1)'],
  ["date '2024-01-31'", "DATE '2024-01-31'"],
  ["timestamp '2024-01-31 00:00:00'", "DATETIME '2024-01-31 00:00:00'"],
  ['[1, [2], []]', '[1, [2], []]'],
  ['array<int>[1, 2]', 'array<int(11)>[1, 2]'],
  ["map{'a': 1, 'b': 2}['a']", "map{'a': 1, 'b': 2}['a']"],
  ['map<string, int>{}', 'map<varchar(65533), int(11)>{}'],
  ['map < 3', '`map` < 3'],
  ['@A + @@GLOBAL.Max_Packet + @@x + @@local.y', '@a + @@GLOBAL.max_packet + @@x + @@SESSION.y'],
  ['? + ?', '? + ?'],
  ['exists (select 1)', 'EXISTS (SELECT 1)'],
  ['not exists (select 1)', 'NOT EXISTS (SELECT 1)'],
  ['a in (select 1)', 'a IN (SELECT 1)'],
  ['a in ((select 1))', 'a IN (SELECT 1)'],
  ['a in ((select 1 limit 2) union select 2)', 'a IN ((SELECT 1 LIMIT 2) UNION SELECT 2)'],
  ['a in ((select 1), 2)', 'a IN ((SELECT 1), 2)'],
  ['(a, b) not in (select 1, 2)', '(a, b) NOT IN (SELECT 1, 2)'],
  ['((((select 1))) + 1)', '(SELECT 1) + 1'],
  ['((select 1) union all (select 2) limit 1)', '(SELECT 1 UNION ALL SELECT 2 LIMIT 1)'],
  ["a collate utf8mb4_bin = 'x'", "a COLLATE utf8mb4_bin = 'x'"],
  ["'it''s' + \"\\n\"", "'it\\'s' + '\\n'"],
  ["x'ff'", "X'FF'"],
  ['{fn now()}', 'now()'],
  ["binary 'a' = binary b", "'a' = b"],
  ['binary + 1', '`binary` + 1'],
  ['1e5 + .5 + 10000000000000000000000', '1e5 + .5 + 10000000000000000000000'],
];

for (const [text, expected] of PRINTED) {
  test(`${text} prints as ${expected}`, () => {
    const tree = parseExpression(text);
    assert.equal(printExpression(tree), expected);
    assert.deepEqual(withoutPositions(parseExpression(expected)), withoutPositions(tree));
  });
}

test('PIPES_AS_CONCAT makes || a call of concat', () => {
  const tree = parseExpression('a || b = c', { pipesAsConcat: true });
  assert.equal(printExpression(tree), 'concat(a, b) = c');
});

test('an expression carries the position of its first token', () => {
  const tree = parseExpression('\n a +\n b');
  assert.deepEqual(tree.pos, { start: 2, line: 2, column: 1 });
  assert.equal(tree.kind, 'binary');
  if (tree.kind === 'binary') assert.deepEqual(tree.right.pos, { start: 7, line: 3, column: 1 });
});

test('COLUMNS lists', () => {
  const columns = parseLoadColumns('id, tmp, `select`, name = upper(tmp), __op = 1');
  assert.deepEqual(
    columns.map(({ name, expression }) => [name, expression && printExpression(expression)]),
    [
      ['id', null],
      ['tmp', null],
      ['select', null],
      ['name', 'upper(tmp)'],
      ['__op', '1'],
    ],
  );
  assert.equal(parseLoadColumns('(a, timestamp, status)').length, 3);
  assert.throws(() => parseLoadColumns('a b'), { code: 'SQL_SYNTAX' });
});
