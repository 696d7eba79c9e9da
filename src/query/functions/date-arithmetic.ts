// Date functions that add, subtract, measure and round. Results of additions are DATETIME as in StarRocks
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

const LAST_MOMENT = "TIMESTAMP '9999-12-31 23:59:59.999999'";

/** Most units that can lie between two dates of the years 0 to 9999. */
const UNIT_LIMITS: Readonly<Record<string, number>> = {
  YEAR: 10_000,
  QUARTER: 40_000,
  MONTH: 120_000,
  WEEK: 521_775,
  DAY: 3_652_425,
  HOUR: 87_658_200,
  MINUTE: 5_259_492_000,
  SECOND: 315_569_520_000,
  MILLISECOND: 315_569_520_000_000,
  MICROSECOND: 315_569_520_000_000_000,
};

/** `base + n units`; NULL outside the years 0 to 9999, as in StarRocks. */
function movedSql(
  base: string,
  sign: '+' | '-',
  unit: string,
  amount: { readonly sql: string; readonly expression: TypedExpression | undefined },
): string {
  const moved = `(CAST(${base} AS TIMESTAMP) ${sign} ${intervalSql(unit, amount.sql)})`;
  const inside = `${moved} BETWEEN TIMESTAMP '0000-01-01' AND ${LAST_MOMENT}`;
  const limit = UNIT_LIMITS[unit.toUpperCase()] ?? 0;
  const given = amount.expression;
  const isSmall =
    given?.kind === 'literal' && given.text !== null && Math.abs(Number(given.text)) <= limit;
  // DuckDB's own range is wider, but not endless: a larger amount would be an error.
  const guard = isSmall ? inside : `${amount.sql} BETWEEN -${limit} AND ${limit} AND ${inside}`;
  return `CASE WHEN ${guard} THEN ${moved} END`;
}

const addInterval =
  (sign: '+' | '-') =>
  (site: CallSite): string => {
    const [base = '', amount = ''] = site.sql;
    const argument = site.args[1];
    if (argument?.kind !== 'interval') {
      throw fail('SQL_ANALYZE', { detail: 'an INTERVAL is needed here, such as INTERVAL 1 DAY' });
    }
    const given = { sql: amount, expression: argument.amount };
    return movedSql(base, sign, argument.unit, given);
  };

const addUnit =
  (unit: string, sign: '+' | '-') =>
  (site: CallSite): string =>
    movedSql(site.sql[0] ?? '', sign, unit, { sql: site.sql[1] ?? '', expression: site.args[1] });

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

/** Whole units from the second to the first, cut towards zero. */
function difference(unit: string, laterSql: string, earlierSql: string): string {
  const [later, earlier] = [laterSql, earlierSql].map((sql) => `CAST(${sql} AS TIMESTAMP)`);
  const months = MONTHS_PER_UNIT[unit];
  if (months === undefined) return `datesub('${unit}', ${earlier}, ${later})`;
  // A month is whole when its day and time of day are reached again. DuckDB counts 31st to 30th too.
  const count = (date: string | undefined): string => `(year(${date}) * 12 + month(${date}))`;
  const into = (date: string | undefined): string =>
    `(epoch_us(${date}) - epoch_us(date_trunc('month', ${date})))`;
  const apart = `(${count(later)} - ${count(earlier)})`;
  const whole = `CASE WHEN ${apart} > 0 AND ${into(later)} < ${into(earlier)} THEN ${apart} - 1 WHEN ${apart} < 0 AND ${into(later)} > ${into(earlier)} THEN ${apart} + 1 ELSE ${apart} END`;
  return months === 1 ? whole : `CAST(trunc((${whole}) / ${months}) AS BIGINT)`;
}

const MONTHS_PER_UNIT: Readonly<Record<string, number>> = { year: 12, quarter: 3, month: 1 };

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

/**
 * The CASE keeps DuckDB (1.5) from rewriting comparisons of date_trunc: with a constant that begins no unit it makes
 * `<>` TRUE for NULL, and `<=` TRUE for the unit after it.
 */
const truncate = (site: CallSite): string => {
  const unit = constantUnit(site.args[0], TRUNC_UNITS, 'date_trunc');
  const type = site.result.kind === 'DATE' ? 'DATE' : 'TIMESTAMP';
  const truncated = `CAST(date_trunc('${unit}', ${site.sql[1]}) AS ${type})`;
  return `CASE WHEN ${site.sql[1]} IS NOT NULL THEN ${truncated} END`;
};

