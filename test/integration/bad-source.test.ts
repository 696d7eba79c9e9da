// Kafka that is not as the job wants it: wrong at CREATE, gone while the job runs, offsets out of range,
// a topic that was deleted and made again. Each gives one clear reason, and the server goes on.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Broker } from '../../src/kafka/broker/broker.ts';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { startTestBroker, temporaryDirectory } from '../support/embedded-broker.ts';
import { LoadCase } from '../support/load-case.ts';
import { errorOf } from '../support/load-job.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const COLUMNS = 'id INT NOT NULL, v STRING';
let server: TestServer;
let admin: KafkaAdmin;

const adminOf = (bootstrap: string): Promise<KafkaAdmin> =>
  openKafkaAdmin({
    connection: { brokers: [bootstrap], properties: {} },
    clientId: 'bad-source',
  });

before(async () => {
  server = await startServer({});
  admin = await adminOf(server.bootstrap);
  await server.sql('CREATE DATABASE bad');
  await server.sql(`CREATE TABLE bad.target (${COLUMNS})`);
  await admin.createTopic('target', 1);
});

after(async () => {
  await admin.close();
  assert.equal(await server.stop(), 0);
});

/** The error of CREATE ROUTINE LOAD with these source properties over the good ones. */
async function createError(source: Readonly<Record<string, string>>): Promise<string> {
  const all = { kafka_broker_list: server.bootstrap, kafka_topic: 'target', ...source };
  const list = Object.entries(all).map(([key, value]) => `"${key}" = "${value}"`);
  const sql = `CREATE ROUTINE LOAD bad.wrong ON target PROPERTIES ("format" = "json") FROM KAFKA (${list.join(', ')})`;
  const message = await errorOf(server, sql);
  assert.deepEqual(
    (await server.sql('SHOW ALL ROUTINE LOAD FROM bad')).rows.filter((row) => row[1] === 'wrong'),
    [],
  );
  return message;
}

const login = (mechanism: string): Record<string, string> => ({
  'property.security.protocol': 'SASL_PLAINTEXT',
  'property.sasl.mechanism': mechanism,
  'property.sasl.username': 'someone',
  'property.sasl.password': 'top secret',
});

test('CREATE says what is wrong with the source, and makes no job', async () => {
  const cases: readonly (readonly [source: Record<string, string>, message: RegExp])[] = [
    [
      { kafka_topic: 'nope' },
      /Kafka topic 'nope' does not exist \(create it, or correct the name\)/,
    ],
    [{ kafka_broker_list: '127.0.0.1:9' }, /cannot reach Kafka at 127\.0\.0\.1:9: .*ECONNREFUSED/],
    [{ kafka_broker_list: 'no.such.host.invalid:9092' }, /cannot reach Kafka at no\.such\.host/],
    [
      { kafka_broker_list: `127.0.0.1:${server.ready.queryPort}` },
      /what answers at 127\.0\.0\.1:\d+ does not speak the Kafka protocol as configured/,
    ],
    [
      { kafka_broker_list: `127.0.0.1:${server.ready.httpPort}` },
      /what answers at 127\.0\.0\.1:\d+ does not speak the Kafka protocol as configured/,
    ],
    [login('PLAIN'), /it takes no login \(SASL\) here, but the job has one .*security\.protocol/],
    [login('SCRAM-SHA-256'), /it takes no login \(SASL\) here/],
    [login('GSSAPI'), /GSSAPI is not supported/],
    [
      { 'property.security.protocol': 'SSL' },
      /closed during the TLS handshake .*security\.protocol/,
    ],
    [{ 'property.security.protocol': 'nope' }, /'security\.protocol' is 'nope', expected one of/],
    [{ 'property.no.such.key': '1' }, /unknown Kafka property 'no\.such\.key', nearest are: /],
    [{ kafka_topik: 'x' }, /kafka_topik is invalid kafka custom property/],
    [{ kafka_partitions: '3' }, /custom kafka partition 3 which is invalid for topic target/],
  ];
  for (const [source, message] of cases) assert.match(await createError(source), message);
  assert.doesNotMatch(await createError(login('PLAIN')), /top secret/);
  assert.equal(await server.value('SELECT 1'), '1');
});

