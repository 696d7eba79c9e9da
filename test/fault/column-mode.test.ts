// Partial updates in column mode under kill -9 and lost answers: the same few keys over and over, while processes die at
// every step of a commit that writes an overlay, and while compactions put overlays into new files. Afterwards each key
// has the row of its last message, the ledger balances, and every overlay holds what the metadata says.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FaultRig, faultSeed } from '../support/fault-rig.ts';
import { EVENT_COLUMNS, EVENT_TABLE, type TopicWriter } from '../support/topic-writer.ts';

const random = seededRandom(faultSeed());
const PARTITIONS = 3;

async function open(t: Parameters<typeof FaultRig.open>[0], failpoints = '') {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', PARTITIONS, { ids: 700, badEvery: 97 });
  await rig.start({ failpoints });
  const location = join(rig.dataDir, 'volumes', 'builtin');
  mkdirSync(location, { recursive: true });
  await rig.loadBy(writer, 'events', [
    `CREATE STORAGE VOLUME v TYPE = LOCAL LOCATIONS = ("file://${location}") PROPERTIES ("enabled" = "true")`,
    'SET v AS DEFAULT STORAGE VOLUME',
    'CREATE DATABASE d',
    `CREATE TABLE d.events (${EVENT_TABLE}, kept INT NOT NULL DEFAULT '5') PRIMARY KEY (id) DISTRIBUTED BY HASH(id)`,
    `CREATE ROUTINE LOAD d.events ON events COLUMNS (${EVENT_COLUMNS.join(', ')}, __op)
      PROPERTIES ("format" = "json", "max_error_number" = "1000000000", "partial_update" = "true", "partial_update_mode" = "column")
      FROM KAFKA ("kafka_broker_list" = "127.0.0.1:${rig.brokerPort}", "kafka_topic" = "events", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  ]);
  return { rig, writer };
}

/**
 * As `assertExact`; the column that no message gives is what it was, and the files are whole. However few batches
 * came before: once their keys are there, more of them are overlays.
 */
async function assertExact(rig: FaultRig, writer: TopicWriter): Promise<void> {
  await rig.untilLoaded(60_000);
  await writer.trickle(PARTITIONS, 1000, 60);
  await rig.assertExact(60_000);
  const objects = readdirSync(join(rig.dataDir, 'volumes'), { recursive: true }).map(String);
  const overlays = objects.filter((name) => name.endsWith('-overlay.parquet'));
  assert.ok(overlays.length > 0, 'overlays were written');
  const kept = await rig.server.sql('SELECT count(*) FROM d.events WHERE kept <> 5');
  assert.deepEqual(kept.rows, [['0']]);
  const { rows } = await rig.server.sql('CHECK TABLE d.events EXTENDED');
  assert.deepEqual(rows.at(-1)?.slice(-2), ['status', 'OK'], JSON.stringify(rows));
}

for (const step of [
  'commit.before-sql',
  'commit.in-sql',
  'commit.before-end',
  'commit.after-sql',
  'resolve.before-commit',
])
  test(`column mode: the FE is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `fe:${step}=kill@4`);
    const restarted = rig.untilDead().then(() => rig.start());
    await writer.trickleUntil(restarted, 12, 1000, 60);
    await assertExact(rig, writer);
  });

for (const step of ['overlay.before-put', 'overlay.after-put'])
  test(`column mode: the query process is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `query:${step}=kill@2`);
    const killed = rig.untilLogged('child process ended, starting it again');
    await writer.trickleUntil(killed, 16, 1000, 150);
    await assertExact(rig, writer);
  });

for (const failpoints of [
  'fe:rpc.answer:commit=lose@3',
  'query:rpc.answer:resolve=lose@2',
  'fe:resolve.before-commit=error@2',
])
  test(`column mode: an answer is lost, a step fails: ${failpoints}`, async (t) => {
    const { rig, writer } = await open(t, failpoints);
    await writer.trickleUntil(rig.untilFired(), 10, 1000, 60);
    await assertExact(rig, writer);
  });

for (const step of ['compaction.before-commit', 'compaction.in-sql', 'compaction.after-sql'])
  test(`column mode: the FE is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `fe:${step}=kill@1`);
    const restarted = rig.untilDead(90_000).then(() => rig.start());
    await writer.trickleUntil(restarted, 40, 1000, 60);
    await assertExact(rig, writer);
  });

test('column mode: all processes are killed at random', async (t) => {
  const { rig, writer } = await open(t);
  const killing = async (): Promise<void> => {
    for (let kill = 0; kill < 6; kill += 1) {
      await systemClock.sleep(100 + random.below(1000));
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
  };
  await writer.trickleUntil(killing(), 20, 1000, 60);
  await assertExact(rig, writer);
});
