// COLUMNS of a load: which fields a row has and which columns are computed, over the columns of its
// table or of all its tables.
import type { SqlType, SqlTypeKind } from '../../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../../model/table.ts';
import type { Expression } from '../../sql/ast/expression.ts';
import { parseExpression } from '../../sql/parse.ts';
import { isOperation, OPERATION_COLUMN } from '../operation.ts';
import { analysisError } from '../properties.ts';
import type { ColumnMapping, RowDefinition } from './definition.ts';
import { envelopeKind, formatName, rawColumns, readJsonpaths } from './format.ts';
import { checkMetadataPaths, withMetadata } from './metadata.ts';
import { isUnnest, unnestEntries } from './unnest.ts';

/** Is a row of the table written in the place of an older one, or taken away by `__op`? */
export function replacesRows({ schema }: TableInfo): boolean {
  return schema.keysType === 'PRIMARY_KEYS';
}

/** Each column once, by its name without regard to case. */
function allColumns(tables: readonly TableInfo[]): readonly ColumnSchema[] {
  const [first] = tables;
  if (first !== undefined && tables.length === 1) return first.schema.columns;
  const columns = new Map<string, ColumnSchema>();
  for (const column of tables.flatMap(({ schema }) => schema.columns)) {
    const lower = column.name.toLowerCase();
    const known = columns.get(lower);
    // One that a table computes may be given in another.
    if (known === undefined || known.generated !== undefined) columns.set(lower, column);
  }
  return [...columns.values()];
}

/** The expressions of COLUMNS by lower-case name, without UNNESTs. Throws SQL_ANALYZE for columns that cannot have one. */
export function derivedColumns(
  mapping: readonly ColumnMapping[],
  tables: readonly TableInfo[],
): ReadonlyMap<string, Expression> {
  const known = new Map(allColumns(tables).map((column) => [column.name.toLowerCase(), column]));
  const hasKeys = tables.some(replacesRows);
  const tableNames = tables.map(({ name }) => name).join(', ');
  const derived = new Map<string, Expression>();
  const unnested = new Set(unnestEntries(mapping).map(({ name }) => name.toLowerCase()));
  for (const { name, expression } of mapping) {
    const lower = name.toLowerCase();
    if (known.get(lower)?.generated !== undefined) {
      throw analysisError(`generated column '${name}' can not be specified in COLUMNS`);
    }
    if (expression === null || isUnnest(expression)) continue;
    if (!known.has(lower) && !(hasKeys && isOperation(name))) {
      throw analysisError(`Column '${name}' of COLUMNS is not in table ${tableNames}`);
    }
    if (derived.has(lower) || unnested.has(lower))
      throw analysisError(`Duplicate column '${name}' in COLUMNS`);
    derived.set(lower, parseExpression(expression));
  }
  return derived;
}

/** COLUMNS, or what stands for it: the columns of the tables by name, in objects `__op` as well where there are keys. */
export function columnsOf(
  definition: RowDefinition,
  tables: readonly TableInfo[],
): readonly ColumnMapping[] {
  const table = { schema: { columns: allColumns(tables) } };
  const hasKeys = tables.some(replacesRows);
  const format = formatName(definition);
  const isWrapped = envelopeKind(definition) !== null;
  const keyless = tables.find((one) => !replacesRows(one));
  if (isWrapped && keyless !== undefined) {
    throw analysisError(
      `envelope=${definition.properties['envelope']} needs a PRIMARY KEY table, ${keyless.name} is none`,
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
  if (!byName && tables.length > 1) {
    throw analysisError(
      'a job that loads several tables needs COLUMNS, unless the fields have the names of columns (no CSV, no jsonpaths)',
    );
  }
  if (hasKeys && (byName || isWrapped)) names.push(OPERATION_COLUMN.name);
  return names.map((name) => ({ name, expression: null }));
}

/** Throws SQL_ANALYZE. */
export function checkFields(definition: RowDefinition, fields: readonly string[]): void {
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

/** Functions that make values of types that no text can be read as. */
const SKETCH_MAKERS: Readonly<Partial<Record<SqlTypeKind, string>>> = {
  BITMAP: 'to_bitmap',
  HLL: 'hll_hash',
  PERCENTILE: 'percentile_hash',
};

/** Such a column comes from an expression of its own type. Throws SQL_ANALYZE as StarRocks words it. */
export function checkSketch({ name, type }: ColumnSchema, from: SqlType | null): void {
  const maker = SKETCH_MAKERS[type.kind];
  const isSketch = from !== null && SKETCH_MAKERS[from.kind] !== undefined;
  if (from?.kind === type.kind || (maker === undefined && !isSketch)) return;
  if (maker === undefined) {
    throw analysisError(`Cannot cast a ${from?.kind} to the ${type.kind} column '${name}'`);
  }
  throw analysisError(`${type.kind} column must use ${maker} function, like ${name}=${maker}(xxx)`);
}
