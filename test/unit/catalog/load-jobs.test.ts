import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type JobId } from '../../../src/base/ids.ts';
import { grant, openFixture, progressOf, stage, TOPIC } from '../../support/catalog-fixture.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

test('a job name is unique among jobs that are not final', async (t) => {
  const fixture = await openFixture(t);
  const { loadJobs } = fixture.catalog;
  const again = { ...fixture.job, definitionJson: '{}' };
  await assert.rejects(loadJobs.create(again), (error: unknown) => {
    assert(error instanceof AppError);
    assert.equal(error.message, 'Name clicks already used in db quickstart');
    return true;
  });
  await loadJobs.setState(fixture.job.id, ['RUNNING'], 'STOPPED', null);
  const second = await loadJobs.create(again);
  assert.equal(second.state, 'NEED_SCHEDULE');
  assert.deepEqual(
    (await loadJobs.byName(second.databaseId, 'clicks')).map((job) => job.state),
    ['STOPPED', 'NEED_SCHEDULE'],
  );
  assert.deepEqual(
    (await loadJobs.list({ all: false })).map((job) => job.id),
    [second.id],
  );
  assert.equal((await loadJobs.list({ all: true, databaseId: second.databaseId })).length, 2);
});

test('the state moves by compare-and-set, with its times and its reason', async (t) => {
  const fixture = await openFixture(t);
  const { loadJobs } = fixture.catalog;
  const { id } = fixture.job;
  const reason = { errCode: 100, message: 'User pauses routine load job' };
  assert.equal(await loadJobs.setState(id, ['NEED_SCHEDULE'], 'PAUSED', reason), false);
  assert.equal(await loadJobs.setState(id, ['NEED_SCHEDULE', 'RUNNING'], 'PAUSED', reason), true);
  const paused = present(await loadJobs.byId(id), 'the job');
  assert.deepEqual(paused.reason, reason);
  assert(paused.pausedMs !== null && paused.endedMs === null);
  assert.equal(await loadJobs.setState(id, ['PAUSED'], 'NEED_SCHEDULE', null), true);
  const resumed = present(await loadJobs.byId(id), 'the job');
  assert.equal(resumed.pausedMs, null);
  assert.equal(resumed.reason, null);
  assert.equal(await loadJobs.setState(id, ['NEED_SCHEDULE'], 'STOPPED', null), true);
  assert((await loadJobs.byId(id))?.endedMs !== null);
  assert.equal(await loadJobs.byId(asId<JobId>(1)), null);
});

test('positions: new partitions are added, known ones stay; a move is a compare-and-set', async (t) => {
  const fixture = await openFixture(t);
  const { loadJobs } = fixture.catalog;
  const { id } = fixture.job;
  const far = 2n ** 62n;
  await loadJobs.addPositions(id, [
    { topic: TOPIC, partition: 0, nextOffset: 77n },
    { topic: TOPIC, partition: 1, nextOffset: -2n },
  ]);
  assert.equal(await loadJobs.movePosition(id, TOPIC, 1, -1n, 5n), false);
  assert.equal(await loadJobs.movePosition(id, TOPIC, 1, -2n, far), true);
  await loadJobs.reportLatest(id, TOPIC, [{ partition: 1, latestOffset: far + 1n }]);
  assert.deepEqual(await loadJobs.positions(id), [
    { topic: TOPIC, partition: 0, nextOffset: 0n, lastTimestampMs: null, latestOffset: null },
    { topic: TOPIC, partition: 1, nextOffset: far, lastTimestampMs: null, latestOffset: far + 1n },
  ]);
});

test('window, other message, aborted tasks and definition are kept', async (t) => {
  const fixture = await openFixture(t);
  const { loadJobs } = fixture.catalog;
  const { id } = fixture.job;
  await loadJobs.setOtherMessage(id, 'no new data');
  await loadJobs.countAborted(id, 2);
  await loadJobs.setDefinition(id, '{"a":1}');
  await loadJobs.resetWindow(id);
  const job = present(await loadJobs.byId(id), 'the job');
  assert.equal(job.otherMessage?.text, 'no new data');
  assert.equal(job.counters.abortedTaskNum, 2);
  assert.equal(job.counters.taskExecuteTimeMs, 1);
  assert.equal(job.definitionJson, '{"a":1}');
});

test('a lease has a larger epoch each time and ends those it overlaps, with their transactions', async (t) => {
  const fixture = await openFixture(t, { partitions: 3 });
  const { leases, transactions } = fixture.catalog;
  const first = await grant(fixture, 't1', [0, 1]);
  const second = await grant(fixture, 't2', [2]);
  const open = await stage(fixture, first, [progressOf(0n, { loaded: 1 })]);
  const third = await grant(fixture, 't3', [1]);
  assert(first.epoch < second.epoch && second.epoch < third.epoch);
  assert.deepEqual(
    (await leases.list(fixture.job.id)).map((lease) => lease.taskId),
    ['t2', 't3'],
  );
  assert.equal((await transactions.find(open.transactionId))?.state, 'ABORTED');
  const again = await grant(fixture, 't3', [1]);
  assert(again.epoch > third.epoch);
  await leases.revokeNode('cn1', 'the node is gone');
  assert.deepEqual(await leases.list(), []);
  await leases.revoke('t3', 'again');
  await fixture.catalog.loadJobs.setState(fixture.job.id, ['RUNNING'], 'STOPPED', null);
  await assert.rejects(grant(fixture, 't4'), hasCode('UNKNOWN_LOAD_JOB'));
});
