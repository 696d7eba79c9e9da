// Every function's documented example must give its documented answer in a real DuckDB.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FUNCTION_ENTRIES } from '../../../../src/query/functions/table.ts';
import { Bench } from '../harness.ts';

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

const SAMPLES: Readonly<Record<string, string>> = {
  string: "'a'",
  datetime: "'2020-01-01'",
  date: "'2020-01-01'",
  temporal: "'2020-01-01'",
  json: "parse_json('1')",
  boolean: 'true',
  bitmap: 'to_bitmap(1)',
  hll: 'hll_hash(1)',
  percentile: 'percentile_hash(1)',
};

/** A value that fits a parameter of a signature's text. */
function sample(word: string): string {
  const plain = word.trim().replace(/(\?|\.\.\.)$/, '');
  if (plain.startsWith('array<array')) return '[[1]]';
  if (plain === 'array<string>') return "['a']";
  if (plain.startsWith('array')) return '[1]';
  if (plain.startsWith('map')) return "map{'a': 1}";
  return SAMPLES[plain] ?? '1';
}

test('every function propagates NULL in every place where its entry says so', async () => {
  const failures: string[] = [];
  for (const entry of FUNCTION_ENTRIES) {
    if (entry.kind !== 'scalar' || entry.nulls !== 'propagate') continue;
    for (const signature of entry.signatures) {
      if (/lambda|interval/.test(signature.text)) continue;
      const words = signature.text.slice(1, signature.text.indexOf(') ->')).split(/,(?![^<]*>)/);
      for (const at of signature.parameters.keys()) {
        const args = words.map((word, i) => (i === at ? 'NULL' : sample(word)));
        const call = `${entry.names[0]}(${args.join(', ')})`;
        try {
          const rows = await bench.run(`SELECT ${call}`);
          if (rows[0]?.[0] !== null) failures.push(`${call} = ${rows[0]?.[0]}`);
        } catch (error) {
          // A constant argument that must not be NULL is an error of ours, never one of DuckDB's.
          const text = error instanceof Error ? error.message : String(error);
          if (!/analyzing error|not supported|syntax error/.test(text))
            failures.push(`${call}: ${text}`);
        }
      }
    }
  }
  assert.deepEqual(failures, []);
});
