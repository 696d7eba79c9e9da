// One budget of bytes for all batches of a loader process. What was read is counted at once, and a task
// reads on only while there is room: so memory stays below the budget plus one answer per task,
// whatever the lag or the message size. Must never make the only holder wait for itself.

export class ByteBudget {
  readonly #limitBytes: number;
  readonly #waiting: Array<() => void> = [];
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get limitBytes(): number {
    return this.#limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Counts bytes that are held now; call the result once when they are not any more. */
  take(bytes: number): () => void {
    this.#usedBytes += bytes;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#usedBytes -= bytes;
      this.#wake();
    };
  }

  /** Resolves, in the order asked, when there is room to read more. Rejects with the signal's reason. */
  async room(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#usedBytes < this.#limitBytes && this.#waiting.length === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wake = (): void => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    const onAbort = (): void => {
      const at = this.#waiting.indexOf(wake);
      if (at >= 0) this.#waiting.splice(at, 1);
      reject(signal.reason);
    };
    this.#waiting.push(wake);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#wake();
    await promise;
  }

  #wake(): void {
    // Each one let in reads, and by that counts, before it asks again: all waiting may go.
    while (this.#usedBytes < this.#limitBytes) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      next();
    }
  }
}
