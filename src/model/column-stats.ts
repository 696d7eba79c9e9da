// Where a column's statistics are in those of a file. Names of columns change and are used again; what a
// file's statistics are kept under does not.
import type { ColumnSchema, ColumnStats, DataFile, StagedFile } from './table.ts';

/** The key of the column in `StagedFile.columnStats`. */
export function statsKey({ name, statsName }: ColumnSchema): string {
  return statsName ?? name;
}

/**
 * Undefined where the file has none of the column: it was written before the column was there, or newer values of
 * the column lie beside the file.
 */
export function statsOf(
  { columnStats, overlays = [] }: Pick<StagedFile, 'columnStats'> & Pick<DataFile, 'overlays'>,
  column: ColumnSchema,
): ColumnStats | undefined {
  const isOverlaid = overlays.some(({ object }) => object.fieldIds.includes(column.fieldId));
  return isOverlaid ? undefined : columnStats[statsKey(column)];
}
