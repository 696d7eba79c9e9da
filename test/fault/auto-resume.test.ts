// Jobs that were paused for causes which then went away, over a real server: a right, a storage volume, a broker in
// whose place something else listened. Nobody touches the jobs; each resumes by itself at its RESUME_TIME and loses nothing.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { startTestBroker, temporaryDirectory } from '../support/embedded-broker.ts';
import { startServer } from '../support/start-server.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-resume-'));
const brokerDirectory = temporaryDirectory();
let broker = await startTestBroker(brokerDirectory);
const { port } = broker;
const server = await startServer({});
const own = await openKafkaAdmin({
  connection: { brokers: [server.bootstrap], properties: {} },
  clientId: 'resume',
});
after(async () => {
  await own.close();
  await server.stop();
  await broker.close();
  rmSync(directory, { recursive: true, force: true });
  rmSync(brokerDirectory, { recursive: true, force: true });
});

const JOBS = ['rights', 'stored', 'brokers'] as const;

/** One message to a broker. */
async function send(bootstrap: string, topic: string, id: number): Promise<void> {
  const admin = await openKafkaAdmin({
    connection: { brokers: [bootstrap], properties: {} },
    clientId: 'resume',
  });
  await admin.createTopic(topic, 1);
  await admin.send([{ topic, partition: 0, value: Buffer.from(`{"id": ${id}}`) }]);
  await admin.close();
}

const jobOf = async (name: string) => {
  const { rows } = await server.sql(
    `SELECT STATE, RESUME_TIME, FAILURES, REASONS_OF_STATE_CHANGED FROM information_schema.routine_load_jobs WHERE NAME = '${name}'`,
  );
  const [state, resumes, failures, reason] = rows[0] ?? assert.fail(`no job ${name}`);
  return { state, resumes, failures, reason: reason ?? '' };
};

async function until(what: string, limitMs: number, condition: () => Promise<boolean>) {
  const untilMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > untilMs) assert.fail(`not in time: ${what}\n${server.logTail}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const count = (name: string) => server.value(`SELECT count(*) FROM heal.${name}`);

test('a right, a volume and a broker that come back: the jobs go on by themselves', async () => {
  const path = join(directory, 'volume');
  mkdirSync(path);
  await server.sql('CREATE DATABASE heal');
  await server.sql(
    `CREATE STORAGE VOLUME healing TYPE = LOCAL LOCATIONS = ("file://${path}") PROPERTIES ("enabled" = "true")`,
  );
  await server.sql("CREATE USER loader IDENTIFIED BY ''");
  const loader = await server.connect({ user: 'loader' });
  for (const name of JOBS) {
    const volume = name === 'stored' ? 'PROPERTIES ("storage_volume" = "healing")' : '';
    await server.sql(`CREATE TABLE heal.${name} (id INT) ${volume}`);
    await server.sql(`GRANT INSERT ON TABLE heal.${name} TO USER loader`);
    const bootstrap = name === 'brokers' ? `127.0.0.1:${port}` : server.bootstrap;
    await send(bootstrap, name, 1);
    await loader.query(
      `CREATE ROUTINE LOAD heal.${name} ON ${name} PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${bootstrap}", "kafka_topic" = "${name}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
    );
  }
  loader.destroy();
  for (const name of JOBS)
    await until(`${name} loads`, 30_000, async () => (await count(name)) === '1');

  await server.sql('REVOKE INSERT ON TABLE heal.rights FROM USER loader');
  renameSync(path, `${path}-away`);
  await send(server.bootstrap, 'rights', 2);
  await send(server.bootstrap, 'stored', 2);
  await broker.close();
  const sockets = new Set<Socket>();
  const other = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.end('220 mail.example.com\r\n');
  });
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  for (const name of JOBS) {
    await until(`${name} pauses`, 60_000, async () => (await jobOf(name)).state === 'PAUSED');
    const { resumes, failures, reason } = await jobOf(name);
    assert.ok(resumes !== null && Number(failures) > 0, `${name}: ${reason}`);
    assert.match(reason, /^ErrorReason\{errCode = 104, msg='.+'\}$/);
  }

  await server.sql('GRANT INSERT ON TABLE heal.rights TO USER loader');
  renameSync(`${path}-away`, path);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => other.close(resolve));
  broker = await startTestBroker(brokerDirectory, {}, port);
  await send(`127.0.0.1:${port}`, 'brokers', 2);
  for (const name of JOBS) {
    await until(`${name} resumes`, 150_000, async () => (await count(name)) === '2');
    await until(`${name} is well`, 10_000, async () => {
      const { state, resumes, failures } = await jobOf(name);
      return state === 'RUNNING' && resumes === null && failures === '0';
    });
  }
});
