// The body of a request that is to be merged: whole, expanded, and such that another one can be put behind it.
import type { Clock } from '../../base/clock.ts';
import { expandBody, MAX_RATIO } from '../../formats/compression/expand-body.ts';
import type { MergeRules } from '../../model/body-load.ts';
import { GuardedBody } from '../../pipeline/source/body/guarded-body.ts';
import { analysisError } from '../properties.ts';

/** Larger ones are loads of their own. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Its pieces, which stay as they are. `take` hears of bytes before they are kept, and may throw. Throws SQL_ANALYZE
 * for bodies that cannot be merged, BODY_CUT, BODY_IDLE, COMPRESSED_DATA_CORRUPT, LIMIT_EXCEEDED.
 */
export async function readMergedBody(
  body: AsyncIterable<Uint8Array>,
  { compression, rowDelimiter, idleTimeoutMs }: MergeRules,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  take: (bytes: number) => void,
): Promise<readonly Uint8Array[]> {
  const guarded = new GuardedBody(body, { clock, idleTimeoutMs, signal });
  const expanded =
    compression === 'none'
      ? guarded
      : expandBody(compression, guarded, { maxBytes: MOST_BYTES, maxRatio: MAX_RATIO });
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of expanded) {
    size += piece.length;
    if (size > MOST_BYTES) {
      throw analysisError(
        `The data size exceed the max size ${MOST_BYTES} of a request with enable_merge_commit`,
      );
    }
    take(piece.length);
    pieces.push(piece);
  }
  if (size === 0) throw analysisError('The data can not be empty');
  if (rowDelimiter !== null && !endsWith(pieces, Buffer.from(rowDelimiter)))
    throw analysisError('with enable_merge_commit each row of CSV must end with the row delimiter');
  return pieces;
}

function endsWith(pieces: readonly Uint8Array[], delimiter: Buffer): boolean {
  let last: Uint8Array = new Uint8Array();
  for (let i = pieces.length - 1; i >= 0 && last.length < delimiter.length; i -= 1) {
    last = Buffer.concat([pieces[i] ?? new Uint8Array(), last]);
  }
  return Buffer.from(last.subarray(Math.max(0, last.length - delimiter.length))).equals(delimiter);
}
