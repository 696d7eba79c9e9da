// Metadata, FindCoordinator, DescribeCluster, DescribeTopicPartitions: a cluster of one broker that
// leads every partition and coordinates every group.
import { toAppError } from '../../../base/errors.ts';
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import { NO_UUID } from '../../protocol/messages/records.ts';
import type { BrokerServices, RequestContext } from '../services.ts';
import { isLegalTopicName, type Topic } from '../topic-store.ts';

type TopicAnswer = ResponseInput<'Metadata'>['topics'][number];

export function metadata(
  services: BrokerServices,
  body: RequestBody<'Metadata'>,
  context: RequestContext,
): ResponseInput<'Metadata'> {
  const { nodeId } = services.config;
  const wantsAll = body.topics === null || (context.version === 0 && body.topics.length === 0);
  const topics = wantsAll
    ? services.topics.all().map((topic) => describe(services, topic))
    : (body.topics ?? []).map((wanted) => describeWanted(services, wanted, body));
  return {
    brokers: [{ nodeId, host: context.advertisedHost, port: context.advertisedPort }],
    clusterId: services.clusterId,
    controllerId: nodeId,
    topics,
  };
}

function describe(services: BrokerServices, topic: Topic): TopicAnswer {
  const { nodeId } = services.config;
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: false,
    partitions: topic.partitions.map((_, partitionIndex) => ({
      errorCode: 0,
      partitionIndex,
      leaderId: nodeId,
      leaderEpoch: 0,
      replicaNodes: [nodeId],
      isrNodes: [nodeId],
    })),
  };
}

function describeWanted(
  services: BrokerServices,
  wanted: { readonly name: string | null; readonly topicId: string },
  body: RequestBody<'Metadata'>,
): TopicAnswer {
  const { name, topicId } = wanted;
  if (name === null || topicId !== NO_UUID) {
    const topic = services.topics.getById(topicId);
    if (topic !== undefined) return describe(services, topic);
    return { errorCode: KAFKA_ERROR.UNKNOWN_TOPIC_ID, name, topicId, partitions: [] };
  }
  const topic = services.topics.get(name);
  if (topic !== undefined) return describe(services, topic);
  const refused = (errorCode: number): TopicAnswer => ({ errorCode, name, partitions: [] });
  if (!isLegalTopicName(name)) return refused(KAFKA_ERROR.INVALID_TOPIC_EXCEPTION);
  const { autoCreateTopics, defaultPartitions, maxTopics } = services.config;
  if (!autoCreateTopics || !body.allowAutoTopicCreation || services.topics.size >= maxTopics) {
    return refused(KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  }
  try {
    return describe(services, services.topics.create(name, defaultPartitions, {}));
  } catch (thrown) {
    services.log.error('kafka topic not created', {
      topic: name,
      error: toAppError(thrown).message,
    });
    return refused(KAFKA_ERROR.KAFKA_STORAGE_ERROR);
  }
}

export function findCoordinator(
  services: BrokerServices,
  body: RequestBody<'FindCoordinator'>,
  context: RequestContext,
): ResponseInput<'FindCoordinator'> {
  const errorCode = body.keyType === 0 || body.keyType === 1 ? 0 : KAFKA_ERROR.INVALID_REQUEST;
  const here = {
    nodeId: services.config.nodeId,
    host: context.advertisedHost,
    port: context.advertisedPort,
    errorCode,
    errorMessage: null,
  };
  return { ...here, coordinators: body.coordinatorKeys.map((key) => ({ key, ...here })) };
}

export function describeCluster(
  services: BrokerServices,
  body: RequestBody<'DescribeCluster'>,
  context: RequestContext,
): ResponseInput<'DescribeCluster'> {
  const { nodeId } = services.config;
  const ofBrokers = body.endpointType === 1;
  return {
    errorCode: ofBrokers ? 0 : KAFKA_ERROR.MISMATCHED_ENDPOINT_TYPE,
    errorMessage: ofBrokers ? null : 'this is a broker, not a controller endpoint',
    endpointType: 1,
    clusterId: services.clusterId,
    controllerId: nodeId,
    brokers: [{ brokerId: nodeId, host: context.advertisedHost, port: context.advertisedPort }],
  };
}

export function describeTopicPartitions(
  services: BrokerServices,
  body: RequestBody<'DescribeTopicPartitions'>,
): ResponseInput<'DescribeTopicPartitions'> {
  const names =
    body.topics.length === 0
      ? services.topics.all().map((topic) => topic.name)
      : body.topics.map((topic) => topic.name).sort();
  const cursor = body.cursor;
  let left = Math.max(1, Math.min(body.responsePartitionLimit, 2000));
  const topics: ResponseInput<'DescribeTopicPartitions'>['topics'][number][] = [];
  for (const name of names) {
    if (cursor !== null && name < cursor.topicName) continue;
    const from = cursor !== null && name === cursor.topicName ? cursor.partitionIndex : 0;
    if (left <= 0) return { topics, nextCursor: { topicName: name, partitionIndex: from } };
    const topic = services.topics.get(name);
    if (topic === undefined) {
      const errorCode = KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      topics.push({ errorCode, name, topicId: NO_UUID, partitions: [] });
      continue;
    }
    const { partitions, ...rest } = describe(services, topic);
    const shown = partitions.slice(from, from + left);
    left -= shown.length;
    topics.push({
      ...rest,
      topicId: topic.id,
      partitions: shown.map((one) => ({ ...one, offlineReplicas: [] })),
    });
    const next = from + shown.length;
    if (next < partitions.length) {
      return { topics, nextCursor: { topicName: name, partitionIndex: next } };
    }
  }
  return { topics, nextCursor: null };
}
