// The aggregates that every SQL has. Result types are StarRocks' (sum of integers is BIGINT, avg of a
// DECIMAL is a DECIMAL), which DuckDB's are not. An empty group gives NULL, counts 0.
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { decimalQuotientSql } from '../decimal-sql.ts';
import { lowBigintSql, wrappedBigintSql } from '../integer-sql.ts';
import { DOUBLE, decimal, quotientScale } from '../types.ts';
import { over, plain, sumType } from './aggregate-form.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const aggregate = definer('aggregate', 'aggregate');

/** A BIGINT sum wraps around as `+` does. SOURCE: StarRocks, be/src/exprs/agg/sum.h: plain int64 additions. */
const sum = (s: CallSite): string => {
  const total = plain('sum')(s);
  if (s.result.kind !== 'BIGINT') return `CAST(${total} AS ${duckdbType(s.result)})`;
  // One aggregate for both places, but two windows.
  return s.over === '' ? wrappedBigintSql(total) : lowBigintSql(total);
};

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

/** The row of the largest (smallest) second argument, its first argument even where that is NULL. */
const by = (duckdb: string) => (s: CallSite) => `${duckdb}(${s.sql.join(', ')})${s.over}`;

export const AGGREGATE_FUNCTIONS: readonly FunctionEntry[] = [
  aggregate(
    'count',
    [
      ['() -> bigint', count],
      ['(any...) -> bigint', count],
    ],
    'Rows, or rows where no argument is NULL; several arguments only with DISTINCT.',
    [over('count(*)'), '3'],
  ),
  aggregate(
    'sum',
    ['(number) -> number', sum, sumType],
    'Sum: BIGINT for integers, DECIMAL(38, s) for a DECIMAL of scale s, else DOUBLE. A sum of integers that does not fit wraps around, as + does.',
    [over('sum(x)'), '7'],
  ),
  aggregate(
    'avg',
    ['(number) -> number', average, averageType],
    'Mean: a DECIMAL for DECIMALs, else DOUBLE.',
    [over('avg(x)'), '2.3333333333333335'],
  ),
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
    { takesDistinct: false },
  ),
  aggregate(
    'approx_count_distinct, ndv, ds_hll_count_distinct, ds_theta_count_distinct',
    ['(any) -> bigint', (s) => `approx_count_distinct(${s.sql[0]})${s.over}`],
    'About how many different values there are.',
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
    'max_by',
    ['(A, B) -> A', by('arg_max_null')],
    'The first argument in the row where the second is largest; rows where the second is NULL do not count.',
    [over('max_by(x, -x)'), '1'],
  ),
  aggregate(
    'min_by',
    ['(A, B) -> A', by('arg_min_null')],
    'The first argument in the row where the second is smallest; rows where the second is NULL do not count.',
    [over('min_by(x, -x)'), '4'],
  ),
  aggregate(
    'bool_or, boolor_agg',
    ['(boolean) -> boolean', plain('bool_or')],
    'Is it true in some row?',
    [over('bool_or(x > 3)'), '1'],
  ),
  aggregate(
    'bool_and, booland_agg, every',
    ['(boolean) -> boolean', plain('bool_and')],
    'Is it true in every row?',
    [over('bool_and(x > 3)'), '0'],
  ),
  aggregate(
    'grouping, grouping_id',
    ['(any...) -> bigint', (s) => `CAST(grouping(${s.sql.join(', ')}) AS BIGINT)`],
    'Which of the columns are totals in this row of ROLLUP, CUBE or GROUPING SETS: a bit for each, the last the lowest.',
    [
      `SELECT sum(g) FROM (SELECT grouping_id(x) AS g FROM (SELECT 1 AS x UNION ALL SELECT 2) AS t GROUP BY ROLLUP (x)) AS q`,
      '1',
    ],
    { takesDistinct: false, takesOver: false },
  ),
];
