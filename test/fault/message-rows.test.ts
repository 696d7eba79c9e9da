// One message into many rows, and one topic into many tables: each message goes to three tables at once (UNNEST and
// route), two of them with keys, while processes are killed at the steps of a commit. At every moment the tables have
// the rows of the same messages, and at the end each message once.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { FaultRig } from '../support/fault-rig.ts';
import { EVENT_TABLE, type TopicWriter } from '../support/topic-writer.ts';

const TABLES = ['t0', 't1', 't2'];
const PARTITIONS = 3;

async function open(
  t: Parameters<typeof FaultRig.open>[0],
  failpoints = '',
  /** The same keys over and over, with deletes; all tables have keys then. */
  ids = 0,
): Promise<{ readonly rig: FaultRig; readonly writer: TopicWriter }> {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', PARTITIONS, {
    badEvery: 97,
    ...(ids === 0 ? {} : { ids }),
  });
  const server = await rig.start({ failpoints });
  const sql = (text: string) => server.sql(text);
  const location = join(rig.dataDir, 'volumes', 'builtin');
  mkdirSync(location, { recursive: true });
  await sql(
    `CREATE STORAGE VOLUME v TYPE = LOCAL LOCATIONS = ("file://${location}") PROPERTIES ("enabled" = "true")`,
  );
  await sql('SET v AS DEFAULT STORAGE VOLUME');
  await sql('CREATE DATABASE d');
  const keys = [ids === 0 ? '' : 'PRIMARY KEY (id)', 'PRIMARY KEY (id)', 'PRIMARY KEY (id)'];
  for (const [index, table] of TABLES.entries())
    await sql(`CREATE TABLE d.${table} (${EVENT_TABLE}) ${keys[index]} DISTRIBUTED BY HASH(id)`);
  await sql(`CREATE ROUTINE LOAD d.events ON t2, t0, t1
    COLUMNS (id, uid, site, amount, note, __op, to_table = UNNEST(['t0', 't1', 't2']))
    PROPERTIES ("format" = "json", "max_error_number" = "1000000000", "route" = "to_table")
    FROM KAFKA ("kafka_broker_list" = "127.0.0.1:${rig.brokerPort}", "kafka_topic" = "events",
      "property.kafka_default_offsets" = "OFFSET_BEGINNING")`);
  return { rig, writer };
}

/** One statement reads one version of all tables together. */
async function assertEqualTables(rig: FaultRig): Promise<string> {
  const ids = TABLES.map((table, index) => `SELECT id, ${10 ** index} AS mark FROM d.${table}`);
  const { rows } = await rig.server.sql(
    `SELECT count(*), sum(marks <> 111) FROM (SELECT id, sum(mark) AS marks FROM (${ids.join(' UNION ALL ')}) m GROUP BY id) g`,
  );
  const [count, unequal] = rows[0] ?? [];
  assert.equal(Number(unequal), 0, `messages that not every table has, of ${count}`);
  return String(count);
}

/** Looks again and again until `work` is done; errors while processes are gone are part of the game. */
async function watch(rig: FaultRig, work: Promise<unknown>): Promise<number> {
  let isDone = false;
  let looks = 0;
  const done = work.finally(() => {
    isDone = true;
  });
  done.catch(() => undefined);
  while (!isDone) {
    try {
      await assertEqualTables(rig);
      looks += 1;
    } catch (error) {
      if (error instanceof assert.AssertionError && error.message.includes('not every'))
        throw error;
    }
    await systemClock.sleep(20);
  }
  await done;
  return looks;
}

async function assertExact(rig: FaultRig, writer: TopicWriter): Promise<void> {
  await writer.noteEnds();
  const { rows, filtered, idSum, endOffsets, consumed, loaded = rows } = writer.manifest.build();
  await rig.untilAt('events', endOffsets ?? {});
  assert.equal(await assertEqualTables(rig), String(rows));
  for (const table of TABLES) {
    const found = await rig.server.sql(
      `SELECT count(*), count(DISTINCT id), sum(id) FROM d.${table}`,
    );
    assert.deepEqual(found.rows[0]?.map(String), [String(rows), String(rows), idSum], table);
  }
  const ledger = await rig.server.sql(
    "SELECT sum(MESSAGES_CONSUMED), sum(ROWS_LOADED), sum(ROWS_FILTERED) FROM information_schema.routine_load_ledger WHERE JOB_NAME = 'events'",
  );
  assert.deepEqual(ledger.rows[0]?.map(Number), [consumed, loaded * 3, filtered * 3]);
  const kept = await rig.server.sql(
    "SELECT count(*), count(DISTINCT CAST(source_info AS STRING)) FROM _statistics_.rejected_records WHERE target_database = 'd'",
  );
  assert.deepEqual(kept.rows[0]?.map(Number), [filtered * 3, filtered * 3]);
}

for (const step of [
  'commit.before-sql',
  'commit.in-sql',
  'commit.before-end',
  'commit.after-sql',
  'resolve.before-commit',
  'turn.held',
])
  test(`the FE is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `fe:${step}=kill@3`);
    const restarted = rig.untilDead().then(() => rig.start());
    const looks = await watch(rig, writer.trickleUntil(restarted, 12, 1000, 60));
    assert.ok(looks > 0, 'the tables were looked at');
    await assertExact(rig, writer);
  });

for (const step of [
  'task.after-copy',
  'stage.after-put',
  'task.before-commit',
  'task.after-commit',
])
  test(`the loader is killed at ${step}`, async (t) => {
    const { rig, writer } = await open(t, `loader:${step}=kill@2`);
    const killed = rig.untilLogged('child process ended, starting it again');
    const looks = await watch(rig, writer.trickleUntil(killed, 12, 1000, 60));
    assert.ok(looks > 0, 'the tables were looked at');
    await assertExact(rig, writer);
  });

test('the answer to a commit is lost', async (t) => {
  const { rig, writer } = await open(t, 'fe:rpc.answer:commit=lose@2');
  await watch(rig, writer.trickleUntil(rig.untilFired(), 12, 1000, 60));
  await assertExact(rig, writer);
});

const IDS = 700;

test('keys are looked up in three tables, and the FE is killed before it commits', async (t) => {
  const { rig, writer } = await open(t, 'fe:resolve.before-commit=kill@3', IDS);
  const restarted = rig.untilDead().then(() => rig.start());
  await watch(rig, writer.trickleUntil(restarted, 12, 1000, 60));
  await assertExact(rig, writer);
});

test('keys are looked up in three tables, and the query process is killed meanwhile', async (t) => {
  const { rig, writer } = await open(t, 'query:deletes.after-put=kill@2', IDS);
  const killed = rig.untilLogged('child process ended, starting it again');
  await watch(rig, writer.trickleUntil(killed, 16, 1000, 150));
  await assertExact(rig, writer);
});

test('keys are looked up in three tables, and an answer is lost', async (t) => {
  const { rig, writer } = await open(t, 'query:rpc.answer:resolve=lose@2', IDS);
  await watch(rig, writer.trickleUntil(rig.untilFired(), 12, 1000, 60));
  await assertExact(rig, writer);
});
