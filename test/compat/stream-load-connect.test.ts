// Kafka Connect with a sink over StarRocks' official SDK (its own sink is in no registry): topics of the embedded
// broker into tables, with a worker that is killed in the middle. At least once, and each row once by its key.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import type { Server } from '../peers/processes.ts';
import { type LoadTarget, startConnect } from '../peers/stream-load.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let admin: KafkaAdmin;
let target: LoadTarget;
let folder: string;
let worker: Server | undefined;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-connect-'));
  server = await startServer({});
  admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'connect-test',
  });
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.orders (id INT NOT NULL, city VARCHAR(40)) PRIMARY KEY(id)');
  await server.sql('CREATE TABLE d.clicks (id INT, tag VARCHAR(40))');
  await admin.createTopic('orders', 2);
  await admin.createTopic('clicks', 1);
  target = {
    http: `127.0.0.1:${server.ready.httpPort}`,
    query: `127.0.0.1:${server.ready.queryPort}`,
    user: 'root',
    password: '',
    database: 'd',
  };
});
after(async () => {
  await worker?.end('SIGKILL');
  await admin.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function send(topic: string, from: number, count: number, partitions: number): Promise<void> {
  await admin.send(
    Array.from({ length: count }, (_, index) => {
      const id = from + index;
      const row = topic === 'orders' ? { id, city: `c${id}` } : { id, tag: `t${id}` };
      return { topic, partition: id % partitions, value: Buffer.from(JSON.stringify(row)) };
    }),
  );
}

test('topics become tables; a worker that is killed is followed by one that goes on', async () => {
  const connect = (): Promise<Server> =>
    startConnect(target, {
      bootstrap: server.bootstrap,
      topics: ['orders', 'clicks'],
      folder,
      group: 'sink',
    });
  await send('orders', 0, 2000, 2);
  await send('clicks', 0, 500, 1);
  worker = await connect();
  await server.until('SELECT count(*) FROM d.orders', (value) => value === '2000', 60_000);
  await server.until('SELECT count(*) FROM d.clicks', (value) => value === '500', 60_000);
  await worker.end('SIGKILL');
  await send('orders', 1000, 2000, 2);
  // A message without a value is left out, as StarRocks' sink does.
  await admin.send([{ topic: 'orders', partition: 0, value: null }]);
  worker = await connect();
  await server.until('SELECT count(*) FROM d.orders', (value) => value === '3000', 90_000);
  const { rows } = await server.sql(
    "SELECT count(DISTINCT id), min(id), max(id), count_if(city = concat('c', id)) FROM d.orders",
  );
  assert.deepEqual(rows, [['3000', '0', '2999', '3000']]);
  const clicks = await server.sql(
    "SELECT count(DISTINCT id), count_if(tag = concat('t', id)) = count(*) FROM d.clicks",
  );
  assert.deepEqual(clicks.rows, [['500', '1']]);
});

test('deletes with __op', async () => {
  await admin.send(
    [0, 1].map((id) => ({
      topic: 'orders',
      partition: id % 2,
      value: Buffer.from(JSON.stringify({ id, __op: 1 })),
    })),
  );
  await server.until('SELECT count(*) FROM d.orders', (value) => value === '2998', 60_000);
});
