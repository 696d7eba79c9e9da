// Walks the record batches of a file or a buffer, header by header. Never looks into the records and
// never believes a length that does not fit; what does not parse ends the walk.
import { crc32c } from '@node-rs/crc32';
import {
  BATCH,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_PREFIX_BYTES,
  BATCH_MIN_LENGTH,
  type BatchHeader,
  readBatchHeader,
} from '../protocol/batch-header.ts';
import { readFully } from './disk.ts';

const WINDOW_BYTES = 1024 * 1024;
const HEADER_BLOCK_BYTES = 16 * 1024 + BATCH_HEADER_BYTES;

export interface ScannedBatch {
  readonly position: number;
  readonly header: BatchHeader;
  /** The whole batch; valid only until the next one is asked for. */
  readonly bytes: Buffer;
}

/** True when the checksum in the header is that of the bytes it covers. */
export function hasGoodChecksum(bytes: Buffer, header: BatchHeader): boolean {
  return crc32c(bytes.subarray(BATCH.ATTRIBUTES, header.totalBytes)) === header.crc;
}

/** Yields the whole batches of a file from `from` up to `to`, ending early at the first broken one. */
export function* scanBatches(fd: number, from: number, to: number): Generator<ScannedBatch> {
  let window = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, Math.max(to - from, BATCH_HEADER_BYTES)));
  let windowStart = from;
  let windowBytes = readFully(fd, window, windowStart);
  let position = from;
  while (to - position >= BATCH_HEADER_BYTES) {
    if (windowStart + windowBytes - position < BATCH_HEADER_BYTES) {
      windowStart = position;
      windowBytes = readFully(fd, window, windowStart);
      if (windowBytes < BATCH_HEADER_BYTES) return;
    }
    const header = readBatchHeader(window, position - windowStart);
    if (header.magic !== 2 || header.length < BATCH_MIN_LENGTH) return;
    if (header.totalBytes > to - position) return;
    if (windowStart + windowBytes - position < header.totalBytes) {
      if (header.totalBytes > window.length) window = Buffer.allocUnsafe(header.totalBytes);
      windowStart = position;
      windowBytes = readFully(fd, window, windowStart);
      if (windowBytes < header.totalBytes) return;
    }
    const at = position - windowStart;
    yield { position, header, bytes: window.subarray(at, at + header.totalBytes) };
    position += header.totalBytes;
  }
}

/** First batch at or after `from` that `wanted` accepts, by headers alone; null when there is none. */
export function findBatch(
  fd: number,
  from: number,
  to: number,
  wanted: (header: BatchHeader) => boolean,
): { readonly position: number; readonly header: BatchHeader } | null {
  const block = Buffer.allocUnsafe(HEADER_BLOCK_BYTES);
  let blockStart = 0;
  let blockBytes = 0;
  let position = from;
  while (to - position >= BATCH_HEADER_BYTES) {
    if (position < blockStart || position + BATCH_HEADER_BYTES > blockStart + blockBytes) {
      blockStart = position;
      blockBytes = readFully(fd, block, blockStart);
      if (blockBytes < BATCH_HEADER_BYTES) return null;
    }
    const header = readBatchHeader(block, position - blockStart);
    if (header.length < BATCH_MIN_LENGTH) return null;
    if (wanted(header)) return { position, header };
    position += header.totalBytes;
  }
  return null;
}

/**
 * Bytes of the whole batches at the start of `data` whose base offset is below `limitOffset`.
 * 0 when not even the first batch is whole.
 */
export function wholeBatchBytes(data: Buffer, limitOffset: bigint): number {
  let at = 0;
  while (data.length - at >= BATCH_HEADER_BYTES) {
    if (data.readBigInt64BE(at + BATCH.BASE_OFFSET) >= limitOffset) break;
    const total = data.readInt32BE(at + BATCH.LENGTH) + BATCH_LENGTH_PREFIX_BYTES;
    if (total > data.length - at) break;
    at += total;
  }
  return at;
}
