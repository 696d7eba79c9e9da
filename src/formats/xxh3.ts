// XXH3, 64 and 128 bits, with a seed and the default secret, in BigInt: exact rather than quick (about
// 100,000 short texts a second). SOURCE: the xxHash specification of Yann Collet (BSD), XXH3.

const MASK = 0xffff_ffff_ffff_ffffn;
const PRIME32_1 = 0x9e3779b1n;
const PRIME32_2 = 0x85ebca77n;
const PRIME32_3 = 0xc2b2ae3dn;
const PRIME64_1 = 0x9e3779b185ebca87n;
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn;
const PRIME64_3 = 0x165667b19e3779f9n;
const PRIME64_4 = 0x85ebca77c2b2ae63n;
const PRIME64_5 = 0x27d4eb2f165667c5n;
const PRIME_MX1 = 0x165667919e3779f9n;
const PRIME_MX2 = 0x9fb21c651e98df25n;

const SECRET = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8' +
    'fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb17' +
    '0ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
);
const SECRET_MIN_BYTES = 136;
const STRIPE_BYTES = 64;
/** How far the secret moves from stripe to stripe. */
const SECRET_STEP_BYTES = 8;
const LANES = 8;

export interface Hash128 {
  readonly low: bigint;
  readonly high: bigint;
}

const u32 = (bytes: Buffer, at: number): bigint => BigInt(bytes.readUInt32LE(at));
const u64 = (bytes: Buffer, at: number): bigint => bytes.readBigUInt64LE(at);
const add = (a: bigint, b: bigint): bigint => (a + b) & MASK;
const sub = (a: bigint, b: bigint): bigint => (a - b) & MASK;
const mul = (a: bigint, b: bigint): bigint => (a * b) & MASK;
const xorShift = (value: bigint, bits: bigint): bigint => value ^ (value >> bits);
const rotate = (value: bigint, bits: bigint): bigint =>
  ((value << bits) | (value >> (64n - bits))) & MASK;

function swap64(value: bigint): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readBigUInt64BE();
}

function swap32(value: bigint): bigint {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(Number(value));
  return BigInt(bytes.readUInt32BE());
}

/** The two halves of a 128-bit product, folded into one. */
function fold(a: bigint, b: bigint): bigint {
  const product = a * b;
  return (product & MASK) ^ (product >> 64n);
}

function avalanche(hash: bigint): bigint {
  return xorShift(mul(xorShift(hash, 37n), PRIME_MX1), 32n);
}

function avalanche64(hash: bigint): bigint {
  const first = mul(xorShift(hash, 33n), PRIME64_2);
  return xorShift(mul(xorShift(first, 29n), PRIME64_3), 32n);
}

/** 64-bit hash, 0 to 2^64-1. `seed` may be an earlier hash, to chain several values. */
export function xxh3(bytes: Uint8Array, seed: bigint): bigint {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.length <= 16) return short64(data, seed);
  if (data.length <= 128) return avalanche(pairs(data, seed, mul(BigInt(data.length), PRIME64_1)));
  if (data.length <= 240) return avalanche(middle64(data, seed));
  const secret = secretOf(seed);
  return merge(accumulate(data, secret), secret, 11, mul(BigInt(data.length), PRIME64_1));
}

function short64(data: Buffer, seed: bigint): bigint {
  const length = data.length;
  const size = BigInt(length);
  if (length > 8) {
    const flipLow = add(u64(SECRET, 24) ^ u64(SECRET, 32), seed);
    const flipHigh = sub(u64(SECRET, 40) ^ u64(SECRET, 48), seed);
    const low = u64(data, 0) ^ flipLow;
    const high = u64(data, length - 8) ^ flipHigh;
    return avalanche(add(add(add(size, swap64(low)), high), fold(low, high)));
  }
  if (length >= 4) {
    const mixed = seed ^ (swap32(seed & 0xffff_ffffn) << 32n);
    const flip = sub(u64(SECRET, 8) ^ u64(SECRET, 16), mixed);
    const keyed = add(u32(data, length - 4), u32(data, 0) << 32n) ^ flip;
    const spread = mul(keyed ^ rotate(keyed, 49n) ^ rotate(keyed, 24n), PRIME_MX2);
    return xorShift(mul(spread ^ add(spread >> 35n, size), PRIME_MX2), 28n);
  }
  if (length > 0) {
    const flip = add(u32(SECRET, 0) ^ u32(SECRET, 4), seed);
    return avalanche64(tiny(data) ^ flip);
  }
  return avalanche64(seed ^ u64(SECRET, 56) ^ u64(SECRET, 64));
}

