// The database's time: the wall clock, except that it never steps back. Where the clock was set back, time goes on at
// half its speed until the clock has caught up: what waits for a lease or a time limit to end waits twice as long, not
// for as long as the clock was set back.
import type { Clock } from '../base/clock.ts';

/** How much of what really passes passes while the clock is behind. */
const SLOWED = 0.5;

/** Milliseconds since the epoch, never less than before. */
export function steadyTime(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): () => number {
  let lastMs = 0;
  let lastMonotonicMs = clock.monotonicMs();
  return () => {
    const monotonicMs = clock.monotonicMs();
    const passedMs = (monotonicMs - lastMonotonicMs) * SLOWED;
    lastMonotonicMs = monotonicMs;
    lastMs = Math.max(lastMs + (clock.nowMs() < lastMs ? passedMs : 0), clock.nowMs());
    return Math.floor(lastMs);
  };
}
