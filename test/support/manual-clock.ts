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
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }
  after(ms: number, action: () => void): Timer {
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
