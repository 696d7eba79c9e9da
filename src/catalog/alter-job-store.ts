// Jobs of ALTER TABLE that run in the background: rows, and what their states may become. Who runs them decides when.
import { fail } from '../base/errors.ts';
import { asId, type DatabaseId, type TableId, type TransactionId } from '../base/ids.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import type { AlterJobsTable } from './schema/tables.ts';

/** Jobs that ended are listed for so long (StarRocks: history_job_keep_max_second). */
const KEEP_MS = 7 * 24 * 3_600_000;

export type AlterJobState = AlterJobsTable['state'];

export interface AlterJob {
  readonly id: number;
  readonly databaseId: DatabaseId;
  readonly tableId: TableId;
  readonly state: AlterJobState;
  /** The whole statement, as the printer writes it. */
  readonly statement: string;
  /** Of the session, and the time of the statement. */
  readonly timeZone: string;
  readonly statementMs: number;
  /** The last transaction that it ran under; null before it began. */
  readonly transactionId: TransactionId | null;
  /** Why it was cancelled; '' otherwise. */
  readonly message: string;
  readonly createdMs: number;
  readonly finishedMs: number | null;
}

export class AlterJobStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Throws ALTER_RUNNING where the table has one that has not ended. */
  create(
    job: Pick<AlterJob, 'databaseId' | 'tableId' | 'statement' | 'timeZone' | 'statementMs'>,
  ): Promise<AlterJob> {
    return this.#context.atomically(async ({ db, nowMs }) => {
      const now = nowMs();
      await db
        .deleteFrom('alter_jobs')
        .where('finished_ms', '<', now - KEEP_MS)
        .execute();
      const row: AlterJobsTable = {
        id: await nextValue(db, 'object'),
        database_id: job.databaseId,
        table_id: job.tableId,
        state: 'PENDING',
        statement: job.statement,
        time_zone: job.timeZone,
        statement_ms: job.statementMs,
        transaction_id: 0,
        message: '',
        created_ms: now,
        finished_ms: null,
      };
      try {
        await db.insertInto('alter_jobs').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('ALTER_RUNNING', { table: String(job.tableId) }, error);
      }
      return readJob(row);
    });
  }

  /** Those of a database, the oldest first; of the last 7 days. */
  async list(databaseId: DatabaseId): Promise<readonly AlterJob[]> {
    const rows = await this.#context.db
      .selectFrom('alter_jobs')
      .selectAll()
      .where('database_id', '=', databaseId)
      .orderBy('id')
      .execute();
    return rows.map(readJob);
  }

  /** All that have not ended, the oldest first. */
  async open(): Promise<readonly AlterJob[]> {
    const rows = await this.#context.db
      .selectFrom('alter_jobs')
      .selectAll()
      .where('finished_ms', 'is', null)
      .orderBy('id')
      .execute();
    return rows.map(readJob);
  }

  /** The one of a table that has not ended; null when there is none. */
  async openOf(tableId: TableId): Promise<AlterJob | null> {
    const row = await this.#context.db
      .selectFrom('alter_jobs')
      .selectAll()
      .where('table_id', '=', tableId)
      .where('finished_ms', 'is', null)
      .executeTakeFirst();
    return row === undefined ? null : readJob(row);
  }

  /** It runs, under this transaction. False when it has ended. */
  async begun(id: number, transactionId: TransactionId): Promise<boolean> {
    return await this.#move(id, { state: 'RUNNING', transaction_id: transactionId });
  }

  /** False when it had ended already: then nothing changes. */
  async end(id: number, state: 'FINISHED' | 'CANCELLED', message: string): Promise<boolean> {
    return await this.#move(id, { state, message, finished_ms: this.#context.nowMs() });
  }

  async #move(id: number, set: Partial<AlterJobsTable>): Promise<boolean> {
    const row = await this.#context.db
      .updateTable('alter_jobs')
      .set(set)
      .where('id', '=', id)
      .where('finished_ms', 'is', null)
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }
}

function readJob(row: AlterJobsTable): AlterJob {
  return {
    id: row.id,
    databaseId: asId<DatabaseId>(row.database_id),
    tableId: asId<TableId>(row.table_id),
    state: row.state,
    statement: row.statement,
    timeZone: row.time_zone,
    statementMs: row.statement_ms,
    transactionId: row.transaction_id === 0 ? null : asId<TransactionId>(row.transaction_id),
    message: row.message,
    createdMs: row.created_ms,
    finishedMs: row.finished_ms,
  };
}
