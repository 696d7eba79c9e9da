// What a column's type cannot hold of the values that JSON has for it: whole numbers out of its range, decimals with more
// digits in front of the point, texts longer than it. Looking costs a comparison of lengths for almost every value.
import { readJson } from '../../formats/json/value.ts';
import { MAX_VARCHAR_LENGTH, type SqlType, STRING_LENGTH } from '../../model/sql-type.ts';

const QUOTE = 0x22;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

/** Of one column. */
export interface ValueBound {
  /** Is the JSON value at `[from, to)` one that the type does not hold, but a wider one of its kind does? */
  isExceeded(bytes: Buffer, from: number, to: number): boolean;
  /** Remembers a value that exceeds. */
  note(bytes: Buffer, from: number, to: number): void;
  /** The type that holds all that was noted, and the column's old values; null = nothing was. */
  wanted(): SqlType | null;
}

/** Null for a type that all values are left to. */
export function valueBound(type: SqlType): ValueBound | null {
  switch (type.kind) {
    case 'VARCHAR':
      return type.length >= MAX_VARCHAR_LENGTH ? null : new TextBound(type.length);
    case 'DECIMAL':
      return type.precision >= MAX_PRECISION ? null : new DecimalBound(type.precision, type.scale);
    default: {
      const index = WHOLE.findIndex(([kind]) => kind === type.kind);
      return index < 0 || index === WHOLE.length - 1 ? null : new WholeBound(index);
    }
  }
}

type Whole = 'TINYINT' | 'SMALLINT' | 'INT' | 'BIGINT' | 'LARGEINT';

/** By size: bits, and digits that always fit. */
const WHOLE: readonly (readonly [Whole, bits: number, digits: number])[] = [
  ['TINYINT', 8, 2],
  ['SMALLINT', 16, 4],
  ['INT', 32, 9],
  ['BIGINT', 64, 18],
  ['LARGEINT', 128, 38],
];
const MAX_DIGITS = 40;

class WholeBound implements ValueBound {
  readonly #bits: number;
  readonly #digits: number;
  /** Place in WHOLE; -1 = nothing was noted. */
  #wanted = -1;

  constructor(index: number) {
    const [, bits = 0, digits = 0] = WHOLE[index] ?? [];
    this.#bits = bits;
    this.#digits = digits;
  }

  isExceeded(bytes: Buffer, from: number, to: number): boolean {
    const sign = bytes[from] === MINUS ? 1 : 0;
    if (to - from - sign <= this.#digits) return false;
    const value = wholeValue(bytes, from, to);
    return value !== null && !isWithin(value, this.#bits) && indexFor(value) >= 0;
  }

  note(bytes: Buffer, from: number, to: number): void {
    const value = wholeValue(bytes, from, to);
    if (value !== null) this.#wanted = Math.max(this.#wanted, indexFor(value));
  }

  wanted(): SqlType | null {
    const kind = WHOLE[this.#wanted]?.[0];
    return kind === undefined ? null : { kind };
  }
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

function isWithin(value: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, value) === value;
}

/** Place of the smallest type that holds the value; -1 = there is none. */
function indexFor(value: bigint): number {
  return WHOLE.findIndex(([, bits]) => isWithin(value, bits));
}

class TextBound implements ValueBound {
  readonly #most: number;
  #wanted = 0;

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  isExceeded(bytes: Buffer, from: number, to: number): boolean {
    return to - from > this.#most && textBytes(bytes, from, to) > this.#most;
  }

  note(bytes: Buffer, from: number, to: number): void {
    this.#wanted = Math.max(this.#wanted, textBytes(bytes, from, to));
  }

  /** With twice the room that was needed. */
  wanted(): SqlType | null {
    if (this.#wanted === 0) return null;
    const room = 2 ** Math.ceil(Math.log2(this.#wanted * 2));
    if (room <= STRING_LENGTH) return { kind: 'VARCHAR', length: room };
    const isString = this.#wanted <= STRING_LENGTH;
    return { kind: 'VARCHAR', length: isString ? STRING_LENGTH : MAX_VARCHAR_LENGTH };
  }
}

/** Bytes of a text; of one that no VARCHAR holds, and of anything else (which is loaded as its JSON), 0. */
function textBytes(bytes: Buffer, from: number, to: number): number {
  if (bytes[from] !== QUOTE) return 0;
  const { value } = readJson(bytes.toString('utf8', from, to));
  const length = typeof value === 'string' ? Buffer.byteLength(value) : 0;
  return length > MAX_VARCHAR_LENGTH ? 0 : length;
}

const MAX_PRECISION = 38;
/** A number, or a text that is one. */
const PLAIN_DECIMAL = /^"?-?0*(\d*)(?:\.\d+)?"?$/;
const MAX_DECIMAL_CHARACTERS = 200;

/** Digits behind the point are rounded to the column's scale as ever: only those in front of it count. */
class DecimalBound implements ValueBound {
  readonly #scale: number;
  readonly #whole: number;
  #wanted = 0;

  constructor(precision: number, scale: number) {
    this.#scale = scale;
    this.#whole = precision - scale;
  }

  isExceeded(bytes: Buffer, from: number, to: number): boolean {
    if (to - from <= this.#whole) return false;
    const digits = wholeDigits(bytes, from, to);
    return digits > this.#whole && digits + this.#scale <= MAX_PRECISION;
  }

  note(bytes: Buffer, from: number, to: number): void {
    this.#wanted = Math.max(this.#wanted, wholeDigits(bytes, from, to));
  }

  wanted(): SqlType | null {
    if (this.#wanted === 0) return null;
    return { kind: 'DECIMAL', precision: this.#wanted + this.#scale, scale: this.#scale };
  }
}

/** Digits in front of the point; 0 for what is no plain decimal. */
function wholeDigits(bytes: Buffer, from: number, to: number): number {
  if (to - from > MAX_DECIMAL_CHARACTERS) return 0;
  return PLAIN_DECIMAL.exec(bytes.toString('latin1', from, to))?.[1]?.length ?? 0;
}
