// deflate bodies: zlib's frame, as HTTP means it, or the bare deflated data that some clients send instead.
// SOURCE: RFC 1950, RFC 1951, RFC 9110 8.4.1.2.
import { createInflate, createInflateRaw } from 'node:zlib';
import type { BodyReader } from './body-reader.ts';
import { corrupt } from './expand-failure.ts';
import { PIECE_BYTES, ZlibPump } from './zlib-pump.ts';

const METHOD_DEFLATE = 8;
const INPUT_BYTES = 64 * 1024;

export async function* expandDeflateBody(reader: BodyReader): AsyncGenerator<Buffer> {
  const head = await reader.take(2, 'its header');
  const stream = (isZlib(head) ? createInflate : createInflateRaw)({ chunkSize: PIECE_BYTES });
  const pump = new ZlibPump('deflate', stream);
  let givenBytes = head.length;
  try {
    yield* pump.expand(head);
    while (givenBytes === pump.usedBytes && (await reader.hasMore())) {
      const input = reader.some(INPUT_BYTES);
      givenBytes += input.length;
      yield* pump.expand(input);
    }
    if (givenBytes > pump.usedBytes) throw corrupt('deflate', 'something follows its end');
    yield* pump.finish();
  } finally {
    pump.close();
  }
}

/** Method 8 with a window of at most 32 KiB, and a check of the two bytes. Bare data that looks so is as good as none. */
function isZlib(head: Buffer): boolean {
  const first = head.readUInt8(0);
  return (first & 15) === METHOD_DEFLATE && first >> 4 <= 7 && head.readUInt16BE(0) % 31 === 0;
}
