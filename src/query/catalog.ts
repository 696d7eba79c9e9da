// What the analyser is given: a consistent snapshot of every table a statement names, and the session.
// Plain data, read before analysis begins; nothing in here does I/O.

import type { TableVersion } from '../base/ids.ts';
import type { Partition } from '../model/partition.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { DataFile, TableInfo, VolumeSpec } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';

/** A table reference as written: `database` is null where the statement did not name one. */
export interface TableRef {
  readonly database: string | null;
  readonly name: string;
  /** The table as it was; absent: as it is. */
  readonly at?: TablePoint;
}

/** An ordinary table at one version: its files are what the query will read, no more and no less. */
export interface StoredTable {
  readonly kind: 'stored';
  readonly info: TableInfo;
  readonly version: TableVersion;
  readonly files: readonly DataFile[];
  /** Of a table with partitions: all that are live, temporary ones too. */
  readonly partitions?: readonly Partition[];
  /** Every volume that `files` lie in. */
  readonly volumes: readonly VolumeSpec[];
}

/** A table whose rows the FE knows itself (information_schema and the like). */
export interface InlineTableSource {
  readonly kind: 'inline';
  readonly databaseName: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  /** Texts as StarRocks prints them; null = NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
}

export type QueryTable = StoredTable | InlineTableSource;

/** All tables of one statement from ONE metadata read. */
export interface QueryCatalog {
  /** Is there such a database? Decides between `Unknown database` and `Unknown table`. */
  hasDatabase(database: string): boolean;
  /** The table, or undefined when it does not exist. Names are as written; the callee decides on letter case. */
  table(database: string, name: string, at?: TablePoint): QueryTable | undefined;
}

/** What of the session a query can see. */
export interface QuerySession {
  /** From USE; null when none is selected. */
  readonly currentDatabase: string | null;
  /** Login name, without quotes: `root`. */
  readonly userName: string;
  /** Host of the account, as CURRENT_USER prints it: `%` or another pattern. */
  readonly userHost: string;
  /** Names of the active roles. */
  readonly roles: readonly string[];
  /** Is the role active, itself or through an active one that has it? */
  hasRole(name: string): boolean;
  readonly connectionId: number;
  /** What VERSION() answers, such as `5.1.0` or `8.0.33`. */
  readonly serverVersion: string;
  /** What CURRENT_VERSION() answers. */
  readonly productVersion: string;
  /** One of the system variables by lower-case name (`sql_mode`, `version_comment`, ...), undefined = unknown. */
  systemVariable(name: string, scope: 'session' | 'global'): SystemValue | undefined;
  /** The known system variables whose names are most like this one. */
  nearVariables(name: string): readonly string[];
  /** A user variable (`@x`) by lower-case name; undefined = never set (NULL). */
  userVariable(name: string): UserValue | undefined;
  /** IANA name (`Asia/Shanghai`) or offset (`+08:00`); the caller has resolved `SYSTEM`. */
  readonly timeZone: string;
  /** sql_mode flags that change the meaning of expressions. */
  readonly sqlMode: string;
  /** Wall clock at statement start, milliseconds since the epoch: every now() of the statement. */
  readonly nowMs: number;
}

/** A system variable's value and how it is typed in a result. */
export type SystemValue = string | number | bigint | boolean | null;

export interface UserValue {
  readonly type: SqlType;
  /** Text as StarRocks prints it; null = NULL. */
  readonly text: string | null;
}

export interface QueryLimits {
  /** Hard limit of the running time (session variable query_timeout), in milliseconds. */
  readonly timeoutMs: number;
  /** `sql_select_limit`-like cap on rows, null = none. */
  readonly maxRows: number | null;
}

export interface QueryContext {
  readonly catalog: QueryCatalog;
  readonly session: QuerySession;
  readonly limits: QueryLimits;
}
