// SHOW and DESC statements other than those about volumes and Routine Load. Readonly plain data.
import type { DatabaseName } from './ddl.ts';
import type { Expression, VariableScope } from './expression.ts';
import type { Node, QualifiedName } from './node.ts';
import type { Limit } from './query.ts';

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
  readonly database: DatabaseName | null;
}

export interface ShowTableStatus extends Node, ShowFilter {
  readonly kind: 'show_table_status';
  readonly database: DatabaseName | null;
}

/** SHOW CREATE TABLE, SHOW CREATE VIEW, SHOW CREATE MATERIALIZED VIEW. */
export interface ShowCreateTable extends Node {
  readonly kind: 'show_create_table';
  readonly type: 'TABLE' | 'VIEW' | 'MATERIALIZED VIEW';
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
}

export interface ShowWarnings extends Node {
  readonly kind: 'show_warnings' | 'show_errors';
  readonly limit: Limit | null;
}

export interface ShowProcesslist extends Node {
  readonly kind: 'show_processlist';
  readonly full: boolean;
}

/** Lists that take at most FROM db, LIKE and WHERE. The words are as written after SHOW. */
export type ShowListWhat =
  | 'BACKENDS'
  | 'CATALOGS'
  | 'CHARSET'
  | 'COLLATION'
  | 'COMPUTE NODES'
  | 'ENGINES'
  | 'EVENTS'
  | 'FRONTENDS'
  | 'FUNCTION STATUS'
  | 'OPEN TABLES'
  | 'PLUGINS'
  | 'PROCEDURE STATUS'
  | 'TRIGGERS';

/** SHOW CHARACTER SET is CHARSET, SHOW STORAGE ENGINES is ENGINES. */
export interface ShowList extends Node, ShowFilter {
  readonly kind: 'show_list';
  readonly what: ShowListWhat;
  readonly database: DatabaseName | null;
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
