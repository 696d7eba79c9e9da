// kill -9 of the front end and of the CN at each step of an UPDATE and a DELETE, and lost answers of the CN: all rows
// changed or none, and the table takes the next statement.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

const ROWS = 1000;
const UPDATE = 'UPDATE d.t SET b = b + 1 WHERE a % 2 = 0';
const DELETE = 'DELETE FROM d.t USING d.u WHERE t.a % 10 = u.k';

async function numbers(connection: Connection): Promise<readonly number[]> {
  const [rows] = await connection.query({
    sql: 'SELECT count(*), count(DISTINCT a), sum(b) FROM d.t',
    rowsAsArray: true,
  });
  return ((rows as unknown as string[][])[0] ?? []).map(Number);
}

async function fill(connection: Connection): Promise<void> {
  await connection.query('TRUNCATE TABLE d.t');
  await connection.query(
    `INSERT INTO d.t SELECT generate_series, 0 FROM TABLE(generate_series(1, ${ROWS}))`,
  );
}

/** What the table holds before and after the statement, as `numbers` gives it. */
const UNCHANGED = [ROWS, ROWS, 0];
const AFTER: Readonly<Record<string, readonly number[]>> = {
  [UPDATE]: [ROWS, ROWS, ROWS / 2],
  [DELETE]: [ROWS * 0.8, ROWS * 0.8, 0],
};

describe('a kill in the middle of an UPDATE or a DELETE', () => {
  let dataDir: string;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-change-'));
    const server = await startServer({ dataDir, broker: 'off' });
    const connection = await server.connect();
    await connection.query('CREATE DATABASE d');
    await connection.query('CREATE TABLE d.t (a INT NOT NULL, b INT) PRIMARY KEY(a)');
    await connection.query('CREATE TABLE d.u (k INT)');
    await connection.query('INSERT INTO d.u VALUES (3), (7), (3)');
    await fill(connection);
    connection.destroy();
    await server.stop();
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  /** Step -> are the rows changed when it dies there? */
  const steps: readonly (readonly [sql: string, failpoint: string, changed: boolean])[] = [
    [UPDATE, 'fe:begin.after-sql=kill@1', false],
    [UPDATE, 'fe:turn.held=kill@1', false],
    [UPDATE, 'fe:change.before-commit=kill@1', false],
    [UPDATE, 'fe:insert.in-sql=kill@1', false],
    [UPDATE, 'fe:insert.after-sql=kill@1', true],
    [DELETE, 'fe:insert.in-sql=kill@1', false],
    [DELETE, 'fe:insert.after-sql=kill@1', true],
    [UPDATE, 'query:stage.after-put=kill@1', false],
    [UPDATE, 'query:change.after-copy=kill@1', false],
    [UPDATE, 'query:deletes.before-put=kill@1', false],
    [DELETE, 'query:deletes.after-put=kill@1', false],
  ];
  for (const [sql, failpoints, changed] of steps) {
    test(`${sql.slice(0, 6)}, ${failpoints}: ${changed ? 'all rows' : 'no row'}`, async () => {
      const first = await startServer({ dataDir, broker: 'off', failpoints });
      const dying = await first.connect();
      await assert.rejects(dying.query(sql));
      dying.destroy();
      if (failpoints.startsWith('fe:')) await first.exited;
      else await first.stop();
      const second = await startServer({ dataDir, broker: 'off' });
      await proveWhole(second, sql, changed);
    });
  }

  async function proveWhole(server: TestServer, sql: string, changed: boolean): Promise<void> {
    const connection = await server.connect();
    const expected = AFTER[sql] ?? [];
    assert.deepEqual(await numbers(connection), changed ? expected : UNCHANGED);
    // Nothing is in the way of the same statement, which an UPDATE does twice.
    if (!changed) await connection.query(sql);
    assert.deepEqual(await numbers(connection), expected);
    await fill(connection);
    connection.destroy();
    await server.stop();
  }
});
