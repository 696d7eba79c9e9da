// Date functions that take apart, format, parse and convert. now() and its kin are DATETIME in the
// session's time zone, one value for the whole statement.

import { fail } from '../../base/errors.ts';
import type { QuerySession } from '../catalog.ts';
import type { LiteralExpression } from '../expression.ts';
import { quoteString } from '../literal.ts';
import { localDatetime, localToUtcSql, utcToLocalSql } from '../time-zone.ts';
import { BIGINT, DATE, DATETIME, STRING } from '../types.ts';
import { constantFormat, formatDateSql, parseFormat, weekSql, yearWeekSql } from './date-format.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const date = definer('scalar', 'date');

const part = (names: string, sql: string, doc: string, example: readonly [string, string]) =>
  date(names, ['(datetime) -> int', `CAST(${sql} AS INTEGER)`], doc, example);

/** The constant mode of WEEK and YEARWEEK; 0 when it is not given. */
const weekMode = (site: CallSite, name: string): number => {
  const mode = site.args[1];
  if (mode === undefined) return 0;
  if (mode.kind === 'literal' && mode.text !== null && /^[0-7]$/.test(mode.text)) {
    return Number(mode.text);
  }
  throw fail('SQL_ANALYZE', { detail: `${name} needs a constant mode from 0 to 7` });
};
const week = (site: CallSite): string =>
  `CAST(${weekSql(site.sql[0] ?? '', weekMode(site, 'week'))} AS INTEGER)`;
const yearWeek = (site: CallSite): string =>
  `CAST(${yearWeekSql(site.sql[0] ?? '', weekMode(site, 'yearweek'))} AS INTEGER)`;

/** Now on the engine's clock, for expressions that are evaluated later than they are planned (loads). */
const engineNow = (site: CallSite): string =>
  `date_trunc('second', ${utcToLocalSql(site.timeZone, 'make_timestamp(epoch_us(current_timestamp))')})`;

const nowLiteral = (session: QuerySession): LiteralExpression => ({
  kind: 'literal',
  type: DATETIME,
  text: localDatetime(session.nowMs, session.timeZone, false),
});

const parsed = (site: CallSite, name: string): string => {
  const format = constantFormat(site.args[1], name);
  if (format === null) return 'CAST(NULL AS TIMESTAMP)';
  return `try_strptime(trim(${site.sql[0]}), ${quoteString(parseFormat(format, name))})`;
};

const MAX_UNIX_SECONDS = 253402243199;

const fromUnixtime = (site: CallSite): string => {
  const seconds = site.sql[0] ?? '';
  const local = utcToLocalSql(site.timeZone, `make_timestamp(${seconds} * 1000000)`);
  const text =
    site.args[1] === undefined
      ? `CAST(${local} AS VARCHAR)`
      : formatDateSql(local, constantFormat(site.args[1], 'from_unixtime'));
  return `CASE WHEN ${seconds} BETWEEN 0 AND ${MAX_UNIX_SECONDS} THEN ${text} END`;
};

const unixSeconds = (site: CallSite, local: string): string =>
  `CAST(floor(CASE WHEN epoch(${localToUtcSql(site.timeZone, local)}) < 0 THEN 0 ELSE epoch(${localToUtcSql(site.timeZone, local)}) END) AS BIGINT)`;

/** Days from the year 0 to 1970-01-01, as MySQL counts TO_DAYS. */
const EPOCH_DAYS = 719528;

