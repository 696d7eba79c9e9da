// Error texts. Those marked "StarRocks" are what StarRocks itself answers, word for word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_STATEMENT_CHARS } from '../../../src/sql/lexer.ts';
import { parseExpression, parseStatement } from '../../../src/sql/parse.ts';
import { MAX_DEPTH } from '../../../src/sql/parser/cursor.ts';
import { printStatement } from '../../../src/sql/print-statement.ts';
import { describeExpected, jaroWinkler } from '../../../src/sql/syntax-error.ts';

/** Text, line, column, what was found, what could have stood there. */
const ERRORS: readonly (readonly [string, number, number, string, string])[] = [
  // StarRocks
  ['CREATE DATABASE like', 1, 16, 'like', 'a legal identifier'],
  ['sleep 13', 1, 0, 'sleep', "'SELECT', 'SET', 'HELP', 'STOP', 'ALTER', '(', ';'"],
  [
    'elect symbol, max(ts) from x',
    1,
    0,
    'elect',
    "'SELECT', 'DELETE', 'EXECUTE', 'DEALLOCATE', 'SET', '(', ';'",
  ],
  [
    'assert_query_contains(1)',
    1,
    0,
    'assert_query_contains',
    "'RESTORE', 'SET', 'INSERT', 'CREATE', 'RESUME', '(', ';'",
  ],
  ['ALTER STORAGE VOLUME storage_volume_1', 1, 37, '<EOF>', "'SET', 'COMMENT'"],
  ["select array_agg('a' order by 2, id seperator NULL) from ss", 1, 36, 'seperator', "',', ')'"],
  ["select a from t where a like 'x' ESCAPE 'y'", 1, 33, 'ESCAPE', "<EOF>, ';'"],
  ['SELECT CAST( (SELECT 1) + (SELECT 2) AS BIGINT', 1, 46, '<EOF>', "')'"],
  // ours
  ['select 1 form tbl', 1, 14, 'tbl', "<EOF>, ';'"],
  ['select', 1, 6, '<EOF>', 'a legal identifier'],
  ['select 1 from', 1, 13, '<EOF>', 'a legal identifier'],
  ['select *\nfrom t\n  where', 3, 7, '<EOF>', 'a legal identifier'],
  ['select f(a b)', 1, 11, 'b', "',', ')'"],
  ['select (1', 1, 9, '<EOF>', "',', ')'"],
  ['select case when 1 then 2', 1, 25, '<EOF>', "'END', 'WHEN', 'ELSE'"],
  ['select cast(a as foo)', 1, 17, 'foo', "'BOOL', 'FLOAT', 'BOOLEAN', 'JSON', 'DOUBLE'"],
  ['select 1 from t left t2 on 1', 1, 21, 't2', "'JOIN', 'OUTER', 'SEMI', 'ANTI'"],
  ['select 1; select 2', 1, 10, 'select', "<EOF>, ';'"],
  ['select a b c', 1, 11, 'c', "<EOF>, ';'"],
  ['select 1 \\G', 1, 9, '\\', "<EOF>, ';'"],
  ['show tabels', 1, 5, 'tabels', "'TABLES', 'TABLE', 'TABLET', 'VARIABLES', 'WHITELIST'"],
  ['create tabel x', 1, 7, 'tabel', "'TABLE', 'BASELINE', 'MATERIALIZED', 'ANALYZE', 'CATALOG'"],
  ['create table t (a int', 1, 21, '<EOF>', "',', ')'"],
  ['create table t (a)', 1, 17, ')', "'BOOLEAN', 'BOOL', 'FLOAT', 'DOUBLE', 'DATE'"],
  ['kill x', 1, 5, 'x', "'QUERY', 'CONNECTION', INTEGER_VALUE"],
  ['pause routine load j', 1, 19, 'j', "'FOR'"],
  [
    'CREATE ROUTINE LOAD j ON t COLUMNS (a) PROPERTES ("a"="b") FROM KAFKA ("a"="b")',
    1,
    39,
    'PROPERTES',
    "'PROPERTIES', 'PARTITIONS', 'PARTITION', 'ROWS', 'FROM', ','",
  ],
  [
    'create routine load j on t from kafka ("a"=1)',
    1,
    43,
    '1',
    'SINGLE_QUOTED_TEXT, DOUBLE_QUOTED_TEXT',
  ],
  ['create storage volume v type s3', 1, 29, 's3', "'='"],
  ['set x', 1, 5, '<EOF>', "'='"],
  ['select interval 1 days', 1, 18, 'days', "'DAY', 'SECOND', 'QUARTER', 'YEAR', 'MILLISECOND'"],
];

