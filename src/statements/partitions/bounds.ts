// Bounds of partitions as statements write them -> what the catalog keeps: values in their canonical form, ranges
// that do not overlap, batches spelled out. Messages as StarRocks words them where it has them.
import { MAX_PARTITIONS, type NewPartition, sameName } from '../../catalog/partition-store.ts';
import { analysisError } from '../../loads/properties.ts';
import {
  addUnits,
  canonicalValue,
  compareBounds,
  compareValues,
  holds,
  isEmptyRange,
  overlap,
  type PartitionBounds,
  type PartitionKey,
  rangeName,
  STEP_UNITS,
  type StepUnit,
} from '../../model/partition.ts';
import type { RoutedColumn } from '../../model/partition-routing.ts';
import { printSqlType } from '../../model/sql-type.ts';
import type { ListPartition, PartitionBound, RangePartition } from '../../sql/ast/ddl.ts';
import type { Expression } from '../../sql/ast/expression.ts';
import { checkName } from '../names.ts';
import { boundsText, leastText } from './print.ts';
import { partitionProperties } from './properties.ts';

/** A partition column, and whether it may be NULL. */
export type BoundColumn = RoutedColumn & { readonly nullable: boolean };

/** What new partitions must fit beside. */
export interface BesidePartitions {
  readonly columns: readonly BoundColumn[];
  /** Of the same sort: temporary ones only beside temporary ones. */
  readonly existing: readonly { readonly name: string; readonly bounds: PartitionBounds }[];
  readonly isTemporary: boolean;
}

/** The value of a partition column. Throws SQL_ANALYZE. */
function valueIn({ name, type }: RoutedColumn, text: string): string {
  const value = canonicalValue(type, text);
  if (value !== null) return value;
  throw analysisError(
    `Invalid partition value '${text}' for column ${name} of type ${printSqlType(type)}`,
  );
}

/** A bound; the least value of the type stands for none, as StarRocks prints it. */
function keyOf(
  columns: readonly RoutedColumn[],
  bound: PartitionBound,
  isLower: boolean,
): PartitionKey {
  if (bound.length !== columns.length) {
    throw analysisError(
      `Partition values number ${bound.length} does not match partition columns number ${columns.length}`,
    );
  }
  return columns.map((column, index) => {
    const text = bound[index] ?? null;
    if (text === null) {
      if (isLower) throw analysisError('MAXVALUE cannot be the lower bound of a partition');
      return null;
    }
    const value = valueIn(column, text);
    return isLower && value === leastText(column.type) ? null : value;
  });
}

const isTime = ({ type }: RoutedColumn): boolean =>
  type.kind === 'DATE' || type.kind === 'DATETIME';

/** Ranges in the order written; each sees those before it. Throws SQL_ANALYZE. */
export function newRanges(
  written: readonly RangePartition[],
  beside: BesidePartitions,
): readonly NewPartition[] {
  const made: NewPartition[] = [];
  for (const partition of written) {
    for (const one of rangesOf(partition, beside, made)) {
      const known = [...beside.existing, ...made];
      if (known.some(({ name }) => sameName(name, one.name))) {
        if (partition.kind !== 'batch' && partition.ifNotExists) continue;
        throw analysisError(`Duplicate partition name ${one.name}`);
      }
      checkRange(one, beside.columns, known);
      made.push(one);
      if (made.length > MAX_PARTITIONS) {
        throw analysisError(`more than ${MAX_PARTITIONS} partitions in one statement`);
      }
    }
  }
  return made;
}

function checkRange(
  { name, bounds }: NewPartition,
  columns: readonly RoutedColumn[],
  known: readonly { readonly name: string; readonly bounds: PartitionBounds }[],
): void {
  checkName('partition', name);
  const types = columns.map(({ type }) => type);
  if (bounds.kind === 'range' && isEmptyRange(types, bounds.lower, bounds.upper)) {
    throw analysisError(`The range of partition ${name} is empty: ${boundsText(bounds, columns)}`);
  }
  const other = known.find((one) => overlap(types, one.bounds, bounds));
  if (other === undefined) return;
  throw analysisError(
    `Range ${boundsText(bounds, columns)} is intersected with range: ${boundsText(other.bounds, columns)} of partition ${other.name}`,
  );
}

function rangesOf(
  partition: RangePartition,
  { columns, existing, isTemporary }: BesidePartitions,
  made: readonly NewPartition[],
): readonly NewPartition[] {
  if (partition.kind === 'batch') return batchOf(partition, columns, isTemporary);
  const { name } = partition;
  const properties = partitionProperties(partition.properties);
  if (partition.kind === 'fixed') {
    const lower = keyOf(columns, partition.lower, true);
    const upper = keyOf(columns, partition.upper, false);
    return [{ name, isTemporary, bounds: { kind: 'range', lower, upper }, properties }];
  }
  const upper =
    partition.bound === null ? columns.map(() => null) : keyOf(columns, partition.bound, false);
  const lower = greatestBelow(columns, upper, [...existing, ...made]);
  return [{ name, isTemporary, bounds: { kind: 'range', lower, upper }, properties }];
}

