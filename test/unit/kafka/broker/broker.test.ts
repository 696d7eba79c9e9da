// The embedded broker over its port, byte by byte: order of answers, long poll, limits, errors,
// restarts. Real clients are in clients.test.ts, crashes in crash.test.ts.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { after, before, test } from 'node:test';
import { AppError } from '../../../../src/base/errors.ts';
import type { Broker } from '../../../../src/kafka/broker/broker.ts';
import { APIS, type ResponseBody } from '../../../../src/kafka/protocol/apis.ts';
import { BATCH, readBatchHeader } from '../../../../src/kafka/protocol/batch-header.ts';
import { decodeResponse } from '../../../../src/kafka/protocol/codec.ts';
import { KAFKA_ERROR } from '../../../../src/kafka/protocol/errors.ts';
import { encodeRecordBatch } from '../../../../src/kafka/protocol/record-batch-encoder.ts';
import {
  RawClient,
  startTestBroker,
  temporaryDirectory,
} from '../../../support/embedded-broker.ts';

const directory = temporaryDirectory();
let broker: Broker;
let client: RawClient;

before(async () => {
  broker = await startTestBroker(directory, { maxRequestBytes: 5_000_000 });
  client = await RawClient.connect(broker.port);
});
after(async () => {
  client.close();
  await broker.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

const batchOf = (...values: string[]): Buffer =>
  encodeRecordBatch(values.map((value) => ({ value: Buffer.from(value) })));

async function createTopic(
  name: string,
  partitions = 1,
  configs: { name: string; value: string }[] = [],
): Promise<string> {
  const answer = await client.call(APIS.CreateTopics, 7, {
    topics: [{ name, numPartitions: partitions, replicationFactor: 1, configs }],
  });
  assert.equal(answer.topics[0]?.errorCode, 0, answer.topics[0]?.errorMessage ?? '');
  return answer.topics[0].topicId;
}

const produceBody = (name: string, records: Buffer, index = 0, acks = -1) => ({
  acks,
  timeoutMs: 1000,
  topicData: [{ name, partitionData: [{ index, records }] }],
});

async function produce(name: string, records: Buffer, index = 0, by = client) {
  const answer = await by.call(APIS.Produce, 9, produceBody(name, records, index));
  const partition = answer.responses[0]?.partitionResponses[0];
  assert.ok(partition !== undefined);
  return partition;
}

const fetchBody = (
  topic: string,
  offsets: readonly bigint[],
  over: {
    maxWaitMs?: number;
    maxBytes?: number;
    partitionMaxBytes?: number;
    minBytes?: number;
  } = {},
) => ({
  maxWaitMs: over.maxWaitMs ?? 0,
  minBytes: over.minBytes ?? 1,
  maxBytes: over.maxBytes ?? 1_000_000,
  topics: [
    {
      topic,
      partitions: offsets.map((fetchOffset, partition) => ({
        partition,
        fetchOffset,
        partitionMaxBytes: over.partitionMaxBytes ?? 1_000_000,
      })),
    },
  ],
});

test('records come back with the offsets they were given', async () => {
  await createTopic('roundtrip');
  assert.equal((await produce('roundtrip', batchOf('a', 'b'))).baseOffset, 0n);
  assert.equal((await produce('roundtrip', batchOf('c'))).baseOffset, 2n);
  const answer = await client.call(APIS.Fetch, 12, fetchBody('roundtrip', [0n]));
  const partition = answer.responses[0]?.partitions[0];
  assert.equal(partition?.highWatermark, 3n);
  const records = partition.records ?? Buffer.alloc(0);
  const first = readBatchHeader(records, 0);
  const second = readBatchHeader(records, first.totalBytes);
  assert.deepEqual([first.baseOffset, first.count, second.baseOffset], [0n, 2, 2n]);
  assert.equal(first.totalBytes + second.totalBytes, records.length);
});

test('a fetch at the end waits for a record and is woken by one', async () => {
  await createTopic('longpoll');
  const startedMs = performance.now();
  const waiting = client.call(APIS.Fetch, 12, fetchBody('longpoll', [0n], { maxWaitMs: 10_000 }));
  const other = await RawClient.connect(broker.port);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await produce('longpoll', batchOf('wake up'), 0, other);
  const answer = await waiting;
  assert.ok((answer.responses[0]?.partitions[0]?.records?.length ?? 0) > 0);
  assert.ok(performance.now() - startedMs < 5000);
  const empty = await client.call(APIS.Fetch, 12, fetchBody('longpoll', [1n], { maxWaitMs: 50 }));
  assert.equal(empty.responses[0]?.partitions[0]?.errorCode, 0);
  assert.equal(empty.responses[0]?.partitions[0]?.records?.length, 0);
  other.close();
});

test('answers keep the order of the requests while a fetch waits', async () => {
  await createTopic('order');
  const fetchId = client.send(APIS.Fetch, 12, fetchBody('order', [0n], { maxWaitMs: 200 }));
  const versionsId = client.send(APIS.ApiVersions, 3, {});
  const metadataId = client.send(APIS.Metadata, 9, { topics: null });
  for (const id of [fetchId, versionsId, metadataId]) {
    assert.equal((await client.frame())?.readInt32BE(0), id);
  }
});

test('a fetch fills its bytes over partitions and gives one batch even above the limit', async () => {
  await createTopic('limits', 3);
  for (let index = 0; index < 3; index += 1) {
    for (let batch = 0; batch < 4; batch += 1) {
      await produce('limits', batchOf('x'.repeat(10_000)), index);
    }
  }
  const sizes = async (maxBytes: number, partitionMaxBytes: number): Promise<number[]> => {
    const body = fetchBody('limits', [0n, 0n, 0n], { maxBytes, partitionMaxBytes });
    const answer = await client.call(APIS.Fetch, 12, body);
    return (answer.responses[0]?.partitions ?? []).map((one) =>
      Math.round((one.records?.length ?? 0) / 10_000),
    );
  };
  assert.deepEqual(await sizes(1_000_000, 25_000), [2, 2, 2]);
  assert.deepEqual(await sizes(45_000, 1_000_000), [4, 0, 0]);
  assert.deepEqual(await sizes(55_000, 1_000_000), [4, 1, 0]);
  assert.deepEqual(await sizes(100, 1_000_000), [1, 0, 0]);
  assert.deepEqual(await sizes(1_000_000, 100), [1, 0, 0]);
});

test('offsets out of range, unknown topics and topic ids have their own errors', async () => {
  const id = await createTopic('errors');
  const code = async (topic: string, offset: bigint): Promise<number | undefined> =>
    (await client.call(APIS.Fetch, 12, fetchBody(topic, [offset]))).responses[0]?.partitions[0]
      ?.errorCode;
  assert.equal(await code('errors', 1n), KAFKA_ERROR.OFFSET_OUT_OF_RANGE);
  assert.equal(await code('nowhere', 0n), KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  const byId = async (topicId: string): Promise<number | undefined> => {
    const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1000 }];
    const body = { maxWaitMs: 0, minBytes: 1, topics: [{ topicId, partitions }] };
    return (await client.call(APIS.Fetch, 16, body)).responses[0]?.partitions[0]?.errorCode;
  };
  assert.equal(await byId(id), 0);
  const unknown = id.startsWith('0') ? `1${id.slice(1)}` : `0${id.slice(1)}`;
  assert.equal(await byId(unknown), KAFKA_ERROR.UNKNOWN_TOPIC_ID);
});

test('bad batches are refused and nothing of them is stored', async () => {
  await createTopic('bad', 1, [{ name: 'max.message.bytes', value: '1000' }]);
  const flipped = batchOf('value');
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 2) ^ 1, flipped.length - 2);
  assert.equal((await produce('bad', flipped)).errorCode, KAFKA_ERROR.CORRUPT_MESSAGE);
  const cut = batchOf('value').subarray(0, -1);
  assert.equal((await produce('bad', cut)).errorCode, KAFKA_ERROR.CORRUPT_MESSAGE);
  const two = Buffer.concat([batchOf('a'), batchOf('b')]);
  assert.equal((await produce('bad', two)).errorCode, KAFKA_ERROR.INVALID_RECORD);
  const large = batchOf('x'.repeat(2000));
  assert.equal((await produce('bad', large)).errorCode, KAFKA_ERROR.MESSAGE_TOO_LARGE);
  const old = batchOf('value');
  old.writeInt8(1, BATCH.MAGIC);
  assert.equal((await produce('bad', old)).errorCode, KAFKA_ERROR.UNSUPPORTED_FOR_MESSAGE_FORMAT);
  const control = encodeRecordBatch([{ value: Buffer.from('x') }], { control: true });
  assert.equal((await produce('bad', control)).errorCode, KAFKA_ERROR.INVALID_RECORD);
  assert.equal((await produce('bad', batchOf('good'))).baseOffset, 0n);
  const elsewhere = await produce('no-such-topic', batchOf('x'));
  assert.equal(elsewhere.errorCode, KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
});

