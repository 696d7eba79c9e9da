// What Kafka's retention is about to take from a reader: how long the topic keeps messages, and per partition where it
// begins now and how old the oldest message is that was not read yet.
// SOURCE: Kafka documentation, topic configs (cleanup.policy, retention.ms); KIP-74 (sizes of a Fetch).
import { fail } from '../../base/errors.ts';
import { BATCH, BATCH_HEADER_BYTES } from '../protocol/batch-header.ts';
import { KAFKA_ERROR } from '../protocol/errors.ts';
import {
  type FetchedPartition,
  groupByReader,
  type KafkaCluster,
  type TopicView,
} from './cluster.ts';
import type { ClusterView } from './cluster-view.ts';
import { partitionError } from './error-meaning.ts';

/** Topics' configurations have these numbers in the protocol. */
const RESOURCE_TOPIC = 2;

export interface TopicRetention {
  /** Milliseconds that a message is kept at least; null = no limit by time. */
  readonly retentionMs: number | null;
  /** False: messages only go where a newer one of their key takes their place. */
  readonly deletes: boolean;
}

export interface UnreadPart {
  readonly partition: number;
  /** First offset that the partition still has. */
  readonly logStart: bigint;
  /** End as seen by the job's isolation. */
  readonly end: bigint;
  /** Timestamp of the oldest message at or behind the position, or a little before it, milliseconds; null = not known. */
  readonly oldestMs: number | null;
}

/**
 * No limit by time where the login may not describe the topic. Throws KAFKA_UNKNOWN_TOPIC, KAFKA_UNSUPPORTED_BROKER
 * (user), and the connection's errors.
 */
export async function topicRetention(
  view: ClusterView,
  topic: string,
  signal?: AbortSignal,
): Promise<TopicRetention> {
  const wanted = ['retention.ms', 'cleanup.policy'];
  const result = await view.askAny(async (connection) => {
    const resource = {
      resourceType: RESOURCE_TOPIC,
      resourceName: topic,
      configurationKeys: wanted,
    };
    const answer = await connection.request(
      'DescribeConfigs',
      { resources: [resource] },
      { signal },
    );
    answer.release();
    const [found] = answer.body.results;
    const code = found?.errorCode ?? KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
    if (code === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION)
      throw fail('KAFKA_UNKNOWN_TOPIC', { topic });
    // Whoever may not know it sees the beginning of the log move all the same.
    if (code === KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED) return new Map<string, string | null>();
    if (code !== KAFKA_ERROR.NONE) {
      const place = { broker: connection.broker, topic, partition: -1, offset: -1n };
      throw partitionError(code, { ...place, api: 'DescribeConfigs' });
    }
    return new Map(found?.configs.map(({ name, value }) => [name, value]));
  }, signal);
  const ms = Number(result.get('retention.ms') ?? '-1');
  const deletes = (result.get('cleanup.policy') ?? 'delete')
    .split(',')
    .some((one) => one.trim() === 'delete');
  return { retentionMs: ms >= 0 && Number.isFinite(ms) ? ms : null, deletes };
}

/** Answers have no more than about this of a partition, and of all of them. */
const PART_BYTES = 16 * 1024;
const ANSWER_BYTES = 4 * 1024 * 1024;
/** Partitions whose first batch is larger than that are asked for alone, so many at a time. */
const ALONE_MOST = 32;

/** Looks at what lies behind the positions. Partitions that cannot be looked at now are left out. */
export async function unreadParts(
  cluster: Pick<KafkaCluster, 'topic' | 'fetch'>,
  topic: string,
  positions: readonly { readonly partition: number; readonly offset: bigint }[],
  isolation: 'read_committed' | 'read_uncommitted',
  signal: AbortSignal,
): Promise<readonly UnreadPart[]> {
  const view = await cluster.topic(topic, { signal });
  const look = (group: typeof positions): Promise<readonly UnreadPart[]> =>
    lookAt(cluster, view, group, isolation, signal);
  const groups = [...groupByReader(view, positions).values()];
  const parts = (await Promise.all(groups.map(look))).flat();
  const dark = parts.filter(
    ({ partition, end, oldestMs }) =>
      oldestMs === null && positions.some((one) => one.partition === partition && one.offset < end),
  );
  for (const { partition } of dark.slice(0, ALONE_MOST)) {
    const alone = await look(positions.filter((one) => one.partition === partition));
    parts.splice(
      parts.findIndex((part) => part.partition === partition),
      1,
      ...alone,
    );
  }
  return parts;
}

async function lookAt(
  cluster: Pick<KafkaCluster, 'fetch'>,
  topic: TopicView,
  positions: readonly { readonly partition: number; readonly offset: bigint }[],
  isolation: 'read_committed' | 'read_uncommitted',
  signal: AbortSignal,
): Promise<readonly UnreadPart[]> {
  const answer = await cluster.fetch({
    topic,
    positions: positions.map((one) => ({ ...one, maxBytes: PART_BYTES })),
    isolation,
    minBytes: 1,
    maxWaitMs: 0,
    maxBytes: ANSWER_BYTES,
    signal,
  });
  const parts = answer.partitions.flatMap((one) => partOf(one, isolation));
  answer.release();
  return parts;
}

function partOf(
  { partition, error, logStartOffset, lastStableOffset, highWatermark, records }: FetchedPartition,
  isolation: 'read_committed' | 'read_uncommitted',
): readonly UnreadPart[] {
  if (error?.code === 'KAFKA_OFFSET_OUT_OF_RANGE') {
    const { logStart, logEnd } = error.fields;
    // What was next to be read is gone already.
    return typeof logStart === 'bigint' && typeof logEnd === 'bigint'
      ? [{ partition, logStart, end: logEnd, oldestMs: null }]
      : [];
  }
  if (error !== null) return [];
  const end = isolation === 'read_committed' ? lastStableOffset : highWatermark;
  // A batch may begin before the position: its first message is as old as that, or older.
  const baseMs =
    records.length < BATCH_HEADER_BYTES ? -1n : records.readBigInt64BE(BATCH.BASE_TIMESTAMP);
  const oldestMs = baseMs < 0n ? null : Number(baseMs);
  return [{ partition, logStart: logStartOffset, end, oldestMs }];
}
