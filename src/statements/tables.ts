// CREATE / DROP TABLE. Checks what StarRocks checks; what later issues add is refused with its name.

import { analysisError, checkProperties } from '../loads/properties.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { ColumnDefinition, CreateTable } from '../sql/ast/ddl.ts';
import type { QualifiedName } from '../sql/ast/node.ts';
import { checkColumnType, isKeyType } from './column-types.ts';
import { databaseOrCurrent } from './databases.ts';
import { defaultText } from './default-values.ts';
import { checkName } from './names.ts';
import { propertyMap } from './properties.ts';
import { TABLE_PROPERTIES } from './table-properties.ts';
import { type Handler, OK, type Session } from './types.ts';

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

export const createTable: Handler<'create_table'> = async (statement, { session, services }) => {
  const { database, name } = tableName(statement.name, session);
  const { catalog } = services;
  if (statement.ifNotExists && (await catalog.tables.find(database, name)) !== null) return OK;
  refuseLaterWork(statement);
  checkName('table', name);
  const keys = keyColumns(statement);
  const columns = statement.columns.map((column) => columnOf(column, keys));
  checkColumns(columns);
  const { storage_volume: volumeName, ...properties } = checkTableProperties(statement);
  const known = new Set(columns.map((column) => column.name.toLowerCase()));
  const distributedBy = (statement.distributedBy?.columns ?? []).map((column) => {
    if (!known.has(column.name.toLowerCase())) {
      throw analysisError(`Distribution column(${column.name}) doesn't exist`);
    }
    const type = columns.find(({ name }) => name.toLowerCase() === column.name.toLowerCase())?.type;
    if (type !== undefined && !isKeyType(type)) {
      throw analysisError(`${type.kind} column can not be distribution column: ${column.name}`);
    }
    return column.name;
  });
  await catalog.tables.create({
    databaseName: database,
    name,
    keysType: 'DUP_KEYS',
    columns,
    volumeName: volumeName ?? null,
    comment: statement.comment ?? '',
    distributedBy,
    buckets: statement.distributedBy?.buckets ?? null,
    properties,
  });
  return OK;
};

function checkTableProperties(statement: CreateTable): Record<string, string> {
  const given = propertyMap(statement.properties);
  const unknown = Object.entries(given).filter(
    ([key]) => !Object.hasOwn(TABLE_PROPERTIES, key.toLowerCase()),
  );
  if (unknown.length > 0) {
    const list = unknown.map(([key, value]) => `${key}=${value}`).join(', ');
    throw analysisError(`Unknown properties: {${list}}`);
  }
  return checkProperties(TABLE_PROPERTIES, given);
}

function refuseLaterWork(statement: CreateTable): void {
  const later: [boolean, string][] = [
    [statement.temporary, 'temporary tables'],
    [statement.external, 'external tables'],
    [statement.query !== null, 'CREATE TABLE AS SELECT'],
    [statement.partitionBy !== null, 'PARTITION BY'],
    [statement.indexes.length > 0, 'indexes'],
    [statement.orderBy.length > 0, 'ORDER BY of a table'],
    [
      statement.keys !== null && statement.keys.type !== 'DUPLICATE',
      `${statement.keys?.type ?? ''} KEY tables`,
    ],
    [
      statement.engine !== null && statement.engine.toUpperCase() !== 'OLAP',
      `ENGINE=${statement.engine ?? ''}`,
    ],
  ];
  for (const [present, what] of later) {
    if (present)
      throw analysisError(`${what} are not supported yet, only DUPLICATE KEY tables are`);
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

export const dropTable: Handler<'drop_table'> = async (statement, { session, services }) => {
  const { database, name } = tableName(statement.name, session);
  if (statement.ifExists && (await services.catalog.tables.find(database, name)) === null)
    return OK;
  await services.catalog.tables.drop(database, name);
  return OK;
};
