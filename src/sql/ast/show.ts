// SHOW and DESC statements other than those about volumes and Routine Load. Readonly plain data.
import type { DatabaseName } from './ddl.ts';
import type { Expression, VariableScope } from './expression.ts';
import type { Node, QualifiedName } from './node.ts';
import type { Limit, OrderItem } from './query.ts';

export type ShowStatement =
  | ShowDatabases
  | ShowCreateDatabase
  | ShowTables
  | ShowTableStatus
  | ShowCreateTable
  | DescribeTable
  | ShowColumns
  | ShowIndex
  | ShowVariables
  | ShowWarnings
  | ShowProcesslist
  | ShowList
  | ShowStreamLoad
  | ShowPartitions
  | ShowSnapshots
  | ShowTablet
  | ShowData
  | ShowCreateCatalog
  | ShowProc
  | AdminShowConfig;

/** At most one of LIKE and WHERE is given. */
export interface ShowFilter {
  readonly like: string | null;
  readonly where: Expression | null;
}

/** SHOW DATABASES, SHOW SCHEMAS. */
export interface ShowDatabases extends Node, ShowFilter {
  readonly kind: 'show_databases';
  readonly catalog: string | null;
}

export interface ShowCreateDatabase extends Node {
  readonly kind: 'show_create_database';
  readonly name: DatabaseName;
}

export interface ShowTables extends Node, ShowFilter {
  readonly kind: 'show_tables';
  readonly full: boolean;
  /** SHOW TEMPORARY TABLES: the session's own. */
  readonly temporary: boolean;
  readonly database: DatabaseName | null;
}

export interface ShowTableStatus extends Node, ShowFilter {
  readonly kind: 'show_table_status';
  readonly database: DatabaseName | null;
}

/** SHOW CREATE TABLE, SHOW CREATE VIEW. */
export interface ShowCreateTable extends Node {
  readonly kind: 'show_create_table';
  readonly type: 'TABLE' | 'VIEW';
  readonly name: QualifiedName;
}

/** DESC / DESCRIBE / EXPLAIN table [ALL]. */
export interface DescribeTable extends Node {
  readonly kind: 'describe_table';
  readonly name: QualifiedName;
  readonly all: boolean;
}

/** SHOW [FULL] COLUMNS|FIELDS FROM t [FROM db]. */
export interface ShowColumns extends Node, ShowFilter {
  readonly kind: 'show_columns';
  readonly full: boolean;
  readonly table: QualifiedName;
}

/** SHOW INDEX|INDEXES|KEY|KEYS FROM t [FROM db]. */
export interface ShowIndex extends Node {
  readonly kind: 'show_index';
  readonly table: QualifiedName;
}

export interface ShowVariables extends Node, ShowFilter {
  readonly kind: 'show_variables' | 'show_status';
  /** null: not written (session). LOCAL reads as SESSION. */
  readonly scope: VariableScope | null;
  /** SHOW VERBOSE VARIABLES: with the defaults. */
  readonly verbose: boolean;
}

/** SHOW WARNINGS, SHOW ERRORS; `count`: SHOW COUNT(*) WARNINGS. */
export interface ShowWarnings extends Node {
  readonly kind: 'show_warnings' | 'show_errors';
  readonly count: boolean;
  readonly limit: Limit | null;
}

export interface ShowProcesslist extends Node {
  readonly kind: 'show_processlist';
  readonly full: boolean;
}

/**
 * Lists of the form `SHOW <words> [FROM db] [LIKE|WHERE] [ORDER BY] [LIMIT]`. Each is its own words; the
 * rows of each are one entry of a table in statements/show/.
 */
