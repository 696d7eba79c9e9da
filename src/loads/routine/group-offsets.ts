// Copies of the positions in Kafka, for jobs that ask for them (property.enable.auto.commit): so that Kafka's own tools
// show the lag of the job's group. Always behind the commit, never the truth: nothing reads them again.
import type { Clock } from '../../base/clock.ts';
import { toAppError } from '../../base/errors.ts';
import type { JobId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { Semaphore } from '../../base/queue.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord, PositionRecord } from '../../catalog/load-jobs.ts';
import type { GroupOffset } from '../../kafka/client/group-offsets.ts';
import { parseKafkaProperties } from '../../kafka/client/properties.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { kafkaConnection, type RoutineLoadDefinition } from './definition.ts';
import { parseDefinition } from './service.ts';

export interface GroupProbe {
  /** Throws AppErrors that say why the group did not take them. */
  commitGroup(
    connection: KafkaConnectionSpec,
    groupId: string,
    offsets: readonly GroupOffset[],
    signal: AbortSignal,
  ): Promise<void>;
}

export interface GroupOffsetsOptions {
  readonly catalog: Catalog;
  readonly probe: GroupProbe;
  readonly clock: Clock;
  readonly log: Log;
}

const JOBS_AT_ONCE = 4;
const COPY_MS = 20_000;
/** After a failure, at most so long until the next try. */
const MAX_BACKOFF_MS = 60_000;

interface Copied {
  /** What the group has, as text. */
  readonly key: string;
  /** Monotonic: not before. */
  readonly dueMs: number;
  readonly failures: number;
}

export class GroupOffsetCopies {
  readonly #options: GroupOffsetsOptions;
  readonly #copied = new Map<JobId, Copied>();
  readonly #places = new Semaphore(JOBS_AT_ONCE);
  readonly #stopping = new AbortController();
  #pass: Promise<void> | null = null;

  constructor(options: GroupOffsetsOptions) {
    this.#options = options;
  }

  /** Copies the positions of all jobs that are due; one pass at a time. Never rejects. */
  copy(): Promise<void> {
    this.#pass ??= this.#copyAll().finally(() => {
      this.#pass = null;
    });
    return this.#pass;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#pass;
  }

  async #copyAll(): Promise<void> {
    const { catalog, log } = this.#options;
    try {
      const jobs = await catalog.loadJobs.list({ all: false });
      const live = new Set(jobs.map((job) => job.id));
      const gone = [...this.#copied.keys()].filter((jobId) => !live.has(jobId));
      const asking = [...jobs, ...(await this.#lastCopies(gone))].flatMap((job) => {
        const definition = parseDefinition(job);
        return wantsCopies(definition) ? [{ job, definition }] : [];
      });
      const positions =
        asking.length === 0
          ? new Map<JobId, readonly PositionRecord[]>()
          : await catalog.loadJobs.allPositions();
      await Promise.all(
        asking.map(({ job, definition }) =>
          this.#places.run(() => this.#copyOf(job, definition, positions.get(job.id) ?? [])),
        ),
      );
      for (const jobId of gone) this.#copied.delete(jobId);
    } catch (error) {
      log.warn('positions were not copied to consumer groups', { error });
    }
  }

  /** Those of the jobs that there still are, due now: they get one more copy, whatever becomes of it. */
  async #lastCopies(gone: readonly JobId[]): Promise<readonly LoadJobRecord[]> {
    const ended: LoadJobRecord[] = [];
    for (const jobId of gone) {
      const before = this.#copied.get(jobId);
      const job = await this.#options.catalog.loadJobs.byId(jobId);
      if (job === null || before === undefined) continue;
      this.#copied.set(jobId, { ...before, dueMs: 0 });
      ended.push(job);
    }
    return ended;
  }

  async #copyOf(
    job: LoadJobRecord,
    definition: RoutineLoadDefinition,
    positions: readonly PositionRecord[],
  ): Promise<void> {
    const { catalog, clock, probe, log } = this.#options;
    const offsets = positions
      .filter(({ nextOffset }) => nextOffset >= 0n)
      .map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: nextOffset }));
    const key = offsets.map((one) => `${one.topic} ${one.partition} ${one.offset}`).join();
    const before = this.#copied.get(job.id) ?? { key: '', dueMs: 0, failures: 0 };
    const nowMs = clock.monotonicMs();
    if (key === before.key || nowMs < before.dueMs || this.#stopping.signal.aborted) return;
    const intervalMs = parseKafkaProperties(definition.source.custom)['auto.commit.interval.ms'];
    const ended = new AbortController();
    const timer = clock.after(COPY_MS, () => ended.abort());
    try {
      const connection = await kafkaConnection(catalog, job.databaseId, definition);
      const signal = AbortSignal.any([ended.signal, this.#stopping.signal]);
      await probe.commitGroup(connection, job.groupId, offsets, signal);
      this.#copied.set(job.id, { key, dueMs: nowMs + intervalMs, failures: 0 });
    } catch (thrown) {
      const error = toAppError(thrown);
      const failures = before.failures + 1;
      const waitMs = Math.min(intervalMs * 2 ** failures, Math.max(intervalMs, MAX_BACKOFF_MS));
      this.#copied.set(job.id, { key: before.key, dueMs: nowMs + waitMs, failures });
      log.warn('positions were not copied to the consumer group', { job: job.name, error });
      // Told once: the loads go on without the copies.
      if (failures > 1 || this.#stopping.signal.aborted) return;
      await catalog.loadJobs.setOtherMessage(
        job.id,
        `positions were not copied to group ${job.groupId}: ${error.fullMessage}`,
      );
    } finally {
      timer.cancel();
    }
  }
}

function wantsCopies({ source }: RoutineLoadDefinition): boolean {
  return parseKafkaProperties(source.custom)['enable.auto.commit'];
}
