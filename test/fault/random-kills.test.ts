// kill -9 at random times, seeded, while rows flow: the FE, the loader, the query process, the embedded
// broker, and servers that are killed while they recover from the kill before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FaultRig, faultSeed } from '../support/fault-rig.ts';

const random = seededRandom(faultSeed());
const between = (low: number, high: number): number => low + random.below(high - low);

test('the FE is killed again and again', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 4, { badEvery: 101 });
  await rig.start();
  await rig.load(writer, 'events');
  const writing = writer.trickle(100, 1500, 80);
  for (let kill = 0; kill < 5; kill += 1) {
    await systemClock.sleep(between(10, 1200));
    await rig.kill();
    await rig.start();
  }
  writer.stop();
  await writing;
  await rig.assertExact();
});

test('a server is killed while it recovers, twice in a row', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3, { badEvery: 101 });
  await rig.start();
  await rig.load(writer, 'events');
  const writing = writer.trickle(120, 1000, 80);
  for (let round = 0; round < 3; round += 1) {
    await systemClock.sleep(between(50, 700));
    await rig.kill();
    await rig.startAndKill(between(150, 1200));
    await rig.startAndKill(between(150, 2500));
    await rig.start();
  }
  writer.stop();
  await writing;
  await rig.assertExact();
});

test('the loader is killed again and again', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 4, { badEvery: 101 });
  await rig.start();
  await rig.load(writer, 'events');
  const writing = writer.trickle(100, 1500, 80);
  for (let kill = 0; kill < 6; kill += 1) {
    await systemClock.sleep(between(50, 900));
    rig.killChildIfThere('loader');
  }
  writer.stop();
  await writing;
  await rig.assertExact();
});

test('the query process is killed under queries: an error or the right answer, never another', async (t) => {
  const rig = await FaultRig.open(t);
  const writer = await rig.writer('events', 3);
  await rig.start();
  await rig.load(writer, 'events');
  const writing = writer.trickle(60, 1000, 80);
  const done = new AbortController();
  let answers = 0;
  const asking = (async () => {
    let last = 0;
    while (!done.signal.aborted) {
      try {
        const { rows } = await rig.server.sql('SELECT count(*), count(DISTINCT id) FROM d.events');
        const [count, distinct] = rows[0]?.map(Number) ?? [];
        assert.equal(count, distinct);
        assert.ok((count ?? 0) >= last, `${count} rows after ${last}`);
        last = count ?? 0;
        answers += 1;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        assert.match(String(error), /query process/);
      }
    }
  })();
  for (let kill = 0; kill < 4; kill += 1) {
    await systemClock.sleep(between(100, 1000));
    rig.killChildIfThere('query');
  }
  await writing;
  done.abort();
  await asking;
  assert.ok(answers > 0);
  await rig.assertExact();
});

test('the embedded broker is killed again and again: what it acknowledged is loaded, once', async (t) => {
  const rig = await FaultRig.open(t);
  await rig.start({ broker: 'on' });
  const port = rig.server.ready.brokerPort ?? 0;
  const writer = await rig.writer('events', 3, { port, badEvery: 101 });
  await rig.load(writer, 'events', { bootstrap: `127.0.0.1:${port}` });
  const writing = writer.trickle(60, 1000, 80);
  for (let kill = 0; kill < 4; kill += 1) {
    await systemClock.sleep(between(100, 900));
    rig.killChildIfThere('broker');
  }
  await writing.catch((error: unknown) => assert.fail(`${error}\n${rig.server.logTail}`));
  await rig.assertExact();
});

test('the FE is killed with its broker and started again at once on the same port', async (t) => {
  const rig = await FaultRig.open(t);
  await rig.start({ broker: 'on' });
  const port = rig.server.ready.brokerPort ?? 0;
  const writer = await rig.writer('events', 3, { port, badEvery: 101 });
  await rig.load(writer, 'events', { bootstrap: `127.0.0.1:${port}` });
  const writing = writer.trickle(120, 1000, 80);
  for (let kill = 0; kill < 3; kill += 1) {
    await systemClock.sleep(between(100, 900));
    await rig.kill();
    await rig.start({ broker: 'on', brokerPort: port });
  }
  writer.stop();
  await writing;
  await rig.assertExact();
});
