// One of node:zlib's streams as a thing that bytes are put into and taken out of: its work runs on other threads, and
// it stops where nobody takes what it made.
import type { BrotliDecompress, InflateRaw, ZstdDecompress } from 'node:zlib';
import { corrupt } from './expand-failure.ts';

export type ZlibStream = InflateRaw | BrotliDecompress | ZstdDecompress;

/** Bytes of one piece of output. */
export const PIECE_BYTES = 128 * 1024;

export class ZlibPump {
  readonly #format: string;
  readonly #stream: ZlibStream;
  #error: Error | null = null;
  #isEnded = false;
  #isWritten = true;
  #wake: () => void = () => undefined;

  constructor(format: string, stream: ZlibStream) {
    this.#format = format;
    this.#stream = stream;
    stream.on('error', (error: Error) => {
      this.#error = error;
      this.#wake();
    });
    stream.on('end', () => {
      this.#isEnded = true;
      this.#wake();
    });
    stream.on('readable', () => this.#wake());
  }

  /** Bytes of the input that were used: fewer than were put in where the compressed data ended before them. */
  get usedBytes(): number {
    return this.#stream.bytesWritten;
  }

  /** What `input` expands to. Throws COMPRESSED_DATA_CORRUPT. */
  async *expand(input: Buffer): AsyncGenerator<Buffer, void, undefined> {
    this.#isWritten = false;
    this.#stream.write(input, () => {
      this.#isWritten = true;
      this.#wake();
    });
    yield* this.#output(() => this.#isWritten);
  }

  /** What is left at the end of the input. Throws COMPRESSED_DATA_CORRUPT where the data is cut off. */
  async *finish(): AsyncGenerator<Buffer, void, undefined> {
    this.#stream.end();
    yield* this.#output(() => false);
  }

  close(): void {
    this.#stream.destroy();
  }

  async *#output(isOver: () => boolean): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      for (;;) {
        const piece: Buffer | null = this.#stream.read();
        if (piece === null) break;
        yield piece;
      }
      if (this.#error !== null) throw corrupt(this.#format, this.#error.message, this.#error);
      if (this.#isEnded || (isOver() && this.#stream.readableLength === 0)) return;
      await woken;
    }
  }
}
