// Writes Kafka's primitive types into a growing list of chunks. Large byte values are kept by
// reference (a Fetch answer does not copy its records); they must not change until sent.
import { assert } from '../../base/assert.ts';

/** Byte values of at least this size are referenced, smaller ones copied. */
const REFERENCE_FROM_BYTES = 4096;
const FIRST_CHUNK_BYTES = 512;

export class Writer {
  readonly #chunks: Buffer[] = [];
  #chunkedBytes = 0;
  #buffer = Buffer.allocUnsafe(FIRST_CHUNK_BYTES);
  /** Start of the bytes of `#buffer` that are not in `#chunks` yet. */
  #start = 0;
  #at = 0;

  /** Bytes written so far. */
  get size(): number {
    return this.#chunkedBytes + this.#at - this.#start;
  }

  #take(count: number): number {
    if (this.#at + count > this.#buffer.length) this.#grow(count);
    const at = this.#at;
    this.#at = at + count;
    return at;
  }

  #flush(): void {
    if (this.#at === this.#start) return;
    this.#chunks.push(this.#buffer.subarray(this.#start, this.#at));
    this.#chunkedBytes += this.#at - this.#start;
    this.#start = this.#at;
  }

  #grow(count: number): void {
    this.#flush();
    this.#buffer = Buffer.allocUnsafe(Math.max(count, this.#buffer.length * 2));
    this.#start = 0;
    this.#at = 0;
  }

  int8(value: number): void {
    const at = this.#take(1);
    this.#buffer.writeInt8(value, at);
  }
  int16(value: number): void {
    const at = this.#take(2);
    this.#buffer.writeInt16BE(value, at);
  }
  int32(value: number): void {
    const at = this.#take(4);
    this.#buffer.writeInt32BE(value, at);
  }
  int64(value: bigint): void {
    const at = this.#take(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  /** Unsigned LEB128, 0 to 2^32 - 1. */
  uvarint(value: number): void {
    assert(value >= 0 && value < 2 ** 32, `varint ${value} fits 32 bits`);
    let rest = value;
    while (rest >= 0x80) {
      const at = this.#take(1);
      this.#buffer.writeUInt8((rest & 0x7f) | 0x80, at);
      rest = Math.floor(rest / 128);
    }
    const at = this.#take(1);
    this.#buffer.writeUInt8(rest, at);
  }

  utf8(value: string, byteLength: number): void {
    const at = this.#take(byteLength);
    this.#buffer.write(value, at, byteLength, 'utf8');
  }

  raw(value: Buffer): void {
    if (value.length < REFERENCE_FROM_BYTES) {
      const at = this.#take(value.length);
      value.copy(this.#buffer, at);
      return;
    }
    this.#flush();
    this.#chunks.push(value);
    this.#chunkedBytes += value.length;
  }

  /** With or without dashes, any case. */
  uuid(value: string): void {
    const hex = value.replaceAll('-', '');
    assert(hex.length === 32, `uuid ${value} has 32 hex digits`);
    const at = this.#take(16);
    const written = this.#buffer.write(hex, at, 16, 'hex');
    assert(written === 16, `uuid ${value} is hex`);
  }

  /** Length of a bytes or array value; -1 = null. */
  length32(length: number, flexible: boolean): void {
    if (flexible) this.uvarint(length + 1);
    else this.int32(length);
  }

  /** Length of a string value; -1 = null. */
  length16(length: number, flexible: boolean): void {
    if (flexible) this.uvarint(length + 1);
    else this.int16(length);
  }

  /** All bytes in order. The writer must not be used afterwards. */
  chunks(): Buffer[] {
    this.#flush();
    return this.#chunks;
  }
}
