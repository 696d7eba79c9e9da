// CREATE / DROP TABLE. Checks what StarRocks checks; what later issues add is refused with its name.

import { fail } from '../base/errors.ts';
import type { NewTable } from '../catalog/catalog.ts';
import { analysisError } from '../loads/properties.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../model/table.ts';
import type { ColumnDefinition, CreateTable } from '../sql/ast/ddl.ts';
import type { QualifiedName } from '../sql/ast/node.ts';
import { checkColumnType, isKeyType } from './column-types.ts';
import { databaseOrCurrent } from './databases.ts';
import { defaultText } from './default-values.ts';
import { checkName } from './names.ts';
import { checkedTableProperties } from './table-properties.ts';
import { temporarySession } from './temporary.ts';
import { type Handler, OK, type Session, type StatementContext } from './types.ts';

const MAX_COLUMNS = 10_000;

/** Database and table that a name means in this session. Throws NO_DATABASE. */
export function tableName(
  name: QualifiedName,
  session: Session,
): { database: string; name: string } {
  if (name.catalog !== null && name.catalog !== 'default_catalog') {
    throw analysisError(`Unknown catalog '${name.catalog}'`);
  }
  return { database: databaseOrCurrent(name.database, session), name: name.name };
}

/**
 * The table that a name means: the session's temporary one first. Throws NO_DATABASE, UNKNOWN_DATABASE,
 * UNKNOWN_TABLE, NOT_A_TABLE for a view.
 */
export async function findTable(
  name: QualifiedName,
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
): Promise<TableInfo> {
  const { database, name: table } = tableName(name, session);
  const { tables, views } = services.catalog;
  const found = await tables.find(database, table, temporarySession(session, services));
  if (found !== null) return found;
  if ((await views.find(database, table)) !== null) {
    throw fail('NOT_A_TABLE', { name: `${database}.${table}` });
  }
  return await tables.get(database, table);
}

/** Is there one already, of the same sort: temporary of this session, or ordinary (a table or a view)? */
export async function exists(
  { name, temporary }: Pick<CreateTable, 'name' | 'temporary'>,
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
): Promise<boolean> {
  const { database, name: table } = tableName(name, session);
  const { tables, views } = services.catalog;
  if (temporary) {
    const own = await tables.listTemporary(database, temporarySession(session, services));
    return own.some((entry) => entry.name === table);
  }
  const found = await tables.find(database, table);
  return found !== null || (await views.find(database, table)) !== null;
}

/** Checks the statement and gives what the catalog keeps of it. Throws SQL_ANALYZE. */
export function newTable(statement: CreateTable, database: string): NewTable {
  const { name } = statement.name;
  refuseLaterWork(statement);
  checkName('table', name);
  const keys = keyColumns(statement);
  const columns = statement.columns.map((column) => columnOf(column, keys));
  checkColumns(columns);
  const { storage_volume: volumeName, ...properties } = checkedTableProperties(
    statement.properties,
  );
  return {
    databaseName: database,
    name,
    keysType: 'DUP_KEYS',
    columns,
    volumeName: volumeName ?? null,
    comment: statement.comment ?? '',
    distributedBy: distributionOf(statement, columns),
    buckets: statement.distributedBy?.buckets ?? null,
    properties,
  };
}

function distributionOf(
  { distributedBy }: CreateTable,
  columns: NewTable['columns'],
): readonly string[] {
  return (distributedBy?.columns ?? []).map((column) => {
    const lower = column.name.toLowerCase();
    const type = columns.find(({ name }) => name.toLowerCase() === lower)?.type;
    if (type === undefined) {
      throw analysisError(`Distribution column(${column.name}) doesn't exist`);
    }
    if (!isKeyType(type)) {
      throw analysisError(`${type.kind} column can not be distribution column: ${column.name}`);
    }
    return column.name;
  });
}

function refuseLaterWork(statement: CreateTable): void {
  const later: [boolean, string][] = [
    [statement.external, 'external tables are not supported yet (leave EXTERNAL out)'],
    [
      statement.partitionBy !== null,
      'PARTITION BY is not supported yet (leave it out: files are pruned by the range of every column)',
    ],
    [
      statement.indexes.length > 0,
      'indexes are not supported (leave them out: files are pruned by the range of every column)',
    ],
    [
      statement.orderBy.length > 0,
      'ORDER BY of a table is not supported yet (rows are sorted by DUPLICATE KEY)',
    ],
    [
      statement.keys !== null && statement.keys.type !== 'DUPLICATE',
      `${statement.keys?.type ?? ''} KEY tables are not supported yet, only DUPLICATE KEY tables are`,
    ],
    [
      statement.engine !== null && statement.engine.toUpperCase() !== 'OLAP',
      `ENGINE=${statement.engine ?? ''} is not supported, only ENGINE=OLAP is`,
    ],
  ];
  for (const [present, what] of later) {
    if (present) throw analysisError(what);
  }
}

