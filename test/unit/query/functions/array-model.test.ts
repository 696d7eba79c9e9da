// Array and map functions over seeded random arrays with NULLs, compared with a few lines of JavaScript
// each that say what they mean. One query over all rows per function.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Bench } from '../harness.ts';

type Item = number | null;
type List = readonly Item[] | null;
interface Row {
  readonly x: List;
  readonly y: List;
  readonly v: Item;
  readonly n: Item;
}

const ROWS = 400;
const item = fc.option(fc.integer({ min: -3, max: 4 }), { freq: 4 });
const list = fc.option(fc.array(item, { maxLength: 6 }), { freq: 8 });
const rows: readonly Row[] = fc.sample(
  fc.record({ x: list, y: list, v: item, n: fc.option(fc.integer({ min: -2, max: 7 })) }),
  { numRuns: ROWS, seed: 4 },
);

const sqlOf = (value: Item | List): string => {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `[${value.map(sqlOf).join(', ')}]`;
};

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  const values = rows.map(
    ({ x, y, v, n }, i) =>
      `(${i}, ${sqlOf(x)}::INTEGER[], ${sqlOf(y)}::INTEGER[], ${sqlOf(v)}, ${sqlOf(n)})`,
  );
  const INT = { kind: 'INT' } as const;
  const ARRAY = { kind: 'ARRAY', element: INT } as const;
  await bench.table('m', { id: INT, x: ARRAY, y: ARRAY, v: INT, n: INT }, values.join(', '));
});
after(() => bench.close());

