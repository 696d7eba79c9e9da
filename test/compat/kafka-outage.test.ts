// What a Kafka cluster does to a running load: leaders that move between brokers, and a cluster that stops
// answering without closing anything.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { kafkaToolOk, startKafka } from '../peers/kafka.ts';
import { kcat } from '../peers/kcat.ts';
import { createTopic, produce } from '../peers/topics.ts';
import { assertUsers, createUsers, errorOf, loadUsers, showJob } from '../support/load-job.ts';
import { startServer } from '../support/start-server.ts';

const first = await startKafka();
const second = await startKafka({ joins: first });
const bootstrap = `${first.bootstrap},${second.bootstrap}`;
const server = await startServer();
after(async () => {
  first.thaw();
  second.thaw();
  await server.stop();
  await second.stop();
  await first.stop();
});

test('leaders move when a broker dies, and back when it returns: each row once', async () => {
  await createTopic(bootstrap, 'leaders', 4, { 'min.insync.replicas': '1' }, 2);
  await loadUsers(server, { bootstrap, name: 'leaders' });
  const producing = produce(bootstrap, { topic: 'leaders', count: 60_000, rate: 4000 });
  await server.until('SELECT count(*) FROM leaders', (value) => Number(value) > 4000);
  await second.kill();
  await server.until('SELECT count(*) FROM leaders', (value) => Number(value) > 30_000);
  await second.start();
  await kafkaToolOk('org.apache.kafka.tools.LeaderElectionCommand', [
    ...['--bootstrap-server', first.bootstrap, '--election-type', 'preferred'],
    '--all-topic-partitions',
  ]);
  await producing;
  await assertUsers(server, 'leaders', 60_000);
  assert.equal((await showJob(server, 'leaders'))['State'], 'RUNNING');
});

test('a cluster that does not answer holds up its own jobs only', async () => {
  for (const name of ['frozen_1', 'frozen_2', 'frozen_3']) {
    await createTopic(bootstrap, name, 2);
    await produce(bootstrap, { topic: name, count: 100 });
    await loadUsers(server, { bootstrap, name });
    await assertUsers(server, name, 100);
  }
  first.freeze();
  second.freeze();
  // Long enough for the frozen jobs to look for new partitions.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  await kcat(server.bootstrap, ['-P', '-t', 'healthy'], { input: '{"id": 0, "name": "user-0"}\n' });
  await loadUsers(server, { bootstrap: server.bootstrap, name: 'healthy' });
  await assertUsers(server, 'healthy', 1, 5000);
  await server.sql('PAUSE ROUTINE LOAD FOR frozen_1');
  await createUsers(server, 'never');
  const refused = await errorOf(
    server,
    `CREATE ROUTINE LOAD never ON never FROM KAFKA ("kafka_broker_list" = "${first.bootstrap}", "kafka_topic" = "frozen_1")`,
  );
  assert.match(refused, /cannot reach Kafka at 127\.0\.0\.1:\d+: no connection within/);
  first.thaw();
  second.thaw();
  for (const name of ['frozen_1', 'frozen_2', 'frozen_3'])
    await produce(bootstrap, { topic: name, first: 100, count: 100 });
  await assertUsers(server, 'frozen_2', 200);
  await assertUsers(server, 'frozen_3', 200);
  // Paused while its cluster was silent: it stays so.
  assert.equal((await showJob(server, 'frozen_1'))['State'], 'PAUSED');
  assert.equal(await server.value('SELECT count(*) FROM frozen_1'), '100');
  await server.sql('RESUME ROUTINE LOAD FOR frozen_1');
  await assertUsers(server, 'frozen_1', 200);
});

test('the server ends in time while the cluster does not answer', async () => {
  first.freeze();
  second.freeze();
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const began = performance.now();
  assert.equal(await server.stop(), 0);
  assert.ok(performance.now() - began < 20_000);
});
