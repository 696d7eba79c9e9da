// Reads the numbers of binary formats from a range of bytes: variable-length integers as Avro (zigzag) and
// Protobuf write them, floats, lengths. Every read checks the end: a message that is too short is a
// MalformedMessage, never bytes of its neighbour.
import { MalformedMessage } from './malformed.ts';

/** Bytes of a 64-bit number, seven bits each. */
const MAX_VARINT_BYTES = 10;

export class ByteReader {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;
  /** How deep in nested values; bounded by `enter`. */
  depth = 0;
  /** The value of the last `varint` or `zigzag` that gave NaN: it needs more than a double. */
  big = 0n;

  /** Begins with a message. */
  open(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.depth = 0;
  }

  /** Call `leave` after it. */
  enter(limit: number): void {
    this.depth += 1;
    if (this.depth > limit) throw new MalformedMessage(`nested deeper than ${limit} levels`);
  }

  leave(): void {
    this.depth -= 1;
  }

  /** Start of the next `count` bytes, which are passed over. */
  take(count: number): number {
    const start = this.at;
    if (count < 0 || count > this.end - start) throw this.tooShort();
    this.at = start + count;
    return start;
  }

  tooShort(): MalformedMessage {
    return new MalformedMessage('the message ends within a value');
  }

  byte(): number {
    if (this.at >= this.end) throw this.tooShort();
    const byte = this.bytes[this.at] ?? 0;
    this.at += 1;
    return byte;
  }

  /** An unsigned number of up to 64 bits; NaN: it is in `big`. */
  varint(): number {
    const { bytes, end } = this;
    let at = this.at;
    let value = 0;
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      if (at >= end) throw this.tooShort();
      const byte = bytes[at] ?? 0;
      at += 1;
      if (byte < 0x80) {
        this.at = at;
        return value + byte * factor;
      }
      value += (byte & 0x7f) * factor;
    }
    return this.#long();
  }

  #long(): number {
    let value = 0n;
    for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) {
        this.big = BigInt.asUintN(64, value);
        return Number.NaN;
      }
    }
    throw new MalformedMessage('a number takes more than 64 bits');
  }

  /** A signed number of up to 64 bits, zigzag; NaN: it is in `big`. */
  zigzag(): number {
    const { bytes } = this;
    const at = this.at;
    const end = this.end;
    // Up to four bytes: 28 bits, within the range of bit operators.
    let value = 0;
    for (let index = 0; index < 4 && at + index < end; index += 1) {
      const byte = bytes[at + index] ?? 0;
      value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) {
        this.at = at + index + 1;
        return (value >>> 1) ^ -(value & 1);
      }
    }
    const large = this.varint();
    if (Number.isNaN(large)) {
      this.big = (this.big >> 1n) ^ -(this.big & 1n);
      return Number.NaN;
    }
    return large % 2 === 0 ? large / 2 : -(large + 1) / 2;
  }

  float(): number {
    return this.bytes.readFloatLE(this.take(4));
  }

  double(): number {
    return this.bytes.readDoubleLE(this.take(8));
  }
}

/** A 32-bit float as the shortest decimal that means it: 0.1, not 0.10000000149011612. */
export function shortFloat(value: number): number {
  if (!Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 2 ** 24))
    return value;
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
