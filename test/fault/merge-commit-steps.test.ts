// kill -9 of the front end and of the loader at each step of merged loads: what was answered is there, each row once, and
// of each transaction all rows or none.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startServer, type TestServer } from '../support/start-server.ts';
import { load } from '../support/stream-client.ts';

const CLIENTS = 15;
const TURNS = 30;
const HEADERS = {
  column_separator: ',',
  enable_merge_commit: 'true',
  merge_commit_interval_ms: '40',
  merge_commit_parallel: '1',
};

/** Loads one after the other until one fails; ids that were answered, with their transaction. */
async function loadUntilItFails(
  server: TestServer,
  i: number,
): Promise<readonly (readonly [id: number, transaction: string])[]> {
  const port = server.ready.cnHttpPort;
  const answered: (readonly [number, string])[] = [];
  for (let turn = 0; turn < TURNS; turn += 1) {
    const id = i * 1000 + turn;
    const body = `${id},x\n${id + 500_000},y\n`;
    const reply = await load({ port, to: 'd/t', headers: HEADERS }, body).catch(() => null);
    if (reply?.json['Status'] !== 'Success') break;
    answered.push([id, String(reply.json['TxnId'])]);
  }
  return answered;
}

describe('a kill in the middle of merged loads', () => {
  let dataDir: string;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-merges-'));
    const server = await startServer({ dataDir, broker: 'off' });
    await server.sql('CREATE DATABASE d');
    await server.sql('CREATE TABLE d.t (id INT NOT NULL, tag VARCHAR(5))');
    await server.stop();
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  const steps = [
    'fe:stream-load.begun=kill@4',
    'fe:stream-load.before-commit=kill@4',
    'fe:insert.in-sql=kill@4',
    'fe:insert.after-sql=kill@4',
    'loader:body.after-read=kill@4',
    'loader:stage.after-put=kill@4',
    'loader:body.staged=kill@4',
  ];
  for (const failpoints of steps) {
    test(`${failpoints}: what was answered is there, once, and no request by half`, async () => {
      const first = await startServer({ dataDir, broker: 'off', failpoints });
      const clients = Array.from({ length: CLIENTS }, (_, i) => loadUntilItFails(first, i));
      const answered = (await Promise.all(clients)).flat();
      if (failpoints.startsWith('fe:')) await first.exited;
      else await first.stop();
      assert(first.hasLogged('fired'), 'the failpoint was met');
      const second = await startServer({ dataDir, broker: 'off' });
      try {
        const { rows } = await second.sql('SELECT id, count(*) FROM d.t GROUP BY id');
        const counts = new Map(rows.map(([id, count]) => [Number(id), Number(count)]));
        const transactions = new Set(answered.map(([, transaction]) => transaction));
        assert(transactions.size < answered.length, 'they did share transactions');
        for (const [id] of answered) assert.equal(counts.get(id), 1, `row ${id} was answered`);
        for (const [id, count] of counts) {
          assert.equal(count, 1, `row ${id}`);
          const other = id >= 500_000 ? id - 500_000 : id + 500_000;
          assert(counts.has(other), `row ${id} without the other one of its request`);
        }
        const again = await load(
          { port: second.ready.cnHttpPort, to: 'd/t', headers: HEADERS },
          '999999,z\n',
        );
        assert.equal(again.json['Status'], 'Success');
        await second.sql('TRUNCATE TABLE d.t');
      } finally {
        await second.stop();
      }
    });
  }
});
