// What gzip and zstd share about node:zlib's output: the size of its pieces, the limit, its errors.
import { corrupt, tooLarge } from './expand-failure.ts';

const SMALLEST_CHUNK_BYTES = 16 * 1024;
const LARGEST_CHUNK_BYTES = 1024 * 1024;
/** Guess of how much typical records shrink: big enough for one or two pieces, small enough not to waste. */
const TYPICAL_RATIO = 8;

/**
 * Runs a synchronous zlib call that stops at `limitBytes` of output. Large pieces save the copying
 * together of many small ones. Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT.
 */
export function expandWithZlib(
  format: string,
  data: Buffer,
  limitBytes: number,
  run: (data: Buffer, options: { maxOutputLength: number; chunkSize: number }) => Buffer,
): Buffer {
  const guess = Math.min(data.length * TYPICAL_RATIO, LARGEST_CHUNK_BYTES, limitBytes);
  let expanded: Buffer;
  try {
    expanded = run(data, {
      // zlib takes no limit below 1; the check below makes up for it.
      maxOutputLength: Math.max(limitBytes, 1),
      chunkSize: Math.max(guess, SMALLEST_CHUNK_BYTES),
    });
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(format, limitBytes);
    throw corrupt(format, thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
  if (expanded.length > limitBytes) throw tooLarge(format, limitBytes);
  return expanded;
}
