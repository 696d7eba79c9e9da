// Leases of tasks. A lease that ends aborts its open transactions in the same breath, so that what a
// lost task still holds can never become visible.
import { fail } from '../base/errors.ts';
import { asId, type Epoch, type JobId, type TableId } from '../base/ids.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { jobsOfTable } from './load-job-tables.ts';
import { isFinalJobState, type LeaseRecord, type TaskLeases } from './load-jobs.ts';
import type { TaskLeasesTable } from './schema/tables.ts';
import { refusal } from './transactions.ts';

export class TaskLeaseStore implements TaskLeases {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  grant(lease: Parameters<TaskLeases['grant']>[0]): Promise<LeaseRecord> {
    return this.#context.atomically(async (context) => {
      const leases = new TaskLeaseStore(context);
      const job = await context.db
        .selectFrom('load_jobs')
        .select('state')
        .where('id', '=', lease.jobId)
        .executeTakeFirst();
      if (job === undefined || isFinalJobState(job.state)) {
        throw fail('UNKNOWN_LOAD_JOB', { job: String(lease.jobId) });
      }
      const keys = new Set(lease.partitions.map(partitionKey));
      const same = await leases.find(lease.taskId);
      for (const other of await leases.list(lease.jobId)) {
        const overlaps = other.partitions.some((partition) => keys.has(partitionKey(partition)));
        if (overlaps && other.taskId !== same?.taskId) {
          await leases.revoke(other.taskId, `task ${lease.taskId} took its partitions over`);
        }
      }
      if (same !== null) await leases.revoke(same.taskId, 'the task was granted anew');
      const row: TaskLeasesTable = {
        task_id: lease.taskId,
        job_id: lease.jobId,
        epoch: await nextValue(context.db, 'epoch'),
        node: lease.node,
        partitions_json: JSON.stringify(lease.partitions),
        granted_ms: context.nowMs(),
      };
      await context.db.insertInto('task_leases').values(row).execute();
      return readLease(row);
    });
  }

  revoke(taskId: string, reason: string): Promise<void> {
    return this.#end((lease) => lease.task_id === taskId, { taskId }, reason);
  }

  async revokeTable(tableId: TableId, reason: string): Promise<void> {
    for (const id of await jobsOfTable(this.#context, tableId)) await this.revokeJob(id, reason);
  }

  revokeJob(jobId: JobId, reason: string): Promise<void> {
    return this.#end((lease) => lease.job_id === jobId, { jobId }, reason);
  }

  revokeNode(node: string, reason: string): Promise<void> {
    return this.#end((lease) => lease.node === node, {}, reason);
  }

  /** Every lease: for the start of a new leader. */
  revokeAll(reason: string): Promise<void> {
    return this.#end(() => true, {}, reason);
  }

  async find(taskId: string): Promise<LeaseRecord | null> {
    const row = await this.#context.db
      .selectFrom('task_leases')
      .selectAll()
      .where('task_id', '=', taskId)
      .executeTakeFirst();
    return row === undefined ? null : readLease(row);
  }

  async list(jobId?: JobId): Promise<readonly LeaseRecord[]> {
    let query = this.#context.db.selectFrom('task_leases').selectAll();
    if (jobId !== undefined) query = query.where('job_id', '=', jobId);
    return (await query.orderBy('epoch').execute()).map(readLease);
  }

  async #end(
    matches: (lease: TaskLeasesTable) => boolean,
    narrow: { readonly taskId?: string; readonly jobId?: JobId },
    reason: string,
  ): Promise<void> {
    await this.#context.atomically(async ({ db, nowMs }) => {
      let query = db.selectFrom('task_leases').selectAll();
      if (narrow.taskId !== undefined) query = query.where('task_id', '=', narrow.taskId);
      if (narrow.jobId !== undefined) query = query.where('job_id', '=', narrow.jobId);
      for (const lease of (await query.execute()).filter(matches)) {
        await db.deleteFrom('task_leases').where('task_id', '=', lease.task_id).execute();
        const refused = refusal(fail('LEASE_LOST', { taskId: lease.task_id, epoch: lease.epoch }));
        await db
          .updateTable('transactions')
          .set({ state: 'ABORTED', finish_ms: nowMs(), reason, attachment_json: refused })
          .where('task_id', '=', lease.task_id)
          .where('finish_ms', 'is', null)
          .execute();
      }
    });
  }
}

function partitionKey(partition: { readonly topic: string; readonly partition: number }): string {
  return `${partition.partition}:${partition.topic}`;
}

function readLease(row: TaskLeasesTable): LeaseRecord {
  return {
    taskId: row.task_id,
    jobId: asId<JobId>(row.job_id),
    epoch: asId<Epoch>(row.epoch),
    node: row.node,
    partitions: JSON.parse(row.partitions_json) as LeaseRecord['partitions'],
    grantedMs: row.granted_ms,
  };
}
