// The reader against the embedded broker over real sockets: every codec, transactions with aborts that
// span answers, two partitions, a broker that goes away and comes back.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock as clock } from '../../src/base/clock.ts';
import { AppError } from '../../src/base/errors.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom as random } from '../../src/base/random.ts';
import { type Broker, startBroker } from '../../src/kafka/broker/broker.ts';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { BatchProducer } from '../../src/kafka/client/batch-producer.ts';
import { KafkaClient } from '../../src/kafka/client/kafka-client.ts';
import { RecordCursor } from '../../src/kafka/protocol/record-batch.ts';
import { encodeRecordBatch } from '../../src/kafka/protocol/record-batch-encoder.ts';

const value = (name: string, index: number): string => `{"name":"${name}","index":${index}}`;

async function readAll(
  client: KafkaClient,
  topic: string,
  partition: number,
  maxBytes: number,
): Promise<string[]> {
  const isolation = 'read_committed';
  const view = await client.topic(topic, { fresh: true });
  const [start, end] = await Promise.all([
    client.listOffsets(topic, [partition], 'earliest', isolation),
    client.listOffsets(topic, [partition], 'latest', isolation),
  ]);
  let offset = start.get(partition) ?? -1n;
  const last = end.get(partition) ?? -1n;
  const cursor = new RecordCursor();
  const rows: string[] = [];
  while (offset < last) {
    const answer = await client.fetch({
      topic: view,
      positions: [{ partition, offset, maxBytes }],
      isolation,
      minBytes: 1,
      maxWaitMs: 200,
      maxBytes,
    });
    const [part] = answer.partitions;
    assert.ok(part !== undefined);
    if (part.error !== null) throw part.error;
    const { records, abortedTransactions } = part;
    cursor.start({ topic, partition, records, fromOffset: offset, isolation, abortedTransactions });
    for (let run = cursor.next(); run !== null; run = cursor.next())
      for (let i = 0; i < run.count; i += 1) {
        const at = run.valueStart[i] ?? 0;
        rows.push(run.data.toString('latin1', at, at + (run.valueLength[i] ?? 0)));
      }
    assert.ok(cursor.nextOffset > offset, 'every answer moves the position');
    const { received, gap } = cursor.counts;
    assert.equal(cursor.nextOffset - offset, BigInt(received + gap));
    offset = cursor.nextOffset;
    answer.release();
  }
  assert.equal(offset, last);
  return rows;
}

