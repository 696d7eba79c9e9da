// Times, which StarRocks' TIME type holds: lengths or times of day as texts `HH:MM:SS` here, with more
// than two digits of hours where they are needed, and a minus sign before them.
import { fail } from '../../base/errors.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const date = definer('scalar', 'date');

/** Seconds as [-]HH:MM:SS. */
export function clockText(seconds: string): string {
  const hours = `CAST(abs(${seconds}) // 3600 AS VARCHAR)`;
  const shown = `lpad(${hours}, CAST(greatest(2, length(${hours})) AS INTEGER), '0')`;
  const two = (sql: string): string => `lpad(CAST(${sql} AS VARCHAR), 2, '0')`;
  return `(CASE WHEN ${seconds} < 0 THEN '-' ELSE '' END || ${shown} || ':' || ${two(`abs(${seconds}) // 60 % 60`)} || ':' || ${two(`abs(${seconds}) % 60`)})`;
}

const TIME_PATTERN = "'-?[0-9]+:[0-5]?[0-9]:[0-5]?[0-9]'";

/** [-]HH:MM:SS as seconds; NULL for other texts. */
function secondsOf(time: string): string {
  const part = (index: number): string =>
    `CAST(split_part(ltrim(${time}, '-'), ':', ${index}) AS BIGINT)`;
  const sum = `(${part(1)} * 3600 + ${part(2)} * 60 + ${part(3)})`;
  return `CASE WHEN regexp_full_match(${time}, ${TIME_PATTERN}) THEN CASE WHEN starts_with(${time}, '-') THEN -${sum} ELSE ${sum} END END`;
}

const timeDifference = (site: CallSite): string =>
  clockText(
    `datesub('second', CAST(${site.sql[1]} AS TIMESTAMP), CAST(${site.sql[0]} AS TIMESTAMP))`,
  );

/** Letters of TIME_FORMAT; a length has no date, so that no others have a meaning. */
function timeLetter(letter: string, seconds: string): string | undefined {
  const two = (sql: string): string => `lpad(CAST(${sql} AS VARCHAR), 2, '0')`;
  const hour = `(abs(${seconds}) // 3600)`;
  switch (letter) {
    case 'f':
      return "'000000'";
    case 'H':
      return `CASE WHEN ${hour} > 99 THEN CAST(${hour} AS VARCHAR) ELSE ${two(hour)} END`;
    case 'h':
      return two(`CASE WHEN ${hour} % 12 = 0 THEN 12 ELSE ${hour} % 12 END`);
    case 'i':
      return two(`abs(${seconds}) // 60 % 60`);
    case 'p':
      return `CASE WHEN ${hour} % 24 < 12 THEN 'AM' ELSE 'PM' END`;
    case 'S':
    case 's':
      return two(`abs(${seconds}) % 60`);
    default:
      return undefined;
  }
}

function timeFormat(site: CallSite): string {
  const format = site.args[1];
  if (format?.kind !== 'literal') {
    throw fail('SQL_ANALYZE', { detail: 'the format of time_format must be a constant' });
  }
  if (format.text === null) return 'CAST(NULL AS VARCHAR)';
  const seconds = secondsOf(site.sql[0] ?? '');
  const pieces = [...format.text.matchAll(/%(.)|[^%]+|%$/gsu)].map(([whole, letter]) => {
    if (letter === undefined) return `'${whole.replaceAll("'", "''")}'`;
    return timeLetter(letter, 'seconds') ?? `'${letter.replaceAll("'", "''")}'`;
  });
  const joined = pieces.length === 0 ? "''" : pieces.join(' || ');
  // Bound once: the seconds are used many times.
  return `CASE WHEN (${seconds}) IS NOT NULL THEN list_transform([${seconds}], lambda seconds: ${joined})[1] END`;
}

export const TIME_FUNCTIONS: readonly FunctionEntry[] = [
  date(
    'timediff',
    ['(datetime, datetime) -> string', timeDifference],
    'Time from the second argument to the first, as HH:MM:SS.',
    ["timediff('2019-07-11 16:59:30', '2019-07-11 16:59:21')", '00:00:09'],
  ),
  date(
    'sec_to_time',
    ['(bigint) -> string', (s) => clockText(`CAST(${s.sql[0]} AS HUGEINT)`)],
    'Seconds as HH:MM:SS.',
    ['sec_to_time(43994)', '12:13:14'],
  ),
  date(
    'time_to_sec',
    ['(string) -> bigint', (s) => secondsOf(s.sql[0] ?? '')],
    'HH:MM:SS as seconds; NULL for other texts.',
    ["time_to_sec('12:13:14')", '43994'],
  ),
  date(
    'time_format',
    ['(string, string) -> string', timeFormat],
    'A time HH:MM:SS as text, by the letters %H %h %i %s %S %f %p.',
    ["time_format('19:30:10', '%h %i %s %p')", '07 30 10 PM'],
  ),
];
