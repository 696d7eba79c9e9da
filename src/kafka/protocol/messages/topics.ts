// Schemas of the messages that create, change and describe topics and their settings. Tables only.
// SOURCE: Kafka 4.1 protocol guide.
import {
  array,
  bool,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  optional,
  string,
  struct,
  uuid,
} from '../schema.ts';
import { NO_UUID } from './records.ts';

export const createTopicsRequest = struct({
  topics: array(
    struct({
      name: string,
      /** -1 = the broker's default. */
      numPartitions: int32,
      replicationFactor: int16,
      assignments: optional(array(struct({ partitionIndex: int32, brokerIds: array(int32) })), []),
      configs: optional(array(struct({ name: string, value: nullableString })), []),
    }),
  ),
  timeoutMs: optional(int32, 60_000),
  validateOnly: optional(bool, false, { since: 1 }),
});

export const createTopicsResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 2 }),
  topics: array(
    struct({
      name: string,
      topicId: optional(uuid, NO_UUID, { since: 7 }),
      errorCode: int16,
      errorMessage: optional(nullableString, null, { since: 1 }),
      topicConfigErrorCode: optional(int16, 0, { since: 5, tag: 0 }),
      numPartitions: optional(int32, -1, { since: 5 }),
      replicationFactor: optional(int16, -1, { since: 5 }),
      configs: optional(
        nullableArray(
          struct({
            name: string,
            value: nullableString,
            readOnly: bool,
            configSource: optional(int8, -1),
            isSensitive: bool,
          }),
        ),
        null,
        { since: 5 },
      ),
    }),
  ),
});

export const deleteTopicsRequest = struct({
  topics: optional(array(struct({ name: nullableString, topicId: uuid })), [], { since: 6 }),
  topicNames: optional(array(string), [], { until: 5 }),
  timeoutMs: int32,
});

export const deleteTopicsResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  responses: array(
    struct({
      /** May be null from version 6 on only. */
      name: nullableString,
      topicId: optional(uuid, NO_UUID, { since: 6 }),
      errorCode: int16,
      errorMessage: optional(nullableString, null, { since: 5 }),
    }),
  ),
});

export const createPartitionsRequest = struct({
  topics: array(
    struct({
      name: string,
      count: int32,
      assignments: nullableArray(struct({ brokerIds: array(int32) })),
    }),
  ),
  timeoutMs: int32,
  validateOnly: optional(bool, false),
});

export const createPartitionsResponse = struct({
  throttleTimeMs: optional(int32, 0),
  results: array(
    struct({ name: string, errorCode: int16, errorMessage: optional(nullableString, null) }),
  ),
});

export const describeConfigsRequest = struct({
  resources: array(
    struct({
      /** 2 = topic, 4 = broker. */
      resourceType: int8,
      resourceName: string,
      /** null = all. */
      configurationKeys: nullableArray(string),
    }),
  ),
  includeSynonyms: optional(bool, false, { since: 1 }),
  includeDocumentation: optional(bool, false, { since: 3 }),
});

export const describeConfigsResponse = struct({
  throttleTimeMs: optional(int32, 0),
  results: array(
    struct({
      errorCode: int16,
      errorMessage: nullableString,
      resourceType: int8,
      resourceName: string,
      configs: array(
        struct({
          name: string,
          value: nullableString,
          readOnly: bool,
          configSource: optional(int8, -1, { since: 1 }),
          isSensitive: bool,
          synonyms: optional(
            array(struct({ name: string, value: nullableString, source: int8 })),
            [],
            { since: 1 },
          ),
          configType: optional(int8, 0, { since: 3 }),
          documentation: optional(nullableString, null, { since: 3 }),
        }),
      ),
    }),
  ),
});

export const alterConfigsRequest = struct({
  resources: array(
    struct({
      resourceType: int8,
      resourceName: string,
      configs: array(struct({ name: string, value: nullableString })),
    }),
  ),
  validateOnly: bool,
});

export const incrementalAlterConfigsRequest = struct({
  resources: array(
    struct({
      resourceType: int8,
      resourceName: string,
      /** Operation 0 = set, 1 = delete, 2 = append, 3 = subtract. */
      configs: array(struct({ name: string, configOperation: int8, value: nullableString })),
    }),
  ),
  validateOnly: bool,
});

/** The answer to both AlterConfigs and IncrementalAlterConfigs. */
export const alterConfigsResponse = struct({
  throttleTimeMs: optional(int32, 0),
  responses: array(
    struct({
      errorCode: int16,
      errorMessage: nullableString,
      resourceType: int8,
      resourceName: string,
    }),
  ),
});
