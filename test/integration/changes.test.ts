// DELETE and UPDATE among other writers: every row changes once, none is lost or doubled, whoever comes in between.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

const WRITERS = 4;
const ROWS = 4000;

async function one(connection: Connection, sql: string): Promise<number> {
  const [rows] = await connection.query({ sql, rowsAsArray: true });
  return Number((rows as unknown as string[][])[0]?.[0]);
}

async function change(connection: Connection, sql: string): Promise<number> {
  const [result] = await connection.query(sql);
  return (result as { affectedRows: number }).affectedRows;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

describe('changes at the same time', () => {
  let dataDir: string;
  let server: TestServer;
  const open: Connection[] = [];

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-changes-'));
    server = await startServer({ dataDir, broker: 'off' });
    for (let i = 0; i < WRITERS; i += 1) open.push(await server.connect());
    await open[0]?.query('CREATE DATABASE d');
    for (const connection of open) await connection.query('USE d');
  });
  after(async () => {
    for (const connection of open) connection.destroy();
    await server.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('the same rows of one file: each is deleted by one of the statements', async () => {
    const [first] = open;
    assert(first !== undefined);
    await first.query('CREATE TABLE a (k INT, w INT)');
    await first.query(
      `INSERT INTO a SELECT generate_series, 0 FROM TABLE(generate_series(1, ${ROWS}))`,
    );
    for (let round = 0; round < 3; round += 1) {
      const where = `k % 4 = ${round}`;
      const gone = await Promise.all(
        open.map((connection) => change(connection, `DELETE FROM a WHERE ${where}`)),
      );
      assert.equal(sum(gone), ROWS / 4, String(gone));
    }
    assert.equal(await one(first, 'SELECT count(*) FROM a'), ROWS / 4);
    assert.equal(await one(first, 'SELECT sum(k) FROM a WHERE k % 4 <> 3'), 0);
  });

  test('different rows of one file, with INSERTs of others in between', async () => {
    const [first] = open;
    assert(first !== undefined);
    await first.query('CREATE TABLE b (k INT, w INT)');
    await first.query(
      `INSERT INTO b SELECT generate_series, generate_series % ${WRITERS} FROM TABLE(generate_series(1, ${ROWS}))`,
    );
    const steps = 10;
    const counts = await Promise.all(
      open.map(async (connection, w) => {
        const gone: number[] = [];
        for (let step = 0; step < steps; step += 1) {
          const to = (ROWS / steps) * (step + 1);
          gone.push(await change(connection, `DELETE FROM b WHERE w = ${w} AND k <= ${to}`));
          await connection.query(`INSERT INTO b VALUES (${ROWS + 1 + step}, ${w})`);
        }
        return sum(gone);
      }),
    );
    assert.deepEqual(
      counts,
      Array.from({ length: WRITERS }, () => ROWS / WRITERS),
    );
    assert.equal(await one(first, 'SELECT count(*) FROM b'), WRITERS * steps);
    assert.equal(await one(first, 'SELECT min(k) FROM b'), ROWS + 1);
  });

  test('a reader always sees whole statements', async () => {
    const [first, second, reader] = open;
    assert(first !== undefined && second !== undefined && reader !== undefined);
    await first.query('CREATE TABLE c (k INT, w INT)');
    // Pairs of rows leave and come together: their number is even at every moment.
    const done = new AbortController();
    const writing = (async () => {
      for (let step = 0; step < 15; step += 1) {
        await first.query(`INSERT INTO c VALUES (${step}, 1), (${step}, 2)`);
        if (step % 3 === 2) await second.query(`DELETE FROM c WHERE k = ${step - 1}`);
        if (step % 5 === 4) await second.query('INSERT OVERWRITE c SELECT * FROM c WHERE k > 2');
      }
      done.abort();
    })();
    let looks = 0;
    while (!done.signal.aborted) {
      const odd = await one(
        reader,
        'SELECT count(*) FROM (SELECT k FROM c GROUP BY k HAVING count(*) <> 2) x',
      );
      assert.equal(odd, 0);
      looks += 1;
    }
    await writing;
    assert.ok(looks > 5, `${looks} looks`);
  });

  for (const keys of ['PRIMARY KEY(k)', 'DUPLICATE KEY(k)']) {
    test(`no UPDATE of another is lost: ${keys}`, async () => {
      const [first] = open;
      assert(first !== undefined);
      await first.query('DROP TABLE IF EXISTS e');
      await first.query(`CREATE TABLE e (k INT NOT NULL, n INT) ${keys}`);
      await first.query('INSERT INTO e VALUES (0, 0), (1, 0), (2, 0), (3, 0)');
      const steps = 8;
      const changed = await Promise.all(
        open.map(async (connection, w) => {
          let rows = 0;
          for (let step = 0; step < steps; step += 1) {
            const where = step % 2 === 0 ? 'true' : `k = ${(w + step) % 4}`;
            rows += await change(connection, `UPDATE e SET n = n + 1 WHERE ${where}`);
          }
          return rows;
        }),
      );
      assert.equal(sum(changed), WRITERS * (steps / 2) * 5, String(changed));
      assert.equal(await one(first, 'SELECT sum(n) FROM e'), sum(changed));
      assert.equal(await one(first, 'SELECT count(*) FROM e'), 4);
    });
  }

  test('upserts, UPDATE and DELETE of the same keys: a key is there once at every moment', async () => {
    const [first, second, third, reader] = open;
    assert(first !== undefined && second !== undefined);
    assert(third !== undefined && reader !== undefined);
    await first.query('CREATE TABLE f (k INT NOT NULL, n INT) PRIMARY KEY(k)');
    await first.query('INSERT INTO f SELECT generate_series, 0 FROM TABLE(generate_series(1, 20))');
    const steps = 12;
    const upserting = (async () => {
      for (let step = 0; step < steps; step += 1) {
        await first.query(`INSERT INTO f VALUES (${step % 5}, ${step}), (${(step % 5) + 10}, 1)`);
      }
    })();
    const updating = (async () => {
      for (let step = 0; step < steps; step += 1) {
        await second.query('UPDATE f SET n = n + 1 WHERE k < 15');
      }
    })();
    const deleting = (async () => {
      for (let step = 0; step < steps; step += 1) {
        await third.query(`DELETE FROM f WHERE k = ${step % 7} OR k = ${20 - step}`);
      }
    })();
    const all = Promise.all([upserting, updating, deleting]);
    let running = true;
    const ended = all.finally(() => {
      running = false;
    });
    while (running) {
      assert.equal(await one(reader, 'SELECT count(*) - count(DISTINCT k) FROM f'), 0);
    }
    await ended;
    // Keys that nobody deletes or writes again saw every UPDATE once; those that nobody writes again are gone.
    assert.equal(await one(reader, 'SELECT n FROM f WHERE k = 7'), steps);
    assert.equal(await one(reader, 'SELECT n FROM f WHERE k = 8'), steps);
    assert.equal(await one(reader, 'SELECT count(*) FROM f WHERE k >= 15'), 0);
  });
});
