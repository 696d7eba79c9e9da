// Hashes that DuckDB has not got.
import { crc32 } from 'node:zlib';
import { MURMUR3_SEED, murmur3 } from '../../formats/murmur.ts';
import { xxh3, xxh3Wide } from '../../formats/xxh3.ts';
import { type JsFunction, strictFunction } from './define.ts';
import type { ValueList } from './value-types.ts';

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
  strictFunction('mr_crc32', ['BLOB'], 'BIGINT', (bytes) => BigInt(crc32(bytes))),
  // Several values: each hash is the next one's seed. SOURCE: StarRocks' documented ('hello', 'world').
  strictFunction('mr_xx_hash3_64', ['BLOB[]'], 'BIGINT', (values) => {
    let hash = 0n;
    for (let index = 0; index < values.length; index += 1) {
      const value = values.at(index);
      if (value === null) return null;
      hash = xxh3(value, hash);
    }
    return BigInt.asIntN(64, hash);
  }),
  // Several values: hashed as one. A text of decimal digits, as there is no vector of 128 bits.
  strictFunction('mr_xx_hash3_128', ['BLOB[]'], 'VARCHAR', (values) => {
    const joined = joinedBytes(values);
    if (joined === null) return null;
    const { low, high } = xxh3Wide(joined, 0n);
    return String(BigInt.asIntN(128, (high << 64n) | low));
  }),
];

function joinedBytes(values: ValueList<Buffer>): Buffer | null {
  const parts: Buffer[] = [];
  for (let index = 0; index < values.length; index += 1) {
    const value = values.at(index);
    if (value === null) return null;
    parts.push(value);
  }
  return Buffer.concat(parts);
}
