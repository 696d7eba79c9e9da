// One block of bzip2: its bits -> the bytes that its Burrows-Wheeler transform was made of. Own code: the libraries
// in JavaScript that there are check no checksums, know one stream, or have not been kept for years.
// SOURCE: the format as bzip2 1.0.8 writes it (J. Seward), after Joe Tsai, "bzip2: Format Specification".
import type { BitReader } from './bit-reader.ts';
import { corrupt } from './expand-failure.ts';

const MAX_CODE_BITS = 20;
const MAX_GROUPS = 6;
const GROUP_SYMBOLS = 50;
const MAX_SELECTORS = 18_002;
const RUN_A = 0;
const RUN_B = 1;
/** Codes up to this length are looked up at once. */
const FAST_BITS = 10;

/** One Huffman code. */
interface Code {
  /** By the next FAST_BITS bits: symbol * 32 + length; 0 = the code is longer. */
  readonly fast: Uint16Array;
  /** Per length: largest code of it, left-aligned to MAX_CODE_BITS; -1 = none. */
  readonly limit: Int32Array;
  /** Per length: what to subtract from a code to get its place in `symbols`. */
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
  readonly minBits: number;
}

export interface Block {
  readonly checksum: number;
  /** Bytes in `vector`. */
  readonly count: number;
  /** Where the walk through `vector` begins. */
  readonly origin: number;
}

/** Room for a block of `level` * 100,000 bytes. */
export class BlockDecoder {
  readonly #maxBytes: number;
  /** After `read`: the low eight bits are a byte, the others the place of the next one. */
  readonly vector: Uint32Array;

  constructor(level: number) {
    this.#maxBytes = level * 100_000;
    this.vector = new Uint32Array(this.#maxBytes);
  }

  /** Behind the block's magic. Throws COMPRESSED_DATA_CORRUPT. */
  read(bits: BitReader): Block {
    const checksum = bits.read(16) * 65_536 + bits.read(16);
    if (bits.read(1) === 1) throw corrupt('bzip2', 'a block is randomised, as before bzip2 0.9.5');
    const origin = bits.read(24);
    const used = readUsed(bits);
    if (used.length === 0) throw corrupt('bzip2', 'a block uses no bytes');
    const groups = bits.read(3);
    if (groups < 2 || groups > MAX_GROUPS) throw corrupt('bzip2', `a block of ${groups} codes`);
    const selectors = readSelectors(bits, groups);
    const codes: Code[] = [];
    for (let group = 0; group < groups; group += 1)
      codes.push(makeCode(readLengths(bits, used.length + 2)));
    const count = this.#readSymbols(bits, used, selectors, codes);
    if (origin >= count) throw corrupt('bzip2', 'a block begins outside itself');
    this.#link(count);
    return { checksum, count, origin };
  }

  #readSymbols(
    bits: BitReader,
    used: Uint8Array,
    selectors: Uint8Array,
    codes: readonly Code[],
  ): number {
    const { vector } = this;
    const maxBytes = this.#maxBytes;
    const end = used.length + 1;
    const front = Uint8Array.from(used);
    let count = 0;
    let run = 0;
    let runUnit = 1;
    for (const selector of selectors) {
      const code = codes[selector];
      if (code === undefined) break;
      for (let index = 0; index < GROUP_SYMBOLS; index += 1) {
        const symbol = readSymbol(bits, code);
        if (symbol <= RUN_B) {
          run += symbol === RUN_A ? runUnit : 2 * runUnit;
          runUnit *= 2;
          if (run > maxBytes) throw corrupt('bzip2', 'a block is longer than it may be');
          continue;
        }
        if (run > 0) {
          if (count + run > maxBytes) throw corrupt('bzip2', 'a block is longer than it may be');
          vector.fill(front[0] ?? 0, count, count + run);
          count += run;
          run = 0;
          runUnit = 1;
        }
        if (symbol === end) return count;
        if (count === maxBytes) throw corrupt('bzip2', 'a block is longer than it may be');
        const place = symbol - 1;
        const byte = front[place] ?? 0;
        front.copyWithin(1, 0, place);
        front[0] = byte;
        vector[count] = byte;
        count += 1;
      }
    }
    throw corrupt('bzip2', 'a block has no end');
  }

