// The SQL of the commit protocol, portable between the databases. Only commit/ may call it. Every check
// is a compare-and-set that gives back what it found; commit/ decides what that means.
import { assert, present } from '../base/assert.ts';
import {
  asId,
  type Epoch,
  type FileId,
  type JobId,
  type PartitionId,
  type TableId,
  type TableVersion,
  type TransactionId,
} from '../base/ids.ts';
import type { PartitionProgress } from '../model/load-plan.ts';
import type { StagedFile } from '../model/table.ts';
import { type CommittedParts, committedPartitions } from './committed-partitions.ts';
import type { CatalogContext } from './context.ts';
import { DeleteStore, type NewDeletes, type NewOverlay } from './delete-store.ts';
import { runNamedBatch } from './driver/batch.ts';
import { fileRow } from './file-row.ts';
import { checkLeader } from './instant-change.ts';
import { readJob, selectJobs } from './load-job-store.ts';
import type { LoadJobRecord } from './load-jobs.ts';
import { removePartitionFiles, replaceAllFiles } from './overwrite-files.ts';
import { countBetween, type PlacedFile } from './partition-files.ts';
import { PartitionStore } from './partition-store.ts';
import { RollbackStore } from './rollback-store.ts';
import { readTransaction, type Success, success, type TransactionRecord } from './transactions.ts';
import { TruncateStore } from './truncate-store.ts';
import { newVersion } from './version-row.ts';

/** Rows of one INSERT: SQLite binds 32,766 values at most. */
const INSERT_ROWS = 500;

/** What a commit adds to one table. */
export interface TableGrowth {
  readonly tableId: TableId;
  readonly files: number;
  readonly rows: number;
  readonly sizeBytes: number;
}

export interface JobGrowth {
  readonly jobId: JobId;
  readonly receivedBytes: number;
  readonly errorRows: number;
  readonly loadedRows: number;
  readonly unselectedRows: number;
  readonly committedTasks: number;
  readonly abortedTasks: number;
  readonly executeMs: number;
}

export interface CommitAttempt {
  readonly transactionId: TransactionId;
  /** Null for a compaction or a load without a task. */
  readonly task: { readonly taskId: string; readonly epoch: Epoch } | null;
  readonly job: JobGrowth | null;
  readonly progress: readonly PartitionProgress[];
  readonly tables: readonly TableGrowth[];
}

/** What the compare-and-sets found; nothing of it stays unless the SQL transaction commits. */
export interface CommitCheck {
  readonly leaderEpoch: Epoch;
  /** True when the transaction was open and is now VISIBLE. */
  readonly moved: boolean;
  readonly transaction: TransactionRecord | null;
  readonly leaseEpoch: Epoch | null;
  /** Null when the job is gone. Counted already. */
  readonly job: LoadJobRecord | null;
  /** New versions; a dropped table is not among them. */
  readonly versions: readonly {
    readonly tableId: TableId;
    readonly version: TableVersion;
    readonly sizeBytes: number;
  }[];
  /** Ledger segment per entry of `progress`; null where the stored position was another. */
  readonly segments: readonly (number | null)[];
}

export interface NewFile {
  readonly id: FileId;
  readonly tableId: TableId;
  readonly version: TableVersion;
  /** Of the newest rows in it. */
  readonly addedMs: number;
  readonly file: StagedFile;
  /** Of a file that takes the place of others: theirs. Absent: it comes after all files of the table. */
  readonly sequence?: number;
}

