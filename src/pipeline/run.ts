// The only loop of a load: reads batches, stages up to two at once while the next is read, commits
// strictly in order. A batch that fails ends the task after the batches before it are settled: the next
// task begins at the committed positions. Must never commit a batch whose predecessor did not.
import type { Clock } from '../base/clock.ts';
import { type AppError, fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { Log } from '../base/log.ts';
import type { BegunTransaction, TaskAssignment } from '../model/load-plan.ts';
import { BatchPace } from './batch-pace.ts';
import type { ByteBudget } from './byte-budget.ts';
import { beginBatch, commitBatch, reportFailure } from './commit-call.ts';
import type { ConnectionPool } from './connection-pool.ts';
import type { PackedBatch } from './decode/packed-batch.ts';
import type { Stager } from './stage.ts';
import type {
  CommitPort,
  RawBatch,
  Source,
  SourceTrouble,
  StagedBatch,
  TaskStatus,
} from './types.ts';

export interface TaskServices {
  readonly clock: Clock;
  readonly log: Log;
  readonly port: CommitPort;
  readonly source: Source;
  readonly stager: Stager;
  readonly connections: ConnectionPool;
  readonly budget: ByteBudget;
}

/** Batches that are staged at once; one more is read meanwhile. */
const STAGING_AT_ONCE = 2;
/** Plans of smaller batches are of jobs that lacked memory: they are staged one by one. */
const LEAST_SHARED_BYTES = 16 * 1024 * 1024;
/** One task's batches (two staged, one read, one being given back) and a margin for others. */
const BATCHES_IN_BUDGET = 5;
/** Batches whose files wait for their commit: they hold no message data. */
const UNCOMMITTED = 8;
/** How long one idle read waits; also how soon end offsets are reported. */
const IDLE_WAIT_MS = 1_000;
const REPORT_AGAIN_MS = 10_000;
/** Attempts in a row after which SHOW ROUTINE LOAD says what is wrong: a short break is not worth it. */
const TROUBLE_REPORTED_AT = 4;

interface Staged {
  readonly begun: BegunTransaction;
  readonly batch: StagedBatch;
}

export class LoadTask {
  readonly #assignment: TaskAssignment;
  readonly #services: TaskServices;
  /** Ends reading: drain, stop, or a failed batch. */
  readonly #reading = new AbortController();
  /** Ends staging and waiting for commits as well. */
  readonly #working = new AbortController();
  readonly #ended: Promise<void>;
  /** Settles when every batch so far is settled; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #staging = 0;
  #uncommitted = 0;
  #wakeReader: (() => void) | null = null;
  #failure: AppError | null = null;
  /** The FE wants no more of this task. */
  #isOver = false;
  #state: TaskStatus['state'] = 'running';
  #trouble: SourceTrouble | null = null;
  #rowsLoaded = 0;
  #commits = 0;
  #reported = { key: '', ms: 0 };

  /** Starts at once. */
  constructor(assignment: TaskAssignment, services: TaskServices) {
    this.#assignment = assignment;
    this.#services = services;
    this.#ended = this.#run();
  }

  /** Settles when nothing of the task is left; never rejects. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  status(): TaskStatus {
    const { taskId, epoch, plan } = this.#assignment;
    return {
      taskId,
      epoch,
      jobName: plan.jobName,
      state: this.#state,
      rowsLoaded: this.#rowsLoaded,
      commits: this.#commits,
      trouble: this.#trouble,
    };
  }

  /** For the source's callback. */
  setTrouble(trouble: SourceTrouble | null): void {
    this.#trouble = trouble;
    const { taskId, plan } = this.#assignment;
    if (trouble === null) return;
    if (trouble.attempts === 1)
      this.#services.log.warn('load waits for its source', {
        job: plan.jobName,
        task: taskId,
        reason: trouble.message,
      });
    if (trouble.attempts === TROUBLE_REPORTED_AT) this.#send([], trouble.message);
  }

  /** Shows a remark on the job: what it does not load, and why. */
  notice(text: string): void {
    const { taskId, plan } = this.#assignment;
    this.#services.log.info('load passes something over', {
      job: plan.jobName,
      task: taskId,
      text,
    });
    this.#send([], text);
  }

  /** Ends the task: `drain` commits what was read, otherwise it is dropped. Resolves when it is gone. */
  async stop(drain: boolean): Promise<void> {
    if (this.#state === 'running') this.#state = 'draining';
    this.#reading.abort(fail('CANCELLED'));
    if (!drain) this.#working.abort(fail('CANCELLED'));
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { source, log } = this.#services;
    const { taskId, plan } = this.#assignment;
    try {
      await this.#readAll();
    } catch (thrown) {
      // What was read before the failure is committed all the same.
      await this.#tail;
      if (!this.#reading.signal.aborted) this.#fail(toAppError(thrown));
    }
    await source.close().catch((error: unknown) => log.warn('source did not close', { error }));
    this.#state = 'ended';
    const error = this.#failure;
    if (error?.code === 'LEASE_LOST')
      log.info('load task lost its lease', { job: plan.jobName, task: taskId });
    if (error === null || error.code === 'LEASE_LOST' || error.code === 'CANCELLED') return;
    if (this.#working.signal.aborted) return;
    if (error.code === 'LOAD_SCHEMA_CHANGED')
      log.info('load waits for a change of its table', { job: plan.jobName, task: taskId });
    else log.warn('load task ends', { job: plan.jobName, task: taskId, error });
    await reportFailure(this.#services, this.#assignment, error, this.#working.signal);
  }

  async #readAll(): Promise<void> {
    const { clock, source, budget } = this.#services;
    const { limits } = this.#assignment.plan;
    const { signal } = this.#reading;
    const pace = new BatchPace(Math.min(limits.freshnessMs, limits.maxBatchIntervalMs));
    let lastBatchMs = clock.monotonicMs() - pace.tickMs;
    for (;;) {
      await budget.room(signal);
      const { tickMs } = pace;
      const waitMs = source.behind ? 0 : lastBatchMs + tickMs - clock.monotonicMs();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      const startedMs = clock.monotonicMs();
      const raw = await source.read(
        {
          maxRows: limits.maxBatchRows,
          maxBytes: Math.min(limits.maxBatchBytes, budget.limitBytes / BATCHES_IN_BUDGET),
          waitMs: IDLE_WAIT_MS,
          fillMs: tickMs,
        },
        signal,
      );
      if (raw === null) {
        this.#report();
        continue;
      }
      lastBatchMs = clock.monotonicMs();
      failpoint('task.after-fetch');
      const giveBack = budget.take(raw.heldBytes);
      const { behind } = source;
      const readMs = lastBatchMs;
      await this.#slot();
      this.#launch(raw, giveBack, startedMs, () => {
        // Batches of a backlog queue behind each other: that says nothing about a stream.
        if (!behind) pace.note(clock.monotonicMs() - readMs);
      });
      // Packing is synchronous: answers of the FE and other tasks get their turn in between.
      await clock.sleep(0, signal);
    }
  }

  /** Waits until a further batch may be staged. Never long: those before it end, whatever happens. */
  async #slot(): Promise<void> {
    const { maxBatchBytes } = this.#assignment.plan.limits;
    const atOnce = maxBatchBytes < LEAST_SHARED_BYTES ? 1 : STAGING_AT_ONCE;
    while (this.#staging >= atOnce || this.#uncommitted >= UNCOMMITTED) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = resolve;
      await promise;
      this.#wakeReader = null;
    }
  }

  /** Sends a batch on its way: begin, pack, stage at once, then commit in its turn. Its memory is given back when its files are durable. */
  #launch(raw: RawBatch, giveBack: () => void, startedMs: number, onCommitted: () => void): void {
    this.#staging += 1;
    this.#uncommitted += 1;
    const staged = this.#stage(raw).finally(() => {
      raw.release();
      giveBack();
      this.#staging -= 1;
      this.#wakeReader?.();
    });
    // Its turn to be looked at comes later; until then a failure must not count as unhandled.
    staged.catch(() => undefined);
    this.#tail = this.#tail
      .then(async () => this.#commit(await staged, startedMs))
      .then(onCommitted)
      .catch((thrown: unknown) => this.#fail(toAppError(thrown)))
      .then(() => {
        this.#uncommitted -= 1;
        this.#wakeReader?.();
      });
  }

  async #stage(raw: RawBatch): Promise<Staged> {
    const { port, clock, stager, connections } = this.#services;
    using limit = this.#taskLimit();
    const signal = AbortSignal.any([this.#working.signal, limit.signal]);
    let packed: PackedBatch | null = null;
    try {
      // The answer travels while the batch is packed.
      const beginning = beginBatch(port, clock, this.#assignment, signal);
      beginning.catch(() => undefined);
      const lines = await this.#pack(raw, signal).catch((thrown: unknown) => {
        const reason = toAppError(thrown).message;
        beginning.then((begun) => this.#abort(begun, reason)).catch(() => undefined);
        throw thrown;
      });
      packed = lines;
      const begun = await beginning;
      try {
        const batch = await connections.use((connection) =>
          stager.stage(lines, begun, connection, signal),
        );
        failpoint('task.after-stage');
        return { begun, batch };
      } catch (thrown) {
        this.#abort(begun, toAppError(thrown).message);
        throw thrown;
      }
    } finally {
      packed?.file.close();
    }
  }

  async #pack(raw: RawBatch, signal: AbortSignal): Promise<PackedBatch> {
    const { stager } = this.#services;
    await stager.prepare(raw, signal);
    return stager.pack(raw);
  }

  /** Aborts a batch that takes longer than the job allows (`task_timeout_second`). */
  #taskLimit(): Disposable & { readonly signal: AbortSignal } {
    const { taskTimeoutMs } = this.#assignment.plan.limits;
    const ended = new AbortController();
    const timer =
      taskTimeoutMs === undefined
        ? undefined
        : this.#services.clock.after(taskTimeoutMs, () =>
            ended.abort(
              fail('TIMEOUT', {
                what: 'a batch',
                timeoutMs: taskTimeoutMs,
                hint: 'raise task_timeout_second of the job',
              }),
            ),
          );
    return { signal: ended.signal, [Symbol.dispose]: () => timer?.cancel() };
  }

  async #commit({ begun, batch }: Staged, startedMs: number): Promise<void> {
    const { port, clock } = this.#services;
    const { taskId, epoch, plan } = this.#assignment;
    const { transactionId } = begun;
    if (this.#failure !== null || this.#isOver) {
      this.#abort(begun, this.#failure?.message ?? 'the task is over');
      return;
    }
    const executeMs = Math.max(1, Math.round(clock.monotonicMs() - startedMs));
    const request = { transactionId, taskId, epoch, jobId: plan.jobId, executeMs, ...batch };
    const result = await commitBatch(port, clock, request, this.#working.signal);
    if (result.state === 'ABORTED' && result.continueTask)
      throw fail('LOAD_ABORTED', { transactionId });
    if (result.state === 'VISIBLE') {
      this.#commits += 1;
      for (const partition of batch.progress) this.#rowsLoaded += partition.rowsLoaded;
    }
    if (!result.continueTask) {
      this.#isOver = true;
      this.#reading.abort(fail('CANCELLED'));
    }
  }

  /** Tells the FE that a transaction will not be committed. Without an answer it times out there. */
  #abort({ transactionId }: BegunTransaction, reason: string): void {
    this.#services.port
      .abort({ transactionId, reason })
      .catch((error: unknown) =>
        this.#services.log.debug('abort not answered', { transactionId, error }),
      );
  }

  #fail(error: AppError): void {
    this.#failure ??= error;
    this.#reading.abort(error);
  }

  /** End offsets of partitions without traffic, for lag: when they changed, and now and then to learn of a lost lease. */
  #report(): void {
    const { clock, source } = this.#services;
    const positions = source.latestOffsets();
    const key = positions.map((p) => `${p.topic}:${p.partition}:${p.latestOffset}`).join(' ');
    const nowMs = clock.monotonicMs();
    if (key === this.#reported.key && nowMs < this.#reported.ms + REPORT_AGAIN_MS) return;
    this.#reported = { key, ms: nowMs };
    // What was known before the trouble is no news.
    this.#send(this.#trouble === null ? positions : [], null);
  }

  #send(positions: ReturnType<Source['latestOffsets']>, trouble: string | null): void {
    const { port, log } = this.#services;
    const { taskId, epoch } = this.#assignment;
    port.reportPositions({ taskId, epoch, positions, trouble }).catch((thrown: unknown) => {
      const error = toAppError(thrown);
      if (error.code === 'LEASE_LOST') this.#fail(error);
      else log.debug('positions not reported', { task: taskId, error });
    });
  }
}
