// Real clients against the embedded broker: kafkajs and @platformatic/kafka, with groups, restarts,
// compression, transactions. (kcat, kafka-python, confluent-kafka and Java run in test:peers.)
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { after, before, test } from 'node:test';
import {
  Admin,
  Consumer,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import type { Broker } from '../../../../src/kafka/broker/broker.ts';
import { startTestBroker, temporaryDirectory } from '../../../support/embedded-broker.ts';

const directory = temporaryDirectory();
let broker: Broker;

before(async () => {
  broker = await startTestBroker(directory);
});
after(async () => {
  await broker.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

const address = (): string => `127.0.0.1:${broker.port}`;
const kafkajs = (clientId: string): Kafka =>
  new Kafka({
    brokers: [address()],
    clientId,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 20 },
  });

async function until(condition: () => boolean, what: string, limitMs = 15_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    assert.ok(performance.now() < endMs, `${what} did not happen in ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('kafkajs: two consumers of a group share the partitions and resume where they stopped', async () => {
  const kafka = kafkajs('js');
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'js', numPartitions: 4 }] });
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  const send = (from: number, count: number) =>
    producer.send({
      topic: 'js',
      messages: Array.from({ length: count }, (_, i) => ({
        key: `k${from + i}`,
        value: String(from + i),
        headers: { h: 'x' },
      })),
    });
  await send(0, 200);
  const seen = new Map<string, string[]>([
    ['one', []],
    ['two', []],
  ]);
  const start = async (name: string) => {
    const consumer = kafka.consumer({ groupId: 'js-group', maxWaitTimeInMs: 200 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'js', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        seen.get(name)?.push(message.value?.toString() ?? '');
      },
    });
    return consumer;
  };
  const one = await start('one');
  await until(() => (seen.get('one')?.length ?? 0) >= 200, 'the first consumer reading all');
  const two = await start('two');
  let next = 200;
  await until(() => {
    if (next < 3000) {
      void send(next, 20);
      next += 20;
    }
    return (seen.get('two')?.length ?? 0) > 0;
  }, 'the second consumer taking over partitions');
  const described = (await admin.describeGroups(['js-group'])).groups[0];
  assert.equal(described?.state, 'Stable');
  assert.equal(described.members.length, 2);
  await one.disconnect();
  await two.disconnect();
  const committed = await admin.fetchOffsets({ groupId: 'js-group', topics: ['js'] });
  const total = committed[0]?.partitions.reduce((sum, p) => sum + Number(p.offset), 0) ?? 0;
  assert.ok(total > 200);
  await producer.disconnect();
  await admin.disconnect();
});

test('kafkajs: an aborted transaction is never seen by a committed reader', async () => {
  const kafka = kafkajs('txn');
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'txn', numPartitions: 1 }] });
  const producer = kafka.producer({
    transactionalId: 'tx-1',
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  for (const [value, commit] of [
    ['a', true],
    ['b', false],
    ['c', false],
    ['d', true],
  ] as const) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'txn', messages: [{ value }, { value: `${value}2` }] });
    await transaction.sendOffsets({
      consumerGroupId: 'txn-offsets',
      topics: [
        { topic: 'txn', partitions: [{ partition: 0, offset: value.charCodeAt(0).toString() }] },
      ],
    });
    await (commit ? transaction.commit() : transaction.abort());
  }
  const seen: string[] = [];
  const consumer = kafka.consumer({ groupId: 'txn-reader', maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topic: 'txn', fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(message.value?.toString() ?? '');
    },
  });
  await until(() => seen.includes('d2'), 'the last committed record');
  assert.deepEqual(seen, ['a', 'a2', 'd', 'd2']);
  const offsets = await admin.fetchOffsets({ groupId: 'txn-offsets', topics: ['txn'] });
  assert.equal(offsets[0]?.partitions[0]?.offset, '100', "offsets of aborted ones don't count");
  await consumer.disconnect();
  await producer.disconnect();
  await admin.disconnect();
});

test('@platformatic/kafka: every compression, a group, and a restart in between', async () => {
  const bootstrapBrokers = [address()];
  const admin = new Admin({ clientId: 'plt', bootstrapBrokers });
  const made = await admin.createTopics({ topics: ['plt'], partitions: 2, replicas: 1 });
  assert.equal(made[0]?.partitions, 2);
  const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
  for (const compression of compressions) {
    const producer = new Producer({
      clientId: 'plt',
      bootstrapBrokers,
      serializers: stringSerializers,
      idempotent: true,
      compression,
    });
    await producer.send({
      messages: Array.from({ length: 20 }, (_, i) => ({
        topic: 'plt',
        key: `k${i}`,
        value: `${compression} ${i}`,
      })),
    });
    await producer.close();
  }
  const { port } = broker;
  const read = async (count: number): Promise<string[]> => {
    const consumer = new Consumer({
      clientId: 'plt',
      groupId: 'plt-group',
      bootstrapBrokers,
      deserializers: stringDeserializers,
    });
    const stream = await consumer.consume({
      topics: ['plt'],
      mode: 'committed',
      fallbackMode: 'earliest',
      autocommit: false,
    });
    const values: string[] = [];
    for await (const message of stream) {
      values.push(message.value);
      await message.commit();
      if (values.length === count) break;
    }
    await stream.close();
    await consumer.close(true);
    return values;
  };
  const first = await read(100);
  assert.equal(new Set(first).size, 100);
  await broker.close();
  broker = await startTestBroker(directory, {}, port);
  const producer = new Producer({
    clientId: 'plt',
    bootstrapBrokers,
    serializers: stringSerializers,
  });
  await producer.send({ messages: [{ topic: 'plt', key: 'k', value: 'after the restart' }] });
  await producer.close();
  assert.deepEqual(await read(1), ['after the restart']);
  const groups = await admin.listGroups();
  assert.ok([...groups.keys()].includes('plt-group'));
  await admin.deleteTopics({ topics: ['plt'] });
  await admin.close();
});
