// DESC KAFKA and CREATE TABLE ... FROM KAFKA TOPIC where a schema registry, files and large topics play a part: the
// columns are the schemas', and all messages load into them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { framed, long, sized } from '../support/avro-bytes.ts';
import { LoadCase } from '../support/load-case.ts';
import { RegistryServer } from '../support/registry-server.ts';
import { startServer } from '../support/start-server.ts';

const server = await startServer();
const registry = await RegistryServer.start('key:hush');
const admin = await openKafkaAdmin({
  connection: { brokers: [server.bootstrap], properties: {} },
  clientId: 'kafka-topic',
});
await server.sql('CREATE DATABASE bad');
await server.sql('USE bad');
after(async () => {
  await admin.close();
  await server.stop();
  await registry.stop();
});

interface Message {
  readonly value: Buffer;
  readonly key?: Buffer;
  readonly partition?: number;
}

type Properties = Readonly<Record<string, string>>;

async function send(topic: string, messages: readonly Message[], partitions = 1): Promise<void> {
  await admin.createTopic(topic, partitions);
  await admin.send(messages.map((one) => ({ topic, partition: 0, ...one })));
}

const list = (properties: Properties): string =>
  Object.entries({ kafka_broker_list: server.bootstrap, ...properties })
    .map(([key, value]) => `"${key}" = "${value}"`)
    .join(', ');
const REGISTRY = { 'confluent.schema.registry.url': `http://key:hush@${registry.host}` };

/** The rows of a topic's own table, by the first column; none is rejected in strict mode. */
async function loaded(
  name: string,
  properties: Properties,
  source: Properties = {},
): Promise<readonly (readonly (string | null)[])[]> {
  await server.sql(
    `CREATE TABLE ${name} FROM KAFKA TOPIC '${name}' PROPERTIES (${list({ ...properties, ...source })})`,
  );
  const job = { ...properties, strict_mode: 'true' };
  const load = new LoadCase(server, admin, { name, columns: '', properties: job, source });
  await load.start();
  await load.untilConsumed();
  assert.deepEqual(await load.rejected(), []);
  return load.rows();
}

/** Name, type and so on, with single spaces. */
async function described(properties: Properties): Promise<readonly string[]> {
  const { rows } = await server.sql(`DESC KAFKA (${list(properties)})`);
  return rows.map((row) =>
    row
      .slice(0, 5)
      .filter((cell) => cell !== '')
      .join(' '),
  );
}

