// The rights of each kind of statement in words, for docs/reference/statements.md: what the table of privileges
// says of an example of that kind. So the page cannot say anything but what is checked.
import type { Requirement } from '../model/privilege.ts';
import type { StatementKind } from '../sql/ast/statement.ts';
import { parseStatement } from '../sql/parse.ts';
import { STATEMENT_PRIVILEGES, statementRequirements } from './privileges.ts';
import type { Session } from './types.ts';

/** For each kind whose rights depend on the statement: one that needs the most of them. */
export const RIGHTS_EXAMPLES: Readonly<Partial<Record<StatementKind, string>>> = {
  create_file: 'CREATE FILE "f" PROPERTIES ("url" = "http://h/f", "catalog" = "kafka")',
  drop_file: 'DROP FILE "f" PROPERTIES ("catalog" = "kafka")',
  create_storage_volume:
    'CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://b/p") PROPERTIES ("a" = "b")',
  alter_storage_volume: 'ALTER STORAGE VOLUME v COMMENT = "c"',
  drop_storage_volume: 'DROP STORAGE VOLUME v',
  describe_storage_volume: 'DESC STORAGE VOLUME v',
  set_default_storage_volume: 'SET v AS DEFAULT STORAGE VOLUME',
  create_database: 'CREATE DATABASE e PROPERTIES ("storage_volume" = "v")',
  drop_database: 'DROP DATABASE d',
  show_create_database: 'SHOW CREATE DATABASE d',
  use_database: 'USE d',
  create_table: 'CREATE TABLE t PROPERTIES ("storage_volume" = "v") AS SELECT a FROM u',
  create_table_like: 'CREATE TABLE t LIKE u',
  create_view: 'CREATE VIEW v AS SELECT a FROM t',
  alter_view: 'ALTER VIEW v AS SELECT a FROM t',
  drop_view: 'DROP VIEW v',
  alter_table: 'ALTER TABLE t RENAME u',
  cancel_alter_table: 'CANCEL ALTER TABLE COLUMN FROM t',
  alter_database: 'ALTER DATABASE d SET ("storage_volume" = "v")',
  drop_table: 'DROP TABLE t',
  recover: 'RECOVER TABLE t',
  truncate_table: 'TRUNCATE TABLE t',
  show_tables: 'SHOW TABLES',
  show_table_status: 'SHOW TABLE STATUS',
  show_create_table: 'SHOW CREATE TABLE t',
  describe_table: 'DESC t',
  show_columns: 'SHOW COLUMNS FROM t',
  show_index: 'SHOW INDEX FROM t',
  show_partitions: 'SHOW PARTITIONS FROM t',
  show_snapshots: 'SHOW SNAPSHOTS FROM t',
  show_tablet: 'SHOW TABLET FROM t',
  show_data: 'SHOW DATA FROM t',
  analyze_table: 'ANALYZE TABLE t',
  check_table: 'CHECK TABLE t',
  admin_sweep: 'ADMIN SWEEP',
  lock_tables: 'LOCK TABLES t READ',
  create_routine_load:
    'CREATE ROUTINE LOAD j ON t FROM KAFKA ("kafka_broker_list" = "b:1", "kafka_topic" = "t")',
  alter_routine_load: 'ALTER ROUTINE LOAD FOR j PROPERTIES ("max_error_number" = "1")',
  pause_routine_load: 'PAUSE ROUTINE LOAD FOR j',
  resume_routine_load: 'RESUME ROUTINE LOAD FOR j',
  stop_routine_load: 'STOP ROUTINE LOAD FOR j',
  check_routine_load: 'CHECK ROUTINE LOAD FOR j',
  replay_routine_load: 'REPLAY ROUTINE LOAD FOR j',
  show_create_routine_load: 'SHOW CREATE ROUTINE LOAD j',
  describe_kafka: 'DESC KAFKA ("format" = "json")',
  insert: 'INSERT INTO t SELECT a FROM u',
  delete: 'DELETE FROM t USING u WHERE t.a = u.a',
  update: 'UPDATE t SET b = u.b FROM u WHERE t.a = u.a',
  create_user: "CREATE USER u IDENTIFIED BY 'p'",
  alter_user: "ALTER USER u IDENTIFIED BY 'p'",
  drop_user: 'DROP USER u',
  set_password: "SET PASSWORD FOR u = PASSWORD('p')",
  set_property: "SET PROPERTY FOR u 'max_user_connections' = '5'",
  execute_as: 'EXECUTE AS u WITH NO REVERT',
  create_role: 'CREATE ROLE r',
  alter_role: 'ALTER ROLE r SET COMMENT = "c"',
  drop_role: 'DROP ROLE r',
  set_default_role: 'SET DEFAULT ROLE r TO u',
  grant_roles: 'GRANT r TO USER u',
  revoke_roles: 'REVOKE r FROM USER u',
  show_users: 'SHOW USERS',
  show_authentication: 'SHOW ALL AUTHENTICATION',
  show_create_user: 'SHOW CREATE USER u',
  show_property: 'SHOW PROPERTY FOR u',
  show_roles: 'SHOW ROLES',
  submit_task: 'SUBMIT TASK AS INSERT INTO t SELECT a FROM u',
  query: 'SELECT a FROM t',
  explain: 'EXPLAIN SELECT a FROM t',
  set_variables: 'SET GLOBAL query_timeout = 5',
  show_list: 'SHOW FRONTENDS',
  show_proc: "SHOW PROC '/frontends'",
  admin_show_config: 'ADMIN SHOW FRONTEND CONFIG',
  admin_set_config: 'ADMIN SET FRONTEND CONFIG ("a" = "b")',
};

/** Of a user without any role, in database d. */
const SESSION: Session = {
  connectionId: 0,
  user: 'nobody',
  host: 'localhost',
  principal: { identity: { name: 'nobody', host: '%' }, activeRoles: new Set() },
  connectedMs: 0,
  database: 'd',
  variables: new Map(),
  userVariables: new Map(),
  prepared: new Map(),
  temporary: { used: false },
  counted: { questions: 0 },
  warnings: { left: [] },
  explicit: { transaction: null },
  running: null,
};

/** What a statement of the kind needs: `INSERT on TABLE, SELECT on TABLE`, with its note. */
export function rightsText(kind: StatementKind): string {
  const row = STATEMENT_PRIVILEGES[kind];
  const { of, note } = typeof row === 'object' ? row : { of: row, note: '' };
  const needed = of === 'none' ? 'none' : of === 'handler' ? '' : exampleRights(kind);
  return [needed, note].filter((part) => part !== '').join('; ');
}

function exampleRights(kind: StatementKind): string {
  const text = RIGHTS_EXAMPLES[kind];
  if (text === undefined) return 'none';
  const requirements = statementRequirements(parseStatement(text), SESSION);
  return requirements.length === 0 ? 'none' : requirements.map(requirementText).join(', ');
}

function requirementText({ anyOf, on }: Requirement): string {
  return `${anyOf === 'ANY' ? 'any right' : anyOf.join(' or ')} on ${on.type}`;
}
