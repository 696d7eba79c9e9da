// Every API in every version: whatever is written comes back the same; bytes agree with Kafka's own
// serializer (golden values made with kafka-clients 4.1.0); damaged bytes never crash the reader.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../../src/base/errors.ts';
import { type AnyApi, APIS } from '../../../../src/kafka/protocol/apis.ts';
import {
  decodeRequestBody,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  encodeResponseChunks,
  responseCorrelationId,
} from '../../../../src/kafka/protocol/codec.ts';
import { KAFKA_ERROR, kafkaError } from '../../../../src/kafka/protocol/errors.ts';
import { Reader } from '../../../../src/kafka/protocol/reader.ts';
import type { Shape } from '../../../../src/kafka/protocol/schema.ts';
import { Writer } from '../../../../src/kafka/protocol/writer.ts';

/** Values of a shape as a message of this version carries them. */
function valuesOf(shape: Shape, version: number): fc.Arbitrary<unknown> {
  const orNull = (nullable: boolean, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    nullable ? fc.option(values, { nil: null, freq: 4 }) : values;
  switch (shape.kind) {
    case 'bool':
      return fc.boolean();
    case 'int8':
      return fc.integer({ min: -128, max: 127 });
    case 'int16':
      return fc.integer({ min: -32_768, max: 32_767 });
    case 'int32':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'uuid':
      return fc.uuid();
    case 'string':
      return orNull(shape.nullable, fc.string({ unit: 'grapheme', maxLength: 12 }));
    case 'bytes':
      return orNull(
        shape.nullable,
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      );
    case 'array':
      return orNull(shape.nullable, fc.array(valuesOf(shape.item, version), { maxLength: 3 }));
    case 'struct':
      return orNull(
        shape.nullable,
        fc.record(
          Object.fromEntries(
            shape.fields.map((field) => [
              field.name,
              version >= field.since && version <= field.until
                ? valuesOf(field.shape, version)
                : fc.constant(field.fallback),
            ]),
          ),
          { noNullPrototype: true },
        ),
      );
  }
}

const versionsOf = (api: AnyApi): readonly number[] =>
  Array.from({ length: api.maxVersion - api.minVersion + 1 }, (_, index) => api.minVersion + index);

for (const api of Object.values(APIS) as readonly AnyApi[]) {
  test(`${api.name}: requests and responses come back as written, in every version`, () => {
    for (const version of versionsOf(api)) {
      const wire = { version, flexible: version >= api.flexibleFrom };
      for (const codec of [api.request, api.response]) {
        fc.assert(
          fc.property(valuesOf(codec.shape, version), (value) => {
            const writer = new Writer();
            codec.write(writer, value as never, wire);
            assert.equal(Buffer.concat(writer.chunks()).length, writer.size);
            const reader = new Reader(Buffer.concat(writer.chunks()));
            assert.deepEqual(codec.read(reader, wire), value);
            assert.equal(reader.remaining, 0);
          }),
          { numRuns: 15 },
        );
      }
    }
  });
}

test('reading damaged bytes ends in KAFKA_MALFORMED or a value, never in another error', () => {
  const apis = Object.values(APIS) as readonly AnyApi[];
  fc.assert(
    fc.property(
      fc.constantFrom(...apis),
      fc.nat(),
      fc.uint8Array({ maxLength: 200 }),
      (api, pick, bytes) => {
        const versions = versionsOf(api);
        const version = versions[pick % versions.length] ?? api.minVersion;
        try {
          decodeResponse(api, version, Buffer.from(bytes));
        } catch (thrown) {
          assert.ok(thrown instanceof AppError && thrown.code === 'KAFKA_MALFORMED', `${thrown}`);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

const TOPIC_ID = '01234567-89ab-cdef-1122-334455667788';

const goldenRequest = (frame: Buffer, hex: string): void =>
  assert.equal(frame.subarray(4).toString('hex'), hex);

test('golden: ApiVersions request v4', () => {
  goldenRequest(
    encodeRequest(APIS.ApiVersions, 4, 77, 'gold', {
      clientSoftwareName: 'mill',
      clientSoftwareVersion: '0.1',
    }),
    '001200040000004d0004676f6c6400056d696c6c04302e3100',
  );
});

test('golden: Fetch request v4 and v12', () => {
  const common = { maxWaitMs: 500, minBytes: 1, maxBytes: 52_428_800, isolationLevel: 1 };
  const partition = { partition: 2, fetchOffset: 123_456_789_012n, partitionMaxBytes: 1_048_576 };
  goldenRequest(
    encodeRequest(APIS.Fetch, 4, 77, 'gold', {
      ...common,
      topics: [{ topic: 'clicks', partitions: [partition] }],
    }),
    '000100040000004d0004676f6c64ffffffff000001f4000000010320000001000000010006636c69636b7300000001000000020000001cbe991a1400100000',
  );
  goldenRequest(
    encodeRequest(APIS.Fetch, 12, 77, 'gold', {
      ...common,
      clusterId: 'c1',
      rackId: 'r1',
      topics: [{ topic: 'clicks', partitions: [{ ...partition, currentLeaderEpoch: 5 }] }],
    }),
    '0001000c0000004d0004676f6c6400ffffffff000001f400000001032000000100000000ffffffff0207636c69636b730200000002000000050000001cbe991a14ffffffffffffffffffffffff00100000000001037231010003036331',
  );
});

test('golden: Fetch response v16, both ways', () => {
  const hex =
    '0000004d0000000003000000000000020123456789abcdef112233445566778802000000010006000000000000000a00000000000000090000000000000001020000000000000007000000000000000300ffffffff000101090000000400000008000001000d02000000040268000023840000';
  const body = {
    throttleTimeMs: 3,
    responses: [
      {
        topicId: TOPIC_ID,
        partitions: [
          {
            partitionIndex: 1,
            errorCode: 6,
            highWatermark: 10n,
            lastStableOffset: 9n,
            logStartOffset: 1n,
            currentLeader: { leaderId: 4, leaderEpoch: 8 },
            abortedTransactions: [{ producerId: 7n, firstOffset: 3n }],
            records: null,
          },
        ],
      },
    ],
    nodeEndpoints: [{ nodeId: 4, host: 'h', port: 9092 }],
  };
  goldenRequest(encodeResponse(APIS.Fetch, 16, 77, body), hex);
  const read = decodeResponse(APIS.Fetch, 16, Buffer.from(hex, 'hex'));
  assert.deepEqual(read.responses[0]?.partitions[0]?.currentLeader, {
    leaderId: 4,
    leaderEpoch: 8,
  });
  assert.equal(read.responses[0]?.topicId, TOPIC_ID);
  assert.equal(responseCorrelationId(Buffer.from(hex, 'hex')), 77);
});

test('golden: Metadata response v12', () => {
  goldenRequest(
    encodeResponse(APIS.Metadata, 12, 77, {
      clusterId: 'cl',
      controllerId: 1,
      brokers: [{ nodeId: 1, host: '127.0.0.1', port: 9092 }],
      topics: [
        {
          errorCode: 0,
          name: 'clicks',
          topicId: TOPIC_ID,
          partitions: [
            {
              errorCode: 0,
              partitionIndex: 0,
              leaderId: 1,
              leaderEpoch: 2,
              replicaNodes: [1],
              isrNodes: [1],
            },
          ],
        },
      ],
    }),
    '0000004d000000000002000000010a3132372e302e302e3100002384000003636c0000000102000007636c69636b730123456789abcdef112233445566778800020000000000000000000100000002020000000102000000010100800000000000',
  );
});

test('golden: JoinGroup request v9, ApiVersions response v3, DescribeTopicPartitions response', () => {
  goldenRequest(
    encodeRequest(APIS.JoinGroup, 9, 77, 'gold', {
      groupId: 'g',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: 'm',
      groupInstanceId: 'i',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.from([1, 2, 3]) }],
      reason: 'why',
    }),
    '000b00090000004d0004676f6c64000267000027100000ea60026d026909636f6e73756d6572020672616e676504010203000477687900',
  );
  goldenRequest(
    encodeResponse(APIS.ApiVersions, 3, 77, {
      errorCode: 0,
      apiKeys: [{ apiKey: 0, minVersion: 3, maxVersion: 12 }],
    }),
    '0000004d00000200000003000c000000000000',
  );
  goldenRequest(
    encodeResponse(APIS.DescribeTopicPartitions, 0, 77, {
      topics: [],
      nextCursor: { topicName: 't', partitionIndex: 3 },
    }),
    '0000004d000000000001010274000000030000',
  );
});

test('a request is read in two steps: header first, then the body of its version', () => {
  const frame = encodeRequest(APIS.Heartbeat, 4, 9, null, {
    groupId: 'g',
    generationId: 3,
    memberId: 'm',
  });
  assert.equal(frame.readInt32BE(0), frame.length - 4);
  const pending = decodeRequestHeader(frame.subarray(4));
  assert.deepEqual(
    [pending.apiKey, pending.version, pending.correlationId, pending.clientId],
    [12, 4, 9, null],
  );
  assert.deepEqual(decodeRequestBody(APIS.Heartbeat, pending), {
    groupId: 'g',
    generationId: 3,
    memberId: 'm',
    groupInstanceId: null,
  });
});

test('a broker that refuses our ApiVersions version answers in version 0, and is understood', () => {
  const frame = encodeResponse(APIS.ApiVersions, 0, 5, {
    errorCode: KAFKA_ERROR.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 2 }],
  });
  const body = decodeResponse(APIS.ApiVersions, 4, frame.subarray(4));
  assert.equal(body.errorCode, 35);
  assert.deepEqual(body.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 2 }]);
});

test('records of a Fetch response are neither copied when written nor when read', () => {
  const records = Buffer.alloc(100_000, 7);
  const chunks = encodeResponseChunks(APIS.Fetch, 12, 1, {
    responses: [
      {
        topic: 't',
        partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1n, records }],
      },
    ],
  });
  assert.ok(chunks.includes(records));
  const frame = Buffer.concat(chunks).subarray(4);
  const read = decodeResponse(APIS.Fetch, 12, frame).responses[0]?.partitions[0]?.records;
  assert.equal(read?.length, records.length);
  assert.equal(read?.buffer, frame.buffer);
});

test('unknown tagged fields are passed over', () => {
  const frame = encodeResponse(APIS.Heartbeat, 4, 1, { errorCode: 27 }).subarray(4);
  const withTag = Buffer.concat([frame.subarray(0, -1), Buffer.from([1, 99, 2, 0xab, 0xcd])]);
  assert.equal(decodeResponse(APIS.Heartbeat, 4, withTag).errorCode, 27);
});

test('error numbers have names and say whether they are retriable', () => {
  assert.deepEqual(kafkaError(1), { code: 1, name: 'OFFSET_OUT_OF_RANGE', retriable: false });
  assert.equal(kafkaError(KAFKA_ERROR.NOT_LEADER_OR_FOLLOWER).retriable, true);
  assert.equal(kafkaError(9999).name, 'UNKNOWN_ERROR_9999');
});
