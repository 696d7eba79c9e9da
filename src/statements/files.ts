// CREATE FILE, DROP FILE and the rows of SHOW FILE. What a file may be is loads/small-files.ts.
import { fail } from '../base/errors.ts';
import { databaseOf, databaseOrCurrent } from './databases.ts';
import { propertyMap } from './properties.ts';
import type { ListDefinition } from './show/list-definition.ts';
import { type Handler, OK } from './types.ts';

export const createFile: Handler<'create_file'> = async (statement, context) => {
  const { services, signal } = context;
  await services.smallFiles.create(
    databaseOfFile(statement, context.session),
    statement.name,
    propertyMap(statement.properties),
    signal,
  );
  return OK;
};

export const dropFile: Handler<'drop_file'> = async (statement, { session, services }) => {
  const database = databaseOfFile(statement, session);
  await services.smallFiles.drop(database, statement.name, propertyMap(statement.properties));
  return OK;
};

/** The database that the statement names, else the session's. Throws NO_DATABASE. */
export function databaseOfFile(
  { database }: { readonly database: Parameters<typeof databaseOf>[0] | null },
  session: Parameters<typeof databaseOrCurrent>[1],
): string {
  return database === null ? databaseOrCurrent(null, session) : databaseOf(database);
}

/** Content is never shown. */
export const FILE_LIST: ListDefinition = {
  columns: ['Id', 'DbName', 'GlobalStateMgr', 'FileName', 'FileSize', 'IsContent', 'MD5'],
  like: 'FileName',
  rows: async ({ services, visible, database }) => {
    if (database === null) throw fail('NO_DATABASE');
    const { id } = await services.catalog.databases.get(database);
    if (!visible.database(database)) return [];
    const files = await services.catalog.smallFiles.list(id);
    return files.map(({ id: fileId, catalogName, name, sizeBytes, md5 }) => [
      fileId,
      database,
      catalogName,
      name,
      sizeBytes,
      'true',
      md5,
    ]);
  },
};