test('a compacted topic takes no record without a key', async () => {
  await createTopic('keyed', 1, [{ name: 'cleanup.policy', value: 'compact' }]);
  assert.equal((await produce('keyed', batchOf('no key'))).errorCode, KAFKA_ERROR.INVALID_RECORD);
  const keyed = encodeRecordBatch([{ key: Buffer.from('k'), value: null }]);
  assert.equal((await produce('keyed', keyed)).errorCode, 0);
});

test('acks=0 is stored and not answered', async () => {
  await createTopic('acks0');
  client.send(APIS.Produce, 9, produceBody('acks0', batchOf('x'), 0, 0));
  const answer = await client.call(APIS.ListOffsets, 7, {
    replicaId: -1,
    topics: [{ name: 'acks0', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
  });
  assert.equal(answer.topics[0]?.partitions[0]?.offset, 1n);
});

test('an ApiVersions version from the future is answered in version 0 with what is served', async () => {
  const frame = Buffer.alloc(4 + 10);
  frame.writeInt32BE(10, 0);
  frame.writeInt16BE(18, 4);
  frame.writeInt16BE(99, 6);
  frame.writeInt32BE(4711, 8);
  frame.writeInt16BE(-1, 12);
  client.socket.write(frame);
  const answer = await client.frame();
  assert.ok(answer !== null);
  assert.equal(answer.readInt32BE(0), 4711);
  const body = decodeResponse(APIS.ApiVersions, 0, answer);
  assert.equal(body.errorCode, KAFKA_ERROR.UNSUPPORTED_VERSION);
  const produceVersions = body.apiKeys.find((one) => one.apiKey === 0);
  assert.deepEqual(produceVersions, { apiKey: 0, minVersion: 0, maxVersion: 12 });
});

test('frames that make no sense close their connection and nobody else', async () => {
  const garbage = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 0]),
    Buffer.from([0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0, 0, 0, 10, 0, 77, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
    Buffer.from([0, 0, 0, 12, 0, 1, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0, 9]),
  ];
  for (const bytes of garbage) {
    const bad = await RawClient.connect(broker.port);
    bad.socket.write(bytes);
    assert.equal(await bad.frame(), null);
  }
  assert.equal((await client.call(APIS.ApiVersions, 3, {})).errorCode, 0);
});

test('settings are checked, stored, described and changed', async () => {
  const refused = await client.call(APIS.CreateTopics, 7, {
    topics: [
      {
        name: 'cfg1',
        numPartitions: 1,
        replicationFactor: 1,
        configs: [{ name: 'nope', value: '1' }],
      },
      { name: 'cfg2', numPartitions: 1, replicationFactor: 3 },
      { name: 'bad/name', numPartitions: 1, replicationFactor: 1 },
      { name: 'cfg4', numPartitions: 0, replicationFactor: 1 },
    ],
  });
  assert.deepEqual(
    refused.topics.map((one) => one.errorCode),
    [
      KAFKA_ERROR.INVALID_CONFIG,
      KAFKA_ERROR.INVALID_REPLICATION_FACTOR,
      KAFKA_ERROR.INVALID_TOPIC_EXCEPTION,
      KAFKA_ERROR.INVALID_PARTITIONS,
    ],
  );
  await createTopic('cfg', 2, [{ name: 'retention.ms', value: '12345' }]);
  const describe = async (): Promise<Record<string, string | null>> => {
    const answer = await client.call(APIS.DescribeConfigs, 4, {
      resources: [{ resourceType: 2, resourceName: 'cfg', configurationKeys: null }],
    });
    const configs = answer.results[0]?.configs ?? [];
    return Object.fromEntries(configs.map((one) => [one.name, one.value]));
  };
  const before = await describe();
  assert.equal(before['retention.ms'], '12345');
  assert.equal(
    before['retention.bytes'],
    String(512 * 1024 * 1024),
    '1 GB a topic of 2 partitions',
  );
  const change = (value: string) =>
    client.call(APIS.IncrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: 2,
          resourceName: 'cfg',
          configs: [
            { name: 'retention.bytes', configOperation: 0, value },
            { name: 'retention.ms', configOperation: 1, value: null },
          ],
        },
      ],
      validateOnly: false,
    });
  assert.equal((await change('many')).responses[0]?.errorCode, KAFKA_ERROR.INVALID_CONFIG);
  assert.equal((await change('777')).responses[0]?.errorCode, 0);
  const changed = await describe();
  assert.deepEqual([changed['retention.bytes'], changed['retention.ms']], ['777', '604800000']);
});

