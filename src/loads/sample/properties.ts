// The properties of DESC KAFKA (...) and CREATE TABLE ... FROM KAFKA TOPIC: those of a Routine Load that say how to
// reach a topic and how to read its messages, and how much of it is looked at. CSV's have the names that FILES() of
// StarRocks gives them.
import type { PropertyMap, PropertySpec, PropertyTable } from '../properties.ts';
import { analysisError, checkProperties, propertyOf } from '../properties.ts';
import { defineRoutineLoad, type RoutineLoadDefinition } from '../routine/definition.ts';
import { CUSTOM_PREFIX, type JOB_PROPERTIES, SOURCE_PROPERTIES } from '../routine/properties.ts';
import { readsMany } from '../routine/topics.ts';

const text = (help: string): PropertySpec => ({
  type: 'text',
  default: null,
  message: '',
  alterable: false,
  help,
});

/** Beside those of the source and `JOB_KEYS`. */
export const SAMPLE_PROPERTIES = {
  sample_messages: {
    type: 'long',
    default: '1000',
    min: 1,
    max: 100_000,
    message: 'sample_messages should be 1 to 100000',
    alterable: false,
    help: 'messages looked at, half from the beginnings and half from the ends of the partitions; at most 16 MB of them, for at most 15 seconds',
  },
  nested: {
    type: 'word',
    default: 'json',
    words: ['json', 'struct'],
    message: 'nested should be json or struct',
    alterable: false,
    help: 'what objects inside of messages become',
  },
  'csv.column_separator': text('as COLUMNS TERMINATED BY of a Routine Load'),
  'csv.row_delimiter': text('as ROWS TERMINATED BY of a Routine Load'),
  'csv.enclose': text('as enclose of a Routine Load'),
  'csv.escape': text('as escape of a Routine Load'),
  'csv.trim_space': text('as trim_space of a Routine Load'),
} as const satisfies PropertyTable;

/** Job properties of a Routine Load that have the same meaning here. */
export const JOB_KEYS = [
  'format',
  'envelope',
  'json_root',
  'strip_outer_array',
  'protobuf_schema',
  'protobuf_message',
  'timezone',
] as const satisfies readonly (keyof typeof JOB_PROPERTIES)[];

/** Where a Routine Load has them as properties. */
const CSV_JOB_KEYS: Readonly<Record<string, string>> = {
  'csv.enclose': 'enclose',
  'csv.escape': 'escape',
  'csv.trim_space': 'trim_space',
};

const SAMPLE_BYTES = 16 * 1024 * 1024;
const SAMPLE_MS = 15_000;

export interface SampleRequest {
  /** As of a Routine Load that reads the topic so. */
  readonly definition: RoutineLoadDefinition;
  readonly messages: number;
  readonly bytes: number;
  readonly timeMs: number;
  readonly structs: boolean;
}

/** Checks the properties; `topic`: where the statement names it. Throws SQL_ANALYZE. */
export function readSampleProperties(
  given: PropertyMap,
  topic: string | null,
  sessionTimeZone: string,
): SampleRequest {
  const own: Record<string, string> = {};
  const job: Record<string, string> = {};
  const source: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    const lower = key.toLowerCase();
    if (Object.hasOwn(SAMPLE_PROPERTIES, lower)) own[key] = value;
    else if (JOB_KEYS.some((known) => known === lower)) job[key] = value;
    else if (key.startsWith(CUSTOM_PREFIX) || Object.hasOwn(SOURCE_PROPERTIES, lower))
      source[key] = value;
    else throw analysisError(`${key} is invalid property`);
  }
  checkSource(source, topic);
  const checked = checkProperties(SAMPLE_PROPERTIES, own);
  const format = Object.entries(job).find(([key]) => key.toLowerCase() === 'format')?.[1];
  if (format === undefined) throw analysisError('format is a required property');
  checkCsv(checked, format);
  for (const [key, jobKey] of Object.entries(CSV_JOB_KEYS)) {
    if (checked[key] !== undefined) job[jobKey] = checked[key];
  }
  const definition = defineRoutineLoad({
    load: {
      columnSeparator: checked['csv.column_separator'] ?? null,
      rowDelimiter: checked['csv.row_delimiter'] ?? null,
      columns: null,
      where: null,
      partitions: null,
    },
    properties: job,
    source: topic === null ? source : { ...source, kafka_topic: topic },
    sessionTimeZone,
  });
  if (readsMany(definition.source)) throw analysisError('columns are inferred from one topic');
  const number = Number(propertyOf(SAMPLE_PROPERTIES, checked, 'sample_messages'));
  return {
    definition,
    messages: number,
    bytes: SAMPLE_BYTES,
    timeMs: SAMPLE_MS,
    structs: propertyOf(SAMPLE_PROPERTIES, checked, 'nested') === 'struct',
  };
}

/** Properties of a source that mean nothing here. Throws SQL_ANALYZE. */
function checkSource(source: PropertyMap, topic: string | null): void {
  for (const key of Object.keys(source)) {
    const lower = key.toLowerCase();
    if (lower === 'kafka_topic' && topic !== null)
      throw analysisError('kafka_topic is given twice: the statement names the topic');
    const isPlace =
      lower === 'kafka_partitions' || lower === 'kafka_offsets' || lower === 'kafka_topic_regex';
    if (lower === 'dead_letter_topic' || isPlace || lower === 'property.kafka_default_offsets')
      throw analysisError(`${key} has no meaning here: samples are from all over the topic`);
  }
}

function checkCsv(checked: PropertyMap, format: string): void {
  const given = Object.keys(checked).find((key) => key.startsWith('csv.'));
  if (given === undefined || format.trim().toLowerCase() === 'csv') return;
  throw analysisError(`${given} is not a property of format ${format}`);
}
