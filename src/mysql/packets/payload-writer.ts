// Builds the payload of one packet. For small packets; rows have RowEncoder. Knows no packet's layout.

export class PayloadWriter {
  #buffer: Buffer;
  #pos = 0;

  constructor(sizeHintBytes = 64) {
    this.#buffer = Buffer.allocUnsafe(sizeHintBytes);
  }

  /** The payload written so far; the writer is not used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#pos);
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#pos = this.#buffer.writeUInt8(value, this.#pos);
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#pos = this.#buffer.writeUInt16LE(value, this.#pos);
    return this;
  }

  u24(value: number): this {
    this.#reserve(3);
    this.#pos = this.#buffer.writeUIntLE(value, this.#pos, 3);
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#pos = this.#buffer.writeUInt32LE(value >>> 0, this.#pos);
    return this;
  }

  /** The low 64 bits of a signed or unsigned value. */
  u64(value: bigint): this {
    this.#reserve(8);
    this.#pos = this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), this.#pos);
    return this;
  }

  f32(value: number): this {
    this.#reserve(4);
    this.#pos = this.#buffer.writeFloatLE(value, this.#pos);
    return this;
  }

  f64(value: number): this {
    this.#reserve(8);
    this.#pos = this.#buffer.writeDoubleLE(value, this.#pos);
    return this;
  }

  zeros(count: number): this {
    this.#reserve(count);
    this.#buffer.fill(0, this.#pos, this.#pos + count);
    this.#pos += count;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#pos);
    this.#pos += value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(Buffer.from(value, 'utf8'));
  }

  /** Zero-terminated; a zero inside the text ends it for the reader. */
  zeroText(value: string): this {
    return this.text(value).u8(0);
  }

  /** Length-encoded integer. */
  lengthInteger(value: number | bigint): this {
    if (value < 251) return this.u8(Number(value));
    if (value < 0x10000) return this.u8(0xfc).u16(Number(value));
    if (value < 0x1000000) return this.u8(0xfd).u24(Number(value));
    return this.u8(0xfe).u64(BigInt(value));
  }

  lengthBytes(value: Uint8Array): this {
    return this.lengthInteger(value.length).bytes(value);
  }

  lengthText(value: string): this {
    return this.lengthBytes(Buffer.from(value, 'utf8'));
  }

  #reserve(count: number): void {
    const needed = this.#pos + count;
    if (needed <= this.#buffer.length) return;
    const next = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(next, 0, 0, this.#pos);
    this.#buffer = next;
  }
}
