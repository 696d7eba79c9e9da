// Sees that running jobs get on: one whose messages wait while nothing is committed has stalled, whatever the reason.
// Holds no truth: after a restart of the FE each job has its whole time again.
import type { LoadJobRecord, PositionRecord } from '../../catalog/load-jobs.ts';
import { messagesBehind } from './health.ts';

export interface Stall {
  /** Wall clock of the last progress. */
  readonly sinceMs: number;
  readonly message: string;
}

interface Seen {
  /** Monotonic and wall clock of when it last got on, or had nothing to do. */
  monotonicMs: number;
  wallMs: number;
}

export class ProgressWatch {
  readonly #seen = new Map<number, Seen>();
  readonly #stalled = new Set<number>();
  readonly #clock: { monotonicMs(): number; nowMs(): number };

  constructor(clock: { monotonicMs(): number; nowMs(): number }) {
    this.#clock = clock;
  }

  /** The job committed. True when it had stalled. */
  committed(jobId: number): boolean {
    this.#note(jobId);
    return this.#stalled.delete(jobId);
  }

  forget(jobId: number): void {
    this.#seen.delete(jobId);
    this.#stalled.delete(jobId);
  }

  /**
   * Looks at a running job. Gives the stall when it made no progress for `limitMs`; the time then begins anew, so
   * that what was started again has its chance.
   */
  look(job: LoadJobRecord, positions: readonly PositionRecord[], limitMs: number): Stall | null {
    const behind = messagesBehind(positions);
    const seen = this.#seen.get(job.id);
    if (behind === 0n || seen === undefined) {
      this.#note(job.id);
      return null;
    }
    const idleMs = this.#clock.monotonicMs() - seen.monotonicMs;
    if (idleMs < limitMs) return null;
    const sinceMs = job.stalled?.sinceMs ?? seen.wallMs;
    seen.monotonicMs = this.#clock.monotonicMs();
    this.#stalled.add(job.id);
    const why = job.otherMessage === null ? '' : `; last trouble: ${job.otherMessage.text}`;
    const since = new Date(sinceMs).toISOString();
    const message = `${behind} messages wait and nothing was committed since ${since}, the tasks are started anew${why}`;
    return { sinceMs, message };
  }

  #note(jobId: number): void {
    const clock = this.#clock;
    this.#seen.set(jobId, { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() });
  }
}
