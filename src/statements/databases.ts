// CREATE / DROP / SHOW DATABASE, SHOW CREATE DATABASE, USE. Source: StarRocks docs, and seed 001 for
// the text of SHOW CREATE DATABASE.
import { fail } from '../base/errors.ts';
import { analysisError } from '../loads/properties.ts';
import type { DatabaseName } from '../sql/ast/ddl.ts';
import { isSystemDatabase } from './information-schema/system-databases.ts';
import { checkName } from './names.ts';
import { propertyMap, quoteName } from './properties.ts';
import { filterRows } from './show-filter.ts';
import { type Handler, OK, type Session, type StatementContext, textRows } from './types.ts';
import { visibilityOf } from './visibility.ts';

/** The one catalog that tables of Millrace are in. */
export const DEFAULT_CATALOG = 'default_catalog';

/** Throws SQL_ANALYZE for a catalog other than the own one. */
export function checkCatalog(catalog: string): void {
  if (catalog !== DEFAULT_CATALOG) throw analysisError(`Unknown catalog '${catalog}'`);
}

/** The database's name, system databases in lower case; refuses catalogs other than the own one. */
export function databaseOf(name: DatabaseName): string {
  if (name.catalog !== null) checkCatalog(name.catalog);
  return isSystemDatabase(name.name) ? name.name.toLowerCase() : name.name;
}

/** The named database, else the session's. Throws NO_DATABASE. */
export function databaseOrCurrent(name: string | null | undefined, session: Session): string {
  const database = name ?? session.database;
  if (database === null) throw fail('NO_DATABASE');
  return database;
}

export const createDatabase: Handler<'create_database'> = async (statement, { services }) => {
  const name = databaseOf(statement.name);
  if (statement.ifNotExists && (await services.catalog.databases.find(name)) !== null) return OK;
  checkName('database', name);
  const { storage_volume: volumeName, ...properties } = propertyMap(statement.properties);
  const unknown = Object.keys(properties)[0];
  if (unknown !== undefined) {
    throw analysisError(`Unknown property '${unknown}' of CREATE DATABASE, known: storage_volume`);
  }
  await services.catalog.databases.create({ name, volumeName: volumeName ?? null, properties });
  return OK;
};

export const dropDatabase: Handler<'drop_database'> = async (statement, { services }) => {
  const name = databaseOf(statement.name);
  if (statement.ifExists && (await services.catalog.databases.find(name)) === null) return OK;
  await services.catalog.databases.drop(name, statement.force);
  return OK;
};

export const showDatabases: Handler<'show_databases'> = async (statement, context) => {
  const names = ['Database'];
  if (statement.catalog !== null) checkCatalog(statement.catalog);
  const visible = await visibilityOf(context);
  const databases = (await context.services.catalog.databases.list()).filter(({ name }) =>
    visible.database(name),
  );
  return textRows(
    names,
    filterRows(
      names,
      databases.map((entry) => [entry.name]),
      statement,
    ),
  );
};

export const showCreateDatabase: Handler<'show_create_database'> = async (
  statement,
  { services },
) => {
  const database = await services.catalog.databases.get(databaseOf(statement.name));
  const volume =
    database.volumeName === null
      ? ''
      : `\nPROPERTIES ("storage_volume" = "${database.volumeName}")`;
  return textRows(
    ['Database', 'Create Database'],
    [[database.name, `CREATE DATABASE ${quoteName(database.name)}${volume}`]],
  );
};

/** Makes a database the current one. Throws UNKNOWN_DATABASE, NOT_AUTHORIZED. */
export async function useDatabase(
  name: string,
  { session, services }: Pick<StatementContext, 'session' | 'services'>,
): Promise<void> {
  await services.access.check(session.principal, [
    { anyOf: 'ANY', on: { type: 'DATABASE', database: name } },
  ]);
  const database = await services.catalog.databases.get(
    isSystemDatabase(name) ? name.toLowerCase() : name,
  );
  session.database = database.name;
}

export const use: Handler<'use_database'> = async (statement, context) => {
  await useDatabase(databaseOf(statement.name), context);
  return OK;
};
