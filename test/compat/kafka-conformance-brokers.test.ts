// Brokers as they are not on a good day, and jobs as there are in a large installation: a broker that is slow, stands
// still and cuts connections; a topic with 1,000 partitions; 50 jobs at once. Every message is a row once.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { startKafka } from '../peers/kafka.ts';
import { SlowProxy } from '../peers/slow-proxy.ts';
import { produce } from '../peers/topics.ts';
import {
  assertPlaced,
  loadPlaced,
  openBroker,
  sendIds,
  startConfigured,
} from '../support/conformance-case.ts';
import { showJob, untilState } from '../support/load-job.ts';
import { childrenOf, residentBytes } from '../support/process-tree.ts';
import { newDataDir } from '../support/start-server.ts';

const proxy = await SlowProxy.listen();
const peer = await startKafka({ proxyPort: proxy.port });
proxy.targetPort = peer.proxiedPort;
const dataDir = newDataDir();
const server = await startConfigured(
  dataDir,
  'routine_load_scheduler_interval_millisecond = 500\nroutine_load_stall_second = 4\n',
);
const kafka = await openBroker('Kafka', peer.bootstrap);
const embedded = await openBroker('the embedded broker', server.bootstrap);
after(async () => {
  proxy.close();
  await kafka.topics.close();
  await embedded.topics.close();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
  await peer.stop();
});

function loaderBytes(): number {
  return childrenOf(dataDir)
    .filter(({ role }) => role === 'loader')
    .reduce((sum, { pid }) => sum + residentBytes(pid), 0);
}

const countOf = async (name: string): Promise<number> =>
  Number(await server.value(`SELECT count(*) FROM ${name}`));

test('a broker that is slow, stands still, and cuts connections: the job says so and catches up', async (t) => {
  const name = 'slow';
  await kafka.topics.create(name, 3);
  const through = { ...kafka, bootstrap: `127.0.0.1:${proxy.port}` };
  await loadPlaced(server, through, {
    name,
    source: {
      'property.socket.timeout.ms': '2000',
      'property.reconnect.backoff.max.ms': '500',
      'property.fetch.max.bytes': '1000000',
    },
  });
  let next = 0;
  const more = async (count: number): Promise<void> => {
    await produce(peer.bootstrap, { topic: name, first: next, count });
    next += count;
  };
  await more(5000);
  await assertPlaced(server, name, [{ first: 0, count: next }]);

  // An answer takes longer than socket.timeout.ms; each piece is 20 ms late.
  proxy.bytesPerSecond = 300_000;
  proxy.delayMs = 20;
  await more(100_000);
  assert.ok((await countOf(name)) < next, 'it is behind');
  // Slow is not ill.
  let sawMore = await countOf(name);
  for (let commits = 0; commits < 2; commits += 1) {
    const before = sawMore;
    sawMore = Number(
      await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) > before),
    );
    const { State, OtherMsg } = await showJob(server, name);
    assert.deepEqual([State, OtherMsg], ['RUNNING', '']);
  }

  // In the middle of it the broker answers nothing any more although connections stay open.
  assert.ok(sawMore < next, 'it is still behind');
  proxy.stall();
  const stalledAt = performance.now();
  const unstable = await untilState(server, name, 'UNSTABLE');
  t.diagnostic(`UNSTABLE after ${Math.round(performance.now() - stalledAt)} ms`);
  assert.match(
    unstable['ReasonOfStateChanged'] ?? '',
    /errCode = 105, msg='\d+ messages wait and nothing was committed since .*, the tasks are started anew/,
  );
  assert.match(
    `${unstable['OtherMsg']} ${unstable['ReasonOfStateChanged']}`,
    new RegExp(`127\\.0\\.0\\.1:${proxy.port}`),
  );
  proxy.bytesPerSecond = Number.POSITIVE_INFINITY;
  proxy.delayMs = 0;
  proxy.goOn();
  const wokenAt = performance.now();
  await assertPlaced(server, name, [{ first: 0, count: next }]);
  await untilState(server, name, 'RUNNING');
  t.diagnostic(`caught up ${Math.round(performance.now() - wokenAt)} ms later`);

  // Silent with nothing known to wait: what was produced since, nobody can say.
  proxy.stall();
  await more(1000);
  const silent = await untilState(server, name, 'UNSTABLE', 90_000);
  assert.match(
    silent['ReasonOfStateChanged'] ?? '',
    /errCode = 105, msg='nothing was heard of Kafka since .*, the tasks are started anew/,
  );
  proxy.goOn();
  await assertPlaced(server, name, [{ first: 0, count: next }]);
  await untilState(server, name, 'RUNNING');

  // Connections that end in the middle of their second or third answer.
  proxy.cutAfterBytes = 1_500_000;
  const before = proxy.cuts;
  await more(150_000);
  await assertPlaced(server, name, [{ first: 0, count: next }]);
  assert.ok(proxy.cuts > before + 2, `${proxy.cuts - before} connections were cut`);
  await untilState(server, name, 'RUNNING');
});

