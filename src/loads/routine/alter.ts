// What ALTER ROUTINE LOAD changes: the new definition, and where positions move to. Checks everything
// before anything is stored; storing it is the service's business.
import { oauthConfig } from '../../kafka/client/oauth-config.ts';
import { parseKafkaProperties } from '../../kafka/client/properties.ts';
import type { LoadProperties } from '../../sql/ast/routine-load.ts';
import { analysisError, checkProperties, type PropertyMap } from '../properties.ts';
import { defineRoutineLoad, type RoutineLoadDefinition } from './definition.ts';
import {
  CUSTOM_PREFIX,
  DEAD_LETTER_KEY,
  JOB_PROPERTIES,
  REGISTRY_KEY,
  readKafkaSource,
} from './properties.ts';
import { type StartOffset, startText } from './start-offset.ts';
import { topicIdOf, withTopicIds } from './topic-ids.ts';
import { choiceText } from './topics.ts';

export interface PartitionMove {
  readonly partition: number;
  readonly to: StartOffset;
}

/** The definition after ALTER. Throws SQL_ANALYZE, KAFKA_PROPERTY_*. */
export function alteredDefinition(
  old: RoutineLoadDefinition,
  change: {
    readonly load: LoadProperties;
    readonly properties: PropertyMap;
    readonly source: PropertyMap;
  },
): RoutineLoadDefinition {
  const checked = checkProperties(JOB_PROPERTIES, change.properties);
  for (const key of Object.keys(checked)) {
    const spec = JOB_PROPERTIES[key as keyof typeof JOB_PROPERTIES];
    if (!spec.alterable) throw analysisError(`${key} is invalid property`);
  }
  const fresh = defineRoutineLoad({
    load: change.load,
    properties: { ...withoutDerivedTimes(old.properties, checked), ...checked },
    source: requiredOf(old),
    sessionTimeZone: old.timeZone,
  });
  return {
    ...fresh,
    source: { ...withoutChoices(old.source), ...alteredSource(old, change.source) },
    columns: fresh.columns ?? old.columns,
    where: fresh.where ?? old.where,
    columnSeparator: fresh.columnSeparator ?? old.columnSeparator,
    rowDelimiter: fresh.rowDelimiter ?? old.rowDelimiter,
    ...(old.columnsAdded === undefined ? {} : { columnsAdded: old.columnsAdded }),
    ...(old.tables === undefined ? {} : { tables: old.tables }),
    ...(fresh.partitions === undefined && old.partitions !== undefined
      ? { partitions: old.partitions }
      : {}),
  };
}

/** Where kafka_partitions and kafka_offsets send the positions. Throws SQL_ANALYZE. */
export function movesOf(
  old: RoutineLoadDefinition,
  source: PropertyMap,
  positions: readonly { readonly partition: number }[],
): readonly PartitionMove[] {
  const { partitions } = readKafkaSource({ ...requiredOf(old), ...listsOf(source) });
  return (partitions ?? []).map(({ partition, start }) => {
    if (start === null) {
      throw analysisError('Partitions number should be equals to offsets number');
    }
    if (!positions.some((entry) => entry.partition === partition)) {
      const which = old.source.partitions === null ? 'consumed' : 'custom';
      throw analysisError(`The specified partition ${partition} is not in the ${which} partitions`);
    }
    return { partition, to: start };
  });
}

/**
 * What the job reads after ALTER moved it to other brokers or another topic: the definition, and whether its positions
 * still mean what they did. Throws SQL_ANALYZE where they do not and nobody said where to begin.
 */
export function movedDefinition(
  old: RoutineLoadDefinition,
  altered: RoutineLoadDefinition,
  source: PropertyMap,
  topicId: string | null,
): { readonly definition: RoutineLoadDefinition; readonly keepsPositions: boolean } {
  const { topic } = altered.source;
  const oldId = topicIdOf(old, topic);
  const reading = withTopicIds(altered, new Map([[topic, topicId]]));
  const isSameName = topic === old.source.topic;
  if (isSameName && topicId !== null && topicId === oldId) {
    return { definition: reading, keepsPositions: true };
  }
  if (isSameName && !saysWhere(source)) {
    throw analysisError(
      `topic ${old.source.topic} at the new brokers is not known to be the one that the job read (its id is ${topicId ?? 'not known'}, it was ${oldId ?? 'not known'}), so its offsets may mean other messages: say where to begin with kafka_partitions and kafka_offsets, or with property.kafka_default_offsets`,
    );
  }
  return { definition: withPartitions(reading, source), keepsPositions: false };
}

/** Does ALTER say where to begin? */
export function saysWhere(source: PropertyMap): boolean {
  const keys = Object.keys(source).map((key) => key.toLowerCase());
  const where = [...LISTS, `${CUSTOM_PREFIX}kafka_default_offsets`];
  return where.some((key) => keys.includes(key));
}

