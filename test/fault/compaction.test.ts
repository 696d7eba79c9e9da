// Compaction of a table with keys while its rows are replaced and deleted all the time: what is deleted meanwhile is
// carried over, whoever dies at whatever step. And a table whose compaction fails: its loads wait and say why.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { FaultRig } from '../support/fault-rig.ts';

const PARTITIONS = 3;

async function open(t: Parameters<typeof FaultRig.open>[0], failpoints = '') {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', PARTITIONS, { ids: 700, badEvery: 97 });
  await rig.start({ failpoints });
  await rig.load(writer, 'events', { keyed: true });
  return { rig, writer };
}

for (const step of ['compaction.before-commit', 'compaction.in-sql', 'compaction.after-sql'])
  test(`keyed: the FE is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `fe:${step}=kill@2`);
    const writing = writer.trickle(90, 1000, 60);
    await rig.untilDead(60_000);
    await rig.start();
    await writing;
    await rig.assertExact();
  });

for (const step of ['compaction.after-put', 'compaction.before-carry'])
  test(`keyed: the loader is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `loader:${step}=kill@1`);
    const writing = writer.trickle(200, 300, 60);
    await rig.untilLogged('child process ended, starting it again', 90_000);
    await writing;
    await rig.assertExact();
  });

test('keyed: deletes that land meanwhile are carried over, and nothing is lost or doubled', async (t) => {
  const { rig, writer } = await open(t);
  await writer.trickle(150, 1000, 50);
  await rig.assertExact();
  const { rows } = await rig.server.sql(
    "SELECT STATUS, PROFILE FROM information_schema.be_cloud_native_compactions WHERE STATUS = 'OK'",
  );
  const profiles = rows.map(([, profile]) => JSON.parse(String(profile)) as Record<string, number>);
  assert.ok(profiles.length > 2, `${profiles.length} compactions`);
  const carried = profiles.reduce((sum, one) => sum + (one['carried_deletes'] ?? 0), 0);
  t.diagnostic(`${profiles.length} compactions carried ${carried} deletes over`);
  assert.ok(carried > 0, 'some rows were deleted while their files were merged');
});

test('a table with too many small files: its loads wait, and the job says why', async (t) => {
  const rig = await FaultRig.open(t, {
    conf: { lake_ingest_slowdown_threshold: 4, lake_compaction_score_upper_bound: 8 },
  });
  const writer = await rig.writer('events', PARTITIONS);
  await rig.start({ failpoints: 'loader:compaction.before-put=error' });
  await rig.load(writer, 'events');
  await writer.trickle(40, 300, 100);
  const untilMs = systemClock.monotonicMs() + 60_000;
  for (;;) {
    const { rows, columns } = await rig.server.sql('SHOW ROUTINE LOAD FOR d.events');
    const message = String(rows[0]?.[columns.indexOf('OtherMsg')]);
    if (message.includes('too many small files in table events')) break;
    assert.ok(systemClock.monotonicMs() < untilMs, `OtherMsg: ${message}`);
    await systemClock.sleep(200);
  }
  const files = await rig.metric('millrace_table_files');
  assert.ok(files <= 14, `${files} files`);
  await rig.kill();
  await rig.start();
  await rig.assertExact();
});
