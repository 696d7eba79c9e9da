// Compaction and sweep run while rows load, and are killed at each of their steps: no row is lost or doubled,
// no file that a version names goes, and what nothing names goes in the end.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FaultRig, faultSeed } from '../support/fault-rig.ts';

const random = seededRandom(faultSeed());
const SHORT_LIVES = {
  version_retention_second: 1,
  query_timeout_second: 3,
  lake_autovacuum_partition_naptime_seconds: 1,
};
const PARTITIONS = 3;

/** Data files in the volume, whoever names them. */
function dataFiles(rig: FaultRig): number {
  const folder = join(rig.dataDir, 'volumes', 'builtin');
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { recursive: true }).filter((name) =>
    String(name).endsWith('.parquet'),
  ).length;
}

for (const step of ['compaction.before-sql', 'compaction.in-sql', 'compaction.after-sql'])
  test(`the FE is killed at ${step}`, async (t) => {
    const rig = await FaultRig.open(t, { conf: SHORT_LIVES });
    const writer = await rig.writer('events', PARTITIONS, { badEvery: 97 });
    await rig.start({ failpoints: `fe:${step}=kill` });
    await rig.load(writer, 'events');
    const writing = writer.trickle(50, 300, 100);
    await rig.untilDead();
    await rig.start();
    await writing;
    await rig.assertExact();
  });

for (const step of ['compaction.before-put', 'compaction.after-put'])
  test(`the loader is killed at ${step}`, async (t) => {
    const rig = await FaultRig.open(t, { conf: SHORT_LIVES });
    const writer = await rig.writer('events', PARTITIONS, { badEvery: 97 });
    await rig.start({ failpoints: `loader:${step}=kill` });
    await rig.load(writer, 'events');
    const writing = writer.trickle(50, 300, 100);
    await rig.untilLogged('child process ended, starting it again');
    await writing;
    await rig.assertExact();
  });

for (const step of ['sweep.after-abort', 'sweep.after-delete'])
  test(`the FE is killed at ${step}`, async (t) => {
    const rig = await FaultRig.open(t, { conf: SHORT_LIVES });
    const writer = await rig.writer('events', PARTITIONS, { badEvery: 97 });
    await rig.start({ failpoints: `fe:${step}=kill@1` });
    await rig.load(writer, 'events');
    const writing = writer.trickle(70, 300, 100);
    await rig.untilDead(30_000);
    await rig.start();
    await writing;
    await rig.assertExact();
  });

test('queries, compaction and sweep together with kills: every answer is whole', async (t) => {
  const rig = await FaultRig.open(t, { conf: SHORT_LIVES });
  const writer = await rig.writer('events', PARTITIONS, { badEvery: 97 });
  await rig.start();
  await rig.load(writer, 'events');
  const writing = writer.trickle(120, 300, 100);
  const done = new AbortController();
  let last = 0;
  let answers = 0;
  const asking = (async () => {
    while (!done.signal.aborted) {
      try {
        const { rows } = await rig.server.sql(
          'SELECT count(*), count(DISTINCT id), sum(uid) FROM d.events',
        );
        const [count, distinct] = rows[0]?.map(Number) ?? [];
        assert.equal(count, distinct);
        assert.ok((count ?? 0) >= last, `${count} rows after ${last}`);
        last = count ?? 0;
        answers += 1;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        // A server that is killed gives no answer; one that runs gives no error but of its query process.
        assert.match(String(error), /query process|closed|ECONN|EPIPE|lost/i);
        await systemClock.sleep(50);
      }
    }
  })();
  for (let kill = 0; kill < 3; kill += 1) {
    await systemClock.sleep(2000 + random.below(1500));
    if (random.below(2) === 0) rig.killChildIfThere('loader');
    else {
      await rig.kill();
      await rig.start();
    }
  }
  await writing;
  done.abort();
  await asking;
  assert.ok(answers > 10, `${answers} answers`);
  await rig.assertExact();
  // In the end only what the tables name is left.
  await rig.untilMetric('millrace_table_files', (files) => files < 40);
  const untilMs = systemClock.monotonicMs() + 20_000;
  for (;;) {
    const named = await rig.metric('millrace_table_files');
    const there = dataFiles(rig);
    if (there === named) break;
    assert.ok(systemClock.monotonicMs() < untilMs, `${there} files, ${named} are named`);
    await systemClock.sleep(500);
  }
  await rig.assertExact();
});
