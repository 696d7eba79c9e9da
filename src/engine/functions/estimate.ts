// HLL and PERCENTILE functions: both are BLOBs that sketches are read from and written to.
import { MURMUR64_SEED, murmur64 } from '../../formats/murmur.ts';
import { HyperLogLog } from '../../formats/sketches/hyperloglog.ts';
import { TDigest } from '../../formats/sketches/t-digest.ts';
import { type JsFunction, strictFunction } from './define.ts';
import { decoded } from './sketch-bytes.ts';

const readHll = (bytes: Uint8Array): HyperLogLog => decoded(() => HyperLogLog.decode(bytes));
const readDigest = (bytes: Uint8Array): TDigest => decoded(() => TDigest.decode(bytes));

export const ESTIMATE_FUNCTIONS: readonly JsFunction[] = [
  strictFunction('mr_hll_of', ['BLOB'], 'BLOB', (bytes) => {
    const hll = new HyperLogLog();
    hll.add(murmur64(bytes, MURMUR64_SEED));
    return hll.encode();
  }),
  // As hashing each value and joining the results; NULLs are left out.
  strictFunction('mr_hll_from_values', ['BLOB[]'], 'BLOB', (list) => {
    const hll = new HyperLogLog();
    for (let index = 0; index < list.length; index += 1) {
      const bytes = list.at(index);
      if (bytes !== null) hll.add(murmur64(bytes, MURMUR64_SEED));
    }
    return hll.encode();
  }),
  strictFunction('mr_hll_union', ['BLOB[]'], 'BLOB', (list) => {
    const hll = new HyperLogLog();
    for (let index = 0; index < list.length; index += 1) {
      const bytes = list.at(index);
      if (bytes !== null) hll.merge(readHll(bytes));
    }
    return hll.encode();
  }),
  strictFunction('mr_hll_count', ['BLOB'], 'BIGINT', (bytes) => BigInt(readHll(bytes).estimate())),
  strictFunction('mr_percentile_of', ['DOUBLE'], 'BLOB', (value) => {
    const digest = new TDigest();
    digest.add(value);
    return digest.encode();
  }),
  strictFunction('mr_percentile_from_values', ['DOUBLE[]'], 'BLOB', (list) => {
    const digest = new TDigest();
    for (let index = 0; index < list.length; index += 1) {
      const value = list.at(index);
      if (value !== null) digest.add(value);
    }
    return digest.encode();
  }),
  strictFunction('mr_percentile_union', ['BLOB[]'], 'BLOB', (list) => {
    const digest = new TDigest();
    for (let index = 0; index < list.length; index += 1) {
      const bytes = list.at(index);
      if (bytes !== null) digest.merge(readDigest(bytes));
    }
    return digest.encode();
  }),
  strictFunction('mr_percentile_quantile', ['BLOB', 'DOUBLE'], 'DOUBLE', (bytes, fraction) =>
    readDigest(bytes).quantile(fraction),
  ),
];
