// Transactions and labels: rows and the states they may take. Making a transaction VISIBLE is in
// commit-store.ts and only commit/ calls it.
import type { DatabaseId, Epoch, JobId, TableId, TransactionId } from '../base/ids.ts';

export type TransactionState = 'PREPARE' | 'PREPARED' | 'COMMITTED' | 'VISIBLE' | 'ABORTED';

/** As StarRocks names them in LoadJobSourceType. */
export type TransactionSource =
  | 'FRONTEND'
  | 'BACKEND_STREAMING'
  | 'INSERT_STREAMING'
  | 'ROUTINE_LOAD_TASK'
  | 'BATCH_LOAD_JOB'
  | 'DELETE'
  | 'LAKE_COMPACTION';

export interface TransactionRecord {
  readonly id: TransactionId;
  readonly label: string;
  readonly databaseId: DatabaseId;
  readonly tableId: TableId | null;
  readonly jobId: JobId | null;
  readonly taskId: string | null;
  readonly epoch: Epoch | null;
  readonly state: TransactionState;
  readonly source: TransactionSource;
  /** `FE: <host>` or `CN: <node>`. */
  readonly coordinator: string;
  readonly prepareMs: number;
  readonly preparedMs: number | null;
  readonly commitMs: number | null;
  readonly finishMs: number | null;
  readonly timeoutMs: number;
  readonly reason: string;
  /** JSON of what the transaction did or why it failed; '' while it is open. */
  readonly attachmentJson: string;
}

export interface NewTransaction {
  readonly label: string;
  readonly databaseId: DatabaseId;
  readonly tableId: TableId | null;
  readonly jobId: JobId | null;
  readonly taskId: string | null;
  readonly epoch: Epoch | null;
  readonly source: TransactionSource;
  readonly coordinator: string;
  readonly timeoutMs: number;
}

export interface Transactions {
  find(id: TransactionId): Promise<TransactionRecord | null>;
  byLabel(databaseId: DatabaseId, label: string): Promise<TransactionRecord | null>;
  /** Newest first, `limit` at most. `running` = only those not final. */
  list(filter: {
    readonly databaseId?: DatabaseId;
    readonly jobId?: JobId;
    readonly running?: boolean;
    readonly limit: number;
  }): Promise<readonly TransactionRecord[]>;
}