/** One to three bytes and their number as one word. */
function tiny(data: Buffer): bigint {
  const length = data.length;
  const [first, middle, last] = [data[0] ?? 0, data[length >> 1] ?? 0, data[length - 1] ?? 0];
  return BigInt(((first << 16) | (middle << 24) | last | (length << 8)) >>> 0);
}

function mix16(data: Buffer, at: number, secretAt: number, seed: bigint): bigint {
  const low = u64(data, at) ^ add(u64(SECRET, secretAt), seed);
  const high = u64(data, at + 8) ^ sub(u64(SECRET, secretAt + 8), seed);
  return fold(low, high);
}

/** 17 to 128 bytes: from both ends to the middle. */
function pairs(data: Buffer, seed: bigint, start: bigint): bigint {
  let hash = start;
  const rounds = (data.length - 1) >> 5;
  for (let i = rounds; i >= 0; i -= 1) {
    hash = add(hash, mix16(data, 16 * i, 32 * i, seed));
    hash = add(hash, mix16(data, data.length - 16 * (i + 1), 32 * i + 16, seed));
  }
  return hash;
}

function middle64(data: Buffer, seed: bigint): bigint {
  let hash = mul(BigInt(data.length), PRIME64_1);
  for (let i = 0; i < 8; i += 1) hash = add(hash, mix16(data, 16 * i, 16 * i, seed));
  hash = avalanche(hash);
  for (let i = 8; i < data.length >> 4; i += 1) {
    hash = add(hash, mix16(data, 16 * i, 16 * (i - 8) + 3, seed));
  }
  return add(hash, mix16(data, data.length - 16, SECRET_MIN_BYTES - 17, seed));
}

/** The default secret moved by a seed, for more than 240 bytes. */
function secretOf(seed: bigint): Buffer {
  if (seed === 0n) return SECRET;
  const secret = Buffer.alloc(SECRET.length);
  for (let at = 0; at < SECRET.length; at += 16) {
    secret.writeBigUInt64LE(add(u64(SECRET, at), seed), at);
    secret.writeBigUInt64LE(sub(u64(SECRET, at + 8), seed), at + 8);
  }
  return secret;
}

function accumulate(data: Buffer, secret: Buffer): bigint[] {
  const lanes = [
    PRIME32_3,
    PRIME64_1,
    PRIME64_2,
    PRIME64_3,
    PRIME64_4,
    PRIME32_2,
    PRIME64_5,
    PRIME32_1,
  ];
  const perBlock = (secret.length - STRIPE_BYTES) / SECRET_STEP_BYTES;
  const stripes = Math.floor((data.length - 1) / STRIPE_BYTES);
  for (let i = 0; i < stripes; i += 1) {
    stripe(lanes, data, i * STRIPE_BYTES, secret, (i % perBlock) * SECRET_STEP_BYTES);
    if (i % perBlock === perBlock - 1) scramble(lanes, secret);
  }
  stripe(lanes, data, data.length - STRIPE_BYTES, secret, secret.length - STRIPE_BYTES - 7);
  return lanes;
}

function stripe(lanes: bigint[], data: Buffer, at: number, secret: Buffer, secretAt: number): void {
  for (let i = 0; i < LANES; i += 1) {
    const value = u64(data, at + 8 * i);
    const keyed = value ^ u64(secret, secretAt + 8 * i);
    lanes[i ^ 1] = add(lanes[i ^ 1] ?? 0n, value);
    lanes[i] = add(lanes[i] ?? 0n, (keyed & 0xffff_ffffn) * (keyed >> 32n));
  }
}

function scramble(lanes: bigint[], secret: Buffer): void {
  for (let i = 0; i < LANES; i += 1) {
    const key = u64(secret, secret.length - STRIPE_BYTES + 8 * i);
    lanes[i] = mul(xorShift(lanes[i] ?? 0n, 47n) ^ key, PRIME32_1);
  }
}

function merge(lanes: readonly bigint[], secret: Buffer, at: number, start: bigint): bigint {
  let hash = start;
  for (let i = 0; i < 4; i += 1) {
    const low = (lanes[2 * i] ?? 0n) ^ u64(secret, at + 16 * i);
    const high = (lanes[2 * i + 1] ?? 0n) ^ u64(secret, at + 16 * i + 8);
    hash = add(hash, fold(low, high));
  }
  return avalanche(hash);
}

