// Aggregates and window functions over seeded random rows with NULLs and ties, compared with an evaluator
// of a few lines that walks every frame of every row.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Bench } from '../harness.ts';

interface Row {
  readonly id: number;
  /** Partition. */
  readonly g: number;
  /** Order, with ties and NULLs. */
  readonly o: number | null;
  readonly x: number | null;
}

const ROWS = 120;
const optional = (max: number) => fc.option(fc.integer({ min: 0, max }), { freq: 4 });
const rows: readonly Row[] = fc
  .sample(fc.record({ g: fc.integer({ min: 0, max: 3 }), o: optional(9), x: optional(20) }), {
    numRuns: ROWS,
    seed: 4,
  })
  .map((row, id) => ({ ...row, id }));

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  const values = rows.map(({ id, g, o, x }) => `(${id}, ${g}, ${o ?? 'NULL'}, ${x ?? 'NULL'})`);
  const INT = { kind: 'INT' } as const;
  await bench.table('w', { id: INT, g: INT, o: INT, x: INT }, values.join(', '));
});
after(() => bench.close());

/** NULL is the smallest. */
const compare = (a: number | null, b: number | null): number =>
  a === b ? 0 : a === null ? -1 : b === null ? 1 : a - b;

interface Frame {
  readonly sql: string;
  /** First and last position of the frame of the row at `at`; the last is included. */
  readonly range: (at: number, sorted: readonly Row[]) => readonly [number, number];
}

const lastPeer = (at: number, sorted: readonly Row[]): number =>
  sorted.findLastIndex((row) => row.o === sorted[at]?.o);
const firstPeer = (at: number, sorted: readonly Row[]): number =>
  sorted.findIndex((row) => row.o === sorted[at]?.o);

const edge = fc.integer({ min: 1, max: 4 });
const rowsFrame: fc.Arbitrary<Frame> = fc
  .tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: -5, max: 5 }))
  .map(([a, b]) => (a <= b ? [a, b] : [b, a]) as [number, number])
  .map(([from, to]) => {
    const bound = (n: number): string =>
      n === 0 ? 'CURRENT ROW' : n < 0 ? `${-n} PRECEDING` : `${n} FOLLOWING`;
    return {
      sql: `ROWS BETWEEN ${bound(from)} AND ${bound(to)}`,
      range: (at) => [at + from, at + to],
    };
  });
const openFrame: fc.Arbitrary<Frame> = fc.oneof(
  edge.map(
    (n): Frame => ({
      sql: `ROWS BETWEEN UNBOUNDED PRECEDING AND ${n} FOLLOWING`,
      range: (at) => [0, at + n],
    }),
  ),
  edge.map(
    (n): Frame => ({
      sql: `ROWS BETWEEN ${n} PRECEDING AND UNBOUNDED FOLLOWING`,
      range: (at) => [at - n, ROWS],
    }),
  ),
  fc.constant<Frame>({
    sql: 'ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING',
    range: () => [0, ROWS],
  }),
);
/** Over peers: what RANGE and no frame at all mean. */
const rangeFrame: fc.Arbitrary<Frame> = fc.constantFrom<Frame>(
  { sql: '', range: (at, sorted) => [0, lastPeer(at, sorted)] },
  {
    sql: 'RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW',
    range: (at, sorted) => [0, lastPeer(at, sorted)],
  },
  {
    sql: 'RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING',
    range: (at, sorted) => [firstPeer(at, sorted), ROWS],
  },
);

type Values = readonly (number | null)[];
const known = (values: Values): readonly number[] => values.filter((value) => value !== null);
const total = (values: Values): number | null =>
  known(values).length === 0 ? null : known(values).reduce((a, b) => a + b, 0);

const AGGREGATES: Readonly<Record<string, (values: Values) => number | string | null>> = {
  'sum(x)': total,
  'count(x)': (values) => known(values).length,
  'count(*)': (values) => values.length,
  'count(DISTINCT x)': (values) => new Set(known(values)).size,
  'min(x)': (values) => [...known(values)].sort(compare)[0] ?? null,
  'max(x)': (values) => [...known(values)].sort(compare).at(-1) ?? null,
  'avg(x)': (values) => {
    const sum = total(values);
    return sum === null ? null : sum / known(values).length;
  },
  'sum(x) FILTER (WHERE x > 5)': (values) => total(values.map((v) => ((v ?? 0) > 5 ? v : null))),
  'array_agg(x)': (values) => (values.length === 0 ? null : JSON.stringify(values)),
};
/** Only over rows in a total order. */
const VALUES: Readonly<Record<string, (values: Values) => number | null>> = {
  'first_value(x)': (values) => values[0] ?? null,
  'last_value(x)': (values) => values.at(-1) ?? null,
  'first_value(x IGNORE NULLS)': (values) => known(values)[0] ?? null,
  'last_value(x) IGNORE NULLS': (values) => known(values).at(-1) ?? null,
};

function partitions(isTotal: boolean): readonly (readonly Row[])[] {
  return [...new Set(rows.map((row) => row.g))].map((g) =>
    rows
      .filter((row) => row.g === g)
      .sort((a, b) => compare(a.o, b.o) || (isTotal ? a.id - b.id : 0)),
  );
}

const shown = (value: number | string | null): string | null =>
  value === null ? null : String(value);

