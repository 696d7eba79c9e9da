// The embedded broker with the clients that people have: kcat, kafka-python, confluent-kafka, kafkajs and
// the Java console tools; each produces users, and Routine Load loads what all of them produced.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaTool, kafkaToolOk, writeTransactions } from '../peers/kafka.ts';
import { kcat, kcatAll } from '../peers/kcat.ts';
import { runOk } from '../peers/processes.ts';
import { pythonVenv } from '../peers/python.ts';
import { createTopic, deleteTopic, produce, produceWithJava } from '../peers/topics.ts';
import { assertUsers, loadUsers } from '../support/load-job.ts';
import { newDataDir, startServer } from '../support/start-server.ts';

const server = await startServer();
after(() => server.stop());
const { bootstrap } = server;
const toServer = ['--bootstrap-server', bootstrap] as const;

function users(first: number, count: number): string[] {
  return Array.from(
    { length: count },
    (_, at) => `{"id": ${first + at}, "name": "user-${first + at}"}`,
  );
}

test('kcat: produces with each codec, lists, consumes, joins a group', async () => {
  for (const [index, codec] of ['none', 'gzip', 'snappy', 'lz4', 'zstd'].entries())
    await kcat(bootstrap, ['-P', '-t', 'by_kcat', '-z', codec, '-H', 'from=kcat'], {
      input: `${users(index * 1000, 1000).join('\n')}\n`,
    });
  assert.match(await kcat(bootstrap, ['-L']), /topic "by_kcat" with 1 partitions/);
  const offsets = (await kcatAll(bootstrap, 'by_kcat', '%o %h\n')).trim().split('\n');
  assert.equal(offsets.length, 5000);
  assert.equal(offsets[4999], '4999 from=kcat');
  const group = await kcat(bootstrap, [
    ...['-G', 'kcat-group', '-q', '-c', '5000', '-X', 'auto.offset.reset=earliest', 'by_kcat'],
  ]);
  assert.equal(group.trim().split('\n').length, 5000);
  await loadUsers(server, { bootstrap, name: 'by_kcat' });
  await assertUsers(server, 'by_kcat', 5000);
});

for (const [name, script] of [
  ['kafka-python', 'kafka_python_story.py'],
  ['confluent-kafka', 'confluent_story.py'],
] as const)
  test(`${name}: topics, producer, consumer group`, async () => {
    const topic = `by_${name.replace('-', '_')}`;
    const program = join(import.meta.dirname, '..', 'peers', 'python', script);
    const printed = await runOk(await pythonVenv(), [program, bootstrap, topic, '0', '3000']);
    assert.equal(printed, 'ok\n');
    await loadUsers(server, { bootstrap, name: topic });
    await assertUsers(server, topic, 3000);
  });

