// The requests of consumer groups: joining, syncing, heartbeats, leaving, offsets, and the admin's
// listing and describing.
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import type { OffsetCommit } from '../groups/group-offsets.ts';
import type { BrokerServices, RequestContext } from '../services.ts';

/** JoinGroup version from which new members are told their id first (KIP-394). */
const KNOWN_ID_FROM = 4;
/** JoinGroup version from which the protocol name may be null. */
const NULL_PROTOCOL_FROM = 7;
const MAX_METADATA_BYTES = 4096;
const NO_BYTES = Buffer.alloc(0);

export async function joinGroup(
  services: BrokerServices,
  body: RequestBody<'JoinGroup'>,
  context: RequestContext,
): Promise<ResponseInput<'JoinGroup'>> {
  const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = services.config;
  const { sessionTimeoutMs, rebalanceTimeoutMs, groupId, memberId } = body;
  const refused = (errorCode: number): ResponseInput<'JoinGroup'> => ({
    errorCode,
    protocolName: context.version >= NULL_PROTOCOL_FROM ? null : '',
    leader: '',
    memberId,
    members: [],
  });
  if (groupId === '') return refused(KAFKA_ERROR.INVALID_GROUP_ID);
  if (sessionTimeoutMs < groupMinSessionTimeoutMs || sessionTimeoutMs > groupMaxSessionTimeoutMs) {
    return refused(KAFKA_ERROR.INVALID_SESSION_TIMEOUT);
  }
  const group = services.groups.getOrCreate(groupId);
  if (group === null) return refused(KAFKA_ERROR.GROUP_MAX_SIZE_REACHED);
  const answer = await group.join({
    memberId,
    instanceId: body.groupInstanceId,
    clientId: context.clientId,
    clientHost: context.clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutMs > 0 ? rebalanceTimeoutMs : sessionTimeoutMs,
    protocolType: body.protocolType,
    // Copies: the group keeps them longer than the request's buffer should live.
    protocols: body.protocols.map(({ name, metadata }) => ({
      name,
      metadata: Buffer.from(metadata),
    })),
    needsKnownId: context.version >= KNOWN_ID_FROM,
  });
  return {
    errorCode: answer.errorCode,
    generationId: answer.generation,
    protocolType: answer.protocolType,
    protocolName: answer.protocolName ?? (context.version >= NULL_PROTOCOL_FROM ? null : ''),
    leader: answer.leaderId,
    memberId: answer.memberId,
    members: answer.members,
  };
}

export async function syncGroup(
  services: BrokerServices,
  body: RequestBody<'SyncGroup'>,
): Promise<ResponseInput<'SyncGroup'>> {
  const group = services.groups.get(body.groupId);
  if (group === undefined) {
    return { errorCode: KAFKA_ERROR.UNKNOWN_MEMBER_ID, assignment: NO_BYTES };
  }
  return await group.sync(body.memberId, body.generationId, body.assignments);
}

export function heartbeat(
  services: BrokerServices,
  body: RequestBody<'Heartbeat'>,
): ResponseInput<'Heartbeat'> {
  const group = services.groups.get(body.groupId);
  if (group === undefined) return { errorCode: KAFKA_ERROR.UNKNOWN_MEMBER_ID };
  return { errorCode: group.heartbeat(body.memberId, body.generationId) };
}

export function leaveGroup(
  services: BrokerServices,
  body: RequestBody<'LeaveGroup'>,
  context: RequestContext,
): ResponseInput<'LeaveGroup'> {
  const group = services.groups.get(body.groupId);
  const leave = (memberId: string, instanceId: string | null): number =>
    group === undefined ? KAFKA_ERROR.UNKNOWN_MEMBER_ID : group.leave(memberId, instanceId);
  if (context.version < 3) return { errorCode: leave(body.memberId, null) };
  const members = body.members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: leave(memberId, groupInstanceId),
  }));
  return { errorCode: 0, members };
}

// -- offsets

export function offsetCommit(
  services: BrokerServices,
  body: RequestBody<'OffsetCommit'>,
): ResponseInput<'OffsetCommit'> {
  const group = services.groups.getOrCreate(body.groupId);
  const problem =
    body.groupId === ''
      ? KAFKA_ERROR.INVALID_GROUP_ID
      : (group?.commitProblem(body.memberId, body.generationIdOrMemberEpoch) ??
        KAFKA_ERROR.GROUP_MAX_SIZE_REACHED);
  const commits: OffsetCommit[] = [];
  const topics = body.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((one) => {
      const errorCode = problem === 0 ? commitProblem(services, name, one) : problem;
      if (errorCode === 0) commits.push(commitOf(services, name, one));
      return { partitionIndex: one.partitionIndex, errorCode };
    }),
  }));
  services.groups.offsets.commit(body.groupId, commits);
  return { topics };
}