/** Where the partition before one that is LESS THAN `upper` ends. */
function greatestBelow(
  columns: readonly RoutedColumn[],
  upper: PartitionKey,
  known: readonly { readonly bounds: PartitionBounds }[],
): PartitionKey {
  const types = columns.map(({ type }) => type);
  const ends = known.flatMap(({ bounds }) => (bounds.kind === 'range' ? [bounds.upper] : []));
  const below = ends
    .filter((end) => compareBounds(types, end, upper, 'upper') < 0)
    .sort((a, b) => compareBounds(types, a, b, 'upper'));
  return below.at(-1) ?? columns.map(() => null);
}

type Batch = Extract<RangePartition, { kind: 'batch' }>;

/** START (..) END (..) EVERY (..) as ranges. Throws SQL_ANALYZE. */
export function batchOf(
  { start, end, every }: Batch,
  columns: readonly RoutedColumn[],
  isTemporary: boolean,
): readonly NewPartition[] {
  const [column] = columns;
  if (column === undefined || columns.length > 1) {
    throw analysisError('Batch build partition only support single range column.');
  }
  const [from, to] = [valueIn(column, start), valueIn(column, end)];
  if (compareValues(column.type, from, to) >= 0) {
    throw analysisError(`START (${start}) of a batch of partitions must be before END (${end})`);
  }
  const step = stepOfBatch(every, column);
  const made: NewPartition[] = [];
  for (let lower = from; compareValues(column.type, lower, to) < 0; ) {
    const next = step.next(lower);
    const upper = compareValues(column.type, next, to) > 0 ? to : next;
    const bounds = { kind: 'range' as const, lower: [lower], upper: [upper] };
    made.push({ name: step.name(lower), isTemporary, bounds, properties: {} });
    if (made.length > MAX_PARTITIONS) {
      throw analysisError(`more than ${MAX_PARTITIONS} partitions in one statement`);
    }
    lower = next;
  }
  return made;
}

interface BatchStep {
  readonly next: (lower: string) => string;
  readonly name: (lower: string) => string;
}

function stepOfBatch(every: Expression, column: RoutedColumn): BatchStep {
  if (every.kind === 'interval') {
    const { unit, count } = intervalOf(every);
    if (!isTime(column)) {
      throw analysisError(
        `EVERY (INTERVAL ..) needs a DATE or DATETIME column, ${column.name} is ${printSqlType(column.type)}`,
      );
    }
    const isClock = unit === 'hour' || unit === 'minute' || unit === 'second';
    if (isClock && column.type.kind === 'DATE') {
      throw analysisError(`EVERY (INTERVAL .. ${unit.toUpperCase()}) needs a DATETIME column`);
    }
    return {
      next: (lower) => addUnits(column.type, lower, unit, count),
      name: (lower) => rangeName('p', lower, unit),
    };
  }
  const text = every.kind === 'integer' ? every.text : '';
  if (!/^\d{1,18}$/.test(text) || BigInt(text) === 0n || isTime(column)) {
    throw analysisError(
      `Unsupported EVERY of a batch of partitions on column ${column.name}: an INTERVAL for times, a whole number for integers`,
    );
  }
  return {
    next: (lower) => String(BigInt(lower) + BigInt(text)),
    name: (lower) => `p${lower.replace('-', '_')}`,
  };
}

/** `INTERVAL 3 DAY` with a constant. Throws SQL_ANALYZE. */
export function intervalOf(every: Extract<Expression, { kind: 'interval' }>): {
  readonly unit: StepUnit;
  readonly count: number;
} {
  const unit = STEP_UNITS.find((known) => known.toUpperCase() === every.unit.toUpperCase());
  const count = every.amount.kind === 'integer' ? Number(every.amount.text) : 0;
  if (unit === undefined || !Number.isSafeInteger(count) || count < 1 || count > 100_000) {
    throw analysisError(
      `Unsupported interval of partitions: a whole number of ${STEP_UNITS.join(', ').toUpperCase()}`,
    );
  }
  return { unit, count };
}

/** Throws SQL_ANALYZE. */
export function newLists(
  written: readonly ListPartition[],
  { columns, existing, isTemporary }: BesidePartitions,
): readonly NewPartition[] {
  const types = columns.map(({ type }) => type);
  const made: NewPartition[] = [];
  for (const { name, ifNotExists, values, properties } of written) {
    const known = [...existing, ...made];
    if (known.some((one) => sameName(one.name, name))) {
      if (ifNotExists) continue;
      throw analysisError(`Duplicate partition name ${name}`);
    }
    checkName('partition', name);
    const keys = values.map((tuple) => {
      if (tuple.length !== columns.length) {
        throw analysisError(
          `Partition values number ${tuple.length} does not match partition columns number ${columns.length}`,
        );
      }
      return columns.map((column, index) => {
        const text = tuple[index] ?? null;
        return text === null ? nullOf(column) : valueIn(column, text);
      });
    });
    for (const [index, key] of keys.entries()) {
      const before: PartitionBounds = { kind: 'list', values: keys.slice(0, index) };
      const other = [...known, { name, bounds: before }].find((one) =>
        holds(types, one.bounds, key),
      );
      if (other !== undefined) {
        const shown = key.map((text) => text ?? 'NULL').join(', ');
        throw analysisError(`Duplicate value ${shown} of partition ${name}: ${other.name} has it`);
      }
    }
    const bounds: PartitionBounds = { kind: 'list', values: keys };
    made.push({ name, isTemporary, bounds, properties: partitionProperties(properties) });
  }
  return made;
}

function nullOf({ name, nullable }: BoundColumn): null {
  if (nullable) return null;
  throw analysisError(`Partition column[${name}] could not be null but contains null value`);
}
