// The properties of CREATE ROUTINE LOAD: job properties and data source properties, with StarRocks'
// defaults, checks and messages (docs: CREATE ROUTINE LOAD; FE source of 2025-09 for messages).
import { parseRegistryUrl } from '../../registry/address.ts';
import { commonProperty } from '../common-properties.ts';
import { analysisError, type PropertyMap, type PropertySpec } from '../properties.ts';
import { readOffset, type StartOffset } from './start-offset.ts';
import { readsMany, readsTopic, readTopics, type TopicChoice } from './topics.ts';

const text = (help: string, alterable = false): PropertySpec => ({
  type: 'text',
  default: '',
  message: '',
  alterable,
  help,
});
const bool = (key: string, help: string, alterable = false): PropertySpec => ({
  type: 'bool',
  default: 'false',
  message: `${key} should be a boolean`,
  alterable,
  help,
});

export const JOB_PROPERTIES = {
  desired_concurrent_number: {
    type: 'long',
    default: '5',
    min: 1,
    message: 'desired_concurrent_number should > 0',
    alterable: true,
    help: 'tasks wanted at once; the real number is the least of it, the partitions, the alive nodes and max_routine_load_task_concurrent_num',
  },
  max_batch_interval: {
    type: 'long',
    default: '10',
    min: 5,
    message: 'max_batch_interval should >= 5',
    alterable: true,
    help: 'seconds; the most that rows may wait for a commit (they are committed as soon as `freshness` asks for it)',
  },
  freshness: {
    ...text(
      'Millrace only: how soon after its arrival a row is to be visible, 100ms to 1 hour (`500ms`, `2s`, `1 minute`); routine_load_freshness_millisecond when absent',
      true,
    ),
    default: null,
  },
  max_batch_rows: {
    type: 'long',
    default: '200000',
    min: 200000,
    message: 'max_batch_rows should >= 200000',
    alterable: true,
    help: 'the error window is 10 times this many rows',
  },
  max_batch_size: {
    type: 'long',
    default: null,
    min: 0,
    message: 'max_batch_size should >= 0',
    alterable: true,
    help: 'accepted, without effect (deprecated in StarRocks)',
  },
  max_error_number: {
    type: 'long',
    default: '0',
    min: 0,
    message: 'max_error_number should >= 0',
    alterable: true,
    help: 'rejected rows allowed per window; above it the batch is committed and the job pauses',
  },
  max_filter_ratio: commonProperty('max_filter_ratio', {
    default: '1.0',
    alterable: true,
    message: 'max_filter_ratio must between 0.0 and 1.0.',
    formMessage: 'Incorrect format of max_filter_ratio',
    note: 'of a batch, and the job pauses then',
  }),
  strict_mode: commonProperty('strict_mode', { default: 'false', alterable: true }),
  log_rejected_record_num: commonProperty('log_rejected_record_num', {
    default: '0',
    note: 'a warning tells so',
  }),
  timezone: commonProperty('timezone', {
    default: null,
    alterable: true,
    note: 'in COLUMNS and WHERE',
  }),
  partial_update: commonProperty('partial_update', { default: 'false' }),
  partial_update_mode: commonProperty('partial_update_mode', {
    default: null,
    note: 'row when absent',
  }),
  merge_condition: commonProperty('merge_condition', { default: null }),
  format: commonProperty('format', {
    default: 'csv',
    words: ['csv', 'json', 'avro', 'protobuf', 'raw'],
    message: 'Format type is invalid. format=`{value}`',
    note: 'csv, json; avro and protobuf in the wire format of a schema registry; raw: the payload is the field _value',
  }),
  strip_outer_array: commonProperty('strip_outer_array', { default: 'false', alterable: true }),
  jsonpaths: commonProperty('jsonpaths', { default: '', alterable: true }),
  json_root: commonProperty('json_root', { default: '', alterable: true }),
  route: text(
    'Millrace only, for jobs ON several tables: an expression over the fields of a row, as in COLUMNS, that gives the name of the table it goes to',
    true,
  ),
  route_unmatched: {
    type: 'word',
    default: 'reject',
    words: ['reject', 'skip'],
    message: 'route_unmatched should be reject or skip',
    alterable: true,
    help: 'Millrace only: a row for which route gives none of the tables is a rejected row, or (skip) counts as unselected',
  },
  envelope: commonProperty('envelope', {
    default: null,
    note: 'debezium in format json or avro, canal and maxwell in format json',
  }),
  protobuf_schema: {
    ...text(
      'FILE:name, a .proto file or compiled descriptor made by CREATE FILE: messages of format protobuf have no schema id then',
    ),
    default: null,
  },
  protobuf_message: {
    ...text('full name of the message type in protobuf_schema'),
    default: null,
  },
  schema_evolution: {
    type: 'word',
    default: 'none',
    words: ['none', 'add_columns'],
    message: 'schema_evolution should be none or add_columns',
    alterable: true,
    help: 'Millrace only; add_columns: a field that the table has no column for becomes a column, and a column becomes wider where values need it (formats json, avro, protobuf, without jsonpaths); the account of the job needs ALTER on the table',
  },
  schema_evolution_max_columns: {
    type: 'long',
    default: '100',
    min: 1,
    max: 10_000,
    message: 'schema_evolution_max_columns should be 1 to 10000',
    alterable: true,
    help: 'Millrace only; columns that the job may add in all, after which it pauses',
  },
  trim_space: commonProperty('trim_space', { default: 'false' }),
  enclose: commonProperty('enclose', { default: null }),
  escape: commonProperty('escape', { default: null }),
  task_consume_second: {
    type: 'long',
    default: '15',
    min: 1,
    message: 'task_consume_second should > 0',
    alterable: true,
    help: 'seconds; the most that a batch collects messages before it is committed',
  },
  task_timeout_second: {
    type: 'long',
    default: '60',
    min: 1,
    message: 'task_timeout_second should > 0',
    alterable: true,
    help: 'seconds; a batch whose files take longer to write is given up and read again, with the reason in OtherMsg',
  },
  warehouse: commonProperty('warehouse', { default: null, alterable: true }),
  pause_on_fatal_parse_error: bool(
    'pause_on_fatal_parse_error',
    'a message that cannot be parsed pauses the job in front of its batch, instead of being a rejected row',
    true,
  ),
  skip_on_fatal_parse_error: bool(
    'skip_on_fatal_parse_error',
    'messages that cannot be parsed are always rejected rows that are kept, unless pause_on_fatal_parse_error is true',
    true,
  ),
} as const satisfies Record<string, PropertySpec>;

