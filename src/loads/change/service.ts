// DELETE and UPDATE: find the rows at one version, stage what takes their place, commit under the table's turn.
// Where what was read changed meanwhile, all of it is done again, this time while holding the turn, so that it comes
// to an end. Whatever goes wrong before the commit aborts the transaction: nothing changed.
import type { Clock } from '../../base/clock.ts';
import { fail, toAppError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TableVersion, TransactionId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { orAborted } from '../../base/queue.ts';
import type { Random } from '../../base/random.ts';
import type { DeletedRows } from '../../catalog/transactions.ts';
import { underTurn } from '../../commit/held-turn.ts';
import type { TableTurns, Turn } from '../../commit/turn.ts';
import type { Committer } from '../../commit/types.ts';
import type { ChangePlan, StagedChange } from '../../model/change-plan.ts';
import type { CommitResult } from '../../model/load-plan.ts';
import { newestPatch, type TableInfo } from '../../model/table.ts';
import { changedScan } from '../../query/plan-change.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
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
import {
  failedFacts,
  type StatementRules,
  StatementTimer,
  statementFacts,
} from '../statement-facts.ts';

/** Runs a plan on a CN. */
export type StageChange = (
  request: {
    readonly plan: ChangePlan;
    readonly transactionId: TransactionId;
    readonly label: string;
  },
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
) => Promise<StagedChange>;

export interface ChangesOptions {
  readonly committer: Pick<Committer, 'beginOther' | 'commitOther' | 'abort' | 'state'>;
  readonly turns: TableTurns;
  readonly stage: StageChange;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** As SHOW TRANSACTION prints it. */
  readonly coordinator: string;
}

/** A plan with the version of the table that it reads. */
export interface PlannedChange {
  readonly plan: ChangePlan;
  readonly version: TableVersion;
}

export interface ChangeRequest {
  readonly kind: 'delete' | 'update';
  readonly table: TableInfo;
  /** Of a DELETE: what SHOW DELETE tells of it. */
  readonly deleted?: DeletedRows;
  /** Reads all tables anew and plans over what it finds. */
  readonly plan: () => Promise<PlannedChange>;
  readonly signal: AbortSignal;
}

export interface ChangeResult {
  readonly label: string;
  readonly transactionId: TransactionId;
  readonly rowsChanged: number;
  /** Rows that an UPDATE left as they were, since their new values do not fit. */
  readonly rowsFiltered: number;
  /** Why the first few of them do not. */
  readonly errorSamples: readonly string[];
}

/** A holder that died keeps the others waiting for this long. */
const LEASE_MS = 30_000;
/** Under the turn only what needs no turn (TRUNCATE, a schema change) can come in between. */
const MAX_TRIES = 5;

interface Running extends ChangeRequest {
  readonly transactionId: TransactionId;
  readonly label: string;
  readonly deadlineMs: number;
  readonly rules: StatementRules;
  readonly timer: StatementTimer;
}

interface Staged {
  readonly planned: PlannedChange;
  readonly staged: StagedChange;
}

export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /**
   * All rows are changed, or none. Throws what planning throws, INSERT_FILTERED, CHANGE_ABORTED, TIMEOUT, engine and
   * storage errors: nothing changed then, except after METADATA_UNAVAILABLE and LEADER_LOST, where the state of
   * the transaction tells.
   */
  async run(request: ChangeRequest): Promise<ChangeResult> {
    const { kind, signal } = request;
    const { planned, running } = await this.#begin(request);
    const { transactionId, label } = running;
    const { staged, result } = await this.#orAbort(running, async () => {
      const first = { planned, staged: await this.#stage(running, planned, signal) };
      return await this.#commitStaged(running, first);
    });
    countTransaction(this.#options, kind, result.state);
    if (result.state !== 'VISIBLE') {
      const detail = 'the table was dropped, or the transaction was aborted';
      throw fail('CHANGE_ABORTED', { what: kind.toUpperCase(), transactionId, detail });
    }
    const { rowsChanged, rowsFiltered, errorSamples } = staged;
    countRows(this.#options, kind, rowsChanged, rowsFiltered);
    return { label, transactionId, rowsChanged, rowsFiltered, errorSamples };
  }

  /** EXPLAIN ANALYZE: all is done but the commit. Throws as `run` does. */
  async explain(request: ChangeRequest): Promise<readonly string[]> {
    const { kind, signal } = request;
    const { planned, running } = await this.#begin(request);
    const { transactionId } = running;
    const explained = { ...planned, plan: { ...planned.plan, profile: true as const } };
    const staged = await this.#orAbort(running, () => this.#stage(running, explained, signal));
    await abortOrExpire(this.#options, kind, transactionId, ONLY_EXPLAINED);
    return explainedLines(kind, transactionId, staged, staged.rowsChanged);
  }

  async #begin(request: ChangeRequest): Promise<{ planned: PlannedChange; running: Running }> {
    const { committer, random, coordinator, clock } = this.#options;
    const { table, kind, signal } = request;
    const planned = await request.plan();
    const { timeoutMs, userName } = planned.plan;
    const timer = new StatementTimer(clock);
    const load = {
      label: `${kind}_${random.uuid()}`,
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'INSERT_STREAMING',
      coordinator,
      timeoutMs: timeoutMs + GRACE_MS,
      userName,
      signal,
    } as const;
    const { transactionId, label } = await countedBegin(this.#options, kind, () =>
      committer.beginOther(load),
    );
    timer.begun();
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    const rules = rulesOf(planned.plan);
    return { planned, running: { ...request, transactionId, label, deadlineMs, rules, timer } };
  }

  async #commitStaged(running: Running, first: Staged) {
    // Nothing matched: the statement happened at the version that it read.
    if (first.staged.tables.length === 0) {
      const { planned, staged } = first;
      return { staged, result: await this.#commit(running, planned, staged) };
    }
    const { turns, clock } = this.#options;
    const waitMs = Math.max(1, running.deadlineMs - clock.monotonicMs());
    const request = { rank: 'LOAD', holder: running.label, leaseMs: LEASE_MS, waitMs } as const;
    return await underTurn(
      { turns, clock },
      running.table.id,
      request,
      running.signal,
      async (turn, signal) => await this.#commitInTurn(running, first, turn, signal),
    );
  }

  async #commitInTurn(running: Running, first: Staged, turn: Turn, signal: AbortSignal) {
    const { keysType } = running.table.schema;
    // Loads into such tables look rows up; into all others they only add, which changes nothing that was read.
    const isKeyed = keysType === 'PRIMARY_KEYS' || keysType === 'UNIQUE_KEYS';
    let current = isKeyed ? await this.#refresh(running, first, signal) : first;
    for (let tries = 1; ; tries += 1) {
      failpoint('change.before-commit');
      try {
        const { version } = current.planned;
        const staged = isKeyed
          ? resolvedAt(current.staged, running.table, version)
          : current.staged;
        return { staged, result: await this.#commit(running, current.planned, staged, turn) };
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.code !== 'RESOLVE_STALE' || tries >= MAX_TRIES) throw error;
        this.#options.log.info('a change of rows is done again: the table moved on', {
          txn: running.transactionId,
          label: running.label,
        });
        current = await this.#again(running, signal);
      }
    }
  }

  /** What was staged, at the head of now where the rows that were read are the same, else all of it anew. */
  async #refresh(running: Running, first: Staged, signal: AbortSignal): Promise<Staged> {
    const planned = await this.#replan(running);
    if (readsTheSame(first.planned.plan, planned.plan)) return { planned, staged: first.staged };
    return { planned, staged: await this.#stage(running, planned, signal) };
  }

  async #again(running: Running, signal: AbortSignal): Promise<Staged> {
    const planned = await this.#replan(running);
    return { planned, staged: await this.#stage(running, planned, signal) };
  }

  /** By its name there may be another table now. */
  async #replan({ plan, table, kind, transactionId }: Running): Promise<PlannedChange> {
    const planned = await plan();
    if (planned.plan.target.tableId === table.id) return planned;
    const detail = 'the table was dropped';
    throw fail('CHANGE_ABORTED', { what: kind.toUpperCase(), transactionId, detail });
  }

  async #stage(
    { transactionId, label, deadlineMs, kind }: Running,
    { plan }: PlannedChange,
    signal: AbortSignal,
  ): Promise<StagedChange> {
    const { clock, stage } = this.#options;
    const timeoutMs = Math.max(1, deadlineMs - clock.monotonicMs());
    try {
      const limited = { ...plan, timeoutMs };
      const request = { plan: limited, transactionId, label };
      return await orAborted(stage(request, { signal, timeoutMs }), signal);
    } catch (thrown) {
      throw namedTimeout(toAppError(thrown), kind, plan.timeoutMs);
    }
  }

  #commit(
    { transactionId, table, kind, deleted, timer }: Running,
    { plan }: PlannedChange,
    { tables, rowsLoaded, rowsFiltered, errorSamples, rowsChanged }: StagedChange,
    turn?: Turn,
  ): Promise<CommitResult> {
    return commitOrAsk(this.#options, kind, {
      transactionId,
      tableId: table.id,
      rewrittenVersion: plan.target.rewrittenVersion ?? 0,
      tables,
      rowsLoaded,
      rowsFiltered,
      errorSamples,
      facts: statementFacts(rulesOf(plan), timer.times(), {
        rowsLoaded: rowsChanged,
        rowsFiltered,
        errorSamples,
      }),
      ...(deleted === undefined ? {} : { deleted }),
      ...(turn === undefined ? {} : { turn }),
    });
  }

  async #orAbort<T>(
    { transactionId, kind, rules, timer }: Running,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const error = toAppError(thrown);
      const facts = failedFacts(rules, timer.times(), error);
      await abortOrExpire(this.#options, kind, transactionId, error.message, facts);
      throw error;
    }
  }
}

/** Only an UPDATE may reject rows. */
function rulesOf({ timeoutMs, update }: ChangePlan): StatementRules {
  if (update === null) return { timeoutMs };
  const { strictMode, maxFilterRatio } = update;
  return { timeoutMs, strictMode, maxFilterRatio };
}

/** The files of the table, their deletes and overlays, left out what cannot hold a row that is wanted. */
function readsTheSame(before: ChangePlan, now: ChangePlan): boolean {
  const old = changedScan(before).files;
  const { files } = changedScan(now);
  return (
    old.length === files.length &&
    old.every((file, index) => {
      const other = files[index];
      return file.id === other?.id && newestPatch(file) === newestPatch(other);
    })
  );
}

function resolvedAt(staged: StagedChange, table: TableInfo, version: TableVersion): StagedChange {
  const tables = staged.tables.map((entry) =>
    entry.tableId === table.id ? { ...entry, resolvedAt: version } : entry,
  );
  return { ...staged, tables };
}
