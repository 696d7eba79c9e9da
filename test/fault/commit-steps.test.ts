// kill -9 at every named step of a commit, one by one, in the FE and in the loader, while a topic of several
// partitions loads: afterwards each row is there once, the ledger balances and the job runs by itself.
import { test } from 'node:test';
import { FaultRig } from '../support/fault-rig.ts';

const FE_STEPS = [
  'begin.after-sql',
  'commit.before-sql',
  'commit.in-sql',
  'commit.before-end',
  'commit.after-sql',
];
const LOADER_STEPS = [
  'task.after-fetch',
  'stage.before-put',
  'store.before-sync',
  'store.before-name',
  'stage.after-put',
  'task.after-copy',
  'task.after-stage',
  'task.before-commit',
  'task.after-commit',
];

const PARTITIONS = 3;

for (const step of FE_STEPS)
  for (const at of [1, 4])
    test(`the FE is killed at ${step}, hit ${at}`, async (t) => {
      const rig = await FaultRig.open(t);
      const writer = await rig.writer('events', PARTITIONS, { badEvery: 97 });
      await rig.start({ failpoints: `fe:${step}=kill@${at}` });
      await rig.load(writer, 'events');
      const restarted = rig.untilDead().then(() => rig.start());
      await writer.trickleUntil(restarted, 12, 1000, 60);
      await rig.assertExact();
    });

test('the FE is killed after it granted a lease, before the task starts', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', PARTITIONS, { badEvery: 97 });
  await rig.start({ failpoints: 'fe:schedule.after-grant=kill' });
  await rig.load(writer, 'events').catch(() => undefined);
  await rig.untilDead();
  await rig.start();
  await writer.write(5000);
  await rig.assertExact();
});

for (const step of LOADER_STEPS)
  for (const at of [1, 4])
    test(`the loader is killed at ${step}, hit ${at}`, async (t) => {
      const rig = await FaultRig.open(t);
      const writer = await rig.writer('events', PARTITIONS, { badEvery: 97 });
      await rig.start({ failpoints: `loader:${step}=kill@${at}` });
      await rig.load(writer, 'events');
      const killed = rig.untilLogged('child process ended, starting it again');
      await writer.trickleUntil(killed, 12, 1000, 60);
      await rig.assertExact();
    });
