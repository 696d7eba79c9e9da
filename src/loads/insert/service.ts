// INSERT: begins a transaction, has a CN stage the rows, commits. One try: whatever goes wrong before the
// commit aborts the transaction, and its label can be used again. A lost answer of the CN leaves nothing. Small
// ones may share a transaction: see ../merge/insert-groups.ts.
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
import { InsertGroups } from '../merge/insert-groups.ts';
import {
  abortOrExpire,
  commitOrAsk,
  countedBegin,
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
  /** It may share its transaction with others: neither label nor overwriting, in no transaction of its session. */
  readonly mayJoin?: boolean;
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
  readonly #groups: InsertGroups<Begun>;

  constructor(options: InsertsOptions) {
    this.#options = options;
    const steps = {
      begin: (request: InsertRequest, signal: AbortSignal) => this.#begin({ ...request, signal }),
      stage: (plan: InsertPlan, begun: Begun, signal: AbortSignal) =>
        this.#stage(plan, begun, signal),
      commit: (request: InsertRequest, begun: Begun, staged: StagedInsert) =>
        this.#commit(request, begun, staged),
      abort: async ({ transactionId }: Begun, reason: string) => {
        await abortOrExpire(options, KIND, transactionId, reason);
      },
      alone: (request: InsertRequest) => this.#runAlone(request),
    };
    this.#groups = new InsertGroups(steps, options);
  }

  /**
   * All rows become visible, or none. Throws LABEL_ALREADY_EXISTS, INSERT_FILTERED, INSERT_ABORTED, TIMEOUT,
   * engine and storage errors: nothing is visible then, except after METADATA_UNAVAILABLE and LEADER_LOST,
   * where the state of the label tells.
   */
  run(request: InsertRequest): Promise<InsertResult> {
    return this.#groups.join(request) ?? this.#runAlone(request);
  }

  async #runAlone(request: InsertRequest): Promise<InsertResult> {
    const { plan, signal } = request;
    const begun = await this.#begin(request);
    const staged = await this.#stage(plan, begun, signal);
    await this.#commit(request, begun, staged);
    const { rowsLoaded, rowsFiltered, errorSamples } = staged;
    const { label, transactionId } = begun;
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
    const load = {
      label: label ?? `insert_${random.uuid()}`,
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'INSERT_STREAMING',
      coordinator,
      timeoutMs: plan.timeoutMs + GRACE_MS,
      userName: plan.userName,
      signal,
    } as const;
    const begun = await countedBegin(this.#options, KIND, () => committer.beginOther(load));
    timer.begun();
    return { ...begun, timer };
  }

  /** Aborts the transaction where it throws. */
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

  /** It is visible then; aborted where it throws. */
  async #commit(request: InsertRequest, begun: Begun, staged: StagedInsert): Promise<void> {
    failpoint('insert.before-commit');
    const { transactionId } = begun;
    const { state } = await this.#makeVisible(request, begun, staged);
    countTransaction(this.#options, KIND, state);
    if (state !== 'VISIBLE') {
      const detail = 'the table was dropped, or the transaction was aborted';
      throw fail('INSERT_ABORTED', { transactionId, detail });
    }
    countRows(this.#options, KIND, staged.rowsLoaded, staged.rowsFiltered);
  }

  async #makeVisible(
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
      const ended = await abortOrExpire(this.#options, KIND, transactionId, error.message, facts);
      if (ended?.state === 'VISIBLE') return ended;
      throw error;
    }
  }
}
