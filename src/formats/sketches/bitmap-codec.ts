// BITMAP values as bytes: the portable format of Roaring64 bitmaps, which other libraries read (CRoaring,
// Java's RoaringBitmap, pyroaring, croaring-rs). It is what lies in Parquet files.
// SOURCE: RoaringFormatSpec, "Standard serialization format" and "Extension for 64-bit implementations".
import { present } from '../../base/assert.ts';
import { Bitmap } from './bitmap.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import {
  BITSET_WORDS,
  type Container,
  cardinality,
  fromBits,
  isArray,
  MAX_ARRAY_VALUES,
  valuesOf,
} from './container.ts';

const COOKIE_WITHOUT_RUNS = 12_346;
const COOKIE_WITH_RUNS = 12_347;
/** With runs, offsets are written only from so many containers on. */
const NO_OFFSET_THRESHOLD = 4;
const KEYS_PER_GROUP = 65_536;

export function encodeBitmap(bitmap: Bitmap): Buffer {
  const groups = groupsOf(bitmap);
  const out = new ByteWriter();
  out.u64(BigInt(groups.length));
  for (const { high, keys, containers } of groups) {
    out.u32(high);
    encode32(out, keys, containers, true);
  }
  return out.done();
}

/** @throws MalformedSketch */
export function decodeBitmap(bytes: Uint8Array): Bitmap {
  const reader = new ByteReader(bytes, 'bitmap in Roaring64 format');
  const groups = reader.u64();
  if (groups > BigInt(reader.left)) throw reader.malformed();
  const [keys, containers]: [number[], Container[]] = [[], []];
  let before = -1;
  for (let group = 0; group < Number(groups); group += 1) {
    const high = reader.u32();
    if (high <= before) throw reader.malformed();
    before = high;
    decode32(reader, high, keys, containers);
  }
  reader.end();
  return new Bitmap(keys, containers);
}

interface Group {
  /** The upper 32 bits of the values. */
  readonly high: number;
  /** Bits 16 to 31. */
  readonly keys: readonly number[];
  readonly containers: readonly Container[];
}

/** The 32-bit bitmaps that a 64-bit one consists of, ascending. */
export function groupsOf(bitmap: Bitmap): readonly Group[] {
  const groups: { high: number; keys: number[]; containers: Container[] }[] = [];
  for (const [index, key] of bitmap.keys.entries()) {
    const high = Math.floor(key / KEYS_PER_GROUP);
    if (groups.at(-1)?.high !== high) groups.push({ high, keys: [], containers: [] });
    const group = present(groups.at(-1), 'group');
    group.keys.push(key % KEYS_PER_GROUP);
    group.containers.push(present(bitmap.containers[index], 'container'));
  }
  return groups;
}

/** One 32-bit bitmap in standard format. `allowRuns`: runs where they are smaller; readers from 2016 on know them. */
export function encode32(
  out: ByteWriter,
  keys: readonly number[],
  containers: readonly Container[],
  allowRuns: boolean,
): void {
  const start = out.length;
  const runs = containers.map((container) => (allowRuns ? smallerRuns(container) : null));
  const hasRuns = runs.some((run) => run !== null);
  if (hasRuns) {
    out.u32(COOKIE_WITH_RUNS + (keys.length - 1) * 65_536);
    const flags = new Uint8Array(Math.ceil(keys.length / 8));
    for (const [index, run] of runs.entries()) {
      if (run !== null) flags[index >> 3] = (flags[index >> 3] ?? 0) | (1 << (index & 7));
    }
    out.bytes(flags);
  } else {
    out.u32(COOKIE_WITHOUT_RUNS);
    out.u32(keys.length);
  }
  for (const [index, key] of keys.entries()) {
    out.u16(key);
    out.u16(cardinality(present(containers[index], 'container')) - 1);
  }
  const sizes = containers.map((container, index) => {
    const run = runs[index];
    return run === null || run === undefined ? container.byteLength : 2 + run.byteLength;
  });
  if (!hasRuns || keys.length >= NO_OFFSET_THRESHOLD) {
    let offset = out.length - start + 4 * keys.length;
    for (const size of sizes) {
      out.u32(offset);
      offset += size;
    }
  }
  for (const [index, container] of containers.entries()) {
    const run = runs[index];
    if (run === null || run === undefined) {
      out.bytes(container);
    } else {
      out.u16(run.length / 2);
      out.bytes(run);
    }
  }
}

/** Pairs (first value, further values) where that takes fewer bytes, else null. */
function smallerRuns(container: Container): Uint16Array | null {
  const values = valuesOf(container);
  let count = 1;
  for (let index = 1; index < values.length; index += 1) {
    if (values[index] !== (values[index - 1] ?? 0) + 1) count += 1;
  }
  if (2 + count * 4 >= container.byteLength) return null;
  const runs = new Uint16Array(count * 2);
  let at = -2;
  for (const [index, value] of values.entries()) {
    if (index > 0 && value === (values[index - 1] ?? 0) + 1) {
      runs[at + 1] = (runs[at + 1] ?? 0) + 1;
    } else {
      at += 2;
      runs[at] = value;
    }
  }
  return runs;
}

/** Reads one 32-bit bitmap behind those in `keys` and `containers`. */
export function decode32(
  reader: ByteReader,
  high: number,
  keys: number[],
  containers: Container[],
): void {
  const cookie = reader.u32();
  const hasRuns = cookie % 65_536 === COOKIE_WITH_RUNS;
  if (!hasRuns && cookie !== COOKIE_WITHOUT_RUNS) throw reader.malformed();
  const count = hasRuns ? Math.floor(cookie / 65_536) + 1 : reader.u32();
  if (count > KEYS_PER_GROUP) throw reader.malformed();
  const flags = hasRuns ? reader.bytes(Math.ceil(count / 8)) : new Uint8Array(0);
  const heads = reader.u16s(count * 2);
  if (!hasRuns || count >= NO_OFFSET_THRESHOLD) reader.skip(4 * count);
  let before = -1;
  for (let index = 0; index < count; index += 1) {
    const key = heads[index * 2] ?? 0;
    if (key <= before) throw reader.malformed();
    before = key;
    const isRun = (((flags[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
    const size = (heads[index * 2 + 1] ?? 0) + 1;
    keys.push(high * KEYS_PER_GROUP + key);
    containers.push(isRun ? readRuns(reader) : readContainer(reader, size));
  }
}

function readContainer(reader: ByteReader, size: number): Container {
  if (size > MAX_ARRAY_VALUES) {
    const words = reader.u32s(BITSET_WORDS);
    if (cardinality(words) !== size) throw reader.malformed();
    return words;
  }
  const values = reader.u16s(size);
  for (let index = 1; index < size; index += 1) {
    if ((values[index] ?? 0) <= (values[index - 1] ?? 0)) throw reader.malformed();
  }
  return values;
}

function readRuns(reader: ByteReader): Container {
  const runs = reader.u16s(reader.u16() * 2);
  const words = new Uint32Array(BITSET_WORDS);
  for (let index = 0; index < runs.length; index += 2) {
    const first = runs[index] ?? 0;
    const last = first + (runs[index + 1] ?? 0);
    if (last > 65_535) throw reader.malformed();
    for (let value = first; value <= last; value += 1) {
      words[value >>> 5] = (words[value >>> 5] ?? 0) | (1 << (value & 31));
    }
  }
  const container = fromBits(words);
  if (container === null) throw reader.malformed();
  return isArray(container) ? container.slice() : container;
}
