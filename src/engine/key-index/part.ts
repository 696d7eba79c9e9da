// One part of a key index: the entries of a range of digests, as a small filter that tells where in the part a digest
// may be, and the records that say whether it is and in which row. Pure: bytes in, bytes out.
import type { Digests } from './digest.ts';

/** Entries that a bucket of the filter has on average. */
const BUCKET_ENTRIES = 8;
/** Each bucket has so many words of one bit for each value of the first bits of a fingerprint: most misses end there. */
const MARK_WORDS = 2;
/** A part has about this many entries at most: bounds what is in memory at once. */
const PART_ENTRIES = 512 * 1024;
const WORD_BYTES = 4;

/** How the digests of a file with so many rows are divided: by their first bits into parts, by the next into buckets. */
export interface Division {
  readonly partBits: number;
  readonly bucketBits: number;
}

export function divisionOf(rowCount: number): Division {
  const partBits = Math.max(0, Math.ceil(Math.log2(rowCount / PART_ENTRIES)));
  const entries = rowCount / 2 ** partBits;
  // At least one: a shift by 32 bits is none.
  const bucketBits = Math.max(1, Math.floor(Math.log2(Math.max(2, entries / BUCKET_ENTRIES))));
  return { partBits, bucketBits };
}

export function partOf(high: number, { partBits }: Division): number {
  return partBits === 0 ? 0 : high >>> (32 - partBits);
}

function bucketOf(high: number, { partBits, bucketBits }: Division): number {
  return (high << partBits) >>> (32 - bucketBits);
}

/** The 16 bits of a digest after those that its bucket tells: they rise within a bucket. */
function fingerprint(high: number, middle: number, shift: number): number {
  return ((high << shift) | (middle >>> (32 - shift))) >>> 16;
}

export interface PartFilter {
  /** Per bucket one bit for each value of the first six bits of a fingerprint: whether an entry has it. */
  readonly marks: Uint32Array;
  /** First entry of each bucket, and the number of entries at the end. */
  readonly starts: Uint32Array;
  readonly fingerprints: Uint16Array;
}

/** Words of a record: what of the digest the filter does not tell, then the row. An exact key needs no hash. */
export function recordWords(isExact: boolean): number {
  return isExact ? 3 : 4;
}

/** Entries of one part as they come, in the order of their digests. */
export class PartBuilder {
  readonly #division: Division;
  readonly #isExact: boolean;
  readonly #counts: Uint32Array;
  readonly #marks: Uint32Array;
  #fingerprints: Uint16Array;
  #records: Uint32Array;
  #count = 0;

  constructor(division: Division, isExact: boolean) {
    this.#division = division;
    this.#isExact = isExact;
    this.#counts = new Uint32Array(2 ** division.bucketBits + 1);
    this.#marks = new Uint32Array(2 ** division.bucketBits * MARK_WORDS);
    const room = 2 ** division.bucketBits * BUCKET_ENTRIES;
    this.#fingerprints = new Uint16Array(room);
    this.#records = new Uint32Array(room * recordWords(isExact));
  }

  get count(): number {
    return this.#count;
  }

