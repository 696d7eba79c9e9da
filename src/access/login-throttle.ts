// Slows password guessing: failed log-ins of a user name from one address make that pair's next attempts
// wait, longer each time, up to a limit. Other users and addresses never wait. Memory is bounded, and an
// attempt that waits costs a timer, no computation. Unknown names are treated like known ones.
import type { Clock } from '../base/clock.ts';
import { AppError, fail } from '../base/errors.ts';

/** Typing errors are free. */
const FREE_FAILURES = 3;
const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;
/** Attempts of one pair that may wait at once: with the longest delay still within a client's time-out. */
const MAX_WAITING = 4;
/** Failures are forgotten after this long without another one. */
const FORGET_MS = 15 * 60_000;
const MAX_PAIRS = 10_000;

interface Pair {
  failures: number;
  /** When the next attempt may be made. */
  freeAtMs: number;
  waiting: number;
  lastFailureMs: number;
}

export class LoginThrottle {
  readonly #clock: Clock;
  /** In the order of their last failure. */
  readonly #pairs = new Map<string, Pair>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Pairs that are remembered now. */
  get size(): number {
    return this.#pairs.size;
  }

  /**
   * Runs one attempt. Its ACCESS_DENIED counts as a failure, its success makes the pair's failures
   * forgotten. Throws TOO_MANY_LOGIN_FAILURES without an attempt when others of the pair wait already.
   */
  async run<T>(user: string, host: string, attempt: () => Promise<T>): Promise<T> {
    const key = `${user}\0${host}`;
    await this.#wait(key, user, host);
    try {
      const result = await attempt();
      this.#pairs.delete(key);
      return result;
    } catch (error) {
      if (error instanceof AppError && error.code === 'ACCESS_DENIED') this.#failed(key);
      throw error;
    }
  }

  async #wait(key: string, user: string, host: string): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const pair = this.#pairs.get(key);
    if (pair === undefined) return;
    if (nowMs - pair.lastFailureMs > FORGET_MS) {
      this.#pairs.delete(key);
      return;
    }
    const delayMs = delayAfter(pair.failures);
    if (delayMs === 0) return;
    if (pair.waiting >= MAX_WAITING) throw fail('TOO_MANY_LOGIN_FAILURES', { user, host });
    const startMs = Math.max(nowMs, pair.freeAtMs);
    // The one after this one waits for its turn, too: attempts side by side gain nothing.
    pair.freeAtMs = startMs + delayMs;
    if (startMs <= nowMs) return;
    pair.waiting += 1;
    try {
      await this.#clock.sleep(startMs - nowMs);
    } finally {
      pair.waiting -= 1;
    }
  }

  #failed(key: string): void {
    const nowMs = this.#clock.monotonicMs();
    const pair = this.#pairs.get(key) ?? {
      failures: 0,
      freeAtMs: 0,
      waiting: 0,
      lastFailureMs: nowMs,
    };
    pair.failures += 1;
    pair.lastFailureMs = nowMs;
    pair.freeAtMs = Math.max(pair.freeAtMs, nowMs + delayAfter(pair.failures));
    this.#pairs.delete(key);
    this.#pairs.set(key, pair);
    const [oldest] = this.#pairs.keys();
    if (this.#pairs.size > MAX_PAIRS && oldest !== undefined) this.#pairs.delete(oldest);
  }
}

function delayAfter(failures: number): number {
  if (failures <= FREE_FAILURES) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - FREE_FAILURES - 1), MAX_DELAY_MS);
}
