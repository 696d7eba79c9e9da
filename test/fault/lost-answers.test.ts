// Every answer between two processes is lost once, after its effect: the caller asks for the state of what it
// wanted, or asks again. Each row stays there once and nothing stalls.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { FaultRig } from '../support/fault-rig.ts';

/** Methods that the loader calls on the FE while it loads, with the hit whose answer is lost. */
const OF_FE: readonly (readonly [method: string, at: number])[] = [
  ['begin', 1],
  ['begin', 3],
  ['commit', 1],
  ['commit', 3],
  ['reportPositions', 1],
];

for (const [method, at] of OF_FE)
  test(`the FE's answer to ${method} is lost, hit ${at}`, async (t) => {
    const rig = await FaultRig.open(t);
    const writer = await rig.writer('events', 3, { badEvery: 97 });
    await rig.start({ failpoints: `fe:rpc.answer:${method}=lose@${at}` });
    await rig.load(writer, 'events');
    // Positions are reported when nothing comes any more.
    if (method === 'reportPositions') {
      await writer.trickle(8, 1000, 60);
      await rig.untilFired();
    } else await writer.trickleUntil(rig.untilFired(), 8, 1000, 60);
    await rig.assertExact();
  });

test('the answer to transactionState is lost as well as that to commit', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({
    failpoints: 'fe:rpc.answer:commit=lose@2,rpc.answer:transactionState=lose@1',
  });
  await rig.load(writer, 'events');
  await writer.trickleUntil(rig.untilFired(), 8, 1000, 60);
  await rig.assertExact();
});

test('the commit does not reach the FE, and the answer to its state is lost', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({
    failpoints: 'fe:commit.before-sql=error@2,rpc.answer:transactionState=lose@1',
  });
  await rig.load(writer, 'events');
  await writer.trickleUntil(rig.untilFired(), 8, 1000, 60);
  await rig.assertExact();
});

test('a batch fails, and the answers to its abort and to the failure report are lost', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({
    failpoints:
      'loader:task.after-copy=error@3;fe:rpc.answer:abort=lose@1,rpc.answer:taskFailed=lose@1',
  });
  await rig.load(writer, 'events');
  await writer.trickleUntil(rig.untilFired(), 8, 1000, 60);
  await rig.assertExact();
  assert.ok(rig.server.hasLogged('routine load task failed'), 'the task failed');
});

test('the report of a failed task fails: it is made again, the job does not stall', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({ failpoints: 'loader:task.after-copy=error@3;fe:rpc.call:taskFailed=error@1' });
  await rig.load(writer, 'events');
  await writer.trickleUntil(rig.untilFired(), 8, 1000, 60);
  await rig.assertExact();
});

test('the answer to startTask is lost: the task without a lease ends, another takes over', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({ failpoints: 'loader:rpc.answer:startTask=lose@1' });
  await rig.load(writer, 'events');
  await writer.trickleUntil(rig.untilFired(), 40, 300, 80);
  await rig.assertExact();
});

test('the answer to startTask is lost on a topic without traffic', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({ failpoints: 'loader:rpc.answer:startTask=lose@1' });
  await rig.load(writer, 'events');
  // The first task lost its lease by now, another has the partitions.
  await systemClock.sleep(4000);
  await writer.write(3000);
  await rig.untilFired();
  await rig.assertExact();
});

test('the answer to listTasks is lost: leases and tasks are compared again later', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({ failpoints: 'loader:rpc.answer:listTasks=lose@1' });
  await rig.load(writer, 'events');
  await writer.trickleUntil(rig.untilFired(), 8, 1000, 60);
  await writer.write(2000);
  await rig.assertExact();
});

test('the answer to stopTask is lost: PAUSE and RESUME go on', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({ failpoints: 'loader:rpc.answer:stopTask=lose@1' });
  await rig.load(writer, 'events');
  await writer.write(3000);
  await rig.untilLoaded();
  const writing = writer.trickle(8, 500, 60);
  await rig.server.sql('PAUSE ROUTINE LOAD FOR d.events');
  await rig.server.sql('RESUME ROUTINE LOAD FOR d.events');
  await writing;
  await rig.untilFired();
  await rig.assertExact();
});

test('the answer to compact is lost: later ones go on', async (t) => {
  const rig = await FaultRig.open(t, { conf: { lake_compaction_default_timeout_second: 3 } });
  const writer = await rig.writer('events', 3);
  await rig.start({ failpoints: 'loader:rpc.answer:compact=lose@1' });
  await rig.load(writer, 'events');
  await writer.trickleUntil(rig.untilLogged('compaction failed'), 20, 200, 120);
  await writer.trickle(20, 200, 120);
  await rig.assertExact();
  await rig.untilMetric('millrace_table_files', (files) => files < 16);
  await rig.untilFired();
  await rig.assertExact();
});

test('the answer to a query is lost: its client gets an error, the next query an answer', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({ failpoints: 'query:rpc.answer:query=lose@1' });
  await rig.load(writer, 'events');
  await writer.write(3000);
  await rig.server.sql('SET query_timeout = 1');
  await assert.rejects(
    rig.server.sql('SELECT count(*) FROM d.events WHERE id >= 0'),
    /took longer than|timeout/i,
  );
  await rig.untilFired();
  await rig.assertExact();
});

for (const [role, method] of [
  ['loader', 'ping'],
  ['query', 'ping'],
  ['broker', 'start'],
])
  test(`the first answer of the ${role} process, to ${method}, is lost: it is asked again`, async (t) => {
    const rig = await FaultRig.open(t);
    await rig.start({ failpoints: `${role}:rpc.answer:${method}=lose@1`, broker: 'on' });
    assert.equal(await rig.server.value('SELECT 1'), '1');
    await rig.untilFired();
  });
