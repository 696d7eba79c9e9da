// HLL and PERCENTILE functions: both are BLOBs that sketches are read from and written to.
import { MURMUR64_SEED, murmur64 } from '../../formats/murmur.ts';
import { HyperLogLog } from '../../formats/sketches/hyperloglog.ts';
import { TDigest } from '../../formats/sketches/t-digest.ts';
import { type JsFunction, nullableFunction, strictFunction } from './define.ts';
import { decoded } from './sketch-bytes.ts';
import type { ValueList } from './value-types.ts';

const readHll = (bytes: Uint8Array): HyperLogLog => decoded(() => HyperLogLog.decode(bytes));
const readDigest = (bytes: Uint8Array): TDigest => decoded(() => TDigest.decode(bytes));

/** Calls for each element that is not NULL; gives how many there were. */
function eachOf<T>(list: ValueList<T>, visit: (value: T) => void): number {
  let count = 0;
  for (let index = 0; index < list.length; index += 1) {
    const value = list.at(index);
    if (value === null) continue;
    visit(value);
    count += 1;
  }
  return count;
}

export const ESTIMATE_FUNCTIONS: readonly JsFunction[] = [
  // Of NULL the empty one.
  nullableFunction('mr_hll_of_any', ['BLOB'], 'BLOB', (bytes) => {
    const hll = new HyperLogLog();
    if (bytes !== null) hll.add(murmur64(bytes, MURMUR64_SEED));
    return hll.encode();
  }),
  // As hashing each value and joining the results; NULLs are left out.
  strictFunction('mr_hll_from_values', ['BLOB[]'], 'BLOB', (list) => {
    const hll = new HyperLogLog();
    eachOf(list, (bytes) => hll.add(murmur64(bytes, MURMUR64_SEED)));
    return hll.encode();
  }),
  strictFunction('mr_hll_union', ['BLOB[]'], 'BLOB', (list) => {
    const hll = new HyperLogLog();
    const count = eachOf(list, (bytes) => hll.merge(readHll(bytes)));
    return count === 0 ? null : hll.encode();
  }),
  strictFunction('mr_hll_count', ['BLOB'], 'BIGINT', (bytes) => BigInt(readHll(bytes).estimate())),
  strictFunction('mr_percentile_of', ['DOUBLE'], 'BLOB', (value) => {
    const digest = new TDigest();
    digest.add(value);
    return digest.encode();
  }),
  strictFunction('mr_percentile_from_values', ['DOUBLE[]'], 'BLOB', (list) => {
    const digest = new TDigest();
    const count = eachOf(list, (value) => digest.add(value));
    return count === 0 ? null : digest.encode();
  }),
  strictFunction('mr_percentile_union', ['BLOB[]'], 'BLOB', (list) => {
    const digest = new TDigest();
    const count = eachOf(list, (bytes) => digest.merge(readDigest(bytes)));
    return count === 0 ? null : digest.encode();
  }),
  strictFunction('mr_percentile_quantile', ['BLOB', 'DOUBLE'], 'DOUBLE', (bytes, fraction) =>
    readDigest(bytes).quantile(fraction),
  ),
];