/** 128-bit hash as two halves, each 0 to 2^64-1. */
export function xxh3Wide(bytes: Uint8Array, seed: bigint): Hash128 {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.length <= 16) return short128(data, seed);
  if (data.length <= 240) return middle128(data, seed);
  const secret = secretOf(seed);
  const lanes = accumulate(data, secret);
  const size = BigInt(data.length);
  return {
    low: merge(lanes, secret, 11, mul(size, PRIME64_1)),
    high: merge(lanes, secret, secret.length - 64 - 11, ~mul(size, PRIME64_2) & MASK),
  };
}

function short128(data: Buffer, seed: bigint): Hash128 {
  if (data.length > 8) return upTo16(data, seed);
  if (data.length >= 4) return upTo8(data, seed);
  if (data.length > 0) {
    const word = tiny(data);
    const swapped = swap32(word);
    const turned = ((swapped << 13n) | (swapped >> 19n)) & 0xffff_ffffn;
    return {
      low: avalanche64(word ^ add(u32(SECRET, 0) ^ u32(SECRET, 4), seed)),
      high: avalanche64(turned ^ sub(u32(SECRET, 8) ^ u32(SECRET, 12), seed)),
    };
  }
  return {
    low: avalanche64(seed ^ u64(SECRET, 64) ^ u64(SECRET, 72)),
    high: avalanche64(seed ^ u64(SECRET, 80) ^ u64(SECRET, 88)),
  };
}

function upTo8(data: Buffer, seed: bigint): Hash128 {
  const size = BigInt(data.length);
  const mixed = seed ^ (swap32(seed & 0xffff_ffffn) << 32n);
  const flip = add(u64(SECRET, 16) ^ u64(SECRET, 24), mixed);
  const keyed = (u32(data, 0) + (u32(data, data.length - 4) << 32n)) ^ flip;
  const product = keyed * add(PRIME64_1, size << 2n);
  let low = product & MASK;
  let high = add(product >> 64n, (low << 1n) & MASK);
  low ^= high >> 3n;
  low = xorShift(mul(xorShift(low, 35n), PRIME_MX2), 28n);
  high = avalanche(high);
  return { low, high };
}

function upTo16(data: Buffer, seed: bigint): Hash128 {
  const flipLow = sub(u64(SECRET, 32) ^ u64(SECRET, 40), seed);
  const flipHigh = add(u64(SECRET, 48) ^ u64(SECRET, 56), seed);
  const first = u64(data, 0);
  const last = u64(data, data.length - 8);
  const product = (first ^ last ^ flipLow) * PRIME64_1;
  const low = add(product & MASK, BigInt(data.length - 1) << 54n);
  const keyed = last ^ flipHigh;
  const high = add(add(product >> 64n, keyed), mul(keyed & 0xffff_ffffn, PRIME32_2 - 1n));
  const mixed = (low ^ swap64(high)) * PRIME64_2;
  const top = add(mixed >> 64n, mul(high, PRIME64_2));
  return { low: avalanche(mixed & MASK), high: avalanche(top) };
}

interface Halves {
  low: bigint;
  high: bigint;
}

function mix32(hash: Halves, data: Buffer, at: number, other: number, key: number, seed: bigint) {
  hash.low = add(hash.low, mix16(data, at, key, seed));
  hash.low ^= add(u64(data, other), u64(data, other + 8));
  hash.high = add(hash.high, mix16(data, other, key + 16, seed));
  hash.high ^= add(u64(data, at), u64(data, at + 8));
}

function middle128(data: Buffer, seed: bigint): Hash128 {
  const length = data.length;
  const size = BigInt(length);
  const hash: Halves = { low: mul(size, PRIME64_1), high: 0n };
  if (length <= 128) {
    for (let i = (length - 1) >> 5; i >= 0; i -= 1) {
      mix32(hash, data, 16 * i, length - 16 * (i + 1), 32 * i, seed);
    }
  } else {
    for (let at = 32; at < 160; at += 32) mix32(hash, data, at - 32, at - 16, at - 32, seed);
    hash.low = avalanche(hash.low);
    hash.high = avalanche(hash.high);
    for (let at = 160; at <= length; at += 32)
      mix32(hash, data, at - 32, at - 16, 3 + at - 160, seed);
    mix32(hash, data, length - 16, length - 32, SECRET_MIN_BYTES - 17 - 16, sub(0n, seed));
  }
  const spread = add(
    add(mul(hash.low, PRIME64_1), mul(hash.high, PRIME64_4)),
    mul(sub(size, seed), PRIME64_2),
  );
  return {
    low: avalanche(add(hash.low, hash.high)),
    high: sub(0n, avalanche(spread)),
  };
}
