// SHOW TABLES, SHOW CREATE TABLE, DESC, SHOW COLUMNS. Texts as StarRocks prints them.
import { printSqlType } from '../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../model/table.ts';
import { databaseOf, databaseOrCurrent } from './databases.ts';
import { quoteName, quoteText } from './properties.ts';
import { filterRows } from './show-filter.ts';
import { tableName } from './tables.ts';
import { type Handler, textRows } from './types.ts';

export const showTables: Handler<'show_tables'> = async (statement, { session, services }) => {
  const given = statement.database === null ? null : databaseOf(statement.database);
  const database = databaseOrCurrent(given, session);
  const tables = await services.catalog.tables.list(database);
  const names = [`Tables_in_${database}`, ...(statement.full ? ['Table_type'] : [])];
  const rows = tables.map((table) => [table.name, ...(statement.full ? ['BASE TABLE'] : [])]);
  return textRows(names, filterRows(names, rows, statement));
};

export const describeTable: Handler<'describe_table'> = async (
  statement,
  { session, services },
) => {
  const { database, name } = tableName(statement.name, session);
  const table = await services.catalog.tables.get(database, name);
  return textRows(
    ['Field', 'Type', 'Null', 'Key', 'Default', 'Extra'],
    table.schema.columns.map((column) => [
      column.name,
      printSqlType(column.type),
      column.nullable ? 'YES' : 'NO',
      String(column.isKey),
      column.defaultValue,
      '',
    ]),
  );
};

export const showColumns: Handler<'show_columns'> = async (statement, { session, services }) => {
  const { database, name } = tableName(statement.table, session);
  const table = await services.catalog.tables.get(database, name);
  const plain = ['Field', 'Type', 'Null', 'Key', 'Default', 'Extra'];
  const full = [
    'Field',
    'Type',
    'Collation',
    'Null',
    'Key',
    'Default',
    'Extra',
    'Privileges',
    'Comment',
  ];
  const names = statement.full ? full : plain;
  const rows = table.schema.columns.map((column) => columnRow(column, statement.full));
  return textRows(names, filterRows(names, rows, statement));
};

function columnRow(column: ColumnSchema, full: boolean): (string | null)[] {
  const isText = column.type.kind === 'VARCHAR' || column.type.kind === 'CHAR';
  const head = [column.name, printSqlType(column.type)];
  const middle = [
    column.nullable ? 'YES' : 'NO',
    column.isKey ? 'YES' : 'NO',
    column.defaultValue,
    '',
  ];
  return full
    ? [...head, isText ? 'utf8_general_ci' : null, ...middle, '', column.comment]
    : [...head, ...middle];
}

export const showCreateTable: Handler<'show_create_table'> = async (
  statement,
  { session, services },
) => {
  const { database, name } = tableName(statement.name, session);
  const table = await services.catalog.tables.get(database, name);
  const volume =
    table.volumeId === 0 ? null : (await services.catalog.volumes.byId(table.volumeId)).name;
  return textRows(['Table', 'Create Table'], [[table.name, createTableText(table, volume)]]);
};

/** The CREATE TABLE statement that makes the same table. */
export function createTableText(table: TableInfo, volumeName: string | null): string {
  const columns = table.schema.columns.map((column) => `  ${columnText(column)}`).join(',\n');
  const keys = table.schema.columns.filter((column) => column.isKey);
  const list = (names: readonly string[]): string => names.map(quoteName).join(', ');
  const distribution =
    table.distributedBy.length === 0 ? 'RANDOM' : `HASH(${list(table.distributedBy)})`;
  const buckets = table.buckets === null ? '' : ` BUCKETS ${table.buckets} `;
  const properties = {
    ...table.properties,
    ...(volumeName === null ? {} : { storage_volume: volumeName }),
  };
  const propertyLines = Object.entries(properties)
    .map(([key, value]) => `${quoteText(key)} = ${quoteText(value)}`)
    .join(',\n');
  return [
    `CREATE TABLE ${quoteName(table.name)} (`,
    columns,
    ') ENGINE=OLAP ',
    `DUPLICATE KEY(${list(keys.map((column) => column.name))})`,
    ...(table.comment === '' ? [] : [`COMMENT ${quoteText(table.comment)}`]),
    `DISTRIBUTED BY ${distribution}${buckets}`,
    `PROPERTIES (\n${propertyLines}\n);`,
  ].join('\n');
}

function columnText(column: ColumnSchema): string {
  const defaultText =
    column.defaultValue === null ? '' : ` DEFAULT ${quoteText(column.defaultValue)}`;
  return `${quoteName(column.name)} ${printSqlType(column.type)} ${column.nullable ? 'NULL' : 'NOT NULL'}${defaultText} COMMENT ${quoteText(column.comment)}`;
}
