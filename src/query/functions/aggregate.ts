// Aggregate and window functions. Result types are StarRocks' (sum of integers is BIGINT, avg of a
// DECIMAL is a DECIMAL), which DuckDB's are not.

import { fail } from '../../base/errors.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { duckdbType } from '../../model/sql-type.ts';
import { decimalQuotientSql } from '../decimal-sql.ts';
import { BIGINT, DOUBLE, decimal, quotientScale } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const aggregate = definer('aggregate', 'aggregate');
const window = definer('window', 'window');

/** `name([DISTINCT] args [ORDER BY])` */
const plain =
  (name: string) =>
  (s: CallSite): string =>
    `${name}(${s.distinct ? 'DISTINCT ' : ''}${s.sql.join(', ')}${s.orderBy}${s.ignoreNulls ? ' IGNORE NULLS' : ''})${s.over}`;

const sumType = (types: readonly SqlType[]): SqlType => {
  const type = types[0] ?? DOUBLE;
  if (type.kind === 'DECIMAL') return decimal(38, type.scale);
  if (type.kind === 'LARGEINT' || type.kind === 'DOUBLE') return type;
  return type.kind === 'FLOAT' ? DOUBLE : BIGINT;
};
const sum = (s: CallSite): string => `CAST(${plain('sum')(s)} AS ${duckdbType(s.result)})`;

const averageType = (types: readonly SqlType[]): SqlType => {
  const type = types[0];
  return type?.kind === 'DECIMAL' ? decimal(38, quotientScale(type.scale)) : DOUBLE;
};
/** DuckDB's avg of a DECIMAL is a DOUBLE: divide the exact sum instead. */
const average = (s: CallSite): string => {
  const type = s.args[0]?.type;
  if (type?.kind !== 'DECIMAL' || s.result.kind !== 'DECIMAL') return plain('avg')(s);
  const total = `CAST(${plain('sum')(s)} AS DECIMAL(38,${type.scale}))`;
  return decimalQuotientSql(total, type.scale, plain('count')(s), 0, s.result.scale);
};

const count = (s: CallSite): string => {
  if (s.sql.length === 0) return `count(*)${s.over}`;
  if (s.sql.length === 1) return plain('count')(s);
  // Rows with a NULL in any argument do not count.
  const all = s.sql.map((sql) => `${sql} IS NOT NULL`).join(' AND ');
  return `count(${s.distinct ? 'DISTINCT ' : ''}CASE WHEN ${all} THEN (${s.sql.join(', ')}) END)${s.over}`;
};

/** The last argument is the separator (the analyser puts it there); the others are joined per row. */
const groupConcat = (s: CallSite): string => {
  const values = s.sql.slice(0, -1);
  const separator = s.args.at(-1);
  if (separator?.kind !== 'literal') {
    throw fail('SQL_ANALYZE', { detail: 'the separator of group_concat must be a constant' });
  }
  const joined = values.length === 1 ? values[0] : `(${values.join(' || ')})`;
  return `string_agg(${s.distinct ? 'DISTINCT ' : ''}${joined}, ${s.sql.at(-1)}${s.orderBy})${s.over}`;
};

const fraction = (s: CallSite, name: string): string => {
  const argument = s.args[1];
  const value = argument?.kind === 'literal' ? Number(argument.text) : Number.NaN;
  if (!(value >= 0 && value <= 1)) {
    throw fail('SQL_ANALYZE', { detail: `${name} needs a constant between 0 and 1` });
  }
  return String(value);
};

const percentile = (name: string, duckdb: string) => (s: CallSite) =>
  `${duckdb}(${s.sql[0]}, ${fraction(s, name)})${s.over}`;

/** With a single row the sample forms are NULL in DuckDB; StarRocks agrees. */
const doubles = (
  names: string,
  duckdb: string,
  doc: string,
  example: readonly [string, string | null],
) => aggregate(names, ['(double) -> double', plain(duckdb)], doc, example);

const rows = (values: string) =>
  `(SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 4${values}) AS t`;
const over = (call: string) => `SELECT ${call} FROM ${rows('')}`;

