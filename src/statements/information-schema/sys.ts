// The sys database besides its role tables: what depends on what, locks, memory.
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

async function memory(_context: ViewContext): Promise<readonly ViewRow[]> {
  const { heapUsed, external, rss } = process.memoryUsage();
  return [
    { MODULE_NAME: 'JavaScript', CLASS_NAME: 'heap', CURRENT_CONSUMPTION: heapUsed },
    { MODULE_NAME: 'JavaScript', CLASS_NAME: 'external', CURRENT_CONSUMPTION: external },
    { MODULE_NAME: 'Process', CLASS_NAME: 'resident', CURRENT_CONSUMPTION: rss },
  ];
}

export const SYS_VIEWS: ViewTable = {
  object_dependencies: {
    columns: viewColumns(
      'long OBJECT_ID, v64 OBJECT_NAME OBJECT_DATABASE OBJECT_CATALOG OBJECT_TYPE, long REF_OBJECT_ID, ' +
        'v64 REF_OBJECT_NAME REF_OBJECT_DATABASE REF_OBJECT_CATALOG REF_OBJECT_TYPE',
    ),
    doc: 'what materialized views read: empty, they are out of scope',
    rows: 'none',
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
