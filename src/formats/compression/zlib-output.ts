// What gzip and zstd share about node:zlib's output: the size of its pieces and the limit error.

const SMALLEST_CHUNK_BYTES = 16 * 1024;
const LARGEST_CHUNK_BYTES = 1024 * 1024;
/** Guess of how much typical records shrink: big enough for one or two pieces, small enough not to waste. */
const TYPICAL_RATIO = 8;

/** Size of the pieces zlib writes to; large ones save the copying together of many small ones. */
export function outputChunkBytes(compressedBytes: number, limitBytes: number): number {
  const guess = Math.min(compressedBytes * TYPICAL_RATIO, LARGEST_CHUNK_BYTES, limitBytes);
  return Math.max(guess, SMALLEST_CHUNK_BYTES);
}

/** Whether zlib stopped because of `maxOutputLength`. */
export function overOutputLimit(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_BUFFER_TOO_LARGE';
}
