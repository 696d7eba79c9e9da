// DuckDB's functions are no functions of ours: every name that DuckDB knows and the table does not is
// refused, wherever a function can stand. What is refused is said in StarRocks' words, with what is near.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FUNCTION_TABLE } from '../../../../src/query/functions/table.ts';
import { compileLoadExpression, compileLoadFilter } from '../../../../src/query/load-expression.ts';
import { parseExpression } from '../../../../src/sql/parse.ts';
import { Bench, errorOf, plan, storedTable } from '../harness.ts';

let bench: Bench;
const names: string[] = [];
before(async () => {
  bench = await Bench.open();
  const found = await bench.connection.runAndReadAll(
    'SELECT DISTINCT function_name FROM duckdb_functions()',
  );
  names.push(...found.getRows().map(([name]) => String(name)));
});
after(() => bench.close());

/** Words of the grammar: calls by these names are read by the parser itself. */
const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
const REFUSED = /analyzing error|syntax error|Unknown|not supported/;
const TABLES = [storedTable('t', { a: { kind: 'INT' } })];

test('DuckDB has some hundred functions that the table has not', () => {
  const foreign = names.filter((name) => !FUNCTION_TABLE.has(name));
  assert.ok(foreign.length > 400, `${foreign.length} of ${names.length}`);
});

const PLACES: readonly ((call: string) => string)[] = [
  (call) => `SELECT ${call}`,
  (call) => `SELECT a FROM t WHERE ${call} IS NOT NULL`,
  (call) => `SELECT count(*) FROM t GROUP BY ${call}`,
  (call) => `SELECT a FROM t ORDER BY ${call}`,
  (call) => `SELECT max(a) FROM t HAVING ${call} = 1`,
  (call) => `SELECT ${call} OVER () FROM t`,
  (call) => `SELECT abs(${call}) FROM t`,
  (call) => `SELECT a FROM t, LATERAL ${call} AS x`,
  (call) => `SELECT * FROM TABLE(${call})`,
  (call) => `SELECT * FROM ${call}`,
];

test('none of them is passed on, in any place of a query', () => {
  const passed: string[] = [];
  for (const name of names.filter((candidate) => !FUNCTION_TABLE.has(candidate))) {
    for (const place of PLACES) {
      const sql = place(`${quoted(name)}('a')`);
      const error = errorOf(() => plan(sql, TABLES));
      if (!REFUSED.test(error)) passed.push(`${sql}: ${error}`);
    }
  }
  assert.deepEqual(passed.slice(0, 20), []);
});

test('nor in COLUMNS and WHERE of a load', () => {
  const passed: string[] = [];
  for (const name of names.filter((candidate) => !FUNCTION_TABLE.has(candidate))) {
    for (const compile of [compileLoadExpression, compileLoadFilter]) {
      const error = errorOf(() =>
        compile(parseExpression(`${quoted(name)}(a)`), ['a'], { timeZone: 'UTC' }),
      );
      if (!REFUSED.test(error)) passed.push(`${name}: ${error}`);
    }
  }
  assert.deepEqual(passed.slice(0, 20), []);
});

const NEAR: readonly (readonly [call: string, message: string])[] = [
  ["lenght('a')", "lenght(varchar), the nearest known function is 'length'"],
  ["ltrimm('a')", "ltrimm(varchar), the nearest known functions are 'ltrim', 'rtrim', 'trim'"],
  ["zzzzzz('a')", 'zzzzzz(varchar)'],
  ["abs('a', 1)", 'abs(varchar, tinyint(4))'],
  ['mydb.abs(1)', 'mydb.abs(tinyint(4))'],
];
for (const [call, message] of NEAR) {
  test(`${call}: No matching function, and what is near`, () => {
    const expected = `Getting analyzing error. Detail message: No matching function with signature: ${message}.`;
    assert.equal(
      errorOf(() => plan(`SELECT ${call}`)),
      expected,
    );
    const inLoad = (): unknown =>
      compileLoadExpression(parseExpression(call), [], { timeZone: 'UTC' });
    assert.equal(errorOf(inLoad), expected);
  });
}
