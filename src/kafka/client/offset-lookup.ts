// ListOffsets: begin, end or the offset at a time, of some partitions of a topic. Goes to each
// partition's leader and, when leaders change, looks them up again a few times.
import type { Clock } from '../../base/clock.ts';
import { AppError, fail } from '../../base/errors.ts';
import { KAFKA_ERROR } from '../protocol/errors.ts';
import type { Isolation } from '../protocol/record-batch.ts';
import { type BrokerAddress, formatBrokerAddress } from './address.ts';
import { groupByLeader, type OffsetSpec, type TopicView } from './cluster.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Connections } from './connections.ts';
import { partitionError } from './error-meaning.ts';
import type { KafkaSettings } from './properties.ts';

const LATEST = -1n;
const EARLIEST = -2n;
const ATTEMPTS = 5;

type BackOff = Pick<KafkaSettings, 'retry.backoff.ms' | 'retry.backoff.max.ms'>;

export class OffsetLookup {
  readonly #view: ClusterView;
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #backOff: BackOff;

  constructor(view: ClusterView, connections: Connections, clock: Clock, backOff: BackOff) {
    this.#view = view;
    this.#connections = connections;
    this.#clock = clock;
    this.#backOff = backOff;
  }

  /** See KafkaCluster.listOffsets. */
  async find(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    isolation: Isolation,
    signal?: AbortSignal,
  ): Promise<Map<number, bigint>> {
    const timestamp =
      at === 'latest' ? LATEST : at === 'earliest' ? EARLIEST : BigInt(at.timestampMs);
    const found = await this.#findWithRetries(topic, partitions, timestamp, isolation, signal);
    const behindAll = partitions.filter((partition) => found.get(partition) === -1n);
    if (behindAll.length === 0) return found;
    // No record is as late as the timestamp: the end is where such records will come.
    const ends = await this.#findWithRetries(topic, behindAll, LATEST, isolation, signal);
    return new Map([...found, ...ends]);
  }

  async #findWithRetries(
    topic: string,
    partitions: readonly number[],
    timestamp: bigint,
    isolation: Isolation,
    signal: AbortSignal | undefined,
  ): Promise<Map<number, bigint>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const view = await this.#view.topic(topic, false, signal);
        return await this.#findOnce(view, partitions, timestamp, isolation, signal);
      } catch (thrown) {
        if (!(thrown instanceof AppError) || thrown.kind !== 'retry' || attempt === ATTEMPTS)
          throw thrown;
        this.#view.forget(topic);
        const waitMs = Math.min(
          this.#backOff['retry.backoff.ms'] * 2 ** (attempt - 1),
          this.#backOff['retry.backoff.max.ms'],
        );
        await this.#clock.sleep(waitMs, signal).catch(() => {
          throw fail('CANCELLED');
        });
      }
    }
  }

  async #findOnce(
    view: TopicView,
    partitions: readonly number[],
    timestamp: bigint,
    isolation: Isolation,
    signal: AbortSignal | undefined,
  ): Promise<Map<number, bigint>> {
    for (const partition of partitions)
      if (view.partitions[partition] === undefined)
        throw fail('KAFKA_UNKNOWN_PARTITION', {
          topic: view.name,
          partition,
          partitionCount: view.partitions.length,
        });
    const groups = groupByLeader(
      view,
      partitions.map((partition) => ({ partition })),
    );
    const answers = await Promise.all(
      [...groups].map(([leaderId, group]) => {
        const address = this.#view.address(leaderId, view.name, group[0]?.partition ?? -1);
        return this.#ask(address, view, group, timestamp, isolation, signal);
      }),
    );
    // In the order asked.
    const offsets = new Map(answers.flat());
    return new Map(partitions.map((partition) => [partition, offsets.get(partition) ?? -1n]));
  }

  async #ask(
    address: BrokerAddress,
    view: TopicView,
    group: readonly { readonly partition: number }[],
    timestamp: bigint,
    isolation: Isolation,
    signal: AbortSignal | undefined,
  ): Promise<[number, bigint][]> {
    const connection = await this.#connections.get(address, 'ask', signal);
    const answer = await connection.request(
      'ListOffsets',
      {
        replicaId: -1,
        isolationLevel: isolation === 'read_committed' ? 1 : 0,
        topics: [
          {
            name: view.name,
            partitions: group.map(({ partition }) => ({
              partitionIndex: partition,
              currentLeaderEpoch: view.partitions[partition]?.leaderEpoch ?? -1,
              timestamp,
            })),
          },
        ],
      },
      { signal },
    );
    const rows = answer.body.topics.flatMap((topic) => topic.partitions);
    answer.release();
    return rows.map((row) => {
      if (row.errorCode !== KAFKA_ERROR.NONE)
        throw partitionError(row.errorCode, {
          broker: formatBrokerAddress(address),
          api: 'ListOffsets',
          topic: view.name,
          partition: row.partitionIndex,
          offset: timestamp,
        });
      return [row.partitionIndex, row.offset];
    });
  }
}
