// What a Routine Load job is: its checked definition, stored as JSON with the job, and the way from it
// to a LoadPlan. Pure: no catalog, no Kafka; the caller brings table, volume and positions.
import type { DatabaseId, JobId } from '../../base/ids.ts';
import type { CatalogScope } from '../../catalog/catalog.ts';
import { parseKafkaProperties } from '../../kafka/client/properties.ts';
import type {
  KafkaConnectionSpec,
  LoadLimits,
  LoadOutput,
  LoadPlan,
  LoadTarget,
  LoadTransform,
  TopicPartitions,
} from '../../model/load-plan.ts';
import { loadOrder } from '../../model/sort-key.ts';
import type { SqlType, SqlTypeKind } from '../../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../../model/table.ts';
import { generatedColumnSql } from '../../query/generated-column.ts';
import {
  compileLoadExpression,
  compileLoadFilter,
  type LoadExpressionOptions,
} from '../../query/load-expression.ts';
import type { Expression } from '../../sql/ast/expression.ts';
import type { LoadColumn, LoadProperties } from '../../sql/ast/routine-load.ts';
import { parseExpression } from '../../sql/parse.ts';
import { printExpression } from '../../sql/print.ts';
import { isOperation, OPERATION_COLUMN } from '../operation.ts';
import { analysisError, checkProperties, type PropertyMap, propertyOf } from '../properties.ts';
import { filesOf } from '../small-files.ts';
import { storedTimeZone } from '../time-zone.ts';
import { partialUpdateMode, updateRule } from '../update-rule.ts';
import { parseEscapes } from './escapes.ts';
import { checkEvolution, evolutionOf } from './evolution.ts';
import {
  checkFormat,
  checkPath,
  envelopeKind,
  fileProperties,
  formatOf,
  rawColumns,
  readJsonpaths,
} from './format.ts';
import { readFreshness } from './freshness.ts';
import {
  checkMetadataPaths,
  METADATA_TYPES,
  metadataBeside,
  usedMetadata,
  withMetadata,
} from './metadata.ts';
import { JOB_PROPERTIES, type KafkaSourceDefinition, readKafkaSource } from './properties.ts';
import { readOffset, type StartOffset, startText } from './start-offset.ts';
import { topicIdOf } from './topic-ids.ts';
import { compileUnnests, elementSource, isUnnest, refuseInner, unnestEntries } from './unnest.ts';

/** One entry of COLUMNS: a source field, or a derived column with its expression as text. */
export interface ColumnMapping {
  readonly name: string;
  readonly expression: string | null;
}

