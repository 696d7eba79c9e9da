// Leaves out data files that cannot hold a row the query wants, by the min and max the writer recorded.
// Only types whose statistics compare exactly; everything doubtful is kept.
import { statsOf } from '../model/column-stats.ts';
import type { SqlType } from '../model/sql-type.ts';
import type {
  ColumnSchema,
  ColumnStats,
  DataFile,
  StagedFile,
  TableSchema,
} from '../model/table.ts';
import type { ScanDraft } from './analysis.ts';
import { prunePartitions } from './prune-partitions.ts';
import type { ScanFilter } from './scan-use.ts';
import { isInteger } from './types.ts';

/** Files of partitions that may hold wanted rows, and of those the files that may. */
export function pruneFiles(scan: ScanDraft, filters: readonly ScanFilter[]): readonly DataFile[] {
  const { partitions, schema } = scan;
  if (partitions === undefined) return pruneByStatistics(scan, filters);
  const kept = prunePartitions(partitions, schema.columns, filters);
  const ids = new Set(kept.map(({ id }) => id));
  const files = scan.files.filter(
    ({ partition }) => partition?.kind !== 'id' || ids.has(partition.id),
  );
  return pruneByStatistics({ ...scan, files }, filters);
}

function pruneByStatistics(scan: ScanDraft, filters: readonly ScanFilter[]): readonly DataFile[] {
  const tests = filters.flatMap((filter) => {
    const column = scan.schema.columns.find((candidate) => candidate.name === filter.column);
    // Values of an AGGREGATE KEY table are parts of what the filter looks at: only its keys tell of a file.
    const isPart = scan.schema.keysType === 'AGG_KEYS' && column?.isKey !== true;
    const compare = column === undefined || isPart ? null : comparer(column.type);
    return column === undefined || compare === null ? [] : [{ filter, compare, column }];
  });
  // Of a file whose rows are all deleted nothing is read, until a compaction takes it away.
  const files = scan.files.filter((file) => file.deletedRows < file.rowCount);
  if (tests.length === 0) return files;
  return files.filter((file) =>
    tests.every(({ filter, compare, column }) =>
      mayHold(statsOf(file, column), file, filter, compare),
    ),
  );
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
  const columns = schema.columns.flatMap((column) => {
    const compare = comparer(column.type);
    // NULL is a key of its own, outside every range.
    const isUsable = keys.includes(column.name) && compare !== null && !column.nullable;
    return isUsable ? [{ column, compare }] : [];
  });
  return files.filter((file) =>
    staged.some((batch) =>
      columns.every(({ column, compare }) =>
        mayOverlap(statsOf(file, column), statsOf(batch, column), compare),
      ),
    ),
  );
}

function mayOverlap(
  left: ColumnStats | undefined,
  right: ColumnStats | undefined,
  compare: Compare,
): boolean {
  const isBefore = (max: string | null | undefined, min: string | null | undefined): boolean =>
    typeof max === 'string' && typeof min === 'string' && (compare(max, min) ?? 0) < 0;
  return !isBefore(left?.max, right?.min) && !isBefore(right?.max, left?.min);
}

type Compare = (a: string, b: string) => number | null;

function comparer(type: SqlType): Compare | null {
  // LARGEINT is stored as text: its statistics are in the order of texts.
  if (isInteger(type) && type.kind !== 'LARGEINT') return compareIntegers;
  if (type.kind === 'DATE' || type.kind === 'DATETIME') return compareDates;
  return null;
}

function compareIntegers(a: string, b: string): number | null {
  if (!/^-?\d+$/.test(a) || !/^-?\d+$/.test(b)) return null;
  const [x, y] = [BigInt(a), BigInt(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Dates of four-digit years compare as texts once both have a time. */
function compareDates(a: string, b: string): number | null {
  const [x, y] = [withTime(a), withTime(b)];
  if (x === null || y === null) return null;
  return x < y ? -1 : x > y ? 1 : 0;
}

function withTime(text: string): string | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?)?$/.exec(text);
  if (match === null) return null;
  return `${match[1]} ${match[2] ?? '00:00:00'}.${(match[3] ?? '').padEnd(6, '0')}`;
}

function mayHold(
  stats: ColumnStats | undefined,
  file: DataFile,
  { op, constant }: ScanFilter,
  compare: Compare,
): boolean {
  if (stats === undefined) return true;
  // A comparison is never true for NULL.
  if (stats.nullCount >= file.rowCount) return false;
  if (stats.min === null || stats.max === null) return true;
  const low = compare(stats.min, constant);
  const high = compare(stats.max, constant);
  if (low === null || high === null) return true;
  switch (op) {
    case '=':
      return low <= 0 && high >= 0;
    case '<':
      return low < 0;
    case '<=':
      return low <= 0;
    case '>':
      return high > 0;
    case '>=':
      return high >= 0;
  }
}

/** `[least, greatest, nulls]` of a column over files, for people; `[?, ?, nulls]` where statistics do not compare. */
export function columnRange(column: ColumnSchema, files: readonly DataFile[]): string {
  const compare = comparer(column.type);
  let least: string | null = null;
  let greatest: string | null = null;
  let nulls = 0;
  for (const file of files) {
    const stats = statsOf(file, column);
    nulls += stats?.nullCount ?? 0;
    const { min = null, max = null } = stats ?? {};
    if (compare === null || min === null || max === null) continue;
    if (least === null || (compare(min, least) ?? 0) < 0) least = min;
    if (greatest === null || (compare(max, greatest) ?? 0) > 0) greatest = max;
  }
  return `[${least ?? '?'}, ${greatest ?? '?'}, nulls=${nulls}]`;
}
