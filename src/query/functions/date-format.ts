// MySQL's date format letters in DuckDB SQL, for constant formats. A format is split into runs that strftime
// understands and pieces it cannot say (`%D`, week numbers).
import { quoteString } from '../literal.ts';

/** MySQL letter -> DuckDB letter, the same meaning in both directions. */
const LETTERS: Readonly<Record<string, string>> = {
  a: '%a',
  b: '%b',
  c: '%-m',
  d: '%d',
  e: '%-d',
  f: '%f',
  H: '%H',
  h: '%I',
  I: '%I',
  i: '%M',
  j: '%j',
  k: '%-H',
  l: '%-I',
  M: '%B',
  m: '%m',
  p: '%p',
  r: '%I:%M:%S %p',
  S: '%S',
  s: '%S',
  T: '%H:%M:%S',
  v: '%V',
  W: '%A',
  w: '%w',
  x: '%G',
  Y: '%Y',
  y: '%y',
  '%': '%%',
};

/** Java-like formats that StarRocks takes beside MySQL's, in MySQL's letters. */
export const JAVA_FORMATS: Readonly<Record<string, string>> = {
  yyyyMMdd: '%Y%m%d',
  'yyyy-MM-dd': '%Y-%m-%d',
  'yyyy-MM-dd HH:mm:ss': '%Y-%m-%d %H:%i:%s',
  'yyyy-MM-dd HH:mm': '%Y-%m-%d %H:%i',
  yyyy: '%Y',
  'HH:mm:ss': '%H:%i:%s',
};

/** SQL of DATE_FORMAT(`timestamp`, format) as VARCHAR; `timestamp` is TIMESTAMP SQL, NULL format gives NULL. */
export function formatDateSql(timestamp: string, format: string | null): string {
  if (format === null) return 'CAST(NULL AS VARCHAR)';
  const pieces: string[] = [];
  let run = '';
  const flush = (): void => {
    if (run !== '') pieces.push(`strftime(${timestamp}, ${quoteString(run)})`);
    run = '';
  };
  for (const token of tokens(JAVA_FORMATS[format] ?? format)) {
    const special = token.letter === null ? undefined : specialPiece(token.letter, timestamp);
    if (special !== undefined) {
      flush();
      pieces.push(special);
    } else if (token.letter !== null) {
      run += LETTERS[token.letter] ?? token.letter.replace('%', '%%');
    } else {
      run += token.text;
    }
  }
  flush();
  return pieces.length === 0
    ? `CASE WHEN ${timestamp} IS NOT NULL THEN '' END`
    : `(${pieces.join(' || ')})`;
}

/** Letters that strptime reads as MySQL does. */
const QUICK_LETTERS = new Set(['Y', 'm', 'c', 'd', 'e', 'H', 'k', 'i', 's', 'S', 'T', '%']);

/** A strptime format that takes only texts which STR_TO_DATE reads the same way; null when there is none. */
export function quickParseFormat(format: string): string | null {
  let out = '';
  const letters = new Set<string>();
  for (const token of tokens(JAVA_FORMATS[format] ?? format)) {
    if (token.letter === null) {
      out += token.text;
      continue;
    }
    const letter = LETTERS[token.letter];
    if (letter === undefined || !QUICK_LETTERS.has(token.letter)) return null;
    letters.add(token.letter);
    // strptime takes one or two digits anyway and has no `%-m` for parsing.
    out += letter.replaceAll('%-', '%');
  }
  // Parts that are left out are 1 for strptime, but 0, and so no date, for STR_TO_DATE.
  const isWhole =
    letters.has('Y') &&
    (letters.has('m') || letters.has('c')) &&
    (letters.has('d') || letters.has('e'));
  return isWhole ? out : null;
}

interface Token {
  readonly letter: string | null;
  readonly text: string;
}

function tokens(format: string): readonly Token[] {
  const found: Token[] = [];
  for (let i = 0; i < format.length; i++) {
    const ch = format[i] ?? '';
    const next = format[i + 1];
    if (ch === '%' && next !== undefined) {
      found.push({ letter: next, text: '' });
      i++;
    } else {
      found.push({ letter: null, text: ch === '%' ? '%%' : ch });
    }
  }
  return found;
}

