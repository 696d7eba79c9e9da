// INSERT: begins a transaction, has a CN stage the rows, commits. One try: whatever goes wrong before the
// commit aborts the transaction, and its label can be used again. A lost answer of the CN leaves nothing.
import type { Clock } from '../../base/clock.ts';
import { fail, toAppError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { orAborted } from '../../base/queue.ts';
import type { Random } from '../../base/random.ts';
import type { Committer, OverwrittenPartitions } from '../../commit/types.ts';
import type { InsertPlan, StagedInsert } from '../../model/insert-plan.ts';
import type { BegunTransaction, CommitResult } from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import {
  abortOrExpire,
  commitOrAsk,
  countRows,
  countTransaction,
  explainedLines,
  GRACE_MS,
  namedTimeout,
  ONLY_EXPLAINED,
} from '../own-transaction.ts';
import { failedFacts, StatementTimer, statementFacts } from '../statement-facts.ts';

/** Runs a plan on a CN. */
export type StageInsert = (
  request: {
    readonly plan: InsertPlan;
    readonly transactionId: TransactionId;
    readonly label: string;
  },
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<StagedInsert>;

export interface InsertsOptions {
  readonly committer: Pick<Committer, 'beginOther' | 'commitOther' | 'abort' | 'state'>;
  readonly stage: StageInsert;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** As SHOW TRANSACTION prints it. */
  readonly coordinator: string;
}

export interface InsertRequest {
  readonly table: TableInfo;
  readonly plan: InsertPlan;
  /** All rows that the table holds at the commit leave with it. */
  readonly overwrite?: boolean;
  /** Only of these partitions, or of those that get rows. */
  readonly overwritten?: OverwrittenPartitions;
  /** Null: `insert_<uuid>`. */
  readonly label: string | null;
  readonly signal: AbortSignal;
}

export interface InsertResult {
  readonly label: string;
  readonly transactionId: TransactionId;
  readonly rowsLoaded: number;
  readonly rowsFiltered: number;
  /** Why the first few rows were rejected. */
  readonly errorSamples: readonly string[];
}

const KIND = 'insert';

interface Begun extends BegunTransaction {
  readonly timer: StatementTimer;
}

export class Inserts {
  readonly #options: InsertsOptions;

  constructor(options: InsertsOptions) {
    this.#options = options;
  }

  /**
   * All rows become visible, or none. Throws LABEL_ALREADY_EXISTS, INSERT_FILTERED, INSERT_ABORTED, TIMEOUT,
   * engine and storage errors: nothing is visible then, except after METADATA_UNAVAILABLE and LEADER_LOST,
   * where the state of the label tells.
   */
  async run(request: InsertRequest): Promise<InsertResult> {
    const { plan, signal } = request;
    const begun = await this.#begin(request);
    const { transactionId, label } = begun;
    const staged = await this.#stage(plan, begun, signal);
    failpoint('insert.before-commit');
    const result = await this.#commit(request, begun, staged);
    countTransaction(this.#options, KIND, result.state);
    if (result.state !== 'VISIBLE') {
      const detail = 'the table was dropped, or the transaction was aborted';
      throw fail('INSERT_ABORTED', { transactionId, detail });
    }
    const { rowsLoaded, rowsFiltered, errorSamples } = staged;
    countRows(this.#options, KIND, rowsLoaded, rowsFiltered);
    return { label, transactionId, rowsLoaded, rowsFiltered, errorSamples };
  }

  /** EXPLAIN ANALYZE: all is done but the commit. Throws as `run` does. */
  async explain(request: InsertRequest): Promise<readonly string[]> {
    const begun = await this.#begin({ ...request, label: null });
    const { transactionId } = begun;
    const plan = { ...request.plan, profile: true } as const;
    const staged = await this.#stage(plan, begun, request.signal);
    await abortOrExpire(this.#options, KIND, transactionId, ONLY_EXPLAINED);
    return explainedLines(KIND, transactionId, staged);
  }

  async #begin({ table, plan, label, signal }: InsertRequest): Promise<Begun> {
    const { committer, random, coordinator, clock } = this.#options;
    const timer = new StatementTimer(clock);
    const begun = await committer.beginOther({
      label: label ?? `insert_${random.uuid()}`,
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'INSERT_STREAMING',
      coordinator,
      timeoutMs: plan.timeoutMs + GRACE_MS,
      userName: plan.userName,
      signal,
    });
    timer.begun();
    return { ...begun, timer };
  }

  async #stage(
    plan: InsertPlan,
    { transactionId, label, timer }: Begun,
    signal: AbortSignal,
  ): Promise<StagedInsert> {
    try {
      const options = { signal, timeoutMs: plan.timeoutMs };
      return await orAborted(this.#options.stage({ plan, transactionId, label }, options), signal);
    } catch (thrown) {
      const error = toAppError(thrown);
      const facts = failedFacts(plan, timer.times(), error);
      await abortOrExpire(this.#options, KIND, transactionId, error.message, facts);
      throw namedTimeout(error, KIND, plan.timeoutMs);
    }
  }

  async #commit(
    { table, plan, overwrite = false, overwritten }: InsertRequest,
    { transactionId, timer }: Begun,
    staged: StagedInsert,
  ): Promise<CommitResult> {
    try {
      return await commitOrAsk(this.#options, KIND, {
        transactionId,
        tableId: table.id,
        rewrittenVersion: plan.target.rewrittenVersion ?? 0,
        ...staged,
        overwrite,
        facts: statementFacts(plan, timer.times(), staged),
        ...(overwritten === undefined ? {} : { overwritten }),
      });
    } catch (thrown) {
      const error = toAppError(thrown);
      const facts = failedFacts(plan, timer.times(), error);
      await abortOrExpire(this.#options, KIND, transactionId, error.message, facts);
      throw error;
    }
  }
}
