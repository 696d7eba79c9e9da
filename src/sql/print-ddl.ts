// Printing of CREATE, DROP, TRUNCATE and INSERT.
import type {
  AlterDatabase,
  AlterTable,
  AlterTableClause,
  CancelAlterTable,
  ColumnDefault,
  ColumnDefinition,
  ColumnPosition,
  CreateTable,
  CreateView,
  DatabaseName,
  DdlStatement,
  IndexDefinition,
  Insert,
  Recover,
  ViewColumnName,
} from './ast/ddl.ts';
import type { Property } from './ast/node.ts';
import { printExpression, printPoint, printQuery } from './print.ts';
import { printDistributedBy, printPartitionBy, printPartitionClause } from './print-partition.ts';
import { printPartitionNames } from './print-query.ts';
import {
  printIdentifier,
  printName,
  printNames,
  printPropertyList,
  printString,
  printType,
  words,
} from './print-text.ts';

/** DDL or INSERT as SQL. */
export function printDdl(statement: DdlStatement): string {
  switch (statement.kind) {
    case 'create_database':
      return words(
        'CREATE DATABASE',
        statement.ifNotExists && 'IF NOT EXISTS',
        printDatabase(statement.name),
        printComment(statement.comment),
        printProperties(statement.properties),
      );
    case 'drop_database':
      return words(
        'DROP DATABASE',
        statement.ifExists && 'IF EXISTS',
        printDatabase(statement.name),
        statement.force && 'FORCE',
      );
    case 'create_table':
      return printCreateTable(statement);
    case 'create_table_like':
      return words(
        'CREATE',
        statement.temporary && 'TEMPORARY',
        'TABLE',
        statement.ifNotExists && 'IF NOT EXISTS',
        printName(statement.name),
        `LIKE ${printName(statement.like)}`,
      );
    case 'drop_table':
      return words(
        'DROP',
        statement.temporary && 'TEMPORARY',
        'TABLE',
        statement.ifExists && 'IF EXISTS',
        printName(statement.name),
        statement.force && 'FORCE',
      );
    case 'truncate_table':
      return words(
        'TRUNCATE TABLE',
        printName(statement.name),
        printPartitionNames(statement.partitions),
      );
    case 'recover':
      return printRecover(statement);
    case 'insert':
      return printInsert(statement);
    case 'alter_table':
    case 'cancel_alter_table':
      return printAlterTable(statement);
    case 'alter_database':
      return words('ALTER DATABASE', printDatabase(statement.name), printDatabaseChange(statement));
    case 'create_view':
      return printCreateView(statement);
    case 'alter_view':
      return words(
        'ALTER VIEW',
        printName(statement.name),
        statement.security !== null && `SET SECURITY ${statement.security}`,
        printViewColumns(statement.columns),
        statement.query !== null && `AS ${printQuery(statement.query)}`,
      );
    case 'drop_view':
      return words('DROP VIEW', statement.ifExists && 'IF EXISTS', printName(statement.name));
  }
}

function printRecover({ what }: Recover): string {
  switch (what.type) {
    case 'DATABASE':
      return `RECOVER DATABASE ${printDatabase(what.name)}`;
    case 'TABLE':
      return `RECOVER TABLE ${printName(what.name)}`;
    case 'PARTITION':
      return `RECOVER PARTITION ${printIdentifier(what.name)} FROM ${printName(what.table)}`;
  }
}

function printAlterTable(statement: AlterTable | CancelAlterTable): string {
  const name = printName(statement.name);
  if (statement.kind === 'alter_table') {
    return words('ALTER TABLE', name, statement.clauses.map(printAlterClause).join(', '));
  }
  const { what, jobIds } = statement;
  const ids = jobIds.length > 0 && `(${jobIds.join(', ')})`;
  return words(`CANCEL ALTER TABLE ${what} FROM`, name, ids);
}

function printAlterClause(clause: AlterTableClause): string {
  switch (clause.kind) {
    case 'rename':
      return `RENAME TO ${printIdentifier(clause.name)}`;
    case 'comment':
      return `COMMENT = ${printString(clause.comment)}`;
    case 'set':
      return `SET ${printPropertyList(clause.properties)}`;
    case 'swap':
      return `SWAP WITH ${printIdentifier(clause.name)}`;
    case 'compact':
      return words(
        'COMPACT',
        clause.partitions.length > 0 && `(${clause.partitions.map(printIdentifier).join(', ')})`,
      );
    case 'add_column':
      return words('ADD COLUMN', printPlaced(clause));
    case 'add_columns':
      return words(
        `ADD COLUMN (${clause.columns.map(printColumn).join(', ')})`,
        printProperties(clause.properties),
      );
    case 'drop_column':
      return words(
        `DROP COLUMN ${printIdentifier(clause.name)}`,
        printProperties(clause.properties),
      );
    case 'modify_column':
      return words('MODIFY COLUMN', printPlaced(clause));
    case 'comment_column':
      return `MODIFY COLUMN ${printIdentifier(clause.name)} ${printComment(clause.comment)}`;
    case 'add_field':
      return words(
        `MODIFY COLUMN ${printIdentifier(clause.name)} ADD FIELD ${printPath(clause.path)}`,
        printType(clause.type),
        ...printPosition(clause.position),
        printProperties(clause.properties),
      );
    case 'drop_field':
      return words(
        `MODIFY COLUMN ${printIdentifier(clause.name)} DROP FIELD ${printPath(clause.path)}`,
        printProperties(clause.properties),
      );
    case 'rename_column':
      return `RENAME COLUMN ${printIdentifier(clause.name)} TO ${printIdentifier(clause.to)}`;
    case 'order_by':
      return words(`ORDER BY (${printNames(clause.columns)})`, printProperties(clause.properties));
    case 'rollback':
      return `ROLLBACK TO ${printPoint(clause.to)}`;
    case 'add_partition':
    case 'drop_partition':
    case 'rename_partition':
    case 'replace_partition':
    case 'modify_partition':
      return printPartitionClause(clause);
  }
}

