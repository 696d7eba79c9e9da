// What passes between the SQLite worker and its owner. Plain data.

export type SqlValue = string | number | bigint | null | Uint8Array;

export interface SqlStatement {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** One hop: begin (or not), statements in order, then perhaps an end. */
export interface SqliteRequest {
  readonly id: number;
  readonly begin: boolean;
  readonly statements: readonly SqlStatement[];
  readonly end: 'commit' | 'rollback' | 'close' | null;
}

export interface StatementResult {
  readonly rows: Record<string, SqlValue>[];
  readonly changes: number;
}

export interface SqliteFailure {
  /** SQLite's extended result code, null when the failure is not SQLite's. */
  readonly errcode: number | null;
  readonly message: string;
}

/** id -1: the answer to opening the file. */
export type SqliteResponse =
  | { readonly id: number; readonly results: readonly StatementResult[] }
  | { readonly id: number; readonly failure: SqliteFailure };
