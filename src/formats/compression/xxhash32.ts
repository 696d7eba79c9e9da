// XXH32 of bytes that come in pieces: the checksums of LZ4 frames. SOURCE: Yann Collet's xxHash specification 0.2.0.

const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;
const STRIPE_BYTES = 16;

/** With seed 0. */
export class XxHash32 {
  readonly #tail = Buffer.alloc(STRIPE_BYTES);
  #tailBytes = 0;
  #totalBytes = 0;
  #a = (PRIME_1 + PRIME_2) | 0;
  #b = PRIME_2 | 0;
  #c = 0;
  #d = -PRIME_1 | 0;

  /** Adds `bytes[from, end)`. */
  add(bytes: Buffer, from = 0, end = bytes.length): this {
    this.#totalBytes += end - from;
    let at = from;
    if (this.#tailBytes > 0) {
      const wanted = Math.min(STRIPE_BYTES - this.#tailBytes, end - at);
      bytes.copy(this.#tail, this.#tailBytes, at, at + wanted);
      this.#tailBytes += wanted;
      at += wanted;
      if (this.#tailBytes < STRIPE_BYTES) return this;
      this.#stripes(this.#tail, 0, STRIPE_BYTES);
      this.#tailBytes = 0;
    }
    const whole = end - ((end - at) % STRIPE_BYTES);
    this.#stripes(bytes, at, whole);
    this.#tailBytes = bytes.copy(this.#tail, 0, whole, end);
    return this;
  }

  #stripes(bytes: Buffer, from: number, end: number): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    for (let at = from; at < end; at += STRIPE_BYTES) {
      a = round(a, word(bytes, at));
      b = round(b, word(bytes, at + 4));
      c = round(c, word(bytes, at + 8));
      d = round(d, word(bytes, at + 12));
    }
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  /** Of what was added, 0 to 2^32-1. */
  value(): number {
    let hash =
      this.#totalBytes >= STRIPE_BYTES
        ? rotate(this.#a, 1) + rotate(this.#b, 7) + rotate(this.#c, 12) + rotate(this.#d, 18)
        : PRIME_5;
    hash = (hash + this.#totalBytes) | 0;
    let at = 0;
    for (; at + 4 <= this.#tailBytes; at += 4)
      hash = Math.imul(rotate((hash + Math.imul(word(this.#tail, at), PRIME_3)) | 0, 17), PRIME_4);
    for (; at < this.#tailBytes; at += 1)
      hash = Math.imul(rotate((hash + Math.imul(this.#tail[at] ?? 0, PRIME_5)) | 0, 11), PRIME_1);
    hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
    hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}

function word(bytes: Buffer, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function round(sum: number, input: number): number {
  return Math.imul(rotate((sum + Math.imul(input, PRIME_2)) | 0, 13), PRIME_1);
}
