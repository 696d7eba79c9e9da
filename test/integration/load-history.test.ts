// The links that the list of loads gives: TRACKING_SQL is run as it is printed, and REJECTED_RECORD_PATH is fetched.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let connection: Connection;

before(async () => {
  server = await startServer({ broker: 'off' });
  connection = await server.connect();
  await connection.query('CREATE DATABASE h');
  await connection.query('CREATE TABLE h.t (a INT NOT NULL, b VARCHAR(3))');
});
after(async () => {
  connection.destroy();
  assert.equal(await server.stop(), 0);
});

async function rows(sql: string): Promise<readonly Record<string, unknown>[]> {
  const [found] = await connection.query(sql);
  return found as Record<string, unknown>[];
}

test('TRACKING_SQL and the link of an INSERT that went on, and of one that failed', async () => {
  await connection.query('SET insert_max_filter_ratio = 0.5');
  await connection.query(
    `INSERT INTO h.t WITH LABEL some VALUES (1, 'a'), (2, 'b'), (3, 'too long'), (4, 'longer')`,
  );
  await assert.rejects(
    connection.query(`INSERT INTO h.t WITH LABEL none VALUES (1, 'too long')`),
    /filtered data/,
  );
  const loads = await rows(
    `SELECT LABEL, TRACKING_SQL, REJECTED_RECORD_PATH AS link FROM information_schema.loads WHERE DB_NAME = 'h' ORDER BY ID`,
  );
  assert.deepEqual(
    loads.map((load) => load['LABEL']),
    ['some', 'none'],
  );
  const logs = await Promise.all(loads.map((load) => rows(String(load['TRACKING_SQL']))));
  assert.deepEqual(
    logs.map((log) => log.length),
    [2, 1],
  );
  assert.match(String(logs[1]?.[0]?.['tracking_log']), /^Error: Value length .*too long/);
  const response = await fetch(String(loads[0]?.['link']));
  assert.equal(response.status, 200);
  const lines = (await response.text()).trim().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines.join(' '), /too long.*longer|longer.*too long/);
  // What is shown by SHOW LOAD is the same text.
  const shown = await rows(`SHOW LOAD FROM h WHERE LABEL = 'some'`);
  assert.equal(shown[0]?.['TrackingSQL'], loads[0]?.['TRACKING_SQL']);
});
