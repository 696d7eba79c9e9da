// kill -9 of the front end and of the CN at each step of an INSERT: all rows or none, and the label says which.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
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

describe('a kill in the middle of an INSERT', () => {
  let dataDir: string;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-insert-'));
    const server = await startServer({ dataDir, broker: 'off' });
    await prepared(server);
    await server.stop();
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  /** Step -> are the rows visible when it dies there? */
  const steps: readonly (readonly [failpoint: string, visible: boolean])[] = [
    ['fe:begin.after-sql=kill@1', false],
    ['fe:insert.before-commit=kill@1', false],
    ['fe:insert.in-sql=kill@1', false],
    ['fe:insert.after-sql=kill@1', true],
    ['query:stage.before-put=kill@1', false],
    ['query:stage.after-put=kill@1', false],
    ['query:insert.after-copy=kill@1', false],
  ];
  for (const [failpoints, visible] of steps) {
    test(`${failpoints}: ${visible ? 'all rows' : 'no row'}, and the label says so`, async () => {
      const first = await startServer({ dataDir, broker: 'off', failpoints });
      const dying = await first.connect();
      const before = await count(dying);
      await assert.rejects(dying.query(INSERT));
      dying.destroy();
      if (failpoints.startsWith('fe:')) await first.exited;
      else await first.stop();
      const second = await startServer({ dataDir, broker: 'off' });
      const connection = await second.connect();
      assert.equal((await count(connection)) - before, visible ? 1000 : 0);
      if (visible) await assert.rejects(connection.query(INSERT), /has already been used/);
      else await connection.query(INSERT);
      assert.equal(
        (await count(connection)) - before,
        1000,
        'exactly once, however often it is asked',
      );
      await connection.query('TRUNCATE TABLE d.t');
      await connection.query('DROP DATABASE d');
      connection.destroy();
      await prepared(second);
      await second.stop();
    });
  }

  for (const [failpoint, visible] of steps.filter(([step]) => step.startsWith('fe:insert'))) {
    test(`OVERWRITE, ${failpoint}: all new rows or all old ones`, async () => {
      const failpoints = failpoint.replace('@1', '@2');
      const first = await startServer({ dataDir, broker: 'off', failpoints });
      const dying = await first.connect();
      await dying.query('INSERT INTO d.t VALUES (1, 1), (2, 2)');
      await assert.rejects(dying.query(INSERT.replace('INSERT INTO', 'INSERT OVERWRITE')));
      dying.destroy();
      await first.exited;
      const second = await startServer({ dataDir, broker: 'off' });
      const connection = await second.connect();
      assert.equal(await count(connection), visible ? 1000 : 2);
      await connection.query('DROP DATABASE d');
      connection.destroy();
      await prepared(second);
      await second.stop();
    });
  }
});
