// MergePlan (FE -> CN): what several loads of one transaction staged for a table with keys, in their order. The CN
// makes one batch of it, in which of each key the last row counts. Plain data, structured-clone safe.
import type { TransactionId } from '../base/ids.ts';
import type { DraftRows, LoadTarget, StagedTable } from './load-plan.ts';
import type { TableSchema, VolumeSpec } from './table.ts';

export interface MergePlan {
  readonly transactionId: TransactionId;
  /** With keys. */
  readonly target: LoadTarget;
  readonly schema: TableSchema;
  /** How all rows that are written meet the old ones of their keys; null: they take their place. */
  readonly draft: Omit<DraftRows, 'file'> | null;
  /** All of the target: with drafts of that kind, or with files, and none with deletes of positions or an overlay. */
  readonly parts: readonly StagedTable[];
  readonly volumes: readonly VolumeSpec[];
  readonly timeoutMs: number;
}
