// Schemas of the messages about connections and the cluster: ApiVersions, SASL, Metadata,
// FindCoordinator, DescribeCluster, DescribeTopicPartitions. Tables only, no behaviour.
// SOURCE: Kafka 4.1 protocol guide.
import {
  array,
  bool,
  bytes,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  nullableStruct,
  optional,
  string,
  struct,
  uuid,
} from '../schema.ts';
import { NO_UUID } from './records.ts';

/** "No list of authorized operations was asked for." */
const NO_OPERATIONS = -2147483648;

export const apiVersionsRequest = struct({
  clientSoftwareName: optional(string, '', { since: 3 }),
  clientSoftwareVersion: optional(string, '', { since: 3 }),
});

export const apiVersionsResponse = struct({
  errorCode: int16,
  apiKeys: array(struct({ apiKey: int16, minVersion: int16, maxVersion: int16 })),
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  supportedFeatures: optional(
    array(struct({ name: string, minVersion: int16, maxVersion: int16 })),
    [],
    { since: 3, tag: 0 },
  ),
  finalizedFeaturesEpoch: optional(int64, -1n, { since: 3, tag: 1 }),
  finalizedFeatures: optional(
    array(struct({ name: string, maxVersionLevel: int16, minVersionLevel: int16 })),
    [],
    { since: 3, tag: 2 },
  ),
  zkMigrationReady: optional(bool, false, { since: 3, tag: 3 }),
});

export const saslHandshakeRequest = struct({ mechanism: string });
export const saslHandshakeResponse = struct({ errorCode: int16, mechanisms: array(string) });

export const saslAuthenticateRequest = struct({ authBytes: bytes });
export const saslAuthenticateResponse = struct({
  errorCode: int16,
  errorMessage: nullableString,
  authBytes: bytes,
  sessionLifetimeMs: optional(int64, 0n, { since: 1 }),
});

export const metadataRequest = struct({
  /** null = all topics (in version 0 the empty list says that). */
  topics: nullableArray(
    struct({
      topicId: optional(uuid, NO_UUID, { since: 10 }),
      name: nullableString,
    }),
  ),
  allowAutoTopicCreation: optional(bool, true, { since: 4 }),
  includeClusterAuthorizedOperations: optional(bool, false, { since: 8, until: 10 }),
  includeTopicAuthorizedOperations: optional(bool, false, { since: 8 }),
});

export const metadataResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 3 }),
  brokers: array(
    struct({
      nodeId: int32,
      host: string,
      port: int32,
      rack: optional(nullableString, null, { since: 1 }),
    }),
  ),
  clusterId: optional(nullableString, null, { since: 2 }),
  controllerId: optional(int32, -1, { since: 1 }),
  topics: array(
    struct({
      errorCode: int16,
      name: nullableString,
      topicId: optional(uuid, NO_UUID, { since: 10 }),
      isInternal: optional(bool, false, { since: 1 }),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: optional(int32, -1, { since: 7 }),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          offlineReplicas: optional(array(int32), [], { since: 5 }),
        }),
      ),
      topicAuthorizedOperations: optional(int32, NO_OPERATIONS, { since: 8 }),
    }),
  ),
  clusterAuthorizedOperations: optional(int32, NO_OPERATIONS, { since: 8, until: 10 }),
  errorCode: optional(int16, 0, { since: 13 }),
});

export const findCoordinatorRequest = struct({
  key: optional(string, '', { until: 3 }),
  /** 0 = group, 1 = transaction. */
  keyType: optional(int8, 0, { since: 1 }),
  coordinatorKeys: optional(array(string), [], { since: 4 }),
});

export const findCoordinatorResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  errorCode: optional(int16, 0, { until: 3 }),
  errorMessage: optional(nullableString, null, { since: 1, until: 3 }),
  nodeId: optional(int32, -1, { until: 3 }),
  host: optional(string, '', { until: 3 }),
  port: optional(int32, -1, { until: 3 }),
  coordinators: optional(
    array(
      struct({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: nullableString,
      }),
    ),
    [],
    { since: 4 },
  ),
});

export const describeClusterRequest = struct({
  includeClusterAuthorizedOperations: optional(bool, false),
  endpointType: optional(int8, 1, { since: 1 }),
  includeFencedBrokers: optional(bool, false, { since: 2 }),
});

export const describeClusterResponse = struct({
  throttleTimeMs: optional(int32, 0),
  errorCode: int16,
  errorMessage: optional(nullableString, null),
  endpointType: optional(int8, 1, { since: 1 }),
  clusterId: string,
  controllerId: int32,
  brokers: array(
    struct({
      brokerId: int32,
      host: string,
      port: int32,
      rack: optional(nullableString, null),
      isFenced: optional(bool, false, { since: 2 }),
    }),
  ),
  clusterAuthorizedOperations: optional(int32, NO_OPERATIONS),
});

const cursor = struct({ topicName: string, partitionIndex: int32 });

export const describeTopicPartitionsRequest = struct({
  topics: array(struct({ name: string })),
  responsePartitionLimit: optional(int32, 2000),
  cursor: optional(nullableStruct(cursor), null),
});

export const describeTopicPartitionsResponse = struct({
  throttleTimeMs: optional(int32, 0),
  topics: array(
    struct({
      errorCode: int16,
      name: nullableString,
      topicId: uuid,
      isInternal: optional(bool, false),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: optional(int32, -1),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          /** Never null in an answer: the Java console tools fail on null. */
          eligibleLeaderReplicas: optional(nullableArray(int32), []),
          lastKnownElr: optional(nullableArray(int32), []),
          offlineReplicas: array(int32),
        }),
      ),
      topicAuthorizedOperations: optional(int32, NO_OPERATIONS),
    }),
  ),
  nextCursor: optional(nullableStruct(cursor), null),
});
