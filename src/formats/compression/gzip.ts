// gzip through node:zlib, with the limit enforced while expanding.
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { expandWithZlib } from './zlib-output.ts';

/** Throws LIMIT_EXCEEDED, COMPRESSED_DATA_CORRUPT. Several members one after the other are one stream. */
export function expandGzip(data: Buffer, limitBytes: number): Buffer {
  return expandWithZlib('gzip', data, limitBytes, gunzipSync);
}

export function compressGzip(data: Buffer): Buffer {
  return gzipSync(data, { level: constants.Z_BEST_SPEED });
}
