// A Kafka cluster in memory: logs of encoded record batches per partition, with markers, aborted
// transactions, gaps and failures on demand. For tests and benchmarks of the reader only.
import { systemClock } from '../../src/base/clock.ts';
import { type AppError, fail } from '../../src/base/errors.ts';
import type {
  FetchAnswer,
  FetchedPartition,
  FetchRequest,
  KafkaCluster,
  OffsetSpec,
  TopicView,
} from '../../src/kafka/client/cluster.ts';
import {
  type BatchOptions,
  encodeRecordBatch,
  type RecordToEncode,
} from '../../src/kafka/protocol/record-batch-encoder.ts';

interface StoredBatch {
  readonly bytes: Buffer;
  readonly baseOffset: bigint;
  readonly endOffset: bigint;
}

export class FakeKafka implements KafkaCluster {
  readonly #logs: StoredBatch[][];
  readonly #ends: bigint[];
  readonly #leaders: number[];
  readonly #aborted: {
    partition: number;
    producerId: bigint;
    firstOffset: bigint;
    last: bigint;
  }[] = [];
  readonly #waiting = new Set<() => void>();
  /** Errors to give to the next fetches, one each. */
  readonly failures: AppError[] = [];
  maxAnswerBytes = Number.POSITIVE_INFINITY;
  fetches = 0;
  closed = false;

  constructor(partitions: number, leaders = 1) {
    this.#logs = Array.from({ length: partitions }, () => []);
    this.#ends = Array.from({ length: partitions }, () => 0n);
    this.#leaders = Array.from({ length: partitions }, (_, index) => index % leaders);
  }

  endOffset(partition: number): bigint {
    return this.#ends[partition] ?? 0n;
  }

  append(partition: number, records: readonly RecordToEncode[], options: BatchOptions = {}): void {
    const baseOffset = options.baseOffset ?? this.endOffset(partition);
    const bytes = encodeRecordBatch(records, { ...options, baseOffset });
    const endOffset = baseOffset + BigInt(bytes.readInt32BE(23)) + 1n;
    this.#logs[partition]?.push({ bytes, baseOffset, endOffset });
    this.#ends[partition] = endOffset;
    for (const wake of this.#waiting) wake();
  }

  appendValues(partition: number, values: readonly (string | Buffer | null)[]): void {
    this.append(
      partition,
      values.map((value) => ({ value: value === null ? null : Buffer.from(value) })),
      { timestampMs: 1_700_000_000_000 },
    );
  }

  /** A transaction's batch and its marker. */
  appendTransaction(
    partition: number,
    producerId: bigint,
    values: readonly string[],
    end: 'commit' | 'abort',
  ): void {
    const firstOffset = this.endOffset(partition);
    this.append(
      partition,
      values.map((value) => ({ value: Buffer.from(value) })),
      { producerId, producerEpoch: 0, baseSequence: 0, transactional: true },
    );
    const key = Buffer.from([0, 0, 0, end === 'abort' ? 0 : 1]);
    this.append(partition, [{ key, value: Buffer.alloc(6) }], {
      producerId,
      producerEpoch: 0,
      transactional: true,
      control: true,
    });
    if (end === 'abort')
      this.#aborted.push({ partition, producerId, firstOffset, last: this.endOffset(partition) });
  }

  async topic(
    name: string,
    { expectedId = null }: { readonly expectedId?: string | null } = {},
  ): Promise<TopicView> {
    if (expectedId !== null && expectedId !== 'id') {
      throw fail('KAFKA_TOPIC_RECREATED', { topic: name, oldId: expectedId, newId: 'id' });
    }
    return {
      name,
      topicId: 'id',
      partitions: this.#logs.map((_, partition) => ({
        partition,
        leaderId: this.#leaders[partition] ?? 0,
        leaderEpoch: 0,
      })),
    };
  }

  async listOffsets(
    _topic: string,
    partitions: readonly number[],
    at: OffsetSpec = 'latest',
  ): Promise<ReadonlyMap<number, bigint>> {
    const offset = (partition: number): bigint =>
      at === 'earliest'
        ? (this.#logs[partition]?.[0]?.baseOffset ?? 0n)
        : this.endOffset(partition);
    return new Map(partitions.map((partition) => [partition, offset(partition)]));
  }

  async fetch(request: FetchRequest): Promise<FetchAnswer> {
    this.fetches += 1;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const hasData = (): boolean =>
      request.positions.some((p) => p.offset < this.endOffset(p.partition));
    if (!hasData()) await this.#wait(request, hasData);
    let room = Math.min(request.maxBytes, this.maxAnswerBytes);
    const partitions = request.positions.map((position): FetchedPartition => {
      const records = this.#records(
        position.partition,
        position.offset,
        Math.min(room, position.maxBytes),
      );
      room = Math.max(0, room - records.length);
      const end = this.endOffset(position.partition);
      return {
        partition: position.partition,
        error: null,
        records,
        highWatermark: end,
        lastStableOffset: end,
        logStartOffset: 0n,
        abortedTransactions: this.#aborted
          .filter((a) => a.partition === position.partition && a.last > position.offset)
          .map(({ producerId, firstOffset }) => ({ producerId, firstOffset })),
      };
    });
    const bytes = partitions.reduce((sum, p) => sum + p.records.length, 0);
    return { partitions, bytes, release: () => undefined };
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  #records(partition: number, offset: bigint, maxBytes: number): Buffer {
    const log = this.#logs[partition] ?? [];
    let low = 0;
    let high = log.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((log[middle]?.endOffset ?? 0n) <= offset) low = middle + 1;
      else high = middle;
    }
    const found: Buffer[] = [];
    let bytes = 0;
    for (let at = low; at < log.length; at += 1) {
      const batch = log[at];
      if (batch === undefined || (found.length > 0 && bytes + batch.bytes.length > maxBytes)) break;
      found.push(batch.bytes);
      bytes += batch.bytes.length;
      if (bytes >= maxBytes) break;
    }
    return found.length === 0 ? Buffer.alloc(0) : Buffer.concat(found);
  }

  async #wait(request: FetchRequest, hasData: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const wake = (): void => {
      if (hasData()) resolve();
    };
    const onAbort = (): void => reject(fail('CANCELLED'));
    const timer = systemClock.after(request.maxWaitMs, resolve);
    this.#waiting.add(wake);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await promise;
    } finally {
      timer.cancel();
      this.#waiting.delete(wake);
      request.signal?.removeEventListener('abort', onAbort);
    }
  }
}
