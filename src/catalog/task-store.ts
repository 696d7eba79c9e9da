// Tasks of SUBMIT TASK and their runs. When a task is due and what it does is decided by who runs them.
import { fail } from '../base/errors.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import type { TaskRunsTable } from './schema/tables.ts';

export type TaskRunState = TaskRunsTable['state'];

export interface TaskRecord {
  readonly id: number;
  readonly name: string;
  readonly databaseName: string;
  /** The statement after AS. */
  readonly definition: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly userName: string;
  readonly userHost: string;
  /** Null: it runs once. */
  readonly everyMs: number | null;
  readonly startMs: number | null;
  /** Null: it does not run again. */
  readonly nextRunMs: number | null;
  readonly createdMs: number;
  /** When it is forgotten; null: never. */
  readonly expireMs: number | null;
}

export type NewTask = Omit<TaskRecord, 'id' | 'createdMs'>;

export interface TaskRunRecord {
  readonly queryId: string;
  readonly taskId: number;
  readonly taskName: string;
  readonly databaseName: string;
  readonly definition: string;
  readonly userName: string;
  readonly state: TaskRunState;
  readonly createdMs: number;
  readonly startedMs: number | null;
  readonly finishedMs: number | null;
  readonly expireMs: number;
  readonly errorCode: number;
  readonly errorMessage: string;
}

export interface Tasks {
  /** By name. */
  list(): Promise<readonly TaskRecord[]>;
  find(name: string): Promise<TaskRecord | null>;
  /** Throws TASK_EXISTS. */
  create(task: NewTask): Promise<TaskRecord>;
  /** False when it was not there. Its runs stay until they expire. */
  drop(name: string): Promise<boolean>;
  /** Tasks whose time has come. */
  due(nowMs: number): Promise<readonly TaskRecord[]>;
  /** Notes that the task runs now, and when it runs next, in one transaction. False when it is gone. */
  startRun(task: TaskRecord, nextRunMs: number | null, run: TaskRunRecord): Promise<boolean>;
  /**
   * A compare-and-set: RUNNING becomes what it ended with. False when it does not run any more (another start
   * of the server has called it FAILED, or it is forgotten): then nothing changes.
   */
  finishRun(
    queryId: string,
    end: {
      readonly state: 'SUCCESS' | 'FAILED';
      readonly errorCode: number;
      readonly errorMessage: string;
    },
  ): Promise<boolean>;
  /** Newest first, `limit` at most. */
  runs(limit: number): Promise<readonly TaskRunRecord[]>;
  /** At start: what ran when the process ended has failed; whether its rows are there, its table tells. */
  failOpenRuns(reason: string): Promise<void>;
  /** Forgets expired tasks and runs, and the oldest runs beyond `keep`. */
  prune(nowMs: number, keep: number): Promise<void>;
}

export class TaskStore implements Tasks {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(): Promise<readonly TaskRecord[]> {
    const rows = await this.#context.db.selectFrom('tasks').selectAll().orderBy('name').execute();
    return rows.map(readTask);
  }

  async find(name: string): Promise<TaskRecord | null> {
    const row = await this.#context.db
      .selectFrom('tasks')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    return row === undefined ? null : readTask(row);
  }

