// What the clock says: one value for the whole statement, in the session's time zone. In loads, which
// evaluate later than they are planned, the engine's clock answers.
import type { SqlType } from '../../model/sql-type.ts';
import type { QuerySession } from '../catalog.ts';
import type { LiteralExpression } from '../expression.ts';
import { quoteString } from '../literal.ts';
import { localDatetime, utcToLocalSql } from '../time-zone.ts';
import { BIGINT, DATE, DATETIME, STRING } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const date = definer('scalar', 'date');

const UTC_NOW = 'make_timestamp(epoch_us(current_timestamp))';
const engineNow = (site: CallSite): string =>
  `date_trunc('second', ${utcToLocalSql(site.timeZone, UTC_NOW)})`;

/** now(n): so many digits of the second's fraction. */
const preciseNow = (site: CallSite): string => {
  const digits = site.sql[0] ?? '';
  const step = `CAST(pow(10, 6 - ${digits}) AS BIGINT)`;
  const cut = `make_timestamp(epoch_us(current_timestamp) // ${step} * ${step})`;
  return `CASE WHEN ${digits} BETWEEN 0 AND 6 THEN ${utcToLocalSql(site.timeZone, cut)} ELSE error('now() takes a precision from 0 to 6') END`;
};

const constant =
  (type: SqlType, of: (session: QuerySession) => string) =>
  (session: QuerySession): LiteralExpression => ({ kind: 'literal', type, text: of(session) });

const local = (session: QuerySession): string =>
  localDatetime(session.nowMs, session.timeZone, false);
const utc = (session: QuerySession): string => localDatetime(session.nowMs, 'UTC', false);

export const NOW_FUNCTIONS: readonly FunctionEntry[] = [
  date(
    'now, current_timestamp, localtime, localtimestamp',
    [
      ['() -> datetime', engineNow],
      ['(int) -> datetime', preciseNow],
    ],
    'Date and time at the beginning of the statement, in the session time zone; with so many digits of the fraction of a second.',
    null,
    { nulls: 'own', constant: constant(DATETIME, local) },
  ),
  date('sysdate', ['() -> datetime', engineNow], 'The same as now().', null, {
    constant: constant(DATETIME, local),
  }),
  date(
    'curdate, current_date',
    ['() -> date', (s) => `CAST(${engineNow(s)} AS DATE)`],
    'Today, in the session time zone.',
    null,
    { constant: constant(DATE, (session) => local(session).slice(0, 10)) },
  ),
  date(
    'curtime, current_time',
    ['() -> string', (s) => `strftime(${engineNow(s)}, '%H:%M:%S')`],
    'Time of day, in the session time zone.',
    null,
    { constant: constant(STRING, (session) => local(session).slice(11)) },
  ),
  date(
    'utc_timestamp',
    ['() -> datetime', `date_trunc('second', ${UTC_NOW})`],
    'Date and time in UTC.',
    null,
    { constant: constant(DATETIME, utc) },
  ),
  date(
    'utc_time',
    ['() -> string', `strftime(${UTC_NOW}, '%H:%M:%S')`],
    'Time of day in UTC.',
    null,
    {
      constant: constant(STRING, (session) => utc(session).slice(11)),
    },
  ),
  date(
    'current_timezone',
    ['() -> string', (s) => quoteString(s.timeZone)],
    'The session time zone.',
    null,
    { constant: constant(STRING, (session) => session.timeZone) },
  ),
  date(
    'unix_timestamp',
    ['() -> bigint', 'CAST(floor(epoch(current_timestamp)) AS BIGINT)'],
    'Seconds since 1970, now.',
    null,
    { constant: constant(BIGINT, (session) => String(Math.floor(session.nowMs / 1000))) },
  ),
];