/** JSON-safe: offsets are text. */
export interface RoutineLoadDefinition {
  readonly properties: PropertyMap;
  readonly source: Omit<KafkaSourceDefinition, 'partitions' | 'defaultOffset'> & {
    readonly partitions:
      | readonly { readonly partition: number; readonly start: string | null }[]
      | null;
    readonly defaultOffset: string | null;
    /** Of the topics that the positions are of; see topic-ids.ts. */
    readonly topicIds?: Readonly<Record<string, string>>;
  };
  readonly columns: readonly ColumnMapping[] | null;
  readonly where: string | null;
  /** As the user wrote it, before escapes are read; null = default. */
  readonly columnSeparator: string | null;
  readonly rowDelimiter: string | null;
  readonly timeZone: string;
  /** By schema_evolution, since the job was made; absent: none. */
  readonly columnsAdded?: number;
  /** PARTITION (p, ...); absent: all. */
  readonly partitions?: { readonly names: readonly string[]; readonly temporary: boolean };
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

/** Source fields, outputs and filter for a table. Throws SQL_ANALYZE for columns that do not fit. */
export function compileTransform(
  definition: RoutineLoadDefinition,
  table: TableInfo,
): LoadTransform {
  checkEvolution(definition, table);
  const columns = table.schema.columns;
  const hasKeys = table.schema.keysType === 'PRIMARY_KEYS';
  const mapping = columnsOf(definition, table, hasKeys);
  const derived = derivedColumns(mapping, table, hasKeys);
  const { fields, metadata, unnests, names, options } = sourcesOf(definition, mapping, derived);
  const outputOf = (column: ColumnSchema): LoadOutput => {
    if (column.generated !== undefined) {
      const duckdbSql = generatedColumnSql(column, columns, definition.timeZone);
      return { column, from: { kind: 'generated', duckdbSql } };
    }
    const expression = derived.get(column.name.toLowerCase());
    if (expression !== undefined) {
      const compiled = compileLoadExpression(expression, names, options);
      checkSketch(column, compiled.type);
      return { column, from: { kind: 'expression', ...compiled } };
    }
    const element = elementSource(unnests, column);
    if (element !== null) {
      checkSketch(column, element.kind === 'expression' ? element.type : null);
      return { column, from: element };
    }
    const field = fields.find((name) => name.toLowerCase() === column.name.toLowerCase());
    if (field !== undefined) {
      checkSketch(column, null);
      return { column, from: { kind: 'field', field } };
    }
    const isNeeded =
      !column.nullable && column.defaultValue === null && column.autoIncrement !== true;
    if (isNeeded && (operation === null || column.isKey)) {
      throw analysisError(
        `Column has no default value, column: ${column.name}: it is NOT NULL and COLUMNS does not give it`,
      );
    }
    return { column, from: { kind: 'default' } };
  };
  const isGiven = mapping.some((entry) => isOperation(entry.name));
  const operation = hasKeys && isGiven ? outputOf(OPERATION_COLUMN) : null;
  const update = updateRule(table, {
    partial: propertyOf(JOB_PROPERTIES, definition.properties, 'partial_update') === 'true',
    mode: partialUpdateMode(definition.properties['partial_update_mode'] ?? 'row'),
    condition: definition.properties['merge_condition'] ?? null,
    given: new Set(mapping.map((entry) => entry.name.toLowerCase())),
    timeZone: definition.timeZone,
  });
  const isLoaded = (column: ColumnSchema): boolean =>
    update?.partial !== true ||
    mapping.some((entry) => entry.name.toLowerCase() === column.name.toLowerCase());
  const outputs = columns.filter(isLoaded).map(outputOf);
  const whereSql =
    definition.where === null ? null : compileWhere(definition.where, names, outputs, options);
  const { sources } = unnests;
  const used = usedMetadata(metadata, [...outputs, operation], whereSql, sources);
  return {
    fields,
    outputs,
    ...(used.length === 0 ? {} : { metadata: used }),
    ...(sources.length === 0 ? {} : { unnest: sources }),
    operation,
    update,
    whereSql,
    strictMode: propertyOf(JOB_PROPERTIES, definition.properties, 'strict_mode') === 'true',
    timeZone: definition.timeZone,
    sortBy: loadOrder(table.schema),
  };
}

/** What expressions can name, and how. Throws SQL_ANALYZE for fields and UNNESTs that do not fit. */
function sourcesOf(
  definition: RoutineLoadDefinition,
  mapping: readonly ColumnMapping[],
  derived: ReadonlyMap<string, Expression>,
) {
  const fields = mapping.filter((entry) => entry.expression === null).map((entry) => entry.name);
  checkFields(definition, fields);
  const metadata = metadataBeside(fields);
  const { timeZone } = definition;
  const entries = unnestEntries(mapping);
  const before = mapping.slice(0, entries[0]?.place ?? 0).map(({ name }) => name.toLowerCase());
  const unnests = compileUnnests(entries, fields, metadata, {
    timeZone,
    derived: new Map([...derived].filter(([name]) => before.includes(name))),
    fieldTypes: METADATA_TYPES,
  });
  return {
    fields,
    metadata,
    unnests,
    names: [...fields, ...metadata, ...unnests.sources.map(({ name }) => name)],
    options: { timeZone, derived, fieldTypes: new Map([...METADATA_TYPES, ...unnests.types]) },
  };
}

/** The expressions of COLUMNS by lower-case name, without UNNESTs. Throws SQL_ANALYZE for columns that cannot have one. */
function derivedColumns(
  mapping: readonly ColumnMapping[],
  table: TableInfo,
  hasKeys: boolean,
): ReadonlyMap<string, Expression> {
  const known = new Map(table.schema.columns.map((column) => [column.name.toLowerCase(), column]));
  const derived = new Map<string, Expression>();
  const unnested = new Set(unnestEntries(mapping).map(({ name }) => name.toLowerCase()));
  for (const { name, expression } of mapping) {
    const lower = name.toLowerCase();
    if (known.get(lower)?.generated !== undefined) {
      throw analysisError(`generated column '${name}' can not be specified in COLUMNS`);
    }
    if (expression === null || isUnnest(expression)) continue;
    if (!known.has(lower) && !(hasKeys && isOperation(name))) {
      throw analysisError(`Column '${name}' of COLUMNS is not in table ${table.name}`);
    }
    if (derived.has(lower) || unnested.has(lower))
      throw analysisError(`Duplicate column '${name}' in COLUMNS`);
    derived.set(lower, parseExpression(expression));
  }
  return derived;
}

/** COLUMNS, or what stands for it: the table's columns by name, in objects `__op` as well where there are keys. */
function columnsOf(
  definition: RoutineLoadDefinition,
  table: TableInfo,
  hasKeys: boolean,
): readonly ColumnMapping[] {
  const format = propertyOf(JOB_PROPERTIES, definition.properties, 'format');
  const isWrapped = envelopeKind(definition) !== null;
  if (isWrapped && !hasKeys) {
    throw analysisError(
      `envelope=${definition.properties['envelope']} needs a PRIMARY KEY table, ${table.name} is none`,
    );
  }
  // The operation comes from the envelope, whatever else COLUMNS makes of the row.
  const operation = isWrapped ? [{ name: OPERATION_COLUMN.name, expression: null }] : [];
  const given = format === 'raw' ? rawColumns(definition, table) : definition.columns;
  if (given !== null) {
    if (isWrapped && given.some(({ name }) => isOperation(name)))
      throw analysisError('__op comes from the envelope, COLUMNS can not give it');
    const paths = readJsonpaths(definition.properties['jsonpaths'] ?? '');
    checkMetadataPaths(given, paths);
    return [...withMetadata(given, table), ...operation];
  }
  const names = table.schema.columns
    .filter((column) => column.generated === undefined)
    .map((column) => column.name);
  const byName =
    format !== 'csv' && readJsonpaths(definition.properties['jsonpaths'] ?? '') === null;
  if (hasKeys && (byName || isWrapped)) names.push(OPERATION_COLUMN.name);
  return names.map((name) => ({ name, expression: null }));
}

/** Functions that make values of types that no text can be read as. */
const SKETCH_MAKERS: Readonly<Partial<Record<SqlTypeKind, string>>> = {
  BITMAP: 'to_bitmap',
  HLL: 'hll_hash',
  PERCENTILE: 'percentile_hash',
};

/** Such a column comes from an expression of its own type. Throws SQL_ANALYZE as StarRocks words it. */
function checkSketch({ name, type }: ColumnSchema, from: SqlType | null): void {
  const maker = SKETCH_MAKERS[type.kind];
  const isSketch = from !== null && SKETCH_MAKERS[from.kind] !== undefined;
  if (from?.kind === type.kind || (maker === undefined && !isSketch)) return;
  if (maker === undefined) {
    throw analysisError(`Cannot cast a ${from?.kind} to the ${type.kind} column '${name}'`);
  }
  throw analysisError(`${type.kind} column must use ${maker} function, like ${name}=${maker}(xxx)`);
}

/** WHERE sees the loaded columns by name and type, and as text the fields that no column hides. */
function compileWhere(
  where: string,
  fields: readonly string[],
  outputs: readonly LoadOutput[],
  { timeZone, fieldTypes: types }: LoadExpressionOptions,
): string {
  const loaded = outputs.filter(({ from }) => from.kind === 'field' || from.kind === 'expression');
  const loadedTypes = new Map(
    loaded.map(({ column }) => [column.name.toLowerCase(), column.type] as const),
  );
  const fieldTypes = new Map([...(types ?? []), ...loadedTypes]);
  const others = fields.filter((field) => !loadedTypes.has(field.toLowerCase()));
  const names = [...loaded.map(({ column }) => column.name), ...others];
  const condition = parseExpression(where);
  refuseInner(condition);
  return compileLoadFilter(condition, names, { timeZone, fieldTypes }).duckdbSql;
}

function checkFields(definition: RoutineLoadDefinition, fields: readonly string[]): void {
  const seen = new Set<string>();
  for (const field of fields) {
    const lower = field.toLowerCase();
    if (seen.has(lower)) throw analysisError(`Duplicate column '${field}' in COLUMNS`);
    seen.add(lower);
  }
  const jsonpaths = readJsonpaths(definition.properties['jsonpaths'] ?? '');
  // Of an envelope __op comes last, without a path.
  const wanted = fields.length - (envelopeKind(definition) === null ? 0 : 1);
  if (jsonpaths !== null && jsonpaths.length < wanted) {
    throw analysisError(
      `jsonpaths has ${jsonpaths.length} paths for ${wanted} source fields: give one path per field`,
    );
  }
}

/** The plan of one task, without positions: the scheduler adds those. */
export function buildPlan(input: {
  readonly jobId: JobId;
  readonly jobName: string;
  readonly userName: string;
  readonly definition: RoutineLoadDefinition;
  readonly connection: KafkaConnectionSpec;
  readonly table: TableInfo;
  readonly target: LoadTarget;
  readonly rejected: LoadTarget;
  /** What the task reads: one topic, or more. */
  readonly topics: readonly TopicPartitions[];
  readonly limits: LoadLimits;
}): LoadPlan {
  const { definition } = input;
  const settings = parseKafkaProperties(definition.source.custom);
  const transform = compileTransform(definition, input.table);
  const evolution = evolutionOf(definition, input.table, transform);
  const [first = { topic: definition.source.topic, partitions: [] }, ...others] = input.topics.map(
    (part) => {
      const topicId = topicIdOf(definition, part.topic);
      return topicId === null ? part : { ...part, topicId };
    },
  );
  return {
    jobId: input.jobId,
    jobName: input.jobName,
    userName: input.userName,
    target: input.target,
    rejected: input.rejected,
    source: {
      kind: 'kafka',
      connection: input.connection,
      ...first,
      ...(others.length === 0 ? {} : { others }),
      isolation: settings['isolation.level'],
    },
    format: formatOf(definition, input.connection.files),
    transform,
    ...(evolution === null ? {} : { evolution }),
    limits: input.limits,
    ...(definition.source.deadLetterTopic === undefined
      ? {}
      : { deadLetterTopic: definition.source.deadLetterTopic }),
    ...(definition.properties['pause_on_fatal_parse_error'] === 'true'
      ? { pausesOnParseError: true as const }
      : {}),
  };
}
