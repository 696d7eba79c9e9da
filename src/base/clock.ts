// Time comes through this interface so that a seeded simulation can drive it. The only file that
// touches Date.now and the timer functions.

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since the epoch (UTC). */
  nowMs(): number;
  /** Monotonic milliseconds, for durations only. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `action` once after `ms` unless cancelled. */
  after(ms: number, action: () => void): Timer;
  /** Calls `action` every `ms` until cancelled. */
  every(ms: number, action: () => void): Timer;
}

/** Timers of the runtime reach no further; above, they would fire at once. About 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

const timerMs = (ms: number): number => Math.min(ms, MAX_TIMER_MS);

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(handle);
        reject(signal?.reason);
      };
      const handle = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, timerMs(ms));
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
  after(ms, action) {
    const handle = setTimeout(action, timerMs(ms));
    return { cancel: () => clearTimeout(handle) };
  },
  every(ms, action) {
    const handle = setInterval(action, timerMs(ms));
    return { cancel: () => clearInterval(handle) };
  },
};
