// What each kind of statement looks like, and how it differs from StarRocks': for docs/reference/statements.md
// and `millrace check-sql`. The compiler wants a row for every kind.
import type { StatementKind } from '../sql/ast/statement.ts';

export interface StatementDoc {
  readonly section: string;
  readonly syntax: string;
  /** What is other than in StarRocks; absent: nothing that a client sees. */
  readonly differs?: string;
}

const inSection =
  (section: string) =>
  (syntax: string, differs?: string): StatementDoc => ({
    section,
    syntax,
    ...(differs === undefined ? {} : { differs }),
  });

const volume = inSection('Storage volumes');
const ddl = inSection('Databases, tables, views');
const load = inSection('Loading and tasks');
const account = inSection('Users, roles, rights');
const session = inSection('Queries and sessions');
const show = inSection('SHOW and DESC');
const admin = inSection('The server');

export const STATEMENT_DOCS: Readonly<Record<StatementKind, StatementDoc>> = {
  create_storage_volume: volume(
    'CREATE STORAGE VOLUME [IF NOT EXISTS] v TYPE = S3 LOCATIONS = ("s3://..") [COMMENT ".."] PROPERTIES (..)',
    'checked by a real write, read and delete; a location belongs to one Millrace; enabled is true by default',
  ),
  alter_storage_volume: volume('ALTER STORAGE VOLUME v [COMMENT ".."] [SET ("k" = "v")]'),
  drop_storage_volume: volume('DROP STORAGE VOLUME [IF EXISTS] v'),
  show_storage_volumes: volume("SHOW STORAGE VOLUMES [LIKE 'p']"),
  describe_storage_volume: volume('DESC STORAGE VOLUME v'),
  set_default_storage_volume: volume('SET v AS DEFAULT STORAGE VOLUME'),
  create_file: load(
    'CREATE FILE "name" [IN d] PROPERTIES ("url" = "..", "catalog" = "kafka" [, "md5" = ".."])',
    'url also takes data: and, below small_file_dir of fe.conf, file:; "content" = "text" stands in for it; the content is encrypted in the metadata',
  ),
  drop_file: load(
    'DROP FILE "name" [FROM d] PROPERTIES ("catalog" = "kafka")',
    'refused while a load job names the file',
  ),
  create_database: ddl('CREATE DATABASE [IF NOT EXISTS] d [PROPERTIES ("storage_volume" = "v")]'),
  alter_database: ddl('ALTER DATABASE d RENAME e'),
  drop_database: ddl('DROP DATABASE [IF EXISTS] d [FORCE]'),
  recover: ddl(
    'RECOVER {DATABASE d | TABLE t | PARTITION p FROM t}',
    'of several of one name the one dropped last; its loads stay cancelled',
  ),
  use_database: ddl('USE [default_catalog.]d'),
  create_table: ddl(
    'CREATE [TEMPORARY] TABLE [IF NOT EXISTS] t (c type [SUM | ..] [[NOT] NULL] [DEFAULT .. | AUTO_INCREMENT | AS expr] [COMMENT ..], ..) [{DUPLICATE | AGGREGATE | UNIQUE | PRIMARY} KEY (..)] [COMMENT ..] [PARTITION BY ..] [DISTRIBUTED BY ..] [ORDER BY (..)] [PROPERTIES (..)] [AS SELECT .. | FROM KAFKA TOPIC ".." PROPERTIES (..)]',
    'partitions by RANGE, LIST, date_trunc, time_slice or columns; buckets and replicas are kept and shown, without effect',
  ),
  create_table_like: ddl('CREATE [TEMPORARY] TABLE [IF NOT EXISTS] t LIKE u'),
  alter_table: ddl(
    'ALTER TABLE t {ADD COLUMN c type .. [FIRST | AFTER d] | DROP COLUMN c | MODIFY COLUMN c type .. | RENAME COLUMN c TO d | ORDER BY (c, ..)} [, ..] | ADD PARTITION p VALUES .. | DROP PARTITION[S] {p | (p, q) | START .. | WHERE ..} [FORCE] | REPLACE PARTITION (p) WITH TEMPORARY PARTITION (tp) | RENAME PARTITION p q | MODIFY PARTITION (p) SET (..) | RENAME u | SWAP WITH u | SET ("k" = "v") | COMMENT = ".." | COMPACT [(p, ..)] | ROLLBACK TO {VERSION n | TIMESTAMP ".."}',
    'columns change at once, without rewriting files, where the new type holds every old value; else a job in the background writes the values anew, all of them or none',
  ),
  cancel_alter_table: ddl(
    'CANCEL ALTER TABLE {COLUMN | ROLLUP | OPTIMIZE} FROM t [(job id, ..)]',
    'ends a job that writes columns anew; all other changes are done when their statement is',
  ),
  drop_table: ddl('DROP [TEMPORARY] TABLE [IF EXISTS] t [FORCE]'),
  truncate_table: ddl('TRUNCATE TABLE t [PARTITION (p, ..)]'),
  create_view: ddl(
    'CREATE [OR REPLACE] VIEW [IF NOT EXISTS] v [(c, ..)] [COMMENT ".."] AS SELECT ..',
  ),
  alter_view: ddl('ALTER VIEW v [(c, ..)] AS SELECT ..'),
  drop_view: ddl('DROP VIEW [IF EXISTS] v'),
  analyze_table: ddl(
    'ANALYZE [FULL | SAMPLE] TABLE t [(c, ..)]',
    'statistics are kept with each file: nothing is gathered',
  ),
  check_table: ddl(
    'CHECK TABLE t, .. [EXTENDED]',
    "MySQL's statement: the metadata against a listing of the volumes; EXTENDED reads every file again",
  ),
  lock_tables: ddl('LOCK TABLES t READ | WRITE, ..', 'accepted without effect, as in StarRocks'),
  unlock_tables: ddl('UNLOCK TABLES'),
  create_routine_load: load(
    'CREATE ROUTINE LOAD j ON t, .. [COLUMNS (..)] [WHERE ..] [PROPERTIES (..)] FROM KAFKA (..)',
    'rows show about a second after they arrive; new partitions begin at their first offset',
  ),
  alter_routine_load: load(
    'ALTER ROUTINE LOAD FOR j [COLUMNS (..)] [PROPERTIES (..)] [FROM KAFKA (..)]',
  ),
  pause_routine_load: load('PAUSE ROUTINE LOAD FOR j'),
  resume_routine_load: load('RESUME ROUTINE LOAD FOR j'),
  stop_routine_load: load('STOP ROUTINE LOAD FOR j'),
  replay_routine_load: load(
    'REPLAY ROUTINE LOAD FOR j [WHERE ..] [LIMIT n]',
    'loads rejected rows again, as the job is now: rows and marks in one commit; WHERE is over _statistics_.rejected_records',
  ),
  check_routine_load: load(
    'CHECK ROUTINE LOAD FOR j [LIMIT n]',
    'the ledger against itself, the positions, and the topics, which are read again: up to n messages of each line',
  ),
  show_routine_load: load(
    'SHOW [ALL] ROUTINE LOAD [FOR j | FROM d] [WHERE ..] [ORDER BY ..] [LIMIT n]',
  ),
  show_routine_load_task: load('SHOW ROUTINE LOAD TASK [FROM d] WHERE JobName = "j"'),
  show_create_routine_load: load('SHOW CREATE ROUTINE LOAD j'),
  describe_kafka: load(
    'DESC KAFKA ("kafka_broker_list" = "..", "kafka_topic" = "..", "format" = "..", ..)',
    "Millrace's own: the columns that samples of a topic ask for; EXPLAIN CREATE TABLE t FROM KAFKA TOPIC .. shows the statement",
  ),
  insert: load(
    'INSERT {INTO | OVERWRITE} t [[TEMPORARY] PARTITION (p, ..)] [WITH LABEL l] [(c, ..) | BY NAME] [PROPERTIES (..)] VALUES (..), .. | SELECT ..',
    'OVERWRITE replaces all rows that the table, or its partition, holds when it commits',
  ),
  delete: load(
    '[WITH ..] DELETE FROM t [USING u, ..] WHERE ..',
    'any condition, USING and WITH on tables of every model; the rows are gone for good at the next compaction of their file',
  ),
  update: load(
    '[WITH ..] UPDATE t SET c = x | DEFAULT, .. [FROM u, ..] WHERE ..',
    "DUPLICATE KEY and UNIQUE KEY tables, too; MySQL's UPDATE t, u SET t.c = x WHERE .., which dbt's snapshots use, is taken as well",
  ),
  submit_task: load(
    "SUBMIT TASK [t] [SCHEDULE [START('..')] EVERY(INTERVAL n unit)] [PROPERTIES (..)] AS INSERT .. | CREATE TABLE .. AS SELECT ..",
    'runs of one task never overlap, times that were missed are not made up for; properties are session.<variable> only',
  ),
  drop_task: load('DROP TASK [IF EXISTS] t [FORCE]'),
  create_user: account(
    "CREATE USER [IF NOT EXISTS] 'u'[@'host'] [IDENTIFIED BY '..'] [DEFAULT ROLE r, ..]",
  ),
  alter_user: account(
    "ALTER USER 'u'[@'host'] IDENTIFIED BY '..' | SET PROPERTIES (..) | DEFAULT ROLE ..",
  ),
  drop_user: account("DROP USER [IF EXISTS] 'u'[@'host']"),
  set_password: account("SET PASSWORD [FOR 'u'] = PASSWORD('..')"),
  set_property: account("SET PROPERTY [FOR 'u'] 'k' = 'v'"),
  execute_as: account("EXECUTE AS 'u' [WITH NO REVERT]"),
  create_role: account('CREATE ROLE [IF NOT EXISTS] r'),
  alter_role: account('ALTER ROLE r SET COMMENT = ".."'),
  drop_role: account('DROP ROLE [IF EXISTS] r'),
  set_role: account('SET ROLE r, .. | ALL [EXCEPT ..] | DEFAULT | NONE'),
  set_default_role: account("SET DEFAULT ROLE r, .. | ALL | NONE TO 'u'"),
  grant_privileges: account('GRANT p, .. ON object TO {ROLE r | [USER] u} [WITH GRANT OPTION]'),
  revoke_privileges: account('REVOKE p, .. ON object FROM {ROLE r | [USER] u}'),
  grant_roles: account('GRANT r, .. TO {ROLE s | [USER] u}'),
  revoke_roles: account('REVOKE r, .. FROM {ROLE s | [USER] u}'),
  show_users: account('SHOW USERS'),
  show_authentication: account("SHOW [ALL] AUTHENTICATION [FOR 'u']"),
  show_create_user: account("SHOW CREATE USER 'u'"),
  show_property: account("SHOW PROPERTY [FOR 'u'] [LIKE 'p']"),
  show_roles: account('SHOW ROLES'),
  show_grants: account("SHOW GRANTS [FOR {ROLE r | 'u'}]"),
  show_privileges: account('SHOW PRIVILEGES'),
  query: session(
    '[WITH ..] SELECT ..',
    'functions and types as docs/reference/functions.md lists them',
  ),
  explain: session(
    'EXPLAIN [LOGICAL | VERBOSE | COSTS | ANALYZE] {query | INSERT .. | UPDATE .. | DELETE ..}',
    "the plan is Millrace's own",
  ),
  set_variables: session('SET [SESSION | GLOBAL] v = x, @u = y, NAMES cs, TRANSACTION ..'),
  show_variables: session("SHOW [GLOBAL | SESSION | VERBOSE] VARIABLES [LIKE 'p' | WHERE ..]"),
  show_status: session("SHOW [GLOBAL | SESSION] STATUS [LIKE 'p' | WHERE ..]"),
  show_warnings: session(
    'SHOW [COUNT(*)] WARNINGS [LIMIT n]',
    'only what has no effect leaves a warning (Kafka properties); errors are not kept',
  ),
  show_errors: session('SHOW [COUNT(*)] ERRORS [LIMIT n]', 'statements leave no errors behind'),
  show_processlist: session('SHOW [FULL] PROCESSLIST'),
  kill: session('KILL [CONNECTION | QUERY] id'),
  prepare: session("PREPARE p FROM SELECT .. | '..'"),
  execute: session('EXECUTE p [USING @a, ..]'),
  deallocate: session('{DEALLOCATE | DROP} PREPARE p'),
  begin: session(
    'BEGIN [WORK] [WITH LABEL l] | START TRANSACTION [WITH LABEL l]',
    'INSERTs, UPDATEs and DELETEs until COMMIT are one transaction; until one of them ran, any other statement is allowed and runs by itself; without BEGIN every statement is its own transaction, whatever autocommit says',
  ),
  commit: session('COMMIT [WORK]', 'does nothing without BEGIN'),
  rollback: session('ROLLBACK [WORK]', 'does nothing without BEGIN'),
  show_databases: show("SHOW DATABASES [FROM catalog] [LIKE 'p' | WHERE ..]"),
  show_create_database: show('SHOW CREATE DATABASE d'),
  show_tables: show("SHOW [FULL] TABLES [FROM d] [LIKE 'p' | WHERE ..]"),
  show_table_status: show("SHOW TABLE STATUS [FROM d] [LIKE 'p' | WHERE ..]"),
  show_create_table: show('SHOW CREATE {TABLE t | VIEW v}'),
  describe_table: show('{DESC | DESCRIBE | EXPLAIN} t [ALL]'),
  show_columns: show("SHOW [FULL] {COLUMNS | FIELDS} FROM t [FROM d] [LIKE 'p' | WHERE ..]"),
  show_index: show(
    'SHOW {INDEX | INDEXES | KEY | KEYS} FROM t [FROM d]',
    'always empty: there are no indexes with names',
  ),
  show_partitions: show(
    'SHOW [TEMPORARY] PARTITIONS FROM t [WHERE ..] [ORDER BY ..] [LIMIT n]',
    'a table without partitions has one of its own name',
  ),
  show_snapshots: show(
    'SHOW SNAPSHOTS FROM t [WHERE ..] [ORDER BY ..] [LIMIT n]',
    "Millrace's own: the versions that can be read",
  ),
  show_tablet: show(
    'SHOW TABLET FROM t [WHERE ..] [ORDER BY ..] [LIMIT n]',
    'a table has one tablet',
  ),
  show_data: show('SHOW DATA [FROM t]'),
  show_list: show(
    "SHOW <list> [FROM d] [LIKE 'p' | WHERE ..] [ORDER BY ..] [LIMIT n]",
    'lists of what Millrace has not got are empty',
  ),
  show_stream_load: show(
    'SHOW [ALL] STREAM LOAD [FOR label] [FROM d] [WHERE ..] [ORDER BY ..] [LIMIT n]',
    'without ALL: those that run',
  ),
  show_proc: show("SHOW PROC '/path'"),
  show_create_catalog: show(
    'SHOW CREATE CATALOG c',
    'there is only default_catalog, which no statement creates',
  ),
  set_catalog: session('SET CATALOG default_catalog'),
  sync: admin('SYNC'),
  help: admin('HELP [topic]', 'an error that names these pages'),
  admin_show_config: admin("ADMIN SHOW FRONTEND CONFIG [LIKE 'p']"),
  admin_sweep: admin(
    'ADMIN SWEEP [DRY RUN]',
    "Millrace's own: deletes what nothing names any more, or lists what would go",
  ),
  admin_set_config: admin(
    'ADMIN SET FRONTEND CONFIG ("k" = "v")',
    'kept in the metadata: it outlives a restart',
  ),
};
