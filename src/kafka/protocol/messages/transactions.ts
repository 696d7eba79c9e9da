// Schemas of the messages of idempotent and transactional producers. Tables only, no behaviour.
// SOURCE: Kafka 4.1 protocol guide; KIP-98.
import {
  array,
  bool,
  int16,
  int32,
  int64,
  nullableString,
  optional,
  string,
  struct,
} from '../schema.ts';

export const initProducerIdRequest = struct({
  transactionalId: nullableString,
  transactionTimeoutMs: int32,
  producerId: optional(int64, -1n, { since: 3 }),
  producerEpoch: optional(int16, -1, { since: 3 }),
  enable2Pc: optional(bool, false, { since: 6 }),
  keepPreparedTxn: optional(bool, false, { since: 6 }),
});

export const initProducerIdResponse = struct({
  throttleTimeMs: optional(int32, 0),
  errorCode: int16,
  producerId: optional(int64, -1n),
  producerEpoch: int16,
  ongoingTxnProducerId: optional(int64, -1n, { since: 6 }),
  ongoingTxnProducerEpoch: optional(int16, -1, { since: 6 }),
});

const txnTopic = struct({ name: string, partitions: array(int32) });
const txnTopicResult = struct({
  name: string,
  resultsByPartition: array(struct({ partitionIndex: int32, partitionErrorCode: int16 })),
});

export const addPartitionsToTxnRequest = struct({
  transactions: optional(
    array(
      struct({
        transactionalId: string,
        producerId: int64,
        producerEpoch: int16,
        verifyOnly: optional(bool, false),
        topics: array(txnTopic),
      }),
    ),
    [],
    { since: 4 },
  ),
  v3AndBelowTransactionalId: optional(string, '', { until: 3 }),
  v3AndBelowProducerId: optional(int64, -1n, { until: 3 }),
  v3AndBelowProducerEpoch: optional(int16, -1, { until: 3 }),
  v3AndBelowTopics: optional(array(txnTopic), [], { until: 3 }),
});

export const addPartitionsToTxnResponse = struct({
  throttleTimeMs: optional(int32, 0),
  errorCode: optional(int16, 0, { since: 4 }),
  resultsByTransaction: optional(
    array(struct({ transactionalId: string, topicResults: array(txnTopicResult) })),
    [],
    { since: 4 },
  ),
  resultsByTopicV3AndBelow: optional(array(txnTopicResult), [], { until: 3 }),
});

export const addOffsetsToTxnRequest = struct({
  transactionalId: string,
  producerId: int64,
  producerEpoch: int16,
  groupId: string,
});

export const addOffsetsToTxnResponse = struct({
  throttleTimeMs: optional(int32, 0),
  errorCode: int16,
});

export const endTxnRequest = struct({
  transactionalId: string,
  producerId: int64,
  producerEpoch: int16,
  committed: bool,
});

export const endTxnResponse = struct({
  throttleTimeMs: optional(int32, 0),
  errorCode: int16,
  producerId: optional(int64, -1n, { since: 5 }),
  producerEpoch: optional(int16, -1, { since: 5 }),
});

export const txnOffsetCommitRequest = struct({
  transactionalId: string,
  groupId: string,
  producerId: int64,
  producerEpoch: int16,
  generationId: optional(int32, -1, { since: 3 }),
  memberId: optional(string, '', { since: 3 }),
  groupInstanceId: optional(nullableString, null, { since: 3 }),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: optional(int32, -1, { since: 2 }),
          committedMetadata: nullableString,
        }),
      ),
    }),
  ),
});

export const txnOffsetCommitResponse = struct({
  throttleTimeMs: optional(int32, 0),
  topics: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32, errorCode: int16 })),
    }),
  ),
});