/** As a client sees it. */
function text(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const order = (a: Item, b: Item): number =>
  a === b ? 0 : a === null ? -1 : b === null ? 1 : a - b;
const known = (x: readonly Item[]): readonly number[] => x.filter((e) => e !== null);
const distinct = (x: readonly Item[]): readonly Item[] => [...new Set(x)];
const sum = (x: readonly number[]): number | null =>
  x.length === 0 ? null : x.reduce((a, b) => a + b, 0);

/** NULL where an array is NULL. */
const one =
  (f: (x: readonly Item[], row: Row) => unknown) =>
  (row: Row): unknown =>
    row.x === null ? null : f(row.x, row);
const two =
  (f: (x: readonly Item[], y: readonly Item[]) => unknown) =>
  ({ x, y }: Row): unknown =>
    x === null || y === null ? null : f(x, y);

/** true, false or NULL of every element -> the answer of any_match (all_match with the sides exchanged). */
function matched(answers: readonly (boolean | null)[], wins: boolean): boolean | null {
  if (answers.includes(wins)) return wins;
  return answers.includes(null) ? null : !wins;
}
const above = (limit: number) => (e: Item) => (e === null ? null : e > limit);

const MODELS: Readonly<Record<string, (row: Row) => unknown>> = {
  'array_length(x)': one((x) => x.length),
  'array_contains(x, v)': one((x, { v }) => x.includes(v)),
  'array_position(x, v)': one((x, { v }) => x.indexOf(v) + 1),
  'array_remove(x, v)': one((x, { v }) => x.filter((e) => e !== v)),
  'array_append(x, v)': one((x, { v }) => [...x, v]),
  'array_distinct(x)': one(distinct),
  'array_sort(x)': one((x) => [...x].sort(order)),
  'reverse(x)': one((x) => [...x].reverse()),
  'array_min(x)': one((x) => [...known(x)].sort(order)[0]),
  'array_max(x)': one((x) => [...known(x)].sort(order).at(-1)),
  'array_sum(x)': one((x) => sum(known(x))),
  'array_cum_sum(x)': one((x) =>
    x.map((e, i) => (e === null ? null : sum(known(x.slice(0, i + 1))))),
  ),
  'array_difference(x)': one((x) =>
    x.map((e, i) => {
      const before = i === 0 ? e : x[i - 1];
      return e === null || before === null || before === undefined ? null : e - before;
    }),
  ),
  'array_top_n(x, n)': ({ x, n }) =>
    x === null || n === null ? null : [...x].sort((a, b) => order(b, a)).slice(0, Math.max(n, 0)),
  'array_slice(x, n, 2)': ({ x, n }) => {
    if (x === null || n === null) return null;
    if (n === 0) return [];
    const from = n > 0 ? n - 1 : Math.max(x.length + n, 0);
    return x.slice(from, from + 2);
  },
  'x[n]': ({ x, n }) => (x === null || n === null || n < 1 ? null : x[n - 1]),
  'element_at(x, n)': ({ x, n }) => (x === null || n === null || n < 1 ? null : x[n - 1]),
  "array_join(x, '-')": one((x) => known(x).join('-')),
  "array_join(x, '-', 'N')": one((x) => x.map((e) => e ?? 'N').join('-')),
  'array_repeat(v, n)': ({ v, n }) => (n === null ? null : new Array<Item>(Math.max(n, 0)).fill(v)),
  'array_concat(x, y)': two((x, y) => [...x, ...y]),
  'array_intersect(x, y)': two((x, y) => distinct(x).filter((e) => y.includes(e))),
  'arrays_overlap(x, y)': two((x, y) => x.some((e) => y.includes(e))),
  'array_contains_all(x, y)': two((x, y) => y.every((e) => x.includes(e))),
  'array_contains_seq(x, y)': two((x, y) =>
    Array.from({ length: Math.max(x.length - y.length + 1, 0) }, (_, i) =>
      x.slice(i, i + y.length),
    ).some((part) => part.every((e, i) => e === y[i])),
  ),
  'arrays_zip(x, y)': two((x, y) =>
    Array.from({ length: Math.max(x.length, y.length) }, (_, i) => ({
      col1: x[i] ?? null,
      col2: y[i] ?? null,
    })),
  ),
  'array_map(e -> e + v, x)': one((x, { v }) =>
    x.map((e) => (e === null || v === null ? null : e + v)),
  ),
  'array_filter(e -> e > v, x)': one((x, { v }) =>
    x.filter((e) => e !== null && v !== null && e > v),
  ),
  'array_filter(e -> e IS NULL, x)': one((x) => x.filter((e) => e === null)),
  'any_match(e -> e > 2, x)': one((x) => matched(x.map(above(2)), true)),
  'all_match(e -> e > -2, x)': one((x) => matched(x.map(above(-2)), false)),
  'array_sortby(e -> -e, x)': one((x) =>
    [...x].sort((a, b) => order(a === null ? null : -a, b === null ? null : -b)),
  ),
  'map_size(map_from_arrays(array_filter(e -> e IS NOT NULL, x), array_filter(e -> e IS NOT NULL, x)))':
    one((x) => new Set(known(x)).size),
  'map_values(map_from_arrays(array_distinct(array_filter(e -> e IS NOT NULL, x)), array_generate(1, array_length(array_distinct(array_filter(e -> e IS NOT NULL, x))), 1)))':
    one((x) => distinct(known(x)).map((_, i) => i + 1)),
  // The last of equal keys wins.
  'element_at(map_from_arrays(array_filter(e -> e IS NOT NULL, x), array_generate(1, array_length(array_filter(e -> e IS NOT NULL, x)), 1)), v)':
    one((x, { v }) => {
      const found = v === null ? -1 : known(x).lastIndexOf(v);
      return found < 0 ? null : found + 1;
    }),
};

for (const [call, model] of Object.entries(MODELS)) {
  test(call, async () => {
    const found = await bench.run(`SELECT ${call} FROM m ORDER BY id`);
    const wanted = rows.map((row) => [text(model(row))]);
    for (const [i, row] of rows.entries()) {
      assert.deepEqual(found[i], wanted[i], `${call} of ${JSON.stringify(row)}`);
    }
  });
}

test('the rows tell the functions apart: most answers are there and differ', async () => {
  for (const call of Object.keys(MODELS)) {
    const found = (await bench.run(`SELECT ${call} FROM m`)).map(([cell]) => cell);
    assert.ok(new Set(found).size > 1, call);
    assert.ok(found.filter((cell) => cell !== null).length > ROWS / 10, call);
  }
});
