// Reads a plan's Kafka partitions: one Fetch under way per leader, the next one sent before the last is
// decoded while there is more to read. Positions move only past what was shown or counted. Retriable
// trouble is retried here for a while, visibly; what only a person can mend ends the task.
import type { Clock } from '../../base/clock.ts';
import { type AppError, fail, toAppError } from '../../base/errors.ts';
import {
  type FetchAnswer,
  type FetchedPartition,
  groupByReader,
  type KafkaCluster,
  type TopicView,
} from '../../kafka/client/cluster.ts';
import {
  BATCH,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_PREFIX_BYTES,
} from '../../kafka/protocol/batch-header.ts';
import { DecodeWorkspace, RecordCursor } from '../../kafka/protocol/record-batch.ts';
import type { KafkaSourceSpec, TopicPartitions } from '../../model/load-plan.ts';
import type { RawBatch, Source, SourceLimits, SourceTrouble } from '../types.ts';
import { BatchBuilder, type BatchMemory } from './batch-builder.ts';
import type { FetchTuning } from './fetch-tuning.ts';

export interface KafkaSourceOptions {
  readonly cluster: KafkaCluster;
  readonly spec: TopicPartitions & Pick<KafkaSourceSpec, 'isolation'>;
  readonly tuning: FetchTuning;
  readonly clock: Clock;
  /** Shared by all sources of a process. */
  readonly memory: BatchMemory;
  /** Called when retrying begins or goes on, and with null when it is over. */
  readonly onTrouble: (trouble: SourceTrouble | null) => void;
}

/**
 * A batch of expanded answers ends at so many times the limit, in the middle of an answer too; the rest is fetched again.
 * Common data stays below: it would be fetched several times for nothing.
 */
const EXPANDED_LIMITS = 4;
/** Least share of a Fetch answer that a partition gets when nothing else is said. */
const MIN_PARTITION_BYTES = 1024 * 1024;
/** Trouble that lasts longer ends the task: the scheduler shows it and starts another with its own back-off. */
const TROUBLE_LIMIT_MS = 15_000;

interface Partition {
  readonly partition: number;
  readonly cursor: RecordCursor;
  /** Next offset to decode: all below was shown or counted. */
  position: bigint;
  /** Next offset to ask for: ahead of `position` by the answer that waits for decoding. */
  askFrom: bigint;
  latest: bigint;
  behind: boolean;
  /** Part of a Fetch under way, or of an answer that nobody looked at yet. */
  asked: boolean;
}

interface Asked {
  readonly positions: ReadonlyMap<number, bigint>;
  readonly answer: FetchAnswer | null;
  readonly error: AppError | null;
}

export class KafkaSource implements Source {
  readonly #options: KafkaSourceOptions;
  readonly #partitions: readonly Partition[];
  readonly #lanes = new Set<Promise<Asked>>();
  readonly #arrived: Asked[] = [];
  readonly #closing = new AbortController();
  /** Of the topic that the positions are of, else the one this task began with: they mean nothing in one that was made anew. */
  #topicId: string | null;
  #failure: AppError | null = null;
  #troubleSinceMs: number | null = null;
  #attempts = 0;
  #retryAtMs = 0;
  #rotation = 0;
  #wake: (() => void) | null = null;

