// Reads the payload of one packet, checking bounds: whatever a client sends, the worst outcome is
// MYSQL_MALFORMED_PACKET. Knows no packet's layout.
import { type AppError, fail } from '../../base/errors.ts';

export class PayloadReader {
  readonly #buffer: Buffer;
  #pos: number;

  constructor(payload: Buffer, start = 0) {
    this.#buffer = payload;
    this.#pos = start;
  }

  get position(): number {
    return this.#pos;
  }

  get remaining(): number {
    return this.#buffer.length - this.#pos;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }

  u24(): number {
    return this.#buffer.readUIntLE(this.#take(3), 3);
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64LE(this.#take(8));
  }

  i8(): number {
    return this.#buffer.readInt8(this.#take(1));
  }

  i16(): number {
    return this.#buffer.readInt16LE(this.#take(2));
  }

  i32(): number {
    return this.#buffer.readInt32LE(this.#take(4));
  }

  i64(): bigint {
    return this.#buffer.readBigInt64LE(this.#take(8));
  }

  f32(): number {
    return this.#buffer.readFloatLE(this.#take(4));
  }

  f64(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** A view of the next `count` bytes, not a copy. */
  bytes(count: number): Buffer {
    const at = this.#take(count);
    return this.#buffer.subarray(at, at + count);
  }

  rest(): Buffer {
    return this.bytes(this.remaining);
  }

  text(count: number): string {
    return this.bytes(count).toString('utf8');
  }

  restText(): string {
    return this.rest().toString('utf8');
  }

  /** Up to the next zero; some clients leave the last zero of a packet out, so the end stands for one. */
  zeroBytes(): Buffer {
    const zero = this.#buffer.indexOf(0, this.#pos);
    if (zero < 0) return this.rest();
    const value = this.bytes(zero - this.#pos);
    this.#pos = zero + 1;
    return value;
  }

  /** The same as text. */
  zeroText(): string {
    return this.zeroBytes().toString('utf8');
  }

  /** Length-encoded integer. NULL (0xfb) and values above 2^53 are malformed here. */
  lengthInteger(): number {
    const first = this.u8();
    if (first < 0xfb) return first;
    if (first === 0xfc) return this.u16();
    if (first === 0xfd) return this.u24();
    if (first !== 0xfe) throw malformed('not a length');
    const value = this.u64();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('length too large');
    return Number(value);
  }

  lengthBytes(): Buffer {
    return this.bytes(this.lengthInteger());
  }

  lengthText(): string {
    return this.lengthBytes().toString('utf8');
  }

  #take(count: number): number {
    const at = this.#pos;
    if (at + count > this.#buffer.length) throw malformed('it ends too early');
    this.#pos = at + count;
    return at;
  }
}

/** MYSQL_MALFORMED_PACKET with its detail. */
export function malformed(detail: string, cause?: unknown): AppError {
  return fail('MYSQL_MALFORMED_PACKET', { detail }, cause);
}
