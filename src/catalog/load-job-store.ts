// The rows of routine load jobs and their positions. The definition is encrypted: it holds passwords.
import type { Selectable } from 'kysely';
import { assert, present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { asId, type DatabaseId, type JobId, type TableId } from '../base/ids.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { runBatch } from './driver/batch.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import { TaskLeaseStore } from './lease-store.ts';
import { jobsOfTable, namedTables, readTableIds } from './load-job-tables.ts';
import {
  isFinalJobState,
  type LoadJobReason,
  type LoadJobRecord,
  type LoadJobStall,
  type LoadJobState,
  type LoadJobs,
  type NewLoadJob,
  type PositionRecord,
} from './load-jobs.ts';
import type { LoadJobsTable, LoadPositionsTable } from './schema/tables.ts';

export class LoadJobStore implements LoadJobs {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(filter: Parameters<LoadJobs['list']>[0]): Promise<readonly LoadJobRecord[]> {
    let query = selectJobs(this.#context);
    if (filter.databaseId !== undefined) {
      query = query.where('load_jobs.database_id', '=', filter.databaseId);
    }
    if (!filter.all) query = query.where('load_jobs.ended_ms', 'is', null);
    return await this.#read(await query.orderBy('load_jobs.id').execute());
  }

  async byId(id: JobId): Promise<LoadJobRecord | null> {
    const rows = await selectJobs(this.#context).where('load_jobs.id', '=', id).execute();
    return (await this.#read(rows))[0] ?? null;
  }

  async byName(databaseId: DatabaseId, name: string): Promise<readonly LoadJobRecord[]> {
    const rows = await selectJobs(this.#context)
      .where('load_jobs.database_id', '=', databaseId)
      .where('load_jobs.name', '=', name)
      .orderBy('load_jobs.id')
      .execute();
    return await this.#read(rows);
  }

  #read(rows: readonly JobRow[]): Promise<readonly LoadJobRecord[]> {
    return namedTables(
      this.#context,
      rows.map((row) => readJob(this.#context, row)),
    );
  }

  create(job: NewLoadJob): Promise<LoadJobRecord> {
    return this.#context.atomically(async (context) => {
      const id = await nextValue(context.db, 'object');
      const row: LoadJobsTable = {
        id,
        database_id: job.databaseId,
        table_id: job.tableId,
        further_tables_json: JSON.stringify(job.furtherTableIds ?? []),
        name: job.name,
        user_name: job.userName,
        user_host: job.userHost,
        group_id: job.groupId,
        state: 'NEED_SCHEDULE',
        reason_code: null,
        reason_message: null,
        definition_sealed: context.sealer.seal('load-job', job.definitionJson),
        received_bytes: 0,
        error_rows: 0,
        committed_tasks: 0,
        aborted_tasks: 0,
        loaded_rows: 0,
        total_rows: 0,
        unselected_rows: 0,
        execute_ms: 1,
        window_error_rows: 0,
        window_total_rows: 0,
        other_message: null,
        other_message_ms: null,
        created_ms: context.nowMs(),
        paused_ms: null,
        ended_ms: null,
        failures: 0,
        failing_since_ms: null,
        resume_ms: null,
        stalled_since_ms: null,
        stalled_message: '',
        stall_restarts: 0,
      };
      try {
        await context.db.insertInto('load_jobs').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        const database = await context.db
          .selectFrom('databases')
          .select('name')
          .where('id', '=', job.databaseId)
          .executeTakeFirst();
        const fields = { job: job.name, database: database?.name ?? String(job.databaseId) };
        throw fail('JOB_NAME_USED', fields, error);
      }
      return present(await new LoadJobStore(context).byId(asId<JobId>(id)), 'the new job');
    });
  }

  setState(
    id: JobId,
    from: readonly LoadJobState[],
    to: LoadJobState,
    reason: LoadJobReason | null,
  ): Promise<boolean> {
    return this.#context.atomically(async (context) => {
      const nowMs = context.nowMs();
      const final = isFinalJobState(to);
      const changed = await context.db
        .updateTable('load_jobs')
        .set({
          state: to,
          reason_code: reason?.errCode ?? null,
          reason_message: reason?.message ?? null,
          ...(to === 'PAUSED' ? { paused_ms: nowMs } : {}),
          ...(to === 'NEED_SCHEDULE' ? { paused_ms: null } : {}),
          ...(final ? { ended_ms: nowMs } : {}),
        })
        .where('id', '=', id)
        .where('state', 'in', from)
        .returning('id')
        .executeTakeFirst();
      if (changed === undefined) return false;
      if (final) await new TaskLeaseStore(context).revokeJob(id, `the job is ${to}`);
      return true;
    });
  }

  async setDefinition(id: JobId, definitionJson: string): Promise<void> {
    const sealed = this.#context.sealer.seal('load-job', definitionJson);
    await this.#update(id, { definition_sealed: sealed });
  }

  async resetWindow(id: JobId): Promise<void> {
    await this.#update(id, { window_error_rows: 0, window_total_rows: 0 });
  }

  async setOtherMessage(id: JobId, text: string): Promise<void> {
    await this.#update(id, { other_message: text, other_message_ms: this.#context.nowMs() });
  }

  async noteFailure(id: JobId): Promise<number> {
    const nowMs = this.#context.nowMs();
    const row = await this.#context.db
      .updateTable('load_jobs')
      .set((eb) => ({
        failures: eb('failures', '+', 1),
        failing_since_ms: eb.fn.coalesce('failing_since_ms', eb.val(nowMs)),
      }))
      .where('id', '=', id)
      .returning('failures')
      .executeTakeFirst();
    return row?.failures ?? 0;
  }

  async setResume(id: JobId, resumeMs: number): Promise<void> {
    await this.#update(id, { resume_ms: resumeMs });
  }

  async noteHealthy(id: JobId): Promise<void> {
    await this.#update(id, {
      failures: 0,
      failing_since_ms: null,
      resume_ms: null,
      stalled_since_ms: null,
      stalled_message: '',
      stall_restarts: 0,
    });
  }

  async noteStall(id: JobId, { sinceMs, message }: Omit<LoadJobStall, 'restarts'>): Promise<void> {
    await this.#context.db
      .updateTable('load_jobs')
      .set((eb) => ({
        stalled_since_ms: eb.fn.coalesce('stalled_since_ms', eb.val(sinceMs)),
        stalled_message: message,
        stall_restarts: eb('stall_restarts', '+', 1),
      }))
      .where('id', '=', id)
      .execute();
  }

  async resumeDue(id: JobId, nowMs: number): Promise<boolean> {
    const resumed = await this.#context.db
      .updateTable('load_jobs')
      .set({
        state: 'NEED_SCHEDULE',
        reason_code: null,
        reason_message: null,
        paused_ms: null,
        resume_ms: null,
      })
      .where('id', '=', id)
      .where('state', '=', 'PAUSED')
      .where('resume_ms', '<=', nowMs)
      .returning('id')
      .executeTakeFirst();
    return resumed !== undefined;
  }

  async countAborted(id: JobId, tasks: number): Promise<void> {
    await this.#context.db
      .updateTable('load_jobs')
      .set((eb) => ({ aborted_tasks: eb('aborted_tasks', '+', tasks) }))
      .where('id', '=', id)
      .execute();
  }

  async positions(id: JobId): Promise<readonly PositionRecord[]> {
    const rows = await this.#context.db
      .selectFrom('load_positions')
      .selectAll()
      .where('job_id', '=', id)
      .orderBy('topic')
      .orderBy('partition_no')
      .execute();
    return rows.map(readPosition);
  }

  async allPositions(): Promise<ReadonlyMap<JobId, readonly PositionRecord[]>> {
    const rows = await this.#context.db
      .selectFrom('load_positions')
      .selectAll()
      .orderBy('job_id')
      .orderBy('topic')
      .orderBy('partition_no')
      .execute();
    const byJob = new Map<JobId, PositionRecord[]>();
    for (const row of rows) {
      const jobId = asId<JobId>(row.job_id);
      const known = byJob.get(jobId);
      if (known === undefined) byJob.set(jobId, [readPosition(row)]);
      else known.push(readPosition(row));
    }
    return byJob;
  }

  async addPositions(id: JobId, positions: Parameters<LoadJobs['addPositions']>[1]): Promise<void> {
    if (positions.length === 0) return;
    const { db } = this.#context;
    const segmentOf = (topic: string, partition: number) =>
      db
        .selectFrom('load_ledger')
        .select((eb) =>
          eb(eb.fn.coalesce(eb.fn.max('segment'), eb.lit(0)), '+', 1)
            .$castTo<number>()
            .as('next'),
        )
        .where('job_id', '=', id)
        .where('topic', '=', topic)
        .where('partition_no', '=', partition);
    const rows = positions.map((position) => ({
      job_id: id,
      topic: position.topic,
      partition_no: position.partition,
      next_offset: position.nextOffset,
      latest_offset: null,
      last_timestamp_ms: null,
      ledger_segment: segmentOf(position.topic, position.partition),
    }));
    await db
      .insertInto('load_positions')
      .values(rows)
      .onConflict((conflict) => conflict.columns(['job_id', 'topic', 'partition_no']).doNothing())
      .execute();
  }

  async removePositions(id: JobId, topic?: string): Promise<void> {
    const all = this.#context.db.deleteFrom('load_positions').where('job_id', '=', id);
    await (topic === undefined ? all : all.where('topic', '=', topic)).execute();
  }

  async movePosition(
    id: JobId,
    topic: string,
    partition: number,
    from: bigint,
    to: bigint,
  ): Promise<boolean> {
    const moved = await this.#context.db
      .updateTable('load_positions')
      // A ledger row covers offsets without a hole: after a move a new one begins.
      .set((eb) => ({
        next_offset: to,
        ledger_segment: eb('ledger_segment', '+', from < 0n ? 0 : 1),
      }))
      .where('job_id', '=', id)
      .where('topic', '=', topic)
      .where('partition_no', '=', partition)
      .where('next_offset', '=', from)
      .returning('partition_no')
      .executeTakeFirst();
    return moved !== undefined;
  }

  async reportLatest(
    id: JobId,
    topic: string,
    latest: Parameters<LoadJobs['reportLatest']>[2],
  ): Promise<void> {
    const { db } = this.#context;
    await runBatch(
      db,
      latest.map(({ partition, latestOffset }) =>
        db
          .updateTable('load_positions')
          .set({ latest_offset: latestOffset })
          .where('job_id', '=', id)
          .where('topic', '=', topic)
          .where('partition_no', '=', partition),
      ),
    );
  }

  async #update(id: JobId, changes: Partial<LoadJobsTable>): Promise<void> {
    await this.#context.db.updateTable('load_jobs').set(changes).where('id', '=', id).execute();
  }
}