test('kafkajs: topics, producer, consumer group that goes on', async () => {
  const kafka = new Kafka({ clientId: 'test', brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'by_kafkajs', numPartitions: 2 }] });
  const producer = kafka.producer();
  await producer.connect();
  const send = (first: number): Promise<unknown> =>
    producer.send({ topic: 'by_kafkajs', messages: users(first, 500).map((value) => ({ value })) });
  const consume = async (amount: number): Promise<Set<string>> => {
    const seen = new Set<string>();
    const consumer = kafka.consumer({ groupId: 'kafkajs-group' });
    await consumer.connect();
    await consumer.subscribe({ topics: ['by_kafkajs'], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      setTimeout(() => reject(new Error(`${seen.size} of ${amount}`)), 30_000).unref();
      consumer
        .run({
          eachMessage: async ({ message }) => {
            seen.add(message.value?.toString() ?? '');
            if (seen.size === amount) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return seen;
  };
  await send(0);
  assert.deepEqual([...(await consume(500))].sort(), users(0, 500).sort());
  await send(500);
  assert.deepEqual([...(await consume(500))].sort(), users(500, 500).sort());
  const offsets = await admin.fetchTopicOffsets('by_kafkajs');
  assert.equal(
    offsets.reduce((sum, { offset }) => sum + Number(offset), 0),
    1000,
  );
  await producer.disconnect();
  await admin.disconnect();
  await loadUsers(server, { bootstrap, name: 'by_kafkajs' });
  await assertUsers(server, 'by_kafkajs', 1000);
});

test('Java tools: topics', async () => {
  const topics = 'org.apache.kafka.tools.TopicCommand';
  await createTopic(bootstrap, 'by_java', 2, { 'retention.ms': '86400000' });
  assert.match(await kafkaToolOk(topics, [...toServer, '--list']), /^by_java$/m);
  const described = await kafkaToolOk(topics, [...toServer, '--describe', '--topic', 'by_java']);
  assert.match(described, /PartitionCount: 2.*retention\.ms=86400000/);
  await kafkaToolOk(topics, [...toServer, '--alter', '--topic', 'by_java', '--partitions', '3']);
  const again = await kafkaTool(topics, [...toServer, '--create', '--topic', 'by_java']);
  assert.notEqual(again.code, 0);
  assert.match(again.stdout + again.stderr, /already exists/);
  await createTopic(bootstrap, 'short_lived', 1);
  await deleteTopic(bootstrap, 'short_lived');
  assert.doesNotMatch(await kafkaToolOk(topics, [...toServer, '--list']), /short_lived/);
});

test('Java tools: console producer and consumer, consumer groups, offsets', async () => {
  await produceWithJava(bootstrap, { topic: 'by_java', count: 3000, codec: 'snappy' });
  const offsets = await kafkaToolOk('org.apache.kafka.tools.GetOffsetShell', [
    ...toServer,
    ...['--topic', 'by_java'],
  ]);
  const total = [...offsets.matchAll(/^by_java:\d:(\d+)$/gm)].reduce(
    (sum, m) => sum + Number(m[1]),
    0,
  );
  assert.equal(total, 3000);
  const consumer = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
  const consume = (max: number): Promise<string> =>
    kafkaToolOk(consumer, [
      ...[...toServer, '--topic', 'by_java', '--group', 'java-group', '--from-beginning'],
      ...['--max-messages', String(max), '--timeout-ms', '20000'],
    ]);
  const seen = `${await consume(1000)}${await consume(2000)}`.trim().split('\n');
  assert.deepEqual(seen.sort(), users(0, 3000).sort());
  const groups = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
  assert.match(await kafkaToolOk(groups, [...toServer, '--list']), /java-group/);
  const described = await kafkaToolOk(groups, [...toServer, '--describe', '--group', 'java-group']);
  const lags = [...described.matchAll(/^java-group +by_java +\d+ +\d+ +\d+ +(\d+) /gm)];
  assert.deepEqual(
    lags.map((match) => match[1]),
    ['0', '0', '0'],
    described,
  );
  await loadUsers(server, { bootstrap, name: 'by_java' });
  await assertUsers(server, 'by_java', 3000);
});

test('Java transactions: read_committed sees what was committed', async () => {
  await createTopic(bootstrap, 'by_transactions', 2);
  await writeTransactions(bootstrap, 'by_transactions', [
    ...['commit:0-499', 'abort:10000-19999', 'abort:500-509', 'commit:500-999'],
  ]);
  const printed = await kafkaToolOk('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...[...toServer, '--topic', 'by_transactions', '--from-beginning'],
    ...['--isolation-level', 'read_committed', '--max-messages', '1000', '--timeout-ms', '20000'],
  ]);
  assert.doesNotMatch(printed, /abort/);
  assert.equal(printed.trim().split('\n').length, 1000);
  await loadUsers(server, {
    bootstrap,
    name: 'by_transactions',
    columns: 'id BIGINT, state STRING',
  });
  await server.until('SELECT count(*) FROM by_transactions', (value) => value === '1000');
  assert.deepEqual(
    (await server.sql('SELECT count(DISTINCT id), min(state), max(state) FROM by_transactions'))
      .rows,
    [['1000', 'commit', 'commit']],
  );
});

test('the whole server is killed while librdkafka produces: each row once', async () => {
  const dataDir = newDataDir();
  const first = await startServer({ dataDir });
  const brokerPort = first.ready.brokerPort ?? 0;
  await createTopic(first.bootstrap, 'killed', 2);
  await loadUsers(first, { bootstrap: first.bootstrap, name: 'killed' });
  const producing = produce(first.bootstrap, { topic: 'killed', count: 30_000, rate: 6000 });
  await first.until('SELECT count(*) FROM killed', (value) => Number(value) > 3000);
  await first.kill();
  const second = await startServer({ dataDir, brokerPort });
  try {
    await producing;
    await second.sql('USE compat');
    await assertUsers(second, 'killed', 30_000);
  } finally {
    await second.stop();
    await rm(dataDir, { recursive: true });
  }
});
