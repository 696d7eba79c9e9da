// Dates as text and text as dates, by three kinds of formats: MySQL's letters, Joda-Time's patterns,
// Teradata's words. Constant formats become DuckDB's own where they can; the rest goes to the engine's functions.
import type { SqlType } from '../../model/sql-type.ts';
import type { TypedExpression } from '../expression.ts';
import { quoteString } from '../literal.ts';
import { DATE, DATETIME } from '../types.ts';
import { formatDateSql, quickParseFormat } from './date-format.ts';
import { definer } from './define.ts';
import type { ArgumentShape, CallSite, FunctionEntry } from './entry.ts';

const date = definer('scalar', 'date');

/** DATE_FORMAT of a timestamp by the format that is the call's second argument. */
export function formatSql(timestamp: string, site: CallSite): string {
  const format = site.args[1];
  if (format?.kind === 'literal') return formatDateSql(timestamp, format.text);
  return `mr_date_format(epoch_us(${timestamp}), ${site.sql[1]})`;
}

/** STR_TO_DATE of the first argument by the second, as TIMESTAMP. */
export function parsedSql(site: CallSite): string {
  const [text = '', format = ''] = site.sql;
  const exact = `make_timestamp(mr_str_to_date(${text}, ${format}))`;
  const quick = quickFormat(site.args[1]);
  if (quick === null) return exact;
  // The engine's own parser first: it takes most texts, at a tenth of the cost. It reads the year 20 as 20.
  const parsed = `try_strptime(${text}, ${quoteString(quick)})`;
  return `coalesce(CASE WHEN ${parsed} >= TIMESTAMP '1000-01-01' THEN ${parsed} END, ${exact})`;
}

function quickFormat(format: TypedExpression | undefined): string | null {
  return format?.kind === 'literal' && format.text !== null ? quickParseFormat(format.text) : null;
}

/** Letters of a time of day: without them the answer is a DATE. SOURCE: StarRocks' page of str_to_date. */
const TIME_LETTER = /[fHhIiklprSsT]/;
const parsedType = (_: readonly SqlType[], args: readonly ArgumentShape[]): SqlType => {
  const format = args[1];
  if (format?.kind !== 'literal' || format.text === null || format.text === undefined)
    return DATETIME;
  return TIME_LETTER.test(format.text) ? DATETIME : DATE;
};
const strToDate = (site: CallSite): string =>
  site.result.kind === 'DATE' ? `CAST(${parsedSql(site)} AS DATE)` : parsedSql(site);

const jodaParsed = 'make_timestamp(mr_joda_parse({0}, {1}))';
const teraParsed = 'make_timestamp(mr_tera_date({0}, {1}))';

export const DATE_TEXT_FUNCTIONS: readonly FunctionEntry[] = [
  date(
    'date_format, strftime',
    ['(datetime, string) -> string', (s) => formatSql(s.sql[0] ?? '', s)],
    'A date as text, by the format letters of MySQL.',
    ["date_format('1900-10-04 22:23:00', '%D %y %a %d %m %b %j')", '4th 00 Thu 04 10 Oct 277'],
  ),
  date(
    'str_to_date',
    ['(string, string) -> datetime', strToDate, parsedType],
    'Text to DATETIME, by the format letters of MySQL; a DATE when the constant format has no time of day. NULL when it does not fit.',
    ["str_to_date('2014-12-21 12:34:56', '%Y-%m-%d %H:%i:%s')", '2014-12-21 12:34:56'],
  ),
  date(
    'str2date',
    ['(string, string) -> date', (s) => `CAST(${parsedSql(s)} AS DATE)`],
    'Text to DATE, by the format letters of MySQL.',
    ["str2date('200442 Monday', '%X%V %W')", '2004-10-18'],
  ),
  date(
    'jodatime_format',
    ['(datetime, string) -> string', 'mr_joda_format(epoch_us({0}), {1})'],
    "A date as text, by Joda-Time's patterns.",
    ["jodatime_format('2020-06-25 15:58:51', 'MMMM dd ee EEEE')", 'June 25 04 Thursday'],
  ),
  date(
    'str_to_jodatime',
    ['(string, string) -> datetime', jodaParsed],
    "Text to DATETIME, by Joda-Time's patterns; NULL when it does not fit.",
    ["str_to_jodatime('2014-12-21 12:34:56', 'yyyy-MM-dd HH:mm:ss')", '2014-12-21 12:34:56'],
  ),
  date(
    'to_tera_date',
    ['(string, string) -> date', `CAST(${teraParsed} AS DATE)`],
    "Text to DATE, by Teradata's words: yyyy, yy, mm, dd, hh24, hh, mi, ss, am, pm.",
    ["to_tera_date('1988/04/08', 'yyyy/mm/dd')", '1988-04-08'],
  ),
  date(
    'to_tera_timestamp',
    ['(string, string) -> datetime', teraParsed],
    "Text to DATETIME, by Teradata's words.",
    ["to_tera_timestamp('1988/04/08 02:03:04', 'yyyy/mm/dd hh24:mi:ss')", '1988-04-08 02:03:04'],
  ),
  date(
    'to_iso8601',
    [
      ['(datetime) -> string', "strftime({0}, '%Y-%m-%dT%H:%M:%S.%f')"],
      ['(date) -> string', "strftime({0}, '%Y-%m-%d')"],
    ],
    'ISO 8601 text: of a DATE the day, of a DATETIME all six digits of its fraction too.',
    ["to_iso8601(cast('2020-01-01 00:00:00.01' as datetime))", '2020-01-01T00:00:00.010000'],
  ),
];