export const DATE_FUNCTIONS: readonly FunctionEntry[] = [
  date(
    'now, current_timestamp, localtime, localtimestamp',
    ['(int?) -> datetime', engineNow],
    'Date and time at the beginning of the statement, in the session time zone.',
    null,
    {
      nulls: 'own',
      constant: nowLiteral,
    },
  ),
  date('sysdate', ['() -> datetime', engineNow], 'The same as now().', null, {
    constant: nowLiteral,
  }),
  date(
    'curdate, current_date',
    ['() -> date', (s) => `CAST(${engineNow(s)} AS DATE)`],
    'Today, in the session time zone.',
    null,
    {
      constant: (session) => ({
        kind: 'literal',
        type: DATE,
        text: localDatetime(session.nowMs, session.timeZone, false).slice(0, 10),
      }),
    },
  ),
  date(
    'curtime, current_time',
    ['() -> string', (s) => `strftime(${engineNow(s)}, '%H:%M:%S')`],
    'Time of day, in the session time zone.',
    null,
    {
      constant: (session) => ({
        kind: 'literal',
        type: STRING,
        text: localDatetime(session.nowMs, session.timeZone, false).slice(11),
      }),
    },
  ),
  date(
    'utc_timestamp',
    ['() -> datetime', "date_trunc('second', make_timestamp(epoch_us(current_timestamp)))"],
    'Date and time in UTC.',
    null,
    {
      constant: (session) => ({
        kind: 'literal',
        type: DATETIME,
        text: localDatetime(session.nowMs, 'UTC', false),
      }),
    },
  ),
  part('year', 'year({0})', 'Year.', ["year('2020-05-17')", '2020']),
  part('quarter', 'quarter({0})', 'Quarter, 1 to 4.', ["quarter('2020-05-17')", '2']),
  part('month', 'month({0})', 'Month, 1 to 12.', ["month('2020-05-17')", '5']),
  part('day, dayofmonth', 'day({0})', 'Day of the month.', ["day('2020-05-17')", '17']),
  part('hour', 'hour({0})', 'Hour, 0 to 23.', ["hour('2020-05-17 10:20:30')", '10']),
  part('minute', 'minute({0})', 'Minute.', ["minute('2020-05-17 10:20:30')", '20']),
  part('second', 'floor(second({0}))', 'Second.', ["second('2020-05-17 10:20:30')", '30']),
  part('microsecond', 'microsecond({0}) % 1000000', 'Microseconds of the second.', [
    "microsecond('2020-05-17 10:20:30.000012')",
    '12',
  ]),
  part('dayofweek', 'dayofweek({0}) + 1', 'Day of the week, 1 = Sunday to 7 = Saturday.', [
    "dayofweek('2020-01-01')",
    '4',
  ]),
  part('dayofweek_iso', 'isodow({0})', 'Day of the week, 1 = Monday to 7 = Sunday.', [
    "dayofweek_iso('2020-01-01')",
    '3',
  ]),
  part('weekday', 'isodow({0}) - 1', 'Day of the week, 0 = Monday to 6 = Sunday.', [
    "weekday('2020-01-01')",
    '2',
  ]),
  part('dayofyear', 'dayofyear({0})', 'Day of the year.', ["dayofyear('2020-02-01')", '32']),
  part('weekofyear, week_iso', 'weekofyear({0})', 'ISO week, 1 to 53.', [
    "weekofyear('2021-01-01')",
    '53',
  ]),
  date(
    'week',
    ['(datetime, int?) -> int', week],
    'Week of the year by one of the modes 0 to 7 of MySQL, 0 when not given.',
    ["week('2007-01-01')", '0'],
  ),
  date(
    'yearweek',
    ['(datetime, int?) -> int', yearWeek],
    'Year and week by one of the modes 0 to 7 of MySQL, such as 202001; 0 when not given.',
    ["yearweek('1987-01-01')", '198652'],
  ),
  date('dayname', ['(datetime) -> string', 'dayname({0})'], 'Name of the day.', [
    "dayname('2020-01-01')",
    'Wednesday',
  ]),
  date('monthname', ['(datetime) -> string', 'monthname({0})'], 'Name of the month.', [
    "monthname('2020-01-01')",
    'January',
  ]),
  date(
    'to_days',
    ['(date) -> int', `(datediff('day', DATE '1970-01-01', {0}) + ${EPOCH_DAYS})`],
    'Days since the year 0.',
    ["to_days('1970-01-02')", '719529'],
  ),
  date(
    'from_days',
    ['(int) -> date', `(DATE '1970-01-01' + ({0} - ${EPOCH_DAYS}))`],
    'The date so many days after the year 0.',
    ['from_days(719529)', '1970-01-02'],
  ),
  date('date, to_date', ['(datetime) -> date', 'CAST({0} AS DATE)'], 'The date of a time.', [
    "date('2020-05-17 10:20:30')",
    '2020-05-17',
  ]),
  date('timestamp', ['(datetime) -> datetime', '{0}'], 'The argument as DATETIME.', [
    "timestamp('2020-05-17')",
    '2020-05-17 00:00:00',
  ]),
  date(
    'makedate',
    [
      '(int, int) -> date',
      'CASE WHEN {0} BETWEEN 0 AND 9999 AND {1} BETWEEN 1 AND CASE WHEN day(last_day(make_date({0}, 2, 1))) = 29 THEN 366 ELSE 365 END THEN make_date({0}, 1, 1) + CAST({1} - 1 AS INTEGER) END',
    ],
    'The date of a year and a day of the year.',
    ['makedate(2020, 60)', '2020-02-29'],
  ),
  date(
    'date_format',
    [
      '(datetime, string) -> string',
      (s) => formatDateSql(s.sql[0] ?? '', constantFormat(s.args[1], 'date_format')),
    ],
    'A date as text, by the format letters of MySQL.',
    ["date_format('2009-10-04 22:23:00', '%W %M %Y %i')", 'Sunday October 2009 23'],
  ),
  date(
    'str_to_date',
    ['(string, string) -> datetime', (s) => parsed(s, 'str_to_date')],
    'Text to DATETIME, by the format letters of MySQL; NULL when it does not fit.',
    ["str_to_date('21,5,2013', '%d,%m,%Y')", '2013-05-21 00:00:00'],
  ),
  date(
    'str2date',
    ['(string, string) -> date', (s) => `CAST(${parsed(s, 'str2date')} AS DATE)`],
    'Text to DATE, by the format letters of MySQL.',
    ["str2date('2013-05-21', '%Y-%m-%d')", '2013-05-21'],
  ),
  date(
    'to_datetime',
    [
      '(bigint, int?) -> datetime',
      (s) => {
        const scale = s.args[1]?.kind === 'literal' ? s.args[1].text : '0';
        if (scale === null) return 'CAST(NULL AS TIMESTAMP)';
        const factor = scale === '6' ? 1 : scale === '3' ? 1000 : 1000000;
        return utcToLocalSql(s.timeZone, `make_timestamp(${s.sql[0]} * ${factor})`);
      },
    ],
    'Seconds (or with 3 or 6 milli- or microseconds) since 1970 as DATETIME in the session time zone.',
    ['to_datetime(86400)', '1970-01-02 00:00:00'],
  ),
  date(
    'from_unixtime',
    ['(bigint, string?) -> string', fromUnixtime],
    'Seconds since 1970 as text in the session time zone, with an optional format.',
    ["from_unixtime(1196440219, '%Y-%m-%d')", '2007-11-30'],
  ),
  date(
    'from_unixtime_ms',
    [
      '(bigint) -> string',
      (s) =>
        `CAST(${utcToLocalSql(s.timeZone, `make_timestamp((${s.sql[0]} // 1000) * 1000000)`)} AS VARCHAR)`,
    ],
    'Milliseconds since 1970 as text in the session time zone.',
    ['from_unixtime_ms(1000)', '1970-01-01 00:00:01'],
  ),
  date(
    'unix_timestamp',
    [
      ['() -> bigint', 'CAST(floor(epoch(current_timestamp)) AS BIGINT)'],
      ['(datetime) -> bigint', (s) => unixSeconds(s, s.sql[0] ?? '')],
      ['(string, string) -> bigint', (s) => unixSeconds(s, parsed(s, 'unix_timestamp'))],
    ],
    'Seconds since 1970 of a time in the session time zone; of now without arguments.',
    ["unix_timestamp('1970-01-02 00:00:00')", '86400'],
    {
      constant: (session) => ({
        kind: 'literal',
        type: BIGINT,
        text: String(Math.floor(session.nowMs / 1000)),
      }),
    },
  ),
  date(
    'convert_tz',
    ['(datetime, string, string) -> datetime', convertZone],
    'A time of one time zone in another; zones are constants.',
    ["convert_tz('2020-01-01 00:00:00', 'UTC', '+08:00')", '2020-01-01 08:00:00'],
  ),
  date(
    'to_iso8601',
    ['(datetime) -> string', "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f')"],
    'ISO 8601 text.',
    ["to_iso8601('2020-01-01 10:00:00')", '2020-01-01T10:00:00.000000'],
  ),
];

function convertZone(site: CallSite): string {
  const [from, to] = [site.args[1], site.args[2]];
  if (from?.kind !== 'literal' || to?.kind !== 'literal') {
    throw fail('SQL_ANALYZE', { detail: 'the time zones of convert_tz must be constants' });
  }
  if (from.text === null || to.text === null) return 'CAST(NULL AS TIMESTAMP)';
  return utcToLocalSql(to.text, localToUtcSql(from.text, site.sql[0] ?? ''));
}