interface PartitionCommit {
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

/** Number of the error of one partition's commit, 0 = it can be stored. */
export function commitProblem(
  services: BrokerServices,
  topic: string,
  one: PartitionCommit,
): number {
  if (services.topics.partition(topic, one.partitionIndex) === undefined) {
    return KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
  }
  const metadataBytes = Buffer.byteLength(one.committedMetadata ?? '', 'utf8');
  return metadataBytes > MAX_METADATA_BYTES ? KAFKA_ERROR.OFFSET_METADATA_TOO_LARGE : 0;
}

export function commitOf(
  services: BrokerServices,
  topic: string,
  one: PartitionCommit,
): OffsetCommit {
  return {
    topic,
    partition: one.partitionIndex,
    offset: one.committedOffset,
    leaderEpoch: one.committedLeaderEpoch,
    metadata: one.committedMetadata ?? '',
    committedAtMs: services.clock.nowMs(),
  };
}

/** OffsetFetch version from which several groups are asked in one request. */
const BATCHED_FROM = 8;

export function offsetFetch(
  services: BrokerServices,
  body: RequestBody<'OffsetFetch'>,
  context: RequestContext,
): ResponseInput<'OffsetFetch'> {
  if (context.version < BATCHED_FROM) {
    return { topics: fetchOffsets(services, body.groupId, body.topics, body.requireStable) };
  }
  return {
    groups: body.groups.map(({ groupId, topics }) => ({
      groupId,
      topics: fetchOffsets(services, groupId, topics, body.requireStable),
    })),
  };
}

type FetchedTopic = ResponseInput<'OffsetFetch'>['groups'] extends
  | readonly { readonly topics: readonly (infer T)[] }[]
  | undefined
  ? T & { readonly name: string }
  : never;

function fetchOffsets(
  services: BrokerServices,
  group: string,
  wanted: readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[] | null,
  requireStable: boolean,
): readonly FetchedTopic[] {
  const { offsets } = services.groups;
  const asked =
    wanted ??
    offsets.partitionsOf(group).map(({ topic, partitions }) => ({
      name: topic,
      partitionIndexes: partitions,
    }));
  return asked.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => {
      const nothing = { partitionIndex, committedOffset: -1n, metadata: '' };
      if (requireStable && services.transactions.hasPendingOffset(group, name, partitionIndex)) {
        return { ...nothing, errorCode: KAFKA_ERROR.UNSTABLE_OFFSET_COMMIT };
      }
      const found = offsets.get(group, name, partitionIndex);
      if (found === undefined) return { ...nothing, errorCode: 0 };
      return {
        partitionIndex,
        committedOffset: found.offset,
        committedLeaderEpoch: found.leaderEpoch,
        metadata: found.metadata,
        errorCode: 0,
      };
    }),
  }));
}

// -- admin

export function describeGroups(
  services: BrokerServices,
  body: RequestBody<'DescribeGroups'>,
): ResponseInput<'DescribeGroups'> {
  return {
    groups: body.groups.map((groupId) => {
      const group = services.groups.get(groupId);
      const exists = services.groups.exists(groupId);
      return {
        errorCode: 0,
        groupId,
        groupState: exists ? (group?.state ?? 'Empty') : 'Dead',
        protocolType: group?.protocolType ?? '',
        protocolData: group?.protocolName ?? '',
        members: (group?.members ?? []).map((member) => ({
          memberId: member.id,
          groupInstanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          memberMetadata: group?.metadataOf(member) ?? NO_BYTES,
          memberAssignment: member.assignment,
        })),
      };
    }),
  };
}

export function listGroups(
  services: BrokerServices,
  body: RequestBody<'ListGroups'>,
): ResponseInput<'ListGroups'> {
  const states = new Set(body.statesFilter.map((state) => state.toLowerCase()));
  const types = new Set(body.typesFilter.map((type) => type.toLowerCase()));
  const groups = services.groups.ids().map((groupId) => {
    const group = services.groups.get(groupId);
    return {
      groupId,
      protocolType: group?.protocolType ?? '',
      groupState: group?.state ?? 'Empty',
      groupType: 'classic',
    };
  });
  return {
    errorCode: 0,
    groups: groups.filter(
      (group) =>
        (states.size === 0 || states.has(group.groupState.toLowerCase())) &&
        (types.size === 0 || types.has(group.groupType)),
    ),
  };
}

export function deleteGroups(
  services: BrokerServices,
  body: RequestBody<'DeleteGroups'>,
): ResponseInput<'DeleteGroups'> {
  return {
    results: body.groupsNames.map((groupId) => {
      if (!services.groups.exists(groupId)) {
        return { groupId, errorCode: KAFKA_ERROR.GROUP_ID_NOT_FOUND };
      }
      if ((services.groups.get(groupId)?.state ?? 'Empty') !== 'Empty') {
        return { groupId, errorCode: KAFKA_ERROR.NON_EMPTY_GROUP };
      }
      services.groups.remove(groupId);
      return { groupId, errorCode: 0 };
    }),
  };
}
