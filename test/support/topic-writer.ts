// Writes numbered rows to a topic over the raw protocol and keeps the manifest of what was acknowledged. Each
// batch is sent again, with the same sequence number, until the broker says that it has it: a broker
// that is killed doubles and loses nothing of what is produced.
import { systemClock } from '../../src/base/clock.ts';
import { APIS } from '../../src/kafka/protocol/apis.ts';
import type { CompressionName } from '../../src/kafka/protocol/batch-header.ts';
import { KAFKA_ERROR } from '../../src/kafka/protocol/errors.ts';
import {
  encodeRecordBatch,
  type RecordToEncode,
} from '../../src/kafka/protocol/record-batch-encoder.ts';
import { RawClient } from './embedded-broker.ts';
import { ManifestBuilder } from './manifest.ts';

export const EVENT_COLUMNS = ['id', 'uid', 'site', 'amount', 'note'] as const;
/** CREATE TABLE columns of the rows that `eventRow` makes. */
export const EVENT_TABLE =
  'id BIGINT NOT NULL, uid INT, site VARCHAR(200), amount DECIMAL(12, 2), note VARCHAR(100)';
const SITES = ['https://a.test/', 'https://b.test/blog', 'https://c.test/größe|"x"'];
const GIVE_UP_MS = 30_000;

/** Values of a row as SQL prints them; from the id alone. */
export function eventRow(id: number): readonly (string | null)[] {
  const mixed = Math.imul(id + 1, 0x9e3779b1) >>> 0;
  const cents = mixed % 1_000_000;
  const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
  const note = id % 7 === 0 ? null : `n-${mixed.toString(36)}`;
  return [String(id), String(mixed % 10_000), SITES[mixed % 3] ?? '', amount, note];
}

/** The message of a row. */
function eventMessage(row: readonly (string | null)[]): Buffer {
  const [id, uid, site, amount, note] = row;
  const text = `{"id":${id},"uid":${uid},"site":${JSON.stringify(site)},"amount":${amount},"note":${JSON.stringify(note)}}`;
  return Buffer.from(text);
}

export interface TopicWriterOptions {
  readonly port: number;
  readonly topic: string;
  readonly partitions: number;
  /** Makes the topic with these settings; left out = it is there. */
  readonly create?: Readonly<Record<string, string>>;
  readonly compression?: CompressionName;
  /** Writes transactions under this id. */
  readonly transactionalId?: string;
  /** Every so manieth message is one that is rejected (its id is no number); 0 = none. */
  readonly badEvery?: number;
  /**
   * Ids of so many rows per partition, over and over, every ninth message deleting one: for a table with keys.
   * A partition has ids of its own, since only its messages have an order.
   */
  readonly ids?: number;
  /** Key of a row's record; left out = records have none. */
  readonly keyOf?: (id: number) => string;
}

const RETRIABLE: ReadonlySet<number> = new Set([
  KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  KAFKA_ERROR.COORDINATOR_LOAD_IN_PROGRESS,
  KAFKA_ERROR.COORDINATOR_NOT_AVAILABLE,
  KAFKA_ERROR.NOT_COORDINATOR,
  KAFKA_ERROR.NOT_LEADER_OR_FOLLOWER,
  KAFKA_ERROR.LEADER_NOT_AVAILABLE,
  KAFKA_ERROR.CONCURRENT_TRANSACTIONS,
]);

export class TopicWriter {
  readonly manifest = new ManifestBuilder(EVENT_COLUMNS);
  readonly #options: TopicWriterOptions;
  readonly #sequences: number[];
  #client: RawClient | null = null;
  #producerId = -1n;
  #producerEpoch = 0;
  #nextId = 0;
  #nextPartition = 0;
  #stopped = false;

  private constructor(options: TopicWriterOptions) {
    this.#options = options;
    this.#sequences = Array.from({ length: options.partitions }, () => 0);
  }

