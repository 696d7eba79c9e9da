// ORC's run-length encodings of whole numbers, both versions. Numbers are doubles where those hold them exactly, and
// bigints otherwise. SOURCE: ORC Specification v1, "Integer Run Length Encoding, version 1" and "version 2".
import { MalformedFile } from '../malformed-file.ts';
import type { OrcStream } from './stream.ts';

/** Numbers of a column: `values[i]`, or `bigs[i]` where that is NaN. */
export interface Integers {
  readonly values: Float64Array;
  readonly bigs: BigInt64Array | null;
}

export interface IntegerReader {
  read(count: number): Integers;
}

type Whole = number | bigint;

const MAX_RUN = 512;
const MIN_RUN = 3;
const MAX_VARINT_BYTES = 10;
/** Bits of numbers that doubles are used for all the way. */
const SAFE_BITS = 48;

/** By version: as the column's encoding says. */
export function integerReader(stream: OrcStream, version: 1 | 2, isSigned: boolean): IntegerReader {
  return version === 1 ? new RunsV1(stream, isSigned) : new RunsV2(stream, isSigned);
}

/** Hands out runs as they are asked for. */
abstract class Runs implements IntegerReader {
  protected readonly stream: OrcStream;
  protected readonly isSigned: boolean;
  /** The run at hand. */
  protected run: Whole[] = [];
  #at = 0;

  constructor(stream: OrcStream, isSigned: boolean) {
    this.stream = stream;
    this.isSigned = isSigned;
  }

  /** Fills `run`. */
  protected abstract fill(): void;

  read(count: number): Integers {
    const values = new Float64Array(count);
    let bigs: BigInt64Array | null = null;
    for (let index = 0; index < count; index += 1) {
      if (this.#at === this.run.length) {
        this.run = [];
        this.#at = 0;
        this.fill();
      }
      const value = this.run[this.#at] ?? 0;
      this.#at += 1;
      if (typeof value === 'number' && Number.isSafeInteger(value)) values[index] = value;
      else {
        values[index] = Number.NaN;
        bigs ??= new BigInt64Array(count);
        bigs[index] = BigInt.asIntN(64, BigInt(value));
      }
    }
    return { values, bigs };
  }

  protected varint(): Whole {
    let value = 0;
    for (let factor = 1; factor < 2 ** 49; factor *= 128) {
      const byte = this.stream.byte();
      if (byte < 0x80) return value + byte * factor;
      value += (byte & 0x7f) * factor;
    }
    let big = BigInt(value);
    for (let index = 7; index < MAX_VARINT_BYTES; index += 1) {
      const byte = this.stream.byte();
      big |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return normal(BigInt.asUintN(64, big));
    }
    throw new MalformedFile('a number takes more than 64 bits');
  }

  protected signed(value: Whole): Whole {
    return this.isSigned ? zigzag(value) : value;
  }
}

function zigzag(value: Whole): Whole {
  if (typeof value === 'number') return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  return normal((value >> 1n) ^ -(value & 1n));
}

/** A number where it is one exactly. */
function normal(value: bigint): Whole {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function sum(a: Whole, b: Whole): Whole {
  if (typeof a === 'number' && typeof b === 'number') {
    const total = a + b;
    if (Number.isSafeInteger(total)) return total;
  }
  return normal(BigInt.asIntN(64, BigInt(a) + BigInt(b)));
}

class RunsV1 extends Runs {
  protected override fill(): void {
    const control = this.stream.byte();
    if (control >= 128) {
      for (let left = 256 - control; left > 0; left -= 1) this.run.push(this.signed(this.varint()));
      return;
    }
    const delta = (this.stream.byte() << 24) >> 24;
    let value = this.signed(this.varint());
    for (let left = control + MIN_RUN; left > 0; left -= 1) {
      this.run.push(value);
      value = sum(value, delta);
    }
  }
}

class RunsV2 extends Runs {
  protected override fill(): void {
    const head = this.stream.byte();
    switch (head >> 6) {
      case 0:
        this.#shortRepeat(head);
        return;
      case 1:
        this.run = this.#packed(bitsOf((head >> 1) & 31), this.#length(head)).map((value) =>
          this.signed(value),
        );
        return;
      case 2:
        this.#patchedBase(head);
        return;
      default:
        this.#delta(head);
    }
  }

  #length(head: number): number {
    return (((head & 1) << 8) | this.stream.byte()) + 1;
  }

