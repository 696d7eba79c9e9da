// COLUMNS and WHERE expressions of loads, run over VARCHAR fields in a real DuckDB.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { installJsFunctions } from '../../../src/engine/functions/registry.ts';
import { compileLoadExpression, compileLoadFilter } from '../../../src/query/load-expression.ts';
import { parseExpression } from '../../../src/sql/parse.ts';
import { errorOf } from './harness.ts';

const UTC = { timeZone: 'UTC' };
let connection: DuckDBConnection;
before(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  installJsFunctions(connection);
});
after(() => connection.closeSync());

async function run(duckdbSql: string): Promise<string | null> {
  const sql = `SELECT ${duckdbSql} FROM (SELECT 5 AS "five", '5' AS "uid", '1700000000' AS "ts", '{"a": [1, {"b": "x"}]}' AS "j", CAST(NULL AS VARCHAR) AS "n", 'q' AS "ti""me") AS m`;
  const cell = (await connection.runAndReadAll(sql)).getRows()[0]?.[0];
  return cell === null || cell === undefined ? null : String(cell);
}

const FIELDS = ['uid', 'ts', 'j', 'n', 'ti"me'];
const cases: readonly (readonly [expression: string, kind: string, result: string | null])[] = [
  ['uid', 'VARCHAR', '5'],
  ['uid + 1', 'DOUBLE', '6'],
  ['cast(uid as int) * 2', 'BIGINT', '10'],
  ["from_unixtime(ts, '%Y-%m-%d %H')", 'VARCHAR', '2023-11-14 22'],
  ['from_unixtime(cast(ts as bigint))', 'VARCHAR', '2023-11-14 22:13:20'],
  ["get_json_string(j, '$.a[1].b')", 'VARCHAR', 'x'],
  ["if(uid > 10, 'big', 'small')", 'VARCHAR', 'small'],
  ["concat(uid, '-', `ti\"me`)", 'VARCHAR', '5-q'],
  ['ifnull(n, 0)', 'VARCHAR', '0'],
  ["str_to_date('2020-01-02', '%Y-%m-%d')", 'DATE', '2020-01-02'],
  ['n is null and UID = 5', 'BOOLEAN', 'true'],
];
for (const [text, kind, result] of cases) {
  test(text, async () => {
    const compiled = compileLoadExpression(parseExpression(text), FIELDS, UTC);
    assert.equal(compiled.type.kind, kind);
    assert.equal(await run(compiled.duckdbSql), result);
  });
}

test('now() is read when the batch runs, in the zone of the job', async () => {
  const { duckdbSql, type } = compileLoadExpression(parseExpression('now()'), [], {
    timeZone: '+08:00',
  });
  assert.equal(type.kind, 'DATETIME');
  const now = Date.parse(`${await run(duckdbSql)}Z`) - 8 * 3600_000;
  assert.ok(Math.abs(now - Date.now()) < 60_000);
});

test('WHERE reads the columns of the table as they are, other fields as text', async () => {
  const fieldTypes = new Map([['five', { kind: 'INT' } as const]]);
  const options = { ...UTC, fieldTypes };
  const filter = (text: string) =>
    compileLoadFilter(parseExpression(text), ['five', ...FIELDS], options);
  assert.equal(await run(filter('five > 4').duckdbSql), 'true');
  assert.equal(await run(filter("five + 5 > 10 or uid = '6'").duckdbSql), 'false');
  assert.equal(filter('five').type.kind, 'BOOLEAN');
});

test('what a load cannot do is refused', () => {
  const refuse = (text: string): string =>
    errorOf(() => compileLoadExpression(parseExpression(text), FIELDS, UTC));
  assert.match(refuse('nope + 1'), /Column 'nope' cannot be resolved/);
  assert.match(refuse('sum(uid)'), /aggregates and windows are not possible in a load/);
  assert.match(refuse('(select 1)'), /subquery is not possible/);
  assert.match(refuse('current_user()'), /no session to answer from/);
  assert.match(refuse('nosuch(uid)'), /No matching function with signature: nosuch\(varchar\)/);
});
