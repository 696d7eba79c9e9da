// The commit protocol for appends: the only code that makes loaded rows visible. One SQL transaction per
// commit, a compare-and-set on everything it depends on; a repeat changes nothing. It never guesses:
// when the metadata does not answer, the transaction stays open and the caller asks again.
import { present } from '../base/assert.ts';
import { fail, toAppError } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import {
  asId,
  type DatabaseId,
  type FileId,
  type TableId,
  type TableVersion,
  type TransactionId,
} from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { CommitAttempt, CommitCheck, JobGrowth, NewFile } from '../catalog/commit-store.ts';
import { UniqueViolation } from '../catalog/driver/unique-violation.ts';
import { isFinalJobState } from '../catalog/load-jobs.ts';
import { abortion, type LoadOutcome } from '../catalog/transactions.ts';
import type { LoadFacts } from '../model/load-facts.ts';
import type {
  BegunTransaction,
  CommitRequest,
  CommitResult,
  PartitionProgress,
} from '../model/load-plan.ts';
import type { TablePoint } from '../model/table-point.ts';
import { findImbalance } from './check-request.ts';
import { commitCompaction } from './compaction-commit.ts';
import { changes, growthOf } from './growth.ts';
import { checkKnown, checkLeader, checkRejectedStore, checkTables, refuse } from './judge.ts';
import { commitOther } from './other-commit.ts';
import {
  changePartitions,
  type PartitionHooks,
  type PartitionMaker,
  recoverPartition,
} from './partition-commit.ts';
import { aborted, answerAgain, Refused, Repeated, refusedIfGone, resultOf } from './refused.ts';
import { commitRewrite, type RewriteCommit } from './rewrite-commit.ts';
import { changeSchema, type SchemaHooks, type SchemaMaker } from './schema-commit.ts';
import { checkResolved, newPatches, reservePatchIds } from './staged-deletes.ts';
import { sum } from './sum.ts';
import { takeLabel } from './take-label.ts';
import type { Turn } from './turn.ts';
import type {
  BeginOther,
  BeginTask,
  CommitHooks,
  CommitLimits,
  Committer,
  CompactionCommit,
  OtherCommit,
} from './types.ts';

export interface CommitterOptions {
  readonly catalog: Catalog;
  readonly limits: CommitLimits;
  /** `_statistics_.rejected_records`. */
  readonly rejectedTable: TableId;
}

export class CatalogCommitter implements Committer {
  readonly #catalog: Catalog;
  readonly #limits: CommitLimits;
  readonly #rejectedTable: TableId;

  constructor(options: CommitterOptions) {
    this.#catalog = options.catalog;
    this.#limits = options.limits;
    this.#rejectedTable = options.rejectedTable;
  }

