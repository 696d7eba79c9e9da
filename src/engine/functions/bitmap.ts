// BITMAP functions. A BITMAP is a BLOB in Roaring64 format; 64-bit values cross as BIGINT with the same
// bits, so that those above 2^63 - 1 fit.
import { MURMUR3_SEED, murmur3 } from '../../formats/murmur.ts';
import { Bitmap, BitmapBuilder } from '../../formats/sketches/bitmap.ts';
import { encodeBitmap } from '../../formats/sketches/bitmap-codec.ts';
import {
  decodeStarrocksBitmap,
  encodeStarrocksBitmap,
} from '../../formats/sketches/starrocks-bitmap.ts';
import { xxhash3 } from '../../formats/xxhash3.ts';
import { type JsFunction, strictFunction, ValueProblem } from './define.ts';
import { decoded, readBitmap } from './sketch-bytes.ts';
import type { ValueList } from './value-types.ts';

/** Most values that become a text or an array. SOURCE: StarRocks' max_length_for_bitmap_function. */
const MAX_LISTED_VALUES = 1_000_000;
const MAX_VALUE_TEXT = '18446744073709551615';

function listed(bytes: Uint8Array, what: string): Bitmap {
  const bitmap = readBitmap(bytes);
  if (bitmap.size > MAX_LISTED_VALUES) {
    throw new ValueProblem(`${what} not supported size > ${MAX_LISTED_VALUES}`);
  }
  return bitmap;
}

function unsigned(bits: bigint): bigint {
  return BigInt.asUintN(64, bits);
}

/** A NULL makes NULL (`isStrict`), or NULLs are left out; NULL where nothing is left. */
function intersectionOf(list: ValueList<Buffer>, isStrict: boolean): Buffer | null {
  let result: Bitmap | null = null;
  for (let index = 0; index < list.length; index += 1) {
    const bytes = list.at(index);
    if (bytes === null && isStrict) return null;
    if (bytes === null) continue;
    const next = readBitmap(bytes);
    result = result === null ? next : result.and(next);
  }
  return result === null ? null : encodeBitmap(result);
}

/** One at a time, so that a million of them need not be held. */
function unionOf(list: ValueList<Buffer>, isStrict: boolean): Buffer | null {
  const builder = new BitmapBuilder();
  let count = 0;
  for (let index = 0; index < list.length; index += 1) {
    const bytes = list.at(index);
    if (bytes === null && isStrict) return null;
    if (bytes === null) continue;
    builder.addAll(readBitmap(bytes));
    count += 1;
  }
  return count === 0 ? null : encodeBitmap(builder.build());
}

function ofValues(list: ValueList<bigint>): { readonly bitmap: Bitmap; readonly count: number } {
  const builder = new BitmapBuilder();
  let count = 0;
  for (let index = 0; index < list.length; index += 1) {
    const value = list.at(index);
    if (value === null) continue;
    builder.add(value);
    count += 1;
  }
  return { bitmap: builder.build(), count };
}

/** `1, 2,3`; null where a part is no number from 0 to 2^64-1. '' is the empty bitmap. */
function parseList(text: string): Bitmap | null {
  const builder = new BitmapBuilder();
  if (text.trim() === '') return builder.build();
  for (const part of text.split(',')) {
    const digits = part.trim().replace(/^\+/, '');
    if (!/^\d{1,20}$/.test(digits)) return null;
    if (digits.length === 20 && digits > MAX_VALUE_TEXT) return null;
    builder.add(BigInt(digits));
  }
  return builder.build();
}

/** NULL rather than an empty bitmap: what StarRocks' subset functions give where nothing is found. */
function subset(bitmap: Bitmap): Buffer | null {
  return bitmap.isEmpty ? null : encodeBitmap(bitmap);
}

const clampToZero = (value: bigint): bigint => (value < 0n ? 0n : value);

/** By position: `offset` from 0, negative ones from the end. */
function subBitmap(bytes: Buffer, offset: bigint, length: bigint): Buffer | null {
  const bitmap = readBitmap(bytes);
  const size = BigInt(bitmap.size);
  const from = offset < 0n ? size + offset : offset;
  if (length < 1n || from < 0n || from >= size) return null;
  const to = from + length;
  return subset(bitmap.slice(Number(from), Number(to > size ? size : to)));
}

/** `limit` values from `start` on; a negative one takes them downwards, `start` included. */
function subsetLimit(bytes: Buffer, start: bigint, limit: bigint): Buffer | null {
  const bitmap = readBitmap(bytes);
  const size = bitmap.size;
  const first = clampToZero(start);
  if (limit === 0n) return null;
  const count = Number(limit < 0n ? -limit : limit);
  if (limit > 0n) {
    const from = bitmap.rank(first);
    return subset(bitmap.slice(from, Math.min(size, from + count)));
  }
  if (start < 0n) return null;
  const to = bitmap.rank(first) + (bitmap.has(first) ? 1 : 0);
  return subset(bitmap.slice(Math.max(0, to - count), to));
}

