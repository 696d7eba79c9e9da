// SHOW never waits behind a job: neither while its commit is held in the middle, with the turn of its table (the process
// that looks up keys stands still), nor while its loader stands still, nor while its Kafka does not answer.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { childrenOf } from '../support/process-tree.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let admin: KafkaAdmin;
before(async () => {
  server = await startServer({});
  admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'show',
  });
  await server.sql('CREATE DATABASE held');
});
after(async () => {
  await admin.close();
  await server.stop();
});

/** Milliseconds that the statement takes. */
async function took(sql: string): Promise<{ readonly ms: number; readonly rows: number }> {
  const startedMs = performance.now();
  const { rows } = await server.sql(sql);
  return { ms: performance.now() - startedMs, rows: rows.length };
}

/** All that looks at a job and asks no engine. */
const LOOKS = [
  'SHOW ROUTINE LOAD FROM held',
  'SHOW ALL ROUTINE LOAD FOR held.j',
  'SHOW ROUTINE LOAD TASK FROM held WHERE JobName = "j"',
  'SHOW CREATE ROUTINE LOAD held.j',
];
/** Commits that are held wait for at least 10 seconds; a busy machine may need this for an answer. */
const MOST_MS = 2_500;

async function assertAnswers(): Promise<void> {
  for (const sql of LOOKS) {
    const { ms, rows } = await took(sql);
    assert.ok(ms < MOST_MS, `${sql} took ${Math.round(ms)} ms`);
    assert.equal(rows, 1, sql);
  }
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + 30_000;
  while (!(await condition())) {
    assert.ok(performance.now() < untilMs, `not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const send = (id: number, v = id): Promise<void> =>
  admin.send([{ topic: 'held', partition: 0, value: Buffer.from(`{"id": ${id}, "v": ${v}}`) }]);

/** The oldest transaction of the job that is not final. */
async function openState(): Promise<string> {
  const { rows, columns } = await server.sql(
    'SHOW ROUTINE LOAD TASK FROM held WHERE JobName = "j"',
  );
  return String(rows[0]?.[columns.indexOf('TxnStatus')]);
}

function pidOf(role: string): number {
  const child = childrenOf(server.ready.dataDir).find((one) => one.role === role);
  return child?.pid ?? assert.fail(`no ${role} process`);
}

const count = async (): Promise<string> => String(await server.value('SELECT sum(v) FROM held.t'));

test('a commit that is held in the middle, with the turn of its table', async () => {
  await admin.createTopic('held', 1);
  await server.sql('CREATE TABLE held.t (id INT NOT NULL, v INT) PRIMARY KEY(id)');
  await server.sql(
    `CREATE ROUTINE LOAD held.j ON t PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "held", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
  await send(1);
  await until('the first row', async () => (await count()) === '1');
  // Keys are looked up by the query process between the batch's files and its commit.
  const query = pidOf('query');
  process.kill(query, 'SIGSTOP');
  try {
    // A key that the table has: its old row is looked for.
    await send(1, 2);
    await until('the batch is begun', async () => (await openState()) === 'PREPARE');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(await openState(), 'PREPARE', 'its commit is held');
    await assertAnswers();
  } finally {
    process.kill(query, 'SIGCONT');
  }
  await until('the second row', async () => (await count()) === '2');
});

test('a loader that stands still', async () => {
  const loader = pidOf('loader');
  process.kill(loader, 'SIGSTOP');
  try {
    await send(3);
    await assertAnswers();
  } finally {
    process.kill(loader, 'SIGCONT');
  }
  await until('the third row', async () => (await count()) === '5');
});

test('a Kafka that does not answer', async () => {
  const broker = pidOf('broker');
  process.kill(broker, 'SIGSTOP');
  try {
    await assertAnswers();
    // Also while a statement itself waits for that Kafka.
    const other = await server.connect();
    const waiting = other
      .query(
        `CREATE ROUTINE LOAD held.other ON t PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "held", "property.socket.connection.setup.timeout.ms" = "3000")`,
      )
      .then(
        () => 'made',
        (error: unknown) => String(error),
      );
    await assertAnswers();
    assert.match(await waiting, /Kafka/);
    other.destroy();
  } finally {
    process.kill(broker, 'SIGCONT');
  }
  await send(4);
  await until('the fourth row', async () => (await count()) === '9');
});
