// A clock that only moves when the test says so; timers fire in order of their time.
import type { Clock, Timer } from '../../src/base/clock.ts';

interface Pending {
  atMs: number;
  readonly action: () => void;
  readonly everyMs: number | null;
}

export class ManualClock implements Clock {
  #nowMs: number;
  readonly #pending = new Set<Pending>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
  /** What is due now needs no moving of the clock. */
  after(ms: number, action: () => void): Timer {
    if (ms <= 0) {
      const handle = setImmediate(action);
      return { cancel: () => clearImmediate(handle) };
    }
    return this.#add({ atMs: this.#nowMs + ms, action, everyMs: null });
  }
  every(ms: number, action: () => void): Timer {
    return this.#add({ atMs: this.#nowMs + ms, action, everyMs: ms });
  }
  #add(pending: Pending): Timer {
    this.#pending.add(pending);
    return { cancel: () => this.#pending.delete(pending) };
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Moves time on, firing what comes due, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#pending].filter((one) => one.atMs <= endMs);
      const next = due.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (next.everyMs === null) this.#pending.delete(next);
      else next.atMs += next.everyMs;
      next.action();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#nowMs = endMs;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
