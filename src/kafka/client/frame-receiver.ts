// Cuts a socket's bytes into frames ([int32 size][bytes]). Made for the socket's `onread` option: it says
// where the next bytes shall go, so that a large frame is read straight into its own buffer. Knows
// nothing of sockets and requests.
import { assert } from '../../base/assert.ts';
import type { Frame, ReceiveBuffers } from './receive-buffers.ts';

const HEAD_BYTES = 64 * 1024;
const SIZE_BYTES = 4;

export class FrameReceiver {
  readonly #buffers: ReceiveBuffers;
  readonly #maxFrameBytes: number;
  readonly #onFrame: (frame: Frame) => void;
  /** Bytes between frames and whole small frames. */
  readonly #head = Buffer.allocUnsafeSlow(HEAD_BYTES);
  #headHave = 0;
  /** The frame being read, null when between frames. */
  #frame: Buffer | null = null;
  #frameSize = 0;
  #frameHave = 0;
  #frames = 0;
  #tooLargeBytes: number | null = null;
  #receivedBytes = 0;

  constructor(buffers: ReceiveBuffers, maxFrameBytes: number, onFrame: (frame: Frame) => void) {
    this.#buffers = buffers;
    this.#maxFrameBytes = maxFrameBytes;
    this.#onFrame = onFrame;
  }

  /** Size of a frame that is too large, of a peer whose frames before it were well; else null. */
  get tooLargeBytes(): number | null {
    return this.#tooLargeBytes;
  }

  /** So far, of all frames. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  get maxFrameBytes(): number {
    return this.#maxFrameBytes;
  }

  /** Where the socket shall write next; never empty. */
  nextTarget(): Buffer {
    return this.#frame === null
      ? this.#head.subarray(this.#headHave)
      : this.#frame.subarray(this.#frameHave, this.#frameSize);
  }

  /**
   * `count` bytes were written to the last `nextTarget()`. Returns false when a frame's size is out of
   * bounds: the peer does not speak Kafka, or sends more than is allowed.
   */
  written(count: number): boolean {
    this.#receivedBytes += count;
    if (this.#frame === null) {
      this.#headHave += count;
      return this.#cutHead();
    }
    this.#frameHave += count;
    assert(this.#frameHave <= this.#frameSize, 'no more is read than the frame has');
    if (this.#frameHave === this.#frameSize) {
      const frame = this.#buffers.frame(this.#frame, this.#frameSize);
      this.#frame = null;
      this.#frames += 1;
      this.#onFrame(frame);
    }
    return true;
  }

  /** Takes all whole frames out of the head and starts the one that is not whole. */
  #cutHead(): boolean {
    const head = this.#head;
    let at = 0;
    while (this.#headHave - at >= SIZE_BYTES) {
      const size = head.readInt32BE(at);
      // Every answer holds a correlation id.
      if (size < SIZE_BYTES || size > this.#maxFrameBytes) {
        if (size > this.#maxFrameBytes && this.#frames > 0) this.#tooLargeBytes = size;
        return false;
      }
      at += SIZE_BYTES;
      const have = Math.min(this.#headHave - at, size);
      const buffer = this.#buffers.take(size);
      head.copy(buffer, 0, at, at + have);
      at += have;
      if (have === size) {
        this.#frames += 1;
        this.#onFrame(this.#buffers.frame(buffer, size));
        continue;
      }
      this.#frame = buffer;
      this.#frameSize = size;
      this.#frameHave = have;
    }
    head.copyWithin(0, at, this.#headHave);
    this.#headHave -= at;
    return true;
  }
}
