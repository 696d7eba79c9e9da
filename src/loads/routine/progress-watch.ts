// Sees that running jobs get on: one whose messages wait while nothing is committed has stalled, whatever the reason; so
// has one that hears nothing of its Kafka, whose messages nobody can count. Holds no truth: after a restart of the FE each
// job has its whole time again.
import type { LoadJobRecord, PositionRecord } from '../../catalog/load-jobs.ts';
import { messagesBehind } from './health.ts';

export interface Stall {
  /** Wall clock of the last progress. */
  readonly sinceMs: number;
  readonly message: string;
}

/** When it last got on or had nothing to do, and when Kafka was last heard of. */
interface Seen {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Tasks that have nothing to do tell only now and then that they hear of Kafka: less is no silence. */
const LEAST_SILENCE_MS = 30_000;

export class ProgressWatch {
  readonly #progress = new Map<number, Seen>();
  readonly #heard = new Map<number, Seen>();
  /** Jobs whose tasks told of Kafka since they stalled last. */
  readonly #answered = new Set<number>();
  readonly #stalled = new Set<number>();
  readonly #clock: { monotonicMs(): number; nowMs(): number };

  constructor(clock: { monotonicMs(): number; nowMs(): number }) {
    this.#clock = clock;
  }

  /** The job committed. True when it had stalled. */
  committed(jobId: number): boolean {
    this.#progress.set(jobId, this.#now());
    this.heard(jobId);
    return this.#stalled.delete(jobId);
  }

  /** A task of the job told what it heard of Kafka. */
  heard(jobId: number): void {
    // Only of jobs that are looked at: others are never forgotten.
    if (!this.#progress.has(jobId)) return;
    this.#heard.set(jobId, this.#now());
    this.#answered.add(jobId);
  }

  forget(jobId: number): void {
    for (const known of [this.#progress, this.#heard, this.#answered, this.#stalled])
      known.delete(jobId);
  }

  /** Is a job that has stalled well again without a commit: Kafka answers, and nothing waits? */
  isWellAgain(job: LoadJobRecord, positions: readonly PositionRecord[]): boolean {
    return job.stalled !== null && messagesBehind(positions) === 0n && this.#answered.has(job.id);
  }

  /**
   * Looks at a running job. Gives the stall when it made no progress for `limitMs`; the time then begins anew, so
   * that what was started again has its chance.
   */
  look(job: LoadJobRecord, positions: readonly PositionRecord[], limitMs: number): Stall | null {
    const behind = messagesBehind(positions);
    const waits = behind > 0n;
    if (!waits || !this.#progress.has(job.id)) this.#progress.set(job.id, this.#now());
    // Without a partition there is no task that could hear anything.
    if (positions.length === 0 || !this.#heard.has(job.id)) this.#heard.set(job.id, this.#now());
    const known = waits ? this.#progress : this.#heard;
    const { monotonicMs, wallMs } = known.get(job.id) ?? this.#now();
    const idleMs = this.#clock.monotonicMs() - monotonicMs;
    if (idleMs < (waits ? limitMs : Math.max(limitMs, LEAST_SILENCE_MS))) return null;
    const sinceMs = job.stalled?.sinceMs ?? wallMs;
    known.set(job.id, { monotonicMs: this.#clock.monotonicMs(), wallMs });
    this.#stalled.add(job.id);
    this.#answered.delete(job.id);
    const why = job.otherMessage === null ? '' : `; last trouble: ${job.otherMessage.text}`;
    const what = waits
      ? `${behind} messages wait and nothing was committed`
      : 'nothing was heard of Kafka';
    const since = new Date(sinceMs).toISOString();
    const message = `${what} since ${since}, the tasks are started anew${why}`;
    return { sinceMs, message };
  }

  #now(): Seen {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.nowMs() };
  }
}