test('a topic made again under its name has another id and no offsets of old', async () => {
  const id = await createTopic('again');
  const commit = { partitionIndex: 0, committedOffset: 7n, committedMetadata: null };
  await client.call(APIS.OffsetCommit, 8, {
    groupId: 'again-group',
    topics: [{ name: 'again', partitions: [commit] }],
  });
  const fetchOffset = async (): Promise<bigint | undefined> => {
    const topics = [{ name: 'again', partitionIndexes: [0] }];
    const body = { groups: [{ groupId: 'again-group', topics }] };
    const answer = await client.call(APIS.OffsetFetch, 8, body);
    return answer.groups[0]?.topics[0]?.partitions[0]?.committedOffset;
  };
  assert.equal(await fetchOffset(), 7n);
  const gone = await client.call(APIS.DeleteTopics, 6, {
    topics: [{ name: 'again', topicId: '00000000-0000-0000-0000-000000000000' }],
    timeoutMs: 1000,
  });
  assert.equal(gone.responses[0]?.errorCode, 0);
  assert.notEqual(await createTopic('again'), id);
  assert.equal(await fetchOffset(), -1n);
});

test('partitions are added and topics described in pages', async () => {
  await createTopic('pages', 3);
  const grown = await client.call(APIS.CreatePartitions, 3, {
    topics: [{ name: 'pages', count: 5, assignments: null }],
    timeoutMs: 1000,
  });
  assert.equal(grown.results[0]?.errorCode, 0);
  const seen: number[] = [];
  let cursor: { topicName: string; partitionIndex: number } | null = null;
  for (let page = 0; page < 10; page += 1) {
    const answer: ResponseBody<'DescribeTopicPartitions'> = await client.call(
      APIS.DescribeTopicPartitions,
      0,
      { topics: [{ name: 'pages' }], responsePartitionLimit: 2, cursor },
    );
    for (const one of answer.topics[0]?.partitions ?? []) seen.push(one.partitionIndex);
    cursor = answer.nextCursor;
    if (cursor === null) break;
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4]);
});

