// zstd bodies: frames one after the other, of which some are to be passed over. The frames are walked here, block by
// block, and each goes to a decoder of its own: node:zlib's stops after the first one.
// SOURCE: RFC 8878, 3.1.
import { constants, createZstdDecompress } from 'node:zlib';
import type { BodyReader } from './body-reader.ts';
import { corrupt } from './expand-failure.ts';
import { PIECE_BYTES, ZlibPump } from './zlib-pump.ts';

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const SKIPPABLE_MASK = 0xfffffff0;
/** Largest window a frame may ask for, 2^27 = 128 MiB: the default of the zstd tool. */
const WINDOW_LOG_MAX = 27;
const DICTIONARY_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK = { RAW: 0, SAME_BYTE: 1, COMPRESSED: 2 } as const;

export async function* expandZstdBody(reader: BodyReader): AsyncGenerator<Buffer> {
  let isFirst = true;
  while (isFirst || (await reader.hasMore())) {
    isFirst = false;
    const start = reader.readBytes;
    const magic = await reader.take(4, "a frame's head");
    const value = magic.readUInt32LE(0);
    if ((value & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      const length = await reader.take(4, 'a frame to be passed over');
      await reader.skip(length.readUInt32LE(0), 'a frame to be passed over');
    } else if (value === FRAME_MAGIC) yield* expandFrame(reader, magic);
    else throw corrupt('zstd', `byte ${start} does not begin a zstd frame`);
  }
}

async function* expandFrame(reader: BodyReader, magic: Buffer): AsyncGenerator<Buffer> {
  const stream = createZstdDecompress({
    chunkSize: PIECE_BYTES,
    params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
  });
  const pump = new ZlibPump('zstd', stream);
  try {
    const flags = await reader.take(1, "a frame's head");
    const descriptor = flags.readUInt8(0);
    const isSingle = (descriptor & 0x20) !== 0;
    const sizeCode = descriptor >> 6;
    const headBytes =
      (isSingle ? 0 : 1) +
      (DICTIONARY_BYTES[descriptor & 3] ?? 0) +
      (isSingle && sizeCode === 0 ? 1 : (CONTENT_SIZE_BYTES[sizeCode] ?? 0));
    const rest = await reader.take(headBytes, "a frame's head");
    yield* pump.expand(Buffer.concat([magic, flags, rest]));
    for (let isLast = false; !isLast; ) {
      const head = await reader.take(3, "a block's head");
      const word = head.readUIntLE(0, 3);
      isLast = (word & 1) === 1;
      const block = await reader.take(blockBytes(word), 'a block');
      yield* pump.expand(Buffer.concat([head, block]));
    }
    if ((descriptor & 4) !== 0) yield* pump.expand(await reader.take(4, "a frame's checksum"));
    yield* pump.finish();
  } finally {
    pump.close();
  }
}

function blockBytes(word: number): number {
  const size = word >> 3;
  switch ((word >> 1) & 3) {
    case BLOCK.SAME_BYTE:
      return 1;
    case BLOCK.RAW:
    case BLOCK.COMPRESSED:
      if (size <= MAX_BLOCK_BYTES) return size;
      throw corrupt('zstd', `a block of ${size} bytes`);
    default:
      throw corrupt('zstd', 'a block of an unknown kind');
  }
}
