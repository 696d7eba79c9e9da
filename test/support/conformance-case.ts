// Routine Load against a broker, real or embedded: tables that say of each row which message it is from, so that what
// was loaded can be compared with what was produced, message by message.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MessageToSend, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { openTopicAdmin, type TopicAdmin } from '../peers/topic-admin.ts';
import { readLedger } from './ledger.ts';
import { startServer, type TestServer } from './start-server.ts';

/** A server with settings of fe.conf, and a volume for its tables: with a file of settings there is none. */
export async function startConfigured(dataDir: string, settings: string): Promise<TestServer> {
  const conf = join(dataDir, 'fe.conf');
  const location = join(dataDir, 'volumes', 'own');
  await mkdir(location, { recursive: true });
  await writeFile(conf, settings);
  const server = await startServer({ dataDir, conf: [conf] });
  await server.sql(
    `CREATE STORAGE VOLUME IF NOT EXISTS own TYPE = LOCAL LOCATIONS = ("file://${location}") PROPERTIES ("enabled" = "true")`,
  );
  await server.sql('SET own AS DEFAULT STORAGE VOLUME');
  return server;
}

/** A broker that the server's jobs read from. */
export interface Broker {
  readonly name: string;
  readonly bootstrap: string;
  readonly topics: TopicAdmin;
}

export async function openBroker(name: string, bootstrap: string): Promise<Broker> {
  return { name, bootstrap, topics: await openTopicAdmin(bootstrap) };
}

/** By a client of its own, which knows nothing of topics as they were before. */
export async function send(
  { bootstrap }: Broker,
  messages: readonly MessageToSend[],
): Promise<void> {
  const connection = { brokers: [bootstrap], properties: {} };
  const client = await openKafkaAdmin({ connection, clientId: 'test' });
  try {
    for (let at = 0; at < messages.length; at += 2000) {
      await client.send(messages.slice(at, at + 2000));
    }
  } finally {
    await client.close();
  }
}

/** Produces `{"id":N}` for so many ids, spread over the partitions by id. */
export async function sendIds(
  broker: Broker,
  topic: string,
  ids: { readonly first: number; readonly count: number; readonly partitions: readonly number[] },
  more: Partial<MessageToSend> = {},
): Promise<void> {
  const { first, count, partitions } = ids;
  const messages = Array.from({ length: count }, (_, index) => ({
    topic,
    partition: partitions[index % partitions.length] ?? 0,
    value: Buffer.from(`{"id":${first + index}}`),
    ...more,
  }));
  await send(broker, messages);
}

/** Of a table whose rows say which message they are from. */
const PLACED =
  'id BIGINT, _topic VARCHAR(250), _partition INT, _offset BIGINT, _timestamp DATETIME';

export interface PlacedJob {
  /** Table and job. */
  readonly name: string;
  /** Default: the name. */
  readonly topic?: string;
  /** Properties of FROM KAFKA; the job reads from the beginning unless they say otherwise. */
  readonly source?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string>>;
  /** Condition of WHERE. */
  readonly where?: string;
}

/** Table and job in the database `conformance`. */
export async function loadPlaced(
  server: TestServer,
  broker: Broker,
  job: PlacedJob,
): Promise<void> {
  const { name, topic = name, source = {}, properties = {}, where } = job;
  const text = (entries: Readonly<Record<string, string>>): string =>
    Object.entries(entries)
      .map(([key, value]) => `"${key}" = "${value}"`)
      .join(', ');
  const from = {
    kafka_broker_list: broker.bootstrap,
    ...('kafka_topic_regex' in source ? {} : { kafka_topic: topic }),
    ...('kafka_partitions' in source
      ? {}
      : { 'property.kafka_default_offsets': 'OFFSET_BEGINNING' }),
    ...source,
  };
  await server.sql('CREATE DATABASE IF NOT EXISTS conformance');
  await server.sql('USE conformance');
  await server.sql(`CREATE TABLE ${name} (${PLACED}) DUPLICATE KEY(id)`);
  await server.sql(
    `CREATE ROUTINE LOAD ${name} ON ${name} COLUMNS (id, _topic, _partition, _offset, _timestamp)${where === undefined ? '' : `, WHERE ${where}`}
     PROPERTIES (${text({ format: 'json', ...properties })}) FROM KAFKA (${text(from)})`,
  );
}

/** So many rows, each of another message, with other ids, and their sum; the ledger says the same. */
export async function assertPlaced(
  server: TestServer,
  name: string,
  ids: readonly { readonly first: number; readonly count: number }[],
  timeoutMs = 60_000,
): Promise<void> {
  const count = ids.reduce((sum, range) => sum + range.count, 0);
  await server.until(`SELECT count(*) FROM ${name}`, (value) => Number(value) >= count, timeoutMs);
  const { rows } = await server.sql(
    `SELECT count(*), count(DISTINCT id), count(DISTINCT concat(_topic, '/', _partition, '/', _offset)), sum(id) FROM ${name}`,
  );
  const sum = ids.reduce((total, { first, count: n }) => total + n * first + (n * (n - 1)) / 2, 0);
  assert.deepEqual(rows, [[count, count, count, sum].map(String)], `rows of ${name}`);
  const ledger = await readLedger(server, name);
  assert.deepEqual(
    [ledger.loaded, ledger.consumed, ledger.filtered, ledger.unselected],
    [...[count, count, 0, 0]],
  );
}
