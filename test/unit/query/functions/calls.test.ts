// Seeded random calls of the nested, JSON, aggregate, window and table functions with arguments of every
// type: each gives an answer or an error for the user, never an error of the generated SQL. A failure prints
// the statement; MILLRACE_FUZZ_RUNS=<n> and MILLRACE_FUZZ_SEED=<n> try more of them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { engineError } from '../../../../src/engine/sql-errors.ts';
import type { FunctionEntry, ParameterSpec } from '../../../../src/query/functions/entry.ts';
import { FUNCTION_ENTRIES } from '../../../../src/query/functions/table.ts';
import { Bench } from '../harness.ts';

const RUNS = Number(process.env['MILLRACE_FUZZ_RUNS'] ?? '500');
const SEED = Number(process.env['MILLRACE_FUZZ_SEED'] ?? '4');

let bench: Bench;
before(async () => {
  bench = await Bench.open();
});
after(() => bench.close());

// No large number: array_repeat and array_generate would make as many elements.
const SCALARS = fc.constantFrom(
  ...['NULL', '1', '-1', '0', '2.5', '-0.01', 'true', 'false', 'cast(NULL as int)', 'q'],
  ...["'a'", "''", "'1'", "'2024-01-01'", "'$.a'", "'-'", "'[1, 2]'", "'{bad'"],
  ...["parse_json('1')", "parse_json('[1]')", `parse_json('{"a": [1, 2], "b": {"c": null}}')`],
  ...['cast(1.5 as double)', 'cast(3 as largeint)', "x'4142'"],
);
const ARRAYS = fc.constantFrom(
  ...[
    '[1, 2, NULL]',
    "['a', NULL]",
    '[]',
    '[NULL]',
    '[true, NULL]',
    '[[1, NULL], NULL, []]',
    '[1.5]',
  ],
  ...[
    "[parse_json('1')]",
    "[row(1, 'a'), NULL]",
    "[date '2024-01-01', NULL]",
    '[q]',
    "[map{'a': 1}]",
  ],
);
const MAPS = fc.constantFrom(
  "map{'a': 1, 'b': NULL}",
  "map{1: 'x'}",
  'map{}',
  'map{1: [1, 2]}',
  'map{q: q}',
);
const STRUCTS = fc.constantFrom("row(1, 'a')", "named_struct('k', 1, 'v', [1])");
const LAMBDAS = fc.constantFrom(
  ...['x -> x', 'x -> x IS NULL', 'x -> NULL', 'x -> x > 1', 'x -> [x]', "x -> concat(x, 'a')"],
  ...['(x, y) -> x', '(x, y) -> x = y', '(k, v) -> (k, v)', '(k, v) -> v', '(k, v) -> k + q'],
);
const ANYTHING = fc.oneof(SCALARS, ARRAYS, MAPS, STRUCTS);

/** Mostly what fits, sometimes anything. */
function argument(spec: ParameterSpec | undefined): fc.Arbitrary<string> {
  switch (spec?.kind) {
    case 'lambda':
      return LAMBDAS;
    case 'interval':
      return fc.constant('INTERVAL 1 DAY');
    case 'array':
      return fc.oneof({ weight: 4, arbitrary: ARRAYS }, { weight: 1, arbitrary: ANYTHING });
    case 'map':
      return fc.oneof({ weight: 4, arbitrary: MAPS }, { weight: 1, arbitrary: ANYTHING });
    case 'type':
      return fc.oneof({ weight: 4, arbitrary: SCALARS }, { weight: 1, arbitrary: ANYTHING });
    default:
      return ANYTHING;
  }
}

const CATEGORIES = ['json', 'array', 'map', 'struct', 'aggregate', 'window', 'table'];
const ENTRIES = FUNCTION_ENTRIES.filter(({ category }) => CATEGORIES.includes(category));

const FROM = '(VALUES (1), (2), (NULL)) AS t(q)';

function statement(entry: FunctionEntry, call: string, choice: number): string {
  switch (entry.kind) {
    case 'scalar':
      return `SELECT ${call} FROM ${FROM}`;
    case 'table':
      return `SELECT u.* FROM ${FROM}, ${call} AS u`;
    case 'window':
      return `SELECT ${call} OVER (ORDER BY q) FROM ${FROM}`;
    case 'aggregate': {
      const distinct = choice % 2 === 1 && entry.takesDistinct;
      const over = choice === 2 && entry.takesOver ? ' OVER (ORDER BY q)' : '';
      const filter = choice > 2 ? ' FILTER (WHERE q > 1)' : '';
      return `SELECT ${distinct ? call.replace('(', '(DISTINCT ') : call}${filter}${over} FROM ${FROM}`;
    }
  }
}

const statements = fc
  .tuple(fc.constantFrom(...ENTRIES), fc.nat({ max: 9 }), fc.nat({ max: 2 }), fc.nat({ max: 4 }))
  .chain(([entry, which, more, choice]) => {
    const signature = entry.signatures[which % entry.signatures.length];
    assert.ok(signature !== undefined);
    const { parameters, required, variadic } = signature;
    const count = Math.min(required + more, variadic ? required + more : parameters.length);
    const args = Array.from({ length: count }, (_, i) =>
      argument(parameters[Math.min(i, parameters.length - 1)]),
    );
    const name = entry.names[which % entry.names.length];
    return fc
      .tuple(...args)
      .map((texts) => statement(entry, `${name}(${texts.join(', ')})`, choice));
  });

test(`${RUNS} random calls, seed ${SEED}`, async () => {
  const answers = { rows: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(statements, async (sql) => {
      try {
        await bench.run(sql);
        answers.rows += 1;
      } catch (thrown) {
        const error = engineError(thrown);
        assert.notEqual(error.code, 'INTERNAL', `${sql}\n${error.message}`);
        answers.refused += 1;
      }
    }),
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );
  // Most of both, or the arguments are not what they should be.
  assert.ok(answers.rows > RUNS / 5 && answers.refused > RUNS / 20, JSON.stringify(answers));
});
