// Every function's documented example must give its documented answer in a real DuckDB.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FUNCTION_ENTRIES } from '../../../src/query/functions/table.ts';
import { Bench } from './harness.ts';

let bench: Bench;
before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());

for (const entry of FUNCTION_ENTRIES) {
  const { example } = entry;
  if (example === null) continue;
  test(`${entry.names[0]}: ${example.sql}`, async () => {
    const sql = /^SELECT /.test(example.sql) ? example.sql : `SELECT ${example.sql}`;
    assert.deepEqual(await bench.run(sql), [[example.result]]);
  });
}

test('every name is in the table once per kind and lower case', () => {
  for (const entry of FUNCTION_ENTRIES) {
    assert.ok(entry.doc.length > 0 && entry.signatures.length > 0);
    for (const name of entry.names) assert.equal(name, name.toLowerCase());
  }
  assert.ok(FUNCTION_ENTRIES.length > 200, `${FUNCTION_ENTRIES.length} functions`);
});

test('every function propagates NULL where its entry says so', async () => {
  const failures: string[] = [];
  for (const entry of FUNCTION_ENTRIES) {
    if (entry.kind !== 'scalar' || entry.nulls !== 'propagate' || entry.constant !== null) continue;
    for (const signature of entry.signatures) {
      if (signature.required === 0 || /lambda|interval/.test(signature.text)) continue;
      const args = signature.parameters.slice(0, Math.max(signature.required, 1)).map(() => 'NULL');
      const call = `${entry.names[0]}(${args.join(', ')})`;
      try {
        const rows = await bench.run(`SELECT ${call}`);
        if (rows[0]?.[0] !== null) failures.push(`${call} = ${rows[0]?.[0]}`);
      } catch (error) {
        // A constant argument that must not be NULL is an error of ours, never one of DuckDB's.
        const text = error instanceof Error ? error.message : String(error);
        if (!/analyzing error|not supported/.test(text)) failures.push(`${call}: ${text}`);
      }
    }
  }
  assert.deepEqual(failures, []);
});
