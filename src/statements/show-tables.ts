// SHOW TABLES, SHOW CREATE TABLE, DESC, SHOW COLUMNS. Texts as StarRocks prints them.
import { fail } from '../base/errors.ts';
import type { Partition } from '../model/partition.ts';
import { sortColumns } from '../model/sort-key.ts';
import { printSqlType } from '../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../model/table.ts';
import type { QualifiedName } from '../sql/ast/node.ts';
import { printType } from '../sql/print-text.ts';
import { databaseOf, databaseOrCurrent } from './databases.ts';
import { printDefault, shownDefault } from './default-values.ts';
import {
  isSystemDatabase,
  systemView,
  systemViewNames,
} from './information-schema/system-databases.ts';
import { partitionByText } from './partitions/print.ts';
import { quoteName, quoteText } from './properties.ts';
import { filterRows } from './show-filter.ts';
import { KEY_WORDS } from './table-keys.ts';
import { shownProperties } from './table-properties.ts';
import { tableName, temporaryNames } from './tables.ts';
import { temporarySession } from './temporary.ts';
import { type Handler, type Outcome, type StatementContext, textRows } from './types.ts';
import { createViewText } from './views.ts';
import { visibilityOf } from './visibility.ts';

export const showTables: Handler<'show_tables'> = async (statement, context) => {
  const { session, services } = context;
  const given = statement.database === null ? null : databaseOf(statement.database);
  const database = databaseOrCurrent(given, session);
  const names = [`Tables_in_${database}`, ...(statement.full ? ['Table_type'] : [])];
  const found = statement.temporary
    ? (await temporaryNames(database, { session, services })).map((name) => [name, 'BASE TABLE'])
    : await tablesAndViews(database, context);
  const rows = found.map(([name = '', type = '']) => (statement.full ? [name, type] : [name]));
  return textRows(names, filterRows(names, rows, statement));
};

