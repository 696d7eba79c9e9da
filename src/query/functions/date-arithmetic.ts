// Date functions that add, subtract and measure. Results of additions are DATETIME as in StarRocks
// (also for DATE arguments); differences count whole units, cut towards zero.
import { fail } from '../../base/errors.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { TypedExpression } from '../expression.ts';
import { DATE, DATETIME } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const date = definer('scalar', 'date');

/** Interval units and the DuckDB function that makes an interval of so many. */
const UNIT_INTERVALS: Readonly<Record<string, string>> = {
  YEAR: 'to_years',
  QUARTER: 'to_quarters',
  MONTH: 'to_months',
  WEEK: 'to_weeks',
  DAY: 'to_days',
  HOUR: 'to_hours',
  MINUTE: 'to_minutes',
  SECOND: 'to_seconds',
  MILLISECOND: 'to_milliseconds',
  MICROSECOND: 'to_microseconds',
};
/** Units whose DuckDB functions take INTEGER; the others take BIGINT. */
const INTEGER_UNITS = new Set(['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY']);

/** `to_days(CAST(n AS INTEGER))` */
export function intervalSql(unit: string, amount: string): string {
  const make = UNIT_INTERVALS[unit.toUpperCase()];
  if (make === undefined) {
    throw fail('SQL_ANALYZE', { detail: `Invalid interval unit '${unit}'` });
  }
  const type = INTEGER_UNITS.has(unit.toUpperCase()) ? 'INTEGER' : 'BIGINT';
  return `${make}(CAST(${amount} AS ${type}))`;
}

const interval = (argument: TypedExpression | undefined, sql: string | undefined): string => {
  if (argument?.kind !== 'interval') {
    throw fail('SQL_ANALYZE', { detail: 'an INTERVAL is needed here, such as INTERVAL 1 DAY' });
  }
  return intervalSql(argument.unit, sql ?? '');
};

const addInterval =
  (sign: '+' | '-') =>
  (site: CallSite): string =>
    `(CAST(${site.sql[0]} AS TIMESTAMP) ${sign} ${interval(site.args[1], site.sql[1])})`;

const addUnit =
  (unit: string, sign: '+' | '-') =>
  (site: CallSite): string =>
    `(CAST(${site.sql[0]} AS TIMESTAMP) ${sign} ${intervalSql(unit, site.sql[1] ?? '')})`;

/** A unit given as a constant text (`'month'`), checked. */
export function constantUnit(
  argument: TypedExpression | undefined,
  allowed: readonly string[],
  name: string,
): string {
  const text = argument?.kind === 'literal' ? (argument.text ?? '').toLowerCase() : null;
  if (text !== null && allowed.includes(text)) return text;
  throw fail('SQL_ANALYZE', {
    detail: `${name} needs a constant unit, one of {${allowed.join(', ')}}`,
  });
}

const DIFF_UNITS = [
  'year',
  'quarter',
  'month',
  'week',
  'day',
  'hour',
  'minute',
  'second',
  'millisecond',
];

/** Whole units from the second to the first. */
const difference = (unit: string, later: string, earlier: string): string =>
  `datesub('${unit}', CAST(${earlier} AS TIMESTAMP), CAST(${later} AS TIMESTAMP))`;

const TRUNC_UNITS = [
  'year',
  'quarter',
  'month',
  'week',
  'day',
  'hour',
  'minute',
  'second',
  'millisecond',
  'microsecond',
];

const truncate = (site: CallSite): string => {
  const unit = constantUnit(site.args[0], TRUNC_UNITS, 'date_trunc');
  const type = site.result.kind === 'DATE' ? 'DATE' : 'TIMESTAMP';
  return `CAST(date_trunc('${unit}', ${site.sql[1]}) AS ${type})`;
};

const secondOf = (types: readonly SqlType[]): SqlType =>
  types[1]?.kind === 'DATE' ? DATE : DATETIME;

/** Slices of equal length that count from 0001-01-01, as StarRocks' do. */
const timeSlice = (site: CallSite): string => {
  const bound = site.args[2];
  const width = interval(site.args[1], site.sql[1]);
  const start = `time_bucket(${width}, CAST(${site.sql[0]} AS TIMESTAMP), TIMESTAMP '0001-01-01 00:00:00')`;
  if (bound === undefined) return start;
  const word = constantUnit(bound, ['floor', 'ceil'], 'time_slice');
  return word === 'floor' ? start : `(${start} + ${width})`;
};

