// Back-pressure: loads of a table that has too many small files wait until some are merged. SHOW says so for as long as
// it lasts, jobs of other tables go on, and nothing is lost.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { showJob } from '../support/load-job.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let admin: KafkaAdmin;
before(async () => {
  server = await startServer({});
  admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'back-pressure',
  });
  await server.sql('CREATE DATABASE bad');
});
after(async () => {
  await admin.close();
  await server.stop();
});

async function makeJob(name: string): Promise<void> {
  await admin.createTopic(name, 1);
  await server.sql(`CREATE TABLE bad.${name} (id INT)`);
  await server.sql(
    `CREATE ROUTINE LOAD bad.${name} ON ${name} PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "${name}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
}

const send = (topic: string): Promise<void> =>
  admin.send([{ topic, partition: 0, value: Buffer.from('{"id": 1}') }]);

async function untilCount(name: string, count: string): Promise<void> {
  const found = await server.until(`SELECT count(*) FROM bad.${name}`, (value) => value === count);
  assert.equal(found, count);
}

const set = (item: string, value: string): Promise<unknown> =>
  server.sql(`ADMIN SET FRONTEND CONFIG ("${item}" = "${value}")`);

test('loads wait for compaction, say so, and go on', async () => {
  await makeJob('held');
  await makeJob('free');
  await send('held');
  await untilCount('held', '1');
  // One small file is too many now, and one alone is never merged.
  await set('lake_ingest_slowdown_threshold', '1');
  await set('lake_compaction_score_upper_bound', '1');
  await send('held');
  const untilMs = performance.now() + 30_000;
  let told: Readonly<Record<string, string>> = {};
  while (!/too many small files/.test(told['OtherMsg'] ?? '')) {
    assert.ok(performance.now() < untilMs, JSON.stringify(told));
    told = await showJob(server, 'bad.held');
  }
  assert.match(
    told['OtherMsg'] ?? '',
    /^\[.+\] too many small files in table held, current\/limit: 1\/1: its loads wait for compaction/,
  );
  assert.equal(told['State'], 'RUNNING');
  assert.equal(told['Progress'], '{"0":"0"}');
  // A table without files.
  await send('free');
  await untilCount('free', '1');
  await untilCount('held', '1');
  await set('lake_enable_ingest_slowdown', 'false');
  await untilCount('held', '2');
  assert.equal((await showJob(server, 'bad.held'))['OtherMsg'], '');
});