describe('reading from the embedded broker', () => {
  let directory: string;
  let broker: Broker;
  let admin: KafkaAdmin;
  let client: KafkaClient;
  let producer: BatchProducer;

  const open = (port: number): Promise<Broker> =>
    startBroker({ dataDir: directory, host: '127.0.0.1', port, clock, random, log: silentLog });

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-kafka-read-'));
    broker = await open(0);
    const connection = { brokers: [`127.0.0.1:${broker.port}`], properties: {} };
    admin = await openKafkaAdmin({ connection, clientId: 'test' });
    client = new KafkaClient({ connection, clock, random });
    producer = new BatchProducer({ connection, clock, random });
  });

  after(async () => {
    await admin.close();
    await client.close();
    producer.close();
    await broker.close();
    await rm(directory, { recursive: true });
  });

  it('gives every row once, in order, for every codec', async () => {
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const topic = `codec-${compression}`;
      assert.equal(await admin.createTopic(topic, 1), true);
      const want: string[] = [];
      for (let batch = 0; batch < 20; batch += 1) {
        const rows = Array.from({ length: 300 }, (_, index) => value(compression, index));
        want.push(...rows);
        const records = rows.map((row) => ({ value: Buffer.from(row) }));
        await producer.send(topic, 0, encodeRecordBatch(records, { compression }));
      }
      for (const maxBytes of [1, 20_000, 10_000_000])
        assert.deepEqual(await readAll(client, topic, 0, maxBytes), want);
    }
  });

  it('reads what the library producer wrote, to two partitions', async () => {
    assert.equal(await admin.createTopic('two', 2), true);
    assert.equal(await admin.createTopic('two', 2), false);
    const messages = Array.from({ length: 100 }, (_, index) => ({
      topic: 'two',
      partition: index % 2,
      value: Buffer.from(value('two', index)),
    }));
    await admin.send(messages);
    assert.equal(await admin.endOffset('two', 1), 50n);
    assert.equal((await admin.describeTopic('two'))?.partitionCount, 2);
    assert.equal(await admin.describeTopic('three'), null);
    const rows = await readAll(client, 'two', 1, 100_000);
    assert.deepEqual(
      rows,
      messages.filter((message) => message.partition === 1).map((m) => m.value.toString()),
    );
  });

  it('reads a message of 20 MB, compressed or not, whatever the fetch sizes are', async () => {
    await admin.createTopic('large', 1);
    const large = 'large '.repeat(3_500_000);
    for (const compression of ['none', 'lz4'] as const)
      await producer.send(
        'large',
        0,
        encodeRecordBatch([{ value: Buffer.from(large) }], { compression }),
      );
    const rows = await readAll(client, 'large', 0, 1000);
    assert.deepEqual(
      rows.map((row) => row === large),
      [true, true],
    );
  });

  it('says where the partition begins and ends when the offset is out of range', async () => {
    const topic = await client.topic('two');
    const positions = [{ partition: 0, offset: 51n, maxBytes: 1000 }];
    const limits = { minBytes: 1, maxWaitMs: 10, maxBytes: 1000 };
    const answer = await client.fetch({ topic, positions, isolation: 'read_committed', ...limits });
    const error = answer.partitions[0]?.error;
    assert.equal(error?.code, 'KAFKA_OFFSET_OUT_OF_RANGE');
    assert.deepEqual([error.fields['logStart'], error.fields['logEnd']], [0n, 50n]);
  });

  it('tells that a topic was recreated', async () => {
    await admin.createTopic('again', 1);
    const topic = await client.topic('again');
    await admin.deleteTopic('again');
    await admin.createTopic('again', 1);
    const positions = [{ partition: 0, offset: 0n, maxBytes: 1000 }];
    const limits = { minBytes: 0, maxWaitMs: 10, maxBytes: 1000 };
    const answer = await client.fetch({ topic, positions, isolation: 'read_committed', ...limits });
    assert.equal(answer.partitions[0]?.error?.code, 'KAFKA_TOPIC_RECREATED');
  });

  it('leaves out aborted and open transactions, also those that span answers', async () => {
    await admin.createTopic('txn', 1);
    const kafka = new Kafka({
      brokers: [`127.0.0.1:${broker.port}`],
      logLevel: logLevel.NOTHING,
    });
    const open = kafka.producer({ transactionalId: 'x', idempotent: true, maxInFlightRequests: 1 });
    await open.connect();
    const want: string[] = [];
    const plain = async (name: string): Promise<void> => {
      want.push(name);
      await producer.send('txn', 0, encodeRecordBatch([{ value: Buffer.from(name) }]));
    };
    for (const [round, outcome] of ['abort', 'abort', 'commit', 'abort', 'none'].entries()) {
      const transaction = await open.transaction();
      for (let part = 0; part < 20; part += 1) {
        const rows = Array.from({ length: 10 }, (_, i) =>
          value(`${outcome}${round}`, part * 10 + i),
        );
        if (outcome === 'commit') want.push(...rows);
        await transaction.send({ topic: 'txn', messages: rows.map((row) => ({ value: row })) });
        if (part % 7 === 0 && outcome !== 'none') await plain(`plain ${round} ${part}`);
      }
      if (outcome === 'abort') await transaction.abort();
      if (outcome === 'commit') await transaction.commit();
    }
    for (const maxBytes of [1, 3000, 10_000_000])
      assert.deepEqual(await readAll(client, 'txn', 0, maxBytes), want);
    await open.disconnect();
  });

  it('goes on after the broker was away, with nothing lost', async () => {
    const before = await readAll(client, 'two', 0, 100_000);
    const { port } = broker;
    await broker.close();
    const thrown: unknown = await readAll(client, 'two', 0, 100_000).catch((error) => error);
    assert.ok(thrown instanceof AppError);
    assert.equal(thrown.kind, 'retry');
    broker = await open(port);
    let after: string[] | null = null;
    for (let attempt = 0; attempt < 20 && after === null; attempt += 1)
      after = await readAll(client, 'two', 0, 100_000).catch(() => null);
    assert.deepEqual(after, before);
  });
});
