// How the rows of a load meet the old ones of their keys: partial updates and merge_condition, checked against the
// table. The same for every kind of load. SOURCE: StarRocks docs, loading into PRIMARY KEY tables.
import type { PartialUpdateMode, UpdateRule } from '../model/load-plan.ts';
import type { ColumnSchema, TableInfo } from '../model/table.ts';
import { hasMissingValue } from '../pipeline/transform/missing-value.ts';
import { generatedColumnSql, generatedFrom } from '../query/generated-column.ts';
import { analysisError } from './properties.ts';

export interface UpdateWish {
  readonly partial: boolean;
  /** How partial rows are written. */
  readonly mode: PartialUpdateMode;
  /** Column of merge_condition; null or '' = none. */
  readonly condition: string | null;
  /** Lower-case names of the columns that the load gives. */
  readonly given: ReadonlySet<string>;
  readonly timeZone: string;
}

/** Null where rows take the whole place of older ones. Throws SQL_ANALYZE for what the table does not allow. */
export function updateRule(
  { schema, name }: Pick<TableInfo, 'schema' | 'name'>,
  { partial, mode, condition, given, timeZone }: UpdateWish,
): UpdateRule | null {
  const decides = condition === null || condition === '' ? null : condition;
  if (!partial && decides === null) return null;
  if (schema.keysType !== 'PRIMARY_KEYS') {
    const what = partial ? 'partial_update' : 'merge_condition';
    throw analysisError(`${what} needs a PRIMARY KEY table, ${name} is none`);
  }
  const left = schema.columns.filter((column) => !given.has(column.name.toLowerCase()));
  if (partial) checkLeft(left);
  const column = decides === null ? null : conditionColumn(schema.columns, decides, given);
  // Where nothing is left out, the rows are whole.
  if (column === null && (!partial || left.every(isGenerated))) return null;
  const generated = left.filter(isGenerated).map((one) => ({
    column: one.name,
    fieldId: one.fieldId,
    duckdbSql: generatedColumnSql(one, schema.columns, timeZone),
    from: generatedFrom(one, schema.columns),
  }));
  return {
    partial,
    condition: column,
    timeZone,
    ...(partial && mode !== 'row' ? { mode } : {}),
    ...(partial && generated.length > 0 ? { generated } : {}),
  };
}

function isGenerated({ generated }: ColumnSchema): boolean {
  return generated !== undefined;
}

function checkLeft(left: readonly ColumnSchema[]): void {
  for (const column of left) {
    if (column.isKey) {
      throw analysisError(`Partial update needs all key columns, it lacks ${column.name}`);
    }
    // Made of the merged row; a new row gets a number.
    if (isGenerated(column) || column.autoIncrement === true) continue;
    if (!hasMissingValue(column)) {
      throw analysisError(
        `Column has no default value, column: ${column.name}: a new row of a partial update would have none`,
      );
    }
  }
}

/** Types that have an order. */
const ORDERED: ReadonlySet<string> = new Set([
  'TINYINT',
  'SMALLINT',
  'INT',
  'BIGINT',
  'LARGEINT',
  'FLOAT',
  'DOUBLE',
  'DECIMAL',
  'DATE',
  'DATETIME',
  'CHAR',
  'VARCHAR',
  'BOOLEAN',
]);

function conditionColumn(
  columns: readonly ColumnSchema[],
  wanted: string,
  given: ReadonlySet<string>,
): string {
  const column = columns.find(({ name }) => name.toLowerCase() === wanted.toLowerCase());
  if (column === undefined) throw analysisError(`Merge condition column ${wanted} does not exist`);
  if (column.isKey) {
    throw analysisError(`Merge condition column ${wanted} should not be primary key`);
  }
  if (!given.has(column.name.toLowerCase())) {
    throw analysisError(`Merge condition column ${wanted} must be loaded, too`);
  }
  if (!ORDERED.has(column.type.kind)) {
    throw analysisError(
      `Merge condition column ${wanted} is a ${column.type.kind}, which has no order`,
    );
  }
  return column.name;
}

/** The mode that a checked property or variable names. */
export function partialUpdateMode(text: string): PartialUpdateMode {
  const lower = text.toLowerCase();
  return lower === 'column' || lower === 'auto' ? lower : 'row';
}
