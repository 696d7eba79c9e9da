// What commit/ offers to the rest of the FE: the only way to make rows visible. Types only; the
// implementation is in committer.ts (appends), compaction-commit.ts, turn.ts and sweep.ts.

import type {
  DatabaseId,
  Epoch,
  FileId,
  PartitionId,
  TableId,
  TableVersion,
  TransactionId,
} from '../base/ids.ts';
import type { CatalogScope } from '../catalog/catalog.ts';
import type { LoadJobRecord } from '../catalog/load-jobs.ts';
import type { DeletedRows, TransactionSource } from '../catalog/transactions.ts';
import type { LoadFacts } from '../model/load-facts.ts';
import type {
  BegunTransaction,
  CommitRequest,
  CommitResult,
  StagedTable,
} from '../model/load-plan.ts';
import type { StagedFile, StagedObject } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';
import type { PartitionHooks, PartitionMaker } from './partition-commit.ts';
import type { RewriteCommit } from './rewrite-commit.ts';
import type { SchemaHooks, SchemaMaker } from './schema-commit.ts';
import type { RunningLimits } from './take-label.ts';
import type { Turn } from './turn.ts';

/** A task's batch: checked against its lease. */
export interface BeginTask {
  readonly taskId: string;
  readonly epoch: Epoch;
  /** Default: `<job name>-<job id>-<transaction id>`. */
  readonly label?: string;
  /** `CN: <node>`, as SHOW TRANSACTION prints it. */
  readonly coordinator: string;
  /** Default 10 minutes. After it the sweep aborts the transaction. */
  readonly timeoutMs?: number;
}

/** A load without a task (INSERT, Stream Load) or a compaction. */
export interface BeginOther {
  readonly label: string;
  readonly databaseId: DatabaseId;
  readonly tableId: TableId;
  readonly source: TransactionSource;
  readonly coordinator: string;
  readonly timeoutMs?: number;
  /** Who asked for it; '' = the system. */
  readonly userName?: string;
  /** Ends the wait of a load whose table has too many files. */
  readonly signal?: AbortSignal;
}

/** What the load kind learns inside the SQL transaction of a commit. */
export interface CommitContext {
  readonly request: CommitRequest;
  /** The job with this batch already counted. */
  readonly job: LoadJobRecord;
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
}

export interface CommitHooks {
  /**
   * Runs inside the SQL transaction, after all checks passed: what it writes through `scope` becomes
   * durable with the rows or not at all. It may pause the job. Throwing rolls everything back and
   * aborts the transaction.
   */
  onCommit(
    scope: CatalogScope,
    context: CommitContext,
  ): Promise<{ readonly continueTask: boolean }>;
}

export interface Committer {
  /** A PREPARE transaction for a task's batch. Throws LEASE_LOST, LABEL_ALREADY_EXISTS, LEADER_LOST. */
  begin(task: BeginTask): Promise<BegunTransaction>;
  /** A PREPARE transaction without a task. Throws LEADER_LOST, UNKNOWN_TABLE, and as takeLabel does. */
  beginOther(load: BeginOther): Promise<BegunTransaction>;
  /**
   * Makes a task's batch visible, all of it or nothing. Repeating the same request gives the same
   * answer and changes nothing. Result ABORTED: the table was dropped, the job ended, or the
   * transaction had been aborted or timed out. Throws, with the transaction ABORTED and the position
   * unmoved: LEASE_LOST, POSITION_MISMATCH, REJECTED_STORE_FULL, COMMIT_REQUEST_INVALID. Throws
   * without touching anything: LEADER_LOST, UNKNOWN_TRANSACTION, METADATA_UNAVAILABLE, DISK_FULL,
   * RESOLVE_STALE, TURN_LOST. `turns` are of the tables that were resolved at a version.
   */
  commit(
    request: CommitRequest,
    hooks: CommitHooks,
    turns?: readonly Turn[],
  ): Promise<CommitResult>;
  /** What `commit` answered or would answer, null while PREPARE or PREPARED. Throws UNKNOWN_TRANSACTION. */
  state(transactionId: TransactionId): Promise<CommitResult | null>;
  /**
   * Ends an open transaction; a final one stays as it is. Returns how it ended. `facts`: what the load tells of
   * itself. Throws UNKNOWN_TRANSACTION, LEADER_LOST.
   */
  abort(transactionId: TransactionId, reason: string, facts?: LoadFacts): Promise<CommitResult>;
  /** PREPARE -> PREPARED (two-phase loads): it no longer times out as fast. Throws TRANSACTION_STATE, UNKNOWN_TRANSACTION. */
  prepare(transactionId: TransactionId): Promise<void>;
  /**
   * Makes a compaction visible under the table's turn: inputs leave, outputs enter at one new version, and so do the
   * deletes that were carried over. Result ABORTED where an input is no longer live or got an overlay since it was
   * read, or the table is gone. Throws
   * without touching anything: TURN_LOST (it ran out, or a load waits), RESOLVE_STALE (more rows of an input were
   * deleted: carry them over and commit again).
   */
  commitCompaction(request: CompactionCommit): Promise<CommitResult>;
  /**
   * Makes the rows of a load without a task visible, all or nothing. Result ABORTED where the table is gone or
   * the transaction had been aborted. Throws, with the transaction ABORTED: REJECTED_STORE_FULL,
   * COMMIT_REQUEST_INVALID; without touching anything: LEADER_LOST, UNKNOWN_TRANSACTION, METADATA_UNAVAILABLE,
   * RESOLVE_STALE (the table is not what the deletes were worked out against: do it anew), TURN_LOST.
   */
  commitOther(request: OtherCommit): Promise<CommitResult>;
  /**
   * All rows leave a table at one new version; running queries go on with the one they read. Returns how many.
   * Throws UNKNOWN_TABLE, LEADER_LOST.
   */
  truncate(tableId: TableId): Promise<number>;
  /**
   * The rows of an older version become the rows of the table, at one new version; null where the point is the
   * version that the table has. Positions of loads stay. Throws UNKNOWN_TABLE, UNKNOWN_VERSION, NO_VERSION_THEN,
   * LEADER_LOST.
   */
  rollback(tableId: TableId, at: TablePoint): Promise<TableVersion | null>;
  /**
   * Other columns at a new version of the table; its files stay as they are. False when `make` wants no change.
   * Throws UNKNOWN_TABLE, SYSTEM_OBJECT, LEADER_LOST and what `make` throws.
   */
  changeSchema(tableId: TableId, make: SchemaMaker, hooks: SchemaHooks): Promise<boolean>;
  /**
   * Makes, drops, empties and alters partitions, all or nothing; a new version where rows come or go. False when
   * `make` wants no change. Throws UNKNOWN_TABLE, LEADER_LOST, PARTITION_EXISTS and what `make` throws.
   */
  changePartitions(tableId: TableId, make: PartitionMaker, hooks: PartitionHooks): Promise<boolean>;
  /** Files written anew for other columns; see rewrite-commit.ts. */
  commitRewrite(request: RewriteCommit, hooks: SchemaHooks): Promise<boolean>;
  /**
   * The partition of that name that was dropped last, with its rows, at a new version. Throws UNKNOWN_TABLE,
   * LEADER_LOST, NOT_IN_RECYCLE_BIN, PARTITION_EXISTS, PARTITION_OVERLAPS.
   */
  recoverPartition(tableId: TableId, name: string, hooks: PartitionHooks): Promise<void>;
}

