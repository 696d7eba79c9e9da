// In which order the rows of a table lie in its files: by its ORDER BY, else by its key. NULL is the smallest
// value, as in StarRocks. Sorted files are what makes statistics of row groups say something.
import { quoteIdentifier } from './duckdb-text.ts';
import type { ColumnSchema, TableSchema } from './table.ts';

/** The columns that rows are sorted by, in order. */
export function sortColumns({ columns, sortKey }: TableSchema): readonly ColumnSchema[] {
  if (sortKey === undefined) return columns.filter((column) => column.isKey);
  return sortKey.flatMap((id) => columns.find((column) => column.fieldId === id) ?? []);
}

/**
 * Names of the columns that a load sorts its rows by. Rows of DUPLICATE KEY tables without ORDER BY are written as
 * they come: sorting by all key columns halves the speed of a load (bench load-none), and compaction sorts anyway.
 */
export function loadOrder(schema: TableSchema): readonly string[] {
  if (schema.sortKey === undefined && schema.keysType === 'DUP_KEYS') return [];
  return sortColumns(schema).map((column) => column.name);
}

/**
 * The items of ORDER BY over columns of `relation`, in their own types; '' for no columns.
 * @param last SQL that decides between rows of equal keys, so that they keep the order they came in.
 */
export function sortItemsSql(
  names: readonly string[],
  relation: string,
  last: string | null = null,
): string {
  const items = names.map((name) => `${relation}.${quoteIdentifier(name)} NULLS FIRST`);
  return (last === null ? items : [...items, last]).join(', ');
}
