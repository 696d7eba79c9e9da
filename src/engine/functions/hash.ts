// Hashes that DuckDB has not got.
import { MURMUR3_SEED, murmur3 } from '../../formats/murmur.ts';
import { type JsFunction, strictFunction } from './define.ts';

export const HASH_FUNCTIONS: readonly JsFunction[] = [
  // Several values: each hash is the next one's seed.
  strictFunction('mr_murmur_hash3_32', ['BLOB[]'], 'INTEGER', (values) => {
    let hash = MURMUR3_SEED;
    for (let index = 0; index < values.length; index += 1) {
      const value = values.at(index);
      if (value === null) return null;
      hash = murmur3(value, hash);
    }
    return hash;
  }),
];
