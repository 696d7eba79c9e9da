// A date and time of day taken apart and put together: microseconds since 1970 in no zone, years 0 to
// 9999, names in English. Shared by the date formats.

export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
/** From Sunday on, as getUTCDay counts. */
export const DAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
] as const;

const MICROS_PER_MS = 1000n;
const DAY_MS = 86_400_000;

export interface DateFields {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly micros: number;
  /** 0 = Sunday. */
  readonly weekday: number;
  /** 1 to 366. */
  readonly dayOfYear: number;
}

export function fieldsOf(micros: bigint): DateFields {
  const below = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const ms = Number((micros - below) / MICROS_PER_MS);
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    micros: Number(below),
    weekday: date.getUTCDay(),
    dayOfYear: Math.floor((ms - dayMs(year, 1, 1)) / DAY_MS) + 1,
  };
}

/** Milliseconds of midnight; days outside the month count on. Date.UTC would take year 20 for 1920. */
export function dayMs(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime();
}

export function isRealDate(year: number, month: number, day: number): boolean {
  if (year < 0 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(dayMs(year, month + 1, 0)).getUTCDate();
}

/** Microseconds since 1970; null for a day or a time of day that does not exist. */
export function microsOf(
  date: { readonly year: number; readonly month: number; readonly day: number },
  time: {
    readonly hour: number;
    readonly minute: number;
    readonly second: number;
    readonly micros: number;
  },
): bigint | null {
  if (!isRealDate(date.year, date.month, date.day)) return null;
  if (time.hour > 23 || time.minute > 59 || time.second > 59) return null;
  const seconds =
    dayMs(date.year, date.month, date.day) / 1000 +
    time.hour * 3600 +
    time.minute * 60 +
    time.second;
  return BigInt(seconds) * 1_000_000n + BigInt(time.micros);
}

export const padded = (value: number, length: number): string =>
  String(value).padStart(length, '0');

export interface WeekOfYear {
  readonly week: number;
  /** Year that the week belongs to. */
  readonly year: number;
}

/**
 * Week 1 to 53 and its year; `mondayFirst` weeks begin on Monday, and week 1 is the first with four days
 * in the year (`fourDays`) or the first that begins in it. SOURCE: MySQL manual, WEEK().
 */
export function weekOf(date: DateFields, mondayFirst: boolean, fourDays: boolean): WeekOfYear {
  const today = dayMs(date.year, date.month, date.day);
  const starts = (year: number): number => weekOneMs(year, mondayFirst, fourDays);
  const year =
    today >= starts(date.year + 1)
      ? date.year + 1
      : today < starts(date.year)
        ? date.year - 1
        : date.year;
  return { week: Math.floor((today - starts(year)) / (7 * DAY_MS)) + 1, year };
}

/** First day of week 1 of a year. */
export function weekOneMs(year: number, mondayFirst: boolean, fourDays: boolean): number {
  const first = dayMs(year, 1, 1);
  const weekday = new Date(first).getUTCDay();
  const into = mondayFirst ? (weekday + 6) % 7 : weekday;
  const back = fourDays ? (into <= 3 ? -into : 7 - into) : into === 0 ? 0 : 7 - into;
  return first + back * DAY_MS;
}
