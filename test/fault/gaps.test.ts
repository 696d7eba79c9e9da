// Offsets with gaps, under kills: markers of transactions, aborted ones, what compaction of the topic took
// out. Nothing loops, nothing stalls, every offset is accounted for.
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FaultRig, faultSeed } from '../support/fault-rig.ts';
import { readLedger } from '../support/ledger.ts';

const random = seededRandom(faultSeed());

test('transactions that commit and abort, with kills of loader and FE', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3, { transactionalId: 'writer-1', badEvery: 97 });
  await rig.start();
  await rig.load(writer, 'events');
  const writing = (async () => {
    for (let round = 0; round < 40; round += 1) {
      const end = random.below(3) === 0 ? 'abort' : 'commit';
      await writer.transaction(200 + random.below(3000), end);
      await systemClock.sleep(random.below(120));
    }
    // The end of each partition: an aborted transaction and its marker, no row after them.
    await writer.transaction(2000, 'abort');
  })();
  for (let kill = 0; kill < 4; kill += 1) {
    await systemClock.sleep(200 + random.below(700));
    if (kill % 2 === 0) rig.killChildIfThere('loader');
    else {
      await rig.kill();
      await rig.start();
    }
  }
  await writing;
  await rig.assertExact();
});

test('a topic with nothing but aborted transactions: the position still reaches its end', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 2, { transactionalId: 'writer-2' });
  for (let round = 0; round < 5; round += 1) await writer.transaction(3000, 'abort');
  await rig.start();
  await rig.load(writer, 'events');
  await rig.assertExact();
  await writer.transaction(1000, 'commit');
  await rig.assertExact();
});

test('a compacted topic, with kills of loader and FE: the same rows as without', async (t) => {
  const rig = await FaultRig.open(t, {
    broker: { segmentBytes: 32 * 1024, maintenanceIntervalMs: 100 },
  });
  const settings = { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' };
  const writer = await rig.writer('events', 2, {
    create: settings,
    // Some rows stay all along, most are overwritten a hundred times.
    keyOf: (id) => (id % 50 === 0 ? `only-${id}` : `key-${id % 600}`),
    compression: 'none',
  });
  await writer.write(60_000, 500);
  const before = topicBytes(rig);
  await untilStable(rig);
  assert.ok(topicBytes(rig) < before / 2, `${before} bytes are ${topicBytes(rig)} now`);
  await rig.start();
  await rig.load(writer, 'events');
  for (let kill = 0; kill < 4; kill += 1) {
    await systemClock.sleep(20 + random.below(300));
    if (kill % 2 === 0) rig.killChildIfThere('loader');
    else {
      await rig.kill();
      await rig.start();
    }
  }
  await writer.noteEnds();
  const ends = writer.manifest.build().endOffsets ?? {};
  await rig.untilAt('events', ends);
  await rig.load(writer, 'again', { topic: 'events' });
  await rig.untilAt('again', ends);
  const of = async (name: string) =>
    (
      await rig.server.sql(
        `SELECT count(*), count(DISTINCT id), sum(id), min(id), max(id), sum(uid), sum(amount) FROM d.${name}`,
      )
    ).rows;
  const [row] = await of('events');
  assert.equal(row?.[0], row?.[1], 'no row twice');
  assert.deepEqual([row], await of('again'));
  const ledger = await readLedger(rig.server, 'events');
  assert.equal(String(ledger.loaded), row?.[0]);
  assert.ok(ledger.gap > 10_000, `gaps of ${ledger.gap} offsets`);
  // The newest row of every key is among them.
  const newest = await rig.server.sql('SELECT count(DISTINCT id) FROM d.events WHERE id >= 59400');
  assert.equal(newest.rows[0]?.[0], '600');
});

test('compaction takes out everything at the start of a topic while its job is paused', async (t) => {
  const rig = await FaultRig.open(t, {
    broker: { segmentBytes: 32 * 1024, maintenanceIntervalMs: 100 },
  });
  const writer = await rig.writer('events', 2, {
    create: { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' },
    keyOf: (id) => `key-${id % 600}`,
    compression: 'none',
  });
  await rig.start();
  await rig.load(writer, 'events');
  await writer.write(2000, 500);
  await rig.untilAt('events', { 0: '1000', 1: '1000' });
  await rig.server.sql('PAUSE ROUTINE LOAD FOR d.events');
  await writer.write(40_000, 500);
  await untilStable(rig);
  await rig.server.sql('RESUME ROUTINE LOAD FOR d.events');
  await writer.noteEnds();
  await rig.untilAt('events', writer.manifest.build().endOffsets ?? {});
  const ledger = await readLedger(rig.server, 'events');
  assert.ok(ledger.gap > 30_000, `gaps of ${ledger.gap} offsets`);
});

function topicBytes(rig: FaultRig): number {
  const folder = join(rig.brokerDir, 'topics');
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.log'))
    .reduce((sum, entry) => sum + sizeOf(join(entry.parentPath, entry.name)), 0);
}

/** 0 for a segment that compaction took away just now. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function untilStable(rig: FaultRig): Promise<void> {
  let last = -1;
  let sinceMs = systemClock.monotonicMs();
  const untilMs = sinceMs + 30_000;
  while (systemClock.monotonicMs() < sinceMs + 1500) {
    const now = topicBytes(rig);
    if (now !== last) sinceMs = systemClock.monotonicMs();
    last = now;
    assert.ok(systemClock.monotonicMs() < untilMs, 'compaction of the topic does not end');
    await systemClock.sleep(50);
  }
}
