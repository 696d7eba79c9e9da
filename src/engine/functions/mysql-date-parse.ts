// Text to dates by MySQL's format letters, and by the words of to_tera_date. SOURCE: MySQL manual,
// STR_TO_DATE (what follows the format is ignored, parts that are missing are 0); StarRocks' to_tera_date page.
import { JAVA_FORMATS } from '../../query/functions/date-format.ts';
import { DateReader } from './date-reader.ts';
import { ValueProblem } from './define.ts';

/** Microseconds since 1970; null when the text does not follow the format or names no real day. */
export function parseMysqlDate(text: string, pattern: string): bigint | null {
  const format = JAVA_FORMATS[pattern] ?? pattern;
  const reader = new DateReader(text);
  for (let i = 0; i < format.length && !reader.isAtEnd; i += 1) {
    const ch = format[i] ?? '';
    if (/\s/.test(ch)) {
      reader.skipSpace();
    } else if (ch === '%' && i + 1 < format.length) {
      i += 1;
      reader.skipSpace();
      if (!readLetter(reader, format[i] ?? '')) return null;
    } else {
      reader.skipSpace();
      if (!reader.literal(ch)) return null;
    }
  }
  return reader.result();
}

function readLetter(reader: DateReader, letter: string): boolean {
  switch (letter) {
    case 'Y':
      return reader.year('year', 4);
    case 'y':
      return reader.year('year', 2);
    case 'm':
    case 'c':
      return reader.numberInto('month', 2);
    case 'd':
    case 'e':
      return reader.numberInto('day', 2);
    case 'D':
      return reader.numberInto('day', 2) && reader.matching(/[snrt]/i) && reader.matching(/[tdh]/i);
    case 'j':
      return reader.numberInto('dayOfYear', 3);
    case 'M':
    case 'b':
      return reader.monthName();
    case 'W':
    case 'a':
      return reader.weekdayName();
    case 'w':
      return reader.numberInto('weekday', 1);
    case '%':
      return reader.literal('%');
    default:
      return readClock(reader, letter) ?? readWeek(reader, letter) ?? false;
  }
}

function readClock(reader: DateReader, letter: string): boolean | undefined {
  switch (letter) {
    case 'H':
    case 'k':
      return reader.numberInto('hour', 2);
    case 'h':
    case 'I':
    case 'l':
      return reader.twelveHour();
    case 'i':
      return reader.numberInto('minute', 2);
    case 's':
    case 'S':
      return reader.numberInto('second', 2);
    case 'f':
      return reader.fraction();
    case 'p':
      return reader.halfOfDay();
    case 'T':
      return reader.numberInto('hour', 2) && minutesAndSeconds(reader);
    case 'r':
      reader.skipSpace();
      return reader.twelveHour() && minutesAndSeconds(reader) && spaceAndHalf(reader);
    default:
      return undefined;
  }
}

function minutesAndSeconds(reader: DateReader): boolean {
  return (
    reader.literal(':') &&
    reader.numberInto('minute', 2) &&
    reader.literal(':') &&
    reader.numberInto('second', 2)
  );
}

function spaceAndHalf(reader: DateReader): boolean {
  reader.skipSpace();
  return reader.halfOfDay();
}

function readWeek(reader: DateReader, letter: string): boolean | undefined {
  switch (letter) {
    case 'X':
    case 'x':
      return reader.year('weekYear', 4);
    case 'V':
    case 'U':
      return reader.week(false);
    case 'v':
    case 'u':
      return reader.week(true);
    default:
      return undefined;
  }
}

const TERA_PUNCTUATION = /[\r\n\t\-/,.;: ]/;
const TERA_WORDS = ['yyyy', 'yy', 'mm', 'dd', 'hh24', 'hh', 'mi', 'ss', 'am', 'pm'] as const;

/** The same by Teradata's words (`yyyy/mm/dd hh24:mi:ss`). @throws ValueProblem for a word it has not got. */
export function parseTeraDate(text: string, format: string): bigint | null {
  const reader = new DateReader(text);
  let rest = format.toLowerCase();
  while (rest !== '') {
    const word = TERA_WORDS.find((candidate) => rest.startsWith(candidate));
    if (word !== undefined) {
      if (!readTeraWord(reader, word)) return null;
      rest = rest.slice(word.length);
    } else if (TERA_PUNCTUATION.test(rest[0] ?? '')) {
      if (!reader.matching(TERA_PUNCTUATION)) return null;
      rest = rest.slice(1);
    } else {
      throw new ValueProblem(`The date format '${format}' has no meaning from '${rest}' on`);
    }
  }
  return reader.isAtEnd ? reader.result() : null;
}

function readTeraWord(reader: DateReader, word: (typeof TERA_WORDS)[number]): boolean {
  switch (word) {
    case 'yyyy':
      return reader.numberInto('year', 4);
    case 'yy':
      return reader.year('year', 2);
    case 'mm':
      return reader.numberInto('month', 2);
    case 'dd':
      return reader.numberInto('day', 2);
    case 'hh24':
      return reader.numberInto('hour', 2);
    case 'hh':
      return reader.twelveHour();
    case 'mi':
      return reader.numberInto('minute', 2);
    case 'ss':
      return reader.numberInto('second', 2);
    case 'am':
    case 'pm':
      return reader.halfOfDay();
  }
}
