// Issue 5's bad input to tables over a real server: keys that are NULL, keys that would change, and tables and columns that
// get another name under a query that runs. A clear error, and nothing lost. Damaged files are in check-and-sweep,
// full disks in bad-storage and local-cache, jobs whose columns change in alter-columns.sqltest, clocks in clock-back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let connection: Connection;

before(async () => {
  server = await startServer({ broker: 'off' });
  connection = await server.connect();
  await connection.query('CREATE DATABASE bad');
  await connection.query('USE bad');
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

async function rows(sql: string, on: Connection = connection): Promise<string[][]> {
  const [found] = await on.query({ sql, rowsAsArray: true });
  return (found as unknown[][]).map((row) => row.map(String));
}

/** Rows of a table, each with every other: long enough to be met while it runs. */
const CROSS = `SELECT count(*), sum((a.v * b.v) % 7) FROM wide a, wide b WHERE (a.v * b.v) % 3 <> 5`;
const ROWS = 8_000;

test('a table and a column get other names under a running query: it ends as it began', async () => {
  await connection.query('CREATE TABLE wide (k INT NOT NULL, v BIGINT) DUPLICATE KEY(k)');
  await connection.query(
    `INSERT INTO wide SELECT generate_series, generate_series FROM TABLE(generate_series(1, ${ROWS}))`,
  );
  const own = await server.connect();
  try {
    await own.query('USE bad');
    let isDone = false;
    const running = rows(CROSS, own).finally(() => {
      isDone = true;
    });
    const isShown = async (): Promise<boolean> =>
      (await rows('SHOW FULL PROCESSLIST')).some((row) => row.includes(CROSS));
    while (!isDone && !(await isShown()));
    await connection.query('ALTER TABLE wide RENAME COLUMN v TO value');
    await connection.query('ALTER TABLE wide RENAME broad');
    await connection.query('INSERT INTO broad VALUES (0, 1)');
    await connection.query('CREATE TABLE wide (k INT NOT NULL, v BIGINT) DUPLICATE KEY(k)');
    assert.equal(isDone, false, 'the query ran on while names changed');
    const [[count]] = (await running) as [string[]];
    assert.equal(count, String(ROWS * ROWS));
  } finally {
    await own.end();
  }
  assert.deepEqual(await rows('SELECT count(*), min(value) FROM broad'), [[String(ROWS + 1), '1']]);
  await assert.rejects(rows('SELECT v FROM broad'), /Column 'v' cannot be resolved/);
  assert.deepEqual(await rows('SELECT count(*) FROM wide'), [['0']]);
});

test('NULL for a key of a PRIMARY KEY table: refused with the column, nothing of the statement is kept', async () => {
  await connection.query('CREATE TABLE keyed (k INT NOT NULL, s VARCHAR(10)) PRIMARY KEY(k)');
  await connection.query("INSERT INTO keyed VALUES (1, 'one')");
  for (const sql of [
    "INSERT INTO keyed VALUES (2, 'two'), (NULL, 'none')",
    "INSERT INTO keyed SELECT NULL, 'none' FROM keyed",
    "INSERT INTO keyed (s) VALUES ('none')",
  ]) {
    await assert.rejects(rows(sql), /'?k'?/, sql);
  }
  await assert.rejects(rows('CREATE TABLE no (k INT NULL) PRIMARY KEY(k)'), /k/i);
  assert.deepEqual(await rows('SELECT * FROM keyed'), [['1', 'one']]);
});

test('key columns are not changed by UPDATE nor by ALTER TABLE', async () => {
  for (const [sql, message] of [
    ['UPDATE keyed SET k = 2 WHERE k = 1', /primary key column cannot be updated: k/],
    ['ALTER TABLE keyed DROP COLUMN k', /Can not drop key column in primary data model table/],
    ['ALTER TABLE keyed ADD COLUMN k2 INT KEY', /Can not add key column k2/],
    ['ALTER TABLE keyed MODIFY COLUMN k VARCHAR(5)', /key|k/i],
  ] as const) {
    await assert.rejects(rows(sql), message, sql);
  }
  assert.deepEqual(await rows('SELECT * FROM keyed'), [['1', 'one']]);
});
