// Keeps every running Routine Load job's tasks alive: grants leases, sends plans to the loader, finds
// new partitions, decides by an error's kind between retry with back-off and PAUSED. Holds no truth:
// states, positions and leases are in the catalog; losing this object loses nothing.
import type { Clock, Timer } from '../../base/clock.ts';
import { type AppError, toAppError } from '../../base/errors.ts';
import { asId, type JobId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { Mutex } from '../../base/queue.ts';
import type { Random } from '../../base/random.ts';
import type { Catalog, VolumeRecord } from '../../catalog/catalog.ts';
import type { LeaseRecord, LoadJobRecord, PositionRecord } from '../../catalog/load-jobs.ts';
import type { TaskAssignment } from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import { propertyOf } from '../properties.ts';
import {
  buildPlan,
  kafkaConnection,
  type RoutineLoadDefinition,
  toStartOffset,
} from './definition.ts';
import { JOB_PROPERTIES } from './properties.ts';
import { parseDefinition, REASONS, type TopicProbe } from './service.ts';

/** The loader process as the scheduler needs it. */
export interface LoaderPort {
  startTask(assignment: TaskAssignment): Promise<void>;
  stopTask(taskId: string, drain: boolean): Promise<void>;
}

export interface SchedulerOptions {
  readonly catalog: Catalog;
  readonly probe: TopicProbe;
  readonly loader: LoaderPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: string;
  readonly maxTasksPerJob: number;
  readonly freshnessMs: number;
  readonly maxMessageBytes: number;
  /** How often partitions are looked for and the jobs are gone through. */
  readonly intervalMs: number;
  /** Where rejected rows of a job's table go. */
  readonly rejectedTarget: (volume: VolumeRecord) => Promise<TaskAssignment['plan']['rejected']>;
}

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 30_000;
/** Bugs are tried again this often before a person is asked. */
const MAX_INTERNAL_ATTEMPTS = 3;
/** One loader runs beside this FE. */
const ALIVE_NODES = 1;
const MAX_BATCH_ROWS = 500_000;
const MAX_BATCH_BYTES = 64 * 1024 * 1024;

interface JobRuntime {
  attempts: number;
  internalAttempts: number;
  notBeforeMs: number;
  lastDiscoveryMs: number;
}

export class RoutineLoadScheduler {
  readonly #options: SchedulerOptions;
  readonly #runtime = new Map<number, JobRuntime>();
  readonly #turn = new Mutex();
  #timer: Timer | undefined;
  #woken = false;
  #stopped = true;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Ends leases of an earlier life of this FE, then goes through the jobs. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#options.catalog.leases.revokeNode(this.#options.node, 'the FE started anew');
    this.wake();
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => this.wake());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#turn.run(async () => undefined);
  }

  /** Goes through all jobs soon. Calls while a pass is waiting to begin are one. */
  wake(): void {
    if (this.#woken || this.#stopped) return;
    this.#woken = true;
    void this.#turn.run(async () => {
      this.#woken = false;
      if (!this.#stopped) await this.#pass();
    });
  }

  /** A paused or stopped job: takes its leases away, then stops its tasks (they could not commit any more). */
  async forget(jobId: number): Promise<void> {
    const { catalog, loader, log } = this.#options;
    const id = asId<JobId>(jobId);
    const leases = await catalog.leases.list(id);
    await catalog.leases.revokeJob(id, 'the job no longer runs');
    this.#runtime.delete(jobId);
    await Promise.all(
      leases.map((lease) =>
        loader
          .stopTask(lease.taskId, false)
          .catch((error: unknown) =>
            log.warn('task did not stop in time', { task: lease.taskId, error }),
          ),
      ),
    );
  }

  /** The loader process ended: its tasks are gone, others take over from the committed positions. */
  async onLoaderGone(): Promise<void> {
    await this.#options.catalog.leases.revokeNode(this.#options.node, 'the loader process ended');
    this.wake();
  }

  /** A task that commits is healthy: back-off starts anew. */
  onCommitted(jobId: number): void {
    const runtime = this.#runtime.get(jobId);
    if (runtime === undefined) return;
    runtime.attempts = 0;
    runtime.internalAttempts = 0;
  }

  /** A task ended by itself. Retriable errors wait and start again; the rest pause the job. */
  async onTaskFailed(taskId: string, epoch: number, thrown: AppError): Promise<void> {
    const { catalog, log } = this.#options;
    const lease = await catalog.leases.find(taskId);
    if (lease === null || lease.epoch !== epoch) return;
    await catalog.leases.revoke(taskId, thrown.message);
    await catalog.loadJobs.countAborted(lease.jobId, 1);
    log.warn('routine load task failed', { job: lease.jobId, task: taskId, error: thrown });
    await this.#onError(lease.jobId, thrown);
    this.wake();
  }

  async #onError(jobId: JobId, error: AppError): Promise<void> {
    const { catalog, clock, log } = this.#options;
    const runtime = this.#runtimeOf(jobId);
    await catalog.loadJobs.setOtherMessage(jobId, error.fullMessage);
    runtime.attempts += 1;
    if (error.kind === 'internal') runtime.internalAttempts += 1;
    const pause = error.kind === 'user' || runtime.internalAttempts >= MAX_INTERNAL_ATTEMPTS;
    if (pause) {
      log.warn('routine load paused', { job: jobId, error });
      await catalog.loadJobs.setState(jobId, ['NEED_SCHEDULE', 'RUNNING'], 'PAUSED', {
        errCode:
          error.code === 'LOAD_TOO_MANY_FILTERED' ? REASONS.tooManyFailureRows : REASONS.tasksAbort,
        message: error.fullMessage,
      });
      await this.forget(jobId);
      return;
    }
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (runtime.attempts - 1), MAX_BACKOFF_MS);
    runtime.notBeforeMs = clock.monotonicMs() + backoffMs;
    clock.after(backoffMs, () => this.wake());
  }

  #runtimeOf(jobId: number): JobRuntime {
    const known = this.#runtime.get(jobId);
    if (known !== undefined) return known;
    const fresh = { attempts: 0, internalAttempts: 0, notBeforeMs: 0, lastDiscoveryMs: 0 };
    this.#runtime.set(jobId, fresh);
    return fresh;
  }

  async #pass(): Promise<void> {
    const { catalog, clock, log } = this.#options;
    try {
      for (const job of await catalog.loadJobs.list({ all: false })) {
        if (job.state === 'PAUSED') continue;
        if (this.#runtimeOf(job.id).notBeforeMs > clock.monotonicMs()) continue;
        await this.#schedule(job).catch((error: unknown) =>
          this.#onError(job.id, toAppError(error)),
        );
      }
    } catch (error) {
      log.error('scheduling routine loads failed', { error });
    }
  }

  async #schedule(job: LoadJobRecord): Promise<void> {
    const { catalog } = this.#options;
    const definition = parseDefinition(job);
    const positions = await this.#discover(job, definition);
    const leases = await catalog.leases.list(job.id);
    if (leases.length > 0 && coversAll(leases, positions)) return;
    // Fewer or other partitions than wanted: all tasks of the job start anew from committed positions.
    await catalog.leases.revokeJob(job.id, 'tasks are assigned anew');
    await Promise.all(leases.map((lease) => this.#options.loader.stopTask(lease.taskId, false)));
    const table = await catalog.tables.byId(job.tableId);
    if (table === null) return;
    const fresh = await catalog.loadJobs.positions(job.id);
    const taskCount = Math.min(
      ALIVE_NODES,
      fresh.length,
      Number(propertyOf(JOB_PROPERTIES, definition.properties, 'desired_concurrent_number')),
      this.#options.maxTasksPerJob,
    );
    // As StarRocks: RUNNING once the job is divided into tasks, before they answer.
    await catalog.loadJobs.setState(job.id, ['NEED_SCHEDULE'], 'RUNNING', null);
    for (let index = 0; index < taskCount; index += 1) {
      const group = fresh.filter((_, at) => at % taskCount === index);
      await this.#startTask(job, definition, table, group);
    }
  }

  async #startTask(
    job: LoadJobRecord,
    definition: RoutineLoadDefinition,
    table: TableInfo,
    positions: readonly PositionRecord[],
  ): Promise<void> {
    const { catalog, loader, random, node, log } = this.#options;
    const volume = await catalog.volumes.byId(table.volumeId);
    const taskId = random.uuid();
    const lease = await catalog.leases.grant({
      taskId,
      jobId: job.id,
      node,
      partitions: positions.map(({ topic, partition }) => ({ topic, partition })),
    });
    const plan = buildPlan({
      jobId: job.id,
      jobName: job.name,
      userName: job.userName,
      definition,
      table,
      target: {
        tableId: table.id,
        databaseName: table.databaseName,
        tableName: table.name,
        volume,
        prefix: table.prefix,
      },
      rejected: await this.#options.rejectedTarget(volume),
      partitions: positions.map(({ partition, nextOffset }) => ({ partition, offset: nextOffset })),
      limits: {
        maxBatchRows: MAX_BATCH_ROWS,
        maxBatchBytes: MAX_BATCH_BYTES,
        maxBatchIntervalMs:
          Number(propertyOf(JOB_PROPERTIES, definition.properties, 'max_batch_interval')) * 1000,
        freshnessMs: this.#options.freshnessMs,
        maxMessageBytes: this.#options.maxMessageBytes,
      },
    });
    try {
      await loader.startTask({ taskId, epoch: lease.epoch, plan });
      log.info('routine load task started', { job: job.name, task: taskId, epoch: lease.epoch });
    } catch (error) {
      // The task may run although its answer was lost: without a lease it cannot commit.
      await catalog.leases.revoke(taskId, 'the task did not start');
      throw error;
    }
  }

  /** Positions of all wanted partitions; new ones of the topic are added (from 0, so that no row is skipped). */
  async #discover(
    job: LoadJobRecord,
    definition: RoutineLoadDefinition,
  ): Promise<readonly PositionRecord[]> {
    const { catalog, probe, clock, intervalMs } = this.#options;
    const positions = await catalog.loadJobs.positions(job.id);
    const runtime = this.#runtimeOf(job.id);
    const dueMs = runtime.lastDiscoveryMs + intervalMs;
    if (definition.source.partitions !== null || clock.monotonicMs() < dueMs) return positions;
    const { topic } = definition.source;
    const connection = kafkaConnection(definition);
    const found = await probe.partitions(connection, topic);
    runtime.lastDiscoveryMs = clock.monotonicMs();
    const added = found.filter(
      (partition) => !positions.some((entry) => entry.partition === partition),
    );
    if (added.length === 0) return positions;
    const start = toStartOffset(definition.source.defaultOffset ?? '0');
    const resolved =
      typeof start === 'bigint'
        ? null
        : await probe.offsets(
            connection,
            topic,
            added,
            start === 'OFFSET_END' ? 'latest' : 'earliest',
          );
    await catalog.loadJobs.addPositions(
      job.id,
      added.map((partition) => ({
        topic,
        partition,
        nextOffset: typeof start === 'bigint' ? start : (resolved?.get(partition) ?? 0n),
      })),
    );
    return catalog.loadJobs.positions(job.id);
  }
}

function coversAll(leases: readonly LeaseRecord[], positions: readonly PositionRecord[]): boolean {
  const held = new Set(leases.flatMap((lease) => lease.partitions.map((entry) => entry.partition)));
  return positions.every((position) => held.has(position.partition));
}