export const AGGREGATE_FUNCTIONS: readonly FunctionEntry[] = [
  aggregate(
    'count',
    [
      ['() -> bigint', count],
      ['(any...) -> bigint', count],
    ],
    'Rows, or rows where no argument is NULL.',
    [over('count(*)'), '3'],
  ),
  aggregate('sum', ['(number) -> number', sum, sumType], 'Sum.', [over('sum(x)'), '7']),
  aggregate('avg', ['(number) -> number', average, averageType], 'Mean.', [
    over('avg(x)'),
    '2.3333333333333335',
  ]),
  aggregate('min', ['(T) -> T', plain('min')], 'Smallest value.', [over('min(x)'), '1']),
  aggregate('max', ['(T) -> T', plain('max')], 'Largest value.', [over('max(x)'), '4']),
  aggregate(
    'any_value, arbitrary',
    ['(T) -> T', plain('any_value')],
    'Any value that is not NULL.',
    [over('any_value(x - x)'), '0'],
  ),
  aggregate(
    'count_if',
    ['(boolean) -> bigint', (s) => `CAST(${plain('count_if')(s)} AS BIGINT)`],
    'Rows where the argument is true.',
    [over('count_if(x > 1)'), '2'],
  ),
  aggregate(
    'approx_count_distinct, ndv',
    ['(any) -> bigint', plain('approx_count_distinct')],
    'About how many different values.',
    [over('approx_count_distinct(x)'), '3'],
  ),
  aggregate(
    'multi_distinct_count',
    ['(any) -> bigint', (s) => `count(DISTINCT ${s.sql[0]})${s.over}`],
    'Different values.',
    [over('multi_distinct_count(x % 2)'), '2'],
  ),
  aggregate(
    'multi_distinct_sum',
    [
      '(number) -> number',
      (s) => `CAST(sum(DISTINCT ${s.sql[0]})${s.over} AS ${duckdbType(s.result)})`,
      sumType,
    ],
    'Sum of the different values.',
    [over('multi_distinct_sum(x % 2)'), '1'],
  ),
  aggregate(
    'group_concat',
    ['(string...) -> string', groupConcat],
    'Texts joined with a separator, comma when none is given; NULLs are left out.',
    [over("group_concat(x ORDER BY x DESC SEPARATOR '-')"), '4-2-1'],
  ),
  aggregate(
    'string_agg',
    ['(string, string) -> string', groupConcat],
    'Texts joined with a separator.',
    [over("string_agg(x, '-' ORDER BY x)"), '1-2-4'],
  ),
  aggregate('array_agg', ['(T) -> array<T>', plain('array_agg')], 'Values as an array.', [
    over('array_agg(x ORDER BY x)'),
    '[1,2,4]',
  ]),
  aggregate(
    'array_unique_agg',
    ['(array<T>) -> array<T>', (s) => `list_distinct(flatten(array_agg(${s.sql[0]})${s.over}))`],
    'Different elements of all arrays.',
    [over('array_length(array_unique_agg([x, x]))'), '3'],
  ),
  aggregate(
    'max_by',
    ['(A, B) -> A', plain('arg_max')],
    'The first argument in the row where the second is largest.',
    [over('max_by(x, -x)'), '1'],
  ),
  aggregate(
    'min_by',
    ['(A, B) -> A', plain('arg_min')],
    'The first argument in the row where the second is smallest.',
    [over('min_by(x, -x)'), '4'],
  ),
  doubles('stddev, std, stddev_pop', 'stddev_pop', 'Standard deviation of all.', [
    over('round(stddev(x), 4)'),
    '1.2472',
  ]),
  doubles('stddev_samp', 'stddev_samp', 'Standard deviation of a sample.', [
    over('round(stddev_samp(x), 4)'),
    '1.5275',
  ]),
  doubles('variance, var_pop, variance_pop', 'var_pop', 'Variance of all.', [
    over('round(variance(x), 4)'),
    '1.5556',
  ]),
  doubles('var_samp, variance_samp', 'var_samp', 'Variance of a sample.', [
    over('round(var_samp(x), 4)'),
    '2.3333',
  ]),
  ...(['corr', 'covar_pop', 'covar_samp'] as const).map((name) =>
    aggregate(
      name,
      ['(double, double) -> double', plain(name)],
      `Statistics of two columns: ${name}.`,
      [
        over(`round(${name}(x, x), 4)`),
        name === 'corr' ? '1' : name === 'covar_pop' ? '1.5556' : '2.3333',
      ],
      { takesDistinct: false },
    ),
  ),
  aggregate(
    'percentile_approx',
    ['(double, double, double?) -> double', percentile('percentile_approx', 'approx_quantile')],
    'About the value below which a share of the rows lies.',
    [over('percentile_approx(x, 0.5)'), '2'],
    { takesDistinct: false },
  ),
  aggregate(
    'percentile_cont',
    ['(double, double) -> double', percentile('percentile_cont', 'quantile_cont')],
    'The exact percentile, between two values where needed.',
    [over('percentile_cont(x, 0.75)'), '3'],
    { takesDistinct: false },
  ),
  aggregate(
    'percentile_disc',
    ['(T, double) -> T', percentile('percentile_disc', 'quantile_disc')],
    'The exact percentile, always one of the values.',
    [over('percentile_disc(x, 0.5)'), '2'],
    { takesDistinct: false },
  ),
  aggregate('median', ['(double) -> double', plain('median')], 'The value in the middle.', [
    over('median(x)'),
    '2',
  ]),
  aggregate(
    'bool_or, boolor_agg',
    ['(boolean) -> boolean', plain('bool_or')],
    'Is it true in some row?',
    [over('bool_or(x > 3)'), '1'],
  ),
  aggregate(
    'bool_and, booland_agg',
    ['(boolean) -> boolean', plain('bool_and')],
    'Is it true in every row?',
    [over('bool_and(x > 3)'), '0'],
  ),
  aggregate(
    'grouping, grouping_id',
    ['(any...) -> bigint', (s) => `CAST(grouping(${s.sql.join(', ')}) AS BIGINT)`],
    'Which of the columns are totals in this row of ROLLUP, CUBE or GROUPING SETS.',
    null,
    { takesDistinct: false },
  ),
];

