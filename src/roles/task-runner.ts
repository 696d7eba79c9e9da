// Runs the tasks of SUBMIT TASK when they are due, each with the rights of who submitted it. What is due is
// in the metadata, so that a restart loses none; a run that a restart cut off has FAILED and is not repeated.
import { toAppError } from '../base/errors.ts';
import { settledWithin } from '../base/queue.ts';
import type { TaskRecord, TaskRunRecord, Tasks } from '../catalog/task-store.ts';
import { executeStatement } from '../statements/execute.ts';
import { firstRun, taskSession } from '../statements/tasks.ts';
import type { Services } from '../statements/types.ts';

const LOOK_EVERY_MS = 500;
const PRUNE_EVERY_MS = 60_000;
const STOP_WAIT_MS = 3_000;
/** Of a run that ended with an error; StarRocks' FAILED runs have -1, too. */
const FAILED_CODE = -1;

export interface TaskRunner {
  /** No run begins any more; those that run are aborted and waited for a little. */
  stop(): Promise<void>;
}

export async function startTaskRunner(services: Services): Promise<TaskRunner> {
  await services.catalog.tasks.failOpenRuns('the front end was started again while it ran');
  const runner = new Runner(services);
  const timers = [
    services.clock.every(LOOK_EVERY_MS, () => runner.look()),
    services.clock.every(PRUNE_EVERY_MS, () => runner.prune()),
  ];
  return {
    stop: async () => {
      for (const timer of timers) timer.cancel();
      await runner.stop();
    },
  };
}

class Runner {
  readonly #services: Services;
  readonly #abort = new AbortController();
  /** Ids of tasks that run now: a task never runs twice at once. */
  readonly #running = new Map<number, Promise<void>>();
  #looking = false;

  constructor(services: Services) {
    this.#services = services;
  }

  look(): void {
    if (this.#looking || this.#abort.signal.aborted) return;
    this.#looking = true;
    void this.#startDue()
      .catch((error: unknown) => this.#services.log.warn('tasks could not be looked at', { error }))
      .finally(() => {
        this.#looking = false;
      });
  }

  prune(): void {
    const { catalog, clock, config, log } = this.#services;
    void catalog.tasks
      .prune(clock.nowMs(), config.int('task_runs_max_history_number'))
      .catch((error: unknown) => log.warn('old runs of tasks were not removed', { error }));
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('the server stops'));
    await settledWithin(
      this.#services.clock,
      Promise.allSettled([...this.#running.values()]),
      STOP_WAIT_MS,
    );
  }

  async #startDue(): Promise<void> {
    const { catalog, clock, config } = this.#services;
    const nowMs = clock.nowMs();
    for (const task of await catalog.tasks.due(nowMs)) {
      if (this.#running.size >= config.int('task_runs_concurrency')) return;
      if (this.#running.has(task.id)) continue;
      const run = this.#newRun(task, nowMs);
      // From the planned time, so that the rhythm stays; times that were missed are not made up for.
      const next =
        task.everyMs === null ? null : firstRun(task.nextRunMs ?? nowMs, task.everyMs, nowMs + 1);
      if (!(await catalog.tasks.startRun(task, next, run))) continue;
      const work = this.#run(task, run).finally(() => this.#running.delete(task.id));
      this.#running.set(task.id, work);
    }
  }

  #newRun(task: TaskRecord, nowMs: number): TaskRunRecord {
    return {
      queryId: this.#services.newUuid(),
      taskId: task.id,
      taskName: task.name,
      databaseName: task.databaseName,
      definition: task.definition,
      userName: task.userName,
      state: 'RUNNING',
      createdMs: nowMs,
      startedMs: nowMs,
      finishedMs: null,
      expireMs: nowMs + this.#services.config.int('task_runs_ttl_second') * 1000,
      errorCode: 0,
      errorMessage: '',
    };
  }

  async #run(task: TaskRecord, run: TaskRunRecord): Promise<void> {
    const services = this.#services;
    let end: Parameters<Tasks['finishRun']>[1];
    try {
      const session = taskSession(task, services);
      await executeStatement(task.definition, session, services, this.#abort.signal);
      end = { state: 'SUCCESS', errorCode: 0, errorMessage: '' };
    } catch (thrown) {
      const error = toAppError(thrown);
      services.log.warn('a task failed', { task: task.name, error });
      end = { state: 'FAILED', errorCode: FAILED_CODE, errorMessage: error.fullMessage };
    }
    try {
      const noted = await services.catalog.tasks.finishRun(run.queryId, end);
      if (noted) return;
      const { name } = task;
      services.log.warn('a run ended that was over already', { task: name, state: end.state });
    } catch (error) {
      services.log.error('the end of a task was not noted', { task: task.name, error });
    }
  }
}
