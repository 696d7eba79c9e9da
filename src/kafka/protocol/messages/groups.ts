// Schemas of the messages about consumer groups and their offsets. Tables only, no behaviour.
// SOURCE: Kafka 4.1 protocol guide.
import {
  array,
  bool,
  bytes,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  optional,
  string,
  struct,
  uuid,
} from '../schema.ts';
import { NO_UUID } from './records.ts';

const NO_OPERATIONS = -2147483648;

export const offsetCommitRequest = struct({
  groupId: string,
  generationIdOrMemberEpoch: optional(int32, -1, { since: 1 }),
  memberId: optional(string, '', { since: 1 }),
  groupInstanceId: optional(nullableString, null, { since: 7 }),
  retentionTimeMs: optional(int64, -1n, { since: 2, until: 4 }),
  topics: array(
    struct({
      name: optional(string, '', { until: 9 }),
      topicId: optional(uuid, NO_UUID, { since: 10 }),
      partitions: array(
        struct({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: optional(int32, -1, { since: 6 }),
          committedMetadata: nullableString,
        }),
      ),
    }),
  ),
});

export const offsetCommitResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 3 }),
  topics: array(
    struct({
      name: optional(string, '', { until: 9 }),
      topicId: optional(uuid, NO_UUID, { since: 10 }),
      partitions: array(struct({ partitionIndex: int32, errorCode: int16 })),
    }),
  ),
});

export const offsetFetchRequest = struct({
  groupId: optional(string, '', { until: 7 }),
  /** null = all topics of the group (since version 2). */
  topics: optional(nullableArray(struct({ name: string, partitionIndexes: array(int32) })), [], {
    until: 7,
  }),
  groups: optional(
    array(
      struct({
        groupId: string,
        memberId: optional(nullableString, null, { since: 9 }),
        memberEpoch: optional(int32, -1, { since: 9 }),
        topics: nullableArray(
          struct({
            name: optional(string, '', { until: 9 }),
            topicId: optional(uuid, NO_UUID, { since: 10 }),
            partitionIndexes: array(int32),
          }),
        ),
      }),
    ),
    [],
    { since: 8 },
  ),
  requireStable: optional(bool, false, { since: 7 }),
});

const fetchedOffset = struct({
  partitionIndex: int32,
  committedOffset: int64,
  committedLeaderEpoch: optional(int32, -1, { since: 5 }),
  metadata: nullableString,
  errorCode: int16,
});

export const offsetFetchResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 3 }),
  topics: optional(array(struct({ name: string, partitions: array(fetchedOffset) })), [], {
    until: 7,
  }),
  errorCode: optional(int16, 0, { since: 2, until: 7 }),
  groups: optional(
    array(
      struct({
        groupId: string,
        topics: array(
          struct({
            name: optional(string, '', { until: 9 }),
            topicId: optional(uuid, NO_UUID, { since: 10 }),
            partitions: array(fetchedOffset),
          }),
        ),
        errorCode: optional(int16, 0),
      }),
    ),
    [],
    { since: 8 },
  ),
});

export const joinGroupRequest = struct({
  groupId: string,
  sessionTimeoutMs: int32,
  rebalanceTimeoutMs: optional(int32, -1, { since: 1 }),
  memberId: string,
  groupInstanceId: optional(nullableString, null, { since: 5 }),
  protocolType: string,
  protocols: array(struct({ name: string, metadata: bytes })),
  reason: optional(nullableString, null, { since: 8 }),
});

export const joinGroupResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 2 }),
  errorCode: int16,
  generationId: optional(int32, -1),
  protocolType: optional(nullableString, null, { since: 7 }),
  /** May be null from version 7 on only. */
  protocolName: nullableString,
  leader: string,
  skipAssignment: optional(bool, false, { since: 9 }),
  memberId: string,
  members: array(
    struct({
      memberId: string,
      groupInstanceId: optional(nullableString, null, { since: 5 }),
      metadata: bytes,
    }),
  ),
});

export const syncGroupRequest = struct({
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: optional(nullableString, null, { since: 3 }),
  protocolType: optional(nullableString, null, { since: 5 }),
  protocolName: optional(nullableString, null, { since: 5 }),
  assignments: array(struct({ memberId: string, assignment: bytes })),
});

export const syncGroupResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  errorCode: int16,
  protocolType: optional(nullableString, null, { since: 5 }),
  protocolName: optional(nullableString, null, { since: 5 }),
  assignment: bytes,
});

export const heartbeatRequest = struct({
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: optional(nullableString, null, { since: 3 }),
});

export const heartbeatResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  errorCode: int16,
});

export const leaveGroupRequest = struct({
  groupId: string,
  memberId: optional(string, '', { until: 2 }),
  members: optional(
    array(
      struct({
        memberId: string,
        groupInstanceId: optional(nullableString, null),
        reason: optional(nullableString, null, { since: 5 }),
      }),
    ),
    [],
    { since: 3 },
  ),
});

export const leaveGroupResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  errorCode: int16,
  members: optional(
    array(struct({ memberId: string, groupInstanceId: nullableString, errorCode: int16 })),
    [],
    { since: 3 },
  ),
});

export const describeGroupsRequest = struct({
  groups: array(string),
  includeAuthorizedOperations: optional(bool, false, { since: 3 }),
});

export const describeGroupsResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  groups: array(
    struct({
      errorCode: int16,
      errorMessage: optional(nullableString, null, { since: 6 }),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array(
        struct({
          memberId: string,
          groupInstanceId: optional(nullableString, null, { since: 4 }),
          clientId: string,
          clientHost: string,
          memberMetadata: bytes,
          memberAssignment: bytes,
        }),
      ),
      authorizedOperations: optional(int32, NO_OPERATIONS, { since: 3 }),
    }),
  ),
});

export const listGroupsRequest = struct({
  statesFilter: optional(array(string), [], { since: 4 }),
  typesFilter: optional(array(string), [], { since: 5 }),
});

export const listGroupsResponse = struct({
  throttleTimeMs: optional(int32, 0, { since: 1 }),
  errorCode: int16,
  groups: array(
    struct({
      groupId: string,
      protocolType: string,
      groupState: optional(string, '', { since: 4 }),
      groupType: optional(string, '', { since: 5 }),
    }),
  ),
});

export const deleteGroupsRequest = struct({ groupsNames: array(string) });
export const deleteGroupsResponse = struct({
  throttleTimeMs: optional(int32, 0),
  results: array(struct({ groupId: string, errorCode: int16 })),
});
