// Small statements about the server and its tables: ANALYZE, SYNC, HELP, LOCK TABLES, SET CATALOG.
import type { Identifier, Node, QualifiedName } from './node.ts';

export type AdminStatement =
  | AnalyzeTable
  | CheckTable
  | AdminSweep
  | Sync
  | Help
  | LockTables
  | SetCatalog;

/** ANALYZE [FULL|SAMPLE] TABLE t [(c, ...)] [WITH SYNC|ASYNC MODE] [PROPERTIES (...)]; what it asks for is not kept. */
export interface AnalyzeTable extends Node {
  readonly kind: 'analyze_table';
  readonly table: QualifiedName;
  /** Empty: all. */
  readonly columns: readonly Identifier[];
}

/** CHECK TABLE t, ... [FOR UPGRADE | QUICK | FAST | MEDIUM | EXTENDED | CHANGED]: MySQL's words. */
export interface CheckTable extends Node {
  readonly kind: 'check_table';
  readonly tables: readonly QualifiedName[];
  /** EXTENDED: every file is read again. */
  readonly deep: boolean;
}

/** ADMIN SWEEP [DRY RUN]. */
export interface AdminSweep extends Node {
  readonly kind: 'admin_sweep';
  readonly dryRun: boolean;
}

/** SYNC: waits until the metadata that other FEs wrote is here. */
export interface Sync extends Node {
  readonly kind: 'sync';
}

/** HELP [topic]. */
export interface Help extends Node {
  readonly kind: 'help';
  readonly topic: string | null;
}

/** LOCK TABLES t READ|WRITE, ... and UNLOCK TABLES. */
export interface LockTables extends Node {
  readonly kind: 'lock_tables' | 'unlock_tables';
  /** Empty for UNLOCK. */
  readonly tables: readonly { readonly table: QualifiedName; readonly write: boolean }[];
}

/** SET CATALOG name. */
export interface SetCatalog extends Node {
  readonly kind: 'set_catalog';
  readonly name: string;
}
