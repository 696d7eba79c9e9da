// Schemas of the messages that carry records and offsets: Produce, Fetch, ListOffsets,
// OffsetForLeaderEpoch, DeleteRecords. Tables only, no behaviour.
// SOURCE: Kafka 4.1 protocol guide.
import {
  array,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableBytes,
  nullableString,
  optional,
  string,
  struct,
  uuid,
} from '../schema.ts';

export const NO_UUID = '00000000-0000-0000-0000-000000000000';

const NO_LEADER = { leaderId: -1, leaderEpoch: -1 };
const leaderIdAndEpoch = struct({ leaderId: int32, leaderEpoch: int32 });
const nodeEndpoint = struct({
  nodeId: int32,
  host: string,
  port: int32,
  rack: optional(nullableString, null),
});

export const produceRequest = struct({
  transactionalId: optional(nullableString, null, { since: 3 }),
  /** 0 = no answer at all, 1 = leader, -1 = all replicas. */
  acks: int16,
  timeoutMs: int32,
  topicData: array(
    struct({
      name: optional(string, '', { until: 12 }),
      topicId: optional(uuid, NO_UUID, { since: 13 }),
      partitionData: array(struct({ index: int32, records: nullableBytes })),
    }),
  ),
});

export const produceResponse = struct({
  responses: array(
    struct({
      name: optional(string, '', { until: 12 }),
      topicId: optional(uuid, NO_UUID, { since: 13 }),
      partitionResponses: array(
        struct({
          index: int32,
          errorCode: int16,
          baseOffset: int64,
          logAppendTimeMs: optional(int64, -1n, { since: 2 }),
          logStartOffset: optional(int64, -1n, { since: 5 }),
          recordErrors: optional(
            array(struct({ batchIndex: int32, batchIndexErrorMessage: nullableString })),
            [],
            { since: 8 },
          ),
          errorMessage: optional(nullableString, null, { since: 8 }),
          currentLeader: optional(leaderIdAndEpoch, NO_LEADER, { since: 10, tag: 0 }),
        }),
      ),
    }),
  ),
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  nodeEndpoints: optional(array(nodeEndpoint), [], { since: 10, tag: 0 }),
});

export const fetchRequest = struct({
  clusterId: optional(nullableString, null, { since: 12, tag: 0 }),
  replicaId: optional(int32, -1, { until: 14 }),
  replicaState: optional(
    struct({ replicaId: int32, replicaEpoch: int64 }),
    { replicaId: -1, replicaEpoch: -1n },
    { since: 15, tag: 1 },
  ),
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: optional(int32, 0x7fffffff, { since: 3 }),
  /** 0 = read_uncommitted, 1 = read_committed. */
  isolationLevel: optional(int8, 0, { since: 4 }),
  sessionId: optional(int32, 0, { since: 7 }),
  sessionEpoch: optional(int32, -1, { since: 7 }),
  topics: array(
    struct({
      topic: optional(string, '', { until: 12 }),
      topicId: optional(uuid, NO_UUID, { since: 13 }),
      partitions: array(
        struct({
          partition: int32,
          currentLeaderEpoch: optional(int32, -1, { since: 9 }),
          fetchOffset: int64,
          lastFetchedEpoch: optional(int32, -1, { since: 12 }),
          logStartOffset: optional(int64, -1n, { since: 5 }),
          partitionMaxBytes: int32,
          replicaDirectoryId: optional(uuid, NO_UUID, { since: 17, tag: 0 }),
          highWatermark: optional(int64, 0x7fffffffffffffffn, { since: 18, tag: 1 }),
        }),
      ),
    }),
  ),
  forgottenTopicsData: optional(
    array(
      struct({
        topic: optional(string, '', { until: 12 }),
        topicId: optional(uuid, NO_UUID, { since: 13 }),
        partitions: array(int32),
      }),
    ),
    [],
    { since: 7 },
  ),
  rackId: optional(string, '', { since: 11 }),
});

export const fetchResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  errorCode: optional(int16, 0, { since: 7 }),
  sessionId: optional(int32, 0, { since: 7 }),
  responses: array(
    struct({
      topic: optional(string, '', { until: 12 }),
      topicId: optional(uuid, NO_UUID, { since: 13 }),
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          highWatermark: int64,
          lastStableOffset: optional(int64, -1n, { since: 4 }),
          logStartOffset: optional(int64, -1n, { since: 5 }),
          divergingEpoch: optional(
            struct({ epoch: int32, endOffset: int64 }),
            { epoch: -1, endOffset: -1n },
            { since: 12, tag: 0 },
          ),
          currentLeader: optional(leaderIdAndEpoch, NO_LEADER, { since: 12, tag: 1 }),
          snapshotId: optional(
            struct({ endOffset: int64, epoch: int32 }),
            { endOffset: -1n, epoch: -1 },
            { since: 12, tag: 2 },
          ),
          abortedTransactions: optional(
            nullableArray(struct({ producerId: int64, firstOffset: int64 })),
            [],
            { since: 4 },
          ),
          preferredReadReplica: optional(int32, -1, { since: 11 }),
          /** Whole record batches, as a slice of the response's buffer: never a copy. */
          records: nullableBytes,
        }),
      ),
    }),
  ),
  nodeEndpoints: optional(array(nodeEndpoint), [], { since: 16, tag: 0 }),
});

export const listOffsetsRequest = struct({
  replicaId: int32,
  isolationLevel: optional(int8, 0, { since: 2 }),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          currentLeaderEpoch: optional(int32, -1, { since: 4 }),
          /** Milliseconds; -1 = latest, -2 = earliest, -3 = the record of the greatest timestamp. */
          timestamp: int64,
        }),
      ),
    }),
  ),
  timeoutMs: optional(int32, 0, { since: 10 }),
});

export const listOffsetsResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 2 }),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          timestamp: optional(int64, -1n, { since: 1 }),
          offset: optional(int64, -1n, { since: 1 }),
          leaderEpoch: optional(int32, -1, { since: 4 }),
        }),
      ),
    }),
  ),
});

export const offsetForLeaderEpochRequest = struct({
  replicaId: optional(int32, -2, { since: 3 }),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({
          partition: int32,
          currentLeaderEpoch: optional(int32, -1, { since: 2 }),
          leaderEpoch: int32,
        }),
      ),
    }),
  ),
});

export const offsetForLeaderEpochResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 2 }),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({
          errorCode: int16,
          partition: int32,
          leaderEpoch: optional(int32, -1, { since: 1 }),
          endOffset: int64,
        }),
      ),
    }),
  ),
});

export const deleteRecordsRequest = struct({
  topics: array(
    struct({
      name: string,
      /** Offset -1 = up to the end. */
      partitions: array(struct({ partitionIndex: int32, offset: int64 })),
    }),
  ),
  timeoutMs: int32,
});

export const deleteRecordsResponse = struct({
  throttleTimeMs: optional(int32, 0),
  topics: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 })),
    }),
  ),
});
