// How JSON values become text: a space after each separator, keys in order, and nothing changed inside strings.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { installJsFunctions } from '../../../src/engine/functions/registry.ts';
import { quoteLiteral } from '../../../src/model/duckdb-text.ts';
import { jsonText } from '../../../src/query/render.ts';

let connection: DuckDBConnection;
before(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  installJsFunctions(connection);
});
after(() => connection.closeSync());

const CASES: readonly (readonly [stored: string, shown: string | null])[] = [
  ['{"a":1,"b":[2,3]}', '{"a": 1, "b": [2, 3]}'],
  ['{"at":"10:02:10, now"}', '{"at": "10:02:10, now"}'],
  ['["x","12:00"]', '["x", "12:00"]'],
  ['"a:b,c  "', '"a:b,c  "'],
  ['{"q":"say \\"a:b\\"","r":{"s":"t,u"}}', '{"q": "say \\"a:b\\"", "r": {"s": "t,u"}}'],
  ['"ends with \\\\"', '"ends with \\\\"'],
  ['[]', '[]'],
  ['{}', '{}'],
  ['5', '5'],
  ['{"b":{"d":1,"c":2},"a":[]}', '{"a": [], "b": {"c": 2, "d": 1}}'],
  ['{"n":123456789012345678901234567890.5}', '{"n": 123456789012345678901234567890.5}'],
  ['broken', null],
];
for (const [stored, shown] of CASES) {
  test(stored, async () => {
    const sql = `SELECT ${jsonText(quoteLiteral(stored))}`;
    assert.equal((await connection.runAndReadAll(sql)).getRows()[0]?.[0], shown);
  });
}