test('auto creation can be switched off by the request and by the broker', async () => {
  const ask = async (name: string, allowAutoTopicCreation: boolean): Promise<number | undefined> =>
    (await client.call(APIS.Metadata, 9, { topics: [{ name }], allowAutoTopicCreation })).topics[0]
      ?.errorCode;
  assert.equal(await ask('auto-no', false), KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  assert.equal(await ask('auto-yes', true), 0);
  assert.equal(await ask('auto yes', true), KAFKA_ERROR.INVALID_TOPIC_EXCEPTION);
});

test('everything is there after a restart', async () => {
  const dataDir = temporaryDirectory();
  let second = await startTestBroker(dataDir);
  let raw = await RawClient.connect(second.port);
  const clusterId = second.clusterId;
  await raw.call(APIS.CreateTopics, 7, {
    topics: [
      {
        name: 'kept',
        numPartitions: 2,
        replicationFactor: 1,
        configs: [{ name: 'cleanup.policy', value: 'compact' }],
      },
    ],
  });
  const keyed = encodeRecordBatch([{ key: Buffer.from('k'), value: Buffer.from('v') }]);
  await produce('kept', keyed, 1, raw);
  await raw.call(APIS.OffsetCommit, 8, {
    groupId: 'g',
    topics: [
      {
        name: 'kept',
        partitions: [{ partitionIndex: 1, committedOffset: 1n, committedMetadata: 'm' }],
      },
    ],
  });
  raw.close();
  await second.close();
  second = await startTestBroker(dataDir);
  raw = await RawClient.connect(second.port);
  assert.equal(second.clusterId, clusterId);
  const topics = [{ name: 'kept', partitionIndexes: [1] }];
  const offsets = await raw.call(APIS.OffsetFetch, 8, { groups: [{ groupId: 'g', topics }] });
  const committed = offsets.groups[0]?.topics[0]?.partitions[0];
  assert.deepEqual([committed?.committedOffset, committed?.metadata], [1n, 'm']);
  const configs = await raw.call(APIS.DescribeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: 'kept', configurationKeys: ['cleanup.policy'] }],
  });
  assert.equal(configs.results[0]?.configs[0]?.value, 'compact');
  assert.equal((await produce('kept', keyed, 1, raw)).baseOffset, 1n);
  raw.close();
  await second.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