export const SOURCE_PROPERTIES = {
  kafka_broker_list: { ...text('host:port entries, separated by commas', true), default: null },
  kafka_topic: {
    ...text('the topic, or (Millrace only) several parted by commas', true),
    default: null,
  },
  kafka_topic_regex: {
    ...text(
      'Millrace only, instead of kafka_topic: all topics whose whole names match, also those that are made later',
      true,
    ),
    default: null,
  },
  kafka_partitions: {
    ...text('partitions to load, separated by commas; all when absent', true),
    default: null,
  },
  kafka_offsets: {
    ...text(
      'first offset per listed partition: a number, OFFSET_BEGINNING or OFFSET_END, and of Millrace only: `OFFSET_END - 1000`, `OFFSET_BEGINNING + 5` (cut at the ends of the partition), or the first message at or after a time, `2026-11-28 10:00:00` in the time zone of the job or `TIMESTAMP:` and milliseconds (the end if none is later)',
      true,
    ),
    default: null,
  },
  dead_letter_topic: {
    ...text(
      'Millrace only: a topic of the same brokers that rejected messages are sent to as well; none when empty',
      true,
    ),
    default: null,
  },
  'confluent.schema.registry.url': {
    ...text(
      'schema registry of formats avro and protobuf: http[s]://[key:secret@]host[:port][/path]; shown without key and secret',
      true,
    ),
    default: null,
  },
} as const satisfies Record<string, PropertySpec>;

/** What the user should know of job properties that were given: those that have less of an effect than in StarRocks. */
export function propertyRemarks(given: PropertyMap): readonly string[] {
  const { log_rejected_record_num: logged } = given;
  if (logged === undefined || logged === '-1') return [];
  return [
    `log_rejected_record_num = ${logged} limits nothing: all rejected rows are kept in _statistics_.rejected_records`,
  ];
}

/** Prefix of librdkafka properties in FROM KAFKA. */
export const CUSTOM_PREFIX = 'property.';

export interface KafkaSourceDefinition extends TopicChoice {
  readonly brokers: readonly string[];
  /** null = all partitions, found again as they grow. */
  readonly partitions:
    | readonly { readonly partition: number; readonly start: StartOffset | null }[]
    | null;
  readonly defaultOffset: StartOffset | null;
  /** librdkafka properties without the prefix, group.id and kafka_default_offsets taken out. */
  readonly custom: PropertyMap;
  readonly groupId: string | null;
  /** As given, with its credentials; absent without one. */
  readonly registryUrl?: string;
  /** Absent: none. */
  readonly deadLetterTopic?: string;
}

/** StarRocks' pattern of an entry. It takes more than `host:port`; the client says what is wrong then. */
const BROKER_PATTERN = '[-A-Za-z0-9+&@#/%?=~_|!:,.;]+[-A-Za-z0-9+&@#/%=~_|]';
const BROKER = new RegExp(`^${BROKER_PATTERN}$`);
/** `[::1]:9092`, which StarRocks does not take. */
const BROKER_IPV6 = /^\[[0-9A-Fa-f:.]+\]:\d{1,5}$/;

