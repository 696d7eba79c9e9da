// Protobuf messages of a type in a file of CREATE FILE, over the wire, without a schema registry.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { LoadCase } from '../support/load-case.ts';
import { startServer } from '../support/start-server.ts';

const server = await startServer();
const admin = await openKafkaAdmin({
  connection: { brokers: [server.bootstrap], properties: {} },
  clientId: 'protobuf-file',
});
after(async () => {
  await admin.close();
  await server.stop();
});

const PROTO =
  'syntax = "proto3"; package shop; message User { int64 id = 1; string name = 2; repeated string tags = 3; }';
const prepare = (name: string, properties: Readonly<Record<string, string>>) =>
  LoadCase.prepare(server, admin, {
    name,
    columns: 'id BIGINT NOT NULL, name STRING, tags ARRAY<STRING>',
    properties: { format: 'protobuf', max_error_number: '10', ...properties },
  });

test('rows load by the type in the file, also after a restart of the job; the file stays while it is used', async () => {
  await server.sql('CREATE DATABASE IF NOT EXISTS bad');
  await server.sql(
    `CREATE FILE "user.proto" IN bad PROPERTIES ("catalog" = "kafka", "content" = '${PROTO}')`,
  );
  const load = await prepare('proto_users', {
    protobuf_schema: 'FILE:user.proto',
    protobuf_message: 'shop.User',
  });
  await load.start();
  const user = (id: number): Buffer => Buffer.from([8, id, 18, 1, 0x61, 26, 1, 0x62]);
  await load.send([user(1), Buffer.from([8]), user(2)]);
  await load.untilConsumed();
  await server.sql('PAUSE ROUTINE LOAD FOR bad.proto_users');
  await server.sql('RESUME ROUTINE LOAD FOR bad.proto_users');
  await load.send([user(3)]);
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [
    ['1', 'a', '["b"]'],
    ['2', 'a', '["b"]'],
    ['3', 'a', '["b"]'],
  ]);
  assert.deepEqual(
    (await load.rejected()).map(({ source }) => source.offset),
    [1],
  );
  await assert.rejects(
    server.sql('DROP FILE "user.proto" FROM bad PROPERTIES ("catalog" = "kafka")'),
    /user\.proto/,
  );
  const { rows } = await server.sql('SHOW CREATE ROUTINE LOAD bad.proto_users');
  assert.match(rows[0]?.[1] ?? '', /"protobuf_message" = "shop\.User"/);
});

test('what CREATE refuses', async () => {
  const refused = async (
    name: string,
    properties: Readonly<Record<string, string>>,
    reason: RegExp,
  ): Promise<void> => {
    const load = await prepare(name, properties);
    await assert.rejects(load.start(), reason);
  };
  const schema = { protobuf_schema: 'FILE:user.proto' };
  await refused(
    'p1',
    { ...schema, protobuf_message: 'shop.Gone' },
    /no message type 'shop\.Gone' in it/,
  );
  await refused('p2', schema, /must be given together/);
  await refused(
    'p3',
    { protobuf_schema: 'user.proto', protobuf_message: 'x' },
    /it should be FILE:name/,
  );
  await refused('p4', { protobuf_schema: 'FILE:gone', protobuf_message: 'x' }, /gone/);
  await refused('p5', { ...schema, protobuf_message: 'x', format: 'json' }, /need format=protobuf/);
});
