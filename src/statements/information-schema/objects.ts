// Databases, tables and views as rows: schemata, tables, views, temp_tables. SOURCE: StarRocks docs,
// information_schema; columns in StarRocks' order.
import type { TableStatus } from '../../catalog/catalog.ts';
import type { ViewRecord } from '../../catalog/views.ts';
import type { TableInfo } from '../../model/table.ts';
import { temporarySession } from '../temporary.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

export const COLLATION = 'utf8_general_ci';

/** A stored table with its figures, as lists show it. */
export interface ListedTable {
  readonly table: TableInfo;
  readonly status: TableStatus;
}

/** The stored tables that the session may know of, by id. `database` null = of all. */
export async function listedTables(
  { services, visible }: Pick<ViewContext, 'services' | 'visible'>,
  database: string | null = null,
): Promise<readonly ListedTable[]> {
  const { catalog } = services;
  const tables = (
    database === null ? await catalog.tables.all() : await catalog.tables.list(database)
  ).filter((table) => visible.table(table.databaseName, table.name));
  const status = await catalog.tables.status(tables.map((table) => table.id));
  const byId = new Map(status.map((entry) => [entry.tableId, entry]));
  return tables.flatMap((table) => {
    const found = byId.get(table.id);
    // Dropped between the two reads.
    return found === undefined ? [] : [{ table, status: found }];
  });
}

/** The views that the session may know of, by id. */
export async function listedViews({
  services,
  visible,
}: Pick<ViewContext, 'services' | 'visible'>): Promise<readonly ViewRecord[]> {
  return (await services.catalog.views.all()).filter((view) =>
    visible.table(view.databaseName, view.name),
  );
}

/** Rows divided by bytes, as MySQL gives it. */
export function averageRowBytes({
  rowCount,
  sizeBytes,
}: Pick<TableStatus, 'rowCount' | 'sizeBytes'>): number {
  return rowCount === 0 ? 0 : Math.round(sizeBytes / rowCount);
}

async function schemata({ services, visible }: ViewContext): Promise<readonly ViewRow[]> {
  return (await services.catalog.databases.list())
    .filter(({ name }) => visible.database(name))
    .map(({ name }) => ({
      CATALOG_NAME: 'def',
      SCHEMA_NAME: name,
      DEFAULT_CHARACTER_SET_NAME: 'utf8',
      DEFAULT_COLLATION_NAME: COLLATION,
    }));
}

function tableRow({ table, status }: ListedTable, time: ViewContext['time']): ViewRow {
  return {
    TABLE_CATALOG: 'def',
    TABLE_SCHEMA: table.databaseName,
    TABLE_NAME: table.name,
    TABLE_TYPE: 'BASE TABLE',
    ENGINE: 'StarRocks',
    TABLE_ROWS: status.rowCount,
    AVG_ROW_LENGTH: averageRowBytes(status),
    DATA_LENGTH: status.sizeBytes,
    CREATE_TIME: time(table.createdMs),
    UPDATE_TIME: time(status.updatedMs ?? table.createdMs),
    TABLE_COLLATION: COLLATION,
    CREATE_OPTIONS: '',
    TABLE_COMMENT: table.comment,
  };
}

/** The session's own, and everybody's for those who operate the system. */
async function temporaryTables(context: ViewContext): Promise<readonly ViewRow[]> {
  const { session, services, visible, time } = context;
  const { tables } = services.catalog;
  const own = temporarySession(session, services);
  if (!visible.system && own === '') return [];
  const list = await tables.temporary(visible.system ? null : own);
  const status = await tables.status(list.map(({ table }) => table.id));
  const byId = new Map(status.map((entry) => [entry.tableId, entry]));
  return list.flatMap(({ table, sessionId }) => {
    const found = byId.get(table.id);
    // Dropped between the two reads.
    if (found === undefined) return [];
    const row = tableRow({ table, status: found }, time);
    return [{ ...row, SESSION: sessionId, TABLE_ID: table.id }];
  });
}

async function tables(context: ViewContext): Promise<readonly ViewRow[]> {
  const { time } = context;
  const stored = (await listedTables(context)).map((listed) => tableRow(listed, time));
  const system = context.system.map(({ database, name }) => ({
    TABLE_CATALOG: 'def',
    TABLE_SCHEMA: database,
    TABLE_NAME: name,
    TABLE_TYPE: 'SYSTEM VIEW',
    ENGINE: 'MEMORY',
    TABLE_COLLATION: COLLATION,
    CREATE_OPTIONS: '',
    TABLE_COMMENT: '',
  }));
  const views = (await listedViews(context)).map((view) => ({
    TABLE_CATALOG: 'def',
    TABLE_SCHEMA: view.databaseName,
    TABLE_NAME: view.name,
    TABLE_TYPE: 'VIEW',
    ENGINE: '',
    CREATE_TIME: time(view.createdMs),
    TABLE_COLLATION: COLLATION,
    CREATE_OPTIONS: '',
    TABLE_COMMENT: view.comment,
  }));
  return [...system, ...stored, ...views];
}

async function views(context: ViewContext): Promise<readonly ViewRow[]> {
  return (await listedViews(context)).map((view) => ({
    TABLE_CATALOG: 'def',
    TABLE_SCHEMA: view.databaseName,
    TABLE_NAME: view.name,
    VIEW_DEFINITION: view.definition,
    CHECK_OPTION: 'NONE',
    IS_UPDATABLE: 'NO',
    DEFINER: '',
    SECURITY_TYPE: view.security,
    CHARACTER_SET_CLIENT: 'utf8',
    COLLATION_CONNECTION: COLLATION,
  }));
}

const TABLE_COLUMNS =
  'v512 TABLE_CATALOG, v64 TABLE_SCHEMA TABLE_NAME TABLE_TYPE ENGINE, long VERSION, v10 ROW_FORMAT, ' +
  'long TABLE_ROWS AVG_ROW_LENGTH DATA_LENGTH MAX_DATA_LENGTH INDEX_LENGTH DATA_FREE AUTO_INCREMENT, ' +
  'time CREATE_TIME UPDATE_TIME CHECK_TIME, v32 TABLE_COLLATION, long CHECKSUM, v255 CREATE_OPTIONS, v2048 TABLE_COMMENT';

export const OBJECT_VIEWS: ViewTable = {
  schemata: {
    columns: viewColumns(
      'v512 CATALOG_NAME, v64 SCHEMA_NAME, v32 DEFAULT_CHARACTER_SET_NAME DEFAULT_COLLATION_NAME, v512 SQL_PATH',
    ),
    doc: 'databases',
    rows: schemata,
  },
  tables: {
    columns: viewColumns(TABLE_COLUMNS),
    doc: 'tables and views, with rows and bytes',
    rows: tables,
  },
  views: {
    columns: viewColumns(
      'v512 TABLE_CATALOG, v64 TABLE_SCHEMA TABLE_NAME, text VIEW_DEFINITION, v8 CHECK_OPTION, v3 IS_UPDATABLE, v77 DEFINER, v7 SECURITY_TYPE, v32 CHARACTER_SET_CLIENT COLLATION_CONNECTION',
    ),
    doc: 'views with their queries',
    rows: views,
  },
  temp_tables: {
    columns: viewColumns(`${TABLE_COLUMNS}, v128 SESSION, long TABLE_ID`),
    doc: "the session's temporary tables; everybody's with OPERATE on the system",
    rows: temporaryTables,
  },
};