const PLURALS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second'] as const;

export const DATE_ARITHMETIC_FUNCTIONS: readonly FunctionEntry[] = [
  date(
    'date_add, adddate',
    [
      ['(temporal, interval) -> datetime', addInterval('+')],
      ['(temporal, int) -> datetime', addUnit('DAY', '+')],
    ],
    'Adds an interval (or days); the answer is a DATETIME.',
    ["date_add('2010-11-30', INTERVAL 2 DAY)", '2010-12-02 00:00:00'],
  ),
  date(
    'date_sub, subdate',
    [
      ['(temporal, interval) -> datetime', addInterval('-')],
      ['(temporal, int) -> datetime', addUnit('DAY', '-')],
    ],
    'Subtracts an interval (or days).',
    ["date_sub('2020-03-31', INTERVAL 1 MONTH)", '2020-02-29 00:00:00'],
  ),
  ...PLURALS.flatMap((unit) => [
    date(
      `${unit}s_add`,
      ['(temporal, int) -> datetime', addUnit(unit.toUpperCase(), '+')],
      `Adds ${unit}s.`,
      [`${unit}s_sub(${unit}s_add('2020-01-01', 2), 2)`, '2020-01-01 00:00:00'],
    ),
    date(
      `${unit}s_sub`,
      ['(temporal, int) -> datetime', addUnit(unit.toUpperCase(), '-')],
      `Subtracts ${unit}s.`,
      [`${unit}s_add(${unit}s_sub('2020-01-01', 2), 2)`, '2020-01-01 00:00:00'],
    ),
    date(
      `${unit}s_diff`,
      ['(datetime, datetime) -> bigint', (s) => difference(unit, s.sql[0] ?? '', s.sql[1] ?? '')],
      `Whole ${unit}s from the second argument to the first.`,
      [`${unit}s_diff('2020-01-01', '2020-01-01')`, '0'],
    ),
  ]),
  date(
    'add_months',
    ['(temporal, int) -> datetime', addUnit('MONTH', '+')],
    'Adds months; the day is cut to the last one of the month.',
    ["add_months('2020-01-31', 1)", '2020-02-29 00:00:00'],
  ),
  date(
    'datediff',
    [
      '(datetime, datetime) -> int',
      "CAST(datediff('day', CAST({1} AS DATE), CAST({0} AS DATE)) AS INTEGER)",
    ],
    'Days from the second date to the first; the time of day does not count.',
    ["datediff('2020-01-03 00:00:01', '2020-01-01 23:59:59')", '2'],
  ),
  date(
    'date_diff',
    [
      '(string, datetime, datetime) -> bigint',
      (s) =>
        difference(
          constantUnit(s.args[0], DIFF_UNITS, 'date_diff'),
          s.sql[1] ?? '',
          s.sql[2] ?? '',
        ),
    ],
    'Whole units from the third argument to the second.',
    ["date_diff('minute', '2020-01-01 00:10:00', '2020-01-01 00:08:30')", '1'],
  ),
  date(
    'timestampdiff',
    [
      '(string, datetime, datetime) -> bigint',
      (s) =>
        difference(
          constantUnit(s.args[0], DIFF_UNITS, 'timestampdiff'),
          s.sql[2] ?? '',
          s.sql[1] ?? '',
        ),
    ],
    'Whole units from the second argument to the third.',
    ["timestampdiff(MONTH, '2020-01-31', '2020-02-29')", '1'],
  ),
  date(
    'timestampadd',
    [
      '(string, int, temporal) -> datetime',
      (s) =>
        `(CAST(${s.sql[2]} AS TIMESTAMP) + ${intervalSql(constantUnit(s.args[0], DIFF_UNITS, 'timestampadd'), s.sql[1] ?? '')})`,
    ],
    'Adds so many units.',
    ["timestampadd(MINUTE, 1, '2020-01-02')", '2020-01-02 00:01:00'],
  ),
  date(
    'timediff',
    [
      '(datetime, datetime) -> string',
      (s) =>
        clockText(
          `datesub('second', CAST(${s.sql[1]} AS TIMESTAMP), CAST(${s.sql[0]} AS TIMESTAMP))`,
        ),
    ],
    'Time from the second argument to the first, as HH:MM:SS.',
    ["timediff('2020-01-02 00:00:00', '2020-01-01 22:59:58')", '01:00:02'],
  ),
  date(
    'sec_to_time',
    ['(bigint) -> string', (s) => clockText(s.sql[0] ?? '')],
    'Seconds as HH:MM:SS.',
    ['sec_to_time(3661)', '01:01:01'],
  ),
  date(
    'time_to_sec',
    [
      '(string) -> bigint',
      "list_reduce(list_transform(string_split(ltrim({0}, '-'), ':'), lambda p: TRY_CAST(p AS BIGINT)), lambda a, b: a * 60 + b) * CASE WHEN starts_with({0}, '-') THEN -1 ELSE 1 END",
    ],
    'HH:MM:SS as seconds.',
    ["time_to_sec('01:01:01')", '3661'],
  ),
  date(
    'date_trunc',
    ['(string, temporal) -> temporal', truncate, secondOf],
    'The beginning of the year, month, week (Monday), day, hour, ... a time lies in.',
    ["date_trunc('month', '2020-05-17 10:00:00')", '2020-05-01 00:00:00'],
  ),
  date(
    'date_floor',
    ['(temporal, interval) -> datetime', timeSlice],
    'The beginning of the slice of time that a time lies in.',
    ["date_floor('2020-01-01 00:07:00', INTERVAL 5 MINUTE)", '2020-01-01 00:05:00'],
  ),
  date(
    'time_slice',
    ['(temporal, interval, string?) -> datetime', timeSlice],
    'The beginning (or, with ceil, the end) of the slice of time that a time lies in.',
    ["time_slice('2020-01-01 00:07:00', INTERVAL 5 MINUTE)", '2020-01-01 00:05:00'],
  ),
  date(
    'last_day',
    [
      '(temporal, string?) -> date',
      (s) => {
        const unit =
          s.args[1] === undefined
            ? 'month'
            : constantUnit(s.args[1], ['year', 'quarter', 'month'], 'last_day');
        return `CAST(date_trunc('${unit}', ${s.sql[0]}) + ${intervalSql(unit, '1')} - to_days(1) AS DATE)`;
      },
    ],
    'Last day of the month (or quarter or year).',
    ["last_day('2020-02-03')", '2020-02-29'],
  ),
  date(
    'next_day',
    ['(temporal, string) -> date', (s) => weekdaySql(s, 1)],
    'The next such day of the week after a date.',
    ["next_day('2020-01-01', 'Monday')", '2020-01-06'],
  ),
  date(
    'previous_day',
    ['(temporal, string) -> date', (s) => weekdaySql(s, -1)],
    'The last such day of the week before a date.',
    ["previous_day('2020-01-01', 'Monday')", '2019-12-30'],
  ),
];

