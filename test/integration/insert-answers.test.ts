// What the OK packet of an INSERT says: affected rows, warnings, and the info text that StarRocks' clients read.
// SOURCE: StarRocks docs, INSERT: Return.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let connection: Connection;

before(async () => {
  server = await startServer({ broker: 'off' });
  connection = await server.connect();
  await connection.query('CREATE DATABASE d');
  await connection.query('CREATE TABLE d.t (a INT NOT NULL, b VARCHAR(3))');
});
after(async () => {
  connection.destroy();
  assert.equal(await server.stop(), 0);
});

async function run(sql: string): Promise<ResultSetHeader> {
  const [header] = await connection.query<ResultSetHeader>(sql);
  return header;
}

// This client leaves the text's length in front of it.
const INFO = /^.?\{'label':'([^']+)', 'status':'VISIBLE', 'txnId':'(\d+)'\}$/;

test('label, status and transaction, as the list of transactions has them', async () => {
  const named = await run(`INSERT INTO d.t WITH LABEL \`-mine\` VALUES (1, 'a'), (2, 'b')`);
  assert.deepEqual([named.affectedRows, named.warningStatus], [2, 0]);
  const [, label, transaction] = INFO.exec(named.info) ?? [];
  assert.equal(label, '-mine');
  const [rows] = await connection.query(`SHOW TRANSACTION FROM d WHERE Label = '-mine'`);
  const [shown] = rows as Record<string, string>[];
  assert.deepEqual(
    [shown?.['TransactionId'], shown?.['TransactionStatus']],
    [transaction, 'VISIBLE'],
  );
  const own = await run(`INSERT INTO d.t SELECT 3, 'c'`);
  assert.match(INFO.exec(own.info)?.[1] ?? '', /^insert_[0-9a-f-]{36}$/);
});

test('rejected rows are warnings, not affected rows; no rows at all are an answer, too', async () => {
  await connection.query('SET insert_max_filter_ratio = 1');
  const some = await run(
    `INSERT INTO d.t VALUES (1, 'long'), (2, 'longer'), (3, 'c'), (NULL, 'd'), (5, 'longest')`,
  );
  assert.deepEqual([some.affectedRows, some.warningStatus], [1, 4]);
  assert.match(some.info, INFO);
  const many = await run(`INSERT INTO d.t SELECT NULL, 'x' FROM TABLE(generate_series(1, 70000))`);
  // The packet has two bytes for the number.
  assert.deepEqual([many.affectedRows, many.warningStatus], [0, 65_535]);
  await connection.query('SET insert_max_filter_ratio = 0');
  const none = await run('INSERT INTO d.t SELECT * FROM d.t WHERE false');
  assert.deepEqual([none.affectedRows, none.warningStatus], [0, 0]);
  assert.match(none.info, INFO);
});

test('INSERT OVERWRITE and a prepared INSERT answer alike', async () => {
  const over = await run(`INSERT OVERWRITE d.t WITH LABEL replaced VALUES (9, 'z')`);
  assert.deepEqual([over.affectedRows, INFO.exec(over.info)?.[1]], [1, 'replaced']);
  const [header] = await connection.execute<ResultSetHeader>('INSERT INTO d.t VALUES (?, ?)', [
    8,
    'y',
  ]);
  assert.equal(header.affectedRows, 1);
  assert.match(header.info, INFO);
});
