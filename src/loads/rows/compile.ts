// From a load's definition and its tables to what becomes of a row in each of them. Pure: the caller brings the tables.
import type { LoadOutput, LoadRoutes, LoadTransform } from '../../model/load-plan.ts';
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
import { analysisError } from '../properties.ts';
import { partialUpdateMode, updateRule } from '../update-rule.ts';
import { checkFields, checkSketch, columnsOf, derivedColumns, replacesRows } from './columns.ts';
import { isSet, type RowDefinition } from './definition.ts';
import { METADATA_TYPES, metadataBeside, usedMetadata } from './metadata.ts';
import { compileRoute } from './route.ts';
import { compileUnnests, elementSource, refuseInner, unnestEntries } from './unnest.ts';

type Sources = ReturnType<typeof sourcesOf>;

/** What a load makes of its rows. */
export interface CompiledTables {
  /** In the order of the tables. */
  readonly transforms: readonly LoadTransform[];
  /** Null: all rows go to the one table. */
  readonly route: Omit<LoadRoutes, 'further'> | null;
}

/** Source fields, outputs and filter for each table, and which row goes to which. Throws SQL_ANALYZE for what does not fit. */
export function compileRows(
  definition: RowDefinition,
  tables: readonly TableInfo[],
): CompiledTables {
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
  definition: RowDefinition,
  table: TableInfo,
  { mapping, derived, fields, unnests, names, options }: Sources,
): LoadTransform {
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
    partial: isSet(definition, 'partial_update'),
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
    strictMode: isSet(definition, 'strict_mode'),
    timeZone: definition.timeZone,
    sortBy: loadOrder(table.schema),
  };
}

/** What expressions can name, and how. Throws SQL_ANALYZE for fields and UNNESTs that do not fit. */
function sourcesOf(definition: RowDefinition, tables: readonly TableInfo[]) {
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