test('an offset out of range pauses the job with the range; ALTER and RESUME mend it', async () => {
  const loadCase = await LoadCase.prepare(server, admin, {
    name: 'out_of_range',
    columns: COLUMNS,
    source: { kafka_partitions: '0', kafka_offsets: '100' },
  });
  await loadCase.send(['{"id":1}', '{"id":2}']);
  await loadCase.start();
  const paused = await loadCase.untilState('PAUSED');
  assert.match(
    paused['ReasonOfStateChanged'] ?? '',
    /^ErrorReason\{errCode = 5607, msg='Consume offset: 100 is greater than the latest offset: 2 in kafka partition: 0\. You can modify 'kafka_offsets' property through ALTER ROUTINE LOAD and RESUME the job \(offset 100 of Kafka topic 'out_of_range' partition 0 is out of range: the partition holds 0 to 2/,
  );
  await server.sql(
    'ALTER ROUTINE LOAD FOR bad.out_of_range FROM KAFKA ("kafka_partitions" = "0", "kafka_offsets" = "1")',
  );
  await loadCase.command('RESUME');
  await loadCase.untilConsumed();
  assert.deepEqual(await loadCase.rows('id'), [['2']]);
  assert.equal((await loadCase.show())['State'], 'RUNNING');
});

test('a topic that was made again pauses the job; with new offsets it goes on', async () => {
  const loadCase = await LoadCase.prepare(server, admin, { name: 'again', columns: COLUMNS });
  await loadCase.start();
  await loadCase.send(['{"id":1}', '{"id":2}']);
  await loadCase.untilConsumed();
  await admin.deleteTopic('again');
  await admin.createTopic('again', 1);
  const paused = await loadCase.untilState('PAUSED');
  assert.match(paused['ReasonOfStateChanged'] ?? '', /'again' was deleted and created again/);
  await loadCase.send(['{"id":3}']);
  await server.sql(
    'ALTER ROUTINE LOAD FOR bad.again FROM KAFKA ("kafka_partitions" = "0", "kafka_offsets" = "0")',
  );
  await loadCase.command('RESUME');
  await server.until('SELECT count(*) FROM bad.again', (value) => value === '3');
  assert.deepEqual(
    (await loadCase.rows('id')).map((row) => row[0]),
    ['1', '2', '3'],
  );
});

test('a topic that was made again while its job was paused: RESUME notices it, whatever its offsets are', async () => {
  const loadCase = await LoadCase.prepare(server, admin, {
    name: 'again_paused',
    columns: COLUMNS,
  });
  await loadCase.start();
  await loadCase.send(['{"id":1}', '{"id":2}']);
  await loadCase.untilConsumed();
  await loadCase.command('PAUSE');
  await admin.deleteTopic('again_paused');
  await admin.createTopic('again_paused', 1);
  await loadCase.send(['{"id":3}', '{"id":4}', '{"id":5}']);
  await loadCase.command('RESUME');
  const paused = await loadCase.untilState('PAUSED');
  assert.match(
    paused['ReasonOfStateChanged'] ?? '',
    /^ErrorReason\{errCode = 5607, msg='Kafka topic 'again_paused' was deleted and created again/,
  );
  await server.sql(
    'ALTER ROUTINE LOAD FOR bad.again_paused FROM KAFKA ("kafka_partitions" = "0", "kafka_offsets" = "OFFSET_BEGINNING")',
  );
  await loadCase.command('RESUME');
  await server.until('SELECT count(*) FROM bad.again_paused', (value) => value === '5');
  assert.deepEqual(
    (await loadCase.rows('id')).map((row) => row[0]),
    ['1', '2', '3', '4', '5'],
  );
});

test('a topic that is deleted while the job runs: the job says so', async () => {
  const loadCase = await LoadCase.prepare(server, admin, { name: 'deleted', columns: COLUMNS });
  await loadCase.start();
  await loadCase.send(['{"id":1}']);
  await loadCase.untilConsumed();
  await admin.deleteTopic('deleted');
  const paused = await loadCase.untilState('PAUSED');
  assert.match(paused['ReasonOfStateChanged'] ?? '', /Kafka topic 'deleted' does not exist/);
  assert.equal(await server.value('SELECT count(*) FROM bad.deleted'), '1');
});

test('a broker that goes away: the job waits and says so, then goes on by itself', async () => {
  const directory = temporaryDirectory();
  let broker: Broker = await startTestBroker(directory);
  const bootstrap = `127.0.0.1:${broker.port}`;
  const other = await adminOf(bootstrap);
  try {
    const loadCase = await LoadCase.prepare(server, other, {
      name: 'away',
      columns: COLUMNS,
      source: { kafka_broker_list: bootstrap },
    });
    await loadCase.start();
    await loadCase.send(['{"id":1}']);
    await loadCase.untilConsumed();
    const { port } = broker;
    await broker.close();
    await server.until(
      "SELECT OTHER_MSG FROM information_schema.routine_load_jobs WHERE NAME = 'away'",
      (value) => /Kafka/.test(value ?? ''),
    );
    assert.notEqual((await loadCase.show())['State'], 'PAUSED');
    assert.equal(await server.value('SELECT count(*) FROM bad.away'), '1');
    broker = await startTestBroker(directory, {}, port);
    await loadCase.send(['{"id":2}']);
    await loadCase.untilConsumed();
    assert.deepEqual(
      (await loadCase.rows('id')).map((row) => row[0]),
      ['1', '2'],
    );
  } finally {
    await server.sql('STOP ROUTINE LOAD FOR bad.away');
    await other.close();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
});
