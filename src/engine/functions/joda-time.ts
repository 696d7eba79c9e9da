// Joda-Time's date patterns, both ways. SOURCE: the pattern table of Joda-Time's DateTimeFormat and the
// examples of StarRocks' jodatime_format page. Zones (z, Z) are no part of a DATETIME: an error.
import { DAYS, type DateFields, fieldsOf, MONTHS, padded, weekOf } from './date-fields.ts';
import { DateReader } from './date-reader.ts';
import { ValueProblem } from './define.ts';

const MAX_OUTPUT_BYTES = 128;

interface Piece {
  /** A pattern letter, or '' for literal text. */
  readonly letter: string;
  readonly count: number;
  readonly text: string;
}

/** Runs of one letter, and literal text: quoted, or characters that are no letters. */
function piecesOf(pattern: string): readonly Piece[] {
  const runs = pattern.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+/g);
  return [...runs].map(([whole, quoted, letter]) => {
    if (letter !== undefined) return { letter, count: whole.length, text: '' };
    // '' is one quote, inside quotes and outside.
    const text = quoted === undefined ? whole : quoted === '' ? "'" : quoted.replaceAll("''", "'");
    return { letter: '', count: 0, text };
  });
}

/** The date by a pattern; null when more than 128 bytes come out. @throws ValueProblem for an unknown letter. */
export function formatJoda(micros: bigint, pattern: string): string | null {
  const date = fieldsOf(micros);
  const text = piecesOf(pattern)
    .map((piece) => (piece.letter === '' ? piece.text : letterText(date, piece, pattern)))
    .join('');
  return Buffer.byteLength(text) > MAX_OUTPUT_BYTES ? null : text;
}

function letterText(date: DateFields, { letter, count }: Piece, pattern: string): string {
  const iso = weekOf(date, true, true);
  switch (letter) {
    case 'G':
      return 'AD';
    case 'C':
      return padded(Math.floor(date.year / 100), count);
    case 'y':
    case 'Y':
      return count === 2 ? padded(date.year % 100, 2) : padded(date.year, count);
    case 'x':
      return count === 2 ? padded(iso.year % 100, 2) : padded(iso.year, count);
    case 'w':
      return padded(iso.week, count);
    case 'e':
      return padded(((date.weekday + 6) % 7) + 1, count);
    case 'E':
      return nameOf(DAYS[date.weekday] ?? '', count);
    case 'D':
      return padded(date.dayOfYear, count);
    case 'M':
      return count > 2 ? nameOf(MONTHS[date.month - 1] ?? '', count) : padded(date.month, count);
    case 'd':
      return padded(date.day, count);
    default:
      return clockText(date, letter, count) ?? unknownLetter(letter, pattern);
  }
}

const nameOf = (name: string, count: number): string => (count >= 4 ? name : name.slice(0, 3));

function clockText(date: DateFields, letter: string, count: number): string | undefined {
  switch (letter) {
    case 'a':
      return date.hour < 12 ? 'AM' : 'PM';
    case 'K':
      return padded(date.hour % 12, count);
    case 'h':
      return padded(date.hour % 12 === 0 ? 12 : date.hour % 12, count);
    case 'H':
      return padded(date.hour, count);
    case 'k':
      return padded(date.hour === 0 ? 24 : date.hour, count);
    case 'm':
      return padded(date.minute, count);
    case 's':
      return padded(date.second, count);
    case 'S':
      return padded(date.micros, 6).padEnd(count, '0').slice(0, count);
    default:
      return undefined;
  }
}

function unknownLetter(letter: string, pattern: string): never {
  throw new ValueProblem(`The date pattern '${pattern}' has a letter without meaning: '${letter}'`);
}

/** Microseconds since 1970; null when the text does not follow the pattern to its end. */
export function parseJoda(text: string, pattern: string): bigint | null {
  const reader = new DateReader(text);
  // Joda's defaults for what a pattern leaves out.
  reader.set('year', 1970);
  reader.set('month', 1);
  reader.set('day', 1);
  for (const piece of piecesOf(pattern)) {
    const fits =
      piece.letter === '' ? reader.literal(piece.text) : readLetter(reader, piece, pattern);
    if (!fits) return null;
  }
  return reader.isAtEnd ? reader.result() : null;
}

function readLetter(reader: DateReader, { letter, count }: Piece, pattern: string): boolean {
  switch (letter) {
    case 'y':
    case 'Y':
      return count === 2 ? reader.year('year', 2) : reader.numberInto('year', 4);
    case 'M':
      return count > 2 ? reader.monthName() : reader.numberInto('month', 2);
    case 'd':
      return reader.numberInto('day', 2);
    case 'D':
      return reader.numberInto('dayOfYear', 3);
    case 'E':
      return reader.weekdayName();
    case 'a':
      return reader.halfOfDay();
    case 'h':
      return reader.twelveHour();
    case 'H':
      return reader.numberInto('hour', 2);
    case 'm':
      return reader.numberInto('minute', 2);
    case 's':
      return reader.numberInto('second', 2);
    case 'S':
      return reader.fraction();
    default:
      return unknownLetter(letter, pattern);
  }
}