function readPosition(row: Selectable<LoadPositionsTable>): PositionRecord {
  return {
    topic: row.topic,
    partition: row.partition_no,
    nextOffset: row.next_offset,
    lastTimestampMs: row.last_timestamp_ms,
    latestOffset: row.latest_offset,
  };
}

/** Cancels every job of a database or table that is not final, in the caller's transaction. */
export async function cancelJobs(
  context: CatalogContext,
  column: 'database_id' | 'table_id',
  id: number,
  reason: LoadJobReason,
): Promise<void> {
  const store = new LoadJobStore(context);
  const jobs =
    column === 'table_id'
      ? await jobsOfTable(context, id)
      : (await store.list({ databaseId: asId<DatabaseId>(id), all: false })).map((job) => job.id);
  for (const job of jobs) {
    const changed = await store.setState(
      job,
      ['NEED_SCHEDULE', 'RUNNING', 'PAUSED'],
      'CANCELLED',
      reason,
    );
    assert(changed, 'a job that has not ended is in one of its live states');
  }
}

/** Jobs with the names of what they load; dropped objects have none. Names of further tables: see namedTables. */
export function selectJobs({ db }: CatalogContext) {
  return db
    .selectFrom('load_jobs')
    .leftJoin('databases', (join) =>
      join
        .onRef('databases.id', '=', 'load_jobs.database_id')
        .on('databases.dropped_ms', 'is', null),
    )
    .leftJoin('tables', (join) =>
      join.onRef('tables.id', '=', 'load_jobs.table_id').on('tables.dropped_ms', 'is', null),
    )
    .selectAll('load_jobs')
    .select(['databases.name as database_name', 'tables.name as table_name']);
}

