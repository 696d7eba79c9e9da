// Keeps every running Routine Load job's tasks alive: grants leases, sends plans to the loader, finds
// new partitions, decides by an error's kind between retry with back-off and PAUSED. Holds no truth:
// states, positions and leases are in the catalog; losing this object loses nothing. Jobs never wait
// for each other: a broker that does not answer delays its own job only.
import type { Clock, Timer } from '../../base/clock.ts';
import { type AppError, toAppError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoints.ts';
import { asId, type JobId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { Semaphore, settledWithin } from '../../base/queue.ts';
import type { Random } from '../../base/random.ts';
import type { LeaseRecord, LoadJobRecord, LoadJobState } from '../../catalog/load-jobs.ts';
import type { TaskAssignment } from '../../model/load-plan.ts';
import { propertyOf } from '../properties.ts';
import { type AssignmentOptions, assignmentOf, type GrantedTask } from './assignment.ts';
import { addNewPartitions, goneText } from './discover.ts';
import { afterChange, type EvolveOptions } from './evolution.ts';
import { pauseReason, pausesJob, resumeAfterMs } from './health.ts';
import { ProgressWatch } from './progress-watch.ts';
import { JOB_PROPERTIES } from './properties.ts';
import { parseDefinition, type TopicProbe } from './service.ts';
import { coversAll, taskGroups } from './task-groups.ts';
import { readsMany } from './topics.ts';

/** The loader process as the scheduler needs it. */
export interface LoaderPort {
  startTask(assignment: TaskAssignment): Promise<void>;
  stopTask(taskId: string, drain: boolean): Promise<void>;
  /** Ids of the tasks that it runs. */
  runningTasks(): Promise<readonly string[]>;
}

export interface SchedulerOptions extends AssignmentOptions, EvolveOptions {
  readonly probe: TopicProbe;
  readonly loader: LoaderPort;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: string;
  readonly maxTasksPerJob: number;
  /** How often partitions are looked for and the jobs are gone through. */
  readonly intervalMs: number;
  /** Messages may wait so long without a commit before the tasks of their job are started anew. */
  readonly stallMs: () => number;
}

const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 30_000;
/** Jobs that are looked after at once: each may wait for its Kafka. */
const JOBS_AT_ONCE = 16;
/** What stop() waits for: the jobs being looked after, then the tasks that commit what they have. */
const STOP_WAIT_MS = 1_000;
const DRAIN_WAIT_MS = 2_000;

interface JobRuntime {
  /** It failed or stalled since its last commit, as the catalog knows. */
  isIll: boolean;
  internalAttempts: number;
  /** Failures for lack of memory: batches stay smaller from then on. */
  memoryAttempts: number;
  notBeforeMs: number;
  /** -Infinity = never. */
  lastDiscoveryMs: number;
  retry: Timer | undefined;
}

function runs(state: LoadJobState): boolean {
  return state === 'NEED_SCHEDULE' || state === 'RUNNING';
}

export class RoutineLoadScheduler {
  readonly #options: SchedulerOptions;
  readonly #runtime = new Map<number, JobRuntime>();
  /** Jobs that are being looked after. */
  readonly #busy = new Map<number, Promise<void>>();
  /** Those of them that are to be looked after once more. */
  readonly #again = new Set<number>();
  readonly #places = new Semaphore(JOBS_AT_ONCE);
  /** Tasks that have a lease, or are about to, and whose start has not been answered. */
  readonly #starting = new Set<string>();
  #timer: Timer | undefined;
  #woken = false;
  #passing = false;
  #comparing: Promise<void> | undefined;
  #stopped = true;

  readonly #watch: ProgressWatch;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#watch = new ProgressWatch(options.clock);
  }

  /** Ends leases of an earlier life of this FE, then goes through the jobs. */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#options.catalog.leases.revokeNode(this.#options.node, 'the FE started anew');
    this.wake();
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => {
      this.wake();
      this.#compareTasks();
    });
  }

  /** Starts nothing any more and lets running tasks commit what they have read, for a bounded time. */
  async stop(): Promise<void> {
    const { clock } = this.#options;
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    for (const jobId of this.#runtime.keys()) this.#dropRuntime(jobId);
    await settledWithin(clock, Promise.allSettled(this.#busy.values()), STOP_WAIT_MS);
    await settledWithin(clock, this.#drain(), DRAIN_WAIT_MS);
  }

  async #drain(): Promise<void> {
    const { catalog, loader, log } = this.#options;
    try {
      const leases = await catalog.leases.list();
      await Promise.all(leases.map((lease) => loader.stopTask(lease.taskId, true)));
    } catch (error) {
      log.warn('tasks were not drained, their last batch is read again', { error });
    }
  }

  /** Goes through all jobs soon. Calls while a pass is waiting to begin are one. */
  wake(): void {
    if (this.#stopped) return;
    this.#woken = true;
    if (!this.#passing) void this.#pass();
  }

  /**
   * A paused or stopped job: takes the leases away that it has now, then stops their tasks (they could
   * not commit any more). One that is granted meanwhile, after a RESUME, stays.
   */
  async forget(jobId: number): Promise<void> {
    const { catalog } = this.#options;
    this.#dropRuntime(jobId);
    const leases = await catalog.leases.list(asId<JobId>(jobId));
    for (const lease of leases) await catalog.leases.revoke(lease.taskId, 'the job no longer runs');
    await this.#stopTasks(leases.map((lease) => lease.taskId));
    // Tasks of a stopped job lost their leases with it and are not listed above.
    this.#compareTasks();
  }

  /** Leases were taken away in the catalog: their tasks end, and the jobs start anew over what is there now. */
  tasksRevoked(): void {
    this.#compareTasks();
    this.wake();
  }

  /** The loader process ended: its tasks are gone, others take over from the committed positions. */
  async onLoaderGone(): Promise<void> {
    await this.#options.catalog.leases.revokeNode(this.#options.node, 'the loader process ended');
    this.wake();
  }

  /** A task told where its partitions end. */
  onHeard(jobId: JobId): void {
    this.#watch.heard(jobId);
  }

  /** A task that commits is healthy: back-off starts anew. */
  onCommitted(jobId: JobId): void {
    const { catalog, log } = this.#options;
    const hadStalled = this.#watch.committed(jobId);
    const runtime = this.#runtime.get(jobId);
    if (runtime === undefined) return;
    runtime.internalAttempts = 0;
    if (!runtime.isIll && !hadStalled) return;
    runtime.isIll = false;
    catalog.loadJobs
      .noteHealthy(jobId)
      .catch((error: unknown) => log.warn('a job that is well was not noted', { jobId, error }));
  }

  /** A task ended by itself. Retriable errors wait and start again; the rest pause the job. */
  async onTaskFailed(taskId: string, epoch: number, thrown: AppError): Promise<void> {
    const { catalog, log } = this.#options;
    const lease = await catalog.leases.find(taskId);
    if (lease === null || lease.epoch !== epoch) return;
    if (thrown.code !== 'LOAD_SCHEMA_CHANGED')
      log.warn('routine load task failed', { job: lease.jobId, task: taskId, error: thrown });
    if (await this.#losesTopic(lease, thrown)) {
      this.wake();
      return;
    }
    const error = await afterChange(this.#options, lease.jobId, thrown);
    // Before the lease ends: otherwise the job could be started again without waiting.
    if (error === null) this.#compareTasks();
    else await this.#onError(lease.jobId, error);
    await catalog.leases.revoke(taskId, thrown.message);
    this.wake();
  }

  /** A topic of several is gone, or was made anew: the job goes on with the others, and with it when it is found again. */
  async #losesTopic(lease: LeaseRecord, error: AppError): Promise<boolean> {
    const { catalog } = this.#options;
    const isGone = error.code === 'KAFKA_UNKNOWN_TOPIC' || error.code === 'KAFKA_TOPIC_RECREATED';
    const topic = typeof error.fields['topic'] === 'string' ? error.fields['topic'] : undefined;
    const job = isGone ? await catalog.loadJobs.byId(lease.jobId) : null;
    if (job === null || topic === undefined) return false;
    if (!readsMany(parseDefinition(job).source)) return false;
    await catalog.leases.revoke(lease.taskId, error.message);
    await catalog.loadJobs.removePositions(job.id, topic);
    await catalog.loadJobs.setOtherMessage(job.id, goneText([topic]));
    return true;
  }

  /** Decides what an error means for a job: back-off, or PAUSED with the reason. */
  async #onError(jobId: JobId, error: AppError): Promise<void> {
    const { catalog, clock, log } = this.#options;
    const runtime = this.#runtimeOf(jobId);
    runtime.isIll = true;
    if (error.kind === 'internal') runtime.internalAttempts += 1;
    if (error.code === 'ENGINE_OUT_OF_MEMORY') runtime.memoryAttempts += 1;
    const failures = Math.max(1, await catalog.loadJobs.noteFailure(jobId));
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS);
    runtime.notBeforeMs = clock.monotonicMs() + backoffMs;
    await catalog.loadJobs.setOtherMessage(jobId, error.fullMessage);
    const pause = pausesJob(error, { failures, bugs: runtime.internalAttempts });
    if (!pause) {
      runtime.retry?.cancel();
      if (!this.#stopped) runtime.retry = clock.after(backoffMs, () => this.wake());
      return;
    }
    const waitMs = resumeAfterMs(error, failures);
    const resumeMs = waitMs === null ? null : catalog.nowMs() + waitMs;
    const paused = await catalog.transaction(async ({ loadJobs }) => {
      const reason = pauseReason(error);
      const from = ['NEED_SCHEDULE', 'RUNNING'] as const;
      if (!(await loadJobs.setState(jobId, from, 'PAUSED', reason))) return false;
      if (resumeMs !== null) await loadJobs.setResume(jobId, resumeMs);
      return true;
    });
    if (paused) {
      const resumes = resumeMs === null ? 'by RESUME' : new Date(resumeMs).toISOString();
      log.warn('routine load paused', { job: jobId, resumes, error });
    }
    this.#dropRuntime(jobId);
    // Not waited for: the task that failed may itself be waiting for this answer.
    void this.forget(jobId).catch((thrown: unknown) =>
      log.warn('tasks of a paused job were not stopped', { job: jobId, error: thrown }),
    );
  }

  #runtimeOf(jobId: number): JobRuntime {
    const known = this.#runtime.get(jobId);
    if (known !== undefined) return known;
    const fresh: JobRuntime = {
      isIll: false,
      internalAttempts: 0,
      memoryAttempts: 0,
      notBeforeMs: 0,
      lastDiscoveryMs: Number.NEGATIVE_INFINITY,
      retry: undefined,
    };
    this.#runtime.set(jobId, fresh);
    return fresh;
  }

  #dropRuntime(jobId: number): void {
    this.#watch.forget(jobId);
    this.#runtime.get(jobId)?.retry?.cancel();
    this.#runtime.delete(jobId);
  }

  async #pass(): Promise<void> {
    const { catalog, log } = this.#options;
    this.#passing = true;
    while (this.#woken && !this.#stopped) {
      this.#woken = false;
      try {
        const jobs = await catalog.loadJobs.list({ all: false });
        const live = new Set<number>(jobs.map((job) => job.id));
        for (const jobId of this.#runtime.keys()) if (!live.has(jobId)) this.#dropRuntime(jobId);
        for (const job of jobs) {
          if (runs(job.state) || (await this.#resumes(job))) this.#lookAfter(job.id);
        }
      } catch (error) {
        log.error('scheduling routine loads failed', { error });
      }
    }
    this.#passing = false;
  }

  /** A paused job whose time to try again has come, unless a person took it in hand meanwhile. */
  async #resumes({ id, state, resumeMs }: LoadJobRecord): Promise<boolean> {
    const { catalog, log } = this.#options;
    const nowMs = catalog.nowMs();
    if (state !== 'PAUSED' || resumeMs === null || resumeMs > nowMs) return false;
    const resumed = await catalog.loadJobs.resumeDue(id, nowMs);
    if (resumed) log.info('a paused routine load tries again', { job: id });
    return resumed;
  }

  /** Looks after a job in the background; once more when it is asked for meanwhile. */
  #lookAfter(jobId: JobId): void {
    if (this.#busy.has(jobId)) {
      this.#again.add(jobId);
      return;
    }
    const work = this.#places
      .run(() => this.#visit(jobId))
      .catch((error: unknown) =>
        this.#options.log.error('scheduling a routine load failed', { job: jobId, error }),
      )
      .then(() => {
        this.#busy.delete(jobId);
        if (this.#again.delete(jobId) && !this.#stopped) this.#lookAfter(jobId);
      });
    this.#busy.set(jobId, work);
  }

  async #visit(jobId: JobId): Promise<void> {
    const { catalog } = this.#options;
    const job = await catalog.loadJobs.byId(jobId);
    if (this.#stopped || job === null || !runs(job.state)) return;
    if (job.failures > 0 || job.stalled !== null) this.#runtimeOf(jobId).isIll = true;
    if (this.#waits(jobId)) return;
    const missing = this.#options.missingRight(job);
    if (missing !== null) {
      await this.#onError(jobId, missing);
      return;
    }
    try {
      await this.#seeProgress(job);
      await this.#schedule(job);
    } catch (error) {
      await this.#onError(jobId, toAppError(error));
    }
  }

  /** Is the job's back-off not over yet? Its timer wakes the scheduler. */
  #waits(jobId: JobId): boolean {
    return this.#runtimeOf(jobId).notBeforeMs > this.#options.clock.monotonicMs();
  }

  /** Takes the leases of a job that has stalled away, whatever its tasks wait for; scheduling it then starts it anew. */
  async #seeProgress(job: LoadJobRecord): Promise<void> {
    const { catalog, stallMs, log } = this.#options;
    if (job.state !== 'RUNNING') return;
    const positions = await catalog.loadJobs.positions(job.id);
    if (this.#watch.isWellAgain(job, positions)) {
      await catalog.loadJobs.noteHealthy(job.id);
      this.#runtimeOf(job.id).isIll = false;
      return;
    }
    const stall = this.#watch.look(job, positions, stallMs());
    if (stall === null) return;
    await catalog.loadJobs.noteStall(job.id, stall);
    log.warn('a routine load makes no progress', { job: job.name, why: stall.message });
    const taskIds = (await catalog.leases.list(job.id)).map((lease) => lease.taskId);
    for (const taskId of taskIds) await catalog.leases.revoke(taskId, 'the job makes no progress');
    await this.#stopTasks(taskIds);
  }

  async #schedule(job: LoadJobRecord): Promise<void> {
    const { catalog } = this.#options;
    await this.#discover(job);
    const leases = await catalog.leases.list(job.id);
    const positions = await catalog.loadJobs.positions(job.id);
    if (leases.length > 0 && coversAll(leases, positions)) return;
    // A task may have failed since the visit began: its back-off is set before its lease ends.
    if (this.#waits(job.id)) return;
    // Fewer or other partitions than wanted: all tasks of the job start anew from committed positions.
    const taskIds = leases.map((lease) => lease.taskId);
    for (const taskId of taskIds) await catalog.leases.revoke(taskId, 'tasks are assigned anew');
    await this.#stopTasks(taskIds);
    if (this.#stopped) return;
    // No more than positions: the grant decides by the definition that is stored then.
    const mostTasks = Math.min(this.#options.maxTasksPerJob, Math.max(1, positions.length));
    const newIds = Array.from({ length: mostTasks }, () => this.#options.random.uuid());
    for (const taskId of newIds) this.#starting.add(taskId);
    try {
      const granted = await this.#grant(job.id, newIds);
      failpoint('schedule.after-grant');
      for (const one of granted.tasks) await this.#startTask(granted.job, one);
    } catch (error) {
      // A task may run although its answer was lost: without a lease it cannot commit.
      for (const taskId of newIds) await catalog.leases.revoke(taskId, 'the tasks did not start');
      throw error;
    } finally {
      for (const taskId of newIds) this.#starting.delete(taskId);
    }
  }

  /**
   * Leases for all partitions of a job that still runs, none otherwise. State, definition and positions
   * are read with the grant: a PAUSE, ALTER and RESUME since the pass began cannot slip in between.
   */
  #grant(
    jobId: JobId,
    taskIds: readonly string[],
  ): Promise<{ readonly job: LoadJobRecord | null; readonly tasks: readonly GrantedTask[] }> {
    const { catalog, node, maxTasksPerJob } = this.#options;
    return catalog.transaction(async (scope) => {
      const job = await scope.loadJobs.byId(jobId);
      if (job === null || !runs(job.state)) return { job, tasks: [] };
      const positions = await scope.loadJobs.positions(jobId);
      const { properties } = parseDefinition(job);
      const wanted = Math.min(
        Number(propertyOf(JOB_PROPERTIES, properties, 'desired_concurrent_number')),
        maxTasksPerJob,
      );
      const groups = taskGroups(positions, wanted);
      // As StarRocks: RUNNING once the job is divided into tasks, before they answer.
      await scope.loadJobs.setState(jobId, ['NEED_SCHEDULE'], 'RUNNING', null);
      const tasks: GrantedTask[] = [];
      for (const [index, taskId] of taskIds.entries()) {
        const group = groups[index];
        if (group === undefined) break;
        const partitions = group.map(({ topic, partition }) => ({ topic, partition }));
        const lease = await scope.leases.grant({ taskId, jobId, node, partitions });
        tasks.push({ lease, positions: group });
      }
      return { job, tasks };
    });
  }

  async #startTask(job: LoadJobRecord | null, granted: GrantedTask): Promise<void> {
    const { loader, log } = this.#options;
    if (job === null) return;
    const { memoryAttempts } = this.#runtimeOf(job.id);
    const assignment = await assignmentOf(this.#options, job, granted, memoryAttempts);
    // A table is gone, and the job with it.
    if (assignment === null) return;
    await loader.startTask(assignment);
    const { taskId, epoch } = assignment;
    log.info('routine load task started', { job: job.name, task: taskId, epoch });
  }

  async #discover(job: LoadJobRecord): Promise<void> {
    const { clock, intervalMs } = this.#options;
    const definition = parseDefinition(job);
    const runtime = this.#runtimeOf(job.id);
    if (definition.source.partitions !== null) return;
    if (clock.monotonicMs() < runtime.lastDiscoveryMs + intervalMs) return;
    await addNewPartitions(this.#options, job, definition);
    runtime.lastDiscoveryMs = clock.monotonicMs();
  }

  async #stopTasks(taskIds: readonly string[]): Promise<void> {
    const { loader, log } = this.#options;
    await Promise.all(
      taskIds.map((taskId) =>
        loader
          .stopTask(taskId, false)
          .catch((error: unknown) =>
            log.warn('task did not stop in time', { task: taskId, error }),
          ),
      ),
    );
  }

  /** Compares leases with what the loader runs, in the background: whatever message was lost, both agree again. */
  #compareTasks(): void {
    if (this.#stopped || this.#comparing !== undefined) return;
    this.#comparing = this.#compare()
      .catch((error: unknown) =>
        this.#options.log.debug('tasks were not compared with the loader', { error }),
      )
      .finally(() => {
        this.#comparing = undefined;
      });
  }

  async #compare(): Promise<void> {
    const { catalog, loader, node, log } = this.#options;
    const starting = new Set(this.#starting);
    const leases = await catalog.leases.list();
    const running = new Set(await loader.runningTasks());
    const isStarting = (taskId: string): boolean =>
      starting.has(taskId) || this.#starting.has(taskId);
    const held = new Set(leases.map((lease) => lease.taskId));
    for (const lease of leases) {
      if (lease.node !== node || running.has(lease.taskId) || isStarting(lease.taskId)) continue;
      log.warn('a task ended unnoticed, it is started anew', { task: lease.taskId });
      await catalog.leases.revoke(lease.taskId, 'the task ended unnoticed');
      this.wake();
    }
    for (const taskId of running) {
      if (held.has(taskId) || isStarting(taskId)) continue;
      // Granted and started since the leases were read?
      if ((await catalog.leases.find(taskId)) !== null) continue;
      await this.#stopTasks([taskId]);
    }
  }
}
