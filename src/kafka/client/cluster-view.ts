// What is known of the cluster: brokers by node id, and topics with the time they were asked. Asks any
// broker that answers, the known ones first, then the ones the user gave.
import type { Clock } from '../../base/clock.ts';
import { AppError, fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { ResponseBody } from '../protocol/apis.ts';
import { KAFKA_ERROR } from '../protocol/errors.ts';
import { NO_UUID } from '../protocol/messages/records.ts';
import { type BrokerAddress, formatBrokerAddress } from './address.ts';
import type { PartitionView, TopicView } from './cluster.ts';
import type { BrokerConnection } from './connection.ts';
import { type Connections, worstOf } from './connections.ts';
import { partitionError } from './error-meaning.ts';

export interface ClusterViewOptions {
  readonly bootstrap: readonly BrokerAddress[];
  readonly connections: Connections;
  readonly clock: Clock;
  readonly random: Random;
  /** Older topics are asked again, in the background. */
  readonly maxAgeMs: number;
  /** First wait before an unknown topic is asked for again. */
  readonly firstWaitMs: number;
}

interface KnownTopic {
  readonly view: TopicView;
  readonly askedAtMs: number;
}

/** A topic may be unknown to one broker that just started or just heard of it: asked again, about a second in all. */
const UNKNOWN_ATTEMPTS = 4;
const UNKNOWN_MAX_WAIT_MS = 1000;
const ENDS_THE_ROUND: ReadonlySet<string> = new Set([
  'CANCELLED',
  'KAFKA_TOKEN_ENDPOINT',
  'KAFKA_TOKEN_REFUSED',
]);
/** Topics remembered; the least recently asked are forgotten first. */
const TOPICS_MAX = 1000;

export class ClusterView {
  readonly #options: ClusterViewOptions;
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map();
  readonly #topics = new Map<string, KnownTopic>();
  readonly #refreshing = new Set<string>();

  constructor(options: ClusterViewOptions) {
    this.#options = options;
  }

  /** See KafkaCluster.topic. */
  async topic(name: string, fresh: boolean, signal?: AbortSignal): Promise<TopicView> {
    const { clock, maxAgeMs, firstWaitMs } = this.#options;
    const known = this.#topics.get(name);
    if (!fresh && known !== undefined) {
      if (clock.monotonicMs() - known.askedAtMs >= maxAgeMs) this.#refresh(name);
      return known.view;
    }
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#ask(name, signal);
      const view = this.#takeIn(name, answer.body, answer.broker);
      if (view !== null) return view;
      if (attempt === UNKNOWN_ATTEMPTS) throw fail('KAFKA_UNKNOWN_TOPIC', { topic: name });
      const waitMs = Math.min(firstWaitMs * 2 ** attempt, UNKNOWN_MAX_WAIT_MS);
      await clock.sleep(waitMs, signal).catch(() => {
        throw fail('CANCELLED');
      });
    }
  }

  /** Names of all topics that the login may see. Throws the connection's errors. */
  async topicNames(signal?: AbortSignal): Promise<readonly string[]> {
    const { body } = await this.#ask(null, signal);
    return body.topics.flatMap(({ name, errorCode }) =>
      name === null || errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION ? [] : [name],
    );
  }

  /**
   * Asks anew while the old answer serves: reading need not wait for a broker that is slow to tell. What fails
   * is asked again with the next `topic()`; a leader that cannot be read from forgets the answer.
   */
  #refresh(name: string): void {
    if (this.#refreshing.has(name)) return;
    this.#refreshing.add(name);
    void this.#ask(name, undefined)
      .then((answer) => this.#takeIn(name, answer.body, answer.broker))
      .catch(() => null)
      .finally(() => this.#refreshing.delete(name));
  }

  /** The next `topic()` asks the cluster. */
  forget(name: string): void {
    this.#topics.delete(name);
  }

  /** Throws KAFKA_LEADER_CHANGED (retry) for a node that is not known (any more). */
  address(nodeId: number, topic: string, partition: number): BrokerAddress {
    const address = this.#brokers.get(nodeId);
    if (address !== undefined) return address;
    this.forget(topic);
    const reason = nodeId === -1 ? 'it has none now' : `node ${nodeId} is not known`;
    throw fail('KAFKA_LEADER_CHANGED', { topic, partition, reason });
  }

  /** One Metadata answer from the first broker that gives one; null = all topics. */
  #ask(
    name: string | null,
    signal: AbortSignal | undefined,
  ): Promise<{ body: ResponseBody<'Metadata'>; broker: string }> {
    const topics = name === null ? null : [{ name }];
    const request = { topics, allowAutoTopicCreation: false };
    return this.askAny(async (connection) => {
      const answer = await connection.request('Metadata', request, { signal });
      answer.release();
      return { body: answer.body, broker: connection.broker };
    }, signal);
  }

  /** A question that every broker can answer: the first one that does. Throws what says most of why none did. */
  async askAny<T>(
    work: (connection: BrokerConnection) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const errors: unknown[] = [];
    for (const address of this.#candidates()) {
      try {
        return await work(await this.#options.connections.get(address, 'ask', signal));
      } catch (thrown) {
        errors.push(thrown);
        // No other broker would help: the token that all of them want is not to be had.
        if (thrown instanceof AppError && ENDS_THE_ROUND.has(thrown.code)) break;
      }
    }
    throw worstOf(errors);
  }

  /** Known brokers in random order, then the given ones that are not among them. */
  #candidates(): BrokerAddress[] {
    const known = [...this.#brokers.values()];
    const start = known.length === 0 ? 0 : this.#options.random.below(known.length);
    const turned = [...known.slice(start), ...known.slice(0, start)];
    const seen = new Set(turned.map(formatBrokerAddress));
    const given = this.#options.bootstrap.filter(
      (address) => !seen.has(formatBrokerAddress(address)),
    );
    return [...turned, ...given];
  }

  /** Remembers brokers and the topic; null when the broker does not know the topic. */
  #takeIn(name: string, body: ResponseBody<'Metadata'>, broker: string): TopicView | null {
    const { connections, bootstrap, clock } = this.#options;
    this.#brokers = new Map(body.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    connections.keepOnly([...this.#brokers.values(), ...bootstrap]);
    this.#topics.delete(name);
    const topic = body.topics.find((candidate) => candidate.name === name);
    if (topic === undefined || topic.errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION)
      return null;
    if (topic.errorCode === KAFKA_ERROR.INVALID_TOPIC_EXCEPTION)
      throw fail('KAFKA_UNKNOWN_TOPIC', { topic: name });
    const partitions: PartitionView[] = topic.partitions
      .map((row) => ({
        partition: row.partitionIndex,
        leaderId: row.leaderId,
        leaderEpoch: row.leaderEpoch,
      }))
      .toSorted((a, b) => a.partition - b.partition);
    const usable = partitions.every((row, index) => row.partition === index);
    if ((topic.errorCode !== KAFKA_ERROR.NONE && partitions.length === 0) || !usable) {
      const code = usable ? topic.errorCode : KAFKA_ERROR.LEADER_NOT_AVAILABLE;
      throw partitionError(code, {
        broker,
        api: 'Metadata',
        topic: name,
        partition: -1,
        offset: -1n,
      });
    }
    const topicId = topic.topicId === NO_UUID ? null : topic.topicId;
    const view: TopicView = { name, topicId, partitions };
    // A partition without leader: asked again the next time, not after the whole age.
    const complete = partitions.every((row) => row.leaderId !== -1);
    if (complete) this.#topics.set(name, { view, askedAtMs: clock.monotonicMs() });
    const [oldest] = this.#topics.keys();
    if (this.#topics.size > TOPICS_MAX && oldest !== undefined) this.#topics.delete(oldest);
    return view;
  }
}
