// The bytes of a body as they come, for expanders that read them piece by piece: whatever way a body is cut into
// chunks, they see the same. Holds one chunk.

/** Made of what a body lacks; thrown by reads that need more than there is. */
export type CutOff = (detail: string) => Error;

const NOTHING: Buffer = Buffer.alloc(0);

export class BodyReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #cutOff: CutOff;
  #chunk: Buffer = NOTHING;
  #at = 0;
  #cameBytes = 0;
  #isOver = false;

  constructor(body: AsyncIterable<Uint8Array>, cutOff: CutOff) {
    this.#chunks = body[Symbol.asyncIterator]();
    this.#cutOff = cutOff;
  }

  /** Bytes that came, read or not. */
  get cameBytes(): number {
    return this.#cameBytes;
  }

  /** Bytes that were read. */
  get readBytes(): number {
    return this.#cameBytes - (this.#chunk.length - this.#at);
  }

  /** Waits until there is an unread byte; false at the end of the body. */
  async hasMore(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      if (this.#isOver) return false;
      const next = await this.#chunks.next();
      if (next.done === true) {
        this.#isOver = true;
        this.#chunk = NOTHING;
        this.#at = 0;
        return false;
      }
      const { value } = next;
      this.#chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      this.#at = 0;
      this.#cameBytes += value.byteLength;
    }
    return true;
  }

  /**
   * What is there without waiting, at most `limit` bytes of it; read by the call. After `hasMore` at least one byte.
   * Valid up to the next call that waits.
   */
  some(limit: number): Buffer {
    const end = Math.min(this.#chunk.length, this.#at + limit);
    const bytes = this.#chunk.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** Makes the last `count` bytes of the chunk unread again: what `some` gave and nobody wanted. */
  unread(count: number): void {
    this.#at -= count;
  }

  /** Exactly `count` bytes as a copy; the caller keeps them few. `what` they are, for the error at the end of the body. */
  async take(count: number, what: string): Promise<Buffer> {
    const whole = Buffer.allocUnsafe(count);
    let filled = 0;
    while (filled < count) {
      if (!(await this.hasMore())) throw this.#cutOff(`it ends within ${what}`);
      const part = this.some(count - filled);
      whole.set(part, filled);
      filled += part.length;
    }
    return whole;
  }

  async skip(count: number, what: string): Promise<void> {
    let left = count;
    while (left > 0) {
      if (!(await this.hasMore())) throw this.#cutOff(`it ends within ${what}`);
      left -= this.some(left).length;
    }
  }

  /** Tells the source that nothing more is wanted. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#chunks.return?.();
  }
}