  create(task: NewTask): Promise<TaskRecord> {
    return this.#context.atomically(async ({ db, nowMs }) => {
      const row = {
        id: await nextValue(db, 'object'),
        name: task.name,
        database_name: task.databaseName,
        definition: task.definition,
        properties_json: JSON.stringify(task.properties),
        user_name: task.userName,
        user_host: task.userHost,
        every_ms: task.everyMs,
        start_ms: task.startMs,
        next_run_ms: task.nextRunMs,
        created_ms: nowMs(),
        expire_ms: task.expireMs,
      };
      try {
        await db.insertInto('tasks').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('TASK_EXISTS', { task: task.name }, error);
      }
      return readTask(row);
    });
  }

  async drop(name: string): Promise<boolean> {
    const gone = await this.#context.db
      .deleteFrom('tasks')
      .where('name', '=', name)
      .returning('id')
      .executeTakeFirst();
    return gone !== undefined;
  }

  async due(nowMs: number): Promise<readonly TaskRecord[]> {
    const rows = await this.#context.db
      .selectFrom('tasks')
      .selectAll()
      .where('next_run_ms', '<=', nowMs)
      .orderBy('next_run_ms')
      .execute();
    return rows.map(readTask);
  }

  startRun(task: TaskRecord, nextRunMs: number | null, run: TaskRunRecord): Promise<boolean> {
    return this.#context.atomically(async ({ db }) => {
      const updated = await db
        .updateTable('tasks')
        .set({ next_run_ms: nextRunMs })
        .where('id', '=', task.id)
        .returning('id')
        .executeTakeFirst();
      if (updated === undefined) return false;
      await db
        .insertInto('task_runs')
        .values({
          query_id: run.queryId,
          task_id: run.taskId,
          task_name: run.taskName,
          database_name: run.databaseName,
          definition: run.definition,
          user_name: run.userName,
          state: run.state,
          created_ms: run.createdMs,
          started_ms: run.startedMs,
          finished_ms: run.finishedMs,
          expire_ms: run.expireMs,
          error_code: run.errorCode,
          error_message: run.errorMessage,
        })
        .execute();
      return true;
    });
  }

  async finishRun(queryId: string, end: Parameters<Tasks['finishRun']>[1]): Promise<boolean> {
    const { db, nowMs } = this.#context;
    const finished = await db
      .updateTable('task_runs')
      .set({
        state: end.state,
        finished_ms: nowMs(),
        error_code: end.errorCode,
        error_message: end.errorMessage,
      })
      .where('query_id', '=', queryId)
      .where('state', '=', 'RUNNING')
      .returning('query_id')
      .executeTakeFirst();
    return finished !== undefined;
  }

  async runs(limit: number): Promise<readonly TaskRunRecord[]> {
    const rows = await this.#context.db
      .selectFrom('task_runs')
      .selectAll()
      .orderBy('created_ms', 'desc')
      .limit(limit)
      .execute();
    return rows.map(readRun);
  }

  async failOpenRuns(reason: string): Promise<void> {
    const { db, nowMs } = this.#context;
    await db
      .updateTable('task_runs')
      .set({ state: 'FAILED', finished_ms: nowMs(), error_code: -1, error_message: reason })
      .where('state', 'in', ['PENDING', 'RUNNING'])
      .execute();
  }

  async prune(nowMs: number, keep: number): Promise<void> {
    const { db } = this.#context;
    await db.deleteFrom('tasks').where('expire_ms', '<=', nowMs).execute();
    await db
      .deleteFrom('task_runs')
      .where('expire_ms', '<=', nowMs)
      .where('finished_ms', 'is not', null)
      .execute();
    const oldest = await db
      .selectFrom('task_runs')
      .select('created_ms')
      .orderBy('created_ms', 'desc')
      .offset(keep)
      .limit(1)
      .executeTakeFirst();
    if (oldest === undefined) return;
    await db
      .deleteFrom('task_runs')
      .where('created_ms', '<=', oldest.created_ms)
      .where('finished_ms', 'is not', null)
      .execute();
  }
}

function readTask(row: {
  readonly id: number;
  readonly name: string;
  readonly database_name: string;
  readonly definition: string;
  readonly properties_json: string;
  readonly user_name: string;
  readonly user_host: string;
  readonly every_ms: number | null;
  readonly start_ms: number | null;
  readonly next_run_ms: number | null;
  readonly created_ms: number;
  readonly expire_ms: number | null;
}): TaskRecord {
  return {
    id: row.id,
    name: row.name,
    databaseName: row.database_name,
    definition: row.definition,
    properties: JSON.parse(row.properties_json) as Record<string, string>,
    userName: row.user_name,
    userHost: row.user_host,
    everyMs: row.every_ms,
    startMs: row.start_ms,
    nextRunMs: row.next_run_ms,
    createdMs: row.created_ms,
    expireMs: row.expire_ms,
  };
}

function readRun(row: TaskRunsTable): TaskRunRecord {
  return {
    queryId: row.query_id,
    taskId: row.task_id,
    taskName: row.task_name,
    databaseName: row.database_name,
    definition: row.definition,
    userName: row.user_name,
    state: row.state,
    createdMs: row.created_ms,
    startedMs: row.started_ms,
    finishedMs: row.finished_ms,
    expireMs: row.expire_ms,
    errorCode: row.error_code,
    errorMessage: row.error_message,
  };
}
