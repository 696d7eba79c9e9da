// zstd through node:zlib, with the limit enforced while expanding.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { corrupt, tooLarge } from './expand-failure.ts';
import { outputChunkBytes, overOutputLimit } from './zlib-output.ts';

/** Largest window a frame may ask for, 2^27 = 128 MiB: the zstd default, so that a frame cannot claim memory. */
const WINDOW_LOG_MAX = 27;

/** Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. */
export function expandZstd(data: Buffer, limitBytes: number): Buffer {
  try {
    return zstdDecompressSync(data, {
      maxOutputLength: limitBytes,
      chunkSize: outputChunkBytes(data.length, limitBytes),
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    });
  } catch (thrown) {
    if (overOutputLimit(thrown)) throw tooLarge('zstd', limitBytes);
    throw corrupt('zstd', thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

export function compressZstd(data: Buffer): Buffer {
  return zstdCompressSync(data, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}
