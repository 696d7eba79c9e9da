// Murmur hashes as StarRocks uses them: 32-bit Murmur3 (murmur_hash3_32, bitmap_hash) and 64-bit Murmur2
// (hll_hash). SOURCE: Austin Appleby's MurmurHash3_x86_32 and MurmurHash64A, public domain.

/** Seed of StarRocks' murmur_hash3_32 and bitmap_hash. SOURCE: its documented answers for 'hello'. */
export const MURMUR3_SEED = 104_729;
/** Seed of StarRocks' HLL hash. */
export const MURMUR64_SEED = 0xadc83b19n;

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
const MASK64 = 0xffff_ffff_ffff_ffffn;
const M64 = 0xc6a4a7935bd1e995n;

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mixWord(word: number): number {
  return Math.imul(rotateLeft(Math.imul(word, C1), 15), C2);
}

/** 32-bit hash as a signed number; `seed` may be an earlier hash, to chain several values. */
export function murmur3(bytes: Uint8Array, seed: number): number {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = view.length & ~3;
  let hash = seed | 0;
  for (let at = 0; at < whole; at += 4) {
    hash = rotateLeft(hash ^ mixWord(view.readInt32LE(at)), 13);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  const rest = view.length - whole;
  if (rest > 0) hash ^= mixWord(view.readUIntLE(whole, rest));
  hash ^= view.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** 64-bit hash, 0 to 2^64-1. */
export function murmur64(bytes: Uint8Array, seed: bigint): bigint {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = view.length & ~7;
  let hash = seed ^ ((BigInt(view.length) * M64) & MASK64);
  for (let at = 0; at < whole; at += 8) {
    let word = (view.readBigUInt64LE(at) * M64) & MASK64;
    word = ((word ^ (word >> 47n)) * M64) & MASK64;
    hash = ((hash ^ word) * M64) & MASK64;
  }
  if (view.length > whole) {
    let tail = 0n;
    for (let at = view.length - 1; at >= whole; at -= 1)
      tail = (tail << 8n) | BigInt(view.readUInt8(at));
    hash = ((hash ^ tail) * M64) & MASK64;
  }
  hash = ((hash ^ (hash >> 47n)) * M64) & MASK64;
  return hash ^ (hash >> 47n);
}