async function compareAll(
  call: string,
  orderBy: string,
  frame: Frame,
  evaluate: (values: Values) => number | string | null,
): Promise<void> {
  const sql = `SELECT id, ${call} OVER (PARTITION BY g ORDER BY ${orderBy} ${frame.sql}) FROM w ORDER BY id`;
  const found = new Map((await bench.run(sql)).map(([id, value]) => [Number(id), value]));
  for (const sorted of partitions(orderBy !== 'o')) {
    for (const [at, row] of sorted.entries()) {
      const [from, to] = frame.range(at, sorted);
      const values = sorted.slice(Math.max(from, 0), Math.max(to + 1, 0)).map(({ x }) => x);
      assert.equal(found.get(row.id) ?? null, shown(evaluate(values)), `${sql}, row ${row.id}`);
    }
  }
}

test('aggregates over frames of rows', async () => {
  const calls = fc.constantFrom(...Object.entries({ ...AGGREGATES, ...VALUES }));
  await fc.assert(
    fc.asyncProperty(calls, fc.oneof(rowsFrame, openFrame), async ([call, evaluate], frame) =>
      compareAll(call, 'o, id', frame, evaluate),
    ),
    { seed: 4, numRuns: 70 },
  );
});

test('aggregates over peers: RANGE, and no frame at all', async () => {
  const { 'array_agg(x)': _, ...unordered } = AGGREGATES;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.entries(unordered)),
      rangeFrame,
      async ([call, evaluate], frame) => compareAll(call, 'o', frame, evaluate),
    ),
    { seed: 4, numRuns: 40 },
  );
});

test('first_value and last_value count rows where no frame is given', async () => {
  const untilHere: Frame = { sql: '', range: (at) => [0, at] };
  for (const [call, evaluate] of Object.entries(VALUES)) {
    await compareAll(call, 'o, id', untilHere, evaluate);
  }
});

test('ranks', async () => {
  const sql = `SELECT id, row_number() OVER (PARTITION BY g ORDER BY o, id), rank() OVER (PARTITION BY g ORDER BY o),
    dense_rank() OVER (PARTITION BY g ORDER BY o), cume_dist() OVER (PARTITION BY g ORDER BY o),
    percent_rank() OVER (PARTITION BY g ORDER BY o), ntile(4) OVER (PARTITION BY g ORDER BY o, id) FROM w`;
  const found = new Map((await bench.run(sql)).map(([id, ...rest]) => [Number(id), rest]));
  for (const sorted of partitions(true)) {
    const size = sorted.length;
    for (const [at, row] of sorted.entries()) {
      const rank = firstPeer(at, sorted) + 1;
      const dense = new Set(sorted.slice(0, at + 1).map(({ o }) => o)).size;
      const cume = (lastPeer(at, sorted) + 1) / size;
      const percent = size === 1 ? 0 : (rank - 1) / (size - 1);
      // The first buckets take what is left over.
      const small = Math.floor(size / 4);
      const larger = size % 4;
      const inLarger = larger * (small + 1);
      const bucket =
        at < inLarger ? Math.floor(at / (small + 1)) : larger + Math.floor((at - inLarger) / small);
      assert.deepEqual(
        found.get(row.id),
        [at + 1, rank, dense, cume, percent, bucket + 1].map(String),
        `row ${row.id}`,
      );
    }
  }
});

test('lag and lead, with NULLs and without them', async () => {
  for (const offset of [1, 2, 5]) {
    const over = 'OVER (PARTITION BY g ORDER BY o, id)';
    const sql = `SELECT id, lag(x, ${offset}, -1) ${over}, lead(x, ${offset}, -1) ${over},
      lag(x IGNORE NULLS, ${offset}, -1) ${over}, lead(x, ${offset}, -1) IGNORE NULLS ${over} FROM w`;
    const found = new Map((await bench.run(sql)).map(([id, ...rest]) => [Number(id), rest]));
    for (const sorted of partitions(true)) {
      const at = (i: number): number | null => {
        const row = sorted[i];
        return row === undefined ? -1 : row.x;
      };
      for (const [i, row] of sorted.entries()) {
        const before = known(sorted.slice(0, i).map(({ x }) => x));
        const behind = known(sorted.slice(i + 1).map(({ x }) => x));
        assert.deepEqual(
          found.get(row.id),
          [at(i - offset), at(i + offset), before.at(-offset) ?? -1, behind[offset - 1] ?? -1].map(
            shown,
          ),
          `row ${row.id}, offset ${offset}`,
        );
      }
    }
  }
});

test('group_concat and array_agg: order, DISTINCT, separator, a limit of characters', async () => {
  const sql = `SELECT g, group_concat(x ORDER BY x DESC, id SEPARATOR '|'), group_concat(DISTINCT x ORDER BY x),
    group_concat(DISTINCT x ORDER BY id DESC), group_concat(x, '/', id ORDER BY id), array_agg(x ORDER BY o, id),
    array_agg(DISTINCT x ORDER BY id) FROM w GROUP BY g ORDER BY g`;
  for (const [group, ...cells] of await bench.run(sql)) {
    const own = rows.filter(({ g }) => g === Number(group));
    const values = own.map(({ x }) => x);
    const sorted = known(values).toSorted((a, b) => a - b);
    const pairs = own.filter(({ x }) => x !== null).map(({ id, x }) => `${x}/${id}`);
    const byOrder = own.toSorted((a, b) => compare(a.o, b.o) || a.id - b.id).map(({ x }) => x);
    assert.deepEqual(cells, [
      sorted.toReversed().join('|'),
      [...new Set(sorted)].join(','),
      [...new Set(known(values).toReversed())].join(','),
      pairs.join(','),
      JSON.stringify(byOrder),
      JSON.stringify([...new Set(values)]),
    ]);
  }
});