export const SHOW_LISTS = [
  // -- the server
  'BACKENDS',
  'BROKER',
  'CATALOGS',
  'CHARSET',
  'COLLATION',
  'COMPUTE NODES',
  'ENGINES',
  'FRONTENDS',
  'PLUGINS',
  'PROFILELIST',
  'RUNNING QUERIES',
  'WAREHOUSES',
  // -- functions
  'BUILTIN FUNCTIONS',
  'FULL BUILTIN FUNCTIONS',
  'FULL FUNCTIONS',
  'FULL GLOBAL FUNCTIONS',
  'FUNCTIONS',
  'GLOBAL FUNCTIONS',
  // -- loads and what becomes of them
  'LOAD',
  'LOAD WARNINGS',
  'TRANSACTION',
  'TASKS',
  // -- changes of tables
  'ALTER TABLE COLUMN',
  'DYNAMIC PARTITION TABLES',
  // -- what Millrace has not got: empty lists with StarRocks' columns
  'ALTER MATERIALIZED VIEW',
  'ALTER TABLE OPTIMIZE',
  'ALTER TABLE ROLLUP',
  'ANALYZE JOB',
  'ANALYZE STATUS',
  'BACKEND BLACKLIST',
  'BACKUP',
  'COMPUTE NODE BLACKLIST',
  'DATACACHE RULES',
  'DELETE',
  'EVENTS',
  'EXPORT',
  'FILE',
  'FUNCTION STATUS',
  'HISTOGRAM META',
  'MATERIALIZED VIEWS',
  'OPEN TABLES',
  'PIPES',
  'PROCEDURE STATUS',
  'REPOSITORIES',
  'RESOURCE GROUPS',
  'RESOURCES',
  'RESTORE',
  'SQLBLACKLIST',
  'STATS META',
  'TRIGGERS',
  'USAGE RESOURCE GROUPS',
  'WHITELIST',
] as const;

export type ShowListWhat = (typeof SHOW_LISTS)[number];

/** SHOW CHARACTER SET is CHARSET, SHOW STORAGE ENGINES is ENGINES, SHOW ANALYZE is ANALYZE STATUS. */
export interface ShowList extends Node, ShowFilter, ShowOrder {
  readonly kind: 'show_list';
  readonly what: ShowListWhat;
  readonly database: DatabaseName | null;
}

/** ORDER BY and LIMIT of lists that take them; empty and null when not written. */
export interface ShowOrder {
  readonly orderBy: readonly OrderItem[];
  readonly limit: Limit | null;
}

/** SHOW [ALL] STREAM LOAD [FOR [db.]label] [FROM db] [WHERE] [ORDER BY] [LIMIT]. */
export interface ShowStreamLoad extends Node, ShowFilter, ShowOrder {
  readonly kind: 'show_stream_load';
  /** Those that ended, too. */
  readonly all: boolean;
  readonly label: string | null;
  readonly database: DatabaseName | null;
}

/** SHOW [TEMPORARY] PARTITIONS FROM t [WHERE] [ORDER BY] [LIMIT]. */
export interface ShowPartitions extends Node, ShowFilter, ShowOrder {
  readonly kind: 'show_partitions';
  readonly temporary: boolean;
  readonly table: QualifiedName;
}

/** SHOW SNAPSHOTS FROM t [WHERE] [ORDER BY] [LIMIT]: the versions that can be read. */
export interface ShowSnapshots extends Node, ShowFilter, ShowOrder {
  readonly kind: 'show_snapshots';
  readonly table: QualifiedName;
}

/** SHOW TABLET FROM t [WHERE] [ORDER BY] [LIMIT]. */
export interface ShowTablet extends Node, ShowFilter, ShowOrder {
  readonly kind: 'show_tablet';
  readonly table: QualifiedName;
}

/** SHOW DATA [FROM t]. */
export interface ShowData extends Node {
  readonly kind: 'show_data';
  readonly table: QualifiedName | null;
}

/** SHOW CREATE CATALOG name. */
export interface ShowCreateCatalog extends Node {
  readonly kind: 'show_create_catalog';
  readonly name: string;
}

export interface ShowProc extends Node {
  readonly kind: 'show_proc';
  readonly path: string;
}

/** ADMIN SHOW FRONTEND CONFIG [LIKE 'p']. */
export interface AdminShowConfig extends Node {
  readonly kind: 'admin_show_config';
  readonly like: string | null;
}