for (const [text, line, column, found, expected] of ERRORS) {
  test(`${JSON.stringify(text)} -> ${found}`, () => {
    assert.throws(() => parseStatement(text), {
      code: 'SQL_SYNTAX',
      message: `Getting syntax error at line ${line}, column ${column}. Detail message: Unexpected input '${found}', the most similar input is {${expected}}.`,
    });
  });
}

test('StarRocks: nearest words first, at most five, symbols after them', () => {
  assert.deepEqual(describeExpected('AFTER', ['SCHEDULE', 'PROPERTIES', 'AS']), [
    "'PROPERTIES'",
    "'AS'",
    "'SCHEDULE'",
  ]);
  assert.deepEqual(describeExpected('WHEN', ['AS', 'PROPERTIES', 'SCHEDULE']), [
    "'SCHEDULE'",
    "'PROPERTIES'",
    "'AS'",
  ]);
  assert.deepEqual(describeExpected('x', ['A', 'B', 'C', 'D', 'E', 'F', ')', ',']).length, 7);
});

test('Jaro-Winkler similarity against published values', () => {
  assert.equal(jaroWinkler('MARTHA', 'MARHTA').toFixed(3), '0.961');
  assert.equal(jaroWinkler('', '').toFixed(3), '0.000');
  assert.equal(jaroWinkler('abc', 'xyz'), 0);
});

const repeat = (text: string, times: number): string => text.repeat(times);

const DEEP: Readonly<Record<string, (depth: number) => string>> = {
  parentheses: (depth) => `select ${repeat('(', depth)}1${repeat(')', depth)}`,
  subqueries: (depth) => `select ${repeat('(select ', depth)}1${repeat(')', depth)}`,
  'derived tables': (depth) =>
    `select 1 from ${repeat('(select 1 from ', depth)}t${repeat(') t', depth)}`,
  joins: (depth) => `select 1 from ${repeat('(', depth)}t${repeat(' join u)', depth)}`,
  sums: (depth) => `select 1${repeat(' + 1', depth)}`,
  signs: (depth) => `select ${repeat('- ', depth)}1`,
  nots: (depth) => `select ${repeat('not ', depth)}1`,
  functions: (depth) => `select ${repeat('f(', depth)}1${repeat(')', depth)}`,
  arrays: (depth) => `select ${repeat('[', depth)}1${repeat(']', depth)}`,
  subscripts: (depth) => `select a${repeat('[1]', depth)}`,
  cases: (depth) => `select ${repeat('case when ', depth)}1${repeat(' then 1 end', depth)}`,
  unions: (depth) => `select 1${repeat(' union all select 1', depth)}`,
  commas: (depth) => `select 1 from t${repeat(', t', depth)}`,
  types: (depth) => `select cast(a as ${repeat('array<', depth)}int${repeat('>', depth)})`,
  lambdas: (depth) => `select ${repeat('x -> ', depth)}1`,
  ctes: (depth) => `${repeat('with a as (', depth)}select 1${repeat(') select 1', depth)}`,
  'chains in parentheses': (depth) =>
    `select ${repeat('(', depth)}a${repeat(`${repeat(' and a', 30)})`, depth)}`,
  'in lists': (depth) => `select ${repeat('1 in (', depth)}1${repeat(')', depth)}`,
  'explain of explain': (depth) => `${repeat('explain ', depth)}select 1`,
};

for (const [what, make] of Object.entries(DEEP)) {
  test(`deep ${what}: an error, never a stack overflow; half the limit parses and prints`, () => {
    for (const depth of [MAX_DEPTH + 1, 20_000]) {
      assert.throws(
        () => parseStatement(make(depth)),
        (thrown: unknown) => {
          const code = (thrown as { code?: unknown }).code;
          assert.ok(
            code === 'LIMIT_EXCEEDED' || (what.startsWith('explain') && code === 'SQL_SYNTAX'),
            String(thrown),
          );
          return true;
        },
      );
    }
    if (what === 'chains in parentheses') {
      printStatement(parseStatement(make(10)));
    } else if (!what.startsWith('explain')) {
      printStatement(parseStatement(make(MAX_DEPTH / 4)));
    }
  });
}

test('thousands of OR terms parse into a shallow tree that prints and parses again', () => {
  const terms = Array.from({ length: 5000 }, (_, i) => `a = ${i}`).join(' OR ');
  const tree = parseExpression(terms);
  const height = (node: typeof tree): number =>
    node.kind === 'binary' ? 1 + Math.max(height(node.left), height(node.right)) : 1;
  assert.ok(height(tree) < 20, String(height(tree)));
  const printed = printStatement(parseStatement(`select 1 from t where ${terms}`));
  assert.ok(parseStatement(printed));
});

test('a statement longer than the limit is refused before it is lexed', () => {
  const text = `select '${'x'.repeat(MAX_STATEMENT_CHARS)}'`;
  assert.throws(() => parseStatement(text), { code: 'LIMIT_EXCEEDED' });
});
