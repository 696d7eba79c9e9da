// The metadata's tables as Kysely sees them. In step with the *.sql files beside it: a test opens a
// fresh database and compares the columns.

export interface IncarnationTable {
  id: number;
  uuid: string;
  created_ms: number;
  leader_epoch: number;
  key_check: string;
}

export interface CountersTable {
  name: CounterName;
  next_value: number;
}

/** `object` ids start at 10001; the others at 1. */
export type CounterName = 'object' | 'transaction' | 'file' | 'epoch' | 'ticket';

export interface VolumesTable {
  id: number;
  name: string;
  type: string;
  location: string;
  params_sealed: string;
  enabled: number;
  is_default: number;
  comment: string;
  created_ms: number;
}

export interface DatabasesTable {
  id: number;
  name: string;
  volume_id: number | null;
  is_system: number;
  properties_json: string;
  created_ms: number;
  dropped_ms: number | null;
  drop_kind: '' | 'DATABASE' | 'FORCE';
}

export interface TablesTable {
  id: number;
  database_id: number;
  name: string;
  schema_json: string;
  next_field_id: number;
  volume_id: number;
  prefix: string;
  comment: string;
  distributed_by_json: string;
  buckets: number | null;
  properties_json: string;
  created_ms: number;
  dropped_ms: number | null;
  head_version: number;
  live_files: number;
  live_rows: number;
  live_bytes: number;
  session_id: string;
  next_auto_id: number;
  schema_version: number;
  oldest_version: number;
  oldest_ms: number;
  drop_kind: '' | 'TABLE' | 'DATABASE' | 'FORCE';
  partitioning_json: string;
  rewritten_version: number;
}

export interface PartitionsTable {
  id: number;
  table_id: number;
  name: string;
  is_temporary: number;
  bounds_json: string;
  properties_json: string;
  created_ms: number;
  dropped_ms: number | null;
  drop_kind: '' | 'PARTITION' | 'FORCE';
  dropped_version: number;
}

export interface TableSchemasTable {
  table_id: number;
  schema_version: number;
  from_version: number;
  schema_json: string;
}

export interface SchemaChangesTable {
  id: number;
  database_id: number;
  table_id: number;
  schema_version: number;
  transaction_id: number;
  created_ms: number;
  finished_ms: number;
}

export interface AlterJobsTable {
  id: number;
  database_id: number;
  table_id: number;
  state: 'PENDING' | 'RUNNING' | 'FINISHED' | 'CANCELLED';
  statement: string;
  time_zone: string;
  statement_ms: number;
  transaction_id: number;
  message: string;
  created_ms: number;
  finished_ms: number | null;
}

export interface ViewsTable {
  id: number;
  database_id: number;
  name: string;
  columns_json: string;
  definition: string;
  comment: string;
  security: string;
  created_ms: number;
  changed_ms: number;
}

export interface TableVersionsTable {
  table_id: number;
  version: number;
  transaction_id: number;
  committed_ms: number;
  source: string;
  held_files: number | null;
  held_rows: number | null;
  held_bytes: number | null;
}

export interface FilesTable {
  id: number;
  table_id: number;
  transaction_id: number;
  volume_id: number;
  file_key: string;
  size_bytes: number;
  row_count: number;
  stats_json: string;
  added_version: number;
  added_ms: number;
  removed_version: number | null;
  removed_ms: number | null;
  sequence: number;
  restored_version: number;
  partition_id: number;
}

export interface DeleteFilesTable {
  id: number;
  table_id: number;
  transaction_id: number;
  volume_id: number;
  file_key: string;
  size_bytes: number;
  row_count: number;
  added_version: number;
  added_ms: number;
  removed_version: number | null;
  removed_ms: number | null;
  overlay_fields_json: string;
}

export interface FileDeletesTable {
  file_id: number;
  delete_file_id: number;
  table_id: number;
  positions: number;
  added_version: number;
  removed_version: number | null;
  overlay_rows: number;
  overlay_part: number;
}

export interface LoadJobsTable {
  id: number;
  database_id: number;
  table_id: number;
  name: string;
  user_name: string;
  group_id: string;
  state: 'NEED_SCHEDULE' | 'RUNNING' | 'PAUSED' | 'STOPPED' | 'CANCELLED';
  reason_code: number | null;
  reason_message: string | null;
  definition_sealed: string;
  received_bytes: number;
  error_rows: number;
  committed_tasks: number;
  aborted_tasks: number;
  loaded_rows: number;
  total_rows: number;
  unselected_rows: number;
  execute_ms: number;
  window_error_rows: number;
  window_total_rows: number;
  other_message: string | null;
  other_message_ms: number | null;
  created_ms: number;
  paused_ms: number | null;
  ended_ms: number | null;
  user_host: string;
  failures: number;
  failing_since_ms: number | null;
  resume_ms: number | null;
  stalled_since_ms: number | null;
  stalled_message: string;
  stall_restarts: number;
  further_tables_json: string;
}

export interface LoadPositionsTable {
  job_id: number;
  topic: string;
  partition_no: number;
  next_offset: bigint;
  latest_offset: bigint | null;
  last_timestamp_ms: number | null;
  ledger_segment: number;
}

