// The table of statements: kind -> handler, null = parsed but not supported yet. The list of what
// Millrace can do; docs/reference/statements.md is generated from it.
import type { StatementKind } from '../sql/ast/statement.ts';
import { grantPrivileges, revokePrivileges } from './accounts/grants.ts';
import {
  alterRole,
  createRole,
  dropRole,
  grantRoles,
  revokeRoles,
  setRole,
} from './accounts/roles.ts';
import {
  showAuthentication,
  showCreateUser,
  showGrants,
  showPrivileges,
  showProperty,
  showRoles,
  showUsers,
} from './accounts/show.ts';
import {
  alterUser,
  createUser,
  dropUser,
  executeAs,
  setDefaultRole,
  setPassword,
  setProperty,
} from './accounts/users.ts';
import { analyzeTable, help, lockTables, setCatalog, showCreateCatalog, sync } from './admin.ts';
import { alterDatabase, alterTable, cancelAlterTable } from './alter-table.ts';
import { checkRoutineLoad } from './check-routine-load.ts';
import { createTable, createTableLike } from './create-table.ts';
import {
  createDatabase,
  dropDatabase,
  showCreateDatabase,
  showDatabases,
  use,
} from './databases.ts';
import { explain } from './explain.ts';
import { createFile, dropFile } from './files.ts';
import { adminSetConfig, adminShowConfig } from './frontend-config.ts';
import { describeKafka } from './kafka-topic.ts';
import { adminSweep, checkTable } from './maintenance.ts';
import { deallocate, execute, prepare } from './prepared.ts';
import { query } from './query.ts';
import { recover } from './recover.ts';
import { replayRoutineLoad } from './replay.ts';
import {
  alterRoutineLoad,
  createRoutineLoad,
  pauseRoutineLoad,
  resumeRoutineLoad,
  showCreateRoutineLoad,
  showRoutineLoad,
  showRoutineLoadTask,
  stopRoutineLoad,
} from './routine-load.ts';
import { kill, setVariables, showProcesslist, showVariables, showWarnings } from './session.ts';
import { showList } from './show/lists.ts';
import { showProc } from './show/proc.ts';
import { showSnapshots } from './show/snapshots.ts';
import { showStreamLoad } from './show/stream-loads.ts';
import {
  showData,
  showIndex,
  showPartitions,
  showTableStatus,
  showTablet,
} from './show/table-lists.ts';
import { describeTable, showColumns, showCreateTable, showTables } from './show-tables.ts';
import { showStatus } from './status.ts';
import { dropTable, truncateTable } from './tables.ts';
import { dropTask, submitTask } from './tasks.ts';
import { begin, commit, rollback } from './transaction.ts';
import type { Handler } from './types.ts';
import { alterView, createView, dropView } from './views.ts';
import {
  alterStorageVolume,
  createStorageVolume,
  describeStorageVolume,
  dropStorageVolume,
  setDefaultStorageVolume,
  showStorageVolumes,
} from './volumes.ts';
import { deleteRows, insert, updateRows } from './write-rows.ts';

export const HANDLERS: { readonly [K in StatementKind]: Handler<K> | null } = {
  // -- storage volumes
  create_file: createFile,
  drop_file: dropFile,
  create_storage_volume: createStorageVolume,
  alter_storage_volume: alterStorageVolume,
  drop_storage_volume: dropStorageVolume,
  show_storage_volumes: showStorageVolumes,
  describe_storage_volume: describeStorageVolume,
  set_default_storage_volume: setDefaultStorageVolume,
  // -- databases and tables
  create_database: createDatabase,
  drop_database: dropDatabase,
  show_databases: showDatabases,
  show_create_database: showCreateDatabase,
  use_database: use,
  create_table: createTable,
  create_table_like: createTableLike,
  alter_table: alterTable,
  cancel_alter_table: cancelAlterTable,
  alter_database: alterDatabase,
  create_view: createView,
  alter_view: alterView,
  drop_view: dropView,
  drop_table: dropTable,
  recover,
  truncate_table: truncateTable,
  show_tables: showTables,
  show_table_status: showTableStatus,
  show_create_table: showCreateTable,
  describe_table: describeTable,
  show_columns: showColumns,
  show_index: showIndex,
  show_partitions: showPartitions,
  show_snapshots: showSnapshots,
  show_tablet: showTablet,
  show_data: showData,
  analyze_table: analyzeTable,
  check_table: checkTable,
  lock_tables: lockTables,
  unlock_tables: lockTables,
  // -- loading
  create_routine_load: createRoutineLoad,
  alter_routine_load: alterRoutineLoad,
  pause_routine_load: pauseRoutineLoad,
  resume_routine_load: resumeRoutineLoad,
  stop_routine_load: stopRoutineLoad,
  replay_routine_load: replayRoutineLoad,
  check_routine_load: checkRoutineLoad,
  show_routine_load: showRoutineLoad,
  show_routine_load_task: showRoutineLoadTask,
  show_create_routine_load: showCreateRoutineLoad,
  describe_kafka: describeKafka,
  insert,
  delete: deleteRows,
  update: updateRows,
  // -- users, roles and rights
  create_user: createUser,
  alter_user: alterUser,
  drop_user: dropUser,
  set_password: setPassword,
  set_property: setProperty,
  execute_as: executeAs,
  create_role: createRole,
  alter_role: alterRole,
  drop_role: dropRole,
  set_role: setRole,
  set_default_role: setDefaultRole,
  grant_privileges: grantPrivileges,
  revoke_privileges: revokePrivileges,
  grant_roles: grantRoles,
  revoke_roles: revokeRoles,
  show_users: showUsers,
  show_authentication: showAuthentication,
  show_create_user: showCreateUser,
  show_property: showProperty,
  show_roles: showRoles,
  show_grants: showGrants,
  show_privileges: showPrivileges,
  submit_task: submitTask,
  drop_task: dropTask,
  // -- queries and sessions
  query,
  explain,
  set_variables: setVariables,
  show_variables: showVariables,
  show_status: showStatus,
  show_warnings: showWarnings,
  show_errors: (statement, context) => showWarnings(statement, context),
  show_processlist: showProcesslist,
  kill,
  prepare,
  execute,
  deallocate,
  begin,
  commit,
  rollback,
  // -- the server
  show_list: showList,
  show_stream_load: showStreamLoad,
  show_proc: showProc,
  show_create_catalog: showCreateCatalog,
  set_catalog: setCatalog,
  sync,
  help,
  admin_show_config: adminShowConfig,
  admin_set_config: adminSetConfig,
  admin_sweep: adminSweep,
};