/** Index bytes that a column takes in StarRocks' choice of default keys. */
function keyBytes(type: SqlType): number {
  switch (type.kind) {
    case 'BOOLEAN':
    case 'TINYINT':
      return 1;
    case 'SMALLINT':
      return 2;
    case 'INT':
    case 'DATE':
      return 4;
    case 'BIGINT':
    case 'DATETIME':
      return 8;
    default:
      return 16;
  }
}

/** Lower-case key column names: as given, else StarRocks' default (first columns, up to 3 and 36 bytes). */
function keyColumns(statement: CreateTable): ReadonlySet<string> {
  const given = statement.keys?.columns ?? null;
  if (given !== null) {
    given.forEach((key, index) => {
      if (statement.columns[index]?.name.toLowerCase() !== key.name.toLowerCase()) {
        throw analysisError(
          'Key columns must be the first few columns of the schema and the order of the key columns must be consistent with the order of the schema',
        );
      }
    });
    return new Set(given.map((key) => key.name.toLowerCase()));
  }
  const keys = new Set<string>();
  let bytes = 0;
  for (const column of statement.columns) {
    bytes += keyBytes(column.type);
    const { kind } = column.type;
    if (keys.size >= 3 || bytes > 36) break;
    if (!isKeyType(column.type)) break;
    keys.add(column.name.toLowerCase());
    if (kind === 'VARCHAR') break;
  }
  return keys;
}

function columnOf(
  column: ColumnDefinition,
  keys: ReadonlySet<string>,
): Omit<ColumnSchema, 'fieldId' | 'nestedIds'> {
  const isKey = keys.has(column.name.toLowerCase());
  checkColumnType(column.name, column.type);
  if (isKey && !isKeyType(column.type)) {
    throw analysisError(
      `Invalid data type of key column '${column.name}': '${printSqlType(column.type)}'`,
    );
  }
  if (column.generated !== null || column.autoIncrement) {
    throw analysisError(
      `column ${column.name}: generated and AUTO_INCREMENT columns are not supported yet`,
    );
  }
  if (column.aggregate !== null) {
    throw analysisError(
      `column ${column.name}: aggregation ${column.aggregate} needs an AGGREGATE KEY table`,
    );
  }
  const nullable = column.nullable ?? true;
  if (!nullable && column.defaultValue?.kind === 'null') {
    throw analysisError(`Can not set null default value to non nullable column: ${column.name}`);
  }
  return {
    name: column.name,
    type: column.type,
    nullable,
    isKey,
    defaultValue: defaultText(column),
    comment: column.comment ?? '',
  };
}

function checkColumns(columns: readonly { readonly name: string }[]): void {
  if (columns.length === 0) throw analysisError('Empty schema');
  if (columns.length > MAX_COLUMNS) {
    throw analysisError(`${columns.length} columns, more than the limit of ${MAX_COLUMNS}`);
  }
  const seen = new Set<string>();
  for (const { name } of columns) {
    checkName('column', name);
    if (seen.has(name.toLowerCase())) throw analysisError(`Duplicate column name '${name}'`);
    seen.add(name.toLowerCase());
  }
}

export const dropTable: Handler<'drop_table'> = async (statement, context) => {
  const { session, services } = context;
  const { database, name } = tableName(statement.name, session);
  const { tables } = services.catalog;
  const own = temporarySession(session, services);
  if (statement.temporary) {
    const table = (await tables.listTemporary(database, own)).find((one) => one.name === name);
    if (table === undefined && !statement.ifExists) {
      throw fail('UNKNOWN_TABLE', { table: `${database}.${name}` });
    }
    if (table !== undefined) await tables.drop(database, name, { sessionId: own });
    return OK;
  }
  const view = await services.catalog.views.find(database, name);
  if (statement.ifExists && view === null && (await tables.find(database, name, own)) === null)
    return OK;
  // Refuses a view.
  await findTable(statement.name, context);
  await tables.drop(database, name, { sessionId: own, force: statement.force });
  return OK;
};

export const truncateTable: Handler<'truncate_table'> = async (statement, context) => {
  if (statement.partitions !== null) {
    const what = 'TRUNCATE of a PARTITION';
    throw fail('NOT_SUPPORTED', { what, hint: 'tables have no partitions yet' });
  }
  const table = await findTable(statement.name, context);
  const database = await context.services.catalog.databases.byId(table.databaseId);
  if (database?.isSystem === true) {
    throw fail('SYSTEM_OBJECT', { what: 'table', name: table.name });
  }
  await context.services.truncate(table.id);
  return OK;
};

/** SHOW TEMPORARY TABLES: those of this session. */
export async function temporaryNames(
  database: string,
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
): Promise<readonly string[]> {
  const own = temporarySession(session, services);
  const tables = await services.catalog.tables.listTemporary(database, own);
  return tables.map((table) => table.name);
}
