// ALTER TABLE ... REPLACE PARTITION (..) WITH TEMPORARY PARTITION (..): temporary partitions take the place of
// ordinary ones, with their rows. SOURCE: StarRocks docs, Temporary partition (3.3).
import { sameName } from '../../catalog/partition-store.ts';
import type { PartitionChange } from '../../commit/partition-commit.ts';
import { analysisError } from '../../loads/properties.ts';
import {
  compareBounds,
  overlap,
  type Partition,
  type PartitionBounds,
  type PartitionKey,
} from '../../model/partition.ts';
import type { RoutedColumn } from '../../model/partition-routing.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { Property } from '../../sql/ast/node.ts';
import { propertyMap } from '../properties.ts';
import { boundsText } from './print.ts';

interface Replacement {
  readonly old: readonly Partition[];
  readonly temporary: readonly Partition[];
  /** All live ones of the table. */
  readonly all: readonly Partition[];
  readonly columns: readonly RoutedColumn[];
}

/** Throws SQL_ANALYZE where the new ones would not fit in the place of the old. */
export function replacement(
  { old, temporary, all, columns }: Replacement,
  properties: readonly Property[],
): PartitionChange {
  const { strictRange, useTemporaryNames } = rulesOf(properties);
  const types = columns.map(({ type }) => type);
  if (strictRange && !coversTheSame(types, old, temporary)) {
    const shown = (list: readonly Partition[]): string =>
      list.map(({ bounds }) => boundsText(bounds, columns)).join(', ');
    throw analysisError(
      `The partitions do not hold the same values, as strict_range asks for: [${shown(old)}] vs. [${shown(temporary)}]`,
    );
  }
  const left = all.filter((one) => !one.isTemporary && !old.includes(one));
  // Of as many the names stay, unless asked otherwise.
  const keepsNames = old.length === temporary.length && !useTemporaryNames;
  const turn = temporary.map((from, index) => {
    const name = keepsNames ? (old[index]?.name ?? from.name) : from.name;
    const other = left.find((one) => overlap(types, one.bounds, from.bounds));
    if (other !== undefined) {
      throw analysisError(
        `Range ${boundsText(from.bounds, columns)} is intersected with range: ${boundsText(other.bounds, columns)} of partition ${other.name}`,
      );
    }
    if (left.some((one) => sameName(one.name, name))) {
      throw analysisError(
        `Duplicate partition name ${name}: name the temporary partition otherwise`,
      );
    }
    const { bounds, properties: own } = from;
    return { from: from.id, into: { name, isTemporary: false, bounds, properties: own } };
  });
  return { drop: old.map(({ id }) => id), force: true, turn };
}

function rulesOf(properties: readonly Property[]): {
  readonly strictRange: boolean;
  readonly useTemporaryNames: boolean;
} {
  const given = Object.fromEntries(
    Object.entries(propertyMap(properties)).map(([key, value]) => [key.toLowerCase(), value]),
  );
  const flag = (key: string, otherwise: boolean): boolean => {
    const text = given[key];
    if (text === undefined) return otherwise;
    if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
    throw analysisError(
      `Property ${key} of REPLACE PARTITION must be true or false, not '${text}'`,
    );
  };
  const unknown = Object.keys(given).find(
    (key) => key !== 'strict_range' && key !== 'use_temp_partition_name',
  );
  if (unknown !== undefined) {
    throw analysisError(
      `Unknown property '${unknown}' of REPLACE PARTITION, known: strict_range, use_temp_partition_name`,
    );
  }
  return {
    strictRange: flag('strict_range', true),
    useTemporaryNames: flag('use_temp_partition_name', false),
  };
}

/** Is what the one list of partitions holds what the other holds? */
function coversTheSame(
  types: readonly SqlType[],
  a: readonly Partition[],
  b: readonly Partition[],
): boolean {
  const text = (list: readonly Partition[]): string =>
    JSON.stringify(
      unionOf(
        types,
        list.map(({ bounds }) => bounds),
      ),
    );
  return text(a) === text(b);
}

type Range = Extract<PartitionBounds, { kind: 'range' }>;

/** Lists: their values in one order. Ranges: those that touch become one. */
function unionOf(types: readonly SqlType[], all: readonly PartitionBounds[]): unknown {
  const ranges = all.filter((bounds): bounds is Range => bounds.kind === 'range');
  if (ranges.length < all.length) {
    return all
      .flatMap((bounds) => (bounds.kind === 'list' ? bounds.values : []))
      .map((key) => JSON.stringify(key))
      .sort();
  }
  const sorted = ranges.toSorted((x, y) => compareBounds(types, x.lower, y.lower, 'lower'));
  const union: { lower: PartitionKey; upper: PartitionKey }[] = [];
  for (const { lower, upper } of sorted) {
    const before = union.at(-1);
    const isNext = before !== undefined && JSON.stringify(before.upper) === JSON.stringify(lower);
    if (isNext && before.upper.some((text) => text !== null)) before.upper = upper;
    else union.push({ lower, upper });
  }
  return union;
}
