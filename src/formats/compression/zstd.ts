// zstd through node:zlib, with the limit enforced while expanding.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expandWithZlib } from './zlib-output.ts';

/** Largest window a frame may ask for, 2^27 = 128 MiB: the zstd default, so that a frame cannot claim memory. */
const WINDOW_LOG_MAX = 27;

/** Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. */
export function expandZstd(data: Buffer, limitBytes: number): Buffer {
  return expandWithZlib('zstd', data, limitBytes, (bytes, options) =>
    zstdDecompressSync(bytes, {
      ...options,
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    }),
  );
}

export function compressZstd(data: Buffer): Buffer {
  return zstdCompressSync(data, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}