for (const broker of [kafka, embedded]) {
  test(`${broker.name}: 1,000 partitions in one job`, async (t) => {
    const name = broker === kafka ? 'thousand_0' : 'thousand_1';
    const partitions = Array.from({ length: 1000 }, (_, index) => index);
    await broker.topics.create(name, 1000);
    await sendIds(broker, name, { first: 0, count: 20_000, partitions });
    const began = performance.now();
    await loadPlaced(server, broker, { name });
    await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) > 0);
    t.diagnostic(`first rows after ${Math.round(performance.now() - began)} ms`);
    await assertPlaced(server, name, [{ first: 0, count: 20_000 }]);
    t.diagnostic(`20,000 rows after ${Math.round(performance.now() - began)} ms`);
    // Others are not held up, and what is new is seen.
    const more = performance.now();
    await sendIds(broker, name, { first: 20_000, count: 5000, partitions });
    await assertPlaced(server, name, [{ first: 0, count: 25_000 }]);
    t.diagnostic(`5,000 more after ${Math.round(performance.now() - more)} ms`);
    const perPartition = `SELECT min(n), max(n), count(*) FROM (SELECT _partition, count(*) AS n FROM ${name} GROUP BY _partition) AS p`;
    assert.deepEqual((await server.sql(perPartition)).rows, [['25', '25', '1000']]);
    const job = await showJob(server, name);
    assert.equal(job['State'], 'RUNNING');
    assert.equal(Object.keys(JSON.parse(job['Progress'] ?? '{}')).length, 1000);
    const megabytes = Math.round(loaderBytes() / 1e6);
    t.diagnostic(`loader ${megabytes} MB`);
    assert.ok(megabytes < 900, `the loader has ${megabytes} MB`);
    await server.sql(`STOP ROUTINE LOAD FOR ${name}`);
  });
}

test('50 jobs at once, half of them from Kafka, half from the embedded broker', async (t) => {
  const jobs = Array.from({ length: 50 }, (_, index) => ({
    name: `job_${index}`,
    broker: index % 2 === 0 ? kafka : embedded,
  }));
  for (const { name, broker } of jobs) {
    await broker.topics.create(name, 2);
    await loadPlaced(server, broker, { name });
  }
  const began = performance.now();
  await Promise.all(
    jobs.map(({ name, broker }) =>
      sendIds(broker, name, { first: 0, count: 1000, partitions: [0, 1] }),
    ),
  );
  for (const { name } of jobs) await assertPlaced(server, name, [{ first: 0, count: 1000 }]);
  t.diagnostic(`50 x 1,000 rows in ${Math.round(performance.now() - began)} ms`);
  for (const { name } of jobs) assert.equal((await showJob(server, name))['State'], 'RUNNING');
  const pids = [server.ready.pid, ...childrenOf(dataDir).map(({ pid }) => pid)];
  const megabytes = Math.round(pids.reduce((sum, pid) => sum + residentBytes(pid), 0) / 1e6);
  t.diagnostic(`all processes ${megabytes} MB, the loader ${Math.round(loaderBytes() / 1e6)} MB`);
  assert.ok(megabytes < 1500, `${megabytes} MB`);
});