  async begin(task: BeginTask): Promise<BegunTransaction> {
    const transactionId = await this.#catalog.begins.reserveTransactionId();
    const begun = await this.#catalog.transaction(async (scope) => {
      const { leaderEpoch, lease } = await scope.begins.facts(task.taskId);
      checkLeader(this.#catalog, leaderEpoch);
      if (lease?.epoch !== task.epoch) {
        throw fail('LEASE_LOST', { taskId: task.taskId, epoch: task.epoch });
      }
      const label = task.label ?? `${lease.jobName}-${lease.jobId}-${transactionId}`;
      await takeLabel(
        scope,
        transactionId,
        {
          label,
          databaseId: asId<DatabaseId>(lease.databaseId),
          tableId: lease.tableId,
          jobId: lease.jobId,
          taskId: task.taskId,
          epoch: task.epoch,
          source: 'ROUTINE_LOAD_TASK',
          coordinator: task.coordinator,
          timeoutMs: task.timeoutMs ?? this.#limits.transactionTimeoutMs,
        },
        this.#limits.running(),
      );
      return { transactionId, label, volumeId: lease.volumeId };
    });
    failpoint('begin.after-sql');
    return begun;
  }

  async beginOther(load: BeginOther): Promise<BegunTransaction> {
    const transactionId = await this.#catalog.begins.reserveTransactionId();
    const begun = await this.#catalog.transaction(async (scope) => {
      checkLeader(this.#catalog, await scope.commits.currentLeaderEpoch());
      const table = await scope.tables.byId(load.tableId);
      if (table === null) throw fail('UNKNOWN_TABLE', { table: String(load.tableId) });
      await takeLabel(
        scope,
        transactionId,
        {
          label: load.label,
          databaseId: load.databaseId,
          tableId: load.tableId,
          jobId: null,
          taskId: null,
          epoch: null,
          source: load.source,
          coordinator: load.coordinator,
          timeoutMs: load.timeoutMs ?? this.#limits.transactionTimeoutMs,
          userName: load.userName ?? '',
        },
        this.#limits.running(),
      );
      return { transactionId, label: load.label, volumeId: table.volumeId };
    });
    failpoint('begin.after-sql');
    return begun;
  }

  async commit(
    request: CommitRequest,
    hooks: CommitHooks,
    turns: readonly Turn[] = [],
  ): Promise<CommitResult> {
    failpoint('commit.before-sql');
    const { transactionId } = request;
    const imbalance = findImbalance(request, this.#rejectedTable);
    try {
      const ids = await this.#catalog.commits.reserveFileIds(
        sum(request.tables.map((table) => table.files.length)),
      );
      const patchIds = await reservePatchIds(this.#catalog, request.tables);
      const answer = await this.#catalog.transaction(async (scope) => {
        const check = await scope.commits.attempt(
          imbalance === null ? toAttempt(request) : onlyTransaction(request),
        );
        this.#judgeTransaction(request, check);
        if (imbalance !== null) {
          throw new Refused(fail('COMMIT_REQUEST_INVALID', { transactionId, detail: imbalance }));
        }
        await this.#judgeBatch(scope, request, check);
        await checkResolved(scope, request.tables, check.versions, turns);
        failpoint('commit.in-sql');
        const continueTask = await runHook(scope, request, check, hooks);
        const answered = { versions: check.versions.map(toVersion), continueTask };
        await scope.commits.publish({
          transactionId,
          jobId: request.jobId,
          versions: check.versions,
          files: toNewFiles(request, check, ids, this.#catalog.nowMs()),
          ...newPatches(request.tables, check.versions, patchIds),
          progress: request.progress,
          segments: check.segments.flatMap((segment) => (segment === null ? [] : [segment])),
          outcome: { ...answered, load: outcomeOf(request) },
        });
        // The task is over: nothing that it still holds may come after this batch.
        if (!continueTask) await scope.leases.revoke(request.taskId, 'the job wants no more of it');
        failpoint('commit.before-end');
        return { state: 'VISIBLE', ...answered } satisfies CommitResult;
      });
      failpoint('commit.after-sql');
      return answer;
    } catch (thrown) {
      const error = refusedIfGone(thrown);
      if (error instanceof Repeated) return answerAgain(error.transaction);
      if (error instanceof Refused) return await this.#refuse(request, error);
      if (!(error instanceof UniqueViolation)) throw error;
      const detail = 'a file of it is already in a table';
      return await this.#refuse(
        request,
        new Refused(fail('COMMIT_REQUEST_INVALID', { transactionId, detail }, error)),
      );
    }
  }

  async state(transactionId: TransactionId): Promise<CommitResult | null> {
    const transaction = await this.#catalog.transactions.find(transactionId);
    if (transaction === null) throw fail('UNKNOWN_TRANSACTION', { transactionId });
    return transaction.finishMs === null ? null : resultOf(transaction);
  }

  async abort(
    transactionId: TransactionId,
    reason: string,
    facts?: LoadFacts,
  ): Promise<CommitResult> {
    return await this.#catalog.transaction(async (scope) => {
      checkLeader(this.#catalog, await scope.commits.currentLeaderEpoch());
      const transaction = await scope.transactions.find(transactionId);
      if (transaction === null) throw fail('UNKNOWN_TRANSACTION', { transactionId });
      if (!(await scope.commits.abort(transactionId, reason, abortion(facts))))
        return resultOf(transaction);
      if (transaction.jobId !== null) await scope.loadJobs.countAborted(transaction.jobId, 1);
      return aborted;
    });
  }

  async prepare(transactionId: TransactionId): Promise<void> {
    await this.#catalog.transaction(async (scope) => {
      checkLeader(this.#catalog, await scope.commits.currentLeaderEpoch());
      const timeoutMs = this.#limits.preparedTimeoutMs;
      if (await scope.commits.prepare(transactionId, timeoutMs)) return;
      const transaction = await scope.transactions.find(transactionId);
      if (transaction === null) throw fail('UNKNOWN_TRANSACTION', { transactionId });
      // Asked again after a lost answer.
      if (transaction.state === 'PREPARED') return;
      const { state } = transaction;
      throw fail('TRANSACTION_STATE', { transactionId, state, wanted: 'PREPARED' });
    });
  }

  commitCompaction(request: CompactionCommit): Promise<CommitResult> {
    return commitCompaction(this.#catalog, request);
  }

  commitOther(request: OtherCommit): Promise<CommitResult> {
    const [catalog, limits, rejectedTable] = [this.#catalog, this.#limits, this.#rejectedTable];
    return commitOther({ catalog, limits, rejectedTable }, request);
  }

  async truncate(tableId: TableId): Promise<number> {
    const { commits, begins } = this.#catalog;
    const transactionId = await begins.reserveTransactionId();
    return await commits.truncate(tableId, transactionId, `truncate-${tableId}-${transactionId}`);
  }

  async rollback(tableId: TableId, at: TablePoint): Promise<TableVersion | null> {
    const { commits, begins } = this.#catalog;
    const { version, head, files } = await commits.rollbacks.plan(tableId, at);
    if (version === head) return null;
    const ids = await commits.reserveFileIds(files);
    const transactionId = await begins.reserveTransactionId();
    return await commits.rollbacks.rollback({ tableId, version }, transactionId, ids);
  }

  changeSchema(tableId: TableId, make: SchemaMaker, hooks: SchemaHooks): Promise<boolean> {
    return changeSchema(this.#catalog, tableId, make, hooks);
  }

  changePartitions(
    tableId: TableId,
    make: PartitionMaker,
    hooks: PartitionHooks,
  ): Promise<boolean> {
    return changePartitions(this.#catalog, tableId, make, hooks);
  }

  commitRewrite(request: RewriteCommit, hooks: SchemaHooks): Promise<boolean> {
    return commitRewrite(this.#catalog, request, hooks);
  }

  recoverPartition(tableId: TableId, name: string, hooks: PartitionHooks): Promise<void> {
    return recoverPartition(this.#catalog, tableId, name, hooks);
  }

  /** Throws unless the transaction is this task's and was open. */
  #judgeTransaction(request: CommitRequest, check: CommitCheck): void {
    const { transactionId } = request;
    const transaction = checkKnown(this.#catalog, transactionId, check);
    const { taskId, jobId, epoch } = transaction;
    if (taskId !== request.taskId || jobId !== request.jobId || epoch !== request.epoch) {
      const detail = `it was begun by task ${taskId ?? 'none'} under epoch ${epoch ?? 'none'}`;
      throw fail('COMMIT_REQUEST_INVALID', { transactionId, detail });
    }
    if (!check.moved) throw new Repeated(transaction);
  }

  /** Throws Refused when the batch may not become visible. */
  async #judgeBatch(
    scope: CatalogScope,
    request: CommitRequest,
    check: CommitCheck,
  ): Promise<void> {
    const { taskId, epoch } = request;
    if (check.leaseEpoch !== epoch) throw new Refused(fail('LEASE_LOST', { taskId, epoch }));
    if (check.job === null || isFinalJobState(check.job.state)) {
      throw new Refused(null, `job ${request.jobId} is ${check.job?.state ?? 'gone'}`);
    }
    checkTables(request, check);
    for (const [index, progress] of request.progress.entries()) {
      if (check.segments[index] !== null) continue;
      const { topic, partition, fromOffset } = progress;
      const stored = await scope.commits.position(request.jobId, topic, partition);
      throw new Refused(
        fail('POSITION_MISMATCH', { topic, partition, fromOffset, stored: stored ?? 'none' }),
      );
    }
    checkRejectedStore(request, check, this.#rejectedTable, this.#limits);
  }

  #refuse({ transactionId, jobId }: CommitRequest, refused: Refused): Promise<CommitResult> {
    return refuse(this.#catalog, { transactionId }, refused, (scope) =>
      scope.loadJobs.countAborted(jobId, 1),
    );
  }
}

/** The load kind's own part; what it throws refuses the batch. */
async function runHook(
  scope: CatalogScope,
  request: CommitRequest,
  check: CommitCheck,
  hooks: CommitHooks,
): Promise<boolean> {
  const { rowsLoaded, rowsFiltered } = totalsOf(request);
  const job = present(check.job, 'the job of a commit');
  try {
    const context = { request, job, rowsLoaded, rowsFiltered };
    const { continueTask } = await hooks.onCommit(scope, context);
    return continueTask && (job.state === 'RUNNING' || job.state === 'NEED_SCHEDULE');
  } catch (error) {
    throw new Refused(toAppError(error));
  }
}

function totalsOf(request: CommitRequest) {
  const total = (pick: (progress: PartitionProgress) => number): number =>
    sum(request.progress.map(pick));
  return {
    rowsLoaded: total((progress) => progress.rowsLoaded),
    rowsFiltered: total((progress) => progress.rowsFiltered),
    rowsUnselected: total((progress) => progress.rowsUnselected),
    consumed: total((progress) => progress.consumedMessages),
    receivedBytes: total((progress) => progress.receivedBytes),
  };
}

/** What the list of loads tells of a batch. Its reasons are in the table of rejected rows. */
function outcomeOf(request: CommitRequest): LoadOutcome {
  const { rowsLoaded, rowsFiltered, rowsUnselected, receivedBytes } = totalsOf(request);
  return { rowsLoaded, rowsFiltered, errorSamples: [], rowsUnselected, receivedBytes };
}

function toAttempt(request: CommitRequest): CommitAttempt {
  const totals = totalsOf(request);
  // StarRocks counts a batch without a good row as an aborted task, though its offsets move on.
  const empty = totals.rowsLoaded === 0;
  const job: JobGrowth = {
    jobId: request.jobId,
    receivedBytes: totals.receivedBytes,
    errorRows: totals.rowsFiltered,
    loadedRows: totals.rowsLoaded,
    unselectedRows: totals.rowsUnselected,
    committedTasks: empty ? 0 : 1,
    abortedTasks: empty && totals.consumed > 0 ? 1 : 0,
    executeMs: Math.max(0, Math.round(request.executeMs)),
  };
  const tables = growthOf(request.tables.filter(changes));
  const { transactionId, taskId, epoch, progress } = request;
  return { transactionId, task: { taskId, epoch }, job, progress, tables };
}

/** For a request that does not add up: none of its numbers may reach the metadata. */
function onlyTransaction({ transactionId, taskId, epoch }: CommitRequest): CommitAttempt {
  return { transactionId, task: { taskId, epoch }, job: null, progress: [], tables: [] };
}

function toNewFiles(
  request: CommitRequest,
  check: CommitCheck,
  ids: readonly FileId[],
  addedMs: number,
): readonly NewFile[] {
  const versions = new Map(check.versions.map(({ tableId, version }) => [tableId, version]));
  const files = request.tables.flatMap(({ tableId, files }) =>
    files.map((file) => ({ tableId, file })),
  );
  return files.map(({ tableId, file }, index) => ({
    id: present(ids[index], 'an id per file'),
    tableId,
    version: present(versions.get(tableId), 'a version per table'),
    addedMs,
    file,
  }));
}

function toVersion({ tableId, version }: CommitCheck['versions'][number]) {
  return { tableId, version };
}
