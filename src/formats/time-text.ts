// Dates and times as the texts that the load path reads fastest: `2024-05-06`, `2024-05-06 07:08:09.5`,
// in UTC or in a zone. Offsets of zones come from ICU and are remembered by quarter hour, the finest grain
// at which they change.
import type { LineWriter } from './json/line-writer.ts';

const QUOTE = 0x22;
const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;
const SPACE = 0x20;
const DAY_SECONDS = 86_400;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_SHIFT_DAYS = 719_468;
const ERA_DAYS = 146_097;
const QUARTER_SECONDS = 900;
/** Quarter hours whose offset is remembered: about three years' worth. */
const MAX_QUARTERS = 100_000;

/** Offset of a time zone at a moment, in seconds. */
export type ZoneOffset = (epochSeconds: number) => number;

const noOffset: ZoneOffset = () => 0;

/** For an IANA name or an offset such as `+08:00`. Throws RangeError for an unknown zone. */
export function zoneOffset(zone: string): ZoneOffset {
  if (/^(UTC|Etc\/UTC|GMT|\+00:00)$/i.test(zone)) return noOffset;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    timeZoneName: 'longOffset',
    year: 'numeric',
  });
  const known = new Map<number, number>();
  let lastQuarter = Number.NaN;
  let lastOffset = 0;
  return (epochSeconds) => {
    const quarter = Math.floor(epochSeconds / QUARTER_SECONDS);
    if (quarter === lastQuarter) return lastOffset;
    let offset = known.get(quarter);
    if (offset === undefined) {
      offset = askOffset(format, quarter * QUARTER_SECONDS);
      if (known.size >= MAX_QUARTERS) known.clear();
      known.set(quarter, offset);
    }
    lastQuarter = quarter;
    lastOffset = offset;
    return offset;
  };
}

/** Moments that Date does not know (beyond 275,000 years) have no offset. */
function askOffset(format: Intl.DateTimeFormat, epochSeconds: number): number {
  if (Math.abs(epochSeconds) > 8.64e12) return 0;
  const parts = format.formatToParts(epochSeconds * 1000);
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  const match = /([+-])(\d\d):?(\d\d)(?::?(\d\d))?/.exec(name);
  if (match === null) return 0;
  const [, sign, hours, minutes, seconds] = match;
  const total = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds ?? 0);
  return sign === '-' ? -total : total;
}

/** `2024-05-06`. Days outside of years 0 to 9999 are written as their number, which is no date. */
function datePart(out: LineWriter, epochDays: number): void {
  const shifted = epochDays + EPOCH_SHIFT_DAYS;
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
  if (year < 0 || year > 9999) {
    out.ascii(`day ${epochDays}`);
    return;
  }
  out.digits(year, 4);
  out.byte(DASH);
  out.digits(month, 2);
  out.byte(DASH);
  out.digits(day, 2);
}

/** `07:08:09` with as many digits of the fraction as it needs. */
function timePart(out: LineWriter, seconds: number, micros: number): void {
  out.digits(Math.floor(seconds / 3600), 2);
  out.byte(COLON);
  out.digits(Math.floor(seconds / 60) % 60, 2);
  out.byte(COLON);
  out.digits(seconds % 60, 2);
  if (micros === 0) return;
  out.byte(DOT);
  let rest = micros;
  let count = 6;
  while (rest % 10 === 0) {
    rest /= 10;
    count -= 1;
  }
  out.digits(rest, count);
}

/** A string with the date of a day since 1970-01-01. */
export function writeDate(out: LineWriter, epochDays: number): void {
  out.byte(QUOTE);
  datePart(out, epochDays);
  out.byte(QUOTE);
}

/** A string with a time of day: whole seconds, and microseconds below one. */
export function writeTime(out: LineWriter, seconds: number, micros: number): void {
  out.byte(QUOTE);
  timePart(out, seconds, micros);
  out.byte(QUOTE);
}

/** A string with date and time: seconds since 1970-01-01 (in the zone to be shown), microseconds below one. */
export function writeDatetime(out: LineWriter, seconds: number, micros: number): void {
  const days = Math.floor(seconds / DAY_SECONDS);
  out.byte(QUOTE);
  datePart(out, days);
  out.byte(SPACE);
  timePart(out, seconds - days * DAY_SECONDS, micros);
  out.byte(QUOTE);
}
