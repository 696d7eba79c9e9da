// LZ4 frames: Kafka's lz4 in v2 batches, as its Java and C clients write it. The frame's own checksums
// are not looked at: what holds a frame (a record batch) has its own.
// SOURCE: LZ4 Frame Format Description 1.6.4.
import { compressFrameSync } from 'lz4-napi';
import { corrupt, tooLarge } from './expand-failure.ts';
import { BLOCK_CORRUPT, BLOCK_TOO_LARGE, expandLz4Block } from './lz4-block.ts';
import { type Lz4Frame, readLz4Flags, STORED_BLOCK } from './lz4-frame.ts';
import type { OutputBuffer } from './output-buffer.ts';

const FRAME_MAGIC = 0x184d2204;
interface Frame extends Lz4Frame {
  readonly blocksAt: number;
}

/** The result is a view into `out`. Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. */
export function expandLz4(data: Buffer, limitBytes: number, out: OutputBuffer): Buffer {
  const frame = readFrameHeader(data);
  let at = frame.blocksAt;
  let size = 0;
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
    size = stored
      ? copyStored(data, at, end, out, size, limitBytes)
      : expandBlock(data, at, end, frame, out, size, limitBytes);
    at = end + frame.blockChecksumBytes;
  }
  if (at + frame.contentChecksumBytes !== data.length)
    throw corrupt('lz4', 'the frame and the data do not end together');
  return out.bytes.subarray(0, size);
}

function readFrameHeader(data: Buffer): Frame {
  if (data.length < 7 || data.readUInt32LE(0) !== FRAME_MAGIC)
    throw corrupt('lz4', 'it is no LZ4 frame');
  const frame = readLz4Flags(data.readUInt8(4), data.readUInt8(5));
  return { ...frame, blocksAt: 7 + frame.contentSizeBytes };
}

function copyStored(
  data: Buffer,
  from: number,
  end: number,
  out: OutputBuffer,
  size: number,
  limitBytes: number,
): number {
  const newSize = size + end - from;
  if (newSize > limitBytes) throw tooLarge('lz4', limitBytes);
  out.reserve(newSize, size);
  data.copy(out.bytes, size, from, end);
  return newSize;
}

function expandBlock(
  data: Buffer,
  from: number,
  end: number,
  frame: Frame,
  out: OutputBuffer,
  size: number,
  limitBytes: number,
): number {
  const roomEnd = Math.min(size + frame.maxBlockBytes, limitBytes);
  out.reserve(roomEnd, size);
  const historyStart = frame.independentBlocks ? size : 0;
  const newSize = expandLz4Block(data, from, end, out.bytes, historyStart, size, roomEnd);
  if (newSize === BLOCK_TOO_LARGE && roomEnd === limitBytes) throw tooLarge('lz4', limitBytes);
  if (newSize === BLOCK_CORRUPT || newSize === BLOCK_TOO_LARGE)
    throw corrupt('lz4', 'a block is damaged');
  return newSize;
}

/** One frame with independent blocks and without checksums. */
export function compressLz4(data: Buffer): Buffer {
  return compressFrameSync(data);
}