  #shortRepeat(head: number): void {
    const [value = 0] = this.#packed((((head >> 3) & 7) + 1) * 8, 1);
    this.run = new Array<Whole>((head & 7) + MIN_RUN).fill(this.signed(value));
  }

  /** `count` numbers of so many bits each, the highest first, up to the end of a byte. */
  #packed(bits: number, count: number): Whole[] {
    const bytes = this.stream.take(Math.ceil((bits * count) / 8));
    const values: Whole[] = new Array<Whole>(count);
    let at = 0;
    let left = 8;
    for (let index = 0; index < count; index += 1) {
      let value = 0;
      let high: bigint | null = null;
      for (let wanted = bits; wanted > 0; ) {
        const taken = Math.min(left, wanted);
        const part = ((bytes[at] ?? 0) >> (left - taken)) & ((1 << taken) - 1);
        // What a double does not hold goes on as a bigint, with the last 16 bits in the double.
        if (high === null && bits - wanted + taken > SAFE_BITS) {
          high = BigInt(value);
          value = 0;
        }
        if (high === null) value = value * 2 ** taken + part;
        else high = (high << BigInt(taken)) | BigInt(part);
        left -= taken;
        wanted -= taken;
        if (left === 0) {
          at += 1;
          left = 8;
        }
      }
      values[index] = high === null ? value : normal(high);
    }
    return values;
  }

  #patchedBase(head: number): void {
    const bits = bitsOf((head >> 1) & 31);
    const length = this.#length(head);
    const third = this.stream.byte();
    const fourth = this.stream.byte();
    const baseBytes = (third >> 5) + 1;
    const patchBits = bitsOf(third & 31);
    const gapBits = (fourth >> 5) + 1;
    const patches = fourth & 31;
    const base = this.#signMagnitude(baseBytes);
    const values = this.#packed(bits, length);
    const entryBits = closestBits(gapBits + patchBits);
    let at = 0;
    for (const entry of this.#packed(entryBits, patches)) {
      const big = BigInt(entry);
      const patch = big & ((1n << BigInt(patchBits)) - 1n);
      at += Number(big >> BigInt(patchBits));
      if (at >= length) throw new MalformedFile('a patch behind its run');
      values[at] = normal(BigInt(values[at] ?? 0) | (patch << BigInt(bits)));
    }
    this.run = values.map((value) => sum(base, value));
  }

  #signMagnitude(bytes: number): Whole {
    const [value = 0] = this.#packed(bytes * 8, 1);
    const sign = 1n << BigInt(bytes * 8 - 1);
    const big = BigInt(value);
    return normal((big & sign) === 0n ? big : -(big ^ sign));
  }

  #delta(head: number): void {
    const code = (head >> 1) & 31;
    const bits = code === 0 ? 0 : bitsOf(code);
    const length = this.#length(head);
    let value = this.signed(this.varint());
    const step = zigzag(this.varint());
    this.run.push(value);
    if (bits === 0) {
      for (let left = length - 1; left > 0; left -= 1) {
        value = sum(value, step);
        this.run.push(value);
      }
      return;
    }
    value = sum(value, step);
    this.run.push(value);
    const isDown = step < 0;
    for (const delta of this.#packed(bits, Math.max(0, length - 2))) {
      value = sum(value, isDown ? -delta : delta);
      this.run.push(value);
    }
    if (this.run.length > MAX_RUN + 1) throw new MalformedFile('a run is too long');
  }
}

/** By the five bits of a width. */
const WIDTHS = [26, 28, 30, 32, 40, 48, 56, 64] as const;

function bitsOf(code: number): number {
  return code < 24 ? code + 1 : (WIDTHS[code - 24] ?? 64);
}

function closestBits(bits: number): number {
  if (bits <= 24) return bits;
  return WIDTHS.find((width) => width >= bits) ?? 64;
}