  add(high: number, middle: number, low: number, lowest: number, row: number): void {
    const { partBits, bucketBits } = this.#division;
    const entry = this.#count;
    if (entry === this.#fingerprints.length) this.#grow();
    const bucket = bucketOf(high, this.#division);
    this.#counts[bucket + 1] = (this.#counts[bucket + 1] ?? 0) + 1;
    const print = fingerprint(high, middle, partBits + bucketBits);
    this.#fingerprints[entry] = print;
    const word = bucket * MARK_WORDS + (print >>> 15);
    this.#marks[word] = (this.#marks[word] ?? 0) | (1 << (print >>> 10));
    let at = entry * recordWords(this.#isExact);
    if (!this.#isExact) this.#records[at++] = middle;
    this.#records[at] = low;
    this.#records[at + 1] = lowest;
    this.#records[at + 2] = row;
    this.#count += 1;
  }

  #grow(): void {
    const fingerprints = new Uint16Array(this.#fingerprints.length * 2);
    fingerprints.set(this.#fingerprints);
    this.#fingerprints = fingerprints;
    const records = new Uint32Array(this.#records.length * 2);
    records.set(this.#records);
    this.#records = records;
  }

  /** The bytes of the filter and of the records. */
  finish(): { readonly filter: Uint8Array; readonly records: Uint8Array } {
    const starts = this.#counts;
    for (let bucket = 1; bucket < starts.length; bucket += 1) {
      starts[bucket] = (starts[bucket] ?? 0) + (starts[bucket - 1] ?? 0);
    }
    const fingerprints = this.#fingerprints.slice(0, this.#count);
    const filter = new Uint8Array(filterBytes(this.#division, this.#count));
    filter.set(bytesOf(this.#marks));
    filter.set(bytesOf(starts), this.#marks.byteLength);
    filter.set(bytesOf(fingerprints), this.#marks.byteLength + starts.byteLength);
    const used = this.#count * recordWords(this.#isExact);
    return { filter, records: bytesOf(this.#records.subarray(0, used)) };
  }
}

function bytesOf(numbers: Uint32Array | Uint16Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

export function filterBytes({ bucketBits }: Division, entries: number): number {
  const words = 2 ** bucketBits * (MARK_WORDS + 1) + 1 + Math.ceil(entries / 2);
  return words * WORD_BYTES;
}

export function recordBytes(isExact: boolean, entries: number): number {
  return entries * recordWords(isExact) * WORD_BYTES;
}

/** `bytes` as a filter; they are not copied and must begin at a multiple of four. */
export function readFilter(
  bytes: Uint8Array,
  { bucketBits }: Division,
  entries: number,
): PartFilter {
  const buckets = 2 ** bucketBits;
  const startsAt = bytes.byteOffset + buckets * MARK_WORDS * WORD_BYTES;
  const fingerprintsAt = startsAt + (buckets + 1) * WORD_BYTES;
  return {
    marks: new Uint32Array(bytes.buffer, bytes.byteOffset, buckets * MARK_WORDS),
    starts: new Uint32Array(bytes.buffer, startsAt, buckets + 1),
    fingerprints: new Uint16Array(bytes.buffer, fingerprintsAt, entries),
  };
}

/** Entries of a part that may be those of digests, by rising entry. */
export interface Candidates {
  readonly count: number;
  /** Index of the digest. */
  readonly digests: Uint32Array;
  readonly entries: Uint32Array;
}

const FIRST_CANDIDATES = 1024;

/** Looks for digests `from` to before `to`, all of this part, in the filter. */
export function probe(
  filter: PartFilter,
  division: Division,
  wanted: Digests,
  from: number,
  to: number,
): Candidates {
  const { marks, starts, fingerprints } = filter;
  const { high, middle } = wanted;
  const shift = division.partBits + division.bucketBits;
  let digests = new Uint32Array(FIRST_CANDIDATES);
  let entries = new Uint32Array(FIRST_CANDIDATES);
  let count = 0;
  for (let index = from; index < to; index += 1) {
    const top = high[index] ?? 0;
    const bucket = bucketOf(top, division);
    const mark = fingerprint(top, middle[index] ?? 0, shift);
    const word = marks[bucket * MARK_WORDS + (mark >>> 15)] ?? 0;
    // A shift goes by its last five bits.
    if (((word >>> (mark >>> 10)) & 1) === 0) continue;
    const end = starts[bucket + 1] ?? 0;
    for (let entry = starts[bucket] ?? 0; entry < end; entry += 1) {
      const found = fingerprints[entry] ?? 0;
      if (found < mark) continue;
      if (found > mark) break;
      if (count === digests.length) {
        digests = doubled(digests);
        entries = doubled(entries);
      }
      digests[count] = index;
      entries[count] = entry;
      count += 1;
    }
  }
  return { count, digests, entries };
}

function doubled(numbers: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(numbers.length * 2);
  more.set(numbers);
  return more;
}

/**
 * The row of the record that begins at word `at` when it is that of digest `index`, else -1.
 */
export function rowOfRecord(
  records: Uint32Array,
  at: number,
  isExact: boolean,
  wanted: Digests,
  index: number,
): number {
  let next = at;
  if (!isExact && records[next++] !== wanted.middle[index]) return -1;
  if (records[next] !== wanted.low[index] || records[next + 1] !== wanted.lowest[index]) return -1;
  return records[next + 2] ?? -1;
}
