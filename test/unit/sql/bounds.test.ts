// Statements made to hurt: deep nesting, great length, broken characters, everything unterminated. Each ends
// with one clear error or a result, in bounded time, and never with a stack overflow.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { parseStatement, splitStatements } from '../../../src/sql/parse.ts';
import { plan, storedTable } from '../query/harness.ts';

const TABLES = [storedTable('t', { a: { kind: 'INT' }, s: { kind: 'VARCHAR', length: 10 } })];
const DEEP = 10_000;
const nest = (open: string, inside: string, close: string): string =>
  open.repeat(DEEP) + inside + close.repeat(DEEP);
const many = (part: (i: number) => string): string =>
  Array.from({ length: DEEP }, (_, i) => part(i)).join('');

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown.code;
    throw thrown;
  }
  return 'fine';
}

const DEEP_STATEMENTS: Readonly<Record<string, string>> = {
  parentheses: `SELECT ${nest('(', '1', ')')}`,
  'queries in parentheses': nest('(', 'SELECT 1', ')'),
  NOT: `SELECT ${nest('NOT ', '1', '')}`,
  signs: `SELECT ${nest('- ', '1', '')}`,
  CASE: `SELECT ${nest('CASE WHEN 1 THEN ', '1', ' END')}`,
  subqueries: `SELECT ${nest('(SELECT ', '1', ')')}`,
  'derived tables': `SELECT * FROM ${nest('(SELECT * FROM ', 't', ') x')}`,
  joins: `SELECT 1 FROM t t0 ${many((i) => ` JOIN t x${i} ON true`)}`,
  'joins in parentheses': `SELECT 1 FROM ${nest('(t JOIN ', 't', ')')}`,
  EXISTS: `SELECT 1 FROM t WHERE ${nest('EXISTS (SELECT 1 FROM t WHERE ', '1', ')')}`,
  arrays: `SELECT ${nest('[', '1', ']')}`,
  maps: `SELECT ${nest('map{1:', '1', '}')}`,
  calls: `SELECT ${nest('abs(', 'a', ')')} FROM t`,
  lambdas: `SELECT ${nest('array_map(x -> ', '1', ', [1])')}`,
  sums: `SELECT 1${many(() => ' + 1')}`,
  UNION: `SELECT 1${many(() => ' UNION SELECT 1')}`,
  types: `SELECT CAST(NULL AS ${nest('array<', 'int', '>')})`,
  subscripts: `SELECT a${many(() => '[1]')} FROM t`,
  arrows: `SELECT a${many(() => `->'x'`)} FROM t`,
  fields: `SELECT (a)${many(() => '.f')} FROM t`,
  WITH: `${nest('WITH c AS (', 'SELECT 1', ') SELECT * FROM c')}`,
  PIVOT: `SELECT * FROM t ${many(() => ` PIVOT (sum(a) FOR s IN ('x'))`)}`,
  intervals: `SELECT a ${many(() => ' + INTERVAL 1 DAY')} FROM t`,
};

for (const [what, sql] of Object.entries(DEEP_STATEMENTS)) {
  test(`${DEEP} ${what}: too deep, and says so`, () => {
    assert.equal(
      codeOf(() => splitStatements(sql)),
      'fine',
    );
    assert.equal(
      codeOf(() => parseStatement(sql)),
      'LIMIT_EXCEEDED',
    );
  });
}

test('long flat lists are read and planned: AND, IN, select items', () => {
  const and = `SELECT 1 FROM t WHERE a = 0${many((i) => ` AND a <> ${i}`)}`;
  assert.equal(
    codeOf(() => plan(and, TABLES)),
    'fine',
  );
  const list = `SELECT a IN (0${many((i) => `, ${i}`)}) FROM t`;
  assert.equal(
    codeOf(() => plan(list, TABLES)),
    'fine',
  );
  const items = `SELECT 0${many((i) => `, ${i}`)} FROM t`;
  assert.equal(
    codeOf(() => plan(items, TABLES)),
    'fine',
  );
});

test('a list of a million items and a text of 64 MB are refused', () => {
  const list = `SELECT a IN (0${', 1'.repeat(1_000_000)}) FROM t`;
  assert.equal(
    codeOf(() => parseStatement(list)),
    'LIMIT_EXCEEDED',
  );
  const huge = `SELECT '${'x'.repeat(64 * 1024 * 1024)}'`;
  assert.equal(
    codeOf(() => splitStatements(huge)),
    'LIMIT_EXCEEDED',
  );
  assert.equal(
    codeOf(() => parseStatement(huge)),
    'LIMIT_EXCEEDED',
  );
  const semicolons = ';'.repeat(2_000_000);
  assert.equal(
    codeOf(() => parseStatement(semicolons)),
    'LIMIT_EXCEEDED',
  );
});

test('everything unterminated is a syntax error', () => {
  const begun = [
    `SELECT 'x`,
    `SELECT "x`,
    'SELECT `x',
    `SELECT X'CA`,
    'SELECT 1 /* x',
    'SELECT /*+ SET_VAR(a=1)',
    'SELECT (',
    'SELECT [1, ',
    'SELECT map{1:',
    'SELECT CASE WHEN 1',
    'SELECT a FROM t WHERE',
    'SELECT a FROM t GROUP BY',
    'SELECT a FROM t ORDER BY a LIMIT',
    'SELECT sum(a) OVER (PARTITION BY',
    'WITH c AS (SELECT 1',
    `SELECT 'it\\`,
    'SELECT * FROM t PIVOT (sum(a) FOR',
    'SELECT CAST(1 AS',
    'SELECT a BETWEEN 1',
    '\\',
  ];
  for (const sql of begun)
    assert.equal(
      codeOf(() => parseStatement(sql)),
      'SQL_SYNTAX',
      sql,
    );
});

test('NUL, lone surrogates and replaced bytes are characters like others', () => {
  for (const odd of ['\0', '\uD800', '\uFFFD', '\uFFFE', '\u2028']) {
    assert.equal(
      codeOf(() => parseStatement(`SELECT '${odd}', \`${odd}\` FROM t`)),
      'fine',
    );
    assert.equal(plan(`SELECT '${odd}' AS x`, TABLES).columns.length, 1, JSON.stringify(odd));
  }
  assert.equal(
    codeOf(() => parseStatement('SELECT \0')),
    'SQL_SYNTAX',
  );
});