test('Avro: the columns of all schemas that messages name, the wider type of two', async () => {
  const record = (fields: unknown): string =>
    JSON.stringify({ type: 'record', name: 'Event', fields });
  const first = registry.register('tavro-value', {
    schema: record([
      { name: 'id', type: 'int' },
      { name: 'name', type: ['null', 'string'] },
      { name: 'sum', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    ]),
  });
  const second = registry.register('tavro-value', {
    schema: record([
      { name: 'id', type: 'long' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'tags', type: { type: 'array', items: 'string' } },
      {
        name: 'place',
        type: { type: 'record', name: 'P', fields: [{ name: 'x', type: 'double' }] },
      },
      { name: 'raw', type: ['null', 'bytes'] },
    ]),
  });
  const double = Buffer.alloc(8);
  double.writeDoubleLE(1.5);
  await send('tavro', [
    { value: framed(first, long(1), long(1), sized('Ann'), sized(Buffer.from([0x30, 0x39]))) },
    {
      value: framed(
        second,
        long(2n ** 40n),
        long(0),
        long(1),
        sized('a'),
        long(0),
        double,
        long(1),
        sized(Buffer.from([255])),
      ),
    },
    { value: framed(second, long(3), long(0), long(0), double, long(0)) },
  ]);
  assert.deepEqual(await described({ kafka_topic: 'tavro', format: 'avro', ...REGISTRY }), [
    'id bigint(20) YES 3 of 3',
    'name varchar(65533) YES 1 of 3',
    'sum decimal(9, 2) YES 1 of 3',
    'at datetime YES 2 of 3',
    'tags array<varchar(65533)> YES 2 of 3',
    'place json YES 2 of 3',
    'raw varbinary YES 1 of 3',
  ]);
  const rows = await loaded('tavro', { format: 'avro' }, REGISTRY);
  assert.deepEqual(
    rows.map((row) => row.slice(0, 6)),
    [
      ['1', 'Ann', '123.45', null, null, null],
      ['3', null, null, '1970-01-01 00:00:00', '[]', '{"x": 1.5}'],
      ['1099511627776', null, null, '1970-01-01 00:00:00', '["a"]', '{"x": 1.5}'],
    ],
  );
});

test('Debezium in Avro: the row of the envelope, the key of the messages', async () => {
  const row = {
    type: 'record',
    name: 'Value',
    fields: [
      { name: 'note', type: ['null', 'string'] },
      { name: 'id', type: 'int' },
      { name: 'due', type: { type: 'int', 'connect.name': 'io.debezium.time.Date' } },
    ],
  };
  const value = registry.register('tdbz-value', {
    schema: JSON.stringify({
      type: 'record',
      name: 'Envelope',
      fields: [
        { name: 'before', type: ['null', row] },
        { name: 'after', type: ['null', 'Value'] },
        { name: 'op', type: 'string' },
      ],
    }),
  });
  const key = registry.register('tdbz-key', {
    schema: JSON.stringify({ type: 'record', name: 'K', fields: [{ name: 'id', type: 'int' }] }),
  });
  const create = (id: number): Message => ({
    key: framed(key, long(id)),
    value: framed(value, long(0), long(1), long(0), long(id), long(20_000), sized('c')),
  });
  await send('tdbz', [create(1), create(2), create(1)]);
  const properties = { format: 'avro', envelope: 'debezium' };
  assert.deepEqual(await described({ kafka_topic: 'tdbz', ...properties, ...REGISTRY }), [
    'id int(11) NO PRI 3 of 3',
    'note varchar(65533) YES 0 of 3',
    'due date YES 3 of 3',
  ]);
  assert.deepEqual(await loaded('tdbz', properties, REGISTRY), [
    ['1', null, '2024-10-04'],
    ['2', null, '2024-10-04'],
  ]);
});

test('Protobuf: by the registry, and by a file', async () => {
  const proto =
    'syntax = "proto3"; message User { int64 id = 1; uint64 big = 2; repeated int32 marks = 3; bool ok = 4; map<string, string> more = 5; }';
  const id = registry.register('tproto-value', { schema: proto, schemaType: 'PROTOBUF' });
  const user = (n: number): Buffer => Buffer.from([8, n, 16, 7, 26, 2, 1, 2, 32, 1]);
  const columns = [
    'id bigint(20) YES 2 of 2',
    'big largeint(40) YES 2 of 2',
    'marks array<int(11)> YES 2 of 2',
    'ok boolean YES 2 of 2',
    'more json YES 2 of 2',
  ];
  const rows = [1, 2].map((n) => [String(n), '7', '[1,2]', '1', '{}']);
  // Message indexes [0] are one byte.
  await send(
    'tproto',
    [1, 2].map((n) => ({ value: framed(id, Buffer.from([0]), user(n)) })),
  );
  assert.deepEqual(
    await described({ kafka_topic: 'tproto', format: 'protobuf', ...REGISTRY }),
    columns,
  );
  assert.deepEqual(await loaded('tproto', { format: 'protobuf' }, REGISTRY), rows);
  await server.sql(
    `CREATE FILE "user.proto" IN bad PROPERTIES ("catalog" = "kafka", "content" = '${proto}')`,
  );
  await send(
    'tfile',
    [1, 2].map((n) => ({ value: user(n) })),
  );
  const file = {
    format: 'protobuf',
    protobuf_schema: 'FILE:user.proto',
    protobuf_message: 'User',
  };
  assert.deepEqual(await described({ kafka_topic: 'tfile', ...file }), columns);
  assert.deepEqual(await loaded('tfile', file), rows);
});

test('a large topic: samples from the beginning and the end of each partition, as many as asked for', async () => {
  const messages = Array.from({ length: 600 }, (_, n): Message => {
    const value = Buffer.from(JSON.stringify({ [`m${Math.floor(n / 3)}`]: n }));
    return { partition: n % 3, value };
  });
  await send('tlarge', messages, 3);
  const properties = { kafka_topic: 'tlarge', format: 'json', sample_messages: '12' };
  const rows = await described(properties);
  // Two of each end of each partition: message n of a partition has the field m<n>.
  assert.deepEqual([...rows].sort(), [
    'm0 bigint(20) YES 3 of 12',
    'm1 bigint(20) YES 3 of 12',
    'm198 bigint(20) YES 3 of 12',
    'm199 bigint(20) YES 3 of 12',
  ]);
});

test('a registry that refuses, and one that does not answer', async () => {
  const wrong = { 'confluent.schema.registry.url': registry.url };
  await assert.rejects(
    described({ kafka_topic: 'tavro', format: 'avro', ...wrong }),
    /schema registry/,
  );
  registry.failing = 500;
  await assert.rejects(
    described({ kafka_topic: 'tavro', format: 'avro', ...REGISTRY }),
    (thrown: Error) => /HTTP 500/.test(thrown.message) && !thrown.message.includes('hush'),
  );
  registry.failing = null;
});