  static async open(options: TopicWriterOptions): Promise<TopicWriter> {
    const writer = new TopicWriter(options);
    if (options.create !== undefined) await writer.#createTopic(options.create);
    const transactionalId = options.transactionalId ?? null;
    if (transactionalId !== null)
      await writer.#retry('FindCoordinator', async (client) => {
        const answer = await client.call(APIS.FindCoordinator, 4, {
          keyType: 1,
          coordinatorKeys: [transactionalId],
        });
        return answer.coordinators[0]?.errorCode ?? 0;
      });
    await writer.#retry('InitProducerId', async (client) => {
      const answer = await client.call(APIS.InitProducerId, 3, {
        transactionalId,
        transactionTimeoutMs: 60_000,
      });
      writer.#producerId = answer.producerId;
      writer.#producerEpoch = answer.producerEpoch;
      return answer.errorCode;
    });
    return writer;
  }

  /** Writes `count` rows in batches of `batchRows`, one partition after the other. */
  async write(count: number, batchRows = 1000): Promise<void> {
    for (let left = count; left > 0 && !this.#stopped; left -= batchRows)
      await this.#batch(Math.min(left, batchRows), 'plain');
  }

  /** Writes `batches` batches with a pause after each, so that commits come one after the other. */
  async trickle(batches: number, batchRows: number, pauseMs: number): Promise<void> {
    for (let batch = 0; batch < batches && !this.#stopped; batch += 1) {
      await this.write(batchRows, batchRows);
      await systemClock.sleep(pauseMs);
    }
  }

  /**
   * At least `batches`, and on until `happened` settles: a busy machine makes fewer commits of as many batches.
   * Rejects as `happened` does.
   */
  async trickleUntil(
    happened: Promise<unknown>,
    batches: number,
    batchRows: number,
    pauseMs: number,
  ): Promise<void> {
    let isOver = false;
    const done = happened.finally(() => {
      isOver = true;
    });
    done.catch(() => undefined);
    await this.trickle(batches, batchRows, pauseMs);
    while (!isOver && !this.#stopped) await this.trickle(1, batchRows, pauseMs);
    await done;
  }

  /** One transaction over all partitions; the rows of an aborted one must never show. */
  async transaction(rows: number, end: 'commit' | 'abort', batchRows = 500): Promise<void> {
    const { topic, partitions, transactionalId = '' } = this.#options;
    const producer = { producerId: this.#producerId, producerEpoch: this.#producerEpoch };
    const all = Array.from({ length: partitions }, (_, partition) => partition);
    await this.#retry('AddPartitionsToTxn', async (client) => {
      const answer = await client.call(APIS.AddPartitionsToTxn, 3, {
        v3AndBelowTransactionalId: transactionalId,
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: all }],
      });
      const results = answer.resultsByTopicV3AndBelow[0]?.resultsByPartition ?? [];
      return results.find((result) => result.partitionErrorCode !== 0)?.partitionErrorCode ?? 0;
    });
    for (let left = rows; left > 0; left -= batchRows)
      await this.#batch(Math.min(left, batchRows), end);
    await this.#retry('EndTxn', async (client) => {
      const answer = await client.call(APIS.EndTxn, 3, {
        transactionalId,
        ...producer,
        committed: end === 'commit',
      });
      return answer.errorCode;
    });
  }

  /** Ends `write` and `trickle` after the batch that is under way. */
  stop(): void {
    this.#stopped = true;
  }

  /** Puts where each partition ends now into the manifest. */
  async noteEnds(): Promise<void> {
    const { topic, partitions } = this.#options;
    await this.#retry('ListOffsets', async (client) => {
      const answer = await client.call(APIS.ListOffsets, 6, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: topic,
            partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
              partitionIndex,
              timestamp: -1n,
            })),
          },
        ],
      });
      for (const { partitionIndex, errorCode, offset } of answer.topics[0]?.partitions ?? []) {
        if (errorCode !== 0) return errorCode;
        this.manifest.setEnd(partitionIndex, offset);
      }
      return 0;
    });
  }

  close(): void {
    this.#stopped = true;
    this.#client?.close();
  }

  async #createTopic(settings: Readonly<Record<string, string>>): Promise<void> {
    const { topic, partitions } = this.#options;
    const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
    await this.#retry('CreateTopics', async (client) => {
      const answer = await client.call(APIS.CreateTopics, 7, {
        topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1, configs }],
      });
      const code = answer.topics[0]?.errorCode ?? 0;
      return code === KAFKA_ERROR.TOPIC_ALREADY_EXISTS ? 0 : code;
    });
  }

  async #batch(count: number, kind: 'plain' | 'commit' | 'abort'): Promise<void> {
    const { topic, badEvery = 0, keyOf, compression = 'none' } = this.#options;
    const records: RecordToEncode[] = [];
    const note: (() => void)[] = [];
    const partition = this.#nextPartition;
    for (let index = 0; index < count; index += 1) {
      const id = this.#nextId;
      this.#nextId += 1;
      const bad = badEvery > 0 && id % badEvery === badEvery - 1;
      const value = bad ? this.#badMessage(id, note) : this.#message(id, partition, note);
      records.push({
        value,
        ...(keyOf === undefined ? {} : { key: Buffer.from(keyOf(id)) }),
      });
    }
    this.#nextPartition = (partition + 1) % this.#options.partitions;
    const bytes = encodeRecordBatch(records, {
      compression,
      timestampMs: systemClock.nowMs(),
      producerId: this.#producerId,
      producerEpoch: this.#producerEpoch,
      baseSequence: this.#sequences[partition] ?? 0,
      transactional: kind !== 'plain',
    });
    await this.#retry('Produce', async (client) => {
      const answer = await client.call(APIS.Produce, 9, {
        transactionalId: kind === 'plain' ? null : (this.#options.transactionalId ?? null),
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ name: topic, partitionData: [{ index: partition, records: bytes }] }],
      });
      const code = answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1;
      return code === KAFKA_ERROR.DUPLICATE_SEQUENCE_NUMBER ? 0 : code;
    });
    this.#sequences[partition] = (this.#sequences[partition] ?? 0) + count;
    if (kind === 'abort') this.manifest.addAborted(count);
    else for (const add of note) add();
  }

  #badMessage(id: number, note: (() => void)[]): Buffer {
    note.push(() => this.manifest.addFiltered());
    return Buffer.from(`{"id":"bad-${id}","uid":1}`);
  }

  #message(id: number, partition: number, note: (() => void)[]): Buffer {
    const { ids, partitions } = this.#options;
    const row = eventRow(id);
    if (ids === undefined) {
      note.push(() => this.manifest.addRow(row));
      return eventMessage(row);
    }
    const own = String(((Math.imul(id + 1, 0x9e3779b1) >>> 0) % ids) * partitions + partition);
    if (id % 9 === 8) {
      note.push(() => this.manifest.deleteRow(own));
      return Buffer.from(`{"id":${own},"__op":1}`);
    }
    const keyed = [own, ...row.slice(1)];
    note.push(() => this.manifest.putRow(keyed));
    return eventMessage(keyed);
  }

  /** Repeats over lost connections and errors that pass. */
  async #retry(what: string, work: (client: RawClient) => Promise<number>): Promise<void> {
    const untilMs = systemClock.monotonicMs() + GIVE_UP_MS;
    for (;;) {
      let problem = '';
      try {
        this.#client ??= await RawClient.connect(this.#options.port);
        const code = await work(this.#client);
        if (code === 0) return;
        problem = `error ${code}`;
        if (!RETRIABLE.has(code)) throw new Error(`${what} failed with ${problem}`);
      } catch (error) {
        if (problem !== '') throw error;
        problem = error instanceof Error ? error.message : String(error);
        this.#client?.close();
        this.#client = null;
      }
      if (systemClock.monotonicMs() > untilMs)
        throw new Error(`${what}: no answer for ${GIVE_UP_MS} ms: ${problem}`);
      await systemClock.sleep(50);
    }
  }
}
