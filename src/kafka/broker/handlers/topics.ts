// CreateTopics, DeleteTopics, CreatePartitions.
import { toAppError } from '../../../base/errors.ts';
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import { NO_UUID } from '../../protocol/messages/records.ts';
import type { BrokerServices } from '../services.ts';
import { type TopicOverrides, topicSettingProblem } from '../topic-config.ts';
import { isLegalTopicName, type Topic } from '../topic-store.ts';
import { describeTopicSettings } from './configs.ts';

type CreateTopic = RequestBody<'CreateTopics'>['topics'][number];
type CreateAnswer = ResponseInput<'CreateTopics'>['topics'][number];

interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string;
}

const refuse = (errorCode: number, errorMessage: string): Refusal => ({ errorCode, errorMessage });

export function createTopics(
  services: BrokerServices,
  body: RequestBody<'CreateTopics'>,
): ResponseInput<'CreateTopics'> {
  const names = body.topics.map((topic) => topic.name);
  return {
    topics: body.topics.map((wanted): CreateAnswer => {
      const repeated = names.indexOf(wanted.name) !== names.lastIndexOf(wanted.name);
      const problem = repeated
        ? refuse(KAFKA_ERROR.INVALID_REQUEST, 'the topic is named twice in the request')
        : createProblem(services, wanted);
      if (problem !== null) return { name: wanted.name, ...problem };
      try {
        return createTopic(services, wanted, body.validateOnly);
      } catch (thrown) {
        const message = toAppError(thrown).fullMessage;
        services.log.error('kafka topic not created', { topic: wanted.name, error: message });
        return { name: wanted.name, ...refuse(KAFKA_ERROR.KAFKA_STORAGE_ERROR, message) };
      }
    }),
  };
}

function createProblem(services: BrokerServices, wanted: CreateTopic): Refusal | null {
  const { maxPartitionsPerTopic, maxTopics } = services.config;
  const { name, numPartitions, replicationFactor, assignments } = wanted;
  if (!isLegalTopicName(name)) {
    return refuse(KAFKA_ERROR.INVALID_TOPIC_EXCEPTION, `'${name}' is not a legal topic name`);
  }
  if (services.topics.get(name) !== undefined) {
    return refuse(KAFKA_ERROR.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
  }
  if (services.topics.size >= maxTopics) {
    return refuse(KAFKA_ERROR.POLICY_VIOLATION, `there are ${maxTopics} topics, the most allowed`);
  }
  if (assignments.length > 0) return assignmentProblem(services, assignments);
  if (numPartitions !== -1 && (numPartitions < 1 || numPartitions > maxPartitionsPerTopic)) {
    return refuse(
      KAFKA_ERROR.INVALID_PARTITIONS,
      `the number of partitions must be 1 to ${maxPartitionsPerTopic}`,
    );
  }
  if (replicationFactor !== -1 && replicationFactor !== 1) {
    return refuse(
      KAFKA_ERROR.INVALID_REPLICATION_FACTOR,
      `replication factor ${replicationFactor} is not possible: there is one broker`,
    );
  }
  return settingsProblem(wanted.configs);
}

function assignmentProblem(
  services: BrokerServices,
  assignments: CreateTopic['assignments'],
): Refusal | null {
  const { nodeId, maxPartitionsPerTopic } = services.config;
  const good = assignments.every(
    ({ partitionIndex, brokerIds }) =>
      partitionIndex >= 0 &&
      partitionIndex < assignments.length &&
      brokerIds.length === 1 &&
      brokerIds[0] === nodeId,
  );
  if (good && assignments.length <= maxPartitionsPerTopic) return null;
  return refuse(
    KAFKA_ERROR.INVALID_REPLICA_ASSIGNMENT,
    `every partition must be assigned to broker ${nodeId} alone`,
  );
}

function settingsProblem(configs: CreateTopic['configs']): Refusal | null {
  for (const { name, value } of configs) {
    const problem = topicSettingProblem(name, value);
    if (problem !== null) return refuse(KAFKA_ERROR.INVALID_CONFIG, problem);
  }
  return null;
}

function createTopic(
  services: BrokerServices,
  wanted: CreateTopic,
  validateOnly: boolean,
): CreateAnswer {
  const asked = wanted.assignments.length > 0 ? wanted.assignments.length : wanted.numPartitions;
  const numPartitions = asked === -1 ? services.config.defaultPartitions : asked;
  const overrides: TopicOverrides = Object.fromEntries(
    wanted.configs.map(({ name, value }) => [name, value ?? '']),
  );
  const settings = describeTopicSettings(services, overrides, numPartitions, null);
  const topic = validateOnly
    ? undefined
    : services.topics.create(wanted.name, numPartitions, overrides);
  return {
    name: wanted.name,
    topicId: topic?.id ?? NO_UUID,
    errorCode: 0,
    numPartitions,
    replicationFactor: 1,
    configs: settings,
  };
}

export async function deleteTopics(
  services: BrokerServices,
  body: RequestBody<'DeleteTopics'>,
): Promise<ResponseInput<'DeleteTopics'>> {
  const wanted = [
    ...body.topicNames.map((name) => ({ name, topicId: NO_UUID })),
    ...body.topics.map(({ name, topicId }) => ({ name, topicId })),
  ];
  const responses: ResponseInput<'DeleteTopics'>['responses'][number][] = [];
  for (const { name, topicId } of wanted) {
    const byId = topicId !== NO_UUID;
    const topic: Topic | undefined = byId
      ? services.topics.getById(topicId)
      : services.topics.get(name ?? '');
    if (topic === undefined) {
      const errorCode = byId
        ? KAFKA_ERROR.UNKNOWN_TOPIC_ID
        : KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION;
      responses.push({ name, topicId, errorCode });
      continue;
    }
    services.groups.offsets.removeTopic(topic.name);
    await services.topics.remove(topic);
    responses.push({ name: topic.name, topicId: topic.id, errorCode: 0 });
  }
  return { responses };
}

export function createPartitions(
  services: BrokerServices,
  body: RequestBody<'CreatePartitions'>,
): ResponseInput<'CreatePartitions'> {
  return {
    results: body.topics.map(({ name, count }) => {
      const topic = services.topics.get(name);
      if (topic === undefined) {
        return { name, errorCode: KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION };
      }
      const now = topic.partitions.length;
      if (count <= now || count > services.config.maxPartitionsPerTopic) {
        const errorMessage = `the topic has ${now} partitions; ${count} is not between that and ${services.config.maxPartitionsPerTopic}`;
        return { name, errorCode: KAFKA_ERROR.INVALID_PARTITIONS, errorMessage };
      }
      if (!body.validateOnly) services.topics.addPartitions(topic, count);
      return { name, errorCode: 0 };
    }),
  };
}
