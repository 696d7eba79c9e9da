// A set of unsigned 64-bit integers as a roaring bitmap: what a BITMAP value is while it is computed with.
// Values are immutable; `BitmapBuilder` makes them from many parts.
import { present } from '../../base/assert.ts';
import {
  addToBits,
  type Container,
  cardinality,
  difference,
  fromSorted,
  has,
  intersection,
  intersects,
  isArray,
  symmetricDifference,
  union,
  valuesOf,
} from './container.ts';

/** Single values that wait in a builder to be sorted together: 512 KiB. */
const MAX_PENDING_VALUES = 65_536;
/** Many bitmaps are small: the first buffer has room for so many values. */
const FIRST_PENDING_VALUES = 16;
/** A container of at most so many values goes through the pending ones. */
const FEW_VALUES = 8;

export class Bitmap {
  static readonly EMPTY = new Bitmap([], []);

  /** The upper 48 bits of each container's values, ascending; below 2^48. */
  readonly keys: readonly number[];
  readonly containers: readonly Container[];

  constructor(keys: readonly number[], containers: readonly Container[]) {
    this.keys = keys;
    this.containers = containers;
  }

  /** @param value 0 to 2^64-1. */
  static of(value: bigint): Bitmap {
    return new Bitmap([Number(value >> 16n)], [Uint16Array.of(Number(value & 0xffffn))]);
  }

  get isEmpty(): boolean {
    return this.keys.length === 0;
  }

  /** How many values; below 2^53 for every bitmap that fits in memory. */
  get size(): number {
    let size = 0;
    for (const container of this.containers) size += cardinality(container);
    return size;
  }

  has(value: bigint): boolean {
    const container = this.#container(Number(value >> 16n));
    return container !== undefined && has(container, Number(value & 0xffffn));
  }

  #container(key: number): Container | undefined {
    let low = 0;
    let high = this.keys.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.keys[middle] ?? 0;
      if (found === key) return this.containers[middle];
      if (found < key) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  /** Ascending. */
  *values(): Generator<bigint> {
    for (const [index, key] of this.keys.entries()) {
      const base = BigInt(key) << 16n;
      const container = present(this.containers[index], 'container');
      for (const low of valuesOf(container)) yield base | BigInt(low);
    }
  }

  /** The values at positions `from` to `to` - 1, counted from the smallest. Skips whole containers. */
  slice(from: number, to: number): Bitmap {
    const [keys, containers]: [number[], Container[]] = [[], []];
    let passed = 0;
    for (const [index, key] of this.keys.entries()) {
      const container = present(this.containers[index], 'container');
      const count = cardinality(container);
      const [first, end] = [Math.max(0, from - passed), Math.min(count, to - passed)];
      passed += count;
      if (first >= end) continue;
      const part =
        first === 0 && end === count
          ? container
          : fromSorted(valuesOf(container).slice(first, end));
      if (part === null) continue;
      keys.push(key);
      containers.push(part);
    }
    return new Bitmap(keys, containers);
  }

  /** How many values are smaller. */
  rank(value: bigint): number {
    const key = Number(value >> 16n);
    const low = Number(value & 0xffffn);
    let rank = 0;
    for (const [index, found] of this.keys.entries()) {
      if (found > key) break;
      const container = present(this.containers[index], 'container');
      if (found < key) rank += cardinality(container);
      else rank += valuesOf(container).findLastIndex((other) => other < low) + 1;
    }
    return rank;
  }

  /** Smallest value, null when empty. */
  get min(): bigint | null {
    const first = this.containers[0];
    if (first === undefined) return null;
    return (BigInt(this.keys[0] ?? 0) << 16n) | BigInt(valuesOf(first)[0] ?? 0);
  }

  get max(): bigint | null {
    const last = this.containers.at(-1);
    if (last === undefined) return null;
    return (BigInt(this.keys.at(-1) ?? 0) << 16n) | BigInt(valuesOf(last).at(-1) ?? 0);
  }

  or(other: Bitmap): Bitmap {
    return this.#combine(other, union, true, true);
  }
  and(other: Bitmap): Bitmap {
    return this.#combine(other, intersection, false, false);
  }
  andNot(other: Bitmap): Bitmap {
    return this.#combine(other, difference, true, false);
  }
  xor(other: Bitmap): Bitmap {
    return this.#combine(other, symmetricDifference, true, true);
  }

