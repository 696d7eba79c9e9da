// Printing of partitions: PARTITION BY of CREATE TABLE, and the clauses of ALTER TABLE that change them.
import type {
  AlterPartitionClause,
  DistributedBy,
  ListPartition,
  PartitionBound,
  PartitionBy,
  RangePartition,
} from './ast/ddl.ts';
import { printExpression } from './print.ts';
import {
  printIdentifier,
  printNames,
  printPropertyList,
  printString,
  words,
} from './print-text.ts';

/** One clause of ALTER TABLE. */
export function printPartitionClause(clause: AlterPartitionClause): string {
  switch (clause.kind) {
    case 'add_partition': {
      const { partition, temporary, distributedBy, properties } = clause;
      return words(
        'ADD',
        temporary && 'TEMPORARY',
        partition.kind === 'batch' && 'PARTITIONS',
        partition.kind === 'list' ? printListPartition(partition) : printRange(partition),
        distributedBy !== null && printDistributedBy(distributedBy),
        properties.length > 0 && `PROPERTIES ${printPropertyList(properties)}`,
      );
    }
    case 'drop_partition': {
      const { what, temporary, ifExists, force } = clause;
      return words(
        'DROP',
        temporary && 'TEMPORARY',
        'PARTITIONS',
        ifExists && 'IF EXISTS',
        printDropped(what),
        force && 'FORCE',
      );
    }
    case 'rename_partition':
      return `RENAME PARTITION ${printIdentifier(clause.name)} TO ${printIdentifier(clause.to)}`;
    case 'replace_partition':
      return words(
        `REPLACE PARTITION (${printNames(clause.names)})`,
        `WITH TEMPORARY PARTITION (${printNames(clause.by)})`,
        clause.properties.length > 0 && `PROPERTIES ${printPropertyList(clause.properties)}`,
      );
    case 'modify_partition':
      return words(
        `MODIFY PARTITION (${clause.names === null ? '*' : printNames(clause.names)})`,
        `SET ${printPropertyList(clause.properties)}`,
      );
  }
}

function printDropped(
  what: Extract<AlterPartitionClause, { kind: 'drop_partition' }>['what'],
): string {
  if (!('kind' in what)) return `(${printNames(what)})`;
  return what.kind === 'batch' ? printRange(what) : `WHERE ${printExpression(what.condition)}`;
}

/** `DISTRIBUTED BY ...`. */
export function printDistributedBy({ kind, columns, buckets }: DistributedBy): string {
  return words(
    'DISTRIBUTED BY',
    kind === 'hash' ? `HASH (${printNames(columns)})` : 'RANDOM',
    buckets !== null && `BUCKETS ${buckets}`,
  );
}

/** PARTITION BY, without these words. */
export function printPartitionBy(partitionBy: PartitionBy): string {
  switch (partitionBy.kind) {
    case 'range':
      return `RANGE (${printNames(partitionBy.columns)}) ${printRanges(partitionBy.partitions)}`;
    case 'list': {
      const partitions = partitionBy.partitions.map(printListPartition);
      return words(
        `LIST (${printNames(partitionBy.columns)})`,
        partitions.length > 0 && `(${partitions.join(', ')})`,
      );
    }
    case 'expression':
      return words(
        partitionBy.inRange === true && 'RANGE',
        `(${partitionBy.items.map(printExpression).join(', ')})`,
        (partitionBy.inRange === true || partitionBy.partitions.length > 0) &&
          printRanges(partitionBy.partitions),
      );
  }
}

const printRanges = (partitions: readonly RangePartition[]): string =>
  `(${partitions.map(printRange).join(', ')})`;

function printRange(partition: RangePartition): string {
  if (partition.kind === 'batch') {
    const { start, end, every } = partition;
    return `START (${printString(start)}) END (${printString(end)}) EVERY (${printExpression(every)})`;
  }
  const head = words(
    'PARTITION',
    partition.ifNotExists && 'IF NOT EXISTS',
    printIdentifier(partition.name),
    'VALUES',
  );
  const options = partition.properties.length === 0 ? '' : printPropertyList(partition.properties);
  if (partition.kind === 'fixed') {
    return words(head, `[${printBound(partition.lower)}, ${printBound(partition.upper)})`, options);
  }
  const bound = partition.bound === null ? 'MAXVALUE' : printBound(partition.bound);
  return words(head, 'LESS THAN', bound, options);
}

function printBound(bound: PartitionBound): string {
  return `(${bound.map((value) => (value === null ? 'MAXVALUE' : printString(value))).join(', ')})`;
}

function printListPartition({ name, ifNotExists, values, properties }: ListPartition): string {
  const tuples = values.map((tuple) => {
    const items = tuple.map((value) => (value === null ? 'NULL' : printString(value))).join(', ');
    return `(${items})`;
  });
  return words(
    'PARTITION',
    ifNotExists && 'IF NOT EXISTS',
    printIdentifier(name),
    `VALUES IN (${tuples.join(', ')})`,
    properties.length > 0 && printPropertyList(properties),
  );
}