const secondOf = (types: readonly SqlType[]): SqlType =>
  types[1]?.kind === 'DATE' ? DATE : DATETIME;

/** Slices of equal length that count from 0001-01-01, as StarRocks' do; a date is never in the time before. */
const timeSlice =
  (name: string) =>
  (site: CallSite): string => {
    const [, given, bound] = site.args;
    const [base = '', amount = ''] = site.sql;
    if (given?.kind !== 'interval') {
      throw fail('SQL_ANALYZE', { detail: `${name} needs an INTERVAL, such as INTERVAL 5 DAY` });
    }
    if (given.amount.kind === 'literal' && Number(given.amount.text ?? 1) <= 0) {
      throw fail('SQL_ANALYZE', {
        detail: `${name} requires second parameter must be greater than 0`,
      });
    }
    const isDate = site.result.kind === 'DATE';
    if (isDate && !['YEAR', 'QUARTER', 'MONTH', 'WEEK', 'DAY'].includes(given.unit.toUpperCase())) {
      throw fail('SQL_ANALYZE', {
        detail: `can't use ${name} for date with time(hour/minute/second)`,
      });
    }
    const limit = UNIT_LIMITS[given.unit.toUpperCase()] ?? 0;
    const isConstant = given.amount.kind === 'literal';
    if (isConstant && Number(given.amount.text ?? 1) > limit) {
      throw fail('SQL_ANALYZE', { detail: `the slices of ${name} are longer than all time` });
    }
    const width = intervalSql(given.unit, isConstant ? amount : `least(${amount}, ${limit})`);
    const start = `time_bucket(${width}, CAST(${base} AS TIMESTAMP), TIMESTAMP '0001-01-01 00:00:00')`;
    const isFloor = bound === undefined || constantUnit(bound, ['floor', 'ceil'], name) === 'floor';
    const slice = isFloor ? start : `(${start} + ${width})`;
    const guards = [
      ...(isConstant ? [] : [`${amount} > 0`]),
      ...(isFloor ? [] : [`${start} + ${width} <= ${LAST_MOMENT}`]),
    ];
    const guarded =
      guards.length === 0 ? slice : `CASE WHEN ${guards.join(' AND ')} THEN ${slice} END`;
    return isDate ? `CAST(${guarded} AS DATE)` : guarded;
  };

const PLURALS = [
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
] as const;

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
    // No microseconds_diff in StarRocks.
    ...(unit === 'microsecond'
      ? []
      : [
          date(
            `${unit}s_diff`,
            [
              '(datetime, datetime) -> bigint',
              (s) => difference(unit, s.sql[0] ?? '', s.sql[1] ?? ''),
            ],
            `Whole ${unit}s from the second argument to the first.`,
            [`${unit}s_diff('2020-01-01', '2020-01-01')`, '0'],
          ),
        ]),
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
    ["timestampdiff(MONTH, '2003-02-01', '2003-05-01')", '3'],
  ),
  date(
    'timestampadd',
    [
      '(string, int, temporal) -> datetime',
      (s) =>
        movedSql(s.sql[2] ?? '', '+', constantUnit(s.args[0], TRUNC_UNITS, 'timestampadd'), {
          sql: s.sql[1] ?? '',
          expression: s.args[1],
        }),
    ],
    'Adds so many units.',
    ["timestampadd(MINUTE, 1, '2020-01-02')", '2020-01-02 00:01:00'],
  ),
  date(
    'date_trunc',
    ['(string, temporal) -> temporal', truncate, secondOf],
    'The beginning of the year, month, week (Monday), day, hour, ... a time lies in.',
    ["date_trunc('month', '2020-05-17 10:00:00')", '2020-05-01 00:00:00'],
  ),
  date(
    'date_floor',
    ['(temporal, interval) -> datetime', timeSlice('date_floor')],
    'The beginning of the slice of time that a time lies in.',
    ["date_floor('2020-01-01 00:07:00', INTERVAL 5 MINUTE)", '2020-01-01 00:05:00'],
  ),
  date(
    'time_slice',
    ['(datetime, interval, string?) -> datetime', timeSlice('time_slice')],
    'The beginning (or, with ceil, the end) of the slice of time that a time lies in.',
    ["time_slice('1691-12-23 04:01:09', INTERVAL 5 DAY, CEIL)", '1691-12-27 00:00:00'],
  ),
  date(
    'date_slice',
    ['(date, interval, string?) -> date', timeSlice('date_slice')],
    'The same for DATE, in units from DAY to YEAR.',
    ["date_slice('2022-04-26', INTERVAL 5 YEAR)", '2021-01-01'],
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