/** Seconds as [-]HH:MM:SS; hours may have more digits. */
function clockText(seconds: string): string {
  return `(CASE WHEN ${seconds} < 0 THEN '-' ELSE '' END || lpad(CAST(abs(${seconds}) // 3600 AS VARCHAR), CAST(greatest(2, length(CAST(abs(${seconds}) // 3600 AS VARCHAR))) AS INTEGER), '0') || ':' || lpad(CAST(abs(${seconds}) // 60 % 60 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(${seconds}) % 60 AS VARCHAR), 2, '0'))`;
}

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

function weekdaySql(site: CallSite, direction: 1 | -1): string {
  const argument = site.args[1];
  const text = argument?.kind === 'literal' ? (argument.text ?? '').toLowerCase() : '';
  const index = text.length >= 2 ? WEEKDAYS.findIndex((day) => day.startsWith(text)) : -1;
  if (index < 0) {
    throw fail('SQL_ANALYZE', { detail: `'${text}' is no constant day of the week` });
  }
  const today = `CAST(isodow(${site.sql[0]}) AS INTEGER)`;
  const wanted = index + 1;
  const days =
    direction === 1
      ? `((${wanted} - ${today} + 6) % 7 + 1)`
      : `-((${today} - ${wanted} + 6) % 7 + 1)`;
  return `(CAST(${site.sql[0]} AS DATE) + CAST(${days} AS INTEGER))`;
}