export const WINDOW_FUNCTIONS: readonly FunctionEntry[] = [
  window('row_number', ['() -> bigint', 'row_number()'], 'Number of the row in its partition.', [
    `SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`,
    '3',
  ]),
  window('rank', ['() -> bigint', 'rank()'], 'Rank, with gaps behind equal rows.', [
    `SELECT max(r) FROM (SELECT rank() OVER (ORDER BY x DESC) AS r FROM ${rows('')}) AS q`,
    '3',
  ]),
  window('dense_rank', ['() -> bigint', 'dense_rank()'], 'Rank without gaps.', [
    `SELECT max(r) FROM (SELECT dense_rank() OVER (ORDER BY x % 2) AS r FROM ${rows('')}) AS q`,
    '2',
  ]),
  window('percent_rank', ['() -> double', 'percent_rank()'], 'Rank from 0 to 1.', [
    `SELECT max(r) FROM (SELECT percent_rank() OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`,
    '1',
  ]),
  window('cume_dist', ['() -> double', 'cume_dist()'], 'Share of the rows up to this one.', [
    `SELECT max(r) FROM (SELECT cume_dist() OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`,
    '1',
  ]),
  window(
    'ntile',
    ['(bigint) -> bigint', 'ntile({0})'],
    'Number of the bucket, of so many of equal size.',
    [`SELECT max(r) FROM (SELECT ntile(2) OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`, '2'],
  ),
  window(
    'lag',
    ['(T, bigint?, T?) -> T', 'lag({*})'],
    'The value so many rows before (1 when not given).',
    [`SELECT max(r) FROM (SELECT lag(x, 1, 0) OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`, '2'],
  ),
  window(
    'lead',
    ['(T, bigint?, T?) -> T', 'lead({*})'],
    'The value so many rows behind (1 when not given).',
    [`SELECT min(r) FROM (SELECT lead(x) OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`, '2'],
  ),
  window('first_value', ['(T) -> T', 'first_value({0})'], 'The first value of the frame.', [
    `SELECT max(r) FROM (SELECT first_value(x) OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`,
    '1',
  ]),
  window('last_value', ['(T) -> T', 'last_value({0})'], 'The last value of the frame.', [
    `SELECT max(r) FROM (SELECT last_value(x) OVER (ORDER BY x) AS r FROM ${rows('')}) AS q`,
    '4',
  ]),
];
