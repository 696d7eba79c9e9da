// Leaves out partitions that cannot hold a row the query wants, by their bounds and the query's comparisons of
// partition columns with constants. Everything doubtful is kept.

import type { Partitioning } from '../model/partition.ts';
import {
  addUnits,
  canonicalValue,
  compareValues,
  type Partition,
  type PartitionKey,
  stepOf,
} from '../model/partition.ts';
import { partitionColumns, type RoutedColumn } from '../model/partition-routing.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { ScanFilter } from './scan-use.ts';

/** The partitions of a table, as a scan knows them. */
export interface ScanPartitions {
  readonly partitioning: Partitioning;
  readonly list: readonly Partition[];
}

/** Partitions that may hold rows which pass all filters. */
export function prunePartitions(
  { partitioning, list }: ScanPartitions,
  schema: readonly ColumnSchema[],
  filters: readonly ScanFilter[],
): readonly Partition[] {
  const columns = partitionColumns(partitioning, schema);
  const tests = filters.flatMap((filter) => {
    const index = columns.findIndex(({ name }) => name === filter.column);
    const column = columns[index];
    const constant = column === undefined ? null : exactConstant(column, filter.constant);
    return column === undefined || constant === null
      ? []
      : [{ index, column, filter: { ...filter, constant } }];
  });
  return list.filter((partition) =>
    tests.every(({ index, column, filter }) => mayHold(partition, columns, index, column, filter)),
  );
}

/** The constant in the column's own form; null where it is none of the column's values. */
function exactConstant({ type }: RoutedColumn, text: string): string | null {
  if (type.kind === 'DATE' && !/^\d{4}-\d{2}-\d{2}( 00:00:00(\.0+)?)?$/.test(text)) return null;
  return canonicalValue(type, text);
}

function mayHold(
  { bounds }: Partition,
  columns: readonly RoutedColumn[],
  index: number,
  column: RoutedColumn,
  filter: ScanFilter,
): boolean {
  if (bounds.kind === 'range') {
    // Further columns of a range say nothing without those before them.
    if (index > 0) return true;
    const [lower = null] = bounds.lower;
    const [upper = null] = bounds.upper;
    return inRange(column, { lower, upper, includesUpper: columns.length > 1 }, filter);
  }
  return bounds.values.some((value) => listMayHold(value, index, column, filter));
}

function listMayHold(
  value: PartitionKey,
  index: number,
  column: RoutedColumn,
  filter: ScanFilter,
): boolean {
  const text = value[index] ?? null;
  // A comparison is never true for NULL.
  if (text === null) return false;
  const step = stepOf(column.transform);
  if (step !== null) {
    const upper = addUnits(column.type, text, step.unit, step.count);
    return inRange(column, { lower: text, upper, includesUpper: false }, filter);
  }
  const { kind } = column.type;
  if (filter.op === '=') return text === filter.constant;
  // Texts are in the order of their bytes, which is not that of JavaScript.
  if (kind === 'VARCHAR' || kind === 'CHAR' || kind === 'BOOLEAN') return true;
  const order = compareValues(column.type, text, filter.constant);
  switch (filter.op) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

interface Interval {
  readonly lower: string | null;
  readonly upper: string | null;
  /** The upper bound itself may be in it: other columns decide. */
  readonly includesUpper: boolean;
}

function inRange(
  { type }: RoutedColumn,
  { lower, upper, includesUpper }: Interval,
  { op, constant }: ScanFilter,
): boolean {
  const low = lower === null ? -1 : compareValues(type, lower, constant);
  const high = upper === null ? 1 : compareValues(type, upper, constant);
  const reaches = includesUpper ? high >= 0 : high > 0;
  switch (op) {
    case '=':
      return low <= 0 && reaches;
    case '<':
      return low < 0;
    case '<=':
      return low <= 0;
    case '>':
    case '>=':
      return reaches;
  }
}
