// Views of objects that Millrace has not got, or of MySQL's. They exist, empty, because clients ask for them.
import { type ViewTable, viewColumns } from './view.ts';

const CHARSETS = 'v32 CHARACTER_SET_CLIENT COLLATION_CONNECTION DATABASE_COLLATION';

export const ABSENT_VIEWS: ViewTable = {
  events: {
    columns: viewColumns(
      'v64 EVENT_CATALOG EVENT_SCHEMA EVENT_NAME, v77 DEFINER, v64 TIME_ZONE, v8 EVENT_BODY, text EVENT_DEFINITION, v9 EVENT_TYPE, ' +
        'time EXECUTE_AT, v256 INTERVAL_VALUE, v18 INTERVAL_FIELD, v8192 SQL_MODE, time STARTS ENDS, v18 STATUS, v12 ON_COMPLETION, ' +
        `time CREATED LAST_ALTERED LAST_EXECUTED, v64 EVENT_COMMENT, long ORIGINATOR, ${CHARSETS}`,
    ),
    doc: 'events: there are none',
    rows: 'none',
  },
  triggers: {
    columns: viewColumns(
      'v512 TRIGGER_CATALOG, v64 TRIGGER_SCHEMA TRIGGER_NAME, v6 EVENT_MANIPULATION, v512 EVENT_OBJECT_CATALOG, ' +
        'v64 EVENT_OBJECT_SCHEMA EVENT_OBJECT_TABLE, long ACTION_ORDER, text ACTION_CONDITION ACTION_STATEMENT, v9 ACTION_ORIENTATION, ' +
        'v6 ACTION_TIMING, v64 ACTION_REFERENCE_OLD_TABLE ACTION_REFERENCE_NEW_TABLE, v3 ACTION_REFERENCE_OLD_ROW ACTION_REFERENCE_NEW_ROW, ' +
        `time CREATED, v8192 SQL_MODE, v77 DEFINER, ${CHARSETS}`,
    ),
    doc: 'triggers: there are none',
    rows: 'none',
  },
  routines: {
    columns: viewColumns(
      'v64 SPECIFIC_NAME ROUTINE_CATALOG ROUTINE_SCHEMA ROUTINE_NAME, v9 ROUTINE_TYPE, v64 DTD_IDENTIFIER, v8 ROUTINE_BODY, ' +
        'text ROUTINE_DEFINITION, v64 EXTERNAL_NAME EXTERNAL_LANGUAGE, v8 PARAMETER_STYLE, v3 IS_DETERMINISTIC, v64 SQL_DATA_ACCESS ' +
        `SQL_PATH, v7 SECURITY_TYPE, time CREATED LAST_ALTERED, v8192 SQL_MODE, v64 ROUTINE_COMMENT, v77 DEFINER, ${CHARSETS}`,
    ),
    doc: 'stored routines: there are none',
    rows: 'none',
  },
  materialized_views: {
    columns: viewColumns(
      'long MATERIALIZED_VIEW_ID, v64 TABLE_SCHEMA TABLE_NAME REFRESH_TYPE IS_ACTIVE, v1024 INACTIVE_REASON, v16 PARTITION_TYPE, ' +
        'long TASK_ID, v64 TASK_NAME, time LAST_REFRESH_START_TIME LAST_REFRESH_FINISHED_TIME, double LAST_REFRESH_DURATION, ' +
        'v64 LAST_REFRESH_STATE LAST_REFRESH_FORCE_REFRESH, v1024 LAST_REFRESH_START_PARTITION LAST_REFRESH_END_PARTITION ' +
        'LAST_REFRESH_BASE_REFRESH_PARTITIONS LAST_REFRESH_MV_REFRESH_PARTITIONS, v64 LAST_REFRESH_ERROR_CODE, ' +
        'v1024 LAST_REFRESH_ERROR_MESSAGE, long TABLE_ROWS, text MATERIALIZED_VIEW_DEFINITION, v1024 EXTRA_MESSAGE, v64 QUERY_REWRITE_STATUS CREATOR',
    ),
    doc: 'materialized views: out of scope',
    rows: 'none',
  },
  analyze_status: {
    columns: viewColumns(
      'v64 Id Catalog Database Table, v2048 Columns, v64 Type Schedule Status StartTime EndTime, v1024 Properties Reason',
    ),
    doc: 'ANALYZE jobs: statistics are kept with each file',
    rows: 'none',
  },
  column_stats_usage: {
    columns: viewColumns(
      'v64 TABLE_CATALOG TABLE_DATABASE TABLE_NAME COLUMN_NAME USAGE, time LAST_USED CREATED',
    ),
    doc: 'empty',
    rows: 'none',
  },
};