  intersects(other: Bitmap): boolean {
    return this.keys.some((key, index) => {
      const theirs = other.#container(key);
      const ours = this.containers[index];
      return theirs !== undefined && ours !== undefined && intersects(ours, theirs);
    });
  }

  /** Container by container in order of keys; `keepLeft` and `keepRight` say what stays where the other side has none. */
  #combine(
    other: Bitmap,
    operation: (a: Container, b: Container) => Container | null,
    keepLeft: boolean,
    keepRight: boolean,
  ): Bitmap {
    const [keys, containers]: [number[], Container[]] = [[], []];
    const push = (key: number, container: Container | null | undefined): void => {
      if (container === null || container === undefined) return;
      keys.push(key);
      containers.push(container);
    };
    let [i, j] = [0, 0];
    while (i < this.keys.length || j < other.keys.length) {
      const left = this.keys[i] ?? Number.POSITIVE_INFINITY;
      const right = other.keys[j] ?? Number.POSITIVE_INFINITY;
      if (left === right) {
        const [a, b] = [this.containers[i++], other.containers[j++]];
        push(left, operation(present(a, 'container'), present(b, 'container')));
      } else if (left < right) {
        if (keepLeft) push(left, this.containers[i]);
        i += 1;
      } else {
        if (keepRight) push(right, other.containers[j]);
        j += 1;
      }
    }
    return new Bitmap(keys, containers);
  }
}

/** Makes the union of many values and bitmaps. */
export class BitmapBuilder {
  #pending = new BigUint64Array(FIRST_PENDING_VALUES);
  #pendingCount = 0;
  /** Bit sets in it are our own and grow in place. */
  readonly #merged = new Map<number, Container>();

  /** @param value 0 to 2^64-1; a negative one counts as its 64-bit pattern. */
  add(value: bigint): void {
    if (this.#pendingCount === this.#pending.length) this.#makeRoom();
    this.#pending[this.#pendingCount++] = value;
  }

  addAll(bitmap: Bitmap): void {
    for (const [index, key] of bitmap.keys.entries()) {
      const container = present(bitmap.containers[index], 'container');
      if (container.length > FEW_VALUES) {
        this.#merge(key, container);
        continue;
      }
      for (const low of container) this.add((BigInt(key) << 16n) | BigInt(low));
    }
  }

  build(): Bitmap {
    this.#mergePending();
    const keys = Float64Array.from(this.#merged.keys()).sort();
    return new Bitmap(
      [...keys],
      Array.from(keys, (key) => present(this.#merged.get(key), 'container')),
    );
  }

  #makeRoom(): void {
    const { length } = this.#pending;
    if (length >= MAX_PENDING_VALUES) {
      this.#mergePending();
      return;
    }
    const grown = new BigUint64Array(length * 16);
    grown.set(this.#pending);
    this.#pending = grown;
  }

  #merge(key: number, container: Container): void {
    const before = this.#merged.get(key);
    if (before === undefined) {
      this.#merged.set(key, isArray(container) ? container : container.slice());
    } else if (isArray(before)) {
      this.#merged.set(key, union(before, container));
    } else {
      addToBits(before, container);
    }
  }

  #mergePending(): void {
    const sorted = this.#pending.subarray(0, this.#pendingCount).sort();
    this.#pendingCount = 0;
    // Words instead of 64-bit integers: no object for each value.
    const words = new Uint32Array(sorted.buffer, sorted.byteOffset, sorted.length * 2);
    for (let from = 0; from < sorted.length; ) {
      const key = keyAt(words, from);
      let to = from + 1;
      while (to < sorted.length && keyAt(words, to) === key) to += 1;
      const container = fromSorted(distinctLows(words, from, to));
      if (container !== null) this.#merge(key, container);
      from = to;
    }
  }
}

function keyAt(words: Uint32Array, index: number): number {
  return (words[index * 2 + 1] ?? 0) * 65_536 + ((words[index * 2] ?? 0) >>> 16);
}

function distinctLows(words: Uint32Array, from: number, to: number): Uint16Array {
  const lows = new Uint16Array(to - from);
  let count = 0;
  for (let index = from; index < to; index += 1) {
    const low = (words[index * 2] ?? 0) & 0xffff;
    if (count === 0 || lows[count - 1] !== low) lows[count++] = low;
  }
  return lows.slice(0, count);
}
