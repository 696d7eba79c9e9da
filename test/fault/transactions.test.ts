// kill -9 of the front end and of the CN at each step of a SQL transaction over several tables: all of it or nothing,
// and the label says which.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer } from '../support/start-server.ts';

/** Two loads of a table with keys, which a CN merges at COMMIT, and one of a table without. */
const STATEMENTS = [
  'INSERT INTO d.p VALUES (1, 1), (2, 1)',
  'INSERT INTO d.t VALUES (1), (2), (3)',
  'INSERT INTO d.p VALUES (2, 2), (3, 2)',
];

async function transaction(connection: Connection): Promise<void> {
  await connection.query('BEGIN WITH LABEL the_label');
  for (const sql of STATEMENTS) await connection.query(sql);
  await connection.query('COMMIT');
}

async function counts(connection: Connection): Promise<string> {
  const sql =
    'SELECT (SELECT count(*) FROM d.t), (SELECT count(*) FROM d.p), (SELECT sum(v) FROM d.p)';
  const [rows] = await connection.query({ sql, rowsAsArray: true });
  return String((rows as unknown as string[][])[0]);
}

const NOTHING = '0,0,';
const ALL = '3,3,5';

describe('a kill in the middle of a SQL transaction', () => {
  let dataDir: string;

  before(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-transactions-'));
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  /** Step -> is all of it visible when it dies there? */
  const steps: readonly (readonly [failpoint: string, visible: boolean])[] = [
    ['fe:begin.after-sql=kill@1', false],
    ['fe:transaction.after-load=kill@2', false],
    ['fe:insert.before-sql=kill@1', false],
    ['fe:insert.in-sql=kill@1', false],
    ['fe:insert.after-sql=kill@1', true],
    ['query:insert.after-copy=kill@2', false],
    ['query:merge.after-write=kill@1', false],
  ];
  for (const [failpoints, visible] of steps) {
    test(`${failpoints}: ${visible ? 'all' : 'nothing'}, and the label says so`, async () => {
      const first = await startServer({ dataDir, broker: 'off', failpoints });
      const dying = await first.connect();
      await dying.query('CREATE DATABASE d');
      await dying.query('USE d');
      await dying.query('CREATE TABLE d.t (a INT)');
      await dying.query('CREATE TABLE d.p (k INT NOT NULL, v INT) PRIMARY KEY (k)');
      await assert.rejects(transaction(dying));
      dying.destroy();
      if (failpoints.startsWith('fe:')) await first.exited;
      else await first.stop();
      const second = await startServer({ dataDir, broker: 'off' });
      const connection = await second.connect();
      assert.equal(await counts(connection), visible ? ALL : NOTHING);
      if (visible) await assert.rejects(transaction(connection), /has already been used/);
      else await transaction(connection);
      assert.equal(await counts(connection), ALL, 'exactly once, however often it is asked');
      await connection.query('ROLLBACK');
      await connection.query('DROP DATABASE d FORCE');
      connection.destroy();
      await second.stop();
    });
  }
});