export type JobRow = Selectable<LoadJobsTable> & {
  readonly database_name: string | null;
  readonly table_name: string | null;
};

export function readJob({ sealer }: CatalogContext, row: JobRow): LoadJobRecord {
  const further = readTableIds(row.further_tables_json);
  return {
    id: asId<JobId>(row.id),
    databaseId: asId<DatabaseId>(row.database_id),
    databaseName: row.database_name ?? String(row.database_id),
    tableId: asId<TableId>(row.table_id),
    tableName: row.table_name ?? String(row.table_id),
    ...(further.length === 0
      ? {}
      : { furtherTables: further.map((id) => ({ id, name: String(id) })) }),
    name: row.name,
    userName: row.user_name,
    userHost: row.user_host,
    groupId: row.group_id,
    state: row.state,
    reason:
      row.reason_code === null
        ? null
        : { errCode: row.reason_code, message: row.reason_message ?? '' },
    definitionJson: sealer.unseal('load-job', row.definition_sealed),
    counters: {
      receivedBytes: row.received_bytes,
      errorRows: row.error_rows,
      committedTaskNum: row.committed_tasks,
      abortedTaskNum: row.aborted_tasks,
      loadedRows: row.loaded_rows,
      totalRows: row.total_rows,
      unselectedRows: row.unselected_rows,
      taskExecuteTimeMs: row.execute_ms,
    },
    windowErrorRows: row.window_error_rows,
    windowTotalRows: row.window_total_rows,
    otherMessage:
      row.other_message === null
        ? null
        : { text: row.other_message, atMs: row.other_message_ms ?? 0 },
    failures: row.failures,
    failingSinceMs: row.failing_since_ms,
    resumeMs: row.resume_ms,
    stalled:
      row.stalled_since_ms === null
        ? null
        : {
            sinceMs: row.stalled_since_ms,
            message: row.stalled_message,
            restarts: row.stall_restarts,
          },
    createdMs: row.created_ms,
    pausedMs: row.paused_ms,
    endedMs: row.ended_ms,
  };
}
