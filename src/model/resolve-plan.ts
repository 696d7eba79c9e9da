// ResolvePlan (FE -> CN): a staged batch of a table with keys, and the files in which older rows of its keys may
// be. The CN answers with the positions that the batch takes the place of. Plain data, structured-clone safe.
import type { TableVersion, TransactionId } from '../base/ids.ts';
import type { LoadTarget, StagedTable } from './load-plan.ts';
import type { DataFile, TableSchema, VolumeSpec } from './table.ts';

export interface ResolvePlan {
  readonly transactionId: TransactionId;
  readonly target: LoadTarget;
  /** The table at `version`. */
  readonly schema: TableSchema;
  readonly version: TableVersion;
  /** Already pruned by the range of the keys. */
  readonly files: readonly DataFile[];
  readonly volumes: readonly VolumeSpec[];
  /** The table's property `enable_persistent_index`: keys may be looked up through the CN's key index. */
  readonly useKeyIndex: boolean;
  /** As the loader staged it. */
  readonly staged: StagedTable;
  readonly timeoutMs: number;
}