/** With the partitions of the statement; without them it reads all. Throws SQL_ANALYZE. */
function withPartitions(
  altered: RoutineLoadDefinition,
  source: PropertyMap,
): RoutineLoadDefinition {
  const { partitions } = readKafkaSource({ ...requiredOf(altered), ...listsOf(source) });
  const starts = partitions?.map(({ partition, start }) => ({
    partition,
    start: start === null ? null : startText(start),
  }));
  return { ...altered, source: { ...altered.source, partitions: starts ?? null } };
}

function withoutChoices({
  topicPattern: _,
  deadLetterTopic: __,
  ...rest
}: RoutineLoadDefinition['source']): RoutineLoadDefinition['source'] {
  return rest;
}

/**
 * What a job reads after ALTER that read several topics, or is to: topics that it read before keep their positions, at
 * the same brokers. Throws SQL_ANALYZE where nobody said where to begin.
 */
export function movedTopics(
  old: RoutineLoadDefinition,
  altered: RoutineLoadDefinition,
  source: PropertyMap,
  before: readonly string[],
): { readonly definition: RoutineLoadDefinition; readonly kept: ReadonlySet<string> } {
  const definition = withPartitions(altered, source);
  if (JSON.stringify(old.source.brokers) === JSON.stringify(altered.source.brokers)) {
    // A list of partitions says where its topic, the only one then, begins.
    const isListed = definition.source.partitions !== null;
    return { definition, kept: new Set(isListed ? [] : before) };
  }
  if (source[`${CUSTOM_PREFIX}kafka_default_offsets`] !== undefined) {
    return { definition, kept: new Set() };
  }
  throw analysisError(
    'the offsets of several topics may mean other messages at other brokers: say where to begin with property.kafka_default_offsets',
  );
}

/** Do the two read from other brokers, or another topic? */
export function isMoved(old: RoutineLoadDefinition, altered: RoutineLoadDefinition): boolean {
  const placeOf = ({ source }: RoutineLoadDefinition): string =>
    JSON.stringify([source.brokers, choiceText(source)]);
  return placeOf(old) !== placeOf(altered);
}

/** task_consume_second and task_timeout_second follow from each other unless both were given. */
function withoutDerivedTimes(old: PropertyMap, given: PropertyMap): Record<string, string> {
  const { task_consume_second: consume, task_timeout_second: timeout, ...rest } = old;
  const isGiven = (key: string): boolean => given[key] !== undefined;
  if (isGiven('task_consume_second') || isGiven('task_timeout_second')) return rest;
  return {
    ...rest,
    ...(consume === undefined ? {} : { task_consume_second: consume }),
    ...(timeout === undefined ? {} : { task_timeout_second: timeout }),
  };
}

/** What readKafkaSource asks for and ALTER need not repeat. */
export function requiredOf(old: RoutineLoadDefinition): PropertyMap {
  const { brokers, topic, topicPattern, registryUrl, deadLetterTopic } = old.source;
  return {
    kafka_broker_list: brokers.join(','),
    ...(topicPattern === undefined ? { kafka_topic: topic } : { kafka_topic_regex: topicPattern }),
    ...(registryUrl === undefined ? {} : { [REGISTRY_KEY]: registryUrl }),
    ...(deadLetterTopic === undefined ? {} : { [DEAD_LETTER_KEY]: deadLetterTopic }),
  };
}

const LISTS = ['kafka_partitions', 'kafka_offsets'];
const TOPICS = ['kafka_topic', 'kafka_topic_regex'];
const PLACE = ['kafka_broker_list', ...TOPICS];

function listsOf(source: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(source).filter(([key]) => LISTS.includes(key.toLowerCase())),
  );
}

/** What is given, and what readKafkaSource asks for beside it. */
export function mergedSource(old: RoutineLoadDefinition, given: PropertyMap): PropertyMap {
  const isChosen = Object.keys(given).some((key) => TOPICS.includes(key.toLowerCase()));
  const kept = Object.entries(requiredOf(old)).filter(
    ([key]) => !isChosen || !TOPICS.includes(key),
  );
  return { ...Object.fromEntries(kept), ...given };
}

function alteredSource(
  old: RoutineLoadDefinition,
  given: PropertyMap,
): Partial<RoutineLoadDefinition['source']> {
  for (const key of Object.keys(given)) {
    const isList = [...LISTS, ...PLACE, REGISTRY_KEY, DEAD_LETTER_KEY].includes(key.toLowerCase());
    // The group is the job's name at the brokers; it stays.
    if ((!isList && !key.startsWith(CUSTOM_PREFIX)) || key === `${CUSTOM_PREFIX}group.id`) {
      throw analysisError(`${key} is invalid kafka custom property`);
    }
  }
  const { brokers, topic, topicPattern, custom, defaultOffset, ...more } = readKafkaSource(
    mergedSource(old, given),
  );
  const { registryUrl, deadLetterTopic } = more;
  const merged = { ...old.source.custom, ...custom };
  oauthConfig(parseKafkaProperties(merged));
  return {
    brokers,
    topic,
    ...(topicPattern === undefined ? {} : { topicPattern }),
    custom: merged,
    ...(registryUrl === undefined ? {} : { registryUrl }),
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    ...(defaultOffset === null ? {} : { defaultOffset: startText(defaultOffset) }),
  };
}