/** Names and types of what the session may know of, by name. */
async function tablesAndViews(database: string, context: StatementContext): Promise<string[][]> {
  if (isSystemDatabase(database)) {
    return systemViewNames(database).map((name) => [name, 'SYSTEM VIEW']);
  }
  const { tables, views } = context.services.catalog;
  const visible = await visibilityOf(context);
  const named = [
    ...(await tables.list(database)).map(({ name }) => [name, 'BASE TABLE']),
    ...(await views.list(database)).map(({ name }) => [name, 'VIEW']),
  ];
  return named
    .filter(([name = '']) => visible.table(database, name))
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

type ShownColumn = Pick<
  ColumnSchema,
  | 'name'
  | 'type'
  | 'nullable'
  | 'isKey'
  | 'defaultValue'
  | 'defaultIsText'
  | 'aggregate'
  | 'comment'
>;

/** The columns Default and Extra of a listing. */
function defaultCells(column: ShownColumn): [string | null, string] {
  const { value, extra } = shownDefault(column);
  return [value, extra.join(',')];
}

/** Columns of a stored table or of one of information_schema. Throws UNKNOWN_TABLE, NO_DATABASE. */
async function columnsOf(
  name: QualifiedName,
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
): Promise<readonly ShownColumn[]> {
  const { database, name: table } = tableName(name, session);
  if (!isSystemDatabase(database)) {
    const { tables, views } = services.catalog;
    const own = temporarySession(session, services);
    const found = await tables.find(database, table, own);
    const view = found === null ? await views.find(database, table) : null;
    const rest = { nullable: true, isKey: false, defaultValue: null };
    if (view !== null) return view.columns.map((column) => ({ ...column, ...rest }));
    return (found ?? (await tables.get(database, table))).schema.columns;
  }
  const columns = systemView(database, table)?.columns;
  if (columns === undefined) throw fail('UNKNOWN_TABLE', { table: `${database}.${table}` });
  const rest = { nullable: true, isKey: false, defaultValue: null, comment: '' };
  return columns.map((column) => ({ ...column, ...rest }));
}

export const describeTable: Handler<'describe_table'> = async (
  statement,
  { session, services },
) => {
  const columns = await columnsOf(statement.name, { session, services });
  const names = ['Field', 'Type', 'Null', 'Key', 'Default', 'Extra'];
  if (statement.all) return describeAll(statement.name, names, columns, { session, services });
  return textRows(
    names,
    columns.map((column) => [
      column.name,
      printSqlType(column.type),
      column.nullable ? 'YES' : 'NO',
      String(column.isKey),
      ...defaultCells(column),
    ]),
  );
};

/** DESC t ALL: the columns of every index of the table, which is the table itself. */
async function describeAll(
  name: QualifiedName,
  names: readonly string[],
  columns: readonly ShownColumn[],
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
): Promise<Outcome> {
  const { database, name: table } = tableName(name, session);
  const keysType = isSystemDatabase(database)
    ? ''
    : (await services.catalog.tables.get(database, table)).schema.keysType;
  return textRows(
    ['IndexName', 'IndexKeysType', ...names],
    columns.map((column, index) => [
      index === 0 ? table : '',
      index === 0 ? keysType : '',
      column.name,
      printSqlType(column.type),
      column.nullable ? 'Yes' : 'No',
      String(column.isKey),
      ...defaultCells(column),
    ]),
  );
}

export const showColumns: Handler<'show_columns'> = async (statement, { session, services }) => {
  const columns = await columnsOf(statement.table, { session, services });
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
  const rows = columns.map((column) => columnRow(column, statement.full));
  return textRows(names, filterRows(names, rows, statement));
};

function columnRow(column: ShownColumn, full: boolean): (string | null)[] {
  const isText = column.type.kind === 'VARCHAR' || column.type.kind === 'CHAR';
  const head = [column.name, printSqlType(column.type)];
  const middle = [
    column.nullable ? 'YES' : 'NO',
    column.isKey ? 'YES' : 'NO',
    ...defaultCells(column),
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
  const { tables, views } = services.catalog;
  const found = await tables.find(database, name, temporarySession(session, services));
  const view = found === null ? await views.find(database, name) : null;
  if (view !== null) {
    return textRows(
      ['View', 'Create View', 'character_set_client', 'collation_connection'],
      [[view.name, createViewText(view), 'utf8', 'utf8_general_ci']],
    );
  }
  const table = found ?? (await tables.get(database, name));
  if (statement.type === 'VIEW') throw fail('NOT_A_VIEW', { name: `${database}.${name}` });
  const volume =
    table.volumeId === 0 ? null : (await services.catalog.volumes.byId(table.volumeId)).name;
  const partitions =
    table.partitioning === undefined ? [] : await services.catalog.partitions.list(table.id);
  return textRows(
    ['Table', 'Create Table'],
    [[table.name, createTableText(table, volume, partitions)]],
  );
};

/** The CREATE TABLE statement that makes the same table. */
export function createTableText(
  table: TableInfo,
  volumeName: string | null,
  partitions: readonly Partition[] = [],
): string {
  const columns = table.schema.columns.map((column) => `  ${columnText(column)}`).join(',\n');
  const keys = table.schema.columns.filter((column) => column.isKey);
  const list = (names: readonly string[]): string => names.map(quoteName).join(', ');
  const distribution =
    table.distributedBy.length === 0 ? 'RANDOM' : `HASH(${list(table.distributedBy)})`;
  const buckets = table.buckets === null ? '' : ` BUCKETS ${table.buckets} `;
  const propertyLines = shownProperties(table, volumeName)
    .map(([key, value]) => `${quoteText(key)} = ${quoteText(value)}`)
    .join(',\n');
  return [
    `CREATE TABLE ${quoteName(table.name)} (`,
    columns,
    ') ENGINE=OLAP ',
    `${KEY_WORDS[table.schema.keysType]}(${list(keys.map((column) => column.name))})`,
    ...(table.comment === '' ? [] : [`COMMENT ${quoteText(table.comment)}`]),
    ...(table.partitioning === undefined
      ? []
      : [partitionByText(table, table.partitioning, partitions)]),
    `DISTRIBUTED BY ${distribution}${buckets}`,
    ...(table.schema.sortKey === undefined
      ? []
      : [`ORDER BY(${list(sortColumns(table.schema).map((column) => column.name))})`]),
    `PROPERTIES (\n${propertyLines}\n);`,
  ].join('\n');
}

function columnText(column: ColumnSchema): string {
  return [
    quoteName(column.name),
    printType(column.type),
    ...(column.aggregate === undefined ? [] : [column.aggregate]),
    `${column.nullable ? 'NULL' : 'NOT NULL'}${printDefault(column)}`,
    ...(column.autoIncrement === true ? ['AUTO_INCREMENT'] : []),
    ...(column.generated === undefined ? [] : [`AS ${column.generated}`]),
    `COMMENT ${quoteText(column.comment)}`,
  ].join(' ');
}
