// bzip2 bodies: streams one after the other, each of blocks with a checksum and one checksum over all. A block is
// decoded when as many bytes are there as the longest can have, which keeps the decoder plain.
// SOURCE: as in bzip2-block.ts.
import { BitReader } from './bit-reader.ts';
import type { BodyReader } from './body-reader.ts';
import { type Block, BlockDecoder } from './bzip2-block.ts';
import { corrupt } from './expand-failure.ts';

const HEAD = 'BZh';
/** Halves of the magic numbers in front of a block and of a stream's end: digits of pi and of its root. */
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;
const PIECE_BYTES = 256 * 1024;
const INPUT_BYTES = 256 * 1024;
/** Of a block's codes and selectors. */
const TABLE_BYTES = 64 * 1024;
/** Equal bytes that are followed by a count of further ones. */
const RUN_BYTES = 4;

export async function* expandBzip2Body(body: BodyReader): AsyncGenerator<Buffer> {
  const input = new BlockInput(body);
  let isFirst = true;
  while (isFirst || (await body.hasMore()) || !input.isEmpty) {
    isFirst = false;
    yield* expandStream(input);
  }
}

/** The bytes that a block may need, and where the next bit lies in them. */
class BlockInput {
  readonly bits = new BitReader();
  readonly #body: BodyReader;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(body: BodyReader) {
    this.#body = body;
  }

  get isEmpty(): boolean {
    return this.bits.bitAt >= this.#length * 8;
  }

  /** Sees to `wantedBytes`, or to all that there are. */
  async fill(wantedBytes: number): Promise<void> {
    const bitAt = this.bits.bitAt;
    const usedBytes = Math.min(bitAt >> 3, this.#length);
    if (this.#bytes.length < wantedBytes + INPUT_BYTES) {
      const larger = Buffer.allocUnsafe(wantedBytes + INPUT_BYTES);
      this.#bytes.copy(larger, 0, usedBytes, this.#length);
      this.#bytes = larger;
    } else this.#bytes.copyWithin(0, usedBytes, this.#length);
    this.#length -= usedBytes;
    while (this.#length < wantedBytes && (await this.#body.hasMore()))
      this.#length += this.#body.some(INPUT_BYTES).copy(this.#bytes, this.#length);
    this.bits.open(this.#bytes.subarray(0, this.#length), bitAt - usedBytes * 8);
  }

  /** Throws COMPRESSED_DATA_CORRUPT where bits were read that there are not. */
  check(what: string): void {
    if (this.bits.isOver) throw corrupt('bzip2', `it ends within ${what}`);
  }

  toByte(): void {
    this.bits.drop(-this.bits.bitAt & 7);
  }
}

async function* expandStream(input: BlockInput): AsyncGenerator<Buffer> {
  const { bits } = input;
  await input.fill(4);
  const head = String.fromCharCode(bits.read(8), bits.read(8), bits.read(8));
  const level = bits.read(8) - 0x30;
  input.check("a stream's head");
  if (head !== HEAD || level < 1 || level > 9)
    throw corrupt('bzip2', 'a stream does not begin with BZh and a level');
  const decoder = new BlockDecoder(level);
  const blockBytes = level * 250_000 + TABLE_BYTES;
  let sum = 0;
  for (;;) {
    await input.fill(blockBytes);
    const magic = [bits.read(24), bits.read(24)];
    if (magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]) {
      const expected = bits.read(16) * 65_536 + bits.read(16);
      input.check("a stream's end");
      if (expected !== sum >>> 0) throw corrupt('bzip2', 'the checksum of a stream is wrong');
      input.toByte();
      return;
    }
    input.check("a block's head");
    if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1])
      throw corrupt('bzip2', 'neither a block nor the end where one of them must be');
    const block = readBlock(input, decoder);
    yield* blockText(decoder.vector, block);
    sum = ((sum << 1) | (sum >>> 31)) ^ block.checksum;
  }
}

function readBlock(input: BlockInput, decoder: BlockDecoder): Block {
  try {
    return decoder.read(input.bits);
  } finally {
    // Bits that there are not make a block look damaged: that it is cut off says more.
    input.check('a block');
  }
}

/** Walks through the block and repeats its runs. The last piece comes after the checksum was found right. */
function* blockText(vector: Uint32Array, { count, origin, checksum }: Block): Generator<Buffer> {
  let piece = Buffer.allocUnsafe(PIECE_BYTES);
  let size = 0;
  let crc = -1;
  let at = (vector[origin] ?? 0) >>> 8;
  let last = -1;
  let run = 0;
  for (let index = 0; index < count; index += 1) {
    const entry = vector[at] ?? 0;
    at = entry >>> 8;
    let byte = entry & 255;
    let repeats = 1;
    if (run === RUN_BYTES) {
      repeats = byte;
      byte = last;
      run = 0;
      last = -1;
    } else if (byte === last) run += 1;
    else {
      run = 1;
      last = byte;
    }
    for (; repeats > 0; repeats -= 1) {
      piece[size] = byte;
      size += 1;
      crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ byte] ?? 0);
      if (size === PIECE_BYTES) {
        yield piece;
        piece = Buffer.allocUnsafe(PIECE_BYTES);
        size = 0;
      }
    }
  }
  if (~crc >>> 0 !== checksum) throw corrupt('bzip2', 'the checksum of a block is wrong');
  if (size > 0) yield piece.subarray(0, size);
}

/** CRC-32 of polynomial 0x04c11db7 with the highest bit first: not the one of zlib. */
const CRC_TABLE: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});
