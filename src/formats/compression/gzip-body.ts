// gzip bodies: members one after the other, each with its checksum and length. The members' frames are read here and
// only what is deflated goes to zlib: node:zlib's own reader takes a cut-off second member for padding.
// SOURCE: RFC 1952.
import { constants, crc32, createInflateRaw } from 'node:zlib';
import type { BodyReader } from './body-reader.ts';
import { corrupt } from './expand-failure.ts';
import { PIECE_BYTES, ZlibPump } from './zlib-pump.ts';

const MAGIC = 0x8b1f;
const METHOD_DEFLATE = 8;
const FLAG = { HEADER_CRC: 0x02, EXTRA: 0x04, NAME: 0x08, COMMENT: 0x10, RESERVED: 0xe0 } as const;
const HEADER_BYTES = 10;
/** Most bytes of a member's name or comment. */
const MAX_TEXT_BYTES = 64 * 1024;
const INPUT_BYTES = 64 * 1024;

export async function* expandGzipBody(reader: BodyReader): AsyncGenerator<Buffer> {
  let isFirst = true;
  while (isFirst || (await reader.hasMore())) {
    if (!isFirst && (await isPadding(reader))) return;
    isFirst = false;
    await readHeader(reader);
    yield* expandMember(reader);
  }
}

/** Zeros up to the end, as on tapes. */
async function isPadding(reader: BodyReader): Promise<boolean> {
  const [first] = reader.some(1);
  reader.unread(1);
  if (first !== 0) return false;
  while (await reader.hasMore()) {
    const bytes = reader.some(INPUT_BYTES);
    if (bytes.some((byte) => byte !== 0)) throw corrupt('gzip', 'something follows its end');
  }
  return true;
}

async function readHeader(reader: BodyReader): Promise<void> {
  const header = await reader.take(HEADER_BYTES, "a member's header");
  if (header.readUInt16LE(0) !== MAGIC)
    throw corrupt('gzip', `byte ${reader.readBytes - HEADER_BYTES} does not begin a gzip member`);
  const flags = header.readUInt8(3);
  if (header.readUInt8(2) !== METHOD_DEFLATE || (flags & FLAG.RESERVED) !== 0)
    throw corrupt('gzip', 'a member uses what gzip does not know');
  if ((flags & FLAG.EXTRA) !== 0) {
    const length = await reader.take(2, "a member's header");
    await reader.skip(length.readUInt16LE(0), "a member's header");
  }
  if ((flags & FLAG.NAME) !== 0) await skipText(reader);
  if ((flags & FLAG.COMMENT) !== 0) await skipText(reader);
  if ((flags & FLAG.HEADER_CRC) !== 0) await reader.skip(2, "a member's header");
}

async function skipText(reader: BodyReader): Promise<void> {
  for (let count = 0; count < MAX_TEXT_BYTES; count += 1) {
    const [byte] = await reader.take(1, "a member's name");
    if (byte === 0) return;
  }
  throw corrupt('gzip', 'the name of a member has no end');
}

async function* expandMember(reader: BodyReader): AsyncGenerator<Buffer> {
  const stream = createInflateRaw({
    chunkSize: PIECE_BYTES,
    windowBits: constants.Z_MAX_WINDOWBITS,
  });
  const pump = new ZlibPump('gzip', stream);
  let checksum = 0;
  let size = 0;
  let givenBytes = 0;
  try {
    // What zlib leaves unused is behind the end of what was deflated.
    while (givenBytes === pump.usedBytes) {
      if (!(await reader.hasMore())) throw corrupt('gzip', 'it ends within a member');
      const input = reader.some(INPUT_BYTES);
      givenBytes += input.length;
      for await (const piece of pump.expand(input)) {
        checksum = crc32(piece, checksum);
        size += piece.length;
        yield piece;
      }
    }
    reader.unread(givenBytes - pump.usedBytes);
  } finally {
    pump.close();
  }
  const trailer = await reader.take(8, "a member's checksum");
  if (trailer.readUInt32LE(0) !== checksum || trailer.readUInt32LE(4) !== size % 2 ** 32)
    throw corrupt('gzip', 'the checksum of a member is wrong');
}
