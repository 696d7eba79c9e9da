// Where a column's statistics are in those of a file. Names of columns change and are used again; what a
// file's statistics are kept under does not.
import type { ColumnSchema, ColumnStats, StagedFile } from './table.ts';

/** The key of the column in `StagedFile.columnStats`. */
export function statsKey({ name, statsName }: ColumnSchema): string {
  return statsName ?? name;
}

/** Undefined where the file has none of the column: it was written before the column was there. */
export function statsOf(
  { columnStats }: Pick<StagedFile, 'columnStats'>,
  column: ColumnSchema,
): ColumnStats | undefined {
  return columnStats[statsKey(column)];
}
