// The scheduler against a real catalog, a scripted loader and probe, and a clock that the test moves:
// what happens when PAUSE, RESUME, STOP, DROP, a lost loader and a failing task meet a pass half-way.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type AppError, type ErrorCode, fail } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { type Deferred, deferred } from '../../../../src/base/queue.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import { HEALING_CAUSES } from '../../../../src/loads/routine/healing.ts';
import { RoutineLoadScheduler } from '../../../../src/loads/routine/scheduler.ts';
import { RoutineLoads, type TopicFacts } from '../../../../src/loads/routine/service.ts';
import type { TaskAssignment } from '../../../../src/model/load-plan.ts';
import { type Fixture, openFixture, TOPIC } from '../../../support/catalog-fixture.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const NO_CLAUSES = {
  columnSeparator: null,
  rowDelimiter: null,
  columns: null,
  where: null,
  partitions: null,
};

/** A loader that does what the test says; remembers what runs. */
class FakeLoader {
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

class FakeProbe {
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

interface Rig {
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

async function rig(
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
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
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

test('a running job gets one task with its positions, and no second one', async (context) => {
  const { fixture, loader, scheduler, clock, state, rest } = await rig(context);
  await fixture.catalog.loadJobs.movePosition(fixture.job.id, TOPIC, 0, 0n, 42n);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  const [assignment] = loader.started;
  assert.deepEqual(assignment?.plan.source.partitions, [{ partition: 0, offset: 42n }]);
  assert.equal(await state(), 'RUNNING');
  // Its task tells of Kafka now and then.
  for (let reports = 0; reports < 10; reports += 1) {
    await clock.advance(20_000);
    await rest();
    scheduler.onHeard(fixture.job.id);
  }
  scheduler.wake();
  await rest();
  assert.equal(loader.started.length, 1);
});

test('PAUSE while the job is being scheduled: no task is left with a lease', async (context) => {
  const { loader, probe, scheduler, service, leases, state, rest } = await rig(context, {});
  probe.gate = deferred();
  await scheduler.start();
  await until('probing', () => probe.calls === 1);
  await service.pause('quickstart', 'clicks', 'root');
  probe.gate.resolve();
  await rest();
  assert.equal(await state(), 'PAUSED');
  assert.equal(loader.running.size, 0);
  assert.deepEqual(await leases(), []);
});

test('PAUSE while the task is being started: the start is undone', async (context) => {
  const { loader, scheduler, service, leases } = await rig(context);
  loader.startGate = deferred();
  await scheduler.start();
  await until('granted', async () => (await leases()).length === 1);
  await service.pause('quickstart', 'clicks', 'root');
  assert.deepEqual(await leases(), []);
  loader.startGate.resolve();
  await until('started in vain', () => loader.started.length === 1);
  // The loader's task has no lease, so it cannot begin a batch; the next comparison ends it.
  await service.resume('quickstart', 'clicks');
  await until('started again', () => loader.started.length === 2);
  assert.equal((await leases()).length, 1);
});

test('RESUME while a stop is under way: the new task keeps its lease', async (context) => {
  const { loader, scheduler, service, leases, state, rest } = await rig(context);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  loader.stopGate = deferred();
  const pausing = service.pause('quickstart', 'clicks', 'root');
  await until('stopping', () => loader.stopped.length === 1);
  await service.resume('quickstart', 'clicks');
  await until('started again', () => loader.started.length === 2);
  loader.stopGate.resolve();
  await pausing;
  await rest();
  const held = await leases();
  assert.deepEqual(
    held.map((lease) => lease.taskId),
    [loader.started[1]?.taskId],
  );
  assert.equal(await state(), 'RUNNING');
});

test('PAUSE, ALTER of offsets and RESUME during a pass: the task begins where ALTER said', async (context) => {
  const { fixture, loader, probe, scheduler, service, rest } = await rig(context, {});
  probe.gate = deferred();
  await scheduler.start();
  await until('probing', () => probe.calls === 1);
  await service.pause('quickstart', 'clicks', 'root');
  await service.alter({
    database: 'quickstart',
    name: 'clicks',
    load: NO_CLAUSES,
    properties: { strict_mode: 'true' },
    source: { kafka_partitions: '0', kafka_offsets: '30' },
  });
  await service.resume('quickstart', 'clicks');
  probe.gate.resolve();
  await until('started', () => loader.started.length === 1);
  await rest();
  const { plan } = loader.started[0] as TaskAssignment;
  assert.deepEqual(plan.source.partitions, [{ partition: 0, offset: 30n }]);
  assert.equal(plan.transform.strictMode, true);
  assert.equal(loader.started.length, 1);
  const positions = await fixture.catalog.loadJobs.positions(fixture.job.id);
  assert.equal(positions[0]?.nextOffset, 30n);
});

test('STOP and DROP TABLE end the tasks although their leases are gone already', async (context) => {
  const first = await rig(context);
  await first.scheduler.start();
  await until('started', () => first.loader.started.length === 1);
  await first.service.stop('quickstart', 'clicks', 'root');
  await until('ended', () => first.loader.running.size === 0);

  const second = await rig(context);
  await second.scheduler.start();
  await until('started', () => second.loader.started.length === 1);
  await second.fixture.catalog.tables.drop('quickstart', 'site_clicks');
  await second.clock.advance(10_000);
  await until('ended', () => second.loader.running.size === 0);
  assert.equal(await second.state(), 'CANCELLED');
  second.scheduler.wake();
  await second.rest();
  assert.equal(second.loader.started.length, 1);
});

test('the loader ends: its leases go, the job goes on from its positions', async (context) => {
  const { loader, scheduler, leases } = await rig(context);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  loader.running.clear();
  await scheduler.onLoaderGone();
  await until('started again', () => loader.started.length === 2);
  assert.deepEqual(
    (await leases()).map((lease) => lease.taskId),
    [loader.started[1]?.taskId],
  );
});

test('a task that ended without a word is noticed and started again', async (context) => {
  const { clock, loader, scheduler } = await rig(context);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  loader.running.clear();
  await clock.advance(10_000);
  await until('started again', () => loader.started.length === 2);
});

test('a task that is still starting is not taken for one that ended', async (context) => {
  const { clock, loader, scheduler, leases, rest } = await rig(context);
  loader.startGate = deferred();
  await scheduler.start();
  await until('granted', async () => (await leases()).length === 1);
  await clock.advance(30_000);
  await rest();
  loader.startGate.resolve();
  await until('started', () => loader.started.length === 1);
  await rest();
  assert.equal((await leases()).length, 1);
  assert.equal(loader.started.length, 1);
});

test('a retriable failure waits longer from time to time; a commit makes it forget', async (context) => {
  const { clock, loader, scheduler, leases, fixture, state, rest } = await rig(context);
  await scheduler.start();
  const failOnce = async (round: number): Promise<void> => {
    await until('running', async () => loader.started.length === round);
    await until('leased', async () => (await leases()).length === 1);
    const task = loader.started.at(-1) as TaskAssignment;
    loader.running.delete(task.taskId);
    const error = fail('KAFKA_UNREACHABLE', { brokers: 'kafka:9092', reason: 'refused' });
    await scheduler.onTaskFailed(task.taskId, task.epoch, error);
    await rest();
  };
  await failOnce(1);
  assert.equal(loader.started.length, 1);
  await clock.advance(199);
  await rest();
  assert.equal(loader.started.length, 1);
  await clock.advance(1);
  await failOnce(2);
  await clock.advance(399);
  await rest();
  assert.equal(loader.started.length, 2);
  await clock.advance(1);
  await until('third', () => loader.started.length === 3);
  scheduler.onCommitted(fixture.job.id);
  await failOnce(3);
  await clock.advance(200);
  await until('fourth', () => loader.started.length === 4);
  assert.equal(await state(), 'RUNNING');
  const job = await fixture.catalog.loadJobs.byId(fixture.job.id);
  assert.match(job?.otherMessage?.text ?? '', /cannot reach Kafka/);
});

test('a failure that is told while the job is being looked after: it waits all the same', async (context) => {
  const { clock, probe, loader, scheduler, rest } = await rig(context, {});
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  await rest();
  const task = loader.started[0] as TaskAssignment;
  probe.gate = deferred();
  await clock.advance(10_000);
  await until('looked after again', () => probe.calls === 2);
  loader.running.delete(task.taskId);
  const error = fail('KAFKA_UNREACHABLE', { brokers: 'kafka:9092', reason: 'refused' });
  await scheduler.onTaskFailed(task.taskId, task.epoch, error);
  probe.gate.resolve();
  await rest();
  assert.equal(loader.started.length, 1);
  await clock.advance(200);
  await until('started again', () => loader.started.length === 2);
});

test("a user's error pauses the job with its reason; a repeated report changes nothing", async (context) => {
  const { loader, scheduler, leases, fixture, state, rest } = await rig(context);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  const task = loader.started[0] as TaskAssignment;
  loader.running.delete(task.taskId);
  const error = fail('KAFKA_UNKNOWN_TOPIC', { topic: TOPIC });
  await scheduler.onTaskFailed(task.taskId, task.epoch, error);
  await scheduler.onTaskFailed(task.taskId, task.epoch, error);
  await until('no lease', async () => (await leases()).length === 0);
  assert.equal(await state(), 'PAUSED');
  const job = await fixture.catalog.loadJobs.byId(fixture.job.id);
  assert.equal(job?.reason?.errCode, 4);
  assert.match(job?.reason?.message ?? '', /Kafka topic 'clicks' does not exist/);
  await rest();
  assert.equal(loader.started.length, 1);
});

test('an account that lost the right to load: the job pauses and its tasks end', async (context) => {
  const { fixture, loader, rights, scheduler, service, state, leases } = await rig(context);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  rights.missing = fail('USER_GONE', { user: "'ann'@'%'" });
  scheduler.wake();
  await until('paused', async () => (await state()) === 'PAUSED');
  await until('ended', async () => loader.running.size === 0 && (await leases()).length === 0);
  const job = await fixture.catalog.loadJobs.byId(fixture.job.id);
  assert.match(job?.reason?.message ?? '', /'ann'@'%': the user was dropped/);
  // RESUME does not help until the right is back.
  await service.resume('quickstart', 'clicks');
  await until('paused again', async () => (await state()) === 'PAUSED');
  assert.equal(loader.started.length, 1);
  rights.missing = null;
  await service.resume('quickstart', 'clicks');
  await until('started again', () => loader.started.length === 2);
});

test('a report of an old epoch is not listened to', async (context) => {
  const { loader, scheduler, state } = await rig(context);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  const task = loader.started[0] as TaskAssignment;
  await scheduler.onTaskFailed(task.taskId, task.epoch - 1, fail('KAFKA_UNKNOWN_TOPIC'));
  assert.equal(await state(), 'RUNNING');
});

test('bugs are tried three times before a person is asked', async (context) => {
  const { clock, loader, scheduler, state, rest } = await rig(context);
  for (let index = 0; index < 3; index += 1) {
    loader.startErrors.push(fail('INTERNAL', { detail: 'a bug' }));
  }
  await scheduler.start();
  await until('first', () => loader.startErrors.length === 2);
  await rest();
  assert.equal(await state(), 'RUNNING');
  await clock.advance(200);
  await until('second', () => loader.startErrors.length === 1);
  await rest();
  await clock.advance(400);
  await until('paused', async () => (await state()) === 'PAUSED');
  assert.equal(loader.started.length, 0);
});

test('a job that lacks memory is started again with smaller batches, and pauses where that does not help', async (context) => {
  const { clock, loader, scheduler, state, rest } = await rig(context);
  await scheduler.start();
  const sizes: number[] = [];
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await until('started', () => loader.started.length === attempt + 1);
    await rest();
    assert.equal(await state(), 'RUNNING');
    const task = loader.started[attempt] as TaskAssignment;
    sizes.push(task.plan.limits.maxBatchBytes / 1024 / 1024);
    loader.running.delete(task.taskId);
    const error = fail('ENGINE_OUT_OF_MEMORY', { detail: 'a large message' });
    await scheduler.onTaskFailed(task.taskId, task.epoch, error);
    await clock.advance(5_000);
  }
  assert.deepEqual(sizes, [64, 8, 4, 2, 1]);
  await until('paused', async () => (await state()) === 'PAUSED');
  assert.equal(loader.started.length, 5);
});

test('new partitions begin at their beginning, or where kafka_default_offsets says', async (context) => {
  const plain = await rig(context, {});
  plain.probe.partitionsFound = [0, 1];
  await plain.scheduler.start();
  await until('started', () => plain.loader.started.length === 1);
  assert.deepEqual(plain.loader.started[0]?.plan.source.partitions, [
    { partition: 0, offset: 0n },
    { partition: 1, offset: 7n },
  ]);
  plain.probe.partitionsFound = [0, 1, 2];
  await plain.clock.advance(10_000);
  await until('all anew', () => plain.loader.started.length === 2);
  assert.equal(plain.loader.stopped[0]?.taskId, plain.loader.started[0]?.taskId);
  assert.equal(plain.loader.started[1]?.plan.source.partitions.length, 3);

  const atEnd = await rig(context, { 'property.kafka_default_offsets': 'OFFSET_END' });
  atEnd.probe.partitionsFound = [0, 1];
  await atEnd.scheduler.start();
  await until('started', () => atEnd.loader.started.length === 1);
  assert.deepEqual(atEnd.loader.started[0]?.plan.source.partitions[1], {
    partition: 1,
    offset: 100n,
  });
});

test('a broker that does not answer holds up its own job only', async (context) => {
  const { fixture, probe, loader, scheduler } = await rig(context, {});
  const { catalog, table } = fixture;
  const listed = defineRoutineLoad({
    load: NO_CLAUSES,
    properties: { format: 'json' },
    source: { kafka_broker_list: 'kafka:9092', kafka_topic: TOPIC, kafka_partitions: '0' },
    sessionTimeZone: 'Etc/UTC',
  });
  const other = await catalog.loadJobs.create({
    databaseId: table.databaseId,
    tableId: table.id,
    name: 'other',
    userName: 'root',
    userHost: '%',
    groupId: 'g',
    definitionJson: JSON.stringify(listed),
  });
  await catalog.loadJobs.addPositions(other.id, [{ topic: TOPIC, partition: 0, nextOffset: 5n }]);
  probe.gate = deferred();
  await scheduler.start();
  await until('the other job runs', () => loader.started.length === 1);
  assert.equal(loader.started[0]?.plan.jobName, 'other');
  probe.gate.resolve();
  await until('both run', () => loader.started.length === 2);
});

test('stop drains the tasks and leaves no timer behind, also in the middle of a back-off', async (context) => {
  const { clock, loader, scheduler } = await rig(context);
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  const task = loader.started[0] as TaskAssignment;
  await scheduler.stop();
  assert.deepEqual(loader.stopped, [{ taskId: task.taskId, drain: true }]);
  assert.equal(clock.timers, 0);

  const failing = await rig(context);
  failing.loader.startErrors.push(fail('PEER_GONE', { peer: 'loader process' }));
  await failing.scheduler.start();
  await until('failed', () => failing.loader.startErrors.length === 0);
  await failing.rest();
  assert.equal(failing.clock.timers, 2);
  await failing.scheduler.stop();
  assert.equal(failing.clock.timers, 0);
});

test('stop ends although Kafka and the loader never answer', async (context) => {
  const { clock, probe, loader, scheduler, rest } = await rig(context, {});
  probe.gate = deferred();
  await scheduler.start();
  await until('probing', () => probe.calls === 1);
  loader.stopGate = deferred();
  const stopping = scheduler.stop();
  await rest();
  await clock.advance(1_000);
  await rest();
  await clock.advance(2_000);
  await stopping;
  probe.gate.resolve();
  loader.stopGate.resolve();
  await rest();
  assert.equal(loader.started.length, 0);
});

test('a right that comes back: the paused job resumes by itself, unless a person paused it', async (context) => {
  const { fixture, clock, loader, rights, scheduler, service, state, rest } = await rig(context);
  const { catalog, job } = fixture;
  rights.missing = fail('NOT_AUTHORIZED', { privilege: 'INSERT', object: 'TABLE t', user: 'u' });
  await scheduler.start();
  await until('paused', async () => (await state()) === 'PAUSED');
  await rest();
  const paused = await catalog.loadJobs.byId(job.id);
  assert.equal(paused?.failures, 1);
  assert.ok((paused?.resumeMs ?? 0) > catalog.nowMs());
  rights.missing = null;
  await clock.advance(10_000);
  await rest();
  assert.equal(await state(), 'PAUSED', 'its time has not come');
  await catalog.loadJobs.setResume(job.id, catalog.nowMs());
  await clock.advance(10_000);
  await until('running', () => loader.started.length === 1);
  assert.equal(await state(), 'RUNNING');
  assert.equal((await catalog.loadJobs.byId(job.id))?.failures, 1, 'until it commits');
  scheduler.onCommitted(job.id);
  await until('well', async () => (await catalog.loadJobs.byId(job.id))?.failures === 0);

  rights.missing = fail('NOT_AUTHORIZED', { privilege: 'INSERT', object: 'TABLE t', user: 'u' });
  scheduler.wake();
  await until('paused again', async () => (await state()) === 'PAUSED');
  await rest();
  await service.resume('quickstart', job.name);
  await service.pause('quickstart', job.name, 'me').catch(() => undefined);
  await rest();
  const byHand = await catalog.loadJobs.byId(job.id);
  assert.equal(byHand?.state, 'PAUSED');
});

test('messages wait and nothing is committed: UNSTABLE, the tasks start anew, a commit makes it well', async (context) => {
  const { fixture, clock, loader, scheduler, service, rest } = await rig(context);
  const { catalog, job } = fixture;
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  await catalog.loadJobs.reportLatest(job.id, TOPIC, [{ partition: 0, latestOffset: 20n }]);
  await clock.advance(10_000);
  await rest();
  await clock.advance(40_000);
  await rest();
  assert.equal(loader.started.length, 1);
  await clock.advance(10_000);
  await until('started anew', () => loader.started.length === 2);
  const [first] = loader.started;
  assert.ok(loader.stopped.some(({ taskId }) => taskId === first?.taskId));
  const [shown] = await service.list(
    { database: 'quickstart', name: job.name, all: false },
    'Etc/UTC',
  );
  assert.match(shown?.unstable?.message ?? '', /^20 messages wait and nothing was committed since/);
  assert.equal(shown?.job.stalled?.restarts, 1);
  scheduler.onCommitted(job.id);
  await until('well', async () => (await catalog.loadJobs.byId(job.id))?.stalled === null);
});

test('nothing is heard of Kafka: UNSTABLE, the tasks start anew, well without a commit once it answers', async (context) => {
  const { fixture, clock, loader, scheduler, rest } = await rig(context);
  const { catalog, job } = fixture;
  const stalled = async () => (await catalog.loadJobs.byId(job.id))?.stalled ?? null;
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  await clock.advance(10_000);
  await rest();
  await clock.advance(60_000);
  await until('started anew', () => loader.started.length === 2);
  assert.match((await stalled())?.message ?? '', /^nothing was heard of Kafka since /);
  scheduler.onHeard(job.id);
  await clock.advance(10_000);
  await until('well', async () => (await stalled()) === null);
  assert.equal(loader.started.length, 2);
});

test('several topics: a task for each, a new one is found, one that is gone leaves the others alone', async (context) => {
  const { fixture, probe, loader, scheduler, clock, state } = await rig(context, {
    kafka_topic: '',
    kafka_topic_regex: 'clicks|more_.*',
  });
  const { catalog, job } = fixture;
  const topicsOf = async (): Promise<readonly string[]> =>
    (await catalog.loadJobs.positions(job.id)).map((p) => `${p.topic}:${p.partition}`);
  probe.partitionsFound = [0];
  probe.names = ['clicks', 'other', 'more_a', '__more_x'];
  await scheduler.start();
  await until('two tasks', () => loader.started.length === 2);
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_a:0']);
  assert.deepEqual(
    loader.started.map(({ plan }) => [plan.source.topic, plan.source.partitions]),
    [
      ['clicks', [{ partition: 0, offset: 0n }]],
      ['more_a', [{ partition: 0, offset: 7n }]],
    ],
  );

  probe.names = ['clicks', 'more_a', 'more_b'];
  await clock.advance(10_000);
  await until('three tasks', () => loader.started.length === 5);
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_a:0', 'more_b:0']);

  const gone = loader.started[3];
  assert.equal(gone?.plan.source.topic, 'more_a');
  probe.names = ['clicks', 'more_b'];
  const error = fail('KAFKA_UNKNOWN_TOPIC', { topic: 'more_a' });
  await scheduler.onTaskFailed(gone.taskId, gone.epoch, error);
  assert.equal(await state(), 'RUNNING');
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_b:0']);
  assert.match(
    (await catalog.loadJobs.byId(job.id))?.otherMessage?.text ?? '',
    /goes on without topics that do not exist: more_a/,
  );
  assert.equal((await catalog.leases.list(job.id)).length, 2);

  // Made again: it begins as a topic that was found later does.
  probe.names = ['clicks', 'more_a', 'more_b'];
  await clock.advance(10_000);
  await until('back', () => loader.started.length === 8);
  assert.deepEqual(await topicsOf(), ['clicks:0', 'more_a:0', 'more_b:0']);
});

test('the only topic is made again while the job is paused: it is noticed, until ALTER says where to begin', async (context) => {
  const { fixture, probe, loader, scheduler, service, state, rest } = await rig(context, {});
  const { catalog, job } = fixture;
  probe.topicId = 'first';
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  // Nobody knew the id when the job was made: it is the one that was found first.
  assert.equal(loader.started[0]?.plan.source.topicId, 'first');
  await service.pause('quickstart', job.name, 'root');
  probe.topicId = 'second';
  await service.resume('quickstart', job.name);
  await until('paused', async () => (await state()) === 'PAUSED');
  await rest();
  const paused = await catalog.loadJobs.byId(job.id);
  assert.equal(paused?.reason?.errCode, 5607);
  assert.match(
    paused?.reason?.message ?? '',
    /was deleted and created again \(id first, now second/,
  );
  assert.equal(paused?.resumeMs, null);
  assert.equal(loader.started.length, 1);

  await service.alter({
    database: 'quickstart',
    name: job.name,
    load: NO_CLAUSES,
    properties: {},
    source: { kafka_partitions: '0', kafka_offsets: '3' },
  });
  await service.resume('quickstart', job.name);
  await until('started again', () => loader.started.length === 2);
  const { source } = loader.started[1]?.plan ?? assert.fail();
  assert.equal(source.topicId, 'second');
  assert.deepEqual(source.partitions, [{ partition: 0, offset: 3n }]);
});

test('of several topics one is made again while the job is paused: it alone begins anew', async (context) => {
  const { fixture, probe, loader, scheduler, service } = await rig(context, {
    kafka_topic: 'clicks,constructor',
  });
  const { job, catalog } = fixture;
  const ids: Record<string, string> = { clicks: 'c1', constructor: 'k1' };
  probe.topic = async (_connection, name) => ({ topicId: ids[name] ?? null, partitions: [0] });
  await scheduler.start();
  await until('two tasks', () => loader.started.length === 2);
  await catalog.loadJobs.movePosition(job.id, 'constructor', 0, 7n, 50n);
  await catalog.loadJobs.movePosition(job.id, 'clicks', 0, 0n, 60n);
  await service.pause('quickstart', job.name, 'root');
  ids['constructor'] = 'k2';
  await service.resume('quickstart', job.name);
  await until('two more', () => loader.started.length === 4);
  assert.deepEqual(
    loader.started.slice(2).map(({ plan: { source } }) => ({
      topic: source.topic,
      id: source.topicId,
      offset: source.partitions[0]?.offset,
    })),
    [
      { topic: 'clicks', id: 'c1', offset: 60n },
      { topic: 'constructor', id: 'k2', offset: 7n },
    ],
  );
  assert.match(
    (await catalog.loadJobs.byId(job.id))?.otherMessage?.text ?? '',
    /Kafka topic 'constructor' was deleted and created again/,
  );
});

test('several topics: no more tasks than desired_concurrent_number, each with whole topics', async (context) => {
  const { fixture, probe, loader, scheduler, leases } = await rig(
    context,
    { kafka_topic: '', kafka_topic_regex: '.*' },
    { desired_concurrent_number: '2' },
  );
  probe.partitionsFound = [0, 1];
  probe.names = ['a', 'b', 'c'];
  await fixture.catalog.loadJobs.removePositions(fixture.job.id);
  await scheduler.start();
  await until('two tasks', () => loader.started.length === 2);
  const partitions = [
    { partition: 0, offset: 7n },
    { partition: 1, offset: 7n },
  ];
  assert.deepEqual(
    loader.started.map(({ plan: { source } }) => [source.topic, source.partitions, source.others]),
    [
      ['a', partitions, [{ topic: 'c', partitions }]],
      ['b', partitions, undefined],
    ],
  );
  assert.equal((await leases()).length, 2);
});

test('every cause that can heal: PAUSED with its reason, resumed at its time, well with the next commit; no other cause', async (context) => {
  const { fixture, clock, loader, scheduler, state, rest } = await rig(context);
  const { catalog, job } = fixture;
  const pauseBy = async (code: ErrorCode) => {
    const started = loader.started.length;
    // It pauses only when smaller batches have not helped.
    const before = code === 'ENGINE_OUT_OF_MEMORY' ? 4 : 0;
    for (let time = 0; time < before; time += 1) await catalog.loadJobs.noteFailure(job.id);
    const task = loader.started.at(-1) ?? assert.fail();
    await scheduler.onTaskFailed(task.taskId, task.epoch, fail(code, { topic: TOPIC }));
    await until(`${code} pauses`, async () => (await state()) === 'PAUSED');
    await rest();
    assert.equal(loader.started.length, started, code);
    return (await catalog.loadJobs.byId(job.id)) ?? assert.fail();
  };
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  const codes = Object.keys(HEALING_CAUSES) as ErrorCode[];
  assert.ok(codes.length > 15);
  for (const code of codes) {
    const started = loader.started.length;
    const paused = await pauseBy(code);
    assert.ok((paused.resumeMs ?? 0) > catalog.nowMs(), code);
    assert.ok(paused.failures > 0, code);
    await catalog.loadJobs.setResume(job.id, catalog.nowMs());
    await clock.advance(10_000);
    await until(`${code} heals`, () => loader.started.length === started + 1);
    scheduler.onCommitted(job.id);
    await until('well', async () => (await catalog.loadJobs.byId(job.id))?.failures === 0);
    assert.equal(await state(), 'RUNNING');
  }
  // For a person: what the job or its messages are.
  const others = ['LOAD_PARSE_ERROR', 'KAFKA_OFFSET_OUT_OF_RANGE', 'LOAD_SQL'] as const;
  for (const code of others) {
    assert.equal(HEALING_CAUSES[code], undefined);
    assert.equal((await pauseBy(code)).resumeMs, null, code);
    const started = loader.started.length;
    await catalog.loadJobs.setState(job.id, ['PAUSED'], 'NEED_SCHEDULE', null);
    scheduler.wake();
    await until('started again', () => loader.started.length === started + 1);
  }
});

test('the times of a job are limits of its tasks: the shorter one for collecting, one for writing', async (context) => {
  const { loader, scheduler } = await rig(context, undefined, {
    max_batch_interval: '20',
    task_consume_second: '7',
    task_timeout_second: '33',
  });
  await scheduler.start();
  await until('started', () => loader.started.length === 1);
  const limits = loader.started[0]?.plan.limits;
  assert.deepEqual([limits?.maxBatchIntervalMs, limits?.taskTimeoutMs], [7_000, 33_000]);
});