export interface LoadLedgerTable {
  job_id: number;
  topic: string;
  partition_no: number;
  segment: number;
  from_offset: bigint;
  to_offset: bigint;
  received: number;
  consumed: number;
  skipped_control: number;
  skipped_aborted: number;
  skipped_empty: number;
  skipped_gap: number;
  received_bytes: number;
  rows_loaded: number;
  rows_filtered: number;
  rows_unselected: number;
  first_commit_ms: number;
  last_commit_ms: number;
}

export interface TaskLeasesTable {
  task_id: string;
  job_id: number;
  epoch: number;
  node: string;
  partitions_json: string;
  granted_ms: number;
}

export interface TransactionsTable {
  id: number;
  label: string;
  database_id: number;
  table_id: number | null;
  job_id: number | null;
  task_id: string | null;
  epoch: number | null;
  state: 'PREPARE' | 'PREPARED' | 'COMMITTED' | 'VISIBLE' | 'ABORTED';
  source: string;
  coordinator: string;
  prepare_ms: number;
  prepared_ms: number | null;
  commit_ms: number | null;
  finish_ms: number | null;
  timeout_ms: number;
  reason: string;
  attachment_json: string;
  user_name: string;
  scope: string;
  idle_timeout_ms: number | null;
  active_ms: number | null;
  busy: number;
}

export interface TransactionLoadsTable {
  transaction_id: number;
  ordinal: number;
  table_id: number;
  staged_json: string;
}

export interface TransactionChannelsTable {
  transaction_id: number;
  channel: number;
  state: string;
  busy: number;
}

export interface LabelsTable {
  database_id: number;
  label: string;
  transaction_id: number;
}

export interface TableTurnsTable {
  ticket: number;
  table_id: number;
  rank: number;
  holder: string;
  held: number;
  expires_ms: number;
}

export interface GlobalVariablesTable {
  name: string;
  value: string;
}

export interface UsersTable {
  name: string;
  host: string;
  sha1_digest: string;
  sha256_digest: string;
  plugin: string;
  all_roles_default: number;
}

export interface UserPropertiesTable {
  user_name: string;
  name: string;
  value: string;
}

export interface RolesTable {
  id: number;
  name: string;
  comment: string;
  created_ms: number;
}

export interface UserRolesTable {
  user_name: string;
  user_host: string;
  role_id: number;
  is_default: number;
}

export interface RoleRolesTable {
  role_id: number;
  granted_role_id: number;
}

export interface GrantsTable {
  grantee_type: 'USER' | 'ROLE';
  grantee_name: string;
  grantee_host: string;
  object_type: string;
  database_key: string;
  object_key: string;
  privilege: string;
  grantable: number;
}

export interface FrontendConfigTable {
  name: string;
  value: string;
}

export interface TasksTable {
  id: number;
  name: string;
  database_name: string;
  definition: string;
  properties_json: string;
  user_name: string;
  user_host: string;
  every_ms: number | null;
  start_ms: number | null;
  next_run_ms: number | null;
  created_ms: number;
  expire_ms: number | null;
}

export interface TaskRunsTable {
  query_id: string;
  task_id: number;
  task_name: string;
  database_name: string;
  definition: string;
  user_name: string;
  state: 'PENDING' | 'RUNNING' | 'SUCCESS' | 'FAILED';
  created_ms: number;
  started_ms: number | null;
  finished_ms: number | null;
  expire_ms: number;
  error_code: number;
  error_message: string;
}

export interface SmallFilesTable {
  id: number;
  database_id: number;
  catalog_name: string;
  name: string;
  size_bytes: number;
  md5: string;
  content_sealed: string;
  created_ms: number;
}

export interface MetadataTables {
  frontend_config: FrontendConfigTable;
  tasks: TasksTable;
  task_runs: TaskRunsTable;
  incarnation: IncarnationTable;
  counters: CountersTable;
  volumes: VolumesTable;
  databases: DatabasesTable;
  tables: TablesTable;
  table_versions: TableVersionsTable;
  partitions: PartitionsTable;
  table_schemas: TableSchemasTable;
  schema_changes: SchemaChangesTable;
  alter_jobs: AlterJobsTable;
  files: FilesTable;
  delete_files: DeleteFilesTable;
  file_deletes: FileDeletesTable;
  load_jobs: LoadJobsTable;
  load_positions: LoadPositionsTable;
  load_ledger: LoadLedgerTable;
  task_leases: TaskLeasesTable;
  transactions: TransactionsTable;
  transaction_channels: TransactionChannelsTable;
  transaction_loads: TransactionLoadsTable;
  labels: LabelsTable;
  table_turns: TableTurnsTable;
  global_variables: GlobalVariablesTable;
  users: UsersTable;
  user_properties: UserPropertiesTable;
  roles: RolesTable;
  user_roles: UserRolesTable;
  role_roles: RoleRolesTable;
  grants: GrantsTable;
  views: ViewsTable;
  small_files: SmallFilesTable;
}
