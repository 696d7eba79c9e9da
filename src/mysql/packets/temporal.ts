// Dates and times in the binary protocol: a length byte, then only the parts that are not zero.
// DATE/DATETIME `u16 year | month | day [| hour | minute | second [| u32 microseconds]]`, TIME `negative |
// u32 days | hour | minute | second [| u32 microseconds]`. SOURCE: MySQL source docs, "Binary Protocol Value".
import { malformed, type PayloadReader } from './payload-reader.ts';
import type { PayloadWriter } from './payload-writer.ts';

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?)?$/;
const TIME = /^(-?)(\d{1,4}):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?$/;

/** Writes `YYYY-MM-DD[ HH:MM:SS[.f]]`; answers false when the text is not one. */
export function writeDateTime(writer: PayloadWriter, text: string): boolean {
  const match = DATE_TIME.exec(text);
  if (match === null) return false;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = ''] = match;
  const micros = Number(fraction.padEnd(6, '0'));
  const withTime = Number(hour) + Number(minute) + Number(second) > 0;
  const length = micros > 0 ? 11 : withTime ? 7 : 4;
  writer.u8(length).u16(Number(year)).u8(Number(month)).u8(Number(day));
  if (length > 4) writer.u8(Number(hour)).u8(Number(minute)).u8(Number(second));
  if (length > 7) writer.u32(micros);
  return true;
}

/** Reads a date; with `dateOnly` without its time of day. */
export function readDateTime(reader: PayloadReader, dateOnly: boolean): string {
  const length = reader.u8();
  if (length !== 0 && length !== 4 && length !== 7 && length !== 11) {
    throw malformed('length of a date');
  }
  const year = length > 0 ? reader.u16() : 0;
  const month = length > 0 ? reader.u8() : 0;
  const day = length > 0 ? reader.u8() : 0;
  const clock = length > 4 ? readClock(reader, length > 7) : '00:00:00';
  const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
  return dateOnly ? date : `${date} ${clock}`;
}

/** Writes `[-]HHH:MM:SS[.f]`; answers false when the text is not one. */
export function writeTime(writer: PayloadWriter, text: string): boolean {
  const match = TIME.exec(text);
  if (match === null) return false;
  const [, sign, hours, minute, second, fraction = ''] = match;
  const micros = Number(fraction.padEnd(6, '0'));
  const zero = micros + Number(hours) + Number(minute) + Number(second) === 0;
  const length = zero ? 0 : micros > 0 ? 12 : 8;
  writer.u8(length);
  if (zero) return true;
  const days = Math.floor(Number(hours) / 24);
  writer.u8(sign === '-' ? 1 : 0).u32(days);
  writer
    .u8(Number(hours) % 24)
    .u8(Number(minute))
    .u8(Number(second));
  if (micros > 0) writer.u32(micros);
  return true;
}

export function readTime(reader: PayloadReader): string {
  const length = reader.u8();
  if (length === 0) return '00:00:00';
  if (length !== 8 && length !== 12) throw malformed('length of a time');
  const sign = reader.u8() === 1 ? '-' : '';
  const days = reader.u32();
  const clock = readClock(reader, length === 12);
  const hours = days * 24 + Number(clock.slice(0, 2));
  return `${sign}${two(hours)}${clock.slice(2)}`;
}

function readClock(reader: PayloadReader, withMicros: boolean): string {
  const clock = `${two(reader.u8())}:${two(reader.u8())}:${two(reader.u8())}`;
  if (!withMicros) return clock;
  return `${clock}.${String(reader.u32()).padStart(6, '0')}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
