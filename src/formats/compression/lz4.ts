// LZ4 frames (Kafka's lz4, v2 batches). The library has no limit of its own, so the frame's blocks are
// measured first: by their declared largest size, and token by token only where that may be too much.
// SOURCE: LZ4 Frame Format Description 1.6.4 and LZ4 Block Format Description.
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { corrupt, tooLarge } from './expand-failure.ts';

const FRAME_MAGIC = 0x184d2204;
const FLAG = {
  VERSION_MASK: 0xc0,
  VERSION: 0x40,
  BLOCK_CHECKSUM: 0x10,
  CONTENT_SIZE: 0x08,
  CONTENT_CHECKSUM: 0x04,
  DICTIONARY: 0x01,
} as const;
const STORED_BLOCK = 0x80000000;

interface Frame {
  /** Where its blocks begin. */
  readonly blocksAt: number;
  readonly blockChecksumBytes: number;
  readonly contentChecksumBytes: number;
  readonly maxBlockBytes: number;
}

/** Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. */
export function expandLz4(data: Buffer, limitBytes: number): Buffer {
  const frame = readFrameHeader(data);
  const sizeBytes = measure(data, frame, limitBytes);
  if (sizeBytes > limitBytes) throw tooLarge('lz4', limitBytes);
  try {
    return decompressFrameSync(data);
  } catch (thrown) {
    throw corrupt('lz4', thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

function readFrameHeader(data: Buffer): Frame {
  if (data.length < 7 || data.readUInt32LE(0) !== FRAME_MAGIC)
    throw corrupt('lz4', 'it is no LZ4 frame');
  const flags = data.readUInt8(4);
  if ((flags & FLAG.VERSION_MASK) !== FLAG.VERSION) throw corrupt('lz4', 'unknown frame version');
  if ((flags & FLAG.DICTIONARY) !== 0) throw corrupt('lz4', 'it needs a dictionary');
  const sizeCode = (data.readUInt8(5) >> 4) & 7;
  if (sizeCode < 4) throw corrupt('lz4', `unknown block size ${sizeCode}`);
  return {
    blocksAt: 7 + ((flags & FLAG.CONTENT_SIZE) === 0 ? 0 : 8),
    blockChecksumBytes: (flags & FLAG.BLOCK_CHECKSUM) === 0 ? 0 : 4,
    contentChecksumBytes: (flags & FLAG.CONTENT_CHECKSUM) === 0 ? 0 : 4,
    maxBlockBytes: 1 << (8 + 2 * sizeCode),
  };
}

/** An upper bound of the expanded size, exact where the cheap bound passes the limit. */
function measure(data: Buffer, frame: Frame, limitBytes: number): number {
  const cheap = sumBlocks(data, frame, (_at, storedBytes) =>
    storedBytes === 0 ? frame.maxBlockBytes : storedBytes,
  );
  if (cheap <= limitBytes) return cheap;
  return sumBlocks(data, frame, (at, storedBytes, end) =>
    storedBytes === 0 ? blockBytes(data, at, end) : storedBytes,
  );
}

/** Adds up `sizeOf` over the blocks; `storedBytes` is 0 for a compressed block. Refuses bytes behind the frame. */
function sumBlocks(
  data: Buffer,
  frame: Frame,
  sizeOf: (at: number, storedBytes: number, end: number) => number,
): number {
  let total = 0;
  let at = frame.blocksAt;
  for (;;) {
    if (at + 4 > data.length) throw corrupt('lz4', 'the frame is cut off');
    const word = data.readUInt32LE(at);
    at += 4;
    if (word === 0) break;
    const stored = word >= STORED_BLOCK;
    const bytes = stored ? word - STORED_BLOCK : word;
    const end = at + bytes;
    if (bytes > frame.maxBlockBytes || end > data.length)
      throw corrupt('lz4', `a block of ${bytes} bytes where ${data.length - at} are left`);
    total += sizeOf(at, stored ? bytes : 0, end);
    at = end + frame.blockChecksumBytes;
  }
  if (at + frame.contentChecksumBytes !== data.length)
    throw corrupt('lz4', 'the frame and the data do not end together');
  return total;
}

/** Expanded size of one compressed block, from its tokens alone. */
function blockBytes(data: Buffer, from: number, end: number): number {
  let at = from;
  let total = 0;
  const extended = (length: number): number => {
    let sum = length;
    let byte = 255;
    while (byte === 255 && at < end) {
      byte = data[at] ?? 0;
      at += 1;
      sum += byte;
    }
    return sum;
  };
  while (at < end) {
    const token = data[at] ?? 0;
    at += 1;
    const literals = token >> 4 === 15 ? extended(15) : token >> 4;
    at += literals;
    total += literals;
    if (at >= end) break;
    at += 2;
    total += 4 + ((token & 15) === 15 ? extended(15) : token & 15);
  }
  return total;
}

/** One frame with a content checksum off, as Kafka's clients write it. */
export function compressLz4(data: Buffer): Buffer {
  return compressFrameSync(data);
}
