// SHOW CREATE ROUTINE LOAD: the statement that makes a job like this one. Clause and key order as StarRocks prints
// them; running the text makes the same job, but for masked secrets. SOURCE: shared/reference/starrocks-grammar.md.
import { isSecretName, MASK, maskSecrets } from '../../base/secrets.ts';
import { type LoadJobRecord, tablesOfJob } from '../../catalog/load-jobs.ts';
import { printIdentifier, printString } from '../../sql/print-text.ts';
import { type PropertyMap, propertyOf } from '../properties.ts';
import type { RoutineLoadDefinition } from './definition.ts';
import { CUSTOM_PREFIX, DEAD_LETTER_KEY, JOB_PROPERTIES, REGISTRY_KEY } from './properties.ts';

/** Key order of StarRocks' own text; a job's further properties follow in the order of their table. */
const PRINTED_FIRST = [
  'desired_concurrent_number',
  'max_error_number',
  'max_filter_ratio',
  'max_batch_interval',
  'max_batch_rows',
  'task_consume_second',
  'task_timeout_second',
  'format',
  'jsonpaths',
  'strip_outer_array',
  'json_root',
  'strict_mode',
  'pause_on_fatal_parse_error',
  'timezone',
  'partial_update',
  'trim_space',
  'enclose',
  'escape',
  'log_rejected_record_num',
] as const satisfies readonly (keyof typeof JOB_PROPERTIES)[];

type JobProperty = keyof typeof JOB_PROPERTIES;

/** The statement, ended by `;`. Positions are those that the job was made with, not where it stands. */
export function createRoutineLoadText(
  job: Pick<
    LoadJobRecord,
    'databaseName' | 'tableId' | 'tableName' | 'furtherTables' | 'name' | 'groupId'
  >,
  definition: RoutineLoadDefinition,
): string {
  const name = `${printIdentifier(job.databaseName)}.${printIdentifier(job.name)}`;
  const tables = tablesOfJob(job).map((table) => printIdentifier(table.name));
  const clauses = clausesOf(definition);
  return [
    `CREATE ROUTINE LOAD ${name} on ${tables.join(', ')}`,
    ...clauses.map((clause, index) => (index === clauses.length - 1 ? clause : `${clause},`)),
    'PROPERTIES\n(',
    lines(jobProperties(definition)),
    ')\nFROM KAFKA\n(',
    `${lines(sourceProperties(job, definition))}\n);`,
  ].join('\n');
}

function clausesOf(definition: RoutineLoadDefinition): readonly string[] {
  const { columnSeparator, rowDelimiter, columns, partitions, where } = definition;
  const isCsv = propertyOf(JOB_PROPERTIES, definition.properties, 'format') === 'csv';
  const separator = columnSeparator ?? (isCsv ? '\t' : null);
  const list = columns?.map(({ name, expression }) =>
    expression === null ? printIdentifier(name) : `${printIdentifier(name)} = ${expression}`,
  );
  const names = partitions?.names.map(printIdentifier).join(', ');
  return [
    separator === null ? '' : ` COLUMNS TERMINATED BY ${printString(separator)}`,
    rowDelimiter === null ? '' : `ROWS TERMINATED BY ${printString(rowDelimiter)}`,
    list === undefined ? '' : `COLUMNS (${list.join(', ')})`,
    partitions === undefined
      ? ''
      : `${partitions.temporary ? 'TEMPORARY PARTITION' : 'PARTITION'} (${names})`,
    where === null ? '' : `WHERE ${where}`,
  ].filter((clause) => clause !== '');
}

function jobProperties(definition: RoutineLoadDefinition): PropertyMap {
  const given = definition.properties;
  const shown: Record<string, string> = {};
  for (const key of PRINTED_FIRST) {
    const isText = (JOB_PROPERTIES[key] as { readonly type: string }).type === 'text';
    // An unset text has no value to write down: an empty one would be refused, or mean something else.
    if (given[key] === undefined && (isText || key === 'timezone')) continue;
    shown[key] = propertyOf(JOB_PROPERTIES, given, key);
  }
  for (const key of Object.keys(JOB_PROPERTIES) as JobProperty[]) {
    const value = given[key];
    if (value !== undefined) shown[key] = value;
  }
  return { ...shown, timezone: definition.timeZone };
}

function sourceProperties(
  job: Pick<LoadJobRecord, 'name' | 'groupId'>,
  { source }: RoutineLoadDefinition,
): PropertyMap {
  const { partitions, defaultOffset } = source;
  const starts = partitions?.map(({ start }) => start);
  const custom = Object.entries(source.custom).map(([key, value]) => [
    `${CUSTOM_PREFIX}${key}`,
    isSecretName(key) ? MASK : value,
  ]);
  // One that Millrace made belongs to this job alone.
  const ownGroup = source.groupId === job.groupId ? { 'property.group.id': job.groupId } : {};
  return {
    kafka_broker_list: source.brokers.join(','),
    ...(source.topicPattern === undefined
      ? { kafka_topic: source.topic }
      : { kafka_topic_regex: source.topicPattern }),
    ...(partitions === null
      ? {}
      : { kafka_partitions: partitions.map(({ partition }) => partition).join(',') }),
    ...(starts?.every((start) => start !== null) ? { kafka_offsets: starts.join(',') } : {}),
    ...(defaultOffset === null ? {} : { 'property.kafka_default_offsets': defaultOffset }),
    ...(source.deadLetterTopic === undefined ? {} : { [DEAD_LETTER_KEY]: source.deadLetterTopic }),
    ...(source.registryUrl === undefined
      ? {}
      : { [REGISTRY_KEY]: maskSecrets(source.registryUrl) }),
    ...Object.fromEntries(custom),
    ...ownGroup,
  };
}

function lines(properties: PropertyMap): string {
  const quoted = (text: string): string =>
    `"${printString(text).slice(1, -1).replaceAll("\\'", "'").replaceAll('"', '\\"')}"`;
  return Object.entries(properties)
    .map(([key, value]) => `${quoted(key)} = ${quoted(value)}`)
    .join(',\n');
}
