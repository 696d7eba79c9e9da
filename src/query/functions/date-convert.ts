// Date functions between dates and numbers of days or seconds, and between time zones. Seconds since 1970
// are UTC; dates are in the session's time zone.
import { fail } from '../../base/errors.ts';
import type { TypedExpression } from '../expression.ts';
import {
  fixedOffsetSeconds,
  isTimeZone,
  localToUtcSql,
  namedToUtcSql,
  utcToLocalSql,
} from '../time-zone.ts';
import { formatSql, parsedSql } from './date-text.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const date = definer('scalar', 'date');

/** The last second that from_unixtime shows. SOURCE: StarRocks' page of it. */
const MAX_UNIX_SECONDS = 253402243199;
/** Days from the year 0 to 1970-01-01, as MySQL counts TO_DAYS. */
const EPOCH_DAYS = 719528;
/** Days of 0000-01-01 and 9999-12-31 by the same count. */
const MIN_DAYS = 1;
const MAX_DAYS = 3652424;

const secondsToLocal = (site: CallSite, seconds: string): string =>
  utcToLocalSql(site.timeZone, `make_timestamp(${seconds} * 1000000)`);

const fromUnixtime = (site: CallSite): string => {
  const seconds = site.sql[0] ?? '';
  const zone = site.args[2];
  if (zone !== undefined && zone.kind !== 'literal') {
    throw fail('SQL_ANALYZE', { detail: 'the time zone of from_unixtime must be a constant' });
  }
  if (zone !== undefined && zone.text === null) return 'CAST(NULL AS VARCHAR)';
  const local = secondsToLocal({ ...site, timeZone: zone?.text ?? site.timeZone }, seconds);
  const text = site.args[1] === undefined ? `CAST(${local} AS VARCHAR)` : formatSql(local, site);
  return `CASE WHEN ${seconds} BETWEEN 0 AND ${MAX_UNIX_SECONDS} THEN ${text} END`;
};

const unixSeconds = (site: CallSite, local: string): string => {
  const seconds = `epoch(${localToUtcSql(site.timeZone, local)})`;
  return `CAST(floor(CASE WHEN ${seconds} < 0 THEN 0 ELSE ${seconds} END) AS BIGINT)`;
};

/** Microseconds of a number whose scale is 0, 3 or 6 digits; NULL for another scale or beyond year 9999. */
const scaledMicros = (site: CallSite): string => {
  const [value = '', scale = '0'] = site.sql;
  const micros = `CASE ${scale} WHEN 0 THEN CAST(${value} AS HUGEINT) * 1000000 WHEN 3 THEN CAST(${value} AS HUGEINT) * 1000 WHEN 6 THEN CAST(${value} AS HUGEINT) END`;
  return `CASE WHEN ${micros} BETWEEN -62135596800000000 AND 253402300799999999 THEN make_timestamp(CAST(${micros} AS BIGINT)) END`;
};

const OFFSET_PATTERN = "'[+-][0-9]{1,2}:[0-9]{2}'";

/** A computed zone: an offset is arithmetic, a name is looked up for each row, an unknown one gives NULL. */
const computedZone = (sql: string, zone: string, direction: 'toUtc' | 'toLocal'): string => {
  const sign = direction === 'toUtc' ? '-' : '+';
  const seconds = `(CAST(split_part(ltrim(${zone}, '+-'), ':', 1) AS BIGINT) * 3600 + CAST(split_part(${zone}, ':', 2) AS BIGINT) * 60) * CASE WHEN left(${zone}, 1) = '-' THEN -1 ELSE 1 END`;
  const named =
    direction === 'toUtc' ? namedToUtcSql(zone, sql) : `timezone(${zone}, timezone('UTC', ${sql}))`;
  return `CASE WHEN regexp_full_match(${zone}, ${OFFSET_PATTERN}) THEN ${sql} ${sign} to_seconds(${seconds}) WHEN mr_is_time_zone(${zone}) THEN ${named} END`;
};

/** Is it a constant that no zone has as its name? convert_tz gives NULL then. */
const isUnknownZone = (zone: TypedExpression | undefined): boolean =>
  zone?.kind === 'literal' &&
  (zone.text === null || (fixedOffsetSeconds(zone.text) === null && !isTimeZone(zone.text)));

function convertZone(site: CallSite): string {
  const [, from, to] = site.args;
  const [time = '', fromSql = '', toSql = ''] = site.sql;
  if (isUnknownZone(from) || isUnknownZone(to)) return 'CAST(NULL AS TIMESTAMP)';
  const utc =
    from?.kind === 'literal'
      ? localToUtcSql(from.text ?? '', time)
      : `(${computedZone(time, fromSql, 'toUtc')})`;
  return to?.kind === 'literal'
    ? utcToLocalSql(to.text ?? '', utc)
    : computedZone(utc, toSql, 'toLocal');
}

