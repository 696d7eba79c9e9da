// XXH3, the 64-bit form with seed 0: bitmap_hash64 in StarRocks. SOURCE: Yann Collet's xxHash specification
// of XXH3; checked against the python package xxhash over every branch.

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f' +
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e' +
    '2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);
const MASK = 0xffff_ffff_ffff_ffffn;
const LOW = 0xffff_ffffn;
const PRIME32 = [0x9e3779b1n, 0x85ebca77n, 0xc2b2ae3dn] as const;
const PRIME64 = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const STRIPE_BYTES = 64;
const BLOCK_STRIPES = 16;
const LAST_STRIPE_SECRET = 192 - STRIPE_BYTES;

/** 0 to 2^64-1. */
export function xxhash3(bytes: Uint8Array): bigint {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { length } = input;
  if (length <= 16) return hashShort(input);
  if (length > 240) return hashLong(input);
  const size = BigInt(length);
  let sum = (size * PRIME64[0]) & MASK;
  if (length <= 128) {
    const pairs = Math.ceil(length / 32);
    for (let i = pairs - 1; i >= 0; i -= 1) {
      sum += mix(input, 16 * i, 32 * i) + mix(input, length - 16 * (i + 1), 32 * i + 16);
    }
    return avalanche(sum & MASK);
  }
  for (let i = 0; i < 8; i += 1) sum += mix(input, 16 * i, 16 * i);
  sum = avalanche(sum & MASK);
  for (let i = 8; i < Math.floor(length / 16); i += 1) {
    sum += mix(input, 16 * i, 16 * (i - 8) + 3);
  }
  return avalanche((sum + mix(input, length - 16, 136 - 17)) & MASK);
}

function secret(at: number): bigint {
  return SECRET.readBigUInt64LE(at);
}

function fold(a: bigint, b: bigint): bigint {
  const product = a * b;
  return (product & MASK) ^ (product >> 64n);
}

function mix(input: Buffer, at: number, secretAt: number): bigint {
  return fold(
    input.readBigUInt64LE(at) ^ secret(secretAt),
    input.readBigUInt64LE(at + 8) ^ secret(secretAt + 8),
  );
}

function avalanche(hash: bigint): bigint {
  let h = hash ^ (hash >> 37n);
  h = (h * 0x165667919e3779f9n) & MASK;
  return h ^ (h >> 32n);
}

function avalanche64(hash: bigint): bigint {
  let h = ((hash ^ (hash >> 33n)) * PRIME64[1]) & MASK;
  h = ((h ^ (h >> 29n)) * PRIME64[2]) & MASK;
  return h ^ (h >> 32n);
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK;
}

function swap(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

function hashShort(input: Buffer): bigint {
  const { length } = input;
  const size = BigInt(length);
  if (length === 0) return avalanche64(secret(56) ^ secret(64));
  if (length <= 3) {
    const first = input.readUInt8(0);
    const middle = input.readUInt8(length >> 1);
    const combined =
      ((first << 16) | (middle << 24) | input.readUInt8(length - 1) | (length << 8)) >>> 0;
    return avalanche64(
      BigInt(combined) ^ BigInt((SECRET.readInt32LE(0) ^ SECRET.readInt32LE(4)) >>> 0),
    );
  }
  if (length <= 8) {
    const joined = BigInt(input.readUInt32LE(length - 4)) + (BigInt(input.readUInt32LE(0)) << 32n);
    let h = joined ^ secret(8) ^ secret(16);
    h ^= rotate(h, 49n) ^ rotate(h, 24n);
    h = (h * 0x9fb21c651e98df25n) & MASK;
    h ^= (h >> 35n) + size;
    h = (h * 0x9fb21c651e98df25n) & MASK;
    return h ^ (h >> 28n);
  }
  const low = input.readBigUInt64LE(0) ^ secret(24) ^ secret(32);
  const high = input.readBigUInt64LE(length - 8) ^ secret(40) ^ secret(48);
  return avalanche((size + swap(low) + high + fold(low, high)) & MASK);
}

function hashLong(input: Buffer): bigint {
  const sums = [
    PRIME32[2],
    PRIME64[0],
    PRIME64[1],
    PRIME64[2],
    PRIME64[3],
    PRIME32[1],
    PRIME64[4],
    PRIME32[0],
  ];
  // The last stripe is read from the end, whatever the length.
  const stripes = Math.floor((input.length - 1) / STRIPE_BYTES);
  for (let stripe = 0; stripe < stripes; stripe += 1) {
    const inBlock = stripe % BLOCK_STRIPES;
    accumulate(sums, input, stripe * STRIPE_BYTES, inBlock * 8);
    if (inBlock === BLOCK_STRIPES - 1) scramble(sums);
  }
  accumulate(sums, input, input.length - STRIPE_BYTES, LAST_STRIPE_SECRET - 7);
  let result = (BigInt(input.length) * PRIME64[0]) & MASK;
  for (let i = 0; i < 8; i += 2) {
    const [a = 0n, b = 0n] = [sums[i], sums[i + 1]];
    result += fold(a ^ secret(11 + 8 * i), b ^ secret(19 + 8 * i));
  }
  return avalanche(result & MASK);
}

function accumulate(sums: bigint[], input: Buffer, at: number, secretAt: number): void {
  for (let i = 0; i < 8; i += 1) {
    const value = input.readBigUInt64LE(at + 8 * i);
    const key = value ^ secret(secretAt + 8 * i);
    sums[i ^ 1] = ((sums[i ^ 1] ?? 0n) + value) & MASK;
    sums[i] = ((sums[i] ?? 0n) + (key & LOW) * (key >> 32n)) & MASK;
  }
}

function scramble(sums: bigint[]): void {
  for (const [i, sum] of sums.entries()) {
    const mixed = sum ^ (sum >> 47n) ^ secret(LAST_STRIPE_SECRET + 8 * i);
    sums[i] = (mixed * PRIME32[0]) & MASK;
  }
}
