// kill -9 of the front end and of the CN at each step of INSERTs that share a transaction: what was answered is there,
// each row once, and of each transaction all rows or none.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

const CLIENTS = 20;

/** A client's statements, one after the other; ids that were answered, with their transaction. */
interface Client {
  readonly connection: Connection;
  readonly answered: Map<number, string>;
}

async function prepared(server: TestServer): Promise<void> {
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.plain (id INT NOT NULL, tag INT)');
  await server.sql('CREATE TABLE d.keyed (id INT NOT NULL, tag INT) PRIMARY KEY (id)');
}

/** Sends statement after statement until one fails; where the CN died, those of other groups go on. */
async function insertUntilItFails(client: Client, table: string, i: number): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) {
    const id = i * 1000 + turn;
    try {
      const sql = `INSERT INTO d.${table} VALUES (${id}, ${turn}), (${id + 500_000}, ${turn})`;
      const [header] = await client.connection.query(sql);
      const { info } = header as ResultSetHeader;
      client.answered.set(id, /'txnId':'(\d+)'/.exec(info)?.[1] ?? '');
    } catch {
      return;
    }
  }
}

describe('a kill in the middle of INSERTs that share a transaction', () => {
  let dataDir: string;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-groups-'));
    const server = await startServer({ dataDir, broker: 'off' });
    await prepared(server);
    await server.stop();
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  const steps: readonly (readonly [failpoint: string, table: string])[] = [
    ['fe:begin.after-sql=kill@6', 'plain'],
    ['fe:insert.before-commit=kill@6', 'plain'],
    ['fe:insert.in-sql=kill@6', 'plain'],
    ['fe:insert.after-sql=kill@6', 'plain'],
    ['fe:insert.after-sql=kill@6', 'keyed'],
    ['fe:resolve.before-commit=kill@6', 'keyed'],
    ['query:stage.before-put=kill@6', 'plain'],
    ['query:stage.after-put=kill@6', 'plain'],
    ['query:insert.after-copy=kill@6', 'keyed'],
  ];
  for (const [failpoints, table] of steps) {
    test(`${failpoints}, a table that is ${table}: what was answered is there, once, and no statement by half`, async () => {
      const first = await startServer({ dataDir, broker: 'off', failpoints });
      const clients: Client[] = await Promise.all(
        Array.from({ length: CLIENTS }, async () => ({
          connection: await first.connect(),
          answered: new Map<number, string>(),
        })),
      );
      await Promise.all(clients.map((client, i) => insertUntilItFails(client, table, i)));
      for (const { connection } of clients) connection.destroy();
      if (failpoints.startsWith('fe:')) await first.exited;
      else await first.stop();
      assert(first.hasLogged('fired'), 'the failpoint was met');
      const second = await startServer({ dataDir, broker: 'off' });
      const { rows } = await second.sql(`SELECT id, count(*) FROM d.${table} GROUP BY id`);
      const counts = new Map(rows.map(([id, count]) => [Number(id), Number(count)]));
      const answered = clients.flatMap((client) => [...client.answered]);
      const transactions = new Set(answered.map(([, transaction]) => transaction));
      assert(transactions.size < answered.length, 'they did share transactions');
      for (const [id] of answered) assert.equal(counts.get(id), 1, `row ${id} was answered`);
      for (const [id, count] of counts) {
        assert.equal(count, 1, `row ${id}`);
        const other = id >= 500_000 ? id - 500_000 : id + 500_000;
        assert(counts.has(other), `row ${id} without the other one of its statement`);
      }
      await second.sql(`TRUNCATE TABLE d.${table}`);
      await second.stop();
    });
  }
});
