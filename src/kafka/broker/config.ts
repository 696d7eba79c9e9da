// Settings of the embedded broker with their defaults. Plain data; never read from the environment.

export interface BrokerConfig {
  readonly nodeId: number;
  /** Host that clients are told to connect to; '' = the listening host, or the address they came to. */
  readonly advertisedHost: string;
  readonly autoCreateTopics: boolean;
  /** Partitions of a topic created without a count. */
  readonly defaultPartitions: number;
  readonly maxPartitionsPerTopic: number;
  readonly maxTopics: number;
  /** Default retention of a whole topic (all partitions together); -1 = no limit. */
  readonly retentionBytesPerTopic: number;
  /** Default retention.ms; -1 = no limit. */
  readonly retentionMs: number;
  /** Default segment.bytes: what retention and compaction work in. */
  readonly segmentBytes: number;
  /** Default max.message.bytes: the largest record batch taken. */
  readonly maxMessageBytes: number;
  /** Largest request frame; a connection that announces more is closed. */
  readonly maxRequestBytes: number;
  /** Most bytes of requests that all connections hold together; more wait unread. */
  readonly requestBudgetBytes: number;
  /** Most bytes of Fetch answers that all connections hold together; more wait unread. */
  readonly responseBudgetBytes: number;
  /** Most bytes of records in one Fetch answer (one batch is sent whatever its size). */
  readonly maxFetchBytes: number;
  readonly maxConnections: number;
  /** A connection that leaves a request or an answer half done this long is closed. */
  readonly stalledConnectionMs: number;
  /** How often appended data is fsynced. A crash of the process loses nothing, of the machine this much. */
  readonly flushIntervalMs: number;
  /** How often retention and compaction run. */
  readonly maintenanceIntervalMs: number;
  /** How long a new group waits for more members before its first assignment. */
  readonly groupInitialRebalanceDelayMs: number;
  /** Bounds of what members may ask for. */
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly maxGroups: number;
  /** Committed offsets of a group without members are dropped after this long. */
  readonly offsetsRetentionMs: number;
  readonly transactionMaxTimeoutMs: number;
  /** Producers whose sequence numbers one partition remembers; the longest idle are forgotten. */
  readonly maxProducersPerPartition: number;
  /** Bytes of keys that one compaction pass may hold in memory. */
  readonly compactionKeyBytes: number;
}

const MIB = 1024 * 1024;
const DAY_MS = 24 * 3600 * 1000;

export const DEFAULT_BROKER_CONFIG: BrokerConfig = {
  nodeId: 1,
  advertisedHost: '',
  autoCreateTopics: true,
  defaultPartitions: 1,
  maxPartitionsPerTopic: 1000,
  maxTopics: 10_000,
  retentionBytesPerTopic: 1024 * MIB,
  retentionMs: 7 * DAY_MS,
  segmentBytes: 64 * MIB,
  maxMessageBytes: 32 * MIB,
  maxRequestBytes: 64 * MIB,
  requestBudgetBytes: 96 * MIB,
  responseBudgetBytes: 48 * MIB,
  maxFetchBytes: 8 * MIB,
  maxConnections: 512,
  stalledConnectionMs: 30_000,
  flushIntervalMs: 1000,
  maintenanceIntervalMs: 15_000,
  groupInitialRebalanceDelayMs: 0,
  groupMinSessionTimeoutMs: 1000,
  groupMaxSessionTimeoutMs: 1_800_000,
  maxGroups: 10_000,
  offsetsRetentionMs: 7 * DAY_MS,
  transactionMaxTimeoutMs: 900_000,
  maxProducersPerPartition: 10_000,
  compactionKeyBytes: 64 * MIB,
};
