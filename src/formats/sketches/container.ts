// The 16-bit sets that a roaring bitmap is made of: few values as a sorted array, many as a bit set. Pure
// functions; no operation changes its operands, except where its name says so.

/** Values 0..65535: 1 to 4096 of them sorted and distinct, or a bit set of 2048 words with more than 4096. */
export type Container = Uint16Array | Uint32Array;

/** Most values of an array container; beyond it a bit set is smaller. SOURCE: RoaringFormatSpec. */
export const MAX_ARRAY_VALUES = 4096;
/** 32-bit words of a bit set over 2^16 values. */
export const BITSET_WORDS = 2048;

export function isArray(container: Container): container is Uint16Array {
  return container.BYTES_PER_ELEMENT === 2;
}

export function cardinality(container: Container): number {
  return isArray(container) ? container.length : countBits(container);
}

function countBits(words: Uint32Array): number {
  let count = 0;
  for (const word of words) {
    let x = word - ((word >>> 1) & 0x55555555);
    x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
    count += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

export function has(container: Container, value: number): boolean {
  if (!isArray(container)) return (((container[value >>> 5] ?? 0) >>> (value & 31)) & 1) === 1;
  let low = 0;
  let high = container.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = container[middle] ?? 0;
    if (found === value) return true;
    if (found < value) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

/** All values in order. */
export function valuesOf(container: Container): Uint16Array {
  if (isArray(container)) return container;
  const values = new Uint16Array(countBits(container));
  let at = 0;
  for (const [index, bits] of container.entries()) {
    for (let rest = bits; rest !== 0; rest &= rest - 1) {
      values[at++] = index * 32 + (31 - Math.clz32(rest & -rest));
    }
  }
  return values;
}

/** A bit set of its own, to be changed. */
function toBits(container: Container): Uint32Array {
  if (!isArray(container)) return container.slice();
  const words = new Uint32Array(BITSET_WORDS);
  setBits(words, container);
  return words;
}

function setBits(words: Uint32Array, values: Uint16Array): void {
  for (const value of values) words[value >>> 5] = (words[value >>> 5] ?? 0) | (1 << (value & 31));
}

/** The container of a bit set; null = empty. The words belong to it from then on. */
export function fromBits(words: Uint32Array): Container | null {
  const count = countBits(words);
  if (count === 0) return null;
  return count > MAX_ARRAY_VALUES ? words : valuesOf(words);
}

/** The container of sorted, distinct values; null = empty. */
export function fromSorted(values: Uint16Array): Container | null {
  if (values.length === 0) return null;
  return values.length > MAX_ARRAY_VALUES ? toBits(values) : values;
}

export function union(a: Container, b: Container): Container {
  if (isArray(a) && isArray(b)) {
    const merged = merge(a, b, true);
    return merged.length > MAX_ARRAY_VALUES ? toBits(merged) : merged;
  }
  const words = toBits(isArray(a) ? b : a);
  addToBits(words, isArray(a) ? a : b);
  return words;
}

/** Adds all of `other` to the bit set `words`, in place. */
export function addToBits(words: Uint32Array, other: Container): void {
  if (isArray(other)) setBits(words, other);
  else for (const [index, word] of other.entries()) words[index] = (words[index] ?? 0) | word;
}

export function intersection(a: Container, b: Container): Container | null {
  if (isArray(a)) return fromSorted(a.filter((value) => has(b, value)));
  if (isArray(b)) return fromSorted(b.filter((value) => has(a, value)));
  return fromBits(a.map((word, index) => word & (b[index] ?? 0)));
}

export function difference(a: Container, b: Container): Container | null {
  if (isArray(a)) return fromSorted(a.filter((value) => !has(b, value)));
  const without = toBits(b);
  return fromBits(a.map((word, index) => word & ~(without[index] ?? 0)));
}

export function symmetricDifference(a: Container, b: Container): Container | null {
  if (isArray(a) && isArray(b)) return fromSorted(merge(a, b, false));
  const words = toBits(b);
  return fromBits(toBits(a).map((word, index) => word ^ (words[index] ?? 0)));
}

export function intersects(a: Container, b: Container): boolean {
  if (isArray(a)) return a.some((value) => has(b, value));
  if (isArray(b)) return b.some((value) => has(a, value));
  return a.some((word, index) => (word & (b[index] ?? 0)) !== 0);
}

/** Two sorted arrays as one; values in both once, or not at all. */
function merge(a: Uint16Array, b: Uint16Array, keepCommon: boolean): Uint16Array {
  const merged = new Uint16Array(a.length + b.length);
  let [i, j, at] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const left = a[i] ?? 0;
    const right = b[j] ?? 0;
    if (left === right) {
      if (keepCommon) merged[at++] = left;
      i += 1;
      j += 1;
    } else if (left < right) {
      merged[at++] = left;
      i += 1;
    } else {
      merged[at++] = right;
      j += 1;
    }
  }
  for (; i < a.length; i += 1) merged[at++] = a[i] ?? 0;
  for (; j < b.length; j += 1) merged[at++] = b[j] ?? 0;
  return merged.subarray(0, at);
}
