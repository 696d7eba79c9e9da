// Storage volumes on a real S3 server, over SQL: what users get wrong, tables whose files lie there, and
// an S3 server that goes away under a running load.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { kcat } from '../peers/kcat.ts';
import { produce } from '../peers/topics.ts';
import { type S3Peer, startVersitygw } from '../peers/versitygw.ts';
import { assertUsers, createUsers, errorOf, loadUsers, showJob } from '../support/load-job.ts';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';

let s3: S3Peer;
let readOnly: S3Peer;
let server: TestServer;
const dataDir = newDataDir();

before(async () => {
  s3 = await startVersitygw(['lake', 'second-bucket']);
  readOnly = await startVersitygw(['lake'], { readOnly: true });
  server = await startServer({ dataDir });
});
after(async () => {
  await server?.stop();
  await s3?.close();
  await readOnly?.close();
  await rm(dataDir, { recursive: true, force: true });
});

interface VolumeText {
  readonly name?: string;
  readonly location?: string;
  readonly params?: Readonly<Record<string, string>>;
}

function createVolume({ name = 'v', location = 's3://lake/', params }: VolumeText): string {
  const all = {
    enabled: 'true',
    'aws.s3.endpoint': s3.endpoint,
    'aws.s3.access_key': s3.accessKey,
    'aws.s3.secret_key': s3.secretKey,
    'aws.s3.use_instance_profile': 'false',
    'aws.s3.use_aws_sdk_default_behavior': 'false',
    ...params,
  };
  const properties = Object.entries(all).map(([key, value]) => `"${key}" = "${value}"`);
  return `CREATE STORAGE VOLUME ${name} TYPE = S3 LOCATIONS = ("${location}") PROPERTIES (${properties.join(', ')})`;
}

test('CREATE STORAGE VOLUME says what is wrong', async () => {
  const refusal = async (volume: VolumeText): Promise<string> => {
    const message = await errorOf(server, createVolume(volume));
    assert.doesNotMatch(message + server.logTail, /a-wrong-secret|millrace-test-secret/);
    return message;
  };
  assert.match(
    await refusal({ params: { 'aws.s3.secret_key': 'a-wrong-secret' } }),
    /the secret key is wrong/,
  );
  assert.match(
    await refusal({ params: { 'aws.s3.access_key': 'nobody' } }),
    /the access key is not known/,
  );
  assert.match(
    await refusal({ location: 's3://no-such-bucket' }),
    /'no-such-bucket' does not exist/,
  );
  assert.match(
    await refusal({ params: { 'aws.s3.endpoint': readOnly.endpoint } }),
    /write failed.*(denied|not allowed|read.only)/i,
  );
  assert.match(
    await refusal({ params: { 'aws.s3.endpoint': '127.0.0.1:1' } }),
    /127\.0\.0\.1:1 is not reachable/,
  );
  assert.match(await refusal({ params: { 'aws.s3.no_such': '1' } }), /aws\.s3\.no_such/);
  assert.match(await refusal({ location: 'lake' }), /location 'lake'/);
  assert.deepEqual((await server.sql('SHOW STORAGE VOLUMES')).rows, [['builtin_storage_volume']]);
});

test('a table on an S3 volume: its files are there, its rows can be asked for', async () => {
  await server.sql(createVolume({ name: 'lake_volume', location: 's3://lake/warehouse/' }));
  await server.sql('SET lake_volume AS DEFAULT STORAGE VOLUME');
  await createUsers(server, 'users');
  await kcat(server.bootstrap, ['-P', '-t', 'users'], {
    input: '{"id": 0, "name": "user-0"}\n{"id": 1, "name": "user-1"}\n',
  });
  await server.sql(
    `CREATE ROUTINE LOAD users ON users PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "users", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
  await assertUsers(server, 'users', 2);
  await produce(server.bootstrap, { topic: 'users', first: 2, count: 20_000 });
  await assertUsers(server, 'users', 20_002);
  const keys = await s3.objects('lake');
  assert.ok(
    keys.some((key) => key.endsWith('.parquet')),
    keys.join(' '),
  );
  assert.deepEqual(
    keys.filter((key) => !key.startsWith('warehouse/')),
    [],
  );
  assert.match(
    await errorOf(server, 'DROP STORAGE VOLUME lake_volume'),
    /lake_volume.* (default|cannot be dropped)/,
  );
});

test('rejected rows of a table on S3 are kept, can be read, and loaded by REPLAY', async () => {
  await kcat(server.bootstrap, ['-P', '-t', 'rejects'], {
    input: '{"id": 0, "name": "user-0"}\nnot json\n{"id": "seven", "name": "user-7"}\n',
  });
  await loadUsers(server, {
    bootstrap: server.bootstrap,
    name: 'rejects',
    columns: 'id BIGINT NOT NULL, name STRING',
  });
  await server.until(
    "SELECT count(*) FROM _statistics_.rejected_records WHERE target_table = 'rejects'",
    (value) => value === '2',
  );
  const paused = await showJob(server, 'rejects');
  assert.equal(paused['State'], 'PAUSED');
  assert.equal(await server.value('SELECT count(*) FROM rejects'), '1');
  await server.sql(
    `ALTER ROUTINE LOAD FOR rejects COLUMNS (raw, name, id = if(raw = 'seven', 7, CAST(raw AS BIGINT))) PROPERTIES ("jsonpaths" = '["$.id", "$.name"]')`,
  );
  // The second one reads what the first deleted, from S3 as well.
  for (const loaded of ['1', '0']) {
    const { rows } = await server.sql('REPLAY ROUTINE LOAD FOR rejects');
    assert.deepEqual(rows[0]?.slice(0, 5), [loaded, loaded, '0', '1', '1']);
  }
  const names = await server.sql('SELECT id, name FROM rejects ORDER BY id');
  assert.deepEqual(names.rows, [
    ['0', 'user-0'],
    ['7', 'user-7'],
  ]);
});

test('the S3 server goes away while rows flow: the job waits, each row is there once', async () => {
  await kcat(server.bootstrap, ['-P', '-t', 'away'], { input: '{"id": 0, "name": "user-0"}\n' });
  await loadUsers(server, { bootstrap: server.bootstrap, name: 'away' });
  await assertUsers(server, 'away', 1);
  await s3.down();
  await produce(server.bootstrap, { topic: 'away', first: 1, count: 5000 });
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const waiting = await showJob(server, 'away');
  assert.equal(waiting['State'], 'RUNNING', waiting['ReasonOfStateChanged']);
  assert.equal(
    await server.value(
      "SELECT State FROM information_schema.routine_load_jobs WHERE NAME = 'away'",
    ),
    'RUNNING',
  );
  await s3.up();
  await assertUsers(server, 'away', 5001);
});

test('another server process finds everything on S3 again', async () => {
  assert.equal(await server.stop(), 0);
  server = await startServer({ dataDir, brokerPort: server.ready.brokerPort ?? 0 });
  await server.sql('USE compat');
  await assertUsers(server, 'users', 20_002);
  await produce(server.bootstrap, { topic: 'users', first: 20_002, count: 100 });
  await assertUsers(server, 'users', 20_102);
  const { rows } = await server.sql('DESC STORAGE VOLUME lake_volume');
  assert.equal(rows[0]?.[3], 's3://lake/warehouse/');
});
