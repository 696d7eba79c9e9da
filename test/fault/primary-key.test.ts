// Tables with keys under kill -9 and lost answers: upserts and deletes of the same few keys, over and over, while
// processes die at every step of a commit that looks keys up, and at random. Afterwards each key has the row of
// its last message, or none, and the ledger balances.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FaultRig, faultSeed } from '../support/fault-rig.ts';
import type { TopicWriter } from '../support/topic-writer.ts';

const random = seededRandom(faultSeed());
const between = (low: number, high: number): number => low + random.below(high - low);
const PARTITIONS = 3;

async function open(
  t: Parameters<typeof FaultRig.open>[0],
  failpoints = '',
  conf: Readonly<Record<string, number>> = {},
): Promise<{ readonly rig: FaultRig; readonly writer: TopicWriter }> {
  const rig = await FaultRig.open(t, { conf });
  const writer = await rig.writer('events', PARTITIONS, { ids: 700, badEvery: 97 });
  await rig.start({ failpoints });
  await rig.load(writer, 'events', { keyed: true });
  return { rig, writer };
}

for (const step of [
  'commit.before-sql',
  'commit.in-sql',
  'commit.after-sql',
  'resolve.before-commit',
])
  for (const at of [1, 4])
    test(`the FE is killed at ${step}, hit ${at}`, async (t) => {
      const { rig, writer } = await open(t, `fe:${step}=kill@${at}`);
      const restarted = rig.untilDead().then(() => rig.start());
      await writer.trickleUntil(restarted, 12, 1000, 60);
      await rig.assertExact();
    });

for (const step of ['deletes.before-put', 'deletes.after-put'])
  for (const at of [1, 2])
    test(`the query process is killed while it looks keys up, at ${step}, hit ${at}`, async (t) => {
      const { rig, writer } = await open(t, `query:${step}=kill@${at}`);
      const killed = rig.untilLogged('child process ended, starting it again');
      await writer.trickleUntil(killed, 16, 1000, 150);
      await rig.assertExact();
    });

for (const step of ['stage.after-put', 'task.before-commit', 'task.after-commit'])
  test(`the loader is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `loader:${step}=kill@2`);
    const killed = rig.untilLogged('child process ended, starting it again');
    await writer.trickleUntil(killed, 16, 1000, 150);
    await rig.assertExact();
  });

for (const failpoints of [
  'fe:rpc.answer:commit=lose@1',
  'fe:rpc.answer:commit=lose@3',
  'query:rpc.answer:resolve=lose@2',
  'fe:commit.before-sql=error@2,rpc.answer:transactionState=lose@1',
  'fe:resolve.before-commit=error@2',
])
  test(`an answer is lost, a step fails: ${failpoints}`, async (t) => {
    const { rig, writer } = await open(t, failpoints);
    await writer.trickleUntil(rig.untilFired(), 10, 1000, 60);
    await rig.assertExact();
  });

/** Every data file has a key index. */
const INDEXED = { key_index_min_rows: 1 };
const INDEX_LOOK_UPS = 'millrace_key_look_ups_total{path="index"}';

for (const step of ['key-index.half-built', 'key-index.before-rename'])
  test(`the query process is killed while it builds a key index, at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `query:${step}=kill@2`, INDEXED);
    const killed = rig.untilLogged('child process ended, starting it again');
    await writer.trickleUntil(killed, 16, 1000, 150);
    await writer.trickleUntil(
      rig.untilMetric(INDEX_LOOK_UPS, (count) => count > 0),
      4,
      1000,
      150,
    );
    await rig.assertExact();
  });

test('the key index is lost and damaged while keys are looked up in it', async (t) => {
  const { rig, writer } = await open(t, '', INDEXED);
  const directory = join(rig.dataDir, 'cache', 'keys');
  await writer.trickleUntil(
    rig.untilMetric(INDEX_LOOK_UPS, (count) => count > 0),
    8,
    1000,
    100,
  );
  const seen = await rig.metric(INDEX_LOOK_UPS);
  const writing = writer.trickle(20, 1000, 60);
  rmSync(directory, { recursive: true });
  await rig.untilMetric(INDEX_LOOK_UPS, (count) => count > seen);
  await writing;
  await rig.kill();
  for (const name of readdirSync(directory)) writeFileSync(join(directory, name), 'damaged');
  await rig.start();
  await writer.trickle(8, 1000, 60);
  await rig.assertExact();
});

test('all processes are killed at random', async (t) => {
  const { rig, writer } = await open(t, '', INDEXED);
  const writing = writer.trickle(140, 1000, 60);
  for (let kill = 0; kill < 8; kill += 1) {
    await systemClock.sleep(between(50, 1000));
    switch (random.below(4)) {
      case 0:
        await rig.kill();
        await rig.start();
        break;
      case 1:
        rig.killChildIfThere('loader');
        break;
      default:
        rig.killChildIfThere('query');
    }
  }
  writer.stop();
  await writing;
  await rig.assertExact();
});

test('a job and INSERTs at once into one table: every commit finds what the others did', async (t) => {
  const { rig, writer } = await open(t);
  const writing = writer.trickle(20, 1000, 40);
  // Ids that no message has: they stay as the last INSERT left them.
  for (let round = 0; round < 12; round += 1) {
    await rig.server.sql(
      `INSERT INTO d.events (id, uid, site, amount, note) VALUES (-1, ${round}, 'x', 1, NULL), (-2, ${round}, 'x', 1, NULL)`,
    );
  }
  await writing;
  await rig.untilLoaded();
  const { rows } = await rig.server.sql(
    'SELECT id, uid FROM d.events WHERE id < 0 ORDER BY id DESC',
  );
  if (JSON.stringify(rows) !== '[["-1","11"],["-2","11"]]') throw new Error(JSON.stringify(rows));
  await rig.server.sql('INSERT INTO d.events (id, __op) VALUES (-1, 1), (-2, 1)');
  await rig.assertExact();
});
