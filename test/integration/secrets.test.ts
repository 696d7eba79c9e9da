// Secrets planted in every statement that can hold one, right and wrong ones: none of them is in a log, a
// list, an error, the metrics, or the metadata's files.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDemoProducer } from '../../src/kafka/client/admin.ts';
import { newDataDir, startServer } from '../support/start-server.ts';

/** In every planted secret. */
const MARK = 'pLaNtEd';

const planted = (bootstrap: string, directory: string, store: string): readonly string[] => [
  `CREATE USER s_ann IDENTIFIED BY '${MARK}01'`,
  `CREATE USER s_bob IDENTIFIED WITH mysql_native_password BY '${MARK}02'`,
  `CREATE USER s_carl IDENTIFIED WITH caching_sha2_password BY '${MARK}03'`,
  `CREATE USER s_ann IDENTIFIED BY '${MARK}04'`,
  `CREATE USER s_dora IDENTIFIED BY PASSWORD '${MARK}05'`,
  `CREATE USER s_dora IDENTIFIED WITH nothing AS '${MARK}06'`,
  `CREATE USER s_dora IDENTIFIED '${MARK}07'`,
  `CREATE USER s_dora IDENTIFIED BY '${MARK}08' rubbish`,
  `ALTER USER s_ann IDENTIFIED BY '${MARK}09'`,
  `ALTER USER s_nobody IDENTIFIED BY '${MARK}10'`,
  `SET PASSWORD FOR s_ann = PASSWORD('${MARK}11')`,
  `SET PASSWORD FOR s_ann = '${MARK}12'`,
  `SET PASSWORD '${MARK}13'`,
  `SET PASSWORD = PASSWORD('${MARK}14'`,
  `CREATE STORAGE VOLUME s_v TYPE = S3 LOCATIONS = ('s3://bucket-1/p') PROPERTIES ("enabled" = "true",
     "aws.s3.endpoint" = "http://127.0.0.1:1", "aws.s3.region" = "r",
     "aws.s3.access_key" = "${MARK}15", "aws.s3.secret_key" = "${MARK}16")`,
  `CREATE STORAGE VOLUME s_w TYPE = S3 LOCATIONS = ('s3://bucket-1/p') PROPERTIES ("enabled" = "false",
     "aws.s3.endpoint" = "${store}", "aws.s3.region" = "r",
     "aws.s3.access_key" = "${MARK}17", "aws.s3.secret_key" = "${MARK}18")`,
  `ALTER STORAGE VOLUME s_w SET ("aws.s3.secret_key" = "${MARK}19")`,
  `ALTER STORAGE VOLUME s_nothing SET ("aws.s3.secret_key" = "${MARK}20")`,
  `CREATE STORAGE VOLUME s_x TYPE = LOCAL LOCATIONS = ('file://${directory}')
     PROPERTIES ("aws.s3.secret_key" = "${MARK}21")`,
  `CREATE ROUTINE LOAD s_job ON t PROPERTIES ("format" = "json") FROM KAFKA (
     "kafka_broker_list" = "${bootstrap}", "kafka_topic" = "secrets",
     "property.ssl.key.password" = "${MARK}22")`,
  `CREATE ROUTINE LOAD s_job2 ON t PROPERTIES ("format" = "json") FROM KAFKA (
     "kafka_broker_list" = "${bootstrap}", "kafka_topic" = "secrets",
     "property.sasl.jaas.config" = "Login username='u' password='${MARK}23';")`,
  `CREATE ROUTINE LOAD s_job3 ON t PROPERTIES ("format" = "json") FROM KAFKA (
     "kafka_broker_list" = "127.0.0.1:1", "kafka_topic" = "secrets",
     "property.security.protocol" = "SASL_PLAINTEXT", "property.sasl.mechanism" = "PLAIN",
     "property.sasl.username" = "u", "property.sasl.password" = "${MARK}24")`,
  'PAUSE ROUTINE LOAD FOR s_job',
  `ALTER ROUTINE LOAD FOR s_job FROM KAFKA ("property.sasl.password" = "${MARK}25")`,
  `CREATE FILE "s_key" IN d PROPERTIES ("content" = "-----BEGIN ${MARK}29", "catalog" = "kafka")`,
  `CREATE FILE "s_key" IN d PROPERTIES ("content" = "${MARK}30", "catalog" = "kafka")`,
  `CREATE FILE "s_b" IN d PROPERTIES ("url" = "data:,${MARK}31", "catalog" = "kafka", "md5" = "0")`,
  `CREATE FILE "s_c" IN d PROPERTIES ("url" = "${store}/none?signature=${MARK}32", "catalog" = "kafka")`,
  `CREATE FILE "s_d" IN d PROPERTIES ("url" = "http://u:${MARK}33@127.0.0.1:1/x", "catalog" = "kafka")`,
  `CREATE FILE "s_e" IN d PROPERTIES ("content" = "${MARK}34"`,
  `CREATE ROUTINE LOAD s_job4 ON t PROPERTIES ("format" = "json") FROM KAFKA (
     "kafka_broker_list" = "${bootstrap}", "kafka_topic" = "secrets", "property.security.protocol" = "SSL",
     "property.ssl.certificate.location" = "FILE:s_key", "property.ssl.key.pem" = "${MARK}35",
     "property.ssl.key.password" = "${MARK}36")`,
  `CREATE ROUTINE LOAD s_job5 ON t PROPERTIES ("format" = "json") FROM KAFKA (
     "kafka_broker_list" = "${bootstrap}", "kafka_topic" = "secrets", "property.security.protocol" = "SSL",
     "property.ssl.keystore.location" = "FILE:s_key", "property.ssl.keystore.password" = "${MARK}37")`,
  `CREATE ROUTINE LOAD s_job6 ON t PROPERTIES ("format" = "json") FROM KAFKA (
     "kafka_broker_list" = "${bootstrap}", "kafka_topic" = "secrets",
     "property.client.id" = "FILE:s_key", "property.session.timeout.ms" = "6000")`,
  `CREATE ROUTINE LOAD s_job7 ON t PROPERTIES ("format" = "json") FROM KAFKA (
     "kafka_broker_list" = "${bootstrap}", "kafka_topic" = "secrets", "property.security.protocol" = "SASL_PLAINTEXT",
     "property.sasl.mechanism" = "OAUTHBEARER", "property.sasl.oauthbearer.method" = "oidc",
     "property.sasl.oauthbearer.token.endpoint.url" = "${store}/token", "property.sasl.oauthbearer.client.id" = "c",
     "property.sasl.oauthbearer.client.secret" = "${MARK}39")`,
  `ALTER ROUTINE LOAD FOR s_job6 FROM KAFKA ("property.sasl.oauthbearer.token.endpoint.url" = "http://u:${MARK}40@h/t")`,
  `PREPARE p FROM 'CREATE USER s_eve IDENTIFIED BY "${MARK}26"'`,
  'EXECUTE p',
  `ADMIN SET FRONTEND CONFIG ("aws_s3_secret_key" = "${MARK}27")`,
  `GRANT SELECT ON TABLE t TO s_ann IDENTIFIED BY '${MARK}28'`,
];

