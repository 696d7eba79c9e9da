// From a job's definition and its tables to the plan of a task. Pure: no catalog, no Kafka; the caller brings tables,
// volumes and positions.
import { present } from '../../base/assert.ts';
import type { JobId } from '../../base/ids.ts';
import { parseKafkaProperties } from '../../kafka/client/properties.ts';
import type {
  KafkaConnectionSpec,
  KafkaLoadPlan,
  LoadLimits,
  LoadOutput,
  LoadRoutes,
  LoadTarget,
  LoadTransform,
  TopicPartitions,
} from '../../model/load-plan.ts';
import { loadOrder } from '../../model/sort-key.ts';
import type { ColumnSchema, TableInfo } from '../../model/table.ts';
import { generatedColumnSql } from '../../query/generated-column.ts';
import {
  compileLoadExpression,
  compileLoadFilter,
  type LoadExpressionOptions,
} from '../../query/load-expression.ts';
import { parseExpression } from '../../sql/parse.ts';
import { isOperation, OPERATION_COLUMN } from '../operation.ts';
import { analysisError, propertyOf } from '../properties.ts';
import { partialUpdateMode, updateRule } from '../update-rule.ts';
import { checkFields, checkSketch, columnsOf, derivedColumns, replacesRows } from './columns.ts';
import type { RoutineLoadDefinition } from './definition.ts';
import { checkEvolution, evolutionOf, evolves } from './evolution.ts';
import { formatOf } from './format.ts';
import { METADATA_TYPES, metadataBeside, usedMetadata } from './metadata.ts';
import { JOB_PROPERTIES } from './properties.ts';
import { compileRoute } from './route.ts';
import { topicIdOf } from './topic-ids.ts';
import { compileUnnests, elementSource, refuseInner, unnestEntries } from './unnest.ts';

type Sources = ReturnType<typeof sourcesOf>;

/** What a job makes of its rows. */
export interface CompiledTables {
  /** In the order of the tables. */
  readonly transforms: readonly LoadTransform[];
  /** Null: all rows go to the one table. */
  readonly route: Omit<LoadRoutes, 'further'> | null;
}

/** Source fields, outputs and filter for a table. Throws SQL_ANALYZE for columns that do not fit. */
export function compileTransform(
  definition: RoutineLoadDefinition,
  table: TableInfo,
  tables: readonly TableInfo[] = [table],
): LoadTransform {
  const { transforms } = compileTables(definition, tables);
  return present(transforms[tables.indexOf(table)], 'transform of a table');
}

/** The same for all tables of a job, and which row goes to which. Throws SQL_ANALYZE for what does not fit. */
export function compileTables(
  definition: RoutineLoadDefinition,
  tables: readonly TableInfo[],
): CompiledTables {
  if (tables.length > 1 && evolves(definition))
    throw analysisError('schema_evolution is not possible in a job of several tables');
  const sources = sourcesOf(definition, tables);
  const made = tables.map((table) => compileTable(definition, table, sources));
  const { names, options, metadata, unnests } = sources;
  const route = compileRoute(definition, tables, names, options);
  const used = usedMetadata(
    metadata,
    made.flatMap(({ outputs, operation }) => [...outputs, operation]),
    [
      ...made.map(({ whereSql }) => whereSql ?? ''),
      ...unnests.sources.map(({ duckdbSql }) => duckdbSql),
      route?.duckdbSql ?? '',
    ],
  );
  const transforms = made.map((transform) =>
    used.length === 0 ? transform : { ...transform, metadata: used },
  );
  return { transforms, route };
}

/** What becomes of a row in one of the tables, without the metadata that it uses: all tables read the same. */
function compileTable(
  definition: RoutineLoadDefinition,
  table: TableInfo,
  { mapping, derived, fields, unnests, names, options }: Sources,
): LoadTransform {
  checkEvolution(definition, table);
  const columns = table.schema.columns;
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
  const operation = replacesRows(table) && isGiven ? outputOf(OPERATION_COLUMN) : null;
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
  return {
    fields,
    outputs,
    ...(unnests.sources.length === 0 ? {} : { unnest: unnests.sources }),
    operation,
    update,
    whereSql,
    strictMode: propertyOf(JOB_PROPERTIES, definition.properties, 'strict_mode') === 'true',
    timeZone: definition.timeZone,
    sortBy: loadOrder(table.schema),
  };
}

/** What expressions can name, and how. Throws SQL_ANALYZE for fields and UNNESTs that do not fit. */
function sourcesOf(definition: RoutineLoadDefinition, tables: readonly TableInfo[]) {
  const mapping = columnsOf(definition, tables);
  const derived = derivedColumns(mapping, tables);
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
    mapping,
    derived,
    fields,
    metadata,
    unnests,
    names: [...fields, ...metadata, ...unnests.sources.map(({ name }) => name)],
    options: { timeZone, derived, fieldTypes: new Map([...METADATA_TYPES, ...unnests.types]) },
  };
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

/** The plan of one task, without positions: the scheduler adds those. */
export function buildPlan(input: {
  readonly jobId: JobId;
  readonly jobName: string;
  readonly userName: string;
  readonly definition: RoutineLoadDefinition;
  readonly connection: KafkaConnectionSpec;
  /** What the job loads, in its order. */
  readonly tables: readonly { readonly table: TableInfo; readonly target: LoadTarget }[];
  readonly rejected: LoadTarget;
  /** What the task reads: one topic, or more. */
  readonly topics: readonly TopicPartitions[];
  readonly limits: LoadLimits;
}): KafkaLoadPlan {
  const { definition } = input;
  const { transforms, route } = compileTables(
    definition,
    input.tables.map(({ table }) => table),
  );
  const [first, ...further] = input.tables.map(({ target }, index) => ({
    target,
    transform: present(transforms[index], 'transform of a table'),
  }));
  const { target, transform } = present(first, 'table of a job');
  const { table } = present(input.tables[0], 'table of a job');
  const evolution = evolutionOf(definition, table, transform);
  const settings = parseKafkaProperties(definition.source.custom);
  const [topic = { topic: definition.source.topic, partitions: [] }, ...others] = input.topics.map(
    (part) => {
      const topicId = topicIdOf(definition, part.topic);
      return topicId === null ? part : { ...part, topicId };
    },
  );
  return {
    jobId: input.jobId,
    jobName: input.jobName,
    userName: input.userName,
    target,
    transform,
    rejected: input.rejected,
    source: {
      kind: 'kafka',
      connection: input.connection,
      ...topic,
      ...(others.length === 0 ? {} : { others }),
      isolation: settings['isolation.level'],
    },
    format: formatOf(definition, input.connection.files),
    ...(route === null ? {} : { routes: { ...route, further } }),
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