function specialPiece(letter: string, timestamp: string): string | undefined {
  switch (letter) {
    case 'D':
      return `(CAST(day(${timestamp}) AS VARCHAR) || CASE WHEN day(${timestamp}) IN (1, 21, 31) THEN 'st' WHEN day(${timestamp}) IN (2, 22) THEN 'nd' WHEN day(${timestamp}) IN (3, 23) THEN 'rd' ELSE 'th' END)`;
    case 'u':
      return twoDigits(weekSql(timestamp, 1));
    case 'U':
      return twoDigits(weekSql(timestamp, 0));
    case 'V':
      return twoDigits(weekSql(timestamp, 2));
    case 'X':
      return `lpad(CAST(${yearOfWeekSql(timestamp, 2)} AS VARCHAR), 4, '0')`;
    default:
      return undefined;
  }
}

function twoDigits(sql: string): string {
  return `lpad(CAST(${sql} AS VARCHAR), 2, '0')`;
}

/**
 * WEEK(d, mode) by MySQL's eight modes: bit 1 = Monday first, bit 2 = 1..53 instead of 0..53, bit 4 flips
 * "week 1 has four days" against "week 1 starts on the first Sunday/Monday". SOURCE: MySQL manual, WEEK().
 */
export function weekSql(timestamp: string, mode: number): string {
  const { mondayFirst, fourDays } = weekRules(mode);
  const fromOne = (mode & 2) === 2;
  const week = (year: string): string =>
    `CAST(floor((datediff('day', ${weekOne(year, mondayFirst, fourDays)}, CAST(${timestamp} AS DATE))) / 7) AS BIGINT) + 1`;
  const year = `CAST(year(${timestamp}) AS BIGINT)`;
  const own = week(year);
  if (!fromOne) return `CASE WHEN ${own} < 0 THEN 0 ELSE ${own} END`;
  const isNextYear = `CAST(${timestamp} AS DATE) >= ${weekOne(`(${year} + 1)`, mondayFirst, fourDays)}`;
  return `CASE WHEN ${isNextYear} THEN 1 WHEN ${own} < 1 THEN ${week(`(${year} - 1)`)} ELSE ${own} END`;
}

/** First day of week 1 of a year. */
function weekOne(year: string, mondayFirst: boolean, fourDays: boolean): string {
  const first = `make_date(${year}, 1, 1)`;
  // Days since the week's first day: 0 on Monday (isodow 1) or on Sunday (dayofweek 0).
  const into = mondayFirst ? `(isodow(${first}) - 1)` : `dayofweek(${first})`;
  const back = fourDays
    ? `CASE WHEN ${into} <= 3 THEN -${into} ELSE 7 - ${into} END`
    : `CASE WHEN ${into} = 0 THEN 0 ELSE 7 - ${into} END`;
  return `(${first} + CAST(${back} AS INTEGER))`;
}

/** The year that the week of WEEK(d, mode | 2) belongs to. */
function yearOfWeekSql(timestamp: string, mode: number): string {
  const { mondayFirst, fourDays } = weekRules(mode);
  const year = `CAST(year(${timestamp}) AS BIGINT)`;
  const date = `CAST(${timestamp} AS DATE)`;
  const isBefore = `${date} < ${weekOne(year, mondayFirst, fourDays)}`;
  const isAfter = `${date} >= ${weekOne(`(${year} + 1)`, mondayFirst, fourDays)}`;
  return `(${year} + CASE WHEN ${isBefore} THEN -1 WHEN ${isAfter} THEN 1 ELSE 0 END)`;
}

/** YEARWEEK(d, mode): weeks count from 1 to 53 in it whatever the mode says. */
export function yearWeekSql(timestamp: string, mode: number): string {
  return `(${yearOfWeekSql(timestamp, mode)} * 100 + ${weekSql(timestamp, mode | 2)})`;
}

function weekRules(mode: number): { readonly mondayFirst: boolean; readonly fourDays: boolean } {
  const mondayFirst = (mode & 1) === 1;
  return { mondayFirst, fourDays: mondayFirst !== ((mode & 4) === 4) };
}
