// How long Kafka will keep what a job has not read yet: looked at now and then, for jobs that are behind and for paused
// ones. Holds no truth: what it found is forgotten with the process and found again.
import type { Clock } from '../../base/clock.ts';
import { toAppError } from '../../base/errors.ts';
import type { JobId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { Semaphore } from '../../base/queue.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord, PositionRecord } from '../../catalog/load-jobs.ts';
import { parseKafkaProperties } from '../../kafka/client/properties.ts';
import type { TopicRetention, UnreadPart } from '../../kafka/client/unread.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { kafkaConnection } from './definition.ts';
import { messagesBehind } from './health.ts';
import { parseDefinition } from './service.ts';

export interface RetentionProbe {
  /** The topic's retention, and what lies behind the positions. Throws AppErrors that say what could not be asked. */
  unread(
    connection: KafkaConnectionSpec,
    topic: string,
    positions: readonly { readonly partition: number; readonly offset: bigint }[],
    isolation: 'read_committed' | 'read_uncommitted',
    signal: AbortSignal,
  ): Promise<{ readonly retention: TopicRetention; readonly parts: readonly UnreadPart[] }>;
}

export interface RetentionWatchOptions {
  readonly catalog: Catalog;
  readonly probe: RetentionProbe;
  readonly clock: Clock;
  readonly log: Log;
  /** Below this a job is warned; less for a topic that keeps messages for a short time. */
  readonly warnMs: () => number;
}

interface Seen {
  /** Of the position that it was looked at with; another one now makes it void. */
  readonly offset: bigint;
  /** When the partition may begin behind the position, by the catalog's clock; null = not known, or never. */
  readonly goneMs: number | null;
  readonly logStart: bigint;
  readonly atMs: number;
  readonly retentionMs: number | null;
}

/** A job's Kafka has so long for all answers of a look. */
const LOOK_MS = 20_000;
const JOBS_AT_ONCE = 4;
/** After a look that failed: a paused job must not knock at its Kafka all the time, with a login that is refused maybe. */
const FAILED_WAIT_MS = 600_000;
/** With topics that are kept for less than four times the threshold, the last quarter of that time is warned of. */
const PART_OF_RETENTION = 4;

export class RetentionWatch {
  readonly #options: RetentionWatchOptions;
  readonly #seen = new Map<JobId, ReadonlyMap<string, Seen>>();
  /** Monotonic: jobs whose look failed, and when the next is due. */
  readonly #dueMs = new Map<JobId, number>();
  readonly #places = new Semaphore(JOBS_AT_ONCE);
  readonly #stopping = new AbortController();
  #pass: Promise<void> | null = null;

  constructor(options: RetentionWatchOptions) {
    this.#options = options;
  }

  /** Milliseconds until Kafka may delete the first message of the partition that was not read; null = none waits, none goes, or nobody knows. */
  leftMs(jobId: JobId, position: PositionRecord): number | null {
    const seen = this.#seen.get(jobId)?.get(placeOf(position));
    if (seen === undefined || seen.goneMs === null || seen.offset !== position.nextOffset)
      return null;
    return Math.max(0, seen.goneMs - this.#options.catalog.nowMs());
  }

  /** What the user should do something about, of the partition that is most in danger; null = nothing. */
  warning(jobId: JobId, positions: readonly PositionRecord[]): string | null {
    let worst: { readonly leftMs: number; readonly text: string } | null = null;
    for (const position of positions) {
      const leftMs = this.leftMs(jobId, position);
      const retentionMs = this.#seen.get(jobId)?.get(placeOf(position))?.retentionMs ?? null;
      const shortMs =
        retentionMs === null ? Number.POSITIVE_INFINITY : retentionMs / PART_OF_RETENTION;
      const isDue = leftMs !== null && leftMs < Math.min(this.#options.warnMs(), shortMs);
      if (!isDue || leftMs >= (worst?.leftMs ?? Number.POSITIVE_INFINITY)) continue;
      const waiting = messagesBehind([position]);
      const where = `partition ${position.partition} of topic ${position.topic}`;
      const when = leftMs === 0 ? 'any time now' : `in ${durationText(leftMs)}`;
      const keeps = retentionMs === null ? '' : `; retention.ms of the topic is ${retentionMs}`;
      const text = `Kafka may delete messages of ${where} before they are read, ${when} (${waiting} wait${keeps})`;
      worst = { leftMs, text };
    }
    return worst?.text ?? null;
  }

  /** Looks at all jobs; one pass at a time. Never rejects. */
  look(): Promise<void> {
    this.#pass ??= this.#lookAtAll().finally(() => {
      this.#pass = null;
    });
    return this.#pass;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#pass;
  }

  async #lookAtAll(): Promise<void> {
    const { catalog, log } = this.#options;
    try {
      const jobs = await catalog.loadJobs.list({ all: false });
      const live = new Set(jobs.map((job) => job.id));
      for (const known of [this.#seen, this.#dueMs])
        for (const jobId of known.keys()) if (!live.has(jobId)) known.delete(jobId);
      const positions = await catalog.loadJobs.allPositions();
      await Promise.all(
        jobs.map((job) => this.#places.run(() => this.#lookAt(job, positions.get(job.id) ?? []))),
      );
    } catch (error) {
      log.warn('the retention of unread messages was not looked at', { error });
    }
  }

  async #lookAt(job: LoadJobRecord, all: readonly PositionRecord[]): Promise<void> {
    const { catalog, clock, probe, log } = this.#options;
    const positions = all.filter((position) => position.nextOffset >= 0n && mayWait(job, position));
    if (this.#stopping.signal.aborted || positions.length === 0) {
      this.#seen.delete(job.id);
      return;
    }
    if (clock.monotonicMs() < (this.#dueMs.get(job.id) ?? 0)) return;
    const ended = new AbortController();
    const timer = clock.after(LOOK_MS, () => ended.abort());
    try {
      const definition = parseDefinition(job);
      const connection = await kafkaConnection(catalog, job.databaseId, definition);
      const isolation = parseKafkaProperties(definition.source.custom)['isolation.level'];
      const signal = AbortSignal.any([ended.signal, this.#stopping.signal]);
      const found = new Map<string, Seen>();
      for (const [topic, own] of Map.groupBy(positions, (position) => position.topic)) {
        const asked = own.map(({ partition, nextOffset }) => ({ partition, offset: nextOffset }));
        const { retention, parts } = await probe.unread(
          connection,
          topic,
          asked,
          isolation,
          signal,
        );
        for (const part of parts) {
          const position = own.find(({ partition }) => partition === part.partition);
          if (position === undefined) continue;
          const before = this.#seen.get(job.id)?.get(placeOf(position)) ?? null;
          found.set(placeOf(position), seenNow(position, part, retention, before, catalog.nowMs()));
        }
        // Nobody else does it for a job that does not run: its lag goes on.
        if (job.state !== 'RUNNING') {
          const ends = parts.map(({ partition, end }) => ({ partition, latestOffset: end }));
          await catalog.loadJobs.reportLatest(job.id, topic, ends);
        }
      }
      this.#seen.set(job.id, found);
      this.#dueMs.delete(job.id);
    } catch (thrown) {
      // What was seen before still says when: it is not forgotten.
      this.#dueMs.set(job.id, clock.monotonicMs() + FAILED_WAIT_MS);
      log.debug('the retention of a job was not seen', {
        job: job.name,
        error: toAppError(thrown),
      });
    } finally {
      timer.cancel();
    }
  }
}

/** A running task says what waits; of another job nobody does. */
function mayWait({ state }: LoadJobRecord, position: PositionRecord): boolean {
  return state !== 'RUNNING' || position.latestOffset === null || messagesBehind([position]) > 0n;
}

/** Pure. `before`: what was seen the last time. */
export function seenNow(
  position: Pick<PositionRecord, 'nextOffset' | 'lastTimestampMs'>,
  part: UnreadPart,
  retention: TopicRetention,
  before: Pick<Seen, 'logStart' | 'atMs'> | null,
  nowMs: number,
): Seen {
  const { nextOffset, lastTimestampMs } = position;
  const { logStart, end } = part;
  const { retentionMs } = retention;
  const goneMs = ((): number | null => {
    if (nextOffset >= end || !retention.deletes) return null;
    if (logStart > nextOffset) return nowMs;
    // As old as the last message that was read, or younger.
    const oldestMs = part.oldestMs ?? lastTimestampMs;
    const byTime = oldestMs === null || retentionMs === null ? null : oldestMs + retentionMs;
    const byTrend = trend(nextOffset - logStart, before, logStart, nowMs);
    if (byTime === null || byTrend === null) return byTime ?? byTrend;
    return Math.min(byTime, byTrend);
  })();
  return { offset: nextOffset, goneMs, logStart, atMs: nowMs, retentionMs };
}

/** When the beginning of the log gets to the position, if it goes on as since the last look; null = it does not move. */
function trend(
  distance: bigint,
  before: Pick<Seen, 'logStart' | 'atMs'> | null,
  logStart: bigint,
  nowMs: number,
): number | null {
  if (before === null || logStart <= before.logStart || nowMs <= before.atMs) return null;
  const perMs = Number(logStart - before.logStart) / (nowMs - before.atMs);
  return nowMs + Number(distance) / perMs;
}

function placeOf({ topic, partition }: PositionRecord): string {
  return `${topic} ${partition}`;
}

const MINUTE_MS = 60_000;

function durationText(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes === 0) return `${Math.ceil(ms / 1000)} s`;
  if (minutes < 120) return `${minutes} minutes`;
  return `${Math.floor(minutes / 60)} hours`;
}
