// DescribeConfigs, AlterConfigs, IncrementalAlterConfigs: settings of topics; those of the broker are
// shown, not changed.
import type { RequestBody, ResponseInput } from '../../protocol/apis.ts';
import { KAFKA_ERROR } from '../../protocol/errors.ts';
import type { BrokerServices } from '../services.ts';
import {
  CONFIG_TYPE,
  TOPIC_SETTINGS,
  type TopicOverrides,
  topicSettingProblem,
} from '../topic-config.ts';

const RESOURCE_TOPIC = 2;
const RESOURCE_BROKER = 4;
/** Where a value comes from. */
const SOURCE_TOPIC = 1;
const SOURCE_STATIC_BROKER = 4;
const SOURCE_DEFAULT = 5;

type DescribeAnswer = ResponseInput<'DescribeConfigs'>['results'][number];
type ConfigAnswer = DescribeAnswer['configs'][number];
type AlterAnswer = ResponseInput<'AlterConfigs'>['responses'][number];

/** All settings of a topic with their sources; only `names` where that is not null. */
export function describeTopicSettings(
  services: BrokerServices,
  overrides: TopicOverrides,
  partitions: number,
  names: readonly string[] | null,
): readonly ConfigAnswer[] {
  return Object.entries(TOPIC_SETTINGS)
    .filter(([name]) => names === null || names.includes(name))
    .map(([name, setting]): ConfigAnswer => {
      const fallback = setting.fallback(services.config, partitions);
      const own = overrides[name];
      const value = own ?? fallback;
      const synonyms = [{ name, value: fallback, source: SOURCE_DEFAULT }];
      if (own !== undefined) synonyms.unshift({ name, value: own, source: SOURCE_TOPIC });
      return {
        name,
        value,
        readOnly: false,
        configSource: own === undefined ? SOURCE_DEFAULT : SOURCE_TOPIC,
        isSensitive: false,
        synonyms,
        configType: setting.type,
        documentation: setting.documentation,
      };
    });
}

function describeBroker(services: BrokerServices): readonly ConfigAnswer[] {
  const { config } = services;
  const rows: readonly (readonly [string, string | number, number])[] = [
    ['auto.create.topics.enable', String(config.autoCreateTopics), CONFIG_TYPE.BOOLEAN],
    ['broker.id', config.nodeId, CONFIG_TYPE.INT],
    ['default.replication.factor', 1, CONFIG_TYPE.INT],
    ['log.retention.ms', config.retentionMs, CONFIG_TYPE.LONG],
    ['log.segment.bytes', config.segmentBytes, CONFIG_TYPE.INT],
    ['message.max.bytes', config.maxMessageBytes, CONFIG_TYPE.INT],
    ['num.partitions', config.defaultPartitions, CONFIG_TYPE.INT],
    ['offsets.retention.minutes', config.offsetsRetentionMs / 60_000, CONFIG_TYPE.INT],
    ['socket.request.max.bytes', config.maxRequestBytes, CONFIG_TYPE.INT],
  ];
  return rows.map(([name, value, configType]) => ({
    name,
    value: String(value),
    readOnly: true,
    configSource: SOURCE_STATIC_BROKER,
    isSensitive: false,
    configType,
  }));
}

export function describeConfigs(
  services: BrokerServices,
  body: RequestBody<'DescribeConfigs'>,
): ResponseInput<'DescribeConfigs'> {
  return {
    results: body.resources.map((resource): DescribeAnswer => {
      const { resourceType, resourceName, configurationKeys: keys } = resource;
      const about = { resourceType, resourceName };
      const refused = (errorCode: number, errorMessage: string): DescribeAnswer => ({
        ...about,
        errorCode,
        errorMessage,
        configs: [],
      });
      const found = (configs: readonly ConfigAnswer[]): DescribeAnswer => ({
        ...about,
        errorCode: 0,
        errorMessage: null,
        configs: body.includeSynonyms ? configs : configs.map((one) => ({ ...one, synonyms: [] })),
      });
      if (resourceType === RESOURCE_BROKER) {
        if (resourceName !== '' && resourceName !== String(services.config.nodeId)) {
          return refused(KAFKA_ERROR.INVALID_REQUEST, `there is no broker ${resourceName}`);
        }
        const all = describeBroker(services);
        return found(keys === null ? all : all.filter((one) => keys.includes(one.name)));
      }
      if (resourceType !== RESOURCE_TOPIC) {
        return refused(
          KAFKA_ERROR.INVALID_REQUEST,
          `resource type ${resourceType} has no settings`,
        );
      }
      const topic = services.topics.get(resourceName);
      if (topic === undefined) {
        return refused(KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION, `no topic ${resourceName}`);
      }
      const { overrides, partitions } = topic;
      return found(describeTopicSettings(services, overrides, partitions.length, keys));
    }),
  };
}

/** Replaces all settings of a topic by those given. */
export function alterConfigs(
  services: BrokerServices,
  body: RequestBody<'AlterConfigs'>,
): ResponseInput<'AlterConfigs'> {
  return {
    responses: body.resources.map((resource) =>
      change(services, resource, body.validateOnly, () =>
        Object.fromEntries(resource.configs.map(({ name, value }) => [name, value ?? ''])),
      ),
    ),
  };
}

const SET = 0;
const DELETE = 1;

export function incrementalAlterConfigs(
  services: BrokerServices,
  body: RequestBody<'IncrementalAlterConfigs'>,
): ResponseInput<'IncrementalAlterConfigs'> {
  return {
    responses: body.resources.map((resource) => {
      const known = resource.configs.every(
        ({ configOperation }) => configOperation === SET || configOperation === DELETE,
      );
      if (!known) {
        return answer(resource, KAFKA_ERROR.INVALID_REQUEST, 'only SET and DELETE are supported');
      }
      return change(services, resource, body.validateOnly, (before) => {
        const after = { ...before };
        for (const { name, configOperation, value } of resource.configs) {
          if (configOperation === SET) after[name] = value ?? '';
          else delete after[name];
        }
        return after;
      });
    }),
  };
}

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

const answer = (
  resource: Resource,
  errorCode: number,
  errorMessage: string | null,
): AlterAnswer => ({
  errorCode,
  errorMessage,
  resourceType: resource.resourceType,
  resourceName: resource.resourceName,
});

function change(
  services: BrokerServices,
  resource: Resource,
  validateOnly: boolean,
  next: (before: TopicOverrides) => TopicOverrides,
): AlterAnswer {
  if (resource.resourceType !== RESOURCE_TOPIC) {
    const text = 'only the settings of topics can be changed in the embedded broker';
    return answer(resource, KAFKA_ERROR.INVALID_REQUEST, text);
  }
  const topic = services.topics.get(resource.resourceName);
  if (topic === undefined) return answer(resource, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION, null);
  const overrides = next(topic.overrides);
  for (const [name, value] of Object.entries(overrides)) {
    const problem = topicSettingProblem(name, value);
    if (problem !== null) return answer(resource, KAFKA_ERROR.INVALID_CONFIG, problem);
  }
  if (!validateOnly) services.topics.setOverrides(topic, overrides);
  return answer(resource, 0, null);
}
