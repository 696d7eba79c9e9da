// ALTER TABLE's changes of partitions, from the partitions as they are at that moment: what is made, dropped,
// renamed or put in another's place. SOURCE: StarRocks docs, ALTER TABLE (3.3 to 3.5).
import { sameName } from '../../catalog/partition-store.ts';
import type { PartitionChange } from '../../commit/partition-commit.ts';
import { analysisError } from '../../loads/properties.ts';
import {
  overlap,
  type Partition,
  type Partitioning,
  stepOf,
  truncate,
} from '../../model/partition.ts';
import { partitionColumns } from '../../model/partition-routing.ts';
import type { TableInfo } from '../../model/table.ts';
import type { AlterPartitionClause } from '../../sql/ast/ddl.ts';
import type { Identifier } from '../../sql/ast/node.ts';
import { checkName } from '../names.ts';
import { type BoundColumn, batchOf, newLists, newRanges } from './bounds.ts';
import { boundsText } from './print.ts';
import { partitionProperties } from './properties.ts';
import { replacement } from './replace.ts';

/** What the clause changes; null = nothing. Throws SQL_ANALYZE. */
export function alteredPartitions(
  clause: AlterPartitionClause,
  table: TableInfo,
  partitions: readonly Partition[],
): PartitionChange | null {
  const { partitioning, schema, name } = table;
  if (partitioning === undefined) {
    throw analysisError(`Table ${name} is not partitioned: it is one partition of its own name`);
  }
  const columns = partitionColumns(partitioning, schema.columns).map(({ column, ...rest }) => ({
    ...rest,
    nullable: column.nullable,
  }));
  switch (clause.kind) {
    case 'add_partition':
      return added(clause, { name, partitioning, columns }, partitions);
    case 'drop_partition':
      return dropped(clause, name, columns, partitions);
    case 'rename_partition': {
      checkName('partition', clause.to);
      const [one] = named(name, partitions, [clause.name], false);
      if (one === undefined || one.name === clause.to) return null;
      const other = partitions.find(
        (partition) => !partition.isTemporary && sameName(partition.name, clause.to),
      );
      if (other !== undefined && other !== one) {
        throw analysisError(`Partition name[${clause.to}] is already used`);
      }
      return { alter: [{ id: one.id, name: clause.to }] };
    }
    case 'replace_partition':
      return replaced(clause, { name, partitioning, columns }, partitions);
    case 'modify_partition': {
      const ordinary = partitions.filter(({ isTemporary }) => !isTemporary);
      const chosen =
        clause.names === null ? ordinary : named(name, partitions, namesOf(clause.names), false);
      const properties = partitionProperties(clause.properties);
      return {
        alter: chosen.map((one) => ({
          id: one.id,
          properties: { ...one.properties, ...properties },
        })),
      };
    }
  }
}

const namesOf = (names: readonly Identifier[]): readonly string[] => names.map(({ name }) => name);

/** The partitions of the names. Throws SQL_ANALYZE as StarRocks words it. */
export function named(
  tableName: string,
  partitions: readonly Partition[],
  names: readonly string[],
  isTemporary: boolean,
): readonly Partition[] {
  return names.map((name) => {
    const found = partitions.find(
      (one) => one.isTemporary === isTemporary && sameName(one.name, name),
    );
    if (found === undefined) {
      throw analysisError(`Error in list of partitions to ${tableName}: there is no ${name}`);
    }
    return found;
  });
}

interface AlteredTable {
  readonly name: string;
  readonly partitioning: Partitioning;
  readonly columns: readonly BoundColumn[];
}

function added(
  { temporary, partition, properties }: Extract<AlterPartitionClause, { kind: 'add_partition' }>,
  { name, partitioning, columns }: AlteredTable,
  partitions: readonly Partition[],
): PartitionChange | null {
  const { kind, automatic } = partitioning;
  if (automatic && kind === 'list') {
    throw analysisError(
      `Adding partitions to table ${name} is not possible: it is partitioned by an expression, and rows make them`,
    );
  }
  if ((partition.kind === 'list') !== (kind === 'list')) {
    throw analysisError(
      `Table ${name} has ${kind} partitions: ${kind === 'list' ? 'VALUES IN (..)' : 'VALUES LESS THAN (..) or VALUES [(..), (..))'}`,
    );
  }
  const existing = partitions.filter(({ isTemporary }) => isTemporary === temporary);
  const beside = { columns, existing, isTemporary: temporary };
  const given = partitionProperties(properties);
  const made = (
    partition.kind === 'list' ? newLists([partition], beside) : newRanges([partition], beside)
  ).map((one) => ({ ...one, properties: { ...one.properties, ...given } }));
  if (automatic) for (const one of made) checkAligned(one, columns);
  return made.length === 0 ? null : { add: made };
}

/** Rows find the partitions of an expression by the beginning of their time unit: a bound must lie on one. */
function checkAligned(
  { name, bounds }: Pick<Partition, 'name' | 'bounds'>,
  columns: readonly BoundColumn[],
): void {
  const [column] = columns;
  const step = column === undefined ? null : stepOf(column.transform);
  if (column === undefined || step === null || bounds.kind !== 'range') return;
  if (step.count !== 1) {
    throw analysisError(
      `Partitions of time_slice are made by rows: ${name} cannot be added by hand`,
    );
  }
  for (const [text = null] of [bounds.lower, bounds.upper]) {
    if (text === null || truncate(column.type, text, step.unit) === text) continue;
    throw analysisError(
      `The range of partition ${name} must begin and end with a ${step.unit}: ${boundsText(bounds, columns)}`,
    );
  }
}

function replaced(
  { names, by, properties }: Extract<AlterPartitionClause, { kind: 'replace_partition' }>,
  { name, columns }: AlteredTable,
  all: readonly Partition[],
): PartitionChange {
  const unique = (list: readonly Partition[]): readonly Partition[] => [...new Set(list)];
  const old = unique(named(name, all, namesOf(names), false));
  const temporary = unique(named(name, all, namesOf(by), true));
  return replacement({ old, temporary, all, columns }, properties);
}

function dropped(
  { temporary, ifExists, what, force }: Extract<AlterPartitionClause, { kind: 'drop_partition' }>,
  tableName: string,
  columns: readonly BoundColumn[],
  partitions: readonly Partition[],
): PartitionChange | null {
  const own = partitions.filter(({ isTemporary }) => isTemporary === temporary);
  if ('kind' in what) {
    if (what.kind === 'where') return null;
    const types = columns.map(({ type }) => type);
    const ranges = batchOf(what, columns, temporary);
    // Those that lie within the batch.
    const inside = own.filter(({ bounds }) =>
      ranges.some(
        (range) => sameBounds(range.bounds, bounds) && overlap(types, range.bounds, bounds),
      ),
    );
    if (inside.length === 0 && !ifExists) {
      throw analysisError(`Error in list of partitions to ${tableName}: none is in the batch`);
    }
    return inside.length === 0 ? null : { drop: inside.map(({ id }) => id), force };
  }
  const names = namesOf(what);
  const wanted = ifExists
    ? names.filter((name) => own.some((one) => sameName(one.name, name)))
    : names;
  const chosen = named(tableName, partitions, wanted, temporary);
  return chosen.length === 0 ? null : { drop: [...new Set(chosen.map(({ id }) => id))], force };
}

function sameBounds(a: Partition['bounds'], b: Partition['bounds']): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
