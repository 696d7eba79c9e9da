// Transactions over tables whose files lie on a real S3 server: the parts that loads staged there are merged at the
// commit, whatever brought them, and are gone after the sweep; a store that is away for a while loses nothing.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { type S3Peer, startVersitygw } from '../peers/versitygw.ts';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';
import { transactionOp, wordsOf } from '../support/transaction-client.ts';

const BUCKET = 'lake';

let s3: S3Peer;
let server: TestServer;
const dataDir = newDataDir();

before(async () => {
  s3 = await startVersitygw([BUCKET]);
  server = await startServer({ dataDir, broker: 'off' });
  await server.sql(
    `CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("s3://${BUCKET}/") PROPERTIES ("enabled" = "true", "aws.s3.endpoint" = "${s3.endpoint}", "aws.s3.access_key" = "${s3.accessKey}", "aws.s3.secret_key" = "${s3.secretKey}", "aws.s3.use_instance_profile" = "false", "aws.s3.use_aws_sdk_default_behavior" = "false")`,
  );
  await server.sql('SET v AS DEFAULT STORAGE VOLUME');
  await server.sql('CREATE DATABASE d');
  await server.sql('USE d');
});
after(async () => {
  await server?.stop();
  await s3?.close();
  await rm(dataDir, { recursive: true, force: true });
});

const parquet = async (table: string): Promise<readonly string[]> =>
  (await s3.objects(BUCKET)).filter(
    (key) => key.startsWith(`d/${table}-`) && key.endsWith('.parquet'),
  );
const rows = async (sql: string): Promise<string> =>
  (await server.sql(sql)).rows.map((row) => row.join(',')).join(' ');

async function assertWhole(table: string): Promise<void> {
  const checked = await server.sql(`CHECK TABLE d.${table} EXTENDED`);
  assert.equal(checked.rows.at(-1)?.[3], 'OK', JSON.stringify(checked.rows));
}

interface Load {
  readonly table: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function loadAll(label: string, loads: readonly Load[]): Promise<void> {
  const { httpPort } = server.ready;
  const head = { db: 'd', label, transaction_type: 'multi', column_separator: ',' };
  assert.equal(wordsOf(await transactionOp(httpPort, 'begin', head)), 'OK');
  for (const { table, body, headers = {} } of loads) {
    const reply = await transactionOp(httpPort, 'load', { ...head, ...headers, table }, body);
    assert.equal(wordsOf(reply), 'OK');
  }
}

const ask = (op: 'commit' | 'prepare' | 'rollback', label: string) =>
  transactionOp(server.ready.httpPort, op, { db: 'd', label });

test('loads of whole rows and deletes become one file each table; the sweep takes their parts', async () => {
  await server.sql('CREATE TABLE merged (k INT NOT NULL, v INT) PRIMARY KEY (k)');
  await server.sql('CREATE TABLE plain (k INT, v INT) DUPLICATE KEY (k)');
  const operations = { columns: 'k,v,__op' };
  await loadAll('merged', [
    { table: 'merged', body: '1,1\n2,1\n3,1\n' },
    { table: 'plain', body: '1,1\n' },
    { table: 'merged', body: '2,2\n4,2\n' },
    { table: 'merged', body: '3,0,1\n5,3,0\n', headers: operations },
    { table: 'plain', body: '2,2\n' },
  ]);
  const staged = await parquet('merged');
  // A part of each load, and the keys that the last one deletes.
  assert.equal(staged.length, 4);
  assert.equal(wordsOf(await ask('commit', 'merged')), 'OK');
  assert.equal(await rows('SELECT k, v FROM merged ORDER BY k'), '1,1 2,2 4,2 5,3');
  assert.equal(await rows('SELECT k, v FROM plain ORDER BY k'), '1,1 2,2');
  await server.sql('ADMIN SWEEP');
  const left = await parquet('merged');
  assert.equal(left.length, 1);
  assert.ok(!staged.some((key) => left.includes(key)), left.join(' '));
  // Without keys the parts are the files of the table.
  assert.equal((await parquet('plain')).length, 2);
  assert.equal(await rows('SELECT k, v FROM merged ORDER BY k'), '1,1 2,2 4,2 5,3');
  for (const table of ['merged', 'plain']) await assertWhole(table);
});

test('whole rows, some columns and a condition mixed, over partitions, upon old rows', async () => {
  await server.sql(
    'CREATE TABLE mixed (k INT NOT NULL, p INT NOT NULL, v INT, w INT) PRIMARY KEY (k, p) PARTITION BY (p)',
  );
  await server.sql('INSERT INTO mixed VALUES (1, 1, 10, 100), (2, 2, 20, 200), (3, 1, 30, 300)');
  await loadAll('mixed', [
    { table: 'mixed', body: '1,1,11\n4,2,40\n', headers: { columns: 'k,p,v', ...PARTIAL } },
    { table: 'mixed', body: '2,2,21,201\n4,2,41,401\n' },
    { table: 'mixed', body: '1,1,101\n2,2,202\n', headers: { columns: 'k,p,w', ...PARTIAL } },
    { table: 'mixed', body: '3,1,29,0\n1,1,12,1\n', headers: { merge_condition: 'v' } },
  ]);
  assert.equal(wordsOf(await ask('commit', 'mixed')), 'OK');
  const expected = '1,1,12,1 2,2,21,202 3,1,30,300 4,2,41,401';
  assert.equal(await rows('SELECT * FROM mixed ORDER BY k'), expected);
  await server.sql('ADMIN SWEEP');
  assert.equal(await rows('SELECT * FROM mixed ORDER BY k'), expected);
  await assertWhole('mixed');
});

const PARTIAL = { partial_update: 'true' };

test('a SQL transaction; one that is rolled back leaves nothing that the sweep does not take', async () => {
  await server.sql('CREATE TABLE bysql (k INT NOT NULL, v INT) PRIMARY KEY (k)');
  for (const end of ['ROLLBACK', 'COMMIT']) {
    await server.sql('BEGIN');
    await server.sql('INSERT INTO bysql VALUES (1, 1), (2, 1)');
    await server.sql('INSERT INTO bysql VALUES (2, 2)');
    assert.equal((await parquet('bysql')).length, 2);
    await server.sql(end);
    await server.sql('ADMIN SWEEP');
    assert.equal((await parquet('bysql')).length, end === 'COMMIT' ? 1 : 0);
  }
  assert.equal(await rows('SELECT k, v FROM bysql ORDER BY k'), '1,1 2,2');
  await assertWhole('bysql');
});

test('the store is away at the commit: it fails, the transaction stays prepared, and commits when the store is back', async () => {
  await server.sql('CREATE TABLE away (k INT NOT NULL, v INT) PRIMARY KEY (k)');
  await loadAll('away', [
    { table: 'away', body: '1,1\n2,1\n' },
    { table: 'away', body: '2,2\n3,2\n' },
  ]);
  assert.equal(wordsOf(await ask('prepare', 'away')), 'OK');
  await s3.down();
  const failed = await ask('commit', 'away');
  assert.notEqual(failed['Status'], 'OK', JSON.stringify(failed));
  assert.match(await rows("SHOW TRANSACTION FROM d WHERE label = 'away'"), /,PREPARED,/);
  await s3.up();
  assert.equal(wordsOf(await ask('commit', 'away')), 'OK');
  assert.equal(await rows('SELECT k, v FROM away ORDER BY k'), '1,1 2,2 3,2');
  await assertWhole('away');
});
