// Aggregates that gather values: texts, arrays, maps, the most frequent ones, and what happened in which
// order. SOURCE of results: StarRocks' pages on aggregate functions.
import { fail } from '../../base/errors.ts';
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { quoteString } from '../literal.ts';
import { entrySql, mapFromEntriesSql } from '../map-sql.ts';
import { arrayOf, BIGINT, BOOLEAN, NULL_TYPE } from '../types.ts';
import { constantNumber, over, plain } from './aggregate-form.ts';
import { distinctListSql } from './array.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const aggregate = definer('aggregate', 'aggregate');
const ordered = { takesOrder: true } as const;

/**
 * Values of the rows in order as a list, each once with DISTINCT: DuckDB itself orders a DISTINCT
 * aggregate only by its own argument.
 */
function gathered(s: CallSite, value: string): string {
  const isOwnOrder = s.orderBy === '' || s.orderBy.startsWith(` ORDER BY ${value} `);
  if (!s.distinct || (isOwnOrder && !s.orderBy.includes(`, `)))
    return `list(${s.distinct ? 'DISTINCT ' : ''}${value}${s.orderBy})${s.over}`;
  return distinctListSql(`list(${value}${s.orderBy})${s.over}`);
}

/** Texts of the rows; a row with a NULL among its values is left out. */
function joined(s: CallSite, values: readonly string[], separator: string): string {
  const [value = ''] = values;
  if (values.length === 1 && !s.distinct) {
    return `string_agg(${value}, ${separator}${s.orderBy})${s.over}`;
  }
  const there = values.map((sql) => `${sql} IS NOT NULL`).join(' AND ');
  if (!s.distinct) {
    return `string_agg(CASE WHEN ${there} THEN ${values.join(' || ')} END, ${separator}${s.orderBy})${s.over}`;
  }
  // Different values, not different texts: ('a', 'bc') is not ('ab', 'c').
  const row = values.length === 1 ? value : `CASE WHEN ${there} THEN row(${values.join(', ')}) END`;
  const text = values.map((_, i) => `mr_x[${i + 1}]`).join(' || ');
  const present = `list_filter(${gathered(s, row)}, lambda mr_x: mr_x IS NOT NULL)`;
  const texts = values.length === 1 ? present : `list_transform(${present}, lambda mr_x: ${text})`;
  return `CASE WHEN len(${present}) > 0 THEN array_to_string(${texts}, ${separator}) END`;
}

/** The last two arguments are the separator and the most characters (the analyser puts them there). */
const groupConcat = (s: CallSite): string => {
  if (s.sql.length < 3) {
    throw fail('SQL_ANALYZE', { detail: 'group_concat requires at least one parameter' });
  }
  const length = constantNumber(
    s,
    s.args.length - 1,
    'group_concat',
    'has no length',
    (n) => n > 0,
  );
  const separator = s.args.at(-2);
  const text = separator?.kind === 'literal' ? separator.text : null;
  if (text === null) return 'CAST(NULL AS VARCHAR)';
  return `left(${joined(s, s.sql.slice(0, -2), quoteString(text))}, ${length})`;
};

const stringAgg = (s: CallSite): string => {
  const separator = s.args[1];
  if (separator?.kind !== 'literal' || separator.text === null) {
    throw fail('SQL_ANALYZE', { detail: 'the separator of string_agg must be a constant' });
  }
  return joined(s, s.sql.slice(0, 1), quoteString(separator.text));
};

const counted = ([type]: readonly SqlType[]): SqlType =>
  arrayOf({
    kind: 'STRUCT',
    fields: [
      { name: 'item', type: type ?? NULL_TYPE },
      { name: 'count', type: BIGINT },
    ],
  });

/** Exact counts: the more frequent first, then the smaller; NULL is a value like the others. */
const topK = (s: CallSite): string => {
  const most = 100_000;
  const isCount = (n: number): boolean => Number.isInteger(n) && n > 0 && n <= most;
  const wanted = `needs constant whole numbers from 1 to ${most} as its second and third argument`;
  const k = s.sql.length < 2 ? 5 : constantNumber(s, 1, 'approx_top_k', wanted, isCount);
  if (s.sql.length > 2) {
    const counters = constantNumber(s, 2, 'approx_top_k', wanted, isCount);
    if (counters < k) {
      throw fail('SQL_ANALYZE', {
        detail: 'The second parameter must be smaller than or equal to the third parameter',
      });
    }
  }
  const [x] = s.sql;
  const values = `coalesce(list_transform(map_entries(histogram(${x})${s.over}), lambda mr_x: row(-CAST(mr_x.value AS BIGINT), mr_x.key)), [])`;
  const nulls = `(count(*)${s.over} - count(${x})${s.over})`;
  const all = `list_concat(${values}, CASE WHEN ${nulls} > 0 THEN [row(-${nulls}, NULL)] ELSE [] END)`;
  const top = `list_slice(list_sort(${all}), 1, ${k})`;
  return `CAST(list_transform(${top}, lambda mr_x: struct_pack(item := mr_x[2], count := -mr_x[1])) AS ${duckdbType(s.result)})`;
};

