// Leaves out partitions that cannot hold a row the query wants, by their bounds and the query's conditions on
// partition columns. Everything doubtful is kept.

import type { Partitioning } from '../model/partition.ts';
import {
  addUnits,
  canonicalValue,
  compareValues,
  type Partition,
  type PartitionBounds,
  type PartitionKey,
  type PartitionTransform,
  stepOf,
} from '../model/partition.ts';
import { partitionColumns, type RoutedColumn } from '../model/partition-routing.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { TypedExpression } from './expression.ts';
import { mayBe } from './may-match.ts';
import type { ScanFilter } from './scan-use.ts';
import {
  ALWAYS_NULL,
  type BoundsOfColumn,
  type OrderedValue,
  orderedValue,
  type ValueBounds,
} from './value-bounds.ts';

/** The partitions of a table, as a scan knows them. */
export interface ScanPartitions {
  readonly partitioning: Partitioning;
  readonly list: readonly Partition[];
}

/** What rows have to pass. */
export interface PartitionFilters {
  /** Of the scan, as columns in `conditions` name it. */
  readonly alias: string;
  readonly filters: readonly ScanFilter[];
  readonly conditions: readonly TypedExpression[];
}

/** Partitions that may hold rows which pass all filters. */
export function prunePartitions(
  { partitioning, list }: ScanPartitions,
  schema: readonly ColumnSchema[],
  { alias, filters, conditions }: PartitionFilters,
): readonly Partition[] {
  const columns = partitionColumns(partitioning, schema);
  const tests = filters.flatMap((filter) => {
    const index = columns.findIndex(
      ({ name, transform }) => name === filter.column && !isFunction(transform),
    );
    const column = columns[index];
    const constant = column === undefined ? null : exactConstant(column, filter.constant);
    return column === undefined || constant === null
      ? []
      : [{ index, column, filter: { ...filter, constant } }];
  });
  return list.filter(
    (partition) =>
      tests.every(({ index, column, filter }) =>
        mayHold(partition, columns, index, column, filter),
      ) &&
      boundsOfPartition(partition, columns, alias).some((bounds) =>
        conditions.every((condition) => mayBe(true, condition, bounds)),
      ),
  );
}

/** What is known of the columns in a partition: of a range once, of a list for each of its values. */
function boundsOfPartition(
  { bounds }: Partition,
  columns: ReturnType<typeof partitionColumns>,
  alias: string,
): readonly BoundsOfColumn[] {
  const known = (values: readonly (ValueBounds | null)[]): BoundsOfColumn => {
    const byName = new Map(columns.map(({ name }, index) => [name, values[index] ?? null]));
    return (name, relation) => (relation === alias ? (byName.get(name) ?? null) : null);
  };
  if (bounds.kind === 'list') {
    return bounds.values.map((key) =>
      known(columns.map((column, index) => boundsOfValue(column, key[index] ?? null))),
    );
  }
  const [column] = columns;
  if (column === undefined) return [known([])];
  if (isFunction(column.transform)) return [known([unixBounds(bounds, column.transform)])];
  // Further columns of a range say nothing without those before them.
  const [lower = null] = bounds.lower;
  const [upper = null] = bounds.upper;
  const last = upper === null || columns.length > 1 ? upper : lastBefore(column.type, upper);
  const mayBeNull = lower === null && column.column.nullable;
  return [known([between(column, lower, last, mayBeNull)])];
}

/** Bounds are of what a function gives, not of the column. */
function isFunction({ kind }: PartitionTransform): boolean {
  return kind === 'from_unixtime' || kind === 'str2date';
}

/** Times as the numbers that the column holds; of texts nothing is known, since one date has several. */
function unixBounds(
  { lower: [lower = null], upper: [upper = null] }: Extract<PartitionBounds, { kind: 'range' }>,
  transform: PartitionTransform,
): ValueBounds | null {
  if (transform.kind !== 'from_unixtime') return null;
  const number = (text: string | null, round: (value: number) => number): OrderedValue | null => {
    const atMs = text === null ? Number.NaN : Date.parse(`${text.replace(' ', 'T')}Z`);
    if (!Number.isFinite(atMs)) return null;
    return orderedValue({ kind: 'BIGINT' }, String(round((atMs / 1000) * transform.perSecond)));
  };
  const [low, high] = [number(lower, Math.floor), number(upper, Math.ceil)];
  return { low, high, isExact: false, mayBeNull: lower === null, mayBeValue: true };
}

function boundsOfValue(column: RoutedColumn, text: string | null): ValueBounds {
  if (text === null) return ALWAYS_NULL;
  const step = stepOf(column.transform);
  if (step !== null) {
    return between(column, text, addUnits(column.type, text, step.unit, step.count), false);
  }
  const flag = text === 'true' ? '1' : '0';
  const value = orderedValue(column.type, column.type.kind === 'BOOLEAN' ? flag : text);
  const isExact = value !== null;
  return { low: value, high: value, isExact, mayBeNull: false, mayBeValue: true };
}

function between(
  { type }: RoutedColumn,
  lower: string | null,
  upper: string | null,
  mayBeNull: boolean,
): ValueBounds {
  const low = lower === null ? null : orderedValue(type, lower);
  const high = upper === null ? null : orderedValue(type, upper);
  return { low, high, isExact: false, mayBeNull, mayBeValue: true };
}

/** The greatest value below the end of a range, where the type has one that is easy to tell; else the end. */
function lastBefore(type: RoutedColumn['type'], upper: string): string {
  if (type.kind === 'DATE') return addUnits(type, upper, 'day', -1);
  if (type.kind !== 'DATETIME') return String(BigInt(upper) - 1n);
  return upper.includes('.') ? upper : `${addUnits(type, upper, 'second', -1)}.999999`;
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
