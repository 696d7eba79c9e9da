// Reading and writing of sketches' bytes: a cursor that never reads beyond the end, and a list of parts.

/** The bytes are no sketch of the expected kind: cut, or with impossible counts. */
export class MalformedSketch extends Error {
  constructor(what: string) {
    super(`these bytes are no ${what}`);
    this.name = 'MalformedSketch';
  }
}

/** So few are read one by one: touching the buffer of a small typed array makes V8 allocate it anew. */
const FEW_VALUES = 32;

/** Little-endian reader. Throws MalformedSketch where the bytes end too early. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  /** `what` names the format in errors. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  malformed(): MalformedSketch {
    return new MalformedSketch(this.#what);
  }

  #take(count: number): number {
    if (count > this.left) throw this.malformed();
    this.#at += count;
    return this.#at - count;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }
  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }
  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }
  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }
  f64(): number {
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** Unsigned LEB128, up to 2^53. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.u8();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw this.malformed();
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** A copy, so that it is aligned and outlives the source. */
  u16s(count: number): Uint16Array {
    const from = this.#take(count * 2);
    const values = new Uint16Array(count);
    if (count <= FEW_VALUES) {
      for (let index = 0; index < count; index += 1) {
        values[index] = this.#bytes.readUInt16LE(from + index * 2);
      }
      return values;
    }
    new Uint8Array(values.buffer).set(this.#bytes.subarray(from, from + count * 2));
    return values;
  }

  u32s(count: number): Uint32Array {
    const from = this.#take(count * 4);
    const values = new Uint32Array(count);
    new Uint8Array(values.buffer).set(this.#bytes.subarray(from, from + count * 4));
    return values;
  }

  bytes(count: number): Uint8Array {
    const from = this.#take(count);
    return Uint8Array.prototype.slice.call(this.#bytes, from, from + count);
  }

  /** Throws where bytes are left over. */
  end(): void {
    if (this.left > 0) throw this.malformed();
  }
}

/** Little-endian writer; grows as needed. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(64);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): number {
    const needed = this.#length + count;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    this.#length = needed;
    return needed - count;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
  }
  u16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16LE(value, at);
  }
  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32LE(value, at);
  }
  u64(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64LE(value, at);
  }
  f64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, at);
  }
  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.u8((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.u8(rest);
  }
  bytes(values: Uint8Array | Uint16Array | Uint32Array): void {
    const from = this.#reserve(values.byteLength);
    this.#buffer.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), from);
  }

  done(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
