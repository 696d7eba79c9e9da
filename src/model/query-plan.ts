// QueryPlan (FE -> CN): one analysed SELECT as DuckDB SQL plus the files its scans read. Only SQL made
// by our own generator goes in here, never a user's text.
import type { SqlType } from './sql-type.ts';
import type { DataFile, TableSchema, VolumeSpec } from './table.ts';

/** A table scan: the generated SQL names it by `placeholder` (a bare identifier such as `__scan0`). */
export interface QueryScan {
  readonly placeholder: string;
  readonly schema: TableSchema;
  readonly files: readonly DataFile[];
}

/** Rows that the FE itself knows (information_schema and the like), small and bounded. */
export interface InlineTable {
  readonly placeholder: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface ResultColumn {
  readonly name: string;
  readonly type: SqlType;
}

export interface QueryPlan {
  /** DuckDB SELECT text; scans and inline tables appear as their placeholders in FROM. */
  readonly duckdbSql: string;
  readonly columns: readonly ResultColumn[];
  readonly scans: readonly QueryScan[];
  readonly inlineTables: readonly InlineTable[];
  readonly volumes: readonly VolumeSpec[];
  readonly timeoutMs: number;
}
