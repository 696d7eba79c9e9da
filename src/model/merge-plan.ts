// MergePlan (FE -> CN): what several loads of one transaction staged for a table with keys, in their order. The CN
// makes one batch of it, in which of each key the last row counts. Plain data, structured-clone safe.
import type { TransactionId } from '../base/ids.ts';
import type { LoadTarget, StagedTable } from './load-plan.ts';
import type { TableSchema, VolumeSpec } from './table.ts';

export interface MergePlan {
  readonly transactionId: TransactionId;
  /** With keys. */
  readonly target: LoadTarget;
  readonly schema: TableSchema;
  /** All of the target, none of them with a draft, deletes or an overlay. */
  readonly parts: readonly StagedTable[];
  readonly volumes: readonly VolumeSpec[];
  readonly timeoutMs: number;
}
