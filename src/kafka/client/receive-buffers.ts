// Receive buffers that are used again: a Fetch answer of many megabytes is read straight into one, and
// taking fresh memory for each costs more than reading it. Keeps a bounded number of bytes.

/** Smaller answers take ordinary memory. */
const POOLED_FROM_BYTES = 64 * 1024;
/** Sizes are rounded up to this, so that answers of about the same size share buffers. */
const GRAIN_BYTES = 256 * 1024;

/** One received answer: its bytes (without the size field) and the way to give the memory back. */
export interface Frame {
  readonly bytes: Buffer;
  /** After this `bytes` may be overwritten at any time. A second call does nothing. */
  release(): void;
}

export class ReceiveBuffers {
  readonly #keptBytesMax: number;
  #free: Buffer[] = [];
  #freeBytes = 0;

  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** A buffer of at least `size` bytes; `giveBack` it or drop it. */
  take(size: number): Buffer {
    if (size < POOLED_FROM_BYTES) return Buffer.allocUnsafeSlow(size);
    let best = -1;
    for (const [index, buffer] of this.#free.entries()) {
      const fits = buffer.length >= size;
      if (fits && (best === -1 || buffer.length < (this.#free[best]?.length ?? 0))) best = index;
    }
    const [found] = best === -1 ? [] : this.#free.splice(best, 1);
    if (found === undefined)
      return Buffer.allocUnsafeSlow(Math.ceil(size / GRAIN_BYTES) * GRAIN_BYTES);
    this.#freeBytes -= found.length;
    return found;
  }

  giveBack(buffer: Buffer): void {
    if (buffer.length < POOLED_FROM_BYTES) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.length;
    // The oldest go first: sizes follow the traffic.
    while (this.#freeBytes > this.#keptBytesMax) {
      const dropped = this.#free.shift();
      if (dropped === undefined) return;
      this.#freeBytes -= dropped.length;
    }
  }

  /** The first `size` bytes of a taken buffer as a frame. */
  frame(buffer: Buffer, size: number): Frame {
    let held = true;
    return {
      bytes: buffer.subarray(0, size),
      release: () => {
        if (held) this.giveBack(buffer);
        held = false;
      },
    };
  }
}
