// Invariant 3 over the wire: while several connections insert, delete, truncate and go back, and compaction merges
// behind them, every reader sees whole batches only, one version in all parts of a statement, and each old
// version as it was listed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

const WRITERS = 3;
const BATCHES = 30;
const ROWS = 100;

let server: TestServer;
before(async () => {
  server = await startServer({ broker: 'off' });
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

async function rows(connection: Connection, sql: string): Promise<string[][]> {
  const [found] = await connection.query({ sql, rowsAsArray: true });
  return (found as unknown[][]).map((row) => row.map(String));
}

async function write(writer: number): Promise<void> {
  const connection = await server.connect();
  for (let index = 0; index < BATCHES; index += 1) {
    const batch = writer * 1000 + index;
    await connection.query(
      `INSERT INTO d.t SELECT ${batch}, generate_series FROM TABLE(generate_series(0, ${ROWS - 1}))`,
    );
    if (index % 7 === 3) await connection.query(`DELETE FROM d.t WHERE batch = ${batch - 2}`);
    if (index % 13 === 12) {
      const [[head = '1'] = []] = await rows(connection, 'SHOW SNAPSHOTS FROM d.t LIMIT 1');
      const back = Math.max(1, Number(head) - 5);
      if (writer === 0) await connection.query('TRUNCATE TABLE d.t');
      await connection.query(`ALTER TABLE d.t ROLLBACK TO VERSION ${back}`);
    }
  }
}

/** Reads until the writers are done; gives how often. */
async function readHeads(isDone: () => boolean): Promise<number> {
  const connection = await server.connect();
  let reads = 0;
  while (!isDone()) {
    const torn = await rows(
      connection,
      `SELECT batch, count(*), count(DISTINCT i), sum(i) FROM d.t GROUP BY batch
       HAVING count(*) <> ${ROWS} OR count(DISTINCT i) <> ${ROWS} OR sum(i) <> ${(ROWS * (ROWS - 1)) / 2}`,
    );
    assert.deepEqual(torn, [], 'a batch is there whole or not at all');
    const [same] = await rows(
      connection,
      `SELECT (SELECT count(*) FROM d.t), count(*), (SELECT sum(n) FROM (SELECT batch, count(*) AS n FROM d.t GROUP BY batch) g)
       FROM d.t`,
    );
    const [one, two, three] = same ?? [];
    assert.equal(one, two, 'one version in all parts of a statement');
    assert.equal(three === 'null' ? '0' : three, two);
    reads += 1;
  }
  return reads;
}

async function readThen(isDone: () => boolean): Promise<number> {
  const connection = await server.connect();
  const seen = new Map<string, string>();
  let reads = 0;
  while (!isDone()) {
    const listed = await rows(connection, 'SHOW SNAPSHOTS FROM d.t LIMIT 30');
    for (const [version = '', , , , , rowCount = ''] of [listed.at(0), listed.at(-1)].flatMap(
      (row) => (row === undefined ? [] : [row]),
    )) {
      const [[count = ''] = []] = await rows(
        connection,
        `SELECT count(*) FROM d.t FOR VERSION AS OF ${version}`,
      );
      assert.equal(count, rowCount, `version ${version} holds what is listed`);
      assert.equal(seen.get(version) ?? count, count, `version ${version} does not change`);
      seen.set(version, count);
      reads += 1;
    }
  }
  return reads;
}

test('readers see whole versions while writers, rollbacks and compaction go on', async () => {
  const connection = await server.connect();
  await connection.query('CREATE DATABASE d');
  await connection.query(
    'CREATE TABLE d.t (batch BIGINT NOT NULL, i INT NOT NULL) DUPLICATE KEY(batch)',
  );
  let done = false;
  const writing = Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => write(writer)),
  ).finally(() => {
    done = true;
  });
  const [heads, more, then] = await Promise.all([
    readHeads(() => done),
    readHeads(() => done),
    readThen(() => done),
    writing,
  ]);
  assert.ok(heads > 5 && more > 5 && then > 5, `${heads}, ${more}, ${then} reads`);
  const [last] = await rows(connection, 'CHECK TABLE d.t EXTENDED');
  assert.equal(last?.[2], 'note', JSON.stringify(last));
});
