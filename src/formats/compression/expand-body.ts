// Expands a body while it comes, with bounded memory (the window of its format and one piece) and hard limits on
// what it may become. Nothing that a body says of its own size is trusted, all checksums are checked, and bytes that
// belong to nothing are an error: a body that was cut off or changed on its way must never look like a shorter one.
import { unreachable } from '../../base/assert.ts';
import { type AppError, fail } from '../../base/errors.ts';
import { BodyReader } from './body-reader.ts';
import { expandBzip2Body } from './bzip2.ts';
import { expandDeflateBody } from './deflate-body.ts';
import { corrupt } from './expand-failure.ts';
import { expandGzipBody } from './gzip-body.ts';
import { expandLz4Body } from './lz4-body.ts';
import { expandZstdBody } from './zstd-body.ts';

export type BodyCompression = 'none' | 'gzip' | 'bzip2' | 'lz4_frame' | 'zstd' | 'deflate';

export interface ExpandLimits {
  /** Most bytes of the expanded body. */
  readonly maxBytes: number;
  /** Most bytes that a byte may stand for, of a body that is larger than `ratioFreeBytes`. */
  readonly maxRatio: number;
}

/** Expanded bytes up to which the ratio is not looked at: rows that are all alike compress that well. */
export const RATIO_FREE_BYTES = 256 * 1024 * 1024;
/** Text that anyone has a use for stays well below; a bomb made for the purpose is far above. */
export const MAX_RATIO = 2_000;

/** BODY_TOO_LARGE, for bodies as they come and for what they expand to. */
export function bodyTooLarge(limit: number, compression: BodyCompression = 'none'): AppError {
  const what = compression === 'none' ? 'the body' : `the body, expanded from ${compression},`;
  return fail('BODY_TOO_LARGE', { what, limit });
}

/**
 * The expanded bytes, in pieces of at most 4 MiB that stay as they are (with `none`: the body's own). Throws COMPRESSED_DATA_CORRUPT (cut off,
 * damaged, something behind its end, empty), BODY_TOO_LARGE, BODY_EXPANDS_TOO_MUCH, and whatever reading the body throws.
 */
export async function* expandBody(
  compression: BodyCompression,
  body: AsyncIterable<Uint8Array>,
  limits: ExpandLimits,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new BodyReader(body, (detail) => corrupt(compression, detail));
  let size = 0;
  try {
    for await (const piece of expander(compression, reader)) {
      size += piece.length;
      check(compression, size, reader.cameBytes, limits);
      yield piece;
    }
  } finally {
    await reader.close();
  }
}

function expander(compression: BodyCompression, reader: BodyReader): AsyncIterable<Buffer> {
  switch (compression) {
    case 'none':
      return plain(reader);
    case 'gzip':
      return expandGzipBody(reader);
    case 'deflate':
      return expandDeflateBody(reader);
    case 'zstd':
      return expandZstdBody(reader);
    case 'lz4_frame':
      return expandLz4Body(reader);
    case 'bzip2':
      return expandBzip2Body(reader);
    default:
      return unreachable(compression, 'compression');
  }
}

async function* plain(reader: BodyReader): AsyncGenerator<Buffer> {
  while (await reader.hasMore()) yield reader.some(Number.POSITIVE_INFINITY);
}

function check(
  compression: BodyCompression,
  size: number,
  cameBytes: number,
  { maxBytes, maxRatio }: ExpandLimits,
): void {
  if (size > maxBytes) throw bodyTooLarge(maxBytes, compression);
  if (compression !== 'none' && size > RATIO_FREE_BYTES && size > cameBytes * maxRatio)
    throw fail('BODY_EXPANDS_TOO_MUCH', { compression, limit: maxRatio });
}
