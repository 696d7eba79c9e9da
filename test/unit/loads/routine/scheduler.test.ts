// The scheduler against a real catalog, a scripted loader and probe, and a clock that the test moves:
// what happens when PAUSE, RESUME, STOP, DROP, a lost loader and a failing task meet a pass half-way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, fail } from '../../../../src/base/errors.ts';
import { deferred } from '../../../../src/base/queue.ts';
import { defineRoutineLoad } from '../../../../src/loads/routine/definition.ts';
import { HEALING_CAUSES } from '../../../../src/loads/routine/healing.ts';
import type { TaskAssignment } from '../../../../src/model/load-plan.ts';
import { TOPIC } from '../../../support/catalog-fixture.ts';
import { NO_CLAUSES, rig, until } from '../../../support/scheduler-rig.ts';

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
