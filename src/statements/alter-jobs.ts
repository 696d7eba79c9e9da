// Changes of columns that run in the background: each is a row of the metadata, run one after the other, and begun
// again after a restart. What it changes is worked out anew from its statement over the columns as they are then.
import { AppError, toAppError } from '../base/errors.ts';
import type { TableId } from '../base/ids.ts';
import { Mutex, settledWithin } from '../base/queue.ts';
import type { AlterJob } from '../catalog/alter-job-store.ts';
import { type RewriteJobOptions, runRewriteJob } from '../commit/rewrite-job.ts';
import type { SchemaMaker } from '../commit/schema-commit.ts';
import type { TableInfo } from '../model/table.ts';
import type { AlterColumnClause, AlterTable, AlterTableClause } from '../sql/ast/ddl.ts';
import { parseStatement } from '../sql/parse.ts';
import { printStatement } from '../sql/print-statement.ts';
import { alteredColumns } from './alter-columns.ts';

export interface AlterJobsOptions extends RewriteJobOptions {
  /** While a job runs its table's files are not merged: they would have to be written anew once more. */
  readonly hold: (tableId: TableId, isHeld: boolean) => void;
  /** The change is there: loads of the table are planned anew. */
  readonly onChanged: () => void;
}

const STOP_WAIT_MS = 3_000;

const COLUMN_CLAUSES: ReadonlySet<AlterTableClause['kind']> = new Set<AlterColumnClause['kind']>([
  'add_column',
  'add_columns',
  'drop_column',
  'modify_column',
  'add_field',
  'drop_field',
  'comment_column',
  'rename_column',
  'order_by',
]);

export function isColumnClause(clause: AlterTableClause): clause is AlterColumnClause {
  return COLUMN_CLAUSES.has(clause.kind);
}

interface Running {
  readonly abort: AbortController;
  done: number;
  all: number;
}

export class AlterJobs {
  readonly #options: AlterJobsOptions;
  /** Jobs that run or wait for their turn, by id. */
  readonly #running = new Map<number, Running>();
  readonly #work = new Map<number, Promise<void>>();
  readonly #turn = new Mutex();
  #stopped = false;

  constructor(options: AlterJobsOptions) {
    this.#options = options;
  }

  /** Goes on with what a restart cut off. */
  async start(): Promise<void> {
    for (const job of await this.#options.catalog.alterJobs.open()) this.#begin(job);
  }

  /** What runs is begun again at the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { abort } of this.#running.values()) abort.abort(new Error('the server stops'));
    const ends = Promise.allSettled([...this.#work.values()]);
    await settledWithin(this.#options.clock, ends, STOP_WAIT_MS);
  }

  /** Throws ALTER_RUNNING where the table has one already. */
  async submit(
    table: TableInfo,
    statement: AlterTable,
    moment: { readonly timeZone: string; readonly nowMs: number },
  ): Promise<void> {
    const job = await this.#options.catalog.alterJobs.create({
      databaseId: table.databaseId,
      tableId: table.id,
      statement: printStatement(statement),
      timeZone: moment.timeZone,
      statementMs: moment.nowMs,
    });
    this.#begin(job);
  }

  /** False when the table has none that has not ended, or none of these. */
  async cancel(tableId: TableId, ids: readonly number[]): Promise<boolean> {
    const { alterJobs } = this.#options.catalog;
    const job = await alterJobs.openOf(tableId);
    if (job === null || (ids.length > 0 && !ids.includes(job.id))) return false;
    const ended = await alterJobs.end(job.id, 'CANCELLED', 'user cancelled');
    this.#running.get(job.id)?.abort.abort(new Error('user cancelled'));
    return ended;
  }

  /** Files that are done and all of them, of a job that runs; null for another. */
  progress(id: number): { readonly done: number; readonly all: number } | null {
    const running = this.#running.get(id);
    return running === undefined ? null : { done: running.done, all: running.all };
  }

  #begin(job: AlterJob): void {
    const running: Running = { abort: new AbortController(), done: 0, all: 0 };
    this.#running.set(job.id, running);
    const work = this.#turn
      .run(() => this.#run(job, running))
      .catch((error: unknown) =>
        this.#options.log.warn('background work failed', { work: 'alter', error }),
      )
      .finally(() => {
        this.#running.delete(job.id);
        this.#work.delete(job.id);
      });
    this.#work.set(job.id, work);
  }

  async #run(job: AlterJob, running: Running): Promise<void> {
    const { catalog, log, hold, onChanged } = this.#options;
    const { signal } = running.abort;
    if (signal.aborted) return;
    hold(job.tableId, true);
    try {
      const report = (done: number, all: number): void => {
        running.done = done;
        running.all = all;
      };
      if (await runRewriteJob(this.#options, job, makerOf(job), report, signal)) onChanged();
    } catch (thrown) {
      // It goes on at the next start.
      if (this.#stopped) return;
      const error = thrown instanceof AppError ? thrown : toAppError(thrown);
      if (await catalog.alterJobs.end(job.id, 'CANCELLED', error.message)) {
        log.warn('a change of columns was cancelled', { job: job.id, error });
      }
    } finally {
      hold(job.tableId, false);
    }
  }
}

function makerOf(job: AlterJob): SchemaMaker {
  const statement = parseStatement(job.statement);
  const clauses = statement.kind === 'alter_table' ? statement.clauses.filter(isColumnClause) : [];
  const moment = { timeZone: job.timeZone, nowMs: job.statementMs };
  return (table, nextFieldId) => alteredColumns(table, nextFieldId, clauses, moment);
}
