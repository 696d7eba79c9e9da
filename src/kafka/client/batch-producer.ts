// Sends record batches that are already encoded, several at once on one connection: dead letters, and messages of
// benchmarks and tests, where making them must cost less than what is measured. Not idempotent and it repeats nothing:
// a failed send may or may not have been written.

import type { Clock } from '../../base/clock.ts';
import { fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { KAFKA_ERROR } from '../protocol/errors.ts';
import { formatBrokerAddress, parseBrokerAddress } from './address.ts';
import { ClusterView } from './cluster-view.ts';
import { Connections } from './connections.ts';
import { partitionError } from './error-meaning.ts';
import { metadataAgeMs, parseKafkaProperties } from './properties.ts';

export interface BatchProducerOptions {
  readonly connection: KafkaConnectionSpec;
  readonly clock: Clock;
  readonly random: Random;
}

/** All replicas have the batch before the answer comes. */
const ACKS_ALL = -1;
const TIMEOUT_MS = 30_000;
/** Newest version that names topics by name. */
const PRODUCE_VERSION_MAX = 12;

export class BatchProducer {
  readonly #connections: Connections;
  readonly #view: ClusterView;

  constructor({ connection, clock, random }: BatchProducerOptions) {
    const settings = parseKafkaProperties(connection.properties);
    const { files } = connection;
    this.#connections = new Connections({
      settings,
      clock,
      random,
      ...(files === undefined ? {} : { files }),
    });
    this.#view = new ClusterView({
      bootstrap: connection.brokers.map(parseBrokerAddress),
      connections: this.#connections,
      clock,
      random,
      maxAgeMs: metadataAgeMs(settings),
      firstWaitMs: settings['retry.backoff.ms'],
    });
  }

  /**
   * Writes one batch (see `encodeRecordBatch`); resolves with the offset of its first record. Up to 60 may be
   * under way. Rejects as `KafkaCluster.fetch` does. @param transactionalId of the batch's producer.
   */
  async send(
    topic: string,
    partition: number,
    records: Buffer,
    transactionalId: string | null = null,
  ): Promise<bigint> {
    const view = await this.#view.topic(topic, false);
    const leaderId = view.partitions[partition]?.leaderId;
    if (leaderId === undefined)
      throw fail('KAFKA_UNKNOWN_PARTITION', {
        topic,
        partition,
        partitionCount: view.partitions.length,
      });
    const address = this.#view.address(leaderId, topic, partition);
    const connection = await this.#connections.get(address, 'ask');
    const version = Math.min(connection.version('Produce'), PRODUCE_VERSION_MAX);
    const answer = await connection.request(
      'Produce',
      {
        transactionalId,
        acks: ACKS_ALL,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      },
      { version },
    );
    const row = answer.body.responses[0]?.partitionResponses[0];
    answer.release();
    const broker = formatBrokerAddress(address);
    const errorCode = row?.errorCode ?? KAFKA_ERROR.UNKNOWN_SERVER_ERROR;
    if (row === undefined || errorCode !== KAFKA_ERROR.NONE) {
      this.#view.forget(topic);
      throw partitionError(errorCode, { broker, api: 'Produce', topic, partition, offset: -1n });
    }
    return row.baseOffset;
  }

  /** Throws KAFKA_UNKNOWN_TOPIC. */
  async partitionCount(topic: string): Promise<number> {
    return (await this.#view.topic(topic, false)).partitions.length;
  }

  close(): void {
    this.#connections.close();
  }
}