export class CommitStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Not inside a transaction. */
  reserveTransactionId(): Promise<TransactionId> {
    return this.#context.ids.one<TransactionId>('transaction');
  }

  /** Not inside a transaction. */
  reserveFileIds(count: number): Promise<readonly FileId[]> {
    return this.#context.ids.many<FileId>('file', count);
  }

  async currentLeaderEpoch(): Promise<Epoch> {
    const row = await this.#context.db
      .selectFrom('incarnation')
      .select('leader_epoch')
      .executeTakeFirst();
    return asId<Epoch>(present(row, 'the incarnation row').leader_epoch);
  }

  /** Every check of a commit in one hop. */
  async attempt(attempt: CommitAttempt): Promise<CommitCheck> {
    const { db } = this.#context;
    const nowMs = this.#context.nowMs();
    let move = db
      .updateTable('transactions')
      .set({ state: 'VISIBLE', commit_ms: nowMs, finish_ms: nowMs })
      .where('id', '=', attempt.transactionId)
      .where('finish_ms', 'is', null);
    if (attempt.task !== null) {
      move = move
        .where('task_id', '=', attempt.task.taskId)
        .where('epoch', '=', attempt.task.epoch);
    }
    const jobId = attempt.job?.jobId ?? asId<JobId>(0);
    const found = await runNamedBatch(db, {
      moved: move.returning('id'),
      transaction: db
        .selectFrom('transactions')
        .selectAll()
        .where('id', '=', attempt.transactionId),
      leader: db.selectFrom('incarnation').select('leader_epoch'),
      lease: db
        .selectFrom('task_leases')
        .select('epoch')
        .where('task_id', '=', attempt.task?.taskId ?? ''),
      positions: attempt.progress.map((progress) => this.#movePosition(jobId, progress)),
      tables: attempt.tables.map((table) => this.#growTable(table)),
      grownJob: attempt.job === null ? [] : [this.#growJob(attempt.job)],
      job: selectJobs(this.#context).where('load_jobs.id', '=', jobId),
    });
    const transaction = found.transaction[0];
    const job = found.job[0];
    const lease = found.lease[0];
    return {
      leaderEpoch: asId<Epoch>(present(found.leader[0], 'the incarnation row').leader_epoch),
      moved: found.moved.length === 1,
      transaction: transaction === undefined ? null : readTransaction(transaction),
      leaseEpoch: lease === undefined ? null : asId<Epoch>(lease.epoch),
      job: job === undefined ? null : readJob(this.#context, job),
      versions: found.tables
        .flatMap((rows) => [...rows])
        .map((row) => ({
          tableId: asId<TableId>(row.id),
          version: asId<TableVersion>(row.head_version),
          sizeBytes: row.live_bytes,
        })),
      segments: found.positions.map((rows) => rows[0]?.ledger_segment ?? null),
    };
  }

  /** The stored position, for the message of a mismatch; null when the partition is not known. */
  async position(jobId: JobId, topic: string, partition: number): Promise<bigint | null> {
    const row = await this.#context.db
      .selectFrom('load_positions')
      .select('next_offset')
      .where('job_id', '=', jobId)
      .where('topic', '=', topic)
      .where('partition_no', '=', partition)
      .executeTakeFirst();
    return row?.next_offset ?? null;
  }

  /** The writes of a commit whose checks passed: files, versions, ledger, the transaction's answer. Throws PARTITION_GONE. */
  async publish(commit: {
    readonly transactionId: TransactionId;
    readonly jobId: JobId | null;
    readonly versions: CommitCheck['versions'];
    readonly files: readonly NewFile[];
    readonly deletes?: readonly NewDeletes[];
    readonly overlays?: readonly NewOverlay[];
    readonly progress: readonly PartitionProgress[];
    readonly segments: readonly number[];
    /** Partitions that all files left, of the tables where they did. */
    readonly emptied?: CommittedParts['emptied'];
    readonly outcome: Success;
  }): Promise<void> {
    const { db } = this.#context;
    const nowMs = this.#context.nowMs();
    const { transactionId } = commit;
    const { files, deletes = [], overlays = [], emptied = [] } = commit;
    const placed = await new PartitionStore(this.#context).place(files);
    const parts = { files, placed, patches: [...deletes, ...overlays], emptied };
    const partitions = await committedPartitions(this.#context, parts);
    const rows = files.map((entry, index) =>
      fileRow(entry, index, { transactionId, partitionId: placed[index] ?? 0 }),
    );
    const chunks = Array.from({ length: Math.ceil(rows.length / INSERT_ROWS) }, (_, index) =>
      rows.slice(index * INSERT_ROWS, (index + 1) * INSERT_ROWS),
    );
    const versions = commit.versions.map(({ tableId, version }) =>
      newVersion(this.#context, { tableId, version, transactionId }),
    );
    await runNamedBatch(db, {
      files: chunks.map((chunk) => db.insertInto('files').values(chunk)),
      versions: versions.length === 0 ? [] : [db.insertInto('table_versions').values(versions)],
      ledger: commit.progress.map((progress, index) =>
        this.#addToLedger(
          present(commit.jobId, 'the job of a position'),
          progress,
          present(commit.segments[index], 'a ledger segment per partition'),
          nowMs,
        ),
      ),
      answer: db
        .updateTable('transactions')
        .set({ attachment_json: success({ ...commit.outcome, partitions }) })
        .where('id', '=', transactionId),
    });
    const patches = new DeleteStore(this.#context);
    for (const added of deletes) await patches.add(added, transactionId);
    for (const added of overlays) await patches.addOverlay(added, transactionId);
  }

  /**
   * Takes live files with their deletes out of a table at `version`. Returns the files that really left, for the
   * caller to compare.
   */
  async removeFiles(
    tableId: TableId,
    ids: readonly FileId[],
    version: TableVersion,
  ): Promise<
    readonly {
      readonly id: FileId;
      readonly rowCount: number;
      readonly deletedRows: number;
      readonly overlaidRows: number;
      readonly sizeBytes: number;
      readonly addedMs: number;
      readonly sequence: number;
    }[]
  > {
    const { db, nowMs } = this.#context;
    assert(ids.length <= 20_000, 'a bounded number of files in one compaction');
    const deletes = new DeleteStore(this.#context);
    const standing = await deletes.standing(tableId, ids);
    const rows = await db
      .updateTable('files')
      .set({ removed_version: version, removed_ms: nowMs() })
      .where('table_id', '=', tableId)
      .where('id', 'in', ids)
      .where('removed_version', 'is', null)
      .returning(['id', 'row_count', 'size_bytes', 'added_ms', 'sequence'])
      .execute();
    const removed = rows.map((row) => asId<FileId>(row.id));
    await deletes.removeOf(removed, version);
    return rows.map((row) => ({
      id: asId<FileId>(row.id),
      rowCount: row.row_count,
      deletedRows: standing.get(asId<FileId>(row.id))?.deletedRows ?? 0,
      overlaidRows: standing.get(asId<FileId>(row.id))?.overlaidRows ?? 0,
      sizeBytes: row.size_bytes,
      addedMs: row.added_ms,
      sequence: row.sequence,
    }));
  }

  /** See `countBetween`. */
  countBetween(tableId: TableId, removed: readonly PlacedFile[]): Promise<number> {
    return countBetween(this.#context, tableId, removed);
  }

  /**
   * Takes live files whose newest rows came before `beforeMs` out of a table, at a new version of its
   * own. Returns how many left. Throws LEADER_LOST.
   */
  async expireFiles(tableId: TableId, beforeMs: number, limit: number): Promise<number> {
    const transactionId = await this.reserveTransactionId();
    return await this.#context.atomically(async (context) => {
      const inside = new CommitStore(context);
      const { db } = context;
      await checkLeader(context);
      const old = await db
        .selectFrom('files')
        .select('id')
        .where('table_id', '=', tableId)
        .where('removed_version', 'is', null)
        .where('added_ms', '<', beforeMs)
        .orderBy('id')
        .limit(limit)
        .execute();
      if (old.length === 0) return 0;
      const empty = { tableId, files: -old.length, rows: 0, sizeBytes: 0 };
      const [table] = await inside.#growTable(empty).execute();
      if (table === undefined) return 0;
      const version = asId<TableVersion>(table.head_version);
      const ids = old.map((row) => asId<FileId>(row.id));
      const removed = await inside.removeFiles(tableId, ids, version);
      assert(removed.length === old.length, 'what was live a moment ago in this transaction');
      const rows = removed.reduce((total, file) => total + file.rowCount - file.deletedRows, 0);
      const sizeBytes = removed.reduce((total, file) => total + file.sizeBytes, 0);
      await inside.grow(tableId, -rows, -sizeBytes);
      await db
        .insertInto('table_versions')
        .values(newVersion(context, { tableId, version, transactionId, source: 'EXPIRE' }))
        .execute();
      return removed.length;
    });
  }

  /** How a table goes back to an older version. */
  get rollbacks(): RollbackStore {
    return new RollbackStore(this.#context);
  }

  /** Takes all files out of a table. Throws UNKNOWN_TABLE, LEADER_LOST. */
  truncate(tableId: TableId, transactionId: TransactionId, label: string): Promise<number> {
    return new TruncateStore(this.#context).truncate(tableId, transactionId, label);
  }

  /** All files leave a table at `version`, which then holds what `left` says: the files that the commit adds. */
  replaceFiles(left: TableGrowth, version: TableVersion): Promise<void> {
    return replaceAllFiles(this.#context, left, version);
  }

  /** All files of the partitions leave a table at `version`. */
  removePartitionFiles(
    tableId: TableId,
    ids: readonly PartitionId[],
    version: TableVersion,
  ): Promise<void> {
    return removePartitionFiles(this.#context, this, { tableId, ids, version });
  }

  /** Corrects a table's rows and bytes without a new version. */
  async grow(tableId: TableId, rows: number, sizeBytes: number): Promise<void> {
    await this.#context.db
      .updateTable('tables')
      .set((eb) => ({
        live_rows: eb('live_rows', '+', rows),
        live_bytes: eb('live_bytes', '+', sizeBytes),
      }))
      .where('id', '=', tableId)
      .execute();
  }

  /** Ends an open transaction as ABORTED; false when it was final already. */
  async abort(id: TransactionId, reason: string, attachmentJson: string): Promise<boolean> {
    const { db, nowMs } = this.#context;
    const row = await db
      .updateTable('transactions')
      .set({ state: 'ABORTED', finish_ms: nowMs(), reason, attachment_json: attachmentJson })
      .where('id', '=', id)
      .where('finish_ms', 'is', null)
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** PREPARE -> PREPARED; false when it was not PREPARE. */
  async prepare(id: TransactionId, timeoutMs: number): Promise<boolean> {
    const { db, nowMs } = this.#context;
    const row = await db
      .updateTable('transactions')
      .set({ state: 'PREPARED', prepared_ms: nowMs(), timeout_ms: timeoutMs })
      .where('id', '=', id)
      .where('state', '=', 'PREPARE')
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }

  #movePosition(jobId: JobId, progress: PartitionProgress) {
    return this.#context.db
      .updateTable('load_positions')
      .set({
        next_offset: progress.toOffset,
        latest_offset: progress.latestOffset,
        ...(progress.lastTimestampMs === null
          ? {}
          : { last_timestamp_ms: progress.lastTimestampMs }),
      })
      .where('job_id', '=', jobId)
      .where('topic', '=', progress.topic)
      .where('partition_no', '=', progress.partition)
      .where('next_offset', '=', progress.fromOffset)
      .returning('ledger_segment');
  }

  #growTable(table: TableGrowth) {
    return this.#context.db
      .updateTable('tables')
      .set((eb) => ({
        head_version: eb('head_version', '+', 1),
        live_files: eb('live_files', '+', table.files),
        live_rows: eb('live_rows', '+', table.rows),
        live_bytes: eb('live_bytes', '+', table.sizeBytes),
      }))
      .where('id', '=', table.tableId)
      .where('dropped_ms', 'is', null)
      .returning(['id', 'head_version', 'live_bytes']);
  }

  #growJob(job: JobGrowth) {
    const totalRows = job.loadedRows + job.errorRows + job.unselectedRows;
    return this.#context.db
      .updateTable('load_jobs')
      .set((eb) => ({
        received_bytes: eb('received_bytes', '+', job.receivedBytes),
        error_rows: eb('error_rows', '+', job.errorRows),
        loaded_rows: eb('loaded_rows', '+', job.loadedRows),
        unselected_rows: eb('unselected_rows', '+', job.unselectedRows),
        total_rows: eb('total_rows', '+', totalRows),
        committed_tasks: eb('committed_tasks', '+', job.committedTasks),
        aborted_tasks: eb('aborted_tasks', '+', job.abortedTasks),
        execute_ms: eb('execute_ms', '+', job.executeMs),
        window_error_rows: eb('window_error_rows', '+', job.errorRows),
        window_total_rows: eb('window_total_rows', '+', totalRows),
      }))
      .where('id', '=', job.jobId);
  }

  #addToLedger(jobId: JobId, progress: PartitionProgress, segment: number, nowMs: number) {
    const added = {
      received: progress.receivedMessages,
      consumed: progress.consumedMessages,
      skipped_control: progress.skipped.control,
      skipped_aborted: progress.skipped.aborted,
      skipped_empty: progress.skipped.empty,
      skipped_gap: progress.skipped.gap,
      received_bytes: progress.receivedBytes,
      rows_loaded: progress.rowsLoaded,
      rows_filtered: progress.rowsFiltered,
      rows_unselected: progress.rowsUnselected,
    };
    return this.#context.db
      .insertInto('load_ledger')
      .values({
        job_id: jobId,
        topic: progress.topic,
        partition_no: progress.partition,
        segment,
        from_offset: progress.fromOffset,
        to_offset: progress.toOffset,
        ...added,
        first_commit_ms: nowMs,
        last_commit_ms: nowMs,
      })
      .onConflict((conflict) =>
        conflict.columns(['job_id', 'topic', 'partition_no', 'segment']).doUpdateSet((eb) => ({
          to_offset: progress.toOffset,
          last_commit_ms: nowMs,
          received: eb('load_ledger.received', '+', added.received),
          consumed: eb('load_ledger.consumed', '+', added.consumed),
          skipped_control: eb('load_ledger.skipped_control', '+', added.skipped_control),
          skipped_aborted: eb('load_ledger.skipped_aborted', '+', added.skipped_aborted),
          skipped_empty: eb('load_ledger.skipped_empty', '+', added.skipped_empty),
          skipped_gap: eb('load_ledger.skipped_gap', '+', added.skipped_gap),
          received_bytes: eb('load_ledger.received_bytes', '+', added.received_bytes),
          rows_loaded: eb('load_ledger.rows_loaded', '+', added.rows_loaded),
          rows_filtered: eb('load_ledger.rows_filtered', '+', added.rows_filtered),
          rows_unselected: eb('load_ledger.rows_unselected', '+', added.rows_unselected),
        })),
      );
  }
}
