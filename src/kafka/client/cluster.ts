// What the rest of Millrace sees of a Kafka cluster. `KafkaClient` is the real one; simulations and
// tests may give another. Nothing here knows of loads or tables. Every failure is an AppError whose
// `kind` alone says whether to try again (retry) or to stop until a person acts (user).
import type { AppError } from '../../base/errors.ts';
import type { AbortedTransaction } from '../protocol/aborted-producers.ts';
import type { Isolation } from '../protocol/record-batch.ts';

export interface PartitionView {
  readonly partition: number;
  /** Node id of the leader; -1 = none now (a fetch then fails with KAFKA_LEADER_CHANGED, retry). */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  /** Node to read from where it is not the leader: a follower in the client's rack (KIP-392). */
  readonly readFromId?: number;
}

export interface TopicView {
  readonly name: string;
  /** Grows anew when a topic is recreated; null where the broker has no topic ids (Kafka before 2.8). */
  readonly topicId: string | null;
  /** Ordered by partition, 0 to n-1. */
  readonly partitions: readonly PartitionView[];
}

/** Where in a partition: its first offset, its end (LSO for read_committed), or the first offset at or after a time. */
export type OffsetSpec = 'earliest' | 'latest' | { readonly timestampMs: number };

export interface FetchPosition {
  readonly partition: number;
  /** Next offset to read. */
  readonly offset: bigint;
  /** Most bytes of this partition; a first batch that is larger comes whole all the same. */
  readonly maxBytes: number;
}

export interface FetchRequest {
  /** From `topic()`; gives ids, leaders and epochs. All positions must have the same node to read from. */
  readonly topic: TopicView;
  readonly positions: readonly FetchPosition[];
  readonly isolation: Isolation;
  /** The broker answers as soon as it has this many bytes... */
  readonly minBytes: number;
  /** ...or after this time, with what it has. */
  readonly maxWaitMs: number;
  /** Most bytes of the whole answer, but for a first batch that is larger. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

export interface FetchedPartition {
  readonly partition: number;
  /** Set when this partition failed; the other fields are then empty (-1n). */
  readonly error: AppError | null;
  /** Record batches as received: valid until `release()` of the answer. */
  readonly records: Buffer;
  readonly highWatermark: bigint;
  /** End for read_committed. */
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly abortedTransactions: readonly AbortedTransaction[];
}

export interface FetchAnswer {
  readonly partitions: readonly FetchedPartition[];
  /** Size of the answer on the wire. */
  readonly bytes: number;
  /** Gives the receive buffer back for the next answer. Not calling it only costs garbage collection. */
  release(): void;
}

export interface KafkaCluster {
  /**
   * Partitions and leaders, asked anew when older than the metadata age, after a leader error or
   * with `fresh`. Throws KAFKA_UNKNOWN_TOPIC, KAFKA_TOPIC_RECREATED (the id differs from `expectedId`),
   * KAFKA_AUTHORIZATION (user) and the connection's errors (KAFKA_UNREACHABLE and so on).
   */
  topic(
    name: string,
    options?: { fresh?: boolean; expectedId?: string | null; signal?: AbortSignal },
  ): Promise<TopicView>;
  /**
   * Offsets by partition, in the order asked. For a timestamp later than every record: the end.
   * Throws KAFKA_UNKNOWN_PARTITION (user), KAFKA_LEADER_CHANGED (retry, after own retries).
   */
  listOffsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    isolation: Isolation,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<number, bigint>>;
  /**
   * One Fetch to the node that the positions are read from. Errors of one partition are in its entry; errors of the
   * whole request are thrown. Aborting the signal rejects with CANCELLED at once.
   */
  fetch(request: FetchRequest): Promise<FetchAnswer>;
  /** Closes all connections; requests under way fail with CANCELLED. */
  close(): Promise<void>;
}

/** The node that a partition is read from: its leader, or a follower nearer by; -1 = none now. */
export function readerOf(topic: TopicView, partition: number): number {
  const view = topic.partitions[partition];
  return view?.readFromId ?? view?.leaderId ?? -1;
}

/** Positions grouped by the node that they are read from, for one `fetch` each. */
export function groupByReader<P extends { readonly partition: number }>(
  topic: TopicView,
  positions: readonly P[],
): Map<number, P[]> {
  return grouped(positions, ({ partition }) => readerOf(topic, partition));
}

/** Positions grouped by the leader of their partition. Partitions without leader come under -1. */
export function groupByLeader<P extends { readonly partition: number }>(
  topic: TopicView,
  positions: readonly P[],
): Map<number, P[]> {
  return grouped(positions, ({ partition }) => topic.partitions[partition]?.leaderId ?? -1);
}

function grouped<P>(positions: readonly P[], nodeOf: (position: P) => number): Map<number, P[]> {
  const groups = new Map<number, P[]>();
  for (const position of positions) {
    const node = nodeOf(position);
    const group = groups.get(node);
    if (group === undefined) groups.set(node, [position]);
    else group.push(position);
  }
  return groups;
}
