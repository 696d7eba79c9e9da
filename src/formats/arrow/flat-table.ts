// Reads FlatBuffers tables, the encoding of Arrow's metadata. Offsets that lead out of the bytes throw RangeError,
// from Buffer's own checks; callers make a MalformedFile of it. SOURCE: FlatBuffers, "Internals".

export class FlatTable {
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #fieldsAt: number;
  readonly #fieldsBytes: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#fieldsAt = at - bytes.readInt32LE(at);
    this.#fieldsBytes = bytes.readUInt16LE(this.#fieldsAt);
  }

  /** The table that a whole buffer is. */
  static root(bytes: Buffer): FlatTable {
    return new FlatTable(bytes, bytes.readUInt32LE(0));
  }

  /** Where a field lies; -1 = it has its default. */
  #field(index: number): number {
    const entry = 4 + 2 * index;
    if (entry + 2 > this.#fieldsBytes) return -1;
    const offset = this.#bytes.readUInt16LE(this.#fieldsAt + entry);
    return offset === 0 ? -1 : this.#at + offset;
  }

  has(index: number): boolean {
    return this.#field(index) >= 0;
  }

  uint8(index: number, otherwise: number): number {
    const at = this.#field(index);
    return at < 0 ? otherwise : this.#bytes.readUInt8(at);
  }

  int16(index: number, otherwise: number): number {
    const at = this.#field(index);
    return at < 0 ? otherwise : this.#bytes.readInt16LE(at);
  }

  int32(index: number, otherwise: number): number {
    const at = this.#field(index);
    return at < 0 ? otherwise : this.#bytes.readInt32LE(at);
  }

  /** RangeError beyond the safe range: no length or offset is. */
  int64(index: number): number {
    const at = this.#field(index);
    return at < 0 ? 0 : safe(this.#bytes.readBigInt64LE(at));
  }

  text(index: number): string {
    const at = this.#pointed(index);
    if (at < 0) return '';
    const length = this.#bytes.readUInt32LE(at);
    if (at + 4 + length > this.#bytes.length) throw new RangeError('a text ends behind its bytes');
    return this.#bytes.toString('utf8', at + 4, at + 4 + length);
  }

  table(index: number): FlatTable | null {
    const at = this.#pointed(index);
    return at < 0 ? null : new FlatTable(this.#bytes, at);
  }

  /** Elements of a vector of tables, `most` at the most. */
  tables(index: number, most: number): FlatTable[] {
    const { at, length } = this.#vector(index, most);
    return Array.from({ length }, (_, element) => {
      const place = at + 4 * element;
      return new FlatTable(this.#bytes, place + this.#bytes.readUInt32LE(place));
    });
  }

  /** A vector of structs that are `width` 64-bit numbers each, as one row of numbers. */
  int64s(index: number, width: number, most: number): number[] {
    const { at, length } = this.#vector(index, most);
    return Array.from({ length: length * width }, (_, element) =>
      safe(this.#bytes.readBigInt64LE(at + 8 * element)),
    );
  }

  #vector(index: number, most: number): { readonly at: number; readonly length: number } {
    const at = this.#pointed(index);
    if (at < 0) return { at: 0, length: 0 };
    const length = this.#bytes.readUInt32LE(at);
    if (length > most) throw new RangeError(`a list of ${length} elements`);
    return { at: at + 4, length };
  }

  #pointed(index: number): number {
    const at = this.#field(index);
    return at < 0 ? -1 : at + this.#bytes.readUInt32LE(at);
  }
}

function safe(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`a number is ${value}`);
  return number;
}
