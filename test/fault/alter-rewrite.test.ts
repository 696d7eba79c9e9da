// kill -9 of the front end and of the loader at each step of an ALTER TABLE that writes values anew: after a restart the
// job goes on and ends, no row is lost or doubled, also of those that are loaded and deleted meanwhile.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer as openServer, type TestServer } from '../support/start-server.ts';

/** Also where a test fails: a server that is left would keep this process for ever. */
const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill();
});

async function startServer(options: Parameters<typeof openServer>[0]): Promise<TestServer> {
  const server = await openServer(options);
  servers.push(server);
  return server;
}

const FILES = 6;
const ROWS = 200;

async function cells(connection: Connection, sql: string): Promise<readonly string[][]> {
  const [rows] = await connection.query({ sql, rowsAsArray: true });
  return (rows as unknown as unknown[][]).map((row) => row.map(String));
}

async function fill(connection: Connection, keys: string): Promise<void> {
  await connection.query('CREATE DATABASE IF NOT EXISTS d');
  await connection.query(`CREATE TABLE d.t (a INT NOT NULL, v VARCHAR(20)) ${keys}`);
  for (let file = 0; file < FILES; file += 1) {
    const from = file * ROWS;
    await connection.query(
      `INSERT INTO d.t SELECT generate_series, CAST(generate_series AS VARCHAR) FROM TABLE(generate_series(${from + 1}, ${from + ROWS}))`,
    );
  }
  // Rows with a value that does not convert, which are deleted: they hold nothing up.
  await connection.query("UPDATE d.t SET v = 'bad' WHERE a % 100 = 0");
  await connection.query("DELETE FROM d.t WHERE v = 'bad'");
}

const GONE = (FILES * ROWS) / 100;

/** Waits for the end of the job; the state that it came to. */
async function ended(connection: Connection): Promise<string> {
  for (;;) {
    const rows = await cells(connection, 'SHOW ALTER TABLE COLUMN FROM d');
    const state = rows.at(-1)?.[9];
    if (state === 'FINISHED' || state === 'CANCELLED') return state;
    await connection.query('SELECT sleep(0.1)');
  }
}

async function proveWhole(server: TestServer, added: number): Promise<void> {
  const connection = await server.connect();
  assert.equal(await ended(connection), 'FINISHED');
  const [type] = await cells(
    connection,
    "SELECT DATA_TYPE FROM information_schema.columns WHERE TABLE_SCHEMA = 'd' AND TABLE_NAME = 't' AND COLUMN_NAME = 'v'",
  );
  assert.deepEqual(type, ['int']);
  const rows = FILES * ROWS - GONE + added;
  const [figures] = await cells(
    connection,
    'SELECT count(*), count(DISTINCT a), count(v), sum(a - v) FROM d.t WHERE a > 0',
  );
  assert.deepEqual(figures, [rows, rows, rows, 0].map(String));
  assert.deepEqual(await cells(connection, 'SELECT count(*) FROM d.t'), [[String(rows)]]);
  const checked = await cells(connection, 'CHECK TABLE d.t EXTENDED');
  assert.deepEqual(checked.at(-1)?.slice(2), ['status', 'OK'], String(checked));
  await connection.query('INSERT INTO d.t VALUES (1000001, 1000001)');
  await connection.query('DELETE FROM d.t WHERE v = 1000001');
  assert.deepEqual(await cells(connection, 'SELECT count(*) FROM d.t'), [[String(rows)]]);
  connection.destroy();
}

const MODELS = ['DUPLICATE KEY(a)', 'PRIMARY KEY(a)'] as const;
const STEPS = [
  'fe:rewrite.begun=kill@1',
  'fe:rewrite.file-done=kill@3',
  'fe:rewrite.before-commit=kill@1',
  'fe:rewrite.in-sql=kill@1',
  'fe:rewrite.after-sql=kill@1',
  'loader:rewrite.before-put=kill@2',
  'loader:rewrite.after-put=kill@2',
  'loader:rewrite.before-deletes=kill@1',
];

describe('a kill in the middle of an ALTER TABLE that writes values anew', () => {
  for (const [index, failpoints] of STEPS.entries()) {
    const keys = MODELS[index % MODELS.length] ?? MODELS[0];
    test(`${keys}, ${failpoints}`, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'millrace-alter-'));
      try {
        const made = await startServer({ dataDir, broker: 'off' });
        const filling = await made.connect();
        await fill(filling, keys);
        filling.destroy();
        await made.stop();
        const first = await startServer({ dataDir, broker: 'off', failpoints });
        const dying = await first.connect();
        dying.on('error', () => undefined);
        await dying.query('ALTER TABLE d.t MODIFY COLUMN v INT').catch(() => undefined);
        if (!failpoints.startsWith('fe:')) {
          // The loader is started again, and the job goes on by itself.
          await proveWhole(first, 0);
          dying.destroy();
          await first.stop();
          return;
        }
        await first.exited;
        dying.destroy();
        const second = await startServer({ dataDir, broker: 'off' });
        await proveWhole(second, 0);
        await second.stop();
      } finally {
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
  }

  for (const keys of MODELS) {
    test(`${keys}: statements go on while it runs, and none of their rows is lost`, async () => {
      const server = await startServer({ broker: 'off' });
      const connection = await server.connect();
      const other = await server.connect();
      await fill(connection, keys);
      await connection.query('ALTER TABLE d.t MODIFY COLUMN v INT');
      let added = 0;
      const over = ended(connection);
      let isOver = false;
      const noted = over.then(() => {
        isOver = true;
      });
      while (!isOver) {
        const a = 100_000 + added;
        // Refused where its columns changed between plan and commit: it is told to run again.
        const done = await other.query(`INSERT INTO d.t VALUES (${a}, '${a}')`).then(
          () => true,
          (error: unknown) => {
            assert.match(String(error), /were changed meanwhile|Unknown error|aborted/);
            return false;
          },
        );
        if (done) added += 1;
      }
      await noted;
      other.destroy();
      connection.destroy();
      await proveWhole(server, added);
      await server.stop();
    });
  }
});
