// Which topics a job reads: one, a list, or all whose names match an expression; and how the last two are checked.
import { AppError } from '../../base/errors.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import { analysisError } from '../properties.ts';
import type { TopicFacts, TopicProbe } from './service.ts';

/** Each has a task and connections of its own. */
export const MAX_TOPICS = 64;
const MAX_NAME_CHARACTERS = 249;
const MAX_PATTERN_CHARACTERS = 500;
/** Ways to match one name that may have to be tried, as a power of two: more of them may take for ever. */
const MAX_WAYS_LOG2 = 26;
/** Of a repetition: a name has fewer than 2^8 characters. */
const REPETITION_WAYS_LOG2 = 8;

/** Part of a stored definition: `topic` is '' where there is a pattern. */
export interface TopicChoice {
  /** One name, or several parted by commas. */
  readonly topic: string;
  readonly topicPattern?: string;
}

/** More than one topic, now or later? */
export function readsMany({ topic, topicPattern }: TopicChoice): boolean {
  return topicPattern !== undefined || topic.includes(',');
}

/** Is the topic one of them, now or later? */
export function readsTopic({ topic, topicPattern }: TopicChoice, name: string): boolean {
  if (topicPattern === undefined) return topic.split(',').includes(name);
  return matching([name], topicPattern).length > 0;
}

/** For messages and SHOW. */
export function choiceText({ topic, topicPattern }: TopicChoice): string {
  return topicPattern ?? topic;
}

/** Checks kafka_topic (without blanks) and kafka_topic_regex. Throws SQL_ANALYZE. */
export function readTopics(topic: string, pattern: string | undefined): TopicChoice {
  if (pattern !== undefined && pattern.trim() !== '') {
    if (topic !== '') {
      throw analysisError('kafka_topic and kafka_topic_regex can not both be given');
    }
    compilePattern(pattern.trim());
    return { topic: '', topicPattern: pattern.trim() };
  }
  if (topic === '') throw analysisError('kafka_topic is a required property');
  const names = topic.split(',');
  const wrong = names.find((name) => name === '' || name.length > MAX_NAME_CHARACTERS);
  if (wrong !== undefined) throw analysisError(`kafka_topic has no such name: '${wrong}'`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw analysisError(`kafka_topic names a topic twice: ${twice}`);
  checkCount(names);
  return { topic };
}

/** Whole names match. Throws SQL_ANALYZE for what is no expression, or one that might not come to an end. */
function compilePattern(pattern: string): RegExp {
  const refuse = (why: string): never => {
    throw analysisError(`kafka_topic_regex '${pattern}' can not be used: ${why}`);
  };
  if (pattern.length > MAX_PATTERN_CHARACTERS) refuse('it is too long');
  const plain = pattern
    .replaceAll(/\\[^1-9k]/g, 'x')
    .replaceAll(/\[[^\]]*\]/g, 'x')
    .replaceAll('(?:', '(');
  if (/\(\?[=!<]|\\[1-9k]/.test(plain)) refuse('it looks around or back');
  if (/\)[*+{]/.test(plain)) refuse('it repeats a group');
  const repetitions = (plain.match(/[*+]|\{\d*,/g) ?? []).length;
  // Alternatives outside of groups are tried one after the other.
  const choices = (plain.match(plain.includes('(') ? /[?|]/g : /\?/g) ?? []).length;
  if (repetitions * REPETITION_WAYS_LOG2 + choices > MAX_WAYS_LOG2) {
    refuse('it has too many repetitions and alternatives');
  }
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch (error) {
    return refuse(error instanceof Error ? error.message : 'it is no regular expression');
  }
}

function checkCount(names: readonly string[]): void {
  if (names.length <= MAX_TOPICS) return;
  throw analysisError(
    `a job can read ${MAX_TOPICS} topics, these are ${names.length}: ${names.slice(0, 5).join(', ')}, ...`,
  );
}

export interface FoundTopics {
  /** By name. */
  readonly topics: ReadonlyMap<string, TopicFacts>;
  /** Those of a list that do not exist. */
  readonly missing: readonly string[];
}

/** The job's topics as they are now. Throws SQL_ANALYZE for too many, and what the probe says. */
export async function findTopics(
  probe: TopicProbe,
  connection: KafkaConnectionSpec,
  choice: TopicChoice,
): Promise<FoundTopics> {
  const names =
    choice.topicPattern === undefined
      ? choice.topic.split(',')
      : matching(await probe.topics(connection), choice.topicPattern);
  checkCount(names);
  const topics = new Map<string, TopicFacts>();
  const missing: string[] = [];
  for (const name of names) {
    try {
      topics.set(name, await probe.topic(connection, name));
    } catch (thrown) {
      const isGone = thrown instanceof AppError && thrown.code === 'KAFKA_UNKNOWN_TOPIC';
      if (!isGone || !readsMany(choice)) throw thrown;
      missing.push(name);
    }
  }
  return { topics, missing };
}

/** Without Kafka's own topics, whose names begin with two underscores. */
function matching(names: readonly string[], pattern: string): readonly string[] {
  const expression = compilePattern(pattern);
  return names.filter((name) => !name.startsWith('__') && expression.test(name)).sort();
}
