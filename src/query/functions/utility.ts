// Functions of general use: ids, waiting, assertions, histograms drawn as text.
import { fail } from '../../base/errors.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const utility = definer('scalar', 'utility');
const own = { nulls: 'own' } as const;

/** Width of the slices in which sleep() waits: after each, KILL and the timeout are looked at. */
const SLEEP_SLICE_MS = 20;
/** Longest sleep(). A query's own timeout ends it long before. */
const MAX_SLEEP_SECONDS = 86_400;

/**
 * One row per slice, each of which waits: DuckDB looks at interrupts between chunks of rows, not inside
 * a function. NULL and less than 0 do not wait.
 */
const sleepSql = (site: CallSite): string => {
  const seconds = `CASE WHEN ${site.sql[0]} > 0 THEN least(CAST(${site.sql[0]} AS BIGINT), ${MAX_SLEEP_SECONDS}) ELSE 0 END`;
  const slices = `(${seconds}) * ${1000 / SLEEP_SLICE_MS}`;
  return `CASE WHEN ${site.sql[0]} IS NULL THEN NULL ELSE (len(list_transform(range(0, ${slices}), lambda slice: sleep_ms(${SLEEP_SLICE_MS}))) >= 0) END`;
};

const assertTrue = (site: CallSite): string => {
  const message = site.sql[1] ?? "'assert_true failed due to false value'";
  return `CASE WHEN ${site.sql[0]} THEN TRUE WHEN ${site.sql[0]} IS NULL THEN error('assert_true failed due to null value') ELSE error(${message}) END`;
};

const bucketWidth = (low: string, high: string, count: string): string =>
  `greatest(1, (${high} - ${low}) // ${count})`;

const bucketSql = (site: CallSite): string => {
  const [value = '', low = '', high = '', count = ''] = site.sql;
  return `CASE WHEN ${value} IS NULL OR ${low} IS NULL OR ${high} IS NULL OR ${count} IS NULL THEN NULL WHEN ${count} <= 0 OR ${high} < ${low} OR ${value} < ${low} OR ${value} > ${high} THEN error('equiwidth_bucket needs a value between its bounds, and a number of buckets above 0') ELSE (${value} - ${low}) // ${bucketWidth(low, high, count)} END`;
};

const barSql = (site: CallSite): string => {
  const [value = '', low = '', high = '', width = ''] = site.sql;
  return `CASE WHEN ${value} IS NULL OR ${low} IS NULL OR ${high} IS NULL OR ${width} IS NULL THEN NULL WHEN ${width} <= 0 OR ${width} > 10000 OR ${high} <= ${low} OR ${value} < ${low} OR ${value} > ${high} THEN error('bar needs a value between its bounds, and a width from 1 to 10000') ELSE repeat('▓', CAST((${value} - ${low}) * ${width} // (${high} - ${low}) AS INTEGER)) END`;
};

/** The first 124 bits of an id as a number, by two halves: DuckDB reads no hex text as HUGEINT. */
const numericId = (id: string): string => {
  const half = (from: number, digits: number): string =>
    `CAST(CAST('0x' || substring(d, ${from}, ${digits}) AS UBIGINT) AS HUGEINT)`;
  const number = `${half(1, 15)} * 18446744073709551616 + ${half(16, 16)}`;
  return `list_transform([replace(CAST(${id} AS VARCHAR), '-', '')], lambda d: ${number})[1]`;
};

/** A new id in each row, as text and as a number. */
export const UUID_SQL = 'CAST(uuid() AS VARCHAR)';
export const UUID_NUMERIC_SQL = numericId('uuid()');

export const UTILITY_FUNCTIONS: readonly FunctionEntry[] = [
  utility('uuid', ['() -> string', UUID_SQL], 'A random UUID.', null),
  utility(
    'uuid_numeric',
    ['() -> largeint', UUID_NUMERIC_SQL],
    'A random number of 124 bits.',
    null,
  ),
  utility(
    'uuid_v7',
    ['() -> string', 'CAST(uuidv7() AS VARCHAR)'],
    'A UUID of version 7, which begins with the time.',
    null,
  ),
  utility(
    'uuid_v7_numeric',
    ['() -> largeint', numericId('uuidv7()')],
    'The first 124 bits of a UUID of version 7 as a number.',
    null,
  ),
  utility(
    'sleep',
    ['(int) -> boolean', sleepSql],
    'Waits so many seconds, then gives true. KILL and the query timeout end it.',
    ['sleep(0)', '1'],
  ),
  utility(
    'assert_true',
    ['(boolean, string?) -> boolean', assertTrue],
    'True, or an error (with a message of your own) when the argument is not true.',
    ['assert_true(1 = 1)', '1'],
    own,
  ),
  utility('host_name', ['() -> string', 'mr_host_name()'], 'Name of the host that computes.', null),
  utility('materialize', ['(T) -> T', '{0}'], 'The argument itself.', ['materialize(7)', '7'], own),
  utility(
    'bar',
    ['(bigint, bigint, bigint, bigint) -> string', barSql],
    'A bar for a value between two bounds, so many characters wide at the upper one.',
    ['bar(3, 0, 10, 20)', '▓▓▓▓▓▓'],
  ),
  utility(
    'equiwidth_bucket',
    ['(bigint, bigint, bigint, bigint) -> bigint', bucketSql],
    'Number, from 0, of the bucket of equal width that a value between two bounds lies in.',
    ['equiwidth_bucket(7, 0, 10, 20)', '7'],
  ),
  utility(
    'get_query_profile',
    [
      '(string) -> string',
      () => {
        throw fail('NOT_SUPPORTED', {
          what: 'get_query_profile',
          hint: 'profiles are not kept; EXPLAIN ANALYZE shows one',
        });
      },
    ],
    'Not supported: profiles are not kept. EXPLAIN ANALYZE shows one.',
    null,
  ),
];