/** Which conditions of an array are true, as bits; the first is the lowest. */
const bits = (list: string): string =>
  `coalesce(CAST(list_sum(list_transform(${list}, lambda mr_e, mr_i: CASE WHEN mr_e THEN CAST(pow(2, mr_i - 1) AS BIGINT) ELSE 0 END)) AS BIGINT), 0)`;

const retention = (s: CallSite): string => {
  const [list = ''] = s.sql;
  const all = `[struct_pack(met := bit_or(${bits(list)})${s.over}, size := max(len(${list}))${s.over})]`;
  const met = `(mr_x.met & 1) = 1 AND ((mr_x.met >> mr_i) & 1) = 1`;
  return `list_transform(${all}, lambda mr_x: list_transform(range(mr_x.size), lambda mr_i: ${met}))[1]`;
};

const funnel = (s: CallSite): string => {
  const [, time, , events = ''] = s.sql;
  const window = constantNumber(
    s,
    0,
    'window_funnel',
    'needs a constant whole number from 0 on as its window',
    (n) => Number.isSafeInteger(n) && n >= 0,
  );
  const mode = constantNumber(
    s,
    2,
    'window_funnel',
    "mode argument's range must be [0-7]",
    (n) => Number.isInteger(n) && n >= 0 && n <= 7,
  );
  const isDate = s.args[1]?.type.kind === 'DATE';
  const at = isDate ? `CAST(${time} - DATE '1970-01-01' AS BIGINT)` : `epoch_us(${time})`;
  const length = BigInt(window) * (isDate ? 1n : 1_000_000n);
  return `mr_window_funnel(list(${at})${s.over}, list(${bits(events)})${s.over}, CAST(max(len(${events}))${s.over} AS BIGINT), CAST(${length} AS BIGINT), CAST(${mode} AS BIGINT))`;
};

export const COLLECTING_AGGREGATES: readonly FunctionEntry[] = [
  aggregate(
    'group_concat',
    ['(string...) -> string', groupConcat],
    'Texts joined with SEPARATOR, comma when none is given; rows with a NULL are left out. At most `group_concat_max_len` characters (1024).',
    [over("group_concat(x ORDER BY x DESC SEPARATOR '-')"), '4-2-1'],
    ordered,
  ),
  aggregate(
    'string_agg',
    ['(string, string) -> string', stringAgg],
    'Texts joined with a separator; NULLs are left out.',
    [over("string_agg(x, '-' ORDER BY x)"), '1-2-4'],
    ordered,
  ),
  aggregate(
    'array_agg',
    ['(T) -> array<T>', (s) => gathered(s, s.sql[0] ?? '')],
    'Values as an array, NULLs included.',
    [over('array_agg(x ORDER BY x)'), '[1,2,4]'],
    ordered,
  ),
  aggregate(
    'array_agg_distinct',
    ['(T) -> array<T>', (s) => gathered({ ...s, distinct: true }, s.sql[0] ?? '')],
    'Different values as an array, as array_agg(DISTINCT ...).',
    [over('array_agg_distinct(x % 2 ORDER BY x % 2)'), '[0,1]'],
    ordered,
  ),
  aggregate(
    'array_unique_agg',
    [
      '(array<T>) -> array<T>',
      (s) => distinctListSql(`flatten(${plain('list')({ ...s, distinct: false })})`),
    ],
    'Different elements of all arrays.',
    [over('array_sort(array_unique_agg([x, x % 2]))'), '[0,1,2,4]'],
  ),
  aggregate(
    'map_agg',
    [
      '(K, V) -> map<K, V>',
      (s) =>
        mapFromEntriesSql(
          `list_filter(list(${entrySql(s.sql[0] ?? '', s.sql[1] ?? '')})${s.over}, lambda mr_x: mr_x.key IS NOT NULL)`,
        ),
    ],
    'A map of keys and values; rows with a NULL key are left out. Which of several values of a key stays is not defined.',
    [over("element_at(map_agg(x, 'v'), 4)"), 'v'],
    { takesDistinct: false },
  ),
  aggregate(
    'approx_top_k',
    ['(any, bigint?, bigint?) -> array<any>', topK, counted],
    'The k most frequent values (5 when not given) with their counts, as structs item, count. The counts are exact.',
    [over('approx_top_k(x % 2, 1)'), '[{"item":0,"count":2}]'],
    { takesDistinct: false },
  ),
  aggregate(
    'retention',
    ['(array<boolean>) -> array<boolean>', retention, () => arrayOf(BOOLEAN)],
    'For an array of conditions: was the first met in some row, and with it each of the others?',
    [over('retention([x = 1, x = 2, x = 3])'), '[1,1,0]'],
    { takesDistinct: false },
  ),
  aggregate(
    'window_funnel',
    [
      ['(bigint, date, int, array<boolean>) -> bigint', funnel],
      ['(bigint, datetime, int, array<boolean>) -> bigint', funnel],
    ],
    'How many steps of a chain of conditions follow one another within a window (seconds, or days for a DATE). Mode: 1 no repeated, 2 no intruding events, 4 rising times; they can be added.',
    [
      over(
        "window_funnel(5, seconds_add('2020-01-01 00:00:00', x), 0, [x = 1, x = 2, x = 4, x = 9])",
      ),
      '3',
    ],
    { takesDistinct: false },
  ),
];
