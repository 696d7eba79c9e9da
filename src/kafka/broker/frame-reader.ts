// Cuts a socket's bytes into frames ([int32 size][frame]). Each frame is one buffer of its exact size,
// taken from the shared budget before it is allocated.
import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { fail } from '../../base/errors.ts';
import type { ByteBudget } from './byte-budget.ts';

const SIZE_BYTES = 4;

export interface FrameReaderOptions {
  readonly maxFrameBytes: number;
  /** A frame that stays half received this long ends the connection. */
  readonly stalledMs: number;
  readonly clock: Clock;
  readonly budget: ByteBudget;
}

export interface Frame {
  /** Without the size. */
  readonly frame: Buffer;
  /** Gives its bytes back to the budget; the buffer must not be used after. */
  readonly release: () => void;
}

export class FrameReader {
  readonly #socket: Socket;
  readonly #options: FrameReaderOptions;

  constructor(socket: Socket, options: FrameReaderOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  /**
   * The frames until the other side ends. Nothing is read ahead of the frame that was asked for.
   * @throws KAFKA_MALFORMED for a size that cannot be
   */
  async *frames(): AsyncGenerator<Frame> {
    const size = Buffer.alloc(SIZE_BYTES);
    let sizeFilled = 0;
    let frame: Buffer | null = null;
    let filled = 0;
    let release: () => void = () => undefined;
    let stalled: Timer | null = null;
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) {
        let at = 0;
        while (at < chunk.length) {
          if (frame === null) {
            const part = Math.min(SIZE_BYTES - sizeFilled, chunk.length - at);
            chunk.copy(size, sizeFilled, at, at + part);
            sizeFilled += part;
            at += part;
            if (sizeFilled < SIZE_BYTES) break;
            const bytes = this.#checkedSize(size.readInt32BE(0));
            release = await this.#options.budget.take(bytes);
            frame = Buffer.allocUnsafeSlow(bytes);
            filled = 0;
            stalled = this.#options.clock.after(this.#options.stalledMs, () => {
              this.#socket.destroy();
            });
          }
          const part = Math.min(frame.length - filled, chunk.length - at);
          chunk.copy(frame, filled, at, at + part);
          filled += part;
          at += part;
          if (filled < frame.length) break;
          stalled?.cancel();
          const whole: Frame = { frame, release };
          frame = null;
          sizeFilled = 0;
          release = () => undefined;
          yield whole;
        }
      }
    } finally {
      stalled?.cancel();
      release();
    }
  }

  #checkedSize(bytes: number): number {
    if (bytes >= 10 && bytes <= this.#options.maxFrameBytes) return bytes;
    throw fail('KAFKA_MALFORMED', {
      detail: `request of ${bytes} bytes, the limit is ${this.#options.maxFrameBytes}`,
    });
  }
}
