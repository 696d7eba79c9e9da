// Writers of values of columns: what readers of columnar files (Arrow, ORC) make of each kind of value, so that the same
// value is the same JSON whatever file it came in.
import { decimalText } from '../avro/logical.ts';
import type { LineWriter } from '../json/line-writer.ts';
import { MalformedFile } from '../malformed-file.ts';

/** Writes the value of a row, which must be one of the column's. */
export type ValueWriter = (row: number, out: LineWriter) => void;

export const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** NULL where the row's bit is not set. `validity` null: no row is NULL. */
export function orNull(
  value: ValueWriter,
  isValid: ((row: number) => boolean) | null,
): ValueWriter {
  if (isValid === null) return value;
  return (row, out) => {
    if (isValid(row)) value(row, out);
    else out.null();
  };
}

export function writeBoolean(out: LineWriter, value: boolean): void {
  out.piece(value ? TRUE : FALSE);
}

/** A 64-bit number of two halves, the upper one signed. */
export function writeInt64(out: LineWriter, low: number, high: number): void {
  const value = high * 2 ** 32 + (low >>> 0);
  if (Number.isSafeInteger(value)) out.integer(value);
  else out.ascii(String((BigInt(high) << 32n) | BigInt(low >>> 0)));
}

/** A decimal as a text with all its digits. */
export function writeScaled(out: LineWriter, unscaled: bigint | number, scale: number): void {
  const text = String(unscaled);
  const zeros = scale < 0 && unscaled !== 0n && unscaled !== 0 ? '0'.repeat(-scale) : '';
  out.ascii(`"${decimalText(text + zeros, Math.max(scale, 0))}"`);
}

/** One line of the columns. */
export function rowWriter(
  columns: readonly { readonly key: string; readonly value: ValueWriter }[],
): ValueWriter {
  const keys = columns.map(({ key }) => Buffer.from(`${JSON.stringify(key)}:`));
  const values = columns.map(({ value }) => value);
  return (row, out) => {
    out.byte(OPEN_OBJECT);
    for (let index = 0; index < values.length; index += 1) {
      if (index > 0) out.byte(COMMA);
      out.piece(keys[index] ?? FALSE);
      values[index]?.(row, out);
    }
    out.byte(CLOSE_OBJECT);
  };
}

/** Elements `[from, to)` of `items`, of which there are `count`. */
export function listWriter(
  items: ValueWriter,
  count: number,
  range: (row: number) => readonly [from: number, to: number],
): ValueWriter {
  return (row, out) => {
    const [from, to] = range(row);
    checkRange(from, to, count);
    out.byte(OPEN_ARRAY);
    for (let at = from; at < to; at += 1) {
      if (at > from) out.byte(COMMA);
      items(at, out);
    }
    out.byte(CLOSE_ARRAY);
  };
}

/** Entries as one object; a key that is no text becomes one. */
export function mapWriter(
  keys: ValueWriter,
  values: ValueWriter,
  count: number,
  range: (row: number) => readonly [from: number, to: number],
): ValueWriter {
  return (row, out) => {
    const [from, to] = range(row);
    checkRange(from, to, count);
    out.byte(OPEN_OBJECT);
    for (let at = from; at < to; at += 1) {
      if (at > from) out.byte(COMMA);
      const start = out.length;
      keys(at, out);
      if (out.bytes[start] !== QUOTE) rewrite(out, start, 'text');
      out.byte(COLON);
      values(at, out);
    }
    out.byte(CLOSE_OBJECT);
  };
}

/** For a column of bytes: the bytes of a value's text. */
export function base64Text(value: ValueWriter): ValueWriter {
  return (row, out) => {
    const start = out.length;
    value(row, out);
    rewrite(out, start, 'base64');
  };
}

/** What was written from `start` on, as a string of JSON. A string's quotes are none of its bytes. */
function rewrite(out: LineWriter, start: number, as: 'text' | 'base64'): void {
  const isText = out.bytes[start] === QUOTE;
  const inner = isText ? [start + 1, out.length - 1] : [start, out.length];
  const written = Buffer.from(out.bytes.subarray(...inner));
  out.length = start;
  if (as === 'text') out.utf8(written, 0, written.length);
  else out.base64(written, 0, written.length);
}

export function checkRange(from: number, to: number, count: number): void {
  if (from < 0 || to < from || to > count)
    throw new MalformedFile(`a value reaches from ${from} to ${to} where there are ${count}`);
}
