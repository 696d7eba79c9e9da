// What a column's type cannot hold of the values that JSON has for it: whole numbers out of its range, texts longer than
// it. Looking costs a comparison of lengths for almost every value.
import { readJson } from '../../formats/json/value.ts';
import { MAX_VARCHAR_LENGTH, type SqlType, STRING_LENGTH } from '../../model/sql-type.ts';

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

type Whole = 'TINYINT' | 'SMALLINT' | 'INT' | 'BIGINT' | 'LARGEINT';

/** By size: bits, and digits that always fit. */
const WHOLE: readonly (readonly [Whole, bits: bigint, digits: number])[] = [
  ['TINYINT', 8n, 2],
  ['SMALLINT', 16n, 4],
  ['INT', 32n, 9],
  ['BIGINT', 64n, 18],
  ['LARGEINT', 128n, 38],
];
const MAX_DIGITS = 40;

export class ValueBound {
  readonly #index: number;
  readonly #bits: bigint;
  readonly #digits: number;
  readonly #bytes: number;
  /** Place of the type in WHOLE that holds all that was noted; -1 = nothing was. */
  #wholeWanted = -1;
  #bytesWanted = 0;

  private constructor(index: number, bytes: number) {
    this.#index = index;
    const [, bits = 0n, digits = 0] = WHOLE[index] ?? [];
    this.#bits = bits;
    this.#digits = digits;
    this.#bytes = bytes;
  }

  /** Null for a type that every value is left to. */
  static for(type: SqlType): ValueBound | null {
    if (type.kind === 'VARCHAR')
      return type.length >= MAX_VARCHAR_LENGTH ? null : new ValueBound(-1, type.length);
    const index = WHOLE.findIndex(([kind]) => kind === type.kind);
    return index < 0 || index === WHOLE.length - 1 ? null : new ValueBound(index, 0);
  }

  /** Is the JSON value at `[from, to)` one that the type does not hold, but a wider one of its kind does? */
  isExceeded(bytes: Buffer, from: number, to: number): boolean {
    if (this.#index < 0) return to - from > this.#bytes && textBytes(bytes, from, to) > this.#bytes;
    const sign = bytes[from] === MINUS ? 1 : 0;
    if (to - from - sign <= this.#digits) return false;
    const value = wholeValue(bytes, from, to);
    return value !== null && !isWithin(value, this.#bits) && indexFor(value) >= 0;
  }

  /** Remembers a value that exceeds. */
  note(bytes: Buffer, from: number, to: number): void {
    if (this.#index < 0) {
      this.#bytesWanted = Math.max(this.#bytesWanted, textBytes(bytes, from, to));
      return;
    }
    const value = wholeValue(bytes, from, to);
    if (value !== null) this.#wholeWanted = Math.max(this.#wholeWanted, indexFor(value));
  }

  /** The type that holds all that was noted; null = nothing was. Texts get twice the room they need. */
  wanted(): SqlType | null {
    if (this.#bytesWanted > 0) {
      const room = 2 ** Math.ceil(Math.log2(this.#bytesWanted * 2));
      if (room <= STRING_LENGTH) return { kind: 'VARCHAR', length: room };
      const isString = this.#bytesWanted <= STRING_LENGTH;
      return { kind: 'VARCHAR', length: isString ? STRING_LENGTH : MAX_VARCHAR_LENGTH };
    }
    const kind = WHOLE[this.#wholeWanted]?.[0];
    return kind === undefined ? null : { kind };
  }
}

/** Bytes of a text; of anything else, which is loaded as its JSON, none: its length is not known yet. */
function textBytes(bytes: Buffer, from: number, to: number): number {
  if (bytes[from] !== QUOTE) return 0;
  const { value } = readJson(bytes.toString('utf8', from, to));
  const length = typeof value === 'string' ? Buffer.byteLength(value) : 0;
  return length > MAX_VARCHAR_LENGTH ? 0 : length;
}

/** Null for what is no whole number of at most MAX_DIGITS. */
function wholeValue(bytes: Buffer, from: number, to: number): bigint | null {
  const first = bytes[from] === MINUS ? from + 1 : from;
  if (to - first > MAX_DIGITS || to === first) return null;
  for (let at = first; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return null;
  }
  return BigInt(bytes.toString('latin1', from, to));
}

function isWithin(value: bigint, bits: bigint): boolean {
  return BigInt.asIntN(Number(bits), value) === value;
}

/** Place of the smallest type that holds the value; -1 = there is none. */
function indexFor(value: bigint): number {
  return WHOLE.findIndex(([, bits]) => isWithin(value, bits));
}
