// Statements about the session and the server: USE, SET, KILL, transactions, ADMIN SET, EXPLAIN.
import type { DatabaseName } from './ddl.ts';
import type { Expression, VariableScope } from './expression.ts';
import type { Identifier, Node, Property } from './node.ts';
import type { Statement } from './statement.ts';

export type SessionStatement =
  | UseDatabase
  | SetVariables
  | Kill
  | BeginTransaction
  | EndTransaction
  | AdminSetConfig
  | Explain
  | Prepare
  | Execute
  | Deallocate;

export interface UseDatabase extends Node {
  readonly kind: 'use_database';
  readonly name: DatabaseName;
}

export interface SetVariables extends Node {
  readonly kind: 'set_variables';
  readonly items: readonly SetItem[];
}

export type SetItem =
  | SetSystemVariable
  | SetUserVariable
  | SetNames
  | SetCharacterSet
  | SetTransaction;

/** A bare word as value (`OFF`, `utf8`) and ON arrive as StringLiteral, DEFAULT as DefaultValue. */
export interface SetSystemVariable extends Node {
  readonly kind: 'system';
  /** null: not written (session). LOCAL reads as SESSION. */
  readonly scope: VariableScope | null;
  /** Lower case. */
  readonly name: string;
  readonly value: Expression;
}

export interface SetUserVariable extends Node {
  readonly kind: 'user';
  /** Lower case, without @. */
  readonly name: string;
  readonly value: Expression;
}

/** SET NAMES cs [COLLATE c]; charset null = DEFAULT. */
export interface SetNames extends Node {
  readonly kind: 'names';
  readonly charset: string | null;
  readonly collation: string | null;
}

/** SET CHARACTER SET cs / SET CHARSET cs; null = DEFAULT. */
export interface SetCharacterSet extends Node {
  readonly kind: 'character_set';
  readonly charset: string | null;
}

export type IsolationLevel =
  | 'READ UNCOMMITTED'
  | 'READ COMMITTED'
  | 'REPEATABLE READ'
  | 'SERIALIZABLE';

/** SET [SESSION|GLOBAL] TRANSACTION characteristics; at least one of the two is given. */
export interface SetTransaction extends Node {
  readonly kind: 'transaction';
  readonly scope: VariableScope | null;
  readonly isolation: IsolationLevel | null;
  readonly access: 'READ ONLY' | 'READ WRITE' | null;
}

/** KILL [CONNECTION] id ends the connection, KILL QUERY id only its running statement. */
export interface Kill extends Node {
  readonly kind: 'kill';
  readonly target: 'CONNECTION' | 'QUERY';
  /** Connection id in digits, or a query id (uuid) when it was a string. */
  readonly id: string;
}

/** BEGIN [WORK] / START TRANSACTION [WITH CONSISTENT SNAPSHOT] [WITH LABEL l]. */
export interface BeginTransaction extends Node {
  readonly kind: 'begin';
  readonly label: string | null;
}

export interface EndTransaction extends Node {
  readonly kind: 'commit' | 'rollback';
}

/** ADMIN SET FRONTEND CONFIG ("k" = "v"). */
export interface AdminSetConfig extends Node {
  readonly kind: 'admin_set_config';
  readonly properties: readonly Property[];
}

/** `NORMAL` when no word was written. ANALYZE also for EXPLAIN ANALYZE. */
export type ExplainLevel =
  | 'NORMAL'
  | 'LOGICAL'
  | 'VERBOSE'
  | 'COSTS'
  | 'CONTRIBUTION'
  | 'SCHEDULER'
  | 'ANALYZE';

export interface Explain extends Node {
  readonly kind: 'explain';
  readonly level: ExplainLevel;
  /** A query or an INSERT. */
  readonly statement: Statement;
}

/** PREPARE name FROM 'text' | @variable | statement. */
export interface Prepare extends Node {
  readonly kind: 'prepare';
  readonly name: Identifier;
  readonly source: PrepareSource;
}

export type PrepareSource =
  | { readonly kind: 'text'; readonly text: string }
  /** Lower case, without @. */
  | { readonly kind: 'variable'; readonly name: string }
  /** A statement written as it is; its positions count from the start of the whole text. */
  | { readonly kind: 'statement'; readonly statement: Statement };

/** EXECUTE name [USING @a, @b]. */
export interface Execute extends Node {
  readonly kind: 'execute';
  readonly name: Identifier;
  /** Lower case, without @. */
  readonly using: readonly string[];
}

/** DEALLOCATE PREPARE name, DROP PREPARE name. */
export interface Deallocate extends Node {
  readonly kind: 'deallocate';
  readonly name: Identifier;
}
