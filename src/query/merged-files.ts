// Files of an AGGREGATE KEY table in which no key has more than one row, taken together: reading them as they lie gives
// what merging gives. Compaction makes such files; whatever is loaded after them may have their keys again.
import { statsOf } from '../model/column-stats.ts';
import { mergedKeysOf } from '../model/file-key.ts';
import type { ColumnSchema, DataFile, TableSchema } from '../model/table.ts';
import { compareValues, statsBounds, type ValueBounds } from './value-bounds.ts';

/** More files of one partition are not compared with each other. */
const MAX_FILES = 64;

/** Does every key have one row at most in all of these files? True for no files. */
export function isMergedAlready(files: readonly DataFile[], { columns }: TableSchema): boolean {
  const keys = columns.filter(({ isKey }) => isKey);
  const fields = new Set<number>(keys.map(({ fieldId }) => fieldId));
  // Merged by some of the keys of now: those that came later only tell more rows apart.
  const isOne = ({ key }: DataFile): boolean =>
    mergedKeysOf(key)?.every((field) => fields.has(field)) ?? false;
  if (!files.every(isOne)) return false;
  // Partition columns are keys: a key is in one partition.
  const places = Map.groupBy(files, ({ partition }) =>
    partition?.kind === 'id' ? partition.id : 0,
  );
  return [...places.values()].every((place) => areApart(place, keys));
}

function areApart(files: readonly DataFile[], keys: readonly ColumnSchema[]): boolean {
  if (files.length > MAX_FILES) return false;
  return files.every((file, index) =>
    files.slice(index + 1).every((other) => keys.some((column) => isApart(file, other, column))),
  );
}

/** Has no row of one file the column's value of a row of the other? */
function isApart(file: DataFile, other: DataFile, column: ColumnSchema): boolean {
  const [a, b] = [boundsIn(file, column), boundsIn(other, column)];
  if (a === null || b === null || (a.mayBeNull && b.mayBeNull)) return false;
  if (!a.mayBeValue || !b.mayBeValue) return true;
  return isBelow(a, b) || isBelow(b, a);
}

function isBelow({ high }: ValueBounds, { low }: ValueBounds): boolean {
  return high !== null && low !== null && (compareValues(high, low) ?? 0) < 0;
}

function boundsIn(file: DataFile, column: ColumnSchema): ValueBounds | null {
  const stats = statsOf(file, column);
  return stats === undefined ? null : statsBounds(column.type, stats, file.rowCount);
}
