// HLL and PERCENTILE functions and aggregates, over the engine's mr_hll_* and mr_percentile_* functions.
// SOURCE: StarRocks' pages on HLL and percentile functions, and how its answers treat NULL.
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const hll = definer('scalar', 'hll');
const hllAggregate = definer('aggregate', 'hll');
const percentile = definer('scalar', 'percentile');
const percentileAggregate = definer('aggregate', 'percentile');
const noDistinct = { takesDistinct: false } as const;

/** One byte: the empty form of HyperLogLog. */
const EMPTY_HLL_SQL = "CAST('\\x00' AS BLOB)";
/** Version 1, no centroids. */
const EMPTY_PERCENTILE_SQL = "CAST('\\x01\\x00\\x00\\x00\\x00' AS BLOB)";

/** NULLs are left out by the engine's functions. */
const listed = (value: string, over: string): string => `list(${value})${over}`;

/** Joins a column of sketches; those made of values for it are never made one by one. */
const joined =
  (maker: string, of: RegExp, fromValues: string, union: string) =>
  ({ args, sql: [value = ''], over }: CallSite): string => {
    const arg = args[0];
    const made = of.exec(value);
    return made !== null && arg?.kind === 'call' && arg.entry.names[0] === maker
      ? `${fromValues}(${listed(made[1] ?? '', over)})`
      : `${union}(${listed(value, over)})`;
  };
const hllUnion = joined(
  'hll_hash',
  /^mr_hll_of_any\(([\s\S]*)\)$/,
  'mr_hll_from_values',
  'mr_hll_union',
);
const percentileUnion = joined(
  'percentile_hash',
  /^mr_percentile_of\(([\s\S]*)\)$/,
  'mr_percentile_from_values',
  'mr_percentile_union',
);
const over = (call: string): string =>
  `SELECT ${call} FROM (SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 2) AS t`;

const HLL_FUNCTIONS: readonly FunctionEntry[] = [
  hll(
    'hll_hash',
    ['(string) -> hll', 'mr_hll_of_any(encode({0}))'],
    'An HLL of one value; of NULL the empty one.',
    ["hll_cardinality(hll_hash('a'))", '1'],
    { nulls: 'own' },
  ),
  hll('hll_empty', ['() -> hll', EMPTY_HLL_SQL], 'The empty HLL.', [
    'hll_cardinality(hll_empty())',
    '0',
  ]),
  hll(
    'hll_cardinality',
    ['(hll) -> bigint', 'mr_hll_count({0})'],
    'About how many different values are in it: exact up to 160, then with a standard error of 0.8%.',
    ["hll_cardinality(hll_hash('x'))", '1'],
  ),
  hllAggregate(
    'hll_union, hll_raw_agg',
    ['(hll) -> hll', hllUnion],
    'One HLL of all values in a column of HLLs; NULL where there are none.',
    [over('hll_cardinality(hll_union(hll_hash(x)))'), '2'],
    noDistinct,
  ),
  hllAggregate(
    'hll_union_agg',
    ['(hll) -> bigint', (s) => `coalesce(mr_hll_count(${hllUnion(s)}), 0)`],
    'About how many different values are in a column of HLLs.',
    [over('hll_union_agg(hll_hash(x))'), '2'],
    noDistinct,
  ),
  hllAggregate(
    'hll_raw',
    ['(string) -> hll', (s) => `mr_hll_from_values(${listed(`encode(${s.sql[0]})`, s.over)})`],
    'An HLL of the values of a column.',
    [over('hll_cardinality(hll_raw(x))'), '2'],
    noDistinct,
  ),
];

const PERCENTILE_FUNCTIONS: readonly FunctionEntry[] = [
  percentile(
    'percentile_hash',
    ['(double) -> percentile', 'mr_percentile_of({0})'],
    'A PERCENTILE of one number.',
    ['percentile_approx_raw(percentile_hash(234.234), 0.99)', '234.234'],
  ),
  percentile(
    'percentile_empty',
    ['() -> percentile', EMPTY_PERCENTILE_SQL],
    'The PERCENTILE of no numbers.',
    ['percentile_approx_raw(percentile_empty(), 0.5)', null],
  ),
  percentile(
    'percentile_approx_raw',
    ['(percentile, double) -> double', 'mr_percentile_quantile({0}, {1})'],
    'About the number below which that share of the numbers lies: the share is right to 0.1%.',
    ['percentile_approx_raw(percentile_hash(7), 0.5)', '7'],
  ),
  percentileAggregate(
    'percentile_union',
    ['(percentile) -> percentile', percentileUnion],
    'One PERCENTILE of all numbers in a column of PERCENTILEs; NULL where there are none.',
    [over('percentile_approx_raw(percentile_union(percentile_hash(x)), 0.5)'), '2'],
    noDistinct,
  ),
];

export const SKETCH_FUNCTIONS: readonly FunctionEntry[] = [
  ...HLL_FUNCTIONS,
  ...PERCENTILE_FUNCTIONS,
];
