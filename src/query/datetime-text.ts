// Texts that StarRocks reads as dates and times: `2020-1-5`, `20-01-05`, `20200105`, `200105102030`,
// `2020/01/05T10:20:30.5`. Used for literals and, in the engine, for CAST where DuckDB's own reading ends.
// SOURCE: MySQL's and StarRocks' literal forms; two-digit years below 70 belong to the 2000s.

/** Years, months and days with one separator, then perhaps a time. */
const SPELLED =
  /^(\d{4}|\d{2})([-/.])(\d{1,2})\2(\d{1,2})(?:(?:T|\s+)(\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?)?)?$/;
/** Digits only: [YY]YYMMDD[HHMMSS]. */
const COMPACT = /^(\d{4}|\d{2})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})(?:\.(\d*))?)?$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** `YYYY-MM-DD HH:MM:SS.ffffff` of a text, null when it is no date or time. Digits behind the sixth are cut. */
export function datetimeOf(text: string): string | null {
  const trimmed = text.trim();
  const spelled = SPELLED.exec(trimmed);
  if (spelled !== null) {
    const [, year, , month, day, hour, minute, second, fraction] = spelled;
    return checked([year, month, day, hour, minute, second], fraction);
  }
  const compact = COMPACT.exec(trimmed);
  if (compact === null) return null;
  const [, year, month, day, hour, minute, second, fraction] = compact;
  return checked([year, month, day, hour, minute, second], fraction);
}

/** `2020-01-05 10:20:30`: a fraction of zeros is left out. */
export function withoutZeros(datetime: string): string {
  return datetime.endsWith('.000000') ? datetime.slice(0, 19) : datetime;
}

function checked(parts: readonly (string | undefined)[], fraction = ''): string | null {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map((part) =>
    Number(part ?? 0),
  );
  const isShort = parts[0]?.length === 2;
  const fullYear = isShort ? year + (year < 70 ? 2000 : 1900) : year;
  if (fullYear < 1 || month < 1 || month > 12 || day < 1) return null;
  if (day > daysOf(fullYear, month) || hour > 23 || minute > 59 || second > 59) return null;
  const date = `${pad(fullYear, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  const micros = fraction.slice(0, 6).padEnd(6, '0');
  return `${date} ${pad(hour, 2)}:${pad(minute, 2)}:${pad(second, 2)}.${micros}`;
}

function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
