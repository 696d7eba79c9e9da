// Some messages of a topic, for people and programs that want to know what is in it: spread over its partitions,
// half from their beginnings and half from their ends. Bounded in messages, bytes and time; keeps no position.
import type { Clock } from '../../base/clock.ts';
import { fail } from '../../base/errors.ts';
import { DecodeWorkspace, type Isolation, RecordCursor } from '../protocol/record-batch.ts';
import type { KafkaCluster, TopicView } from './cluster.ts';

export interface SampledMessage {
  readonly partition: number;
  readonly offset: bigint;
  /** Null = none. */
  readonly key: Buffer | null;
  /** Null = a tombstone. */
  readonly value: Buffer | null;
}

export interface SampleLimits {
  readonly messages: number;
  /** Of keys and values; the message that goes above it is the last one. */
  readonly bytes: number;
  readonly timeMs: number;
}

/** Partitions looked into; of more, some from all over the topic. */
const MAX_PARTITIONS = 64;
const WAIT_MS = 500;
/** Answers that may bring nothing (markers, aborted transactions, compacted offsets) before a part is given up. */
const MAX_EMPTY_FETCHES = 20;
const FETCH_BYTES = 1024 * 1024;

/** Part of a partition: as many messages as `wanted` of the offsets `[from, to)`. */
interface Part {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly wanted: number;
}

/**
 * By partition and offset; empty where the topic has no message. When the time is over: what was read by then.
 * Throws what the cluster throws, TIMEOUT when the time is over before there is any message, CANCELLED.
 */
export async function sampleTopic(
  cluster: KafkaCluster,
  topic: string,
  isolation: Isolation,
  limits: SampleLimits,
  services: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<readonly SampledMessage[]> {
  const ended = new AbortController();
  const timer = services.clock.after(limits.timeMs, () => ended.abort());
  const signal = AbortSignal.any([services.signal, ended.signal]);
  const sampler = new Sampler(cluster, isolation, limits, signal);
  try {
    await sampler.read(topic);
  } catch (thrown) {
    services.signal.throwIfAborted();
    if (!ended.signal.aborted) throw thrown;
    if (sampler.found.length === 0) {
      const hint = 'is the broker reachable and fast enough?';
      throw fail('TIMEOUT', {
        what: `sampling topic '${topic}'`,
        timeoutMs: limits.timeMs,
        hint,
      });
    }
  } finally {
    timer.cancel();
  }
  return sampler.found.toSorted((a, b) => a.partition - b.partition || Number(a.offset - b.offset));
}

class Sampler {
  readonly found: SampledMessage[] = [];
  readonly #cluster: KafkaCluster;
  readonly #isolation: Isolation;
  readonly #limits: SampleLimits;
  readonly #signal: AbortSignal;
  readonly #workspace = new DecodeWorkspace();
  #bytes = 0;

  constructor(
    cluster: KafkaCluster,
    isolation: Isolation,
    limits: SampleLimits,
    signal: AbortSignal,
  ) {
    this.#cluster = cluster;
    this.#isolation = isolation;
    this.#limits = limits;
    this.#signal = signal;
  }

  async read(topic: string): Promise<void> {
    const view = await this.#cluster.topic(topic, { fresh: true, signal: this.#signal });
    const numbers = spread(
      view.partitions.map(({ partition }) => partition),
      MAX_PARTITIONS,
    );
    const [starts, ends] = await Promise.all([
      this.#cluster.listOffsets(topic, numbers, 'earliest', this.#isolation, this.#signal),
      this.#cluster.listOffsets(topic, numbers, 'latest', this.#isolation, this.#signal),
    ]);
    const filled = numbers.flatMap((partition) => {
      const [from, to] = [starts.get(partition) ?? 0n, ends.get(partition) ?? 0n];
      return to > from ? [{ partition, from, to }] : [];
    });
    for (const part of partsOf(filled, this.#limits.messages)) {
      await this.#readPart(view, part);
      if (this.#isFull()) return;
    }
  }

  #isFull(): boolean {
    return this.found.length >= this.#limits.messages || this.#bytes >= this.#limits.bytes;
  }

  async #readPart(topic: TopicView, part: Part): Promise<void> {
    const cursor = new RecordCursor(this.#workspace);
    let { from } = part;
    let left = part.wanted;
    for (let fetches = 0; from < part.to && left > 0 && !this.#isFull(); ) {
      this.#signal.throwIfAborted();
      const before = left;
      const answer = await this.#cluster.fetch({
        topic,
        positions: [{ partition: part.partition, offset: from, maxBytes: FETCH_BYTES }],
        isolation: this.#isolation,
        minBytes: 1,
        maxWaitMs: WAIT_MS,
        maxBytes: FETCH_BYTES,
        signal: this.#signal,
      });
      try {
        const [fetched] = answer.partitions;
        if (fetched === undefined) return;
        if (fetched.error !== null) throw fetched.error;
        const { records, abortedTransactions } = fetched;
        const place = { topic: topic.name, partition: part.partition, fromOffset: from };
        const isolation = this.#isolation;
        cursor.start({ ...place, records, isolation, abortedTransactions });
        left = this.#take(cursor, part, left);
        from = cursor.nextOffset;
      } finally {
        answer.release();
      }
      fetches = left < before ? 0 : fetches + 1;
      if (fetches >= MAX_EMPTY_FETCHES) return;
    }
  }

  /** Copies records; gives how many are wanted still. */
  #take(cursor: RecordCursor, { partition, to }: Part, wanted: number): number {
    let left = wanted;
    for (let run = cursor.next(); run !== null; run = cursor.next()) {
      for (let index = 0; index < run.count; index += 1) {
        const offset = run.baseOffset + BigInt(run.offsetDelta[index] ?? 0);
        if (offset >= to || left === 0 || this.#isFull()) return left;
        const key = copied(run.data, run.keyStart[index], run.keyLength[index]);
        const value = copied(run.data, run.valueStart[index], run.valueLength[index]);
        this.found.push({ partition, offset, key, value });
        this.#bytes += (key?.length ?? 0) + (value?.length ?? 0);
        left -= 1;
      }
    }
    return left;
  }
}

/** What lies in the workspace is overwritten by the next run. */
function copied(data: Buffer, start = 0, length = -1): Buffer | null {
  return length < 0 ? null : Buffer.from(data.subarray(start, start + length));
}

/** At most so many, from the first to the last. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from(
    { length: most },
    (_, index) => all[Math.floor((index * all.length) / most)],
  ).filter((one) => one !== undefined);
}

/** Small partitions whole, of larger ones the beginning and the end; ends first, so that the newest are always among them. */
function partsOf(
  filled: readonly Pick<Part, 'partition' | 'from' | 'to'>[],
  messages: number,
): readonly Part[] {
  const parts: Part[] = [];
  let left = messages;
  // The small ones first: what they do not need is for the others.
  const bySize = filled.toSorted((a, b) => Number(a.to - a.from - (b.to - b.from)));
  for (const [index, { partition, from, to }] of bySize.entries()) {
    const share = Math.max(2, Math.floor(left / (bySize.length - index)));
    if (to - from <= BigInt(share)) {
      parts.push({ partition, from, to, wanted: share });
      left -= Number(to - from);
      continue;
    }
    const half = Math.floor(share / 2);
    const middle = to - BigInt(share - half);
    parts.push({ partition, from: middle, to, wanted: share - half });
    parts.push({ partition, from, to: middle, wanted: half });
    left -= share;
  }
  return parts;
}