  constructor(options: KafkaSourceOptions) {
    this.#options = options;
    this.#topicId = options.spec.topicId ?? null;
    // Partitions are decoded one after the other, so they share the decoder's memory.
    const workspace = new DecodeWorkspace();
    this.#partitions = options.spec.partitions.map(({ partition, offset }) => ({
      partition,
      cursor: new RecordCursor(workspace),
      position: offset,
      askFrom: offset,
      latest: -1n,
      behind: true,
      asked: false,
    }));
  }

  get behind(): boolean {
    return this.#arrived.length > 0 || this.#partitions.some((p) => p.behind);
  }

  latestOffsets(): ReturnType<Source['latestOffsets']> {
    const { topic } = this.#options.spec;
    return this.#partitions
      .filter((p) => p.latest >= 0n)
      .map(({ partition, latest }) => ({ topic, partition, latestOffset: latest }));
  }

  async read(limits: SourceLimits, signal: AbortSignal): Promise<RawBatch | null> {
    const { clock, spec, memory } = this.#options;
    if (this.#failure !== null) throw this.#failure;
    const builder = new BatchBuilder(spec.topic, memory);
    const startedMs = clock.monotonicMs();
    let firstDataMs: number | null = null;
    try {
      for (;;) {
        signal.throwIfAborted();
        await this.#ask(limits.waitMs, signal);
        const untilMs =
          firstDataMs === null ? startedMs + limits.waitMs : firstDataMs + limits.fillMs;
        await this.#waitForAnswer(untilMs, signal);
        for (const asked of this.#arrived.splice(0))
          await this.#take(asked, builder, limits, signal);
        const nowMs = clock.monotonicMs();
        if (builder.hasData) {
          firstDataMs ??= nowMs;
          const full =
            builder.messageCount >= limits.maxRows || builder.heldBytes >= limits.maxBytes;
          const over = nowMs >= firstDataMs + limits.fillMs || !this.behind;
          if (full || over || this.#failure !== null || this.#retryAtMs > nowMs)
            return builder.build();
        } else if (this.#failure !== null) throw this.#failure;
        else if (nowMs >= startedMs + limits.waitMs) {
          builder.discard();
          return null;
        }
      }
    } catch (thrown) {
      builder.discard();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(fail('CANCELLED'));
    await Promise.all(this.#lanes);
    for (const { answer } of this.#arrived.splice(0)) answer?.release();
  }

  /** Sends a Fetch to every node that has partitions which are not asked for. */
  async #ask(waitMs: number, signal: AbortSignal): Promise<void> {
    if (this.#retryAtMs > this.#options.clock.monotonicMs()) return;
    const free = this.#partitions.filter((p) => !p.asked);
    if (free.length === 0) return;
    const { cluster, spec } = this.#options;
    let topic: TopicView;
    try {
      // Asked each time: the client remembers it and looks for a new one now and then.
      topic = await cluster.topic(spec.topic, {
        fresh: this.#attempts > 0,
        expectedId: this.#topicId,
        signal,
      });
      this.#topicId ??= topic.topicId;
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      this.#onError(toAppError(thrown));
      return;
    }
    for (const group of groupByReader(topic, free).values()) this.#send(topic, group, waitMs);
  }

  #send(topic: TopicView, group: readonly Partition[], maxWaitMs: number): void {
    const { cluster, spec, tuning } = this.#options;
    // The broker fills its answer in the order asked: each partition is first in turn.
    const turn = this.#rotation++ % group.length;
    const ordered = [...group.slice(turn), ...group.slice(0, turn)];
    const share = Math.max(MIN_PARTITION_BYTES, Math.floor(tuning.maxBytes / group.length));
    const maxBytes = tuning.partitionBytes ?? share;
    const positions = new Map(ordered.map((p) => [p.partition, p.askFrom]));
    for (const partition of ordered) partition.asked = true;
    const lane: Promise<Asked> = cluster
      .fetch({
        topic,
        positions: ordered.map((p) => ({ partition: p.partition, offset: p.askFrom, maxBytes })),
        isolation: spec.isolation,
        minBytes: tuning.minBytes,
        maxWaitMs: Math.min(maxWaitMs, tuning.maxWaitMs),
        maxBytes: tuning.maxBytes,
        signal: this.#closing.signal,
      })
      .then(
        (answer): Asked => ({ positions, answer, error: null }),
        (thrown): Asked => ({ positions, answer: null, error: toAppError(thrown) }),
      );
    this.#lanes.add(lane);
    void lane.then((asked) => {
      this.#lanes.delete(lane);
      this.#arrived.push(asked);
      this.#wake?.();
    });
  }

  /** Until an answer is there, the time is over, or trouble may be tried again. */
  async #waitForAnswer(untilMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#arrived.length > 0) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const wakeMs = this.#retryAtMs > nowMs ? Math.min(untilMs, this.#retryAtMs) : untilMs;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = clock.after(Math.max(0, wakeMs - nowMs), wake);
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    timer.cancel();
    signal.removeEventListener('abort', wake);
    this.#wake = null;
    signal.throwIfAborted();
  }

  async #take(
    asked: Asked,
    builder: BatchBuilder,
    limits: SourceLimits,
    signal: AbortSignal,
  ): Promise<void> {
    const { answer, error } = asked;
    const ours = this.#partitions.filter((p) => asked.positions.has(p.partition));
    for (const partition of ours) partition.asked = false;
    if (answer === null) {
      for (const partition of ours) partition.askFrom = partition.position;
      if (error !== null) this.#onError(error);
      return;
    }
    const fetched = answer.partitions.map((entry) => this.#look(entry, asked));
    const useful = fetched.filter((entry) => entry !== null);
    if (useful.length === 0) {
      answer.release();
      return;
    }
    // The next Fetch travels while this one is decoded.
    if (this.#failure === null && useful.some(({ partition }) => partition.behind))
      await this.#ask(limits.waitMs, signal);
    for (const { partition, entry } of useful)
      this.#decode(partition, entry, builder, limits.maxBytes * EXPANDED_LIMITS);
    builder.endAnswer(answer);
  }

  /** Checks one partition's part and moves `askFrom`; null when there is nothing to decode. */
  #look(
    entry: FetchedPartition,
    asked: Asked,
  ): { readonly partition: Partition; readonly entry: FetchedPartition } | null {
    const partition = this.#partitions.find((p) => p.partition === entry.partition);
    if (partition === undefined) return null;
    if (asked.positions.get(entry.partition) !== partition.position) {
      // Decoding the answer before this one stopped early: this one does not join on.
      partition.askFrom = partition.position;
      return null;
    }
    if (entry.error !== null) {
      partition.askFrom = partition.position;
      this.#onError(entry.error);
      return null;
    }
    this.#onAnswer();
    partition.latest =
      this.#options.spec.isolation === 'read_committed'
        ? entry.lastStableOffset
        : entry.highWatermark;
    partition.askFrom = endOfBatches(entry.records, partition.position);
    partition.behind =
      partition.askFrom > partition.position && partition.askFrom < partition.latest;
    return entry.records.length === 0 ? null : { partition, entry };
  }

  #decode(
    partition: Partition,
    entry: FetchedPartition,
    builder: BatchBuilder,
    mostBytes: number,
  ): void {
    const { cursor, position: fromOffset } = partition;
    const { topic, isolation } = this.#options.spec;
    const { records, abortedTransactions } = entry;
    cursor.start({
      topic,
      partition: partition.partition,
      records,
      fromOffset,
      isolation,
      abortedTransactions,
    });
    try {
      while (builder.heldBytes < mostBytes) {
        const run = cursor.next();
        if (run === null) break;
        builder.addRun(partition.partition, run, records);
      }
      if (builder.heldBytes >= mostBytes) {
        partition.askFrom = cursor.nextOffset;
        partition.behind = true;
      }
    } catch (thrown) {
      partition.askFrom = cursor.nextOffset;
      this.#onError(toAppError(thrown));
    }
    partition.position = cursor.nextOffset;
    builder.addRange(
      partition.partition,
      fromOffset,
      partition.position,
      cursor.counts,
      partition.latest,
    );
  }

  #onAnswer(): void {
    if (this.#troubleSinceMs === null) return;
    this.#troubleSinceMs = null;
    this.#attempts = 0;
    this.#options.onTrouble(null);
  }

  /** Retriable: waits and asks anew with fresh metadata. Else, or when it lasts: the source has failed. */
  #onError(error: AppError): void {
    const { clock, onTrouble, tuning } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#troubleSinceMs ??= nowMs;
    this.#attempts += 1;
    const lasts = nowMs - this.#troubleSinceMs > TROUBLE_LIMIT_MS;
    if (error.kind !== 'retry' || lasts) {
      this.#failure ??= error;
      return;
    }
    const backoffMs = Math.min(
      tuning.firstBackoffMs * 2 ** (this.#attempts - 1),
      tuning.maxBackoffMs,
    );
    this.#retryAtMs = nowMs + backoffMs;
    onTrouble({ message: error.fullMessage, attempts: this.#attempts });
  }
}

/** Offset after the last whole batch, from the headers alone; `position` when there is none. */
function endOfBatches(records: Buffer, position: bigint): bigint {
  let end = position;
  let at = 0;
  while (at + BATCH_HEADER_BYTES <= records.length) {
    const totalBytes = records.readInt32BE(at + BATCH.LENGTH) + BATCH_LENGTH_PREFIX_BYTES;
    if (totalBytes < BATCH_HEADER_BYTES || at + totalBytes > records.length) break;
    const next =
      records.readBigInt64BE(at + BATCH.BASE_OFFSET) +
      BigInt(records.readInt32BE(at + BATCH.LAST_OFFSET_DELTA)) +
      1n;
    if (next > end) end = next;
    at += totalBytes;
  }
  return end;
}
