// The topic settings that the embedded broker knows: one table that validates, describes and gives
// defaults. A setting that it would not act upon is refused rather than stored.
// SOURCE: Kafka documentation, "Topic Configs".
import type { BrokerConfig } from './config.ts';

/** Kafka's numbers for DescribeConfigs' config_type. */
export const CONFIG_TYPE = { BOOLEAN: 1, STRING: 2, INT: 3, LONG: 5, DOUBLE: 6, LIST: 7 } as const;

interface TopicSetting {
  readonly type: number;
  readonly fallback: (config: BrokerConfig, partitions: number) => string;
  /** What is wrong with the value, null when it can be taken. */
  readonly problem: (value: string) => string | null;
  readonly documentation: string;
}

const wholeNumber =
  (least: number) =>
  (value: string): string | null =>
    /^-?\d{1,18}$/.test(value) && Number(value) >= least
      ? null
      : `must be a whole number of at least ${least}`;

const oneOf =
  (...allowed: readonly string[]) =>
  (value: string): string | null =>
    allowed.includes(value) ? null : `must be ${allowed.join(' or ')} in the embedded broker`;

const POLICIES = new Set(['delete', 'compact', 'compact,delete', 'delete,compact']);

export const TOPIC_SETTINGS: Readonly<Record<string, TopicSetting>> = {
  'cleanup.policy': {
    type: CONFIG_TYPE.LIST,
    fallback: () => 'delete',
    problem: (value) =>
      POLICIES.has(value.replaceAll(' ', '')) ? null : 'must be delete, compact or both',
    documentation: 'What happens to old segments: deleted, or compacted to the latest of each key.',
  },
  'compression.type': {
    type: CONFIG_TYPE.STRING,
    fallback: () => 'producer',
    problem: oneOf('producer'),
    documentation: 'Batches are stored as the producer compressed them.',
  },
  'delete.retention.ms': {
    type: CONFIG_TYPE.LONG,
    fallback: () => '86400000',
    problem: wholeNumber(0),
    documentation: 'How long compaction keeps a tombstone.',
  },
  'max.message.bytes': {
    type: CONFIG_TYPE.INT,
    fallback: (config) => String(config.maxMessageBytes),
    problem: wholeNumber(0),
    documentation: 'The largest record batch taken.',
  },
  'message.timestamp.type': {
    type: CONFIG_TYPE.STRING,
    fallback: () => 'CreateTime',
    problem: oneOf('CreateTime', 'LogAppendTime'),
    documentation: "Whose clock stamps the records: the producer's or the broker's.",
  },
  'min.cleanable.dirty.ratio': {
    type: CONFIG_TYPE.DOUBLE,
    fallback: () => '0.5',
    problem: (value) =>
      /^[01](\.\d+)?$|^\.\d+$/.test(value) && Number(value) <= 1 ? null : 'must be 0 to 1',
    documentation: 'Share of the log that must be new before compaction runs.',
  },
  'min.insync.replicas': {
    type: CONFIG_TYPE.INT,
    fallback: () => '1',
    problem: oneOf('1'),
    documentation: 'There is one broker.',
  },
  'retention.bytes': {
    type: CONFIG_TYPE.LONG,
    fallback: (config, partitions) =>
      config.retentionBytesPerTopic < 0
        ? '-1'
        : String(Math.ceil(config.retentionBytesPerTopic / partitions)),
    problem: wholeNumber(-1),
    documentation: 'Bytes kept of each partition; -1 = no limit.',
  },
  'retention.ms': {
    type: CONFIG_TYPE.LONG,
    fallback: (config) => String(config.retentionMs),
    problem: wholeNumber(-1),
    documentation: 'How long records are kept; -1 = no limit.',
  },
  'segment.bytes': {
    type: CONFIG_TYPE.INT,
    fallback: (config) => String(config.segmentBytes),
    problem: wholeNumber(1024),
    documentation: 'Size of a log file: what retention and compaction work in.',
  },
  'segment.ms': {
    type: CONFIG_TYPE.LONG,
    fallback: () => '604800000',
    problem: wholeNumber(1),
    documentation: 'Age at which a log file is closed even when it is not full.',
  },
};

/** Settings given to a topic, by name. Only names of TOPIC_SETTINGS. */
export type TopicOverrides = Readonly<Record<string, string>>;

/** What is wrong with a setting, null when the topic can take it. */
export function topicSettingProblem(name: string, value: string | null): string | null {
  const setting = Object.hasOwn(TOPIC_SETTINGS, name) ? TOPIC_SETTINGS[name] : undefined;
  if (setting === undefined) return `Unknown topic config name: ${name}`;
  if (value === null) return `Null value not supported for topic config: ${name}`;
  const problem = setting.problem(value);
  return problem === null ? null : `Invalid value ${value} for configuration ${name}: ${problem}`;
}

/** A topic's settings as the log uses them. Bytes and milliseconds; -1 = no limit. */
export interface EffectiveTopicConfig {
  readonly compact: boolean;
  readonly deletes: boolean;
  readonly deleteRetentionMs: number;
  readonly maxMessageBytes: number;
  readonly logAppendTime: boolean;
  readonly minDirtyRatio: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentMs: number;
}

export function effectiveTopicConfig(
  overrides: TopicOverrides,
  config: BrokerConfig,
  partitions: number,
): EffectiveTopicConfig {
  const text = (name: string): string =>
    overrides[name] ?? TOPIC_SETTINGS[name]?.fallback(config, partitions) ?? '';
  const policy = text('cleanup.policy').replaceAll(' ', '').split(',');
  return {
    compact: policy.includes('compact'),
    deletes: policy.includes('delete'),
    deleteRetentionMs: Number(text('delete.retention.ms')),
    maxMessageBytes: Number(text('max.message.bytes')),
    logAppendTime: text('message.timestamp.type') === 'LogAppendTime',
    minDirtyRatio: Number(text('min.cleanable.dirty.ratio')),
    retentionBytes: Number(text('retention.bytes')),
    retentionMs: Number(text('retention.ms')),
    segmentBytes: Number(text('segment.bytes')),
    segmentMs: Number(text('segment.ms')),
  };
}