const LISTS: readonly string[] = [
  'SHOW FULL PROCESSLIST',
  'SHOW USERS',
  'SHOW ALL AUTHENTICATION',
  'SHOW CREATE USER s_ann',
  'SHOW CREATE USER s_carl',
  'SHOW GRANTS FOR s_ann',
  'SHOW PROPERTY FOR s_ann',
  'SHOW STORAGE VOLUMES',
  'DESC STORAGE VOLUME s_w',
  'SHOW ALL ROUTINE LOAD FROM d',
  'SHOW CREATE ROUTINE LOAD d.s_job',
  'SHOW ROUTINE LOAD TASK FROM d',
  'SHOW FILE FROM d',
  'SHOW WARNINGS',
  'SHOW VARIABLES',
  'SHOW TABLES FROM d',
  'SHOW CREATE TABLE d.t',
  'ADMIN SHOW FRONTEND CONFIG',
  "SHOW PROC '/routine_loads'",
];

/** An object store that takes everything from everybody: so that a volume with keys can be made. */
async function startStore(): Promise<{ readonly url: string; close(): void }> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const found = objects.get(path);
      response.setHeader('etag', '"1"');
      if (request.method === 'PUT') {
        const isTaken = request.headers['if-none-match'] === '*' && found !== undefined;
        if (!isTaken) objects.set(path, Buffer.concat(chunks));
        response.writeHead(isTaken ? 412 : 200).end();
      } else if (request.method === 'POST') {
        const keys = Buffer.concat(chunks)
          .toString()
          .matchAll(/<Key>([^<]*)<\/Key>/g);
        const deleted = [...keys].map(([, key = '']) => {
          objects.delete(`/bucket-1/${key}`);
          return `<Deleted><Key>${key}</Key></Deleted>`;
        });
        response.writeHead(200, { 'content-type': 'application/xml' });
        response.end(`<?xml version="1.0"?><DeleteResult>${deleted.join('')}</DeleteResult>`);
      } else if (request.method === 'DELETE') {
        objects.delete(path);
        response.writeHead(204).end();
      } else if (found === undefined) {
        const body = '<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>';
        response.writeHead(404, { 'content-type': 'application/xml' }).end(body);
      } else {
        response.writeHead(200, { 'content-length': found.length });
        response.end(request.method === 'HEAD' ? undefined : found);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test('planted secrets are nowhere to be seen', { timeout: 180_000 }, async () => {
  const dataDir = newDataDir();
  const directory = mkdtempSync(join(tmpdir(), 'millrace-secrets-'));
  mkdirSync(join(directory, 'v'));
  const store = await startStore();
  const server = await startServer({ dataDir });
  try {
    const producer = await openDemoProducer({ bootstrap: server.bootstrap, clientId: 'test' });
    await producer.createTopic('secrets', 1);
    await producer.close();
    const connection = await server.connect();
    await connection.query('CREATE DATABASE d; USE d; CREATE TABLE t (a INT)');
    let made = 0;
    for (const sql of planted(server.bootstrap, join(directory, 'v'), store.url)) {
      await connection.query(sql).then(
        () => {
          made += 1;
        },
        (error: unknown) => assert.ok(!String(error).includes(MARK), `${sql}\n${String(error)}`),
      );
    }
    assert.ok(made >= 9, `${made} of the statements did something`);
    // Wrong log-ins name no password either.
    await assert.rejects(server.connect({ user: 's_ann', password: `${MARK}90` }));
    await assert.rejects(server.connect({ user: `nobody`, password: `${MARK}91` }));
    const http = await fetch(`http://127.0.0.1:${server.ready.httpPort}/api/x`, {
      headers: { authorization: `Basic ${btoa(`s_ann:${MARK}92`)}` },
    });
    assert.ok(!(await http.text()).includes(MARK));

    // While it runs, another session sees it without its secret.
    const running = connection.query(
      `SELECT sleep(3), 'x' /* */ WHERE 'a' <> 'b' AND 'password' = '${MARK}93'`,
    );
    running.catch(() => undefined);
    const [views] = await server.connect().then((other) =>
      other.query({
        sql: "SELECT table_name FROM information_schema.tables WHERE table_schema = 'information_schema'",
        rowsAsArray: true,
      }),
    );
    const lists = [
      ...LISTS,
      'SHOW RUNNING QUERIES',
      ...(views as string[][]).map(([view]) => `SELECT * FROM information_schema.${view}`),
    ];
    const watcher = await server.connect();
    for (const sql of lists) {
      const shown = await watcher.query({ sql, rowsAsArray: true }).then(
        ([rows]) => JSON.stringify(rows),
        (error: unknown) => String(error),
      );
      assert.ok(!shown.includes(MARK), `${sql}: ${shown.slice(0, 2000)}`);
    }
    connection.destroy();
    watcher.destroy();
    const metrics = await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`);
    assert.ok(!(await metrics.text()).includes(MARK));
    assert.ok(!server.hasLogged(MARK), server.logTail);
  } finally {
    await server.stop();
    store.close();
  }
  assert.ok(!server.hasLogged(MARK), server.logTail);
  const files = filesBelow(dataDir);
  assert.ok(files.some((path) => path.endsWith('metadata.db')));
  for (const path of files) {
    assert.ok(!readFileSync(path).includes(MARK), `${path} holds a secret`);
  }
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});
