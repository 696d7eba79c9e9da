// information_schema.recyclebin_catalogs: what was dropped and can be recovered. SOURCE: StarRocks docs (3.5).
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

/** Tables of databases that the session may know of; databases for those who operate the system. */
async function rows({ services, visible, time }: ViewContext): Promise<readonly ViewRow[]> {
  return (await services.catalog.recycleBin.list())
    .filter((one) =>
      one.type === 'Database'
        ? visible.system
        : visible.system || visible.database(one.databaseName),
    )
    .map((one) => ({
      TYPE: one.type,
      NAME: one.name,
      DB_ID: one.databaseId,
      TABLE_ID: one.tableId,
      PARTITION_ID: one.partitionId,
      DROP_TIME: time(one.droppedMs),
    }));
}

export const RECYCLE_BIN_VIEWS: ViewTable = {
  recyclebin_catalogs: {
    columns: viewColumns('v64 TYPE, v256 NAME, long DB_ID TABLE_ID PARTITION_ID, time DROP_TIME'),
    doc: 'what was dropped and can be brought back with RECOVER',
    rows,
  },
};
