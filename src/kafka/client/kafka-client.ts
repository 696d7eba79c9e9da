// The real KafkaCluster: a thin reader of Kafka-compatible brokers over our own protocol codec. Keeps no
// positions and joins no groups; every position comes from the caller.

import type { Clock } from '../../base/clock.ts';
import { AppError, fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import type { ResponseBody } from '../protocol/apis.ts';
import { KAFKA_ERROR, kafkaError } from '../protocol/errors.ts';
import type { Isolation } from '../protocol/record-batch.ts';
import { formatBrokerAddress, parseBrokerAddress } from './address.ts';
import {
  type FetchAnswer,
  type FetchedPartition,
  type FetchRequest,
  type KafkaCluster,
  type OffsetSpec,
  readerOf,
  type TopicView,
} from './cluster.ts';
import { ClusterView } from './cluster-view.ts';
import { Connections } from './connections.ts';
import { meansStaleMetadata, partitionError } from './error-meaning.ts';
import { Followers } from './followers.ts';
import { commitGroupOffsets, type GroupOffset } from './group-offsets.ts';
import { OffsetLookup } from './offset-lookup.ts';
import { type KafkaSettings, metadataAgeMs, parseKafkaProperties } from './properties.ts';
import { type TopicRetention, topicRetention } from './unread.ts';

export interface KafkaClientOptions {
  readonly connection: KafkaConnectionSpec;
  readonly clock: Clock;
  readonly random: Random;
}

/** From this version on topics are named by id, and a recreated topic is told from the old one. */
const FETCH_WITH_IDS = 13;
const NO_RECORDS = Buffer.alloc(0);

type AnsweredPartition = ResponseBody<'Fetch'>['responses'][number]['partitions'][number];

export class KafkaClient implements KafkaCluster {
  readonly settings: KafkaSettings;
  readonly #connections: Connections;
  readonly #view: ClusterView;
  readonly #offsets: OffsetLookup;
  readonly #followers: Followers;

  /** Checks addresses and properties, opens nothing. Throws KAFKA_PROPERTY_* and NOT_SUPPORTED (user). */
  constructor(options: KafkaClientOptions) {
    const { connection, clock, random } = options;
    this.settings = parseKafkaProperties(connection.properties);
    const settings = this.settings;
    this.#connections = new Connections({ settings, clock, random, ...filesOf(connection) });
    this.#view = new ClusterView({
      bootstrap: connection.brokers.map(parseBrokerAddress),
      connections: this.#connections,
      clock,
      random,
      maxAgeMs: metadataAgeMs(settings),
      firstWaitMs: settings['retry.backoff.ms'],
    });
    this.#followers = new Followers(clock, metadataAgeMs(settings));
    this.#offsets = new OffsetLookup(this.#view, this.#connections, clock, settings);
  }

  async topic(
    name: string,
    options: { fresh?: boolean; expectedId?: string | null; signal?: AbortSignal } = {},
  ): Promise<TopicView> {
    const view = await this.#view.topic(name, options.fresh ?? false, options.signal);
    const oldId = options.expectedId ?? null;
    if (oldId !== null && view.topicId !== null && view.topicId !== oldId)
      throw fail('KAFKA_TOPIC_RECREATED', { topic: name, oldId, newId: view.topicId });
    return this.#followers.applied(view);
  }

  /** Names of all topics that the login may see. */
  topicNames(signal?: AbortSignal): Promise<readonly string[]> {
    return this.#view.topicNames(signal);
  }

  listOffsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    isolation: Isolation,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<number, bigint>> {
    return this.#offsets.find(topic, partitions, at, isolation, signal);
  }

  /** Copies positions to a group that has no members; see commitGroupOffsets. */
  commitGroup(
    groupId: string,
    offsets: readonly GroupOffset[],
    signal?: AbortSignal,
  ): Promise<void> {
    return commitGroupOffsets(this.#view, this.#connections, groupId, offsets, signal);
  }

  /** How long the topic keeps messages; see topicRetention. */
  retention(topic: string, signal?: AbortSignal): Promise<TopicRetention> {
    return topicRetention(this.#view, topic, signal);
  }

  async fetch(request: FetchRequest): Promise<FetchAnswer> {
    const { topic, positions, signal } = request;
    const [first] = positions;
    if (first === undefined) return { partitions: [], bytes: 0, release: () => undefined };
    const readerId = readerOf(topic, first.partition);
    let broker = '';
    try {
      const address = this.#view.address(readerId, topic.name, first.partition);
      broker = formatBrokerAddress(address);
      const connection = await this.#connections.get(address, 'read', signal);
      // A broker from 13 on wants the id; without one (metadata of an older version) names must do.
      const best = connection.version('Fetch');
      const version = topic.topicId === null ? Math.min(best, FETCH_WITH_IDS - 1) : best;
      const waitMs = request.maxWaitMs;
      const answer = await connection.request(
        'Fetch',
        fetchBody(request, this.settings['client.rack']),
        {
          waitMs,
          signal,
          version,
        },
      );
      const { errorCode, responses } = answer.body;
      if (errorCode !== KAFKA_ERROR.NONE) {
        answer.release();
        throw partitionError(errorCode, place(broker, topic.name, -1, -1n));
      }
      const rows = responses.flatMap((response) => response.partitions);
      const partitions = await Promise.all(rows.map((row) => this.#fetched(request, broker, row)));
      return { partitions, bytes: answer.bytes, release: answer.release };
    } catch (thrown) {
      // Whatever went wrong with the node: another may lead by now, and the leader is read from again.
      for (const { partition } of positions) this.#followers.forget(topic.name, partition);
      if (thrown instanceof AppError && thrown.kind === 'retry') this.#view.forget(topic.name);
      throw thrown;
    }
  }

  async #fetched(
    request: FetchRequest,
    broker: string,
    row: AnsweredPartition,
  ): Promise<FetchedPartition> {
    const partition = row.partitionIndex;
    const { name } = request.topic;
    if (row.errorCode === KAFKA_ERROR.NONE) {
      if (row.preferredReadReplica >= 0)
        this.#followers.choose(name, partition, row.preferredReadReplica);
      return {
        partition,
        error: null,
        records: row.records ?? NO_RECORDS,
        highWatermark: row.highWatermark,
        lastStableOffset: row.lastStableOffset,
        logStartOffset: row.logStartOffset,
        abortedTransactions: row.abortedTransactions ?? [],
      };
    }
    const error = await this.#meaningOf(request, broker, partition, row.errorCode).catch(
      (thrown: unknown) =>
        thrown instanceof AppError ? thrown : fail('INTERNAL', { detail: String(thrown) }, thrown),
    );
    return {
      partition,
      error,
      records: NO_RECORDS,
      highWatermark: -1n,
      lastStableOffset: -1n,
      logStartOffset: -1n,
      abortedTransactions: [],
    };
  }

  /** The error of a partition; asks the cluster where the number alone does not say what happened. */
  async #meaningOf(
    request: FetchRequest,
    broker: string,
    partition: number,
    errorCode: number,
  ): Promise<AppError> {
    const { topic, signal } = request;
    const position = request.positions.find((candidate) => candidate.partition === partition);
    const offset = position?.offset ?? -1n;
    const wasFollower = this.#followers.forget(topic.name, partition);
    if (wasFollower) {
      // It may be behind, or have lost the partition: only the leader's word counts.
      const reason = `follower ${readerOf(topic, partition)} answered ${kafkaError(errorCode).name}`;
      return fail('KAFKA_LEADER_CHANGED', { topic: topic.name, partition, reason });
    }
    if (errorCode === KAFKA_ERROR.OFFSET_OUT_OF_RANGE)
      return this.#outOfRange(request, partition, offset);
    if (meansStaleMetadata(errorCode)) this.#view.forget(topic.name);
    const mayBeGone =
      errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION ||
      errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_ID ||
      errorCode === KAFKA_ERROR.INCONSISTENT_TOPIC_ID;
    // Throws when the topic is gone or is another one.
    if (mayBeGone)
      await this.topic(topic.name, {
        fresh: true,
        expectedId: topic.topicId,
        ...(signal === undefined ? {} : { signal }),
      });
    return partitionError(errorCode, place(broker, topic.name, partition, offset));
  }

  async #outOfRange(request: FetchRequest, partition: number, offset: bigint): Promise<AppError> {
    const { isolation, signal } = request;
    const topic = request.topic.name;
    // A recreated topic explains itself better by its id than by its offsets.
    await this.topic(topic, {
      fresh: true,
      expectedId: request.topic.topicId,
      ...(signal === undefined ? {} : { signal }),
    });
    const [starts, ends] = await Promise.all([
      this.listOffsets(topic, [partition], 'earliest', isolation, signal),
      this.listOffsets(topic, [partition], 'latest', isolation, signal),
    ]);
    const logStart = starts.get(partition) ?? -1n;
    const logEnd = ends.get(partition) ?? -1n;
    // Seen right after a leader change: the new leader was not up to date when it refused.
    if (offset >= logStart && offset <= logEnd) {
      const reason = `offset ${offset} was out of range for a moment`;
      return fail('KAFKA_LEADER_CHANGED', { topic, partition, reason });
    }
    return fail('KAFKA_OFFSET_OUT_OF_RANGE', { topic, partition, offset, logStart, logEnd });
  }

  close(): Promise<void> {
    this.#connections.close();
    return Promise.resolve();
  }
}

function filesOf({ files }: KafkaConnectionSpec): Pick<KafkaConnectionSpec, 'files'> {
  return files === undefined ? {} : { files };
}

function place(broker: string, topic: string, partition: number, offset: bigint) {
  return { broker, api: 'Fetch', topic, partition, offset };
}

function fetchBody(request: FetchRequest, rack: string | null) {
  const { topic, positions } = request;
  return {
    maxWaitMs: request.maxWaitMs,
    minBytes: request.minBytes,
    maxBytes: request.maxBytes,
    isolationLevel: request.isolation === 'read_committed' ? 1 : 0,
    rackId: rack ?? '',
    topics: [
      {
        topic: topic.name,
        ...(topic.topicId === null ? {} : { topicId: topic.topicId }),
        partitions: positions.map(({ partition, offset, maxBytes }) => ({
          partition,
          currentLeaderEpoch: topic.partitions[partition]?.leaderEpoch ?? -1,
          fetchOffset: offset,
          partitionMaxBytes: maxBytes,
        })),
      },
    ],
  };
}
