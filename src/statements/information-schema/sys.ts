// The sys database besides its role tables: what depends on what, locks, memory.
import { collectTableRefs } from '../../query/collect-table-refs.ts';
import { viewQuery } from '../view-query.ts';
import { listedTables, listedViews } from './objects.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

async function memory(_context: ViewContext): Promise<readonly ViewRow[]> {
  const { heapUsed, external, rss } = process.memoryUsage();
  return [
    { MODULE_NAME: 'JavaScript', CLASS_NAME: 'heap', CURRENT_CONSUMPTION: heapUsed },
    { MODULE_NAME: 'JavaScript', CLASS_NAME: 'external', CURRENT_CONSUMPTION: external },
    { MODULE_NAME: 'Process', CLASS_NAME: 'resident', CURRENT_CONSUMPTION: rss },
  ];
}

/**
 * What each view names: a row per table or view. What is gone, and system views, have no id and are left out.
 * SOURCE: StarRocks docs, sys.object_dependencies, which lists its materialized views so.
 */
async function dependencies(context: ViewContext): Promise<readonly ViewRow[]> {
  const views = await listedViews(context);
  const tables = (await listedTables(context)).map(({ table }) => table);
  const keyOf = (database: string, name: string): string => `${database}\0${name}`;
  const known = new Map(
    [
      ...tables.map((table) => ({ ...table, type: 'CLOUD_NATIVE' })),
      ...views.map((view) => ({ ...view, type: 'VIEW' })),
    ].map((object) => [keyOf(object.databaseName, object.name), object]),
  );
  return views.flatMap((view) =>
    collectTableRefs(viewQuery(view)).flatMap(({ database, name }) => {
      const named = known.get(keyOf(database ?? view.databaseName, name));
      if (named === undefined) return [];
      return [
        {
          OBJECT_ID: view.id,
          OBJECT_NAME: view.name,
          OBJECT_DATABASE: view.databaseName,
          OBJECT_CATALOG: 'default_catalog',
          OBJECT_TYPE: 'VIEW',
          REF_OBJECT_ID: named.id,
          REF_OBJECT_NAME: named.name,
          REF_OBJECT_DATABASE: named.databaseName,
          REF_OBJECT_CATALOG: 'default_catalog',
          REF_OBJECT_TYPE: named.type,
        },
      ];
    }),
  );
}

export const SYS_VIEWS: ViewTable = {
  object_dependencies: {
    columns: viewColumns(
      'long OBJECT_ID, v64 OBJECT_NAME OBJECT_DATABASE OBJECT_CATALOG OBJECT_TYPE, long REF_OBJECT_ID, ' +
        'v64 REF_OBJECT_NAME REF_OBJECT_DATABASE REF_OBJECT_CATALOG REF_OBJECT_TYPE',
    ),
    doc: 'what each view names: tables and views that the user may see (there are no materialized views)',
    rows: dependencies,
  },
  fe_locks: {
    columns: viewColumns(
      'v64 LOCK_TYPE LOCK_OBJECT LOCK_MODE, time START_TIME, long HELD_TIME_MS, text THREAD_INFO, bool GRANTED, text WAITER_LIST',
    ),
    doc: 'empty: metadata has transactions, not locks',
    rows: 'none',
  },
  fe_memory_usage: {
    columns: viewColumns(
      'text MODULE_NAME CLASS_NAME, long CURRENT_CONSUMPTION PEAK_CONSUMPTION, text COUNTER_INFO',
    ),
    doc: 'memory of the FE process in bytes',
    rows: memory,
  },
};