function subsetInRange(bytes: Buffer, start: bigint, end: bigint): Buffer | null {
  const bitmap = readBitmap(bytes);
  if (end <= start || end <= 0n) return null;
  return subset(bitmap.slice(bitmap.rank(clampToZero(start)), bitmap.rank(end)));
}

const BINARY_OPERATIONS = [
  strictFunction('mr_bitmap_andnot', ['BLOB', 'BLOB'], 'BLOB', (a, b) =>
    encodeBitmap(readBitmap(a).andNot(readBitmap(b))),
  ),
  strictFunction('mr_bitmap_xor', ['BLOB', 'BLOB'], 'BLOB', (a, b) =>
    encodeBitmap(readBitmap(a).xor(readBitmap(b))),
  ),
  strictFunction('mr_bitmap_has_any', ['BLOB', 'BLOB'], 'BOOLEAN', (a, b) =>
    readBitmap(a).intersects(readBitmap(b)),
  ),
  strictFunction('mr_bitmap_contains', ['BLOB', 'BIGINT'], 'BOOLEAN', (bytes, value) =>
    readBitmap(bytes).has(unsigned(value)),
  ),
  strictFunction('mr_bitmap_remove', ['BLOB', 'BIGINT'], 'BLOB', (bytes, value) =>
    encodeBitmap(readBitmap(bytes).andNot(Bitmap.of(unsigned(value)))),
  ),
  strictFunction('mr_sub_bitmap', ['BLOB', 'BIGINT', 'BIGINT'], 'BLOB', subBitmap),
  strictFunction('mr_bitmap_subset_limit', ['BLOB', 'BIGINT', 'BIGINT'], 'BLOB', subsetLimit),
  strictFunction('mr_bitmap_subset_in_range', ['BLOB', 'BIGINT', 'BIGINT'], 'BLOB', subsetInRange),
];

const CONVERSIONS = [
  strictFunction('mr_bitmap_to_string', ['BLOB'], 'VARCHAR', (bytes) =>
    [...listed(bytes, 'bitmap_to_string').values()].join(','),
  ),
  strictFunction('mr_bitmap_from_string', ['VARCHAR'], 'BLOB', (text) => {
    const bitmap = parseList(text);
    return bitmap === null ? null : encodeBitmap(bitmap);
  }),
  strictFunction('mr_bitmap_to_array', ['BLOB'], 'BIGINT[]', (bytes) =>
    Array.from(listed(bytes, 'bitmap_to_array').values(), (value) => BigInt.asIntN(64, value)),
  ),
  strictFunction('mr_bitmap_to_starrocks', ['BLOB'], 'BLOB', (bytes) =>
    encodeStarrocksBitmap(readBitmap(bytes)),
  ),
  strictFunction(
    'mr_bitmap_from_starrocks',
    ['BLOB'],
    'BLOB',
    (bytes) => encodeBitmap(decoded(() => decodeStarrocksBitmap(bytes))),
    { onProblem: 'null' },
  ),
];

export const BITMAP_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_bitmap_of', ['BIGINT'], 'BLOB', (value) =>
    encodeBitmap(Bitmap.of(unsigned(value))),
  ),
  strictFunction('mr_bitmap_hash', ['BLOB'], 'BLOB', (bytes) =>
    encodeBitmap(Bitmap.of(BigInt(murmur3(bytes, MURMUR3_SEED) >>> 0))),
  ),
  strictFunction('mr_bitmap_hash64', ['BLOB'], 'BLOB', (bytes) =>
    encodeBitmap(Bitmap.of(xxhash3(bytes))),
  ),
  // Values as bits, NULLs left out. An array may have none; an aggregate of none is NULL.
  strictFunction('mr_bitmap_from_values', ['BIGINT[]'], 'BLOB', (list) =>
    encodeBitmap(ofValues(list).bitmap),
  ),
  strictFunction('mr_bitmap_agg', ['BIGINT[]'], 'BLOB', (list) => {
    const { bitmap, count } = ofValues(list);
    return count === 0 ? null : encodeBitmap(bitmap);
  }),
  // Of arguments: a NULL makes NULL.
  strictFunction('mr_bitmap_or', ['BLOB[]'], 'BLOB', (list) => unionOf(list, true)),
  strictFunction('mr_bitmap_and', ['BLOB[]'], 'BLOB', (list) => intersectionOf(list, true)),
  // Of rows: NULLs are left out.
  strictFunction('mr_bitmap_union', ['BLOB[]'], 'BLOB', (list) => unionOf(list, false)),
  strictFunction('mr_bitmap_intersect', ['BLOB[]'], 'BLOB', (list) => intersectionOf(list, false)),
  strictFunction('mr_bitmap_count', ['BLOB'], 'BIGINT', (bytes) => BigInt(readBitmap(bytes).size)),
  strictFunction(
    'mr_bitmap_min',
    ['BLOB'],
    'VARCHAR',
    (bytes) => readBitmap(bytes).min?.toString() ?? null,
  ),
  strictFunction(
    'mr_bitmap_max',
    ['BLOB'],
    'VARCHAR',
    (bytes) => readBitmap(bytes).max?.toString() ?? null,
  ),
  ...BINARY_OPERATIONS,
  ...CONVERSIONS,
];
