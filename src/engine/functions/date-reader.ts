// Reads dates from text piece by piece: numbers, names and literal text from a place that moves on. The
// parsers of MySQL's, Joda's and Teradata's formats are built upon it.
import { DAYS, dayMs, fieldsOf, MONTHS, microsOf, weekOneMs } from './date-fields.ts';

const DAY_MS = 86_400_000;

/** A part of a date that a format names; what is left out is 0. */
export type DatePart =
  | 'year'
  | 'month'
  | 'day'
  | 'hour'
  | 'minute'
  | 'second'
  | 'micros'
  | 'dayOfYear'
  /** 0 = Sunday. */
  | 'weekday'
  | 'week'
  | 'weekYear';

export class DateReader {
  readonly #text: string;
  #at = 0;
  readonly #parts = new Map<DatePart, number>();
  /** Of 12-hour clocks: true = after noon. */
  #afterNoon: boolean | null = null;
  #isTwelveHours = false;
  #mondayFirst = false;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  set(part: DatePart, value: number): void {
    this.#parts.set(part, value);
  }

  /** Up to `most` digits as a number; null when there is none. */
  number(most: number): { readonly value: number; readonly digits: number } | null {
    const found = /^\d+/.exec(this.#text.slice(this.#at, this.#at + most))?.[0];
    if (found === undefined) return null;
    this.#at += found.length;
    return { value: Number(found), digits: found.length };
  }

  /** Digits into a part. False when there are none. */
  numberInto(part: DatePart, most: number): boolean {
    const read = this.number(most);
    if (read !== null) this.set(part, read.value);
    return read !== null;
  }

  /** A year; two digits mean 1970 to 2069. */
  year(part: 'year' | 'weekYear', most: number): boolean {
    const read = this.number(most);
    if (read === null) return false;
    const short = read.digits <= 2;
    this.set(part, short ? read.value + (read.value < 70 ? 2000 : 1900) : read.value);
    return true;
  }

  /** A fraction of a second, of up to six digits. */
  fraction(): boolean {
    const read = this.number(6);
    if (read !== null) this.set('micros', read.value * 10 ** (6 - read.digits));
    return read !== null;
  }

  /** Exactly this text, whatever its case. */
  literal(text: string): boolean {
    const end = this.#at + text.length;
    if (this.#text.slice(this.#at, end).toLowerCase() !== text.toLowerCase()) return false;
    this.#at = end;
    return true;
  }

  /** A character that the pattern takes. */
  matching(pattern: RegExp): boolean {
    if (!pattern.test(this.#text[this.#at] ?? '')) return false;
    this.#at += 1;
    return true;
  }

  /** A month's name, whole or its first three letters. */
  monthName(): boolean {
    const found = this.#name(MONTHS);
    if (found !== null) this.set('month', found + 1);
    return found !== null;
  }

  weekdayName(): boolean {
    const found = this.#name(DAYS);
    if (found !== null) this.set('weekday', found);
    return found !== null;
  }

  #name(names: readonly string[]): number | null {
    for (const [i, name] of names.entries()) {
      if (this.literal(name) || this.literal(name.slice(0, 3))) return i;
    }
    return null;
  }

  halfOfDay(): boolean {
    const isAfter = this.literal('PM');
    if (!isAfter && !this.literal('AM')) return false;
    this.#afterNoon = isAfter;
    return true;
  }

  /** An hour of a 12-hour clock. */
  twelveHour(): boolean {
    this.#isTwelveHours = true;
    return this.numberInto('hour', 2);
  }

  /** A number of the week; weeks from Monday follow ISO's rule, those from Sunday begin with the first Sunday. */
  week(mondayFirst: boolean): boolean {
    this.#mondayFirst = mondayFirst;
    return this.numberInto('week', 2);
  }

  /** Microseconds since 1970; null when the parts make no date. */
  result(): bigint | null {
    const hour = this.#hour();
    if (hour === null) return null;
    const time = {
      hour,
      minute: this.#part('minute'),
      second: this.#part('second'),
      micros: this.#part('micros'),
    };
    const day = this.#dayFromWeek() ?? this.#dayFromYear();
    if (day !== null) {
      const { year, month, day: date } = fieldsOf(BigInt(day) * 1000n);
      return microsOf({ year, month, day: date }, time);
    }
    const date = { year: this.#part('year'), month: this.#part('month'), day: this.#part('day') };
    return microsOf(date, time);
  }

  #part(part: DatePart): number {
    return this.#parts.get(part) ?? 0;
  }

  #hour(): number | null {
    const hour = this.#part('hour');
    if (!this.#isTwelveHours) return hour;
    if (hour < 1 || hour > 12) return null;
    return (hour % 12) + (this.#afterNoon === true ? 12 : 0);
  }

  #dayFromYear(): number | null {
    const day = this.#parts.get('dayOfYear');
    if (day === undefined || !this.#parts.has('year')) return null;
    return dayMs(this.#part('year'), 1, 1) + (day - 1) * DAY_MS;
  }

  #dayFromWeek(): number | null {
    const week = this.#parts.get('week');
    const weekday = this.#parts.get('weekday');
    if (week === undefined || weekday === undefined) return null;
    const year = this.#parts.get('weekYear') ?? this.#part('year');
    const first = weekOneMs(year, this.#mondayFirst, this.#mondayFirst);
    const into = this.#mondayFirst ? (weekday + 6) % 7 : weekday;
    return first + ((week - 1) * 7 + into) * DAY_MS;
  }
}
