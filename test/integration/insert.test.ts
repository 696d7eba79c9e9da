// INSERT whatever dies: all rows or none, and the label says which. KILL, a time limit and a client that goes
// end it without a trace. Temporary tables end with their session and with the front end.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

const INSERT =
  'INSERT INTO d.t WITH LABEL the_label SELECT generate_series, 1 FROM TABLE(generate_series(1, 1000))';

async function count(connection: Connection, table = 'd.t'): Promise<number> {
  const [rows] = await connection.query({
    sql: `SELECT count(*) FROM ${table}`,
    rowsAsArray: true,
  });
  return Number((rows as unknown as string[][])[0]?.[0]);
}

async function prepared(server: TestServer): Promise<void> {
  const connection = await server.connect();
  await connection.query('CREATE DATABASE d');
  await connection.query('CREATE TABLE d.t (a INT, b INT)');
  connection.destroy();
}

test('the front end dies after the commit: the rows are there, and the label says so', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-insert-'));
  try {
    const failpoints = 'fe:insert.after-sql=kill@1';
    const first = await startServer({ dataDir, broker: 'off', failpoints });
    await prepared(first);
    const dying = await first.connect();
    await assert.rejects(dying.query(INSERT));
    dying.destroy();
    await first.exited;
    const second = await startServer({ dataDir, broker: 'off' });
    const connection = await second.connect();
    await assert.rejects(connection.query(INSERT), /has already been used/);
    assert.equal(await count(connection), 1000);
    connection.destroy();
    await second.stop();
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

describe('an INSERT that is stopped', () => {
  let server: TestServer;
  let connection: Connection;
  /** Long enough to be stopped, whatever the machine. */
  const LONG =
    'INSERT INTO d.t SELECT count(*), 1 FROM TABLE(generate_series(1, 1000000)) a JOIN TABLE(generate_series(1, 1000000)) b ON a.generate_series <> b.generate_series';

  before(async () => {
    server = await startServer({ broker: 'off', failpoints: 'query:rpc.answer:insert=lose@1' });
    await prepared(server);
    connection = await server.connect();
  });
  after(async () => {
    connection.destroy();
    await server.stop();
  });

  test('a lost answer of the CN: an error, no row, and the same label again', async () => {
    const lost = INSERT.replace(' SELECT', ' PROPERTIES ("timeout" = "2") SELECT');
    await assert.rejects(connection.query(lost), /2000 ms/);
    assert.equal(await count(connection), 0);
    await connection.query(INSERT);
    assert.equal(await count(connection), 1000);
    await connection.query('TRUNCATE TABLE d.t');
  });

  test('its own time limit', async () => {
    await connection.query('SET insert_timeout = 1');
    await assert.rejects(connection.query(LONG), /1000 ms/);
    await connection.query('SET insert_timeout = 14400');
    assert.equal(await count(connection), 0);
  });

  test('KILL QUERY: the connection goes on', async () => {
    const victim = await server.connect();
    const running = victim.query(LONG);
    const rejected = assert.rejects(running);
    await untilRunning(connection, victim.threadId ?? 0);
    await connection.query(`KILL QUERY ${victim.threadId}`);
    await rejected;
    assert.equal(await count(victim), 0);
    victim.destroy();
  });

  test('a client that goes: its transaction is aborted', async () => {
    const victim = await server.connect();
    // The client library tells a query of a connection that it closed itself nothing.
    void victim.query(LONG.replace('d.t', 'd.t WITH LABEL gone')).catch(() => undefined);
    while ((await statesOfGone()).length === 0);
    victim.destroy();
    // The label is free as soon as the transaction is aborted.
    for (let tries = 0; ; tries += 1) {
      try {
        await connection.query('INSERT INTO d.t WITH LABEL gone VALUES (1, 1)');
        break;
      } catch (error) {
        if (tries > 100) throw error;
      }
    }
    assert.equal(await count(connection), 1);
    assert.deepEqual((await statesOfGone()).toSorted(), [
      'CANCELLED type:USER_CANCEL; msg:the client closed the connection',
      'FINISHED null',
    ]);
  });

  async function statesOfGone(): Promise<readonly string[]> {
    const [rows] = await connection.query<RowDataPacket[]>(
      "SELECT STATE, ERROR_MSG FROM information_schema.loads WHERE LABEL = 'gone'",
    );
    return rows.map((row) => `${row['STATE']} ${row['ERROR_MSG']}`);
  }

  async function untilRunning(watcher: Connection, id: number): Promise<void> {
    for (let tries = 0; tries < 200; tries += 1) {
      const [rows] = await watcher.query('SHOW PROCESSLIST');
      const row = (rows as { Id: number | string; Info: string }[]).find(
        (entry) => Number(entry.Id) === id,
      );
      if (row?.Info.includes('INSERT') === true) return;
    }
    throw new Error('the INSERT does not run');
  }
});

test('temporary tables end with their session, and with a front end that is killed', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-temporary-'));
  try {
    const first = await startServer({ dataDir, broker: 'off' });
    await prepared(first);
    const mine = await first.connect();
    await mine.query('USE d');
    await mine.query('CREATE TEMPORARY TABLE own AS SELECT 1 AS a');
    assert.equal(await count(mine, 'own'), 1);
    const other = await first.connect();
    await assert.rejects(count(other, 'd.own'), /Unknown table/);
    await mine.changeUser({ user: 'root' });
    await assert.rejects(count(mine, 'd.own'), /Unknown table/);
    await mine.query('CREATE TEMPORARY TABLE d.own AS SELECT 2 AS a');
    first.child.kill('SIGKILL');
    await first.exited;
    mine.destroy();
    other.destroy();
    const second = await startServer({ dataDir, broker: 'off' });
    const again = await second.connect();
    await assert.rejects(count(again, 'd.own'), /Unknown table/);
    await again.query('CREATE TEMPORARY TABLE d.own (a INT)');
    assert.equal(await count(again, 'd.own'), 0);
    again.destroy();
    await second.stop();
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
