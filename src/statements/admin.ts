// Small statements about the server: ANALYZE TABLE, SYNC, HELP, LOCK TABLES, SET CATALOG, SHOW CREATE
// CATALOG.
import { analysisError } from '../loads/properties.ts';
import { checkCatalog, DEFAULT_CATALOG } from './databases.ts';
import { tableName } from './tables.ts';
import { type Handler, OK, textRows } from './types.ts';

/** Every file has statistics of every column from its beginning: there is nothing to gather. */
export const analyzeTable: Handler<'analyze_table'> = async (statement, { session, services }) => {
  const { database, name } = tableName(statement.table, session);
  const { schema } = await services.catalog.tables.get(database, name);
  const known = new Set(schema.columns.map((column) => column.name.toLowerCase()));
  for (const column of statement.columns) {
    if (!known.has(column.name.toLowerCase())) {
      throw analysisError(`Column '${column.name}' does not exist in '${database}.${name}'`);
    }
  }
  const table = `${database}.${name}`;
  return textRows(
    ['Table', 'Op', 'Msg_type', 'Msg_text'],
    [
      [table, 'analyze', 'note', 'statistics are kept with each file; nothing was to be gathered'],
      [table, 'analyze', 'status', 'OK'],
    ],
  );
};

/** There is one FE: its metadata is always the newest. */
export const sync: Handler<'sync'> = async () => OK;

export const help: Handler<'help'> = async ({ topic }) => {
  throw analysisError(
    `No help found${topic === null ? '' : ` for '${topic}'`}: see docs/reference/statements.md and docs/reference/functions.md`,
  );
};

/** As StarRocks: accepted, since every statement sees one version of its tables without locks. */
export const lockTables = async (): Promise<typeof OK> => OK;

/** There is one catalog. */
export const setCatalog: Handler<'set_catalog'> = async ({ name }) => {
  checkCatalog(name);
  return OK;
};

export const showCreateCatalog: Handler<'show_create_catalog'> = async ({ name }) => {
  checkCatalog(name);
  throw analysisError(`Catalog '${DEFAULT_CATALOG}' is internal: no statement creates it`);
};
