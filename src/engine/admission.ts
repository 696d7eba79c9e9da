// Admission of statements: each running native call holds a libuv thread, so only `limit` run at once
// and the rest wait in order, bounded and visible. Must never lose a slot, whatever work throws.
import { fail } from '../base/errors.ts';

interface Waiter {
  readonly start: () => void;
}

export class Admission {
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #waiters: Waiter[] = [];
  #running = 0;

  /** `limit` calls run at once (>= 1); a caller beyond `maxWaiting` waiting ones gets ENGINE_BUSY. */
  constructor(limit: number, maxWaiting: number) {
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }
  get waiting(): number {
    return this.#waiters.length;
  }

  /** Runs `work` when a slot is free. An aborted wait leaves the queue with the signal's reason. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.#limit) this.#running += 1;
    else await this.#wait(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  #release(): void {
    const next = this.#waiters.shift();
    // The slot is handed over, so the count of running calls stays.
    if (next === undefined) this.#running -= 1;
    else next.start();
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiters.length >= this.#maxWaiting)
      throw fail('ENGINE_BUSY', { waiting: this.#waiters.length });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const at = this.#waiters.indexOf(waiter);
      // Not in the queue any more: it was started in the same tick, and the work itself sees the signal.
      if (at < 0) return;
      this.#waiters.splice(at, 1);
      reject(signal?.reason);
    };
    const waiter: Waiter = {
      start: () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
    };
    this.#waiters.push(waiter);
    signal?.addEventListener('abort', onAbort, { once: true });
    return promise;
  }
}
