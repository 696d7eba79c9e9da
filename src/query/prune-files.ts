// Leaves out data files that cannot hold a row the query wants, by the min, max and NULLs the writer recorded.
// Everything doubtful is kept.
import { statsOf } from '../model/column-stats.ts';
import type { ColumnSchema, DataFile, StagedFile, TableSchema } from '../model/table.ts';
import type { ScanDraft } from './analysis.ts';
import type { TypedExpression } from './expression.ts';
import { mayBe } from './may-match.ts';
import { prunePartitions } from './prune-partitions.ts';
import type { ScanFilter } from './scan-use.ts';
import {
  type BoundsOfColumn,
  compareValues,
  type OrderedValue,
  orderedValue,
  statsBounds,
  type ValueBounds,
} from './value-bounds.ts';

/** Files of partitions that may hold wanted rows, and of those the files that may. */
export function pruneFiles(
  scan: ScanDraft,
  filters: readonly ScanFilter[],
  conditions: readonly TypedExpression[],
): readonly DataFile[] {
  const { partitions, schema, alias } = scan;
  if (partitions === undefined) return pruneByStatistics(scan, conditions);
  const kept = prunePartitions(partitions, schema.columns, { alias, filters, conditions });
  const ids = new Set(kept.map(({ id }) => id));
  const files = scan.files.filter(
    ({ partition }) => partition?.kind !== 'id' || ids.has(partition.id),
  );
  return pruneByStatistics({ ...scan, files }, conditions);
}

function pruneByStatistics(
  { alias, files, schema }: ScanDraft,
  conditions: readonly TypedExpression[],
): readonly DataFile[] {
  // Values of an AGGREGATE KEY table are parts of what a condition looks at: only its keys tell of a file.
  const told = schema.columns.filter(({ isKey }) => schema.keysType !== 'AGG_KEYS' || isKey);
  const byName = new Map(told.map((column) => [column.name, column]));
  return files.filter((file) => {
    // Of a file whose rows are all deleted nothing is read, until a compaction takes it away.
    if (file.deletedRows >= file.rowCount) return false;
    const column: BoundsOfColumn = (name, relation) => {
      const found = relation === alias ? byName.get(name) : undefined;
      const stats = found === undefined ? undefined : statsOf(file, found);
      // Where the file has none of the column its rows have a default, which the statistics do not tell.
      if (found === undefined || stats === undefined) return null;
      return statsBounds(found.type, stats, file.rowCount);
    };
    return conditions.every((condition) => mayBe(true, condition, column));
  });
}

/**
 * Files in which a row with a key of the staged files can be, by the range of each key column. Where there are no
 * usable statistics the file stays.
 */
export function pruneByKeys(
  files: readonly DataFile[],
  staged: readonly StagedFile[],
  schema: TableSchema,
  keys: readonly string[],
): readonly DataFile[] {
  // NULL is a key of its own, outside every range.
  const columns = schema.columns.filter(({ name, nullable }) => keys.includes(name) && !nullable);
  return files.filter((file) =>
    staged.some((batch) =>
      columns.every((column) => mayOverlap(rangeIn(file, column), rangeIn(batch, column))),
    ),
  );
}

function rangeIn(file: StagedFile, column: ColumnSchema): ValueBounds | null {
  const stats = statsOf(file, column);
  return stats === undefined ? null : statsBounds(column.type, stats, file.rowCount);
}

function mayOverlap(left: ValueBounds | null, right: ValueBounds | null): boolean {
  const isBefore = (
    high: OrderedValue | null | undefined,
    low: OrderedValue | null | undefined,
  ): boolean => high != null && low != null && (compareValues(high, low) ?? 0) < 0;
  return !isBefore(left?.high, right?.low) && !isBefore(right?.high, left?.low);
}

/** `[least, greatest, nulls]` of a column over files, for people; `[?, ?, nulls]` where statistics do not compare. */
export function columnRange(column: ColumnSchema, files: readonly DataFile[]): string {
  let least: string | null = null;
  let greatest: string | null = null;
  let nulls = 0;
  for (const file of files) {
    const stats = statsOf(file, column);
    nulls += stats?.nullCount ?? 0;
    const { min = null, max = null } = stats ?? {};
    if (min !== null && isBetter(column, min, least, -1)) least = min;
    if (max !== null && isBetter(column, max, greatest, 1)) greatest = max;
  }
  return `[${shown(least)}, ${shown(greatest)}, nulls=${nulls}]`;
}

/** Of texts as much as a line bears. */
const MAX_SHOWN = 40;

function shown(text: string | null): string {
  if (text === null) return '?';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

function isBetter(
  { type }: ColumnSchema,
  text: string,
  before: string | null,
  direction: 1 | -1,
): boolean {
  const value = type.kind === 'LARGEINT' ? null : orderedValue(type, text);
  const known = before === null ? null : orderedValue(type, before);
  if (value === null) return false;
  return known === null || compareValues(value, known) === direction;
}
