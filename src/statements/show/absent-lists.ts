// SHOW of objects that Millrace has not got: empty, with StarRocks' columns, because clients ask for them.
// SOURCE: StarRocks, result columns of its SHOW statements (3.3 to 3.5).
import type { ShowListWhat } from '../../sql/ast/show.ts';
import { emptyList, type ListDefinition } from './list-definition.ts';

const ROUTINE_STATUS = emptyList(
  'Db, Name, Type, Definer, Modified, Created, Security_type, Comment, character_set_client, collation_connection, Database Collation',
);
const ROLLUP = emptyList(
  'JobId, TableName, CreateTime, FinishedTime, BaseIndexName, RollupIndexName, RollupId, TransactionId, State, Msg, Progress, Timeout',
);

export const ABSENT_LISTS = {
  'ALTER MATERIALIZED VIEW': ROLLUP,
  'ALTER TABLE OPTIMIZE': emptyList(
    'JobId, TableName, CreateTime, FinishTime, Operation, TransactionId, State, Msg, Progress, Timeout',
  ),
  'ALTER TABLE ROLLUP': ROLLUP,
  'ANALYZE JOB': emptyList(
    'Id, Catalog, Database, Table, Columns, Type, Schedule, Properties, Status, LastWorkTime, Reason',
  ),
  'ANALYZE STATUS': emptyList(
    'Id, Database, Table, Columns, Type, Schedule, Status, StartTime, EndTime, Properties, Reason',
  ),
  'BACKEND BLACKLIST': emptyList(
    'BackendId, AddBlackListType, LostConnectionTime, LostConnectionNumberInPeriod, CheckTimePeriod(s)',
  ),
  BACKUP: emptyList(
    'JobId, SnapshotName, DbName, State, BackupObjs, CreateTime, SnapshotFinishedTime, UploadFinishedTime, FinishedTime, UnfinishedTasks, Progress, TaskErrMsg, Status, Timeout',
  ),
  BROKER: emptyList('Name, IP, Port, Alive, LastStartTime, LastUpdateTime, ErrMsg'),
  'COMPUTE NODE BLACKLIST': emptyList(
    'ComputeNodeId, AddBlackListType, LostConnectionTime, LostConnectionNumberInPeriod, CheckTimePeriod(s)',
  ),
  'DATACACHE RULES': emptyList(
    'Rule Id, Catalog, Database, Table, Priority, Predicates, Properties',
  ),
  EVENTS: emptyList(
    'Db, Name, Definer, Time, Type, Execute at, Interval value, Interval field, Status, Ends, Status, Originator, character_set_client, collation_connection, Database Collation',
  ),
  EXPORT: emptyList(
    'JobId, QueryId, State, Progress, TaskInfo, Path, CreateTime, StartTime, FinishTime, Timeout, ErrorMsg',
  ),
  'FUNCTION STATUS': ROUTINE_STATUS,
  'HISTOGRAM META': emptyList('Database, Table, Column, Type, UpdateTime, Properties'),
  'MATERIALIZED VIEWS': emptyList(
    'id, database_name, name, refresh_type, is_active, inactive_reason, partition_type, task_id, task_name, ' +
      'last_refresh_start_time, last_refresh_finished_time, last_refresh_duration, last_refresh_state, ' +
      'last_refresh_force_refresh, last_refresh_start_partition, last_refresh_end_partition, ' +
      'last_refresh_base_refresh_partitions, last_refresh_mv_refresh_partitions, last_refresh_error_code, ' +
      'last_refresh_error_message, rows, text, extra_message, query_rewrite_status, creator',
  ),
  'OPEN TABLES': emptyList('Database, Table, In_use, Name_locked'),
  PIPES: emptyList(
    'DATABASE_NAME, PIPE_ID, PIPE_NAME, STATE, TABLE_NAME, LOAD_STATUS, LAST_ERROR, CREATED_TIME',
  ),
  'PROCEDURE STATUS': ROUTINE_STATUS,
  PROFILELIST: emptyList('QueryId, StartTime, Time, State, Statement'),
  REPOSITORIES: emptyList('RepoId, RepoName, CreateTime, IsReadOnly, Location, Broker, ErrMsg'),
  'RESOURCE GROUPS': emptyList(
    'name, id, cpu_weight, exclusive_cpu_cores, mem_limit, big_query_cpu_second_limit, big_query_scan_rows_limit, big_query_mem_limit, concurrency_limit, spill_mem_limit_threshold, classifiers',
  ),
  RESOURCES: emptyList('Name, ResourceType, Key, Value'),
  RESTORE: emptyList(
    'JobId, Label, Timestamp, DbName, State, AllowLoad, ReplicationNum, RestoreObjs, CreateTime, MetaPreparedTime, SnapshotFinishedTime, DownloadFinishedTime, FinishedTime, UnfinishedTasks, Progress, TaskErrMsg, Status, Timeout',
  ),
  SQLBLACKLIST: emptyList('Id, Forbidden SQL'),
  'STATS META': emptyList('Database, Table, Columns, Type, UpdateTime, Properties, Healthy'),
  TRIGGERS: emptyList(
    'Trigger, Event, Table, Statement, Timing, Created, sql_mode, Definer, character_set_client, collation_connection, Database Collation',
  ),
  'USAGE RESOURCE GROUPS': emptyList(
    'Name, Id, Backend, BEInUseCpuCores, BEInUseMemBytes, BERunningQueries',
  ),
  WHITELIST: emptyList('user_name, white_list'),
} as const satisfies Partial<Record<ShowListWhat, ListDefinition>>;