  /** Writes into each byte's entry which one follows it. */
  #link(count: number): void {
    const { vector } = this;
    const places = new Uint32Array(256);
    for (let index = 0; index < count; index += 1) {
      const byte = vector[index] ?? 0;
      places[byte] = (places[byte] ?? 0) + 1;
    }
    let sum = 0;
    for (let byte = 0; byte < 256; byte += 1) {
      const own = places[byte] ?? 0;
      places[byte] = sum;
      sum += own;
    }
    for (let index = 0; index < count; index += 1) {
      const byte = (vector[index] ?? 0) & 255;
      const place = places[byte] ?? 0;
      places[byte] = place + 1;
      vector[place] = (vector[place] ?? 0) | (index << 8);
    }
  }
}

function readUsed(bits: BitReader): Uint8Array {
  const ranges = bits.read(16);
  const used: number[] = [];
  for (let range = 0; range < 16; range += 1) {
    if ((ranges & (0x8000 >> range)) === 0) continue;
    const inRange = bits.read(16);
    for (let index = 0; index < 16; index += 1)
      if ((inRange & (0x8000 >> index)) !== 0) used.push(range * 16 + index);
  }
  return Uint8Array.from(used);
}

/** Which code each group of symbols has. Encoders may write more than there is use for. */
function readSelectors(bits: BitReader, groups: number): Uint8Array {
  const count = bits.read(15);
  if (count === 0) throw corrupt('bzip2', 'a block has no symbols');
  const front = Uint8Array.from({ length: groups }, (_, index) => index);
  const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS));
  for (let index = 0; index < count; index += 1) {
    let place = 0;
    while (bits.read(1) === 1) {
      place += 1;
      if (place >= groups) throw corrupt('bzip2', 'a block names a code that it has not');
    }
    const selector = front[place] ?? 0;
    front.copyWithin(1, 0, place);
    front[0] = selector;
    if (index < MAX_SELECTORS) selectors[index] = selector;
  }
  return selectors;
}

function readLengths(bits: BitReader, symbols: number): Uint8Array {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol += 1) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw corrupt('bzip2', `a code of ${length} bits`);
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return lengths;
}

function makeCode(lengths: Uint8Array): Code {
  const limit = new Int32Array(MAX_CODE_BITS + 1).fill(-1);
  const base = new Int32Array(MAX_CODE_BITS + 1);
  const symbols = new Uint16Array(lengths.length);
  const fast = new Uint16Array(1 << FAST_BITS);
  let code = 0;
  let placed = 0;
  let minBits = 0;
  for (let bits = 1; bits <= MAX_CODE_BITS; bits += 1) {
    const first = placed;
    base[bits] = code - placed;
    for (let symbol = 0; symbol < lengths.length; symbol += 1) {
      if (lengths[symbol] !== bits) continue;
      symbols[placed] = symbol;
      placed += 1;
      if (bits <= FAST_BITS) {
        const from = code << (FAST_BITS - bits);
        fast.fill(symbol * 32 + bits, from, from + (1 << (FAST_BITS - bits)));
      }
      code += 1;
    }
    if (code > 1 << bits) throw corrupt('bzip2', 'a code has more symbols than room');
    if (placed > first) {
      if (minBits === 0) minBits = bits;
      limit[bits] = (code << (MAX_CODE_BITS - bits)) - 1;
    }
    code <<= 1;
  }
  return { fast, limit, base, symbols, minBits };
}

function readSymbol(bits: BitReader, { fast, limit, base, symbols, minBits }: Code): number {
  const ahead = bits.peek(MAX_CODE_BITS);
  const known = fast[ahead >> (MAX_CODE_BITS - FAST_BITS)] ?? 0;
  if (known !== 0) {
    bits.drop(known & 31);
    return known >> 5;
  }
  for (let length = minBits; length <= MAX_CODE_BITS; length += 1) {
    if (ahead > (limit[length] ?? -1)) continue;
    bits.drop(length);
    return symbols[(ahead >> (MAX_CODE_BITS - length)) - (base[length] ?? 0)] ?? 0;
  }
  throw corrupt('bzip2', 'bits that are no symbol');
}