export const DATE_CONVERT_FUNCTIONS: readonly FunctionEntry[] = [
  date(
    'to_days',
    ['(date) -> int', `(datediff('day', DATE '1970-01-01', {0}) + ${EPOCH_DAYS})`],
    'Days since the year 0.',
    ["to_days('2007-10-07')", '733321'],
  ),
  date(
    'from_days',
    [
      '(int) -> date',
      `CASE WHEN {0} BETWEEN ${MIN_DAYS} AND ${MAX_DAYS} THEN DATE '1970-01-01' + ({0} - ${EPOCH_DAYS}) END`,
    ],
    'The date so many days after the year 0; NULL beyond 9999-12-31.',
    ['from_days(730669)', '2000-07-03'],
  ),
  date('date, to_date', ['(datetime) -> date', 'CAST({0} AS DATE)'], 'The date of a time.', [
    "to_date('2020-02-02 00:00:00')",
    '2020-02-02',
  ]),
  date('timestamp', ['(datetime) -> datetime', '{0}'], 'The argument as DATETIME.', [
    "timestamp('2019-05-27')",
    '2019-05-27 00:00:00',
  ]),
  date(
    'makedate',
    [
      '(int, int) -> date',
      'CASE WHEN {0} BETWEEN 0 AND 9999 AND {1} BETWEEN 1 AND CASE WHEN day(last_day(make_date({0}, 2, 1))) = 29 THEN 366 ELSE 365 END THEN make_date({0}, 1, 1) + CAST({1} - 1 AS INTEGER) END',
    ],
    'The date of a year (0 to 9999) and a day of the year.',
    ['makedate(2023, 32)', '2023-02-01'],
  ),
  date(
    'unix_timestamp',
    [
      ['(datetime) -> bigint', (s) => unixSeconds(s, s.sql[0] ?? '')],
      ['(string, string) -> bigint', (s) => unixSeconds(s, parsedSql(s))],
    ],
    'Seconds since 1970 of a time, or of a text by its format, in the session time zone.',
    ["unix_timestamp('2007-11-30 10:30:19')", '1196418619'],
  ),
  date(
    'from_unixtime',
    ['(bigint, string?, string?) -> string', fromUnixtime],
    'Seconds since 1970 as text in the session time zone (or the given one), with an optional format; NULL below 0 and beyond 253402243199.',
    ["from_unixtime(1196440219, '%Y-%m-%d %H:%i:%s', 'Asia/Shanghai')", '2007-12-01 00:30:19'],
  ),
  date(
    'from_unixtime_ms',
    [
      '(bigint) -> string',
      (s) =>
        `CASE WHEN ${s.sql[0]} BETWEEN 0 AND ${MAX_UNIX_SECONDS}999 THEN CAST(${secondsToLocal(s, `(${s.sql[0]} // 1000)`)} AS VARCHAR) END`,
    ],
    'Milliseconds since 1970 as text in the session time zone.',
    ['from_unixtime_ms(1196440219000)', '2007-11-30 16:30:19'],
  ),
  date(
    'hour_from_unixtime',
    [
      '(bigint) -> tinyint',
      (s) =>
        `CASE WHEN ${s.sql[0]} BETWEEN 0 AND ${MAX_UNIX_SECONDS} THEN CAST(hour(${secondsToLocal(s, s.sql[0] ?? '')}) AS TINYINT) END`,
    ],
    'Hour of seconds since 1970, in the session time zone.',
    ['hour_from_unixtime(1196440219)', '16'],
  ),
  date(
    'to_datetime',
    ['(bigint, int?) -> datetime', (s) => utcToLocalSql(s.timeZone, `(${scaledMicros(s)})`)],
    'Seconds (or with 3 or 6 milli- or microseconds) since 1970 as DATETIME in the session time zone.',
    ['to_datetime(1598306400123, 3)', '2020-08-24 22:00:00.123000'],
  ),
  date(
    'to_datetime_ntz',
    ['(bigint, int?) -> datetime', scaledMicros],
    'The same in UTC, whatever the session time zone.',
    ['to_datetime_ntz(1598306400)', '2020-08-24 22:00:00'],
  ),
  date(
    'convert_tz',
    ['(datetime, string, string) -> datetime', convertZone],
    'A time of one time zone in another: names such as Asia/Shanghai, or offsets such as +08:00; NULL for zones that do not exist.',
    [
      "convert_tz('2019-08-01 13:21:03', 'Asia/Shanghai', 'America/Los_Angeles')",
      '2019-07-31 22:21:03',
    ],
  ),
];
