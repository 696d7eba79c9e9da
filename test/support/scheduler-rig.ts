// The scheduler of Routine Load over a real catalog, with a scripted loader and probe, and a clock that the test moves.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type AppError, fail } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Deferred } from '../../src/base/queue.ts';
import { seededRandom } from '../../src/base/random.ts';
import { defineRoutineLoad } from '../../src/loads/routine/definition.ts';
import { RoutineLoadScheduler } from '../../src/loads/routine/scheduler.ts';
import { RoutineLoads, type TopicFacts } from '../../src/loads/routine/service.ts';
import type { TaskAssignment } from '../../src/model/load-plan.ts';
import { type Fixture, openFixture, TOPIC } from './catalog-fixture.ts';
import { ManualClock } from './manual-clock.ts';

export const NO_CLAUSES = {
  columnSeparator: null,
  rowDelimiter: null,
  columns: null,
  where: null,
  partitions: null,
};

/** A loader that does what the test says; remembers what runs. */
export class FakeLoader {
  readonly running = new Map<string, TaskAssignment>();
  readonly started: TaskAssignment[] = [];
  readonly stopped: { taskId: string; drain: boolean }[] = [];
  /** Thrown by the next starts. */
  readonly startErrors: AppError[] = [];
  /** While set, stops wait for it. */
  stopGate: Deferred<void> | null = null;
  /** While set, starts wait for it. */
  startGate: Deferred<void> | null = null;

  async startTask(assignment: TaskAssignment): Promise<void> {
    await this.startGate?.promise;
    const error = this.startErrors.shift();
    if (error !== undefined) throw error;
    this.started.push(assignment);
    this.running.set(assignment.taskId, assignment);
  }
  async stopTask(taskId: string, drain: boolean): Promise<void> {
    this.stopped.push({ taskId, drain });
    await this.stopGate?.promise;
    this.running.delete(taskId);
  }
  runningTasks = async (): Promise<readonly string[]> => [...this.running.keys()];
}

export class FakeProbe {
  partitionsFound = [0];
  error: AppError | null = null;
  gate: Deferred<void> | null = null;
  calls = 0;

  /** Another one once the topic was deleted and made again. */
  topicId: string | null = null;
  /** Of a job with several topics: those that there are. */
  names: readonly string[] | null = null;
  topics = async (): Promise<readonly string[]> => this.names ?? [];
  topic = async (_connection: unknown, name: string): Promise<TopicFacts> => {
    if (this.names?.includes(name) === false) throw fail('KAFKA_UNKNOWN_TOPIC', { topic: name });
    this.calls += 1;
    await this.gate?.promise;
    if (this.error !== null) throw this.error;
    return { topicId: this.topicId, partitions: this.partitionsFound };
  };
  offsets = async (
    _connection: unknown,
    _topic: string,
    partitions: readonly number[],
    at: 'earliest' | 'latest',
  ): Promise<ReadonlyMap<number, bigint>> =>
    new Map(partitions.map((partition) => [partition, at === 'latest' ? 100n : 7n]));
}

export interface Rig {
  readonly fixture: Fixture;
  readonly clock: ManualClock;
  readonly loader: FakeLoader;
  readonly probe: FakeProbe;
  /** What the job's account lacks. */
  readonly rights: { missing: AppError | null };
  readonly scheduler: RoutineLoadScheduler;
  readonly service: RoutineLoads;
  state(): Promise<string>;
  /** Waits until nothing is under way. */
  rest(): Promise<void>;
  leases(): Promise<readonly { readonly taskId: string; readonly epoch: number }[]>;
}

export async function rig(
  context: TestContext,
  source: Readonly<Record<string, string>> = { kafka_partitions: '0' },
  properties: Readonly<Record<string, string>> = {},
): Promise<Rig> {
  const fixture = await openFixture(context);
  const { catalog, job } = fixture;
  const definition = defineRoutineLoad({
    load: NO_CLAUSES,
    properties: { format: 'json', ...properties },
    source: { kafka_broker_list: 'kafka:9092', kafka_topic: TOPIC, ...source },
    sessionTimeZone: 'Etc/UTC',
  });
  await catalog.loadJobs.setDefinition(job.id, JSON.stringify(definition));
  const clock = new ManualClock();
  const loader = new FakeLoader();
  const probe = new FakeProbe();
  const rights: Rig['rights'] = { missing: null };
  const scheduler = new RoutineLoadScheduler({
    catalog,
    probe,
    loader,
    clock,
    random: seededRandom(1),
    log: silentLog,
    node: 'cn-1',
    maxTasksPerJob: 5,
    freshnessMs: 1000,
    maxMessageBytes: 1_000_000,
    keptMessageBytes: () => 1_000_000,
    intervalMs: 10_000,
    stallMs: () => 60_000,
    missingRight: () => rights.missing,
    evolve: async () => ({ kind: 'unchanged' }),
    rejectedTarget: async (volume) => ({
      tableId: fixture.rejected.id,
      databaseName: '_statistics_',
      tableName: 'rejected_records',
      volume,
      prefix: fixture.rejected.prefix,
      keys: null,
    }),
  });
  context.after(() => scheduler.stop());
  const service = new RoutineLoads({
    catalog,
    probe,
    random: seededRandom(2),
    scheduler,
    errorLogUrl: () => '',
    unstableLimits: () => ({ nowMs: clock.nowMs(), thresholdSeconds: 3600 }),
  });
  return {
    fixture,
    clock,
    loader,
    probe,
    rights,
    scheduler,
    service,
    state: async () => (await catalog.loadJobs.byId(job.id))?.state ?? 'gone',
    leases: () => catalog.leases.list(job.id),
    rest: () => comeToRest(fixture),
  };
}

/** Waits in real time: the catalog answers from its thread. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (!(await condition())) {
    if (performance.now() > endMs) assert.fail(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** More than the catalog is asked in a row by anything of the scheduler. */
const CALLS = 60;

/**
 * Everything under way has come to rest, however slow the machine: the catalog answers in order, so each step of the
 * scheduler has had its answer, and asked the next thing, before an answer of these.
 */
async function comeToRest({ catalog }: Fixture): Promise<void> {
  for (let call = 0; call < CALLS; call += 1) {
    await catalog.loadJobs.allPositions();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
