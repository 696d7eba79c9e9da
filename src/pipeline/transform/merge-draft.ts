// SQL of a resolve: rows of a partial update or with a merge_condition meet the old rows of their keys. In row mode the
// merged rows are whole; in column mode those that have an old row are what an overlay holds, the rest are whole.
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import type { DraftRows } from '../../model/load-plan.ts';
import { writesColumns } from '../../model/overlay.ts';
import { readParquetSql, readSelectList } from '../../model/parquet-layout.ts';
import type { ResolvePlan } from '../../model/resolve-plan.ts';
import type { ColumnSchema } from '../../model/table.ts';
import { keySchema } from '../sink/keyed.ts';
import { missingValueSql } from './missing-value.ts';

/** The temporary table of merged rows: columns given and kept, `__file` and `__row` of the old row or NULL. */
export const NEW = '__new';

export interface KeptColumns {
  /** Not given, and wanted of the old rows. */
  readonly columns: readonly ColumnSchema[];
  /** The columns of the overlay that is written; null: whole rows are. */
  readonly overlaid: readonly ColumnSchema[] | null;
}

/** What the rows of the draft need of the old ones, and how they are written. */
export function keptOf(
  { schema, files }: ResolvePlan,
  { given, rule, file }: DraftRows,
): KeptColumns {
  const made = new Set(rule.generated?.map(({ column }) => column));
  const left = schema.columns.filter(({ name }) => !given.includes(name) && !made.has(name));
  const whole = { columns: left, overlaid: null };
  if (!rule.partial || rule.mode === undefined) return whole;
  // Generated columns made of none of the columns given stay what they are.
  const values = schema.columns.filter(({ name, isKey }) => !isKey && given.includes(name));
  const isIn = (columns: readonly ColumnSchema[], name: string): boolean =>
    columns.some((column) => column.name.toLowerCase() === name.toLowerCase());
  const remade = (rule.generated ?? []).filter(({ from }) =>
    from.some((name) => isIn(values, name)),
  );
  const written = schema.columns.filter(
    (column) => values.includes(column) || remade.some((one) => one.column === column.name),
  );
  const write = { mode: rule.mode, written, rowCount: file.rowCount, files };
  if (!writesColumns(schema, write)) return whole;
  const columns = left.filter(({ name }) =>
    remade.some(({ from }) => from.some((source) => source.toLowerCase() === name.toLowerCase())),
  );
  return { columns, overlaid: written };
}

/** The rows of the draft that count, with where the old row of its key is. `oldSql` is a relation. */
export function mergedSql(
  plan: ResolvePlan,
  { given, rule }: DraftRows,
  kept: KeptColumns,
  oldSql: string,
  draftPath: string | null,
): string {
  const { schema } = plan;
  const givenSchema = { ...schema, columns: schema.columns.filter((c) => given.includes(c.name)) };
  const columns = schema.columns.flatMap((column) => {
    const name = quoteIdentifier(column.name);
    if (given.includes(column.name)) return [`d.${name}`];
    if (!kept.columns.includes(column)) {
      // Only new rows are written whole then, and get their number below.
      return column.autoIncrement === true ? [`CAST(NULL AS BIGINT) AS ${name}`] : [];
    }
    // A new row gets its number when it is known how many there are.
    const missing = column.autoIncrement === true ? 'NULL' : missingValueSql(column, rule.timeZone);
    return [`CASE WHEN o.__row IS NULL THEN ${missing} ELSE o.${name} END AS ${name}`];
  });
  const rows = `SELECT ${readSelectList(givenSchema)} FROM ${readParquetSql(givenSchema, draftPath === null ? [] : [draftPath])}`;
  const condition = rule.condition === null ? null : quoteIdentifier(rule.condition);
  const counts =
    condition === null
      ? ''
      : ` WHERE o.__row IS NULL OR o.${condition} IS NULL OR d.${condition} >= o.${condition}`;
  return `SELECT ${columns.join(', ')}, o.__file, o.__row FROM (${rows}) d LEFT JOIN ${oldSql} o ON ${sameKey(plan, 'd', 'o')}${counts}`;
}

/** The whole rows to write, in the columns' own types: all merged ones, or beside an overlay those of new keys. */
export function wholeRowsSql(
  { schema }: ResolvePlan,
  { given, rule }: DraftRows,
  kept: KeptColumns,
): string {
  const generated = rule.generated ?? [];
  const columns = schema.columns.flatMap((column) => {
    const name = quoteIdentifier(column.name);
    if (generated.some((one) => one.column === column.name)) return [];
    const isThere =
      given.includes(column.name) || kept.columns.includes(column) || column.autoIncrement === true;
    return isThere ? [name] : [`${missingValueSql(column, rule.timeZone)} AS ${name}`];
  });
  const where = kept.overlaid === null ? '' : ' WHERE __row IS NULL';
  const rows = `SELECT ${columns.join(', ')} FROM ${NEW}${where}`;
  if (generated.length === 0) return rows;
  const made = generated.map(
    ({ column, duckdbSql }) => `${duckdbSql} AS ${quoteIdentifier(column)}`,
  );
  return `SELECT *, ${made.join(', ')} FROM (${rows})`;
}

/** The rows of the overlay: `__file`, `__row` and its columns. */
export function overlayRowsSql(
  { schema }: ResolvePlan,
  { rule }: DraftRows,
  overlaid: readonly ColumnSchema[],
): string {
  const columns = schema.columns.flatMap((column) => {
    if (!overlaid.includes(column)) return [];
    const name = quoteIdentifier(column.name);
    const made = rule.generated?.find((one) => one.column === column.name);
    return [made === undefined ? name : `${made.duckdbSql} AS ${name}`];
  });
  return `SELECT __file, __row, ${columns.join(', ')} FROM ${NEW} WHERE __row IS NOT NULL`;
}

/** Keys of UNIQUE KEY tables may be NULL, and are the same then. */
export function sameKey({ schema, target }: ResolvePlan, left: string, right: string): string {
  return keySchema(schema, target.keys ?? [])
    .columns.map(({ name, nullable }) => {
      const column = quoteIdentifier(name);
      return `${left}.${column} ${nullable ? 'IS NOT DISTINCT FROM' : '='} ${right}.${column}`;
    })
    .join(' AND ');
}
