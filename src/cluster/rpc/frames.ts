// Framing of the FE <-> CN channel: `u32 length | u8 kind | u32 call id | payload`. Control payloads are
// v8 structured clones, chunks are raw bytes. Knows nothing of methods.
import type { Duplex } from 'node:stream';
import { fail } from '../../base/errors.ts';

export const FRAME_KINDS = {
  call: 1,
  result: 2,
  error: 3,
  chunk: 4,
  cancel: 5,
  credit: 6,
} as const;
export type FrameKind = (typeof FRAME_KINDS)[keyof typeof FRAME_KINDS];

const HEADER_BYTES = 9;
/** Largest frame that is read: bounds memory against a broken peer. */
export const MAX_FRAME_BYTES = 256 * 1024 * 1024;

function checkSize(sizeBytes: number): void {
  if (sizeBytes <= MAX_FRAME_BYTES) return;
  throw fail('LIMIT_EXCEEDED', {
    what: 'size of a message between processes (bytes)',
    actual: sizeBytes,
    limit: MAX_FRAME_BYTES,
    hint: 'ask for less at once',
  });
}

/** Writes one frame. Throws LIMIT_EXCEEDED for one that the other side would not read; resolves when the stream can take more (back-pressure). */
export function writeFrame(
  stream: Duplex,
  kind: FrameKind,
  id: number,
  payload: Uint8Array,
): Promise<void> {
  // Here it fails one call; over there it would end the channel.
  checkSize(payload.length);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt8(kind, 4);
  header.writeUInt32LE(id, 5);
  // Frames of one turn (the last rows and the result of a call) leave in one system call.
  stream.cork();
  process.nextTick(uncork, stream);
  const fits = stream.write(header);
  const more = payload.length === 0 ? fits : stream.write(payload);
  return more || stream.destroyed ? Promise.resolve() : drained(stream);
}

/** Thousands of calls may wait for the same stream: they share what they listen with. */
const FULL = new WeakMap<Duplex, Promise<void>>();

/** Resolves when a stream that is full can take more, or is closed. */
function drained(stream: Duplex): Promise<void> {
  const known = FULL.get(stream);
  if (known !== undefined) return known;
  const { promise, resolve } = Promise.withResolvers<void>();
  FULL.set(stream, promise);
  const done = (): void => {
    stream.off('drain', done);
    stream.off('close', done);
    FULL.delete(stream);
    resolve();
  };
  stream.on('drain', done);
  stream.on('close', done);
  return promise;
}

function uncork(stream: Duplex): void {
  stream.uncork();
}

/** Collects stream data and hands out whole frames. */
export class FrameReader {
  #parts: Buffer[] = [];
  #haveBytes = 0;
  readonly #onFrame: (kind: number, id: number, payload: Buffer) => void;

  constructor(onFrame: (kind: number, id: number, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  push(data: Buffer): void {
    this.#parts.push(data);
    this.#haveBytes += data.length;
    while (this.#haveBytes >= HEADER_BYTES) {
      const head = this.#peekHeader();
      const length = head.readUInt32LE(0);
      checkSize(length);
      if (this.#haveBytes < HEADER_BYTES + length) return;
      const whole = this.#take(HEADER_BYTES + length);
      this.#onFrame(whole.readUInt8(4), whole.readUInt32LE(5), whole.subarray(HEADER_BYTES));
    }
  }

  /** The first bytes in one piece; merges only the parts that the header spans. */
  #peekHeader(): Buffer {
    let first = this.#parts[0] ?? Buffer.alloc(0);
    while (first.length < HEADER_BYTES) {
      const merged = Buffer.concat(this.#parts.splice(0, 2));
      this.#parts.unshift(merged);
      first = merged;
    }
    return first;
  }

  #take(bytes: number): Buffer {
    const first = this.#parts[0];
    if (first !== undefined && first.length >= bytes) {
      if (first.length === bytes) this.#parts.shift();
      else this.#parts[0] = first.subarray(bytes);
      this.#haveBytes -= bytes;
      return first.subarray(0, bytes);
    }
    const all = Buffer.concat(this.#parts);
    this.#parts = all.length > bytes ? [all.subarray(bytes)] : [];
    this.#haveBytes -= bytes;
    return all.subarray(0, bytes);
  }
}