test('compaction and retention run in the background', async () => {
  const dataDir = temporaryDirectory();
  const quick = await startTestBroker(dataDir, { maintenanceIntervalMs: 30 });
  const raw = await RawClient.connect(quick.port);
  const settings = { 'cleanup.policy': 'compact', 'segment.bytes': '1024' };
  await raw.call(APIS.CreateTopics, 7, {
    topics: [
      {
        name: 'c',
        numPartitions: 1,
        replicationFactor: 1,
        configs: Object.entries(settings).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  for (let round = 0; round < 60; round += 1) {
    const value = Buffer.from('v'.repeat(200));
    await produce('c', encodeRecordBatch([{ key: Buffer.from('same'), value }]), 0, raw);
  }
  const bytesOf = async (): Promise<number> => {
    const answer = await raw.call(APIS.Fetch, 12, fetchBody('c', [0n]));
    return answer.responses[0]?.partitions[0]?.records?.length ?? 0;
  };
  let batches = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 100 && batches > 2000; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    batches = await bytesOf();
  }
  assert.ok(batches <= 2000, `${batches} bytes left`);
  raw.close();
  await quick.close();
  fs.rmSync(dataDir, { recursive: true, force: true });
});

test('a port in use has its own error', async () => {
  const dataDir = temporaryDirectory();
  await assert.rejects(startTestBroker(dataDir, {}, broker.port), (thrown) => {
    return thrown instanceof AppError && thrown.code === 'PORT_IN_USE';
  });
  fs.rmSync(dataDir, { recursive: true, force: true });
});

test('a full disk refuses the batch, keeps the log whole and the broker up', async () => {
  const dataDir = temporaryDirectory();
  const full = await startTestBroker(dataDir, { flushIntervalMs: 3_600_000 });
  const raw = await RawClient.connect(full.port);
  await raw.call(APIS.CreateTopics, 7, {
    topics: [
      {
        name: 'full',
        numPartitions: 1,
        replicationFactor: 1,
        configs: [
          { name: 'segment.ms', value: '1' },
          { name: 'retention.ms', value: '-1' },
        ],
      },
    ],
  });
  await produce('full', batchOf('fits'), 0, raw);
  // The next segment, begun by its age, is a device that has no space.
  const partition = path.join(dataDir, 'topics', 'full', '0');
  fs.symlinkSync('/dev/full', path.join(partition, '00000000000000000001.log'));
  await new Promise((resolve) => setTimeout(resolve, 5));
  const answer = await produce('full', batchOf('does not fit'), 0, raw);
  assert.equal(answer.errorCode, KAFKA_ERROR.KAFKA_STORAGE_ERROR);
  assert.match(answer.errorMessage ?? '', /no space left on the disk/);
  const fetched = await raw.call(APIS.Fetch, 12, fetchBody('full', [0n]));
  assert.equal(fetched.responses[0]?.partitions[0]?.highWatermark, 1n);
  raw.close();
  // That device cannot be fsynced either; the broker says so and closes all the rest.
  await assert.rejects(full.close(), /EINVAL/);
  fs.rmSync(dataDir, { recursive: true, force: true });
});
