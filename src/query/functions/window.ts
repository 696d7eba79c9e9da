// Window functions proper; the aggregates take OVER too. NULLs are the smallest values of an order.
// SOURCE of results: StarRocks' page on window functions.
import { fail } from '../../base/errors.ts';
import { printSqlType } from '../../model/sql-type.ts';
import { castSql } from '../cast-sql.ts';
import { implicitCastCost, NULL_TYPE } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const window = definer('window', 'window');

/** The default has the type of the first argument. */
const offset = (name: string) => (s: CallSite) => {
  const [value, count = '1', otherwise] = s.sql;
  const type = s.args[2]?.type ?? NULL_TYPE;
  if (otherwise !== undefined && implicitCastCost(type, s.result) === undefined) {
    throw fail('SQL_ANALYZE', {
      detail: `The third parameter of LEAD/LAG can't convert to ${printSqlType(s.result)}`,
    });
  }
  const last = otherwise === undefined ? '' : `, ${castSql(otherwise, type, s.result)}`;
  return `${name}(${value}, ${count}${last}${s.ignoreNulls ? ' IGNORE NULLS' : ''})${s.over}`;
};

const rows = '(SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 4) AS t';
const example = (aggregate: string, call: string): string =>
  `SELECT ${aggregate}(r) FROM (SELECT ${call} AS r FROM ${rows}) AS q`;

export const WINDOW_FUNCTIONS: readonly FunctionEntry[] = [
  window('row_number', ['() -> bigint', 'row_number()'], 'Number of the row in its partition.', [
    example('max', 'row_number() OVER (ORDER BY x)'),
    '3',
  ]),
  window('rank', ['() -> bigint', 'rank()'], 'Rank, with gaps behind equal rows.', [
    example('max', 'rank() OVER (ORDER BY x % 2)'),
    '3',
  ]),
  window('dense_rank', ['() -> bigint', 'dense_rank()'], 'Rank without gaps.', [
    example('max', 'dense_rank() OVER (ORDER BY x % 2)'),
    '2',
  ]),
  window('percent_rank', ['() -> double', 'percent_rank()'], 'Rank from 0 to 1.', [
    example('max', 'percent_rank() OVER (ORDER BY x)'),
    '1',
  ]),
  window('cume_dist', ['() -> double', 'cume_dist()'], 'Share of the rows up to this one.', [
    example('max', 'cume_dist() OVER (ORDER BY x)'),
    '1',
  ]),
  window(
    'ntile',
    ['(bigint) -> bigint', 'ntile({0})'],
    'Number of the bucket, of so many of equal size; a constant from 1 on.',
    [example('max', 'ntile(2) OVER (ORDER BY x)'), '2'],
  ),
  window(
    'lag',
    ['(A, bigint?, any?) -> A', offset('lag')],
    'The value so many rows before (1 when not given), else the third argument. Takes IGNORE NULLS.',
    [example('max', 'lag(x, 1, 0) OVER (ORDER BY x)'), '2'],
  ),
  window(
    'lead',
    ['(A, bigint?, any?) -> A', offset('lead')],
    'The value so many rows behind (1 when not given), else the third argument. Takes IGNORE NULLS.',
    [example('min', 'lead(x) OVER (ORDER BY x)'), '2'],
  ),
  window(
    'first_value',
    ['(A) -> A', 'first_value({0})'],
    'The first value of the frame. Takes IGNORE NULLS.',
    [example('max', 'first_value(x) OVER (ORDER BY x)'), '1'],
  ),
  window(
    'last_value',
    ['(A) -> A', 'last_value({0})'],
    'The last value of the frame, which ends at the current row when none is given. Takes IGNORE NULLS.',
    [example('max', 'last_value(x) OVER (ORDER BY x)'), '4'],
  ),
];