const printPath = (path: readonly string[]): string =>
  path.map((part) => (part === '[*]' ? part : printIdentifier(part))).join('.');

function printPlaced({
  column,
  position,
  properties,
}: Extract<AlterTableClause, { kind: 'add_column' | 'modify_column' }>): string {
  return words(printColumn(column), ...printPosition(position), printProperties(properties));
}

function printPosition(position: ColumnPosition | null): readonly string[] {
  if (position === null) return [];
  return [position.kind === 'first' ? 'FIRST' : `AFTER ${printIdentifier(position.column)}`];
}

function printDatabaseChange({ change }: AlterDatabase): string {
  switch (change.kind) {
    case 'rename':
      return `RENAME ${printIdentifier(change.name)}`;
    case 'set':
      return `SET ${printPropertyList(change.properties)}`;
    case 'data_quota':
      return `SET DATA QUOTA ${change.quota}`;
    case 'replica_quota':
      return `SET REPLICA QUOTA ${change.quota}`;
  }
}

function printCreateView(view: CreateView): string {
  return words(
    view.orReplace ? 'CREATE OR REPLACE VIEW' : 'CREATE VIEW',
    view.ifNotExists && 'IF NOT EXISTS',
    printName(view.name),
    printViewColumns(view.columns),
    printComment(view.comment),
    view.security !== null && `SECURITY ${view.security}`,
    `AS ${printQuery(view.query)}`,
  );
}

function printViewColumns(columns: readonly ViewColumnName[]): string {
  if (columns.length === 0) return '';
  return `(${columns.map(({ name, comment }) => words(printIdentifier(name), printComment(comment))).join(', ')})`;
}

/** `[catalog.]database`. */
export function printDatabase({ catalog, name }: DatabaseName): string {
  return (catalog === null ? [name] : [catalog, name]).map(printIdentifier).join('.');
}

const printComment = (comment: string | null): string =>
  comment === null ? '' : `COMMENT ${printString(comment)}`;

const printProperties = (properties: readonly Property[]): string =>
  properties.length === 0 ? '' : `PROPERTIES ${printPropertyList(properties)}`;

function printInsert(insert: Insert): string {
  return words(
    insert.overwrite ? 'INSERT OVERWRITE' : 'INSERT INTO',
    printName(insert.table),
    printPartitionNames(insert.partitions),
    insert.label !== null && `WITH LABEL ${printIdentifier(insert.label)}`,
    insert.columns !== null && `(${printNames(insert.columns)})`,
    insert.byName && 'BY NAME',
    printProperties(insert.properties),
    printQuery(insert.query),
  );
}

/** With `between` between the columns and indexes, and around all of them. */
export function printCreateTable(table: CreateTable, between = ['', ', ', '']): string {
  const [before = '', separator = '', after = ''] = between;
  const items = [...table.columns.map(printColumn), ...table.indexes.map(printIndex)];
  const { keys, partitionBy, distributedBy } = table;
  return words(
    'CREATE',
    table.temporary && 'TEMPORARY',
    table.external && 'EXTERNAL',
    'TABLE',
    table.ifNotExists && 'IF NOT EXISTS',
    printName(table.name),
    items.length > 0 && `(${before}${items.join(separator)}${after})`,
    table.columnNames.length > 0 && `(${printNames(table.columnNames)})`,
    table.engine !== null && `ENGINE = ${printIdentifier(table.engine)}`,
    keys !== null && `${keys.type} KEY (${printNames(keys.columns)})`,
    printComment(table.comment),
    partitionBy !== null && `PARTITION BY ${printPartitionBy(partitionBy)}`,
    distributedBy !== null && printDistributedBy(distributedBy),
    table.orderBy.length > 0 && `ORDER BY (${printNames(table.orderBy)})`,
    printProperties(table.properties),
    table.query !== null && `AS ${printQuery(table.query)}`,
    table.topic !== undefined && `FROM KAFKA TOPIC ${printString(table.topic.name)}`,
    table.topic !== undefined && `PROPERTIES ${printPropertyList(table.topic.properties)}`,
  );
}

function printColumn(column: ColumnDefinition): string {
  return words(
    printIdentifier(column.name),
    printType(column.type),
    column.isKey && 'KEY',
    column.aggregate,
    column.nullable !== null && (column.nullable ? 'NULL' : 'NOT NULL'),
    column.defaultValue !== null && `DEFAULT ${printDefault(column.defaultValue)}`,
    column.autoIncrement && 'AUTO_INCREMENT',
    column.generated !== null && `AS ${printExpression(column.generated)}`,
    printComment(column.comment),
  );
}

function printDefault(value: ColumnDefault): string {
  switch (value.kind) {
    case 'null':
      return 'NULL';
    case 'text':
      return printString(value.value);
    case 'expression':
      return `(${printExpression(value.expression)})`;
  }
}

function printIndex({ name, columns, type, comment }: IndexDefinition): string {
  return words(
    `INDEX ${printIdentifier(name)} (${printNames(columns)})`,
    type !== null && `USING ${type}`,
    printComment(comment),
  );
}
