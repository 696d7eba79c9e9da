// Exactly once from Apache Kafka: the server, its loader, its query process and Kafka itself are killed
// with -9 at random times under load; the checker then compares every row with what was acknowledged.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startKafka } from '../peers/kafka.ts';
import { FaultRig } from '../support/fault-rig.ts';
import type { TopicWriter } from '../support/topic-writer.ts';

const ROUNDS = 8;
const VICTIMS = ['server', 'loader', 'server', 'query', 'kafka', 'loader'] as const;
const kafka = await startKafka();
after(() => kafka.stop());

/** Small and repeatable (a counter, well mixed): the seed is printed, MILLRACE_SEED sets it. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x9e3779b9) >>> 0;
    const once = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
    return ((twice ^ (twice >>> 16)) >>> 0) % below;
  };
}

test('killed at random under load from Kafka, plain, transactional and with bad rows', async (t) => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? Date.now() % 1_000_000);
  t.diagnostic(`MILLRACE_SEED=${seed}`);
  const random = randomFrom(seed);
  const rig = await FaultRig.open(t);
  const port = Number(kafka.bootstrap.split(':')[1]);
  await rig.start();
  const plain = await rig.writer('plain', 2, { port, badEvery: 1009, compression: 'zstd' });
  const transactional = await rig.writer('transactional', 2, {
    port,
    transactionalId: 'writer',
    compression: 'gzip',
  });
  await rig.load(plain, 'plain', { bootstrap: kafka.bootstrap });
  await rig.load(transactional, 'transactional', { bootstrap: kafka.bootstrap });
  let producing = true;
  const flow = Promise.all([
    produceWhile(() => producing, plain),
    transactWhile(() => producing, transactional, random),
  ]);
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      await sleep(500 + random(1500));
      const victim = VICTIMS[random(VICTIMS.length)] ?? 'server';
      t.diagnostic(`round ${round}: ${victim}`);
      if (victim === 'server') {
        await rig.kill();
        await rig.start();
      } else if (victim === 'kafka') {
        await kafka.kill();
        await kafka.start();
      } else rig.killChildIfThere(victim);
    }
  } finally {
    producing = false;
    await flow;
  }
  await rig.assertExact(60_000);
  assert.ok(transactional.manifest.messages > 0 && plain.manifest.messages > 0);
});

async function produceWhile(goesOn: () => boolean, writer: TopicWriter): Promise<void> {
  while (goesOn()) {
    await writer.write(500, 100);
    await sleep(50);
  }
}

async function transactWhile(
  goesOn: () => boolean,
  writer: TopicWriter,
  random: (below: number) => number,
): Promise<void> {
  while (goesOn()) {
    await writer.transaction(400, random(3) === 0 ? 'abort' : 'commit', 100);
    await sleep(50);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
