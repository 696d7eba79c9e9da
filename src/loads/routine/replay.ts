// REPLAY ROUTINE LOAD: rejected rows go through the job as it is now, in transactions of their own. Each makes the rows
// visible and marks their records in one metadata commit, so that whatever is killed loads no row twice and loses
// none. Where the records changed meanwhile (a compaction, another REPLAY) they are read anew.
import { present } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { AppError, fail, toAppError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { orAborted } from '../../base/queue.ts';
import type { Random } from '../../base/random.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { LoadJobRecord } from '../../catalog/load-jobs.ts';
import type { Committer } from '../../commit/types.ts';
import type { KafkaLoadPlan } from '../../model/load-plan.ts';
import type { RecordPlaces, ReplayPlan, StagedReplay } from '../../model/replay-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import {
  abortOrExpire,
  commitOrAsk,
  countedBegin,
  countRows,
  countTransaction,
  GRACE_MS,
  namedTimeout,
} from '../own-transaction.ts';
import { tableInfos } from './tables.ts';

/** Runs a plan on a CN. */
export type StageReplay = (
  request: {
    readonly plan: ReplayPlan;
    readonly transactionId: TransactionId;
    readonly label: string;
  },
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<StagedReplay>;

export interface ReplaysOptions {
  readonly catalog: Catalog;
  readonly committer: Pick<Committer, 'beginOther' | 'commitOther' | 'abort' | 'state'>;
  readonly stage: StageReplay;
  /** What becomes of messages as the job is now; null where a table of it is gone. */
  readonly planLoad: (job: LoadJobRecord) => Promise<KafkaLoadPlan | null>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** As SHOW TRANSACTION prints it. */
  readonly coordinator: string;
}

export interface ReplayRequest {
  readonly job: LoadJobRecord;
  /** Who asks for it. */
  readonly userName: string;
  /** Most records; null = all. */
  readonly limit: number | null;
  readonly timeoutMs: number;
  /** Records that no transaction from `first` on has tried, over what is there now. */
  readonly places: (
    first: TransactionId,
  ) => Promise<{ readonly wanted: RecordPlaces; readonly holders: RecordPlaces }>;
  readonly signal: AbortSignal;
}

export interface ReplayResult {
  /** Records that are marked as replayed, and rows of them that were loaded or not selected. */
  readonly replayed: number;
  readonly rowsLoaded: number;
  readonly rowsUnselected: number;
  /** Rows that were rejected again, and records that could not be tried. */
  readonly stillRejected: number;
  readonly transactions: number;
  /** First few reasons of the latter. */
  readonly errorSamples: readonly string[];
}

const KIND = 'replay';
/** Records of one transaction. */
const RECORDS_AT_ONCE = 10_000;
/** How often in a row what was read may have changed at the commit. */
const MAX_TRIES = 10;
const CHANGED: readonly string[] = ['RESOLVE_STALE', 'TURN_LOST', 'TABLE_REWRITTEN'];

interface BegunRound {
  readonly transactionId: TransactionId;
  readonly label: string;
  /** The first one of the statement. */
  readonly first: TransactionId;
  readonly limit: number;
  readonly deadlineMs: number;
}

/** One transaction: what it staged, and whether it is visible; false = what it read had changed. */
interface Round {
  readonly staged: StagedReplay;
  readonly done: boolean;
}

export class Replays {
  readonly #options: ReplaysOptions;

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  /**
   * Transaction after transaction, until no record is left that it has not tried. Throws UNKNOWN_TABLE, SQL_ANALYZE
   * where the job does not fit its table any more, CHANGE_ABORTED, TIMEOUT, REGISTRY_*, REJECTED_STORE_FULL, engine
   * and storage errors: transactions before the one that failed stay.
   */
  async run(request: ReplayRequest): Promise<ReplayResult> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + request.timeoutMs;
    const sum = { replayed: 0, rowsLoaded: 0, rowsUnselected: 0, stillRejected: 0 };
    const errorSamples: string[] = [];
    let first: TransactionId | null = null;
    let [transactions, records, tries] = [0, 0, 0];
    for (;;) {
      const limit = Math.min(RECORDS_AT_ONCE, (request.limit ?? Infinity) - records);
      if (limit <= 0) break;
      const begun = await this.#begin(request, deadlineMs);
      first ??= begun.transactionId;
      const { staged, done } = await this.#round(request, { ...begun, first, limit, deadlineMs });
      if (!done) {
        tries += 1;
        if (tries < MAX_TRIES) continue;
        const detail = 'the rejected rows or the table changed each time that it was tried';
        throw fail('CHANGE_ABORTED', {
          what: 'REPLAY',
          transactionId: begun.transactionId,
          detail,
        });
      }
      tries = 0;
      if (staged.records === 0) break;
      transactions += 1;
      records += staged.records;
      sum.replayed += staged.replayed;
      sum.rowsLoaded += staged.rowsLoaded;
      sum.rowsUnselected += staged.rowsUnselected;
      sum.stillRejected += staged.rowsFiltered + staged.copies - staged.replayed;
      errorSamples.push(...staged.errorSamples);
      if (!staged.more) break;
    }
    return { ...sum, transactions, errorSamples };
  }

  #begin({ job, userName, signal }: ReplayRequest, deadlineMs: number) {
    const { committer, random, coordinator, clock } = this.#options;
    const load = {
      label: `${KIND}_${random.uuid()}`,
      databaseId: job.databaseId,
      tableId: job.tableId,
      source: 'INSERT_STREAMING',
      coordinator,
      timeoutMs: Math.max(1, deadlineMs - clock.monotonicMs()) + GRACE_MS,
      userName,
      signal,
    } as const;
    return countedBegin(this.#options, KIND, () => committer.beginOther(load));
  }

  async #round(request: ReplayRequest, begun: BegunRound): Promise<Round> {
    const { transactionId } = begun;
    try {
      const { staged, tables } = await this.#stage(request, begun);
      if (staged.records === 0) {
        await abortOrExpire(this.#options, KIND, transactionId, 'there is nothing to replay');
        return { staged, done: true };
      }
      failpoint('replay.before-commit');
      return { staged, done: await this.#commit(tables, transactionId, staged) };
    } catch (thrown) {
      const error = toAppError(thrown);
      await abortOrExpire(this.#options, KIND, transactionId, error.message);
      throw namedTimeout(error, KIND, request.timeoutMs);
    }
  }

  async #stage(
    { job, places, signal }: ReplayRequest,
    { transactionId, label, first, limit, deadlineMs }: BegunRound,
  ): Promise<{ readonly staged: StagedReplay; readonly tables: readonly TableInfo[] }> {
    const { catalog, clock, stage, planLoad } = this.#options;
    const tables = await tableInfos(catalog, job);
    const planned = await planLoad(job);
    if (planned === null) throw fail('UNKNOWN_TABLE', { table: job.tableName });
    // What is kept of a message now stays whole, whatever new ones are cut to.
    const limits = { ...planned.limits, keptMessageBytes: Number.MAX_SAFE_INTEGER };
    const timeoutMs = Math.max(1, deadlineMs - clock.monotonicMs());
    // The table is what it is: no message of the past asks for more columns.
    const { evolution: _, ...rest } = planned;
    const load = { ...rest, limits };
    const plan = { load, ...(await places(first)), limit, timeoutMs };
    const request = { plan, transactionId, label };
    const staged = await orAborted(stage(request, { signal, timeoutMs }), signal);
    return { staged, tables };
  }

  /** False: what was read is not what is there now, and the transaction is over. */
  async #commit(
    targets: readonly TableInfo[],
    transactionId: TransactionId,
    staged: StagedReplay,
  ): Promise<boolean> {
    const { tables, records, copies, rowsLoaded, rowsFiltered, errorSamples } = staged;
    const { log } = this.#options;
    const [first, ...further] = targets.map(({ id, rewrittenVersion = 0 }) => ({
      tableId: id,
      rewrittenVersion,
    }));
    try {
      const result = await commitOrAsk(this.#options, KIND, {
        transactionId,
        ...present(first, 'table of a job'),
        ...(further.length === 0 ? {} : { further }),
        tables,
        rowsLoaded,
        rowsFiltered,
        errorSamples,
        replayed: { records, copies },
      });
      if (result.state !== 'VISIBLE') {
        const detail = 'the table was dropped, or the transaction was aborted';
        throw fail('CHANGE_ABORTED', { what: 'REPLAY', transactionId, detail });
      }
      countTransaction(this.#options, KIND, result.state);
      countRows(this.#options, KIND, rowsLoaded, rowsFiltered);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof AppError) || !CHANGED.includes(thrown.code)) throw thrown;
      log.info('a replay is done again: what it read changed', {
        txn: transactionId,
        error: thrown,
      });
      await abortOrExpire(this.#options, KIND, transactionId, thrown.message);
      return false;
    }
  }
}
