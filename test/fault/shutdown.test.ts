// How processes end: SIGTERM drains under load, children never outlive a killed parent for long, a start
// ends what is left of the life before, and kills leave no garbage that grows.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { FaultRig } from '../support/fault-rig.ts';
import { childrenOf } from '../support/process-tree.ts';

/** A statement that runs for many seconds, however few rows have been loaded yet. */
const LONG_QUERY = `SELECT count(*) FROM d.events e RIGHT JOIN TABLE(generate_series(1, 200000)) a(n) ON e.uid = a.n
  JOIN TABLE(generate_series(1, 200000)) b(n) ON a.n <> b.n JOIN TABLE(generate_series(1, 200000)) c(n) ON b.n <> c.n`;

async function untilGone(dataDir: string, limitMs: number): Promise<number> {
  const startMs = systemClock.monotonicMs();
  while (childrenOf(dataDir).length > 0) {
    const takenMs = systemClock.monotonicMs() - startMs;
    if (takenMs > limitMs)
      assert.fail(`after ${limitMs} ms left: ${JSON.stringify(childrenOf(dataDir))}`);
    await systemClock.sleep(20);
  }
  return systemClock.monotonicMs() - startMs;
}

test('SIGTERM under load and under a long query: drains, exits 0, goes on', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3, { badEvery: 101 });
  await rig.start();
  await rig.load(writer, 'events');
  const writing = writer.trickle(60, 2000, 50);
  await systemClock.sleep(1500);
  const connection = await rig.server.connect();
  const query = connection.query(LONG_QUERY).then(
    () => 'ended',
    () => 'cut',
  );
  await systemClock.sleep(300);
  assert.equal(await Promise.race([query, 'runs']), 'runs');
  const startMs = systemClock.monotonicMs();
  assert.equal(await rig.server.stop(), 0, rig.server.logTail);
  const takenMs = systemClock.monotonicMs() - startMs;
  assert.ok(takenMs < 10_000, `took ${takenMs} ms`);
  t.diagnostic(`SIGTERM took ${Math.round(takenMs)} ms`);
  assert.equal(await query, 'cut');
  assert.deepEqual(childrenOf(rig.dataDir), []);
  await rig.start();
  await writing;
  await rig.assertExact();
});

test('children of a killed FE end by themselves, in the middle of a query and of loading', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start({ broker: 'on' });
  await rig.load(writer, 'events');
  const writing = writer.trickle(60, 2000, 50);
  await systemClock.sleep(1500);
  const connection = await rig.server.connect();
  void connection.query(LONG_QUERY).catch(() => undefined);
  await systemClock.sleep(300);
  assert.equal(childrenOf(rig.dataDir).length, 3);
  await rig.kill();
  t.diagnostic(`children were gone after ${Math.round(await untilGone(rig.dataDir, 6000))} ms`);
  writer.stop();
  await writing;
});

for (const role of ['broker', 'loader', 'query'])
  test(`a ${role} process that hangs on after its FE was killed is ended by the next start`, async (t) => {
    const rig = await FaultRig.open(t);
    await rig.start({ broker: 'on' });
    const port = rig.server.ready.brokerPort ?? 0;
    const writer = await rig.writer('events', 2, { port });
    await rig.load(writer, 'events', { bootstrap: `127.0.0.1:${port}` });
    await writer.write(4000);
    await rig.untilLoaded();
    const old = childrenOf(rig.dataDir).find((child) => child.role === role);
    assert.ok(old !== undefined);
    t.after(() => killIfThere(old.pid));
    process.kill(old.pid, 'SIGSTOP');
    await rig.kill();
    await rig.start({ broker: 'on', brokerPort: port });
    assert.ok(!childrenOf(rig.dataDir).some((child) => child.pid === old.pid));
    assert.equal(childrenOf(rig.dataDir).length, 3);
    await writer.write(4000);
    await rig.assertExact();
  });

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone, as it must be.
  }
}

test('kills in the middle of loading and compacting leave nothing in temporary places', async (t) => {
  const rig = await FaultRig.open(t, {
    conf: {
      version_retention_second: 1,
      query_timeout_second: 5,
      lake_autovacuum_partition_naptime_seconds: 1,
    },
  });
  const writer = await rig.writer('events', 3, { badEvery: 101 });
  const shmBefore = sharedMemoryFiles();
  await rig.start();
  await rig.load(writer, 'events');
  const writing = writer.trickle(120, 1500, 50);
  for (let round = 0; round < 2; round += 1) {
    await systemClock.sleep(900);
    rig.killChildIfThere('loader');
    await systemClock.sleep(900);
    await rig.kill();
    // What a compaction, and a file on its way to a remote volume, leave behind when they are killed.
    writeLeftover(join(rig.dataDir, 'tmp', 'loader', `compact-${round}.parquet`));
    writeLeftover(join(rig.dataDir, 'tmp', 'loader', `${round}.parquet`));
    writeLeftover(join(rig.dataDir, 'volumes', 'builtin', '.unfinished', `x${round}`));
    await rig.start();
  }
  writer.stop();
  await writing;
  await rig.assertExact();
  assert.deepEqual(filesBelow(join(rig.dataDir, 'tmp')), []);
  assert.deepEqual(filesBelow(join(rig.dataDir, 'volumes', 'builtin', '.unfinished')), []);
  assert.deepEqual(sharedMemoryFiles(), shmBefore);
});

function writeLeftover(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, 'left over');
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function sharedMemoryFiles(): string[] {
  return existsSync('/dev/shm')
    ? readdirSync('/dev/shm').filter((name) => name.startsWith('millrace-'))
    : [];
}
