// What Kafka keeps and what was not read yet: of the embedded broker, of one that does not tell, and of answers that are
// too small for all partitions.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '../../../../src/base/clock.ts';
import { AppError } from '../../../../src/base/errors.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { openKafkaAdmin } from '../../../../src/kafka/client/admin.ts';
import type { KafkaCluster } from '../../../../src/kafka/client/cluster.ts';
import { KafkaClient } from '../../../../src/kafka/client/kafka-client.ts';
import { unreadParts } from '../../../../src/kafka/client/unread.ts';
import { KAFKA_ERROR } from '../../../../src/kafka/protocol/errors.ts';
import { startTestBroker, temporaryDirectory } from '../../../support/embedded-broker.ts';
import { FakeKafka } from '../../../support/fake-kafka.ts';
import { startScriptedBroker } from './scripted-broker.ts';

const SENT_MS = 1_700_000_000_000;
const signal = new AbortController().signal;
const clientOf = (port: number): KafkaClient =>
  new KafkaClient({
    connection: { brokers: [`127.0.0.1:${port}`], properties: {} },
    clock: systemClock,
    random: systemRandom,
  });

test('retention of topics, the oldest message behind a position, and positions that are out of range', async () => {
  const directory = temporaryDirectory();
  const broker = await startTestBroker(directory);
  const connection = { brokers: [`127.0.0.1:${broker.port}`], properties: {} };
  const admin = await openKafkaAdmin({ connection, clientId: 'unread' });
  const client = clientOf(broker.port);
  try {
    await admin.createTopic('hour', 2, { 'retention.ms': '3600000' });
    await admin.createTopic('ever', 1, { 'retention.ms': '-1' });
    await admin.createTopic('keys', 1, { 'cleanup.policy': 'compact' });
    await admin.createTopic('both', 1, { 'cleanup.policy': 'compact,delete' });
    assert.deepEqual(await client.retention('hour'), { retentionMs: 3_600_000, deletes: true });
    assert.deepEqual(await client.retention('ever'), { retentionMs: null, deletes: true });
    assert.equal((await client.retention('keys')).deletes, false);
    assert.equal((await client.retention('both')).deletes, true);
    await assert.rejects(
      client.retention('nope'),
      (error) => error instanceof AppError && error.code === 'KAFKA_UNKNOWN_TOPIC',
    );
    const now = Date.now();
    for (const ageMs of [3_000, 2_000, 1_000]) {
      const value = Buffer.from('x');
      await admin.send([{ topic: 'hour', partition: 0, value, timestampMs: now - ageMs }]);
    }
    const at = (offset: bigint) => [
      { partition: 0, offset },
      { partition: 1, offset: 0n },
    ];
    const look = (offset: bigint) =>
      unreadParts(client, 'hour', at(offset), 'read_committed', signal);
    const empty = { partition: 1, logStart: 0n, end: 0n, oldestMs: null };
    const first = { partition: 0, logStart: 0n, end: 3n };
    assert.deepEqual(await look(1n), [{ ...first, oldestMs: now - 2_000 }, empty]);
    assert.deepEqual(await look(3n), [{ ...first, oldestMs: null }, empty]);
    assert.deepEqual(await look(9n), [{ ...first, oldestMs: null }, empty]);
  } finally {
    await client.close();
    await admin.close();
    await broker.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

test('a login that may not describe the topic: nothing is known of its time', async (context) => {
  const broker = await startScriptedBroker({
    Metadata: () => ({ brokers: [], topics: [] }),
    DescribeConfigs: ({ body }) => ({
      results: body.resources.map(({ resourceType, resourceName }) => ({
        resourceType,
        resourceName,
        errorCode: KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED,
        errorMessage: null,
        configs: [],
      })),
    }),
  });
  const client = clientOf(broker.port);
  context.after(async () => {
    await client.close();
    await broker.close();
  });
  assert.deepEqual(await client.retention('t'), { retentionMs: null, deletes: true });
});

test('partitions that had no place in the answer are asked for alone', async () => {
  const kafka = new FakeKafka(5, 2);
  for (let partition = 0; partition < 4; partition += 1)
    kafka.appendValues(partition, ['x'.repeat(500)]);
  let fetches = 0;
  // As a broker does it whose answer is full: the first partition with messages has its batch, the others nothing.
  const narrow: Pick<KafkaCluster, 'topic' | 'fetch'> = {
    topic: (name, options) => kafka.topic(name, options),
    fetch: async (request) => {
      fetches += 1;
      const answer = await kafka.fetch(request);
      const full = answer.partitions.find(({ records }) => records.length > 0);
      const partitions = answer.partitions.map((one) =>
        one === full ? one : { ...one, records: Buffer.alloc(0) },
      );
      return { ...answer, partitions };
    },
  };
  const positions = [0, 1, 2, 3, 4].map((partition) => ({ partition, offset: 0n }));
  const parts = await unreadParts(narrow, 'topic', positions, 'read_committed', signal);
  assert.deepEqual(parts.map(({ partition, oldestMs }) => [partition, oldestMs]).sort(), [
    [0, SENT_MS],
    [1, SENT_MS],
    [2, SENT_MS],
    [3, SENT_MS],
    [4, null],
  ]);
  // Two leaders, then the one of each that was left without.
  assert.equal(fetches, 4);
});