export interface CompactionCommit {
  readonly transactionId: TransactionId;
  readonly tableId: TableId;
  readonly turn: Turn;
  readonly inputs: readonly FileId[];
  /** Rows of the inputs that the outputs leave out, since they were deleted. */
  readonly deletedRows: number;
  /** Rows of the inputs' overlays, which the outputs have in them. */
  readonly overlaidRows: number;
  readonly outputs: readonly StagedFile[];
  /** Positions in the one output of rows that were deleted from the inputs after those were read; null: none. */
  readonly carried: StagedObject | null;
  /** Rows of one key became one: the outputs may hold fewer rows, and the inputs must be neighbours in commit order. */
  readonly merged?: true;
}

export type OverwrittenPartitions = readonly PartitionId[] | 'dynamic';

/** What a load without a task asks to make visible. Repeating it changes nothing. */
export interface OtherCommit {
  readonly transactionId: TransactionId;
  /** The target; beside it and `further` the one other table that `tables` may hold is that of rejected rows. */
  readonly tableId: TableId;
  readonly tables: readonly StagedTable[];
  /** `rewrittenVersion` of the target that the rows were made for: with another one now they are refused. Absent: 0. */
  readonly rewrittenVersion?: number;
  /** Targets beside the first one, of rows that go to several tables. */
  readonly further?: readonly Pick<OtherCommit, 'tableId' | 'rewrittenVersion'>[];
  /** Of the table whose rows were resolved at a version (`StagedTable.resolvedAt`); of the others, where they are several. */
  readonly turn?: Turn;
  readonly furtherTurns?: readonly Turn[];
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  readonly errorSamples: readonly string[];
  /** Of a REPLAY: the records that leave the table of rejected rows, and those that enter it again as they were. */
  readonly replayed?: { readonly records: number; readonly copies: number };
  /** What the load tells of itself, whether it becomes visible or is refused. */
  readonly facts?: LoadFacts;
  /** Of a DELETE. */
  readonly deleted?: DeletedRows;
  /** The files that are live at the commit leave the target at the same version, whoever added them. */
  readonly overwrite?: boolean;
  /** Only those of these partitions, or of the partitions that get rows; absent: of all but temporary ones. */
  readonly overwritten?: OverwrittenPartitions;
}

export interface CommitLimits {
  /** Most bytes of live files in `_statistics_.rejected_records`. */
  readonly rejectedStoreBytes: number;
  readonly transactionTimeoutMs: number;
  readonly preparedTimeoutMs: number;
  readonly running: () => RunningLimits;
}

export const DEFAULT_COMMIT_LIMITS: CommitLimits = {
  rejectedStoreBytes: 1024 ** 3,
  transactionTimeoutMs: 10 * 60_000,
  preparedTimeoutMs: 24 * 3_600_000,
  running: () => ({ perDatabase: 1000, perNode: -1 }),
};
