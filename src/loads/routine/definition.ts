// What a Routine Load job is: its checked definition, stored as JSON with the job. The way from it to a plan is in
// compile.ts.
import type { DatabaseId } from '../../base/ids.ts';
import type { CatalogScope } from '../../catalog/catalog.ts';
import type { KafkaConnectionSpec } from '../../model/load-plan.ts';
import type { LoadColumn, LoadProperties } from '../../sql/ast/routine-load.ts';
import { printExpression } from '../../sql/print.ts';
import { analysisError, checkProperties, type PropertyMap } from '../properties.ts';
import type { ColumnMapping, RowDefinition } from '../rows/definition.ts';
import { parseEscapes } from '../rows/escapes.ts';
import { checkPath, readJsonpaths } from '../rows/format.ts';
import { filesOf } from '../small-files.ts';
import { storedTimeZone } from '../time-zone.ts';
import { checkFormat, fileProperties } from './format.ts';
import { readFreshness } from './freshness.ts';
import { JOB_PROPERTIES, type KafkaSourceDefinition, readKafkaSource } from './properties.ts';
import { readOffset, type StartOffset, startText } from './start-offset.ts';

/** JSON-safe: offsets are text. */
export interface RoutineLoadDefinition extends RowDefinition {
  readonly source: Omit<KafkaSourceDefinition, 'partitions' | 'defaultOffset'> & {
    readonly partitions:
      | readonly { readonly partition: number; readonly start: string | null }[]
      | null;
    readonly defaultOffset: string | null;
    /** Of the topics that the positions are of; see topic-ids.ts. */
    readonly topicIds?: Readonly<Record<string, string>>;
  };
  /** By schema_evolution, since the job was made; absent: none. */
  readonly columnsAdded?: number;
}

/** Checks the clauses of CREATE ROUTINE LOAD. Throws SQL_ANALYZE with StarRocks' messages. */
export function defineRoutineLoad(input: {
  readonly load: LoadProperties;
  readonly properties: PropertyMap;
  readonly source: PropertyMap;
  readonly sessionTimeZone: string;
}): RoutineLoadDefinition {
  const properties = checkProperties(JOB_PROPERTIES, input.properties);
  checkTaskTimes(properties);
  checkParseErrors(properties);
  if (properties['freshness'] !== undefined) readFreshness(properties['freshness']);
  readJsonpaths(properties['jsonpaths'] ?? '');
  const jsonRoot = properties['json_root'] ?? '';
  if (jsonRoot !== '') checkPath(jsonRoot);
  for (const separator of [input.load.columnSeparator, input.load.rowDelimiter]) {
    if (separator !== null) parseEscapes(separator);
  }
  const timeZone = properties['timezone'] ?? input.sessionTimeZone;
  const zone = storedTimeZone(timeZone);
  if (zone === null) throw analysisError(`Unknown or incorrect time zone: '${timeZone}'`);
  const source = readKafkaSource(input.source);
  checkFormat(properties, source);
  return {
    properties,
    source: {
      ...source,
      partitions:
        source.partitions?.map((entry) => ({
          partition: entry.partition,
          start: entry.start === null ? null : startText(entry.start),
        })) ?? null,
      defaultOffset: source.defaultOffset === null ? null : startText(source.defaultOffset),
    },
    columns: input.load.columns === null ? null : input.load.columns.map(columnMapping),
    where: input.load.where === null ? null : printExpression(input.load.where),
    columnSeparator: input.load.columnSeparator,
    rowDelimiter: input.load.rowDelimiter,
    timeZone: zone,
    ...(input.load.partitions === null
      ? {}
      : {
          partitions: {
            names: input.load.partitions.names.map(({ name }) => name),
            temporary: input.load.partitions.temporary,
          },
        }),
  };
}

function columnMapping(column: LoadColumn): ColumnMapping {
  return {
    name: column.name,
    expression: column.expression === null ? null : printExpression(column.expression),
  };
}

function checkTaskTimes(properties: Record<string, string>): void {
  const consume = properties['task_consume_second'];
  const timeout = properties['task_timeout_second'];
  if (consume !== undefined && timeout === undefined) {
    properties['task_timeout_second'] = String(Number(consume) * 4);
  } else if (consume === undefined && timeout !== undefined) {
    properties['task_consume_second'] = String(Math.max(1, Math.floor(Number(timeout) / 4)));
  } else if (consume !== undefined && timeout !== undefined && Number(timeout) <= Number(consume)) {
    throw analysisError('task_timeout_second must be larger than task_consume_second');
  }
}

/** SOURCE: StarRocks 3.4, where one of the two may be true. */
function checkParseErrors(properties: PropertyMap): void {
  const isOn = (key: string): boolean => properties[key] === 'true';
  if (isOn('pause_on_fatal_parse_error') && isOn('skip_on_fatal_parse_error')) {
    throw analysisError(
      'pause_on_fatal_parse_error and skip_on_fatal_parse_error can not both be true',
    );
  }
}

/** The start of one partition: its own, else the default, else the end (StarRocks: only new data). */
export function startOffsetOf(definition: RoutineLoadDefinition, partition: number): StartOffset {
  const own = definition.source.partitions?.find((entry) => entry.partition === partition)?.start;
  return readOffset(own ?? definition.source.defaultOffset ?? 'OFFSET_END');
}

/** How to reach the job's Kafka, with the files of the database that its properties name. Throws SMALL_FILE_MISSING. */
export async function kafkaConnection(
  catalog: Pick<CatalogScope, 'smallFiles'>,
  databaseId: DatabaseId,
  definition: RoutineLoadDefinition,
): Promise<KafkaConnectionSpec> {
  const { source } = definition;
  const named = { ...source.custom, ...fileProperties(definition) };
  const files = await filesOf(catalog, databaseId, named);
  return { brokers: source.brokers, properties: source.custom, files };
}
