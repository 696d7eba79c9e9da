// Dates as text by MySQL's format letters, for formats that are no constants. SOURCE: MySQL manual,
// DATE_FORMAT; StarRocks' date_format page (at most 128 bytes come out).
import { JAVA_FORMATS } from '../../query/functions/date-format.ts';
import {
  DAYS,
  type DateFields,
  dayMs,
  fieldsOf,
  MONTHS,
  padded,
  weekOf,
  weekOneMs,
} from './date-fields.ts';

const MAX_OUTPUT_BYTES = 128;
const WEEK_MS = 7 * 86_400_000;

/** The date by MySQL's letters; null when more than 128 bytes come out. */
export function formatMysqlDate(micros: bigint, format: string): string | null {
  const date = fieldsOf(micros);
  const text = (JAVA_FORMATS[format] ?? format).replace(/%(.)/gsu, (_, letter: string) =>
    letterText(date, letter),
  );
  return Buffer.byteLength(text) > MAX_OUTPUT_BYTES ? null : text;
}

function letterText(date: DateFields, letter: string): string {
  switch (letter) {
    case 'a':
      return DAYS[date.weekday]?.slice(0, 3) ?? '';
    case 'b':
      return MONTHS[date.month - 1]?.slice(0, 3) ?? '';
    case 'c':
      return String(date.month);
    case 'D':
      return `${date.day}${ordinal(date.day)}`;
    case 'd':
      return padded(date.day, 2);
    case 'e':
      return String(date.day);
    case 'j':
      return padded(date.dayOfYear, 3);
    case 'M':
      return MONTHS[date.month - 1] ?? '';
    case 'm':
      return padded(date.month, 2);
    case 'W':
      return DAYS[date.weekday] ?? '';
    case 'w':
      return String(date.weekday);
    case 'Y':
      return padded(date.year, 4);
    case 'y':
      return padded(date.year % 100, 2);
    default:
      return clockText(date, letter) ?? weekText(date, letter) ?? letter;
  }
}

function clockText(date: DateFields, letter: string): string | undefined {
  const twelve = date.hour % 12 === 0 ? 12 : date.hour % 12;
  const minutes = `${padded(date.minute, 2)}:${padded(date.second, 2)}`;
  const half = date.hour < 12 ? 'AM' : 'PM';
  switch (letter) {
    case 'f':
      return padded(date.micros, 6);
    case 'H':
      return padded(date.hour, 2);
    case 'h':
    case 'I':
      return padded(twelve, 2);
    case 'i':
      return padded(date.minute, 2);
    case 'k':
      return String(date.hour);
    case 'l':
      return String(twelve);
    case 'p':
      return half;
    case 'r':
      return `${padded(twelve, 2)}:${minutes} ${half}`;
    case 'S':
    case 's':
      return padded(date.second, 2);
    case 'T':
      return `${padded(date.hour, 2)}:${minutes}`;
    default:
      return undefined;
  }
}

function weekText(date: DateFields, letter: string): string | undefined {
  const sunday = weekOf(date, false, false);
  const monday = weekOf(date, true, true);
  switch (letter) {
    case 'U':
      return padded(sunday.year < date.year ? 0 : sunday.week, 2);
    case 'u':
      return padded(weekInYear(date), 2);
    case 'V':
      return padded(sunday.week, 2);
    case 'v':
      return padded(monday.week, 2);
    case 'X':
      return padded(sunday.year, 4);
    case 'x':
      return padded(monday.year, 4);
    default:
      return undefined;
  }
}

/** Mode 1: weeks from Monday, 0 before the year's first week, up to 53. */
function weekInYear(date: DateFields): number {
  const into = dayMs(date.year, date.month, date.day) - weekOneMs(date.year, true, true);
  return Math.max(0, Math.floor(into / WEEK_MS) + 1);
}

function ordinal(day: number): string {
  if (day >= 11 && day <= 13) return 'th';
  return ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th';
}
