// Finding, dropping and emptying tables by the names that statements give them.

import { fail } from '../base/errors.ts';
import { analysisError } from '../loads/properties.ts';
import type { TableInfo } from '../model/table.ts';
import { partitionsNamed } from '../query/partition-names.ts';
import type { CreateTable } from '../sql/ast/ddl.ts';
import type { QualifiedName } from '../sql/ast/node.ts';
import { databaseOrCurrent } from './databases.ts';
import { temporarySession } from './temporary.ts';
import { type Handler, OK, type Session, type StatementContext } from './types.ts';

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
  const { catalog } = services;
  const { tables, views } = catalog;
  const own = temporarySession(session, services);
  const found = await catalog.rememberDefinition(['table', database, table, own], () =>
    tables.find(database, table, own),
  );
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
  const table = await findTable(statement.name, context);
  const database = await context.services.catalog.databases.byId(table.databaseId);
  if (database?.isSystem === true) {
    throw fail('SYSTEM_OBJECT', { what: 'table', name: table.name });
  }
  const { partitions: names } = statement;
  if (names === null || table.partitioning === undefined) {
    // The one partition of a table without others has its name.
    const given = names?.names.map(({ name }) => name) ?? [];
    partitionsNamed({ tableName: table.name, partitions: null }, given, names?.temporary ?? false);
    await context.services.truncate(table.id);
    return OK;
  }
  await context.services.changePartitions(table.id, (_, partitions) => {
    const chosen = partitionsNamed(
      { tableName: table.name, partitions },
      names.names.map(({ name }) => name),
      names.temporary,
    );
    return { empty: chosen?.map(({ id }) => id) ?? [] };
  });
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
