// gzip through node:zlib, with the limit enforced while expanding.
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { corrupt, tooLarge } from './expand-failure.ts';
import { outputChunkBytes, overOutputLimit } from './zlib-output.ts';

/** Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. Several members one after the other are one stream. */
export function expandGzip(data: Buffer, limitBytes: number): Buffer {
  try {
    return gunzipSync(data, {
      maxOutputLength: limitBytes,
      chunkSize: outputChunkBytes(data.length, limitBytes),
    });
  } catch (thrown) {
    if (overOutputLimit(thrown)) throw tooLarge('gzip', limitBytes);
    throw corrupt('gzip', thrown instanceof Error ? thrown.message : String(thrown), thrown);
  }
}

export function compressGzip(data: Buffer): Buffer {
  return gzipSync(data, { level: constants.Z_BEST_SPEED });
}
