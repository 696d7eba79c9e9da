// Tasks and their runs: what is due, what a restart does to a run, what is forgotten.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NewTask, TaskRecord, TaskRunRecord } from '../../../src/catalog/task-store.ts';
import { openFixture } from '../../support/catalog-fixture.ts';

const TASK: NewTask = {
  name: 't',
  databaseName: 'quickstart',
  definition: 'INSERT INTO a VALUES (1)',
  properties: { 'session.query_timeout': '5' },
  userName: 'root',
  userHost: '%',
  everyMs: 10_000,
  startMs: 1_000,
  nextRunMs: 1_000,
  expireMs: null,
};

const runOf = (task: TaskRecord, queryId: string, createdMs: number): TaskRunRecord => ({
  queryId,
  taskId: task.id,
  taskName: task.name,
  databaseName: task.databaseName,
  definition: task.definition,
  userName: task.userName,
  state: 'RUNNING',
  createdMs,
  startedMs: createdMs,
  finishedMs: null,
  expireMs: createdMs + 1_000,
  errorCode: 0,
  errorMessage: '',
});

test('a task is due from its time on, and its name is used once', async (t) => {
  const { catalog } = await openFixture(t);
  const task = await catalog.tasks.create(TASK);
  assert.deepEqual(await catalog.tasks.find('t'), task);
  assert.deepEqual(await catalog.tasks.due(999), []);
  assert.deepEqual(await catalog.tasks.due(1_000), [task]);
  await assert.rejects(catalog.tasks.create(TASK), { code: 'TASK_EXISTS' });
  assert.equal(await catalog.tasks.startRun(task, 11_000, runOf(task, 'q1', 1_000)), true);
  assert.deepEqual(await catalog.tasks.due(10_999), []);
  assert.equal(await catalog.tasks.drop('t'), true);
  assert.equal(await catalog.tasks.drop('t'), false);
  assert.equal(await catalog.tasks.startRun(task, 21_000, runOf(task, 'q2', 11_000)), false);
  assert.deepEqual(
    (await catalog.tasks.runs(10)).map(({ queryId }) => queryId),
    ['q1'],
  );
});

test('a run that a restart cut off has failed; tasks survive', async (t) => {
  const fixture = await openFixture(t);
  const task = await fixture.catalog.tasks.create(TASK);
  await fixture.catalog.tasks.startRun(task, 11_000, runOf(task, 'q1', 1_000));
  await fixture.reopen();
  const { tasks } = fixture.catalog;
  await tasks.failOpenRuns('restarted');
  const [run] = await tasks.runs(10);
  assert.deepEqual([run?.state, run?.errorCode, run?.errorMessage], ['FAILED', -1, 'restarted']);
  assert.equal((await tasks.find('t'))?.nextRunMs, 11_000);
});

test('expired tasks and runs are forgotten, and the oldest beyond the limit; what runs stays', async (t) => {
  const { catalog } = await openFixture(t);
  const { tasks } = catalog;
  const task = await tasks.create(TASK);
  await tasks.create({ ...TASK, name: 'once', everyMs: null, expireMs: 500 });
  for (const [index, queryId] of ['q1', 'q2', 'q3', 'q4'].entries()) {
    await tasks.startRun(task, null, runOf(task, queryId, index * 10));
    if (queryId !== 'q2') {
      await tasks.finishRun(queryId, { state: 'SUCCESS', errorCode: 0, errorMessage: '' });
    }
  }
  await tasks.prune(600, 2);
  const left = async (): Promise<string[]> => (await tasks.runs(10)).map(({ queryId }) => queryId);
  assert.deepEqual(await left(), ['q4', 'q3', 'q2']);
  assert.deepEqual(
    (await tasks.list()).map(({ name }) => name),
    ['t'],
  );
  await tasks.prune(1_020, 100);
  assert.deepEqual(await left(), ['q4', 'q2']);
});

test('a run ends once: what is not RUNNING any more keeps how it ended', async (t) => {
  const { catalog } = await openFixture(t);
  const { tasks } = catalog;
  const task = await tasks.create(TASK);
  await tasks.startRun(task, null, runOf(task, 'q1', 1_000));
  await tasks.failOpenRuns('restarted');
  const success = { state: 'SUCCESS', errorCode: 0, errorMessage: '' } as const;
  assert.equal(await tasks.finishRun('q1', success), false);
  const [cut] = await tasks.runs(1);
  assert.deepEqual([cut?.state, cut?.errorMessage], ['FAILED', 'restarted']);

  await tasks.startRun(task, null, runOf(task, 'q2', 2_000));
  assert.equal(await tasks.finishRun('q2', success), true);
  const failure = { state: 'FAILED', errorCode: -1, errorMessage: 'late' } as const;
  assert.equal(await tasks.finishRun('q2', failure), false);
  const [ended] = await tasks.runs(1);
  assert.deepEqual([ended?.state, ended?.errorMessage], ['SUCCESS', '']);
  assert.equal(await tasks.finishRun('nosuch', success), false);
});