/** Checks FROM KAFKA (...). Throws SQL_ANALYZE with StarRocks' messages. */
export function readKafkaSource(given: PropertyMap): KafkaSourceDefinition {
  const known: Record<string, string> = {};
  const custom: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    if (key === CUSTOM_PREFIX) {
      throw analysisError('kafka property value could not be a empty string');
    }
    if (key.startsWith(CUSTOM_PREFIX)) custom[key.slice(CUSTOM_PREFIX.length)] = value;
    else if (Object.hasOwn(SOURCE_PROPERTIES, key.toLowerCase())) known[key.toLowerCase()] = value;
    else throw analysisError(`${key} is invalid kafka custom property`);
  }
  const { kafka_default_offsets: defaultText, 'group.id': groupId, ...rest } = custom;
  const brokers = readBrokers(known['kafka_broker_list']);
  const choice = readTopics(
    (known['kafka_topic'] ?? '').replaceAll(' ', ''),
    known['kafka_topic_regex'],
  );
  if (readsMany(choice) && known['kafka_partitions'] !== undefined) {
    throw analysisError('kafka_partitions and kafka_offsets need one topic');
  }
  return {
    brokers,
    ...choice,
    // Before the partitions, as StarRocks looks at them.
    defaultOffset: defaultText === undefined ? null : readOffset(defaultText),
    partitions: readPartitions(known['kafka_partitions'], known['kafka_offsets']),
    custom: rest,
    groupId: groupId ?? null,
    ...readRegistry(known[REGISTRY_KEY]),
    ...readDeadLetterTopic(known[DEAD_LETTER_KEY], choice),
  };
}

/** Its value may hold credentials. */
export const REGISTRY_KEY = 'confluent.schema.registry.url';

export const DEAD_LETTER_KEY = 'dead_letter_topic';

/** Throws SQL_ANALYZE for a topic that the job reads: it would read for ever what it rejects. */
function readDeadLetterTopic(
  value: string | undefined,
  choice: TopicChoice,
): { readonly deadLetterTopic?: string } {
  const deadLetterTopic = (value ?? '').trim();
  if (deadLetterTopic === '') return {};
  if (readsTopic(choice, deadLetterTopic)) {
    throw analysisError(`dead_letter_topic ${deadLetterTopic} is a topic that the job reads`);
  }
  return { deadLetterTopic };
}

/** Throws REGISTRY_URL. */
function readRegistry(value: string | undefined): { readonly registryUrl?: string } {
  if (value === undefined || value.trim() === '') return {};
  parseRegistryUrl(value);
  return { registryUrl: value.trim() };
}

/** The value without blanks. */
function required(known: PropertyMap, key: string): string {
  const value = (known[key] ?? '').replaceAll(' ', '');
  if (value === '') throw analysisError(`${key} is a required property`);
  return value;
}

function readBrokers(value: string | undefined): string[] {
  const list = required({ kafka_broker_list: value ?? '' }, 'kafka_broker_list');
  const brokers = list.split(',').filter((entry) => entry !== '');
  for (const broker of brokers) {
    if (BROKER.test(broker) || BROKER_IPV6.test(broker)) continue;
    throw analysisError(`kafka_broker_list:${broker} not match pattern ${BROKER_PATTERN}`);
  }
  return brokers;
}

function readPartitions(
  partitionsText: string | undefined,
  offsetsText: string | undefined,
): KafkaSourceDefinition['partitions'] {
  const partitions = partitionsText === undefined ? [] : partitionNumbers(partitionsText);
  const entries = offsetsText === undefined ? null : entriesOf('kafka_offsets', offsetsText);
  if (entries !== null && entries.length !== partitions.length) {
    throw analysisError('Partitions number should be equals to offsets number');
  }
  const offsets = entries?.map(readOffset);
  if (partitionsText === undefined) return null;
  if (new Set(partitions).size !== partitions.length) {
    throw analysisError(`kafka_partitions names a partition twice: ${partitionsText}`);
  }
  return partitions.map((partition, index) => ({ partition, start: offsets?.[index] ?? null }));
}

function partitionNumbers(value: string): number[] {
  return listOf('kafka_partitions', value).map((entry) => {
    if (!/^\+?\d{1,9}$/.test(entry)) {
      throw analysisError('kafka_partitions must be a number string with comma-separated');
    }
    return Number(entry);
  });
}

/** Entries that may have blanks inside. */
function entriesOf(key: string, value: string): string[] {
  if (value.trim() === '') throw analysisError(`${key} could not be a empty string`);
  return value.split(',');
}

function listOf(key: string, value: string): string[] {
  return entriesOf(key, value.replaceAll(' ', ''));
}
