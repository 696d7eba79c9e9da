// Writes one line of JSON straight as bytes, without strings or objects in between: the way from Avro and
// Protobuf to the engine's reader. Grows as needed up to a limit. Must write nothing that contains a line
// break; whether texts are valid UTF-8 is for the caller to check.
import { MalformedMessage } from '../malformed.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const FIRST_BYTES = 64 * 1024;
/** Texts up to this length are reserved with all their bytes escaped, which saves a pass over them. */
const SHORT_BYTES = 512;
/** The longest a byte gets: `\u001f`. */
const MAX_ESCAPE_BYTES = 6;
const HEX = Buffer.from('0123456789abcdef');
const NULL_TEXT = Buffer.from('null');

/** The bytes written so far are `bytes[0, length)`. */
export class LineWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;
  readonly #maxBytes: number;

  /** A line of more than `maxBytes` throws MalformedMessage. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Makes room for `count` bytes behind `length`: for who writes into `bytes` itself. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted > this.bytes.length) this.#grow(wanted);
  }

  #grow(wanted: number): void {
    if (this.length > this.#maxBytes)
      throw new MalformedMessage(`the row is longer than ${this.#maxBytes} bytes as JSON`);
    const larger = Buffer.allocUnsafeSlow(wanted * 2);
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Ready-made JSON, such as `,"name":`. */
  piece(piece: Uint8Array): void {
    const count = piece.length;
    this.reserve(count);
    const { bytes } = this;
    let to = this.length;
    for (let at = 0; at < count; at += 1) {
      bytes[to] = piece[at] ?? 0;
      to += 1;
    }
    this.length = to;
  }

  /** JSON that is there already: `source[start, end)`. */
  copy(source: Buffer, start: number, end: number): void {
    this.reserve(end - start);
    this.length += source.copy(this.bytes, this.length, start, end);
  }

  byte(byte: number): void {
    this.reserve(1);
    this.bytes[this.length] = byte;
    this.length += 1;
  }

  null(): void {
    this.piece(NULL_TEXT);
  }

  /** ASCII text as it is. */
  ascii(text: string): void {
    this.reserve(text.length);
    this.length += this.bytes.write(text, this.length, 'latin1');
  }

  /** A whole number within the safe range. */
  integer(value: number): void {
    this.reserve(20);
    let rest = value;
    if (rest < 0) {
      this.bytes[this.length] = MINUS;
      this.length += 1;
      rest = -rest;
    }
    if (rest < 0x7fffffff) this.#digits(rest, digitsOf(rest));
    else this.ascii(String(rest));
  }

  /** `count` digits of a number below 2^31, with zeros in front. */
  digits(value: number, count: number): void {
    this.reserve(count);
    this.#digits(value, count);
  }

  #digits(value: number, count: number): void {
    const { bytes } = this;
    let rest = value | 0;
    for (let at = this.length + count - 1; at >= this.length; at -= 1) {
      const tens = (rest / 10) | 0;
      bytes[at] = ZERO + rest - tens * 10;
      rest = tens;
    }
    this.length += count;
  }

  /** A number; what JSON has no number for (NaN, infinity) becomes a text. */
  number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.integer(value);
    else this.ascii(Number.isFinite(value) ? String(value) : `"${value}"`);
  }

  /** A string of UTF-8 bytes. */
  utf8(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    const escaped =
      count <= SHORT_BYTES ? count * MAX_ESCAPE_BYTES : escapedLength(source, start, end);
    this.reserve(escaped + 2);
    const { bytes } = this;
    let to = this.length;
    bytes[to] = QUOTE;
    to += 1;
    for (let at = start; at < end; at += 1) {
      const byte = source[at] ?? 0;
      if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) {
        bytes[to] = byte;
        to += 1;
      } else to = escapeByte(bytes, to, byte);
    }
    bytes[to] = QUOTE;
    this.length = to + 1;
  }

  /** A string. */
  text(text: string): void {
    const source = Buffer.from(text);
    this.utf8(source, 0, source.length);
  }

  /** A string with the bytes in base64. */
  base64(source: Buffer, start: number, end: number): void {
    this.ascii(`"${source.toString('base64', start, end)}"`);
  }
}

function digitsOf(value: number): number {
  let count = 1;
  for (let limit = 10; value >= limit && count < 10; limit *= 10) count += 1;
  return count;
}

function escapedLength(source: Uint8Array, start: number, end: number): number {
  let length = end - start;
  for (let at = start; at < end; at += 1) {
    const byte = source[at] ?? 0;
    if (byte < 0x20) length += MAX_ESCAPE_BYTES - 1;
    else if (byte === QUOTE || byte === BACKSLASH) length += 1;
  }
  return length;
}

function escapeByte(bytes: Buffer, from: number, byte: number): number {
  bytes[from] = BACKSLASH;
  if (byte === QUOTE || byte === BACKSLASH) {
    bytes[from + 1] = byte;
    return from + 2;
  }
  bytes.write('u00', from + 1, 'latin1');
  bytes[from + 4] = HEX[byte >> 4] ?? ZERO;
  bytes[from + 5] = HEX[byte & 15] ?? ZERO;
  return from + 6;
}
