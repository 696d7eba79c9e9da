// Text forms of values as StarRocks sends them: floating numbers, decimals, 128-bit integers, dates and
// times. Pure functions, one value at a time; the caller knows about NULL.

const DAY_MICROS = 86_400_000_000n;
/** Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar. */
const EPOCH_SHIFT_DAYS = 719_468;
const ERA_DAYS = 146_097;
const TWO_POW_32 = 2 ** 32;

/**
 * The shortest text that reads back as the same number: `0.1`, `1`, `1e+20`, `5e-05`, `nan`, `-inf`.
 * Plain from 1e-4 up to below 1e16. SOURCE: StarRocks' result rows (be/src/util/mysql_row_buffer.cpp
 * and its patched number printer).
 */
export function doubleText(value: number): string {
  return shortestText(value, 1e16);
}

/**
 * Like doubleText for a 32-bit float widened to a number: the shortest digits that a float needs (`0.1`,
 * not `0.10000000149011612`), plain only below 1e8. SOURCE: as doubleText.
 */
export function floatText(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleText(value);
  for (let digits = 1; digits < 9; digits += 1) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return shortestText(shorter, 1e8);
  }
  return shortestText(Number(value.toPrecision(9)), 1e8);
}

function shortestText(value: number, plainBelow: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < plainBelow) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
  const text = value.toExponential();
  const exponentAt = text.indexOf('e') + 2;
  // At least two digits of exponent.
  return text.length - exponentAt > 1
    ? text
    : `${text.slice(0, exponentAt)}0${text.slice(exponentAt)}`;
}

/** An unscaled integer as a decimal with exactly `scale` digits after the point. */
export function decimalText(unscaled: string, scale: number): string {
  if (scale === 0) return unscaled;
  const negative = unscaled.startsWith('-');
  const digits = (negative ? unscaled.slice(1) : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** `YYYY-MM-DD` of days since 1970-01-01. Years below 1000 get leading zeros; DuckDB's infinities have no text in StarRocks and print as the type's ends. */
export function dateText(days: number): string {
  if (days >= 0x7fffffff) return '9999-12-31';
  if (days <= -0x7fffffff) return '0000-01-01';
  // Civil-from-days: shift to years that begin in March, so that leap days end a year.
  const shifted = days + EPOCH_SHIFT_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** `HH:MM:SS[.ffffff]` of microseconds within a day (0 .. 86399999999). */
export function timeText(microsOfDay: number): string {
  const seconds = Math.floor(microsOfDay / 1_000_000);
  const micros = microsOfDay - seconds * 1_000_000;
  const minutes = Math.floor(seconds / 60);
  const text = `${pad(Math.floor(minutes / 60), 2)}:${pad(minutes % 60, 2)}:${pad(seconds % 60, 2)}`;
  return micros === 0 ? text : `${text}.${pad(micros, 6)}`;
}

/** Turns timestamps into `YYYY-MM-DD HH:MM:SS[.ffffff]`, keeping the last day's text: neighbours often share it. */
export class TimestampText {
  #days = Number.NaN;
  #dayText = '';

  /** Microseconds since 1970-01-01 00:00:00 given as the two 32-bit words of an int64. */
  fromWords(low: number, high: number): string {
    const approximate = high * TWO_POW_32 + (low >>> 0);
    let days: number;
    let microsOfDay: number;
    if (Number.isSafeInteger(approximate)) {
      days = Math.floor(approximate / 86_400_000_000);
      microsOfDay = approximate - days * 86_400_000_000;
    } else {
      const micros = (BigInt(high) << 32n) | BigInt(low >>> 0);
      if (micros >= 0x7fffffffffffffffn) return '9999-12-31 23:59:59.999999';
      if (micros <= -0x7fffffffffffffffn) return '0000-01-01 00:00:00';
      const rest = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
      days = Number((micros - rest) / DAY_MICROS);
      microsOfDay = Number(rest);
    }
    if (days !== this.#days) {
      this.#days = days;
      this.#dayText = `${dateText(days)} `;
    }
    return this.#dayText + timeText(microsOfDay);
  }
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
