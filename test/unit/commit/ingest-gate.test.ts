// Loads of a table with many small files: slowed down, then stopped, and told why.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { tablesOfJob } from '../../../src/catalog/load-jobs.ts';
import { CLICKS, grant, openFixture } from '../../support/catalog-fixture.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { openGate } from '../../support/open-gate.ts';

const LIMITS = { isEnabled: true, slowFiles: 10, mostFiles: 20 };
const isRefused = (thrown: unknown): boolean =>
  thrown instanceof AppError && thrown.code === 'TABLE_TOO_MANY_FILES' && thrown.kind === 'retry';

test('a job waits the longer the more files there are, and says so while it does', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, table, job } = fixture;
  const clock = new ManualClock();
  const gate = openGate(catalog, clock, LIMITS);
  const { taskId } = await grant(fixture, 't1');
  const message = async () =>
    present(await catalog.loadJobs.byId(job.id), 'job').otherMessage?.text ?? '';
  gate.seen(table.id, 9);
  await gate.admitTask(taskId);
  await gate.admitTask(taskId);
  gate.grown([table.id]);
  gate.grown([table.id]);
  // 11 files: 40 ms after the last one.
  await gate.admitTask(taskId).catch(isRefused);
  await clock.advance(39);
  await assert.rejects(gate.admitTask(taskId), isRefused);
  assert.match(
    await message(),
    /too many small files in table site_clicks, current\/limit: 11\/10/,
  );
  await clock.advance(1);
  await gate.admitTask(taskId);
  gate.seen(table.id, 20);
  await clock.advance(3_600_000);
  await assert.rejects(gate.admitTask(taskId), isRefused);
  assert.match(await message(), /current\/limit: 20\/20/);
  gate.seen(table.id, 3);
  await gate.admitTask(taskId);
  assert.equal(await message(), '');
  // A task that has no lease is the commit protocol's to refuse.
  await gate.admitTask('nobody');
});

test('a job of several tables waits for the one with too many files', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, table } = fixture;
  const second = await catalog.tables.create({ ...CLICKS, name: 'second' });
  const job = await catalog.loadJobs.create({
    databaseId: table.databaseId,
    tableId: table.id,
    furtherTableIds: [second.id],
    name: 'both',
    userName: 'root',
    userHost: '%',
    groupId: 'g',
    definitionJson: '{}',
  });
  await catalog.leases.grant({ taskId: 'b', jobId: job.id, node: 'cn', partitions: [] });
  const gate = openGate(catalog, new ManualClock(), LIMITS);
  gate.seen(table.id, 3);
  gate.seen(second.id, 20);
  await assert.rejects(gate.admitTask('b'), isRefused);
  const told = (await catalog.loadJobs.byId(job.id))?.otherMessage?.text;
  assert.match(String(told), /in table second, current\/limit: 20\/20/);
  gate.seen(second.id, 3);
  await gate.admitTask('b');
  assert.deepEqual(
    tablesOfJob(present(await catalog.loadJobs.byId(job.id), 'job')).map(({ name }) => name),
    ['site_clicks', 'second'],
  );
});

test('a statement waits until files are merged, or for a minute', async (t) => {
  const { catalog, table } = await openFixture(t);
  const clock = new ManualClock();
  const gate = openGate(catalog, clock, LIMITS);
  gate.seen(table.id, 25);
  const late = gate.admit(table.id, undefined);
  const refused = assert.rejects(late, isRefused);
  await clock.advance(61_000);
  await refused;
  let isIn = false;
  const waiting = gate.admit(table.id, undefined).then(() => {
    isIn = true;
  });
  await clock.advance(1_000);
  assert.equal(isIn, false);
  gate.seen(table.id, 5);
  await clock.advance(1_000);
  await waiting;
  gate.seen(table.id, null);
  await gate.admit(table.id, undefined);
});

test('a table that was emptied is no longer full', async (t) => {
  const { catalog, table } = await openFixture(t);
  const gate = openGate(catalog, new ManualClock(), LIMITS);
  gate.seen(table.id, 25);
  gate.atMost(table.id, 30);
  await assert.rejects(
    gate.admit(table.id, AbortSignal.abort(new AppError('CANCELLED', {}))),
    (thrown) => thrown instanceof AppError && thrown.code === 'CANCELLED',
  );
  gate.atMost(table.id, 0);
  await gate.admit(table.id, undefined);
});

test('switched off it lets everything through', async (t) => {
  const { catalog, table, clock } = await openFixture(t);
  const gate = openGate(catalog, clock, { ...LIMITS, isEnabled: false });
  gate.seen(table.id, 5_000);
  await gate.admit(table.id, undefined);
});
