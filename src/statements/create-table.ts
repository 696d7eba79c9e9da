// CREATE TABLE: plain, AS SELECT and LIKE. The new table of AS SELECT is hidden until its rows are committed: a
// failure or a crash leaves nothing. SOURCE: StarRocks docs, CREATE TABLE AS SELECT (3.3).
import { fail } from '../base/errors.ts';
import type { NewTable } from '../catalog/catalog.ts';
import { analysisError } from '../loads/properties.ts';
import { partitionColumns } from '../model/partition-routing.ts';
import { sortColumns } from '../model/sort-key.ts';
import { MAX_VARCHAR_LENGTH, type SqlType } from '../model/sql-type.ts';
import type { TableInfo } from '../model/table.ts';
import { analysePlan } from '../query/plan-query.ts';
import type { ColumnDefinition, CreateTable } from '../sql/ast/ddl.ts';
import type { Query } from '../sql/ast/query.ts';
import { runInsert } from './insert.ts';
import { topicTable } from './kafka-topic.ts';
import { keepPartitions } from './partitions/keep.ts';
import { queryWithTables } from './query.ts';
import { newTable } from './table-definition.ts';
import { exists, findTable, tableName } from './tables.ts';
import { newTemporary } from './temporary.ts';
import { type Handler, OK, type Outcome, type StatementContext } from './types.ts';

export const createTable: Handler<'create_table'> = async (statement, context) => {
  const { session, services } = context;
  if (statement.ifNotExists && (await exists(statement, context))) return OK;
  if (statement.query !== null) return await createTableAs(statement, statement.query, context);
  const inferred = statement.topic === undefined ? null : await topicTable(statement, context);
  const table = newTable(
    inferred?.statement ?? statement,
    tableName(statement.name, session).database,
  );
  const made = await services.catalog.tables.create(
    statement.temporary ? { ...table, sessionId: newTemporary(session, services) } : table,
  );
  await keepPartitions(made, services);
  return inferred === null ? OK : { kind: 'ok', remarks: inferred.remarks };
};

/** Throws what CREATE TABLE and INSERT throw; the table does not exist then. */
async function createTableAs(
  statement: CreateTable,
  query: Query,
  context: StatementContext,
): Promise<Outcome> {
  const { session, services } = context;
  const { tables } = services.catalog;
  const { database, name } = tableName(statement.name, session);
  const columns = await columnsOf(statement, query, context);
  const definition = newTable({ ...statement, columns }, database);
  // What exists already is met before the query runs.
  if (!statement.temporary && (await tables.find(database, name)) !== null) {
    throw fail('TABLE_EXISTS', { table: name });
  }
  const sessionId = statement.temporary
    ? newTemporary(session, services)
    : `new-${services.newUuid()}`;
  const table = await tables.create({ ...definition, sessionId });
  try {
    const target = { label: null, columns: null, byName: false, overwrite: false };
    const insert = { ...target, properties: [], query };
    const outcome = await runInsert(insert, table, context);
    if (!statement.temporary) await tables.promote(table.id);
    return outcome;
  } catch (error) {
    await tables.drop(database, name, { sessionId, force: true });
    throw error;
  }
}

/** Throws what the statement throws for its query and its columns, for SUBMIT TASK; makes nothing. */
export async function checkCreateTable(
  statement: CreateTable,
  context: StatementContext,
): Promise<void> {
  const { database } = tableName(statement.name, context.session);
  const columns =
    statement.query === null
      ? statement.columns
      : await columnsOf(statement, statement.query, context);
  newTable({ ...statement, columns }, database);
}

async function columnsOf(
  { columnNames }: CreateTable,
  query: Query,
  context: StatementContext,
): Promise<readonly ColumnDefinition[]> {
  const resolved = await queryWithTables(query, context);
  const { node } = analysePlan(resolved.query, context.text, resolved.context);
  if (columnNames.length > 0 && columnNames.length !== node.columns.length) {
    throw analysisError(
      `Number of column names(${columnNames.length}) doesn't match the query's columns(${node.columns.length})`,
    );
  }
  return node.columns.map(({ name, type }, index) => ({
    pos: query.pos,
    name: columnNames[index]?.name ?? name,
    type: storedType(type),
    isKey: false,
    aggregate: null,
    // Columns are nullable unless the keys forbid it.
    nullable: null,
    defaultValue: null,
    autoIncrement: false,
    generated: null,
    comment: null,
  }));
}

/** Texts become VARCHAR of their length, NULL the longest one. */
function storedType(type: SqlType): SqlType {
  switch (type.kind) {
    case 'NULL':
      return { kind: 'VARCHAR', length: MAX_VARCHAR_LENGTH };
    case 'CHAR':
    case 'VARCHAR':
      return { kind: 'VARCHAR', length: type.length > 0 ? type.length : MAX_VARCHAR_LENGTH };
    default:
      return type;
  }
}

export const createTableLike: Handler<'create_table_like'> = async (statement, context) => {
  const { session, services } = context;
  const { tables, volumes } = services.catalog;
  const { database, name } = tableName(statement.name, session);
  if (statement.ifNotExists && (await exists(statement, context))) return OK;
  const source = await findTable(statement.like, context);
  await tables.create({
    databaseName: database,
    name,
    keysType: source.schema.keysType,
    // Ids and what belongs to the source's own files stay behind.
    columns: source.schema.columns.map(
      ({ fieldId: _, nestedIds: __, initialDefault: ___, statsName: ____, ...column }) => column,
    ),
    ...(source.schema.sortKey === undefined
      ? {}
      : { sortKey: sortColumns(source.schema).map((column) => column.name) }),
    volumeName: source.volumeId === 0 ? null : (await volumes.byId(source.volumeId)).name,
    comment: source.comment,
    distributedBy: source.distributedBy,
    buckets: source.buckets,
    properties: source.properties,
    ...(await partitionsLike(source, context)),
    ...(statement.temporary ? { sessionId: newTemporary(session, services) } : {}),
  });
  return OK;
};

/** The partitions of another table, empty. */
async function partitionsLike(
  { id, partitioning, schema }: TableInfo,
  { services }: StatementContext,
): Promise<Pick<NewTable, 'partitions'>> {
  if (partitioning === undefined) return {};
  const { kind, automatic } = partitioning;
  const items = partitionColumns(partitioning, schema.columns);
  const list = (await services.catalog.partitions.list(id)).filter((one) => !one.isTemporary);
  return {
    partitions: {
      kind,
      automatic,
      items: items.map(({ name, transform }) => ({ column: name, transform })),
      // What rows made there, rows will make here.
      list: automatic ? [] : list,
    },
  };
}
