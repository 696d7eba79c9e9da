// SQL transactions over the wire: what drivers see of them, how they end with their session, KILL, time limits, and
// clients that send BEGIN and COMMIT around whatever they do.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

const IN_TRANSACTION = 1;

describe('SQL transactions', () => {
  let server: TestServer;
  let connection: Connection;
  let other: Connection;

  before(async () => {
    server = await startServer({ broker: 'off' });
    connection = await server.connect();
    other = await server.connect();
    await connection.query('CREATE DATABASE d');
    for (const each of [connection, other]) await each.query('USE d');
    await connection.query('CREATE TABLE a (x INT)');
    await connection.query('CREATE TABLE b (x INT) PRIMARY KEY (x)');
  });
  after(async () => {
    connection.destroy();
    other.destroy();
    await server.stop();
  });

  const count = async (table: string, on = other): Promise<number> => {
    const [rows] = await on.query({ sql: `SELECT count(*) FROM ${table}`, rowsAsArray: true });
    return Number((rows as unknown as string[][])[0]?.[0]);
  };
  const run = async (sql: string, on = connection): Promise<ResultSetHeader> => {
    const [header] = await on.query<ResultSetHeader>(sql);
    // mysql2 leaves the length before the text.
    return { ...header, info: header.info?.replace(/^[^{]/, '') ?? '' };
  };
  const rowsOf = async (sql: string, on = other): Promise<readonly (readonly string[])[]> => {
    const [rows] = await on.query({ sql, rowsAsArray: true });
    return rows as unknown as string[][];
  };
  const untilState = async (label: string, state: string): Promise<readonly string[]> => {
    for (;;) {
      const [row] = await rowsOf(`SHOW TRANSACTION WHERE label = '${label}'`);
      if (row?.[3] === state) return row;
      await rowsOf('SELECT sleep(0.02)');
    }
  };

  test("OK packets: the flag SERVER_STATUS_IN_TRANS, rows, StarRocks' info text", async () => {
    const begun = await run('BEGIN WITH LABEL flags');
    assert.equal(begun.serverStatus & IN_TRANSACTION, IN_TRANSACTION);
    assert.match(begun.info, /^\{'label':'flags', 'status':'PREPARE', 'txnId':'\d+'\}$/);
    const inserted = await run('INSERT INTO a VALUES (1), (2)');
    assert.equal(inserted.affectedRows, 2);
    assert.equal(inserted.info, begun.info);
    assert.equal(inserted.serverStatus & IN_TRANSACTION, IN_TRANSACTION);
    const again = await run('START TRANSACTION');
    assert.equal(again.info, begun.info);
    const committed = await run('COMMIT');
    assert.equal(committed.info, begun.info.replace('PREPARE', 'VISIBLE'));
    assert.equal(committed.serverStatus & IN_TRANSACTION, 0);
    assert.equal(await count('a'), 2);
    await run('BEGIN');
    const rolledBack = await run('ROLLBACK');
    assert.match(rolledBack.info, /'status':'ABORTED'/);
    assert.equal(rolledBack.serverStatus & IN_TRANSACTION, 0);
    await run('TRUNCATE TABLE a');
  });

  test("a driver's own transactions: commit, rollback, prepared statements in them", async () => {
    await connection.beginTransaction();
    await connection.execute('INSERT INTO a VALUES (?)', [7]);
    await connection.execute('INSERT INTO b VALUES (?)', [7]);
    assert.equal(await count('a'), 0);
    await connection.commit();
    assert.deepEqual([await count('a'), await count('b')], [1, 1]);
    await connection.beginTransaction();
    const [changed] = await connection.execute<ResultSetHeader>('DELETE FROM b WHERE x = ?', [7]);
    assert.equal(changed.affectedRows, 1);
    await connection.rollback();
    assert.equal(await count('b'), 1);
    await run('TRUNCATE TABLE a');
  });

  test('autocommit = 0 changes nothing: a statement without BEGIN is visible at once', async () => {
    await run('SET autocommit = 0');
    const inserted = await run('INSERT INTO a VALUES (1)');
    assert.match(inserted.info, /VISIBLE/);
    assert.equal(await count('a'), 1);
    await run('ROLLBACK');
    await run('COMMIT');
    await run('SET autocommit = 1');
    assert.equal(await count('a'), 1);
    await run('TRUNCATE TABLE a');
  });

  test('clients that put BEGIN and COMMIT around single statements of all kinds go on working', async () => {
    for (const sql of [
      'CREATE TABLE made (x INT)',
      'INSERT INTO made VALUES (1)',
      'INSERT OVERWRITE made VALUES (2)',
      'ALTER TABLE made COMMENT = "m"',
      'SELECT * FROM made',
      'TRUNCATE TABLE made',
      'DROP TABLE made FORCE',
    ]) {
      await run('BEGIN');
      // An overwrite is no part of a transaction; all else that comes first in one runs by itself.
      if (sql.includes('OVERWRITE')) await assert.rejects(run(sql), { errno: 5305 });
      else await run(sql);
      await run('COMMIT');
    }
  });

  test('the end of a session rolls back, however it ends; its label is free', async () => {
    for (const end of ['close', 'destroy', 'kill', 'reset'] as const) {
      const leaving = await server.connect();
      await run('USE d', leaving);
      await run(`BEGIN WITH LABEL leaving_${end}`, leaving);
      await run('INSERT INTO a VALUES (1)', leaving);
      if (end === 'close') await leaving.end();
      else if (end === 'destroy') leaving.destroy();
      else if (end === 'kill') await run(`KILL ${leaving.threadId}`);
      else await leaving.changeUser({ user: 'root', database: 'd' });
      const row = await untilState(`leaving_${end}`, 'ABORTED');
      assert.match(row[10] ?? '', /its session ended/);
      leaving.destroy();
      await run(`INSERT INTO a WITH LABEL leaving_${end} VALUES (5)`);
    }
    assert.equal(await count('a WHERE x = 1'), 0);
    await run('TRUNCATE TABLE a');
  });

  test('a statement that was killed is no part of the transaction; the others are', async () => {
    await run('BEGIN');
    await run('INSERT INTO a VALUES (1)');
    const long = run(
      'INSERT INTO a SELECT count(*) FROM TABLE(generate_series(1, 1000000)) s JOIN TABLE(generate_series(1, 1000000)) t ON s.generate_series <> t.generate_series',
    );
    const failed = assert.rejects(long, /[Kk]ill|interrupted|cancel/);
    for (;;) {
      const running = await rowsOf('SHOW FULL PROCESSLIST');
      const info = running.find((row) => row[8]?.startsWith('INSERT INTO a SELECT'));
      if (info !== undefined) break;
    }
    await run(`KILL QUERY ${connection.threadId}`, other);
    await failed;
    await run('INSERT INTO a VALUES (2)');
    await run('COMMIT');
    assert.equal(await count('a'), 2);
    await run('TRUNCATE TABLE a');
  });

  test('a time limit ends the transaction: its statements say so, and COMMIT leaves it', async () => {
    await run('SET insert_timeout = 1');
    await run('BEGIN WITH LABEL too_slow');
    await run('INSERT INTO a VALUES (1)');
    await run('SET insert_timeout = 14400');
    const [row] = await rowsOf("SHOW TRANSACTION WHERE label = 'too_slow'");
    assert.equal(row?.[13], '1000');
    await rowsOf('SELECT sleep(1.2)');
    await run('ADMIN SWEEP', other);
    await assert.rejects(run('INSERT INTO a VALUES (2)'), /was aborted: timed out/);
    await assert.rejects(run('COMMIT'), /was aborted: timed out/);
    await run('INSERT INTO a WITH LABEL too_slow VALUES (3)');
    assert.equal(await count('a'), 1);
    await run('TRUNCATE TABLE a');
  });

  test('two transactions write the same rows: the one that commits last wins', async () => {
    await run('CREATE TABLE k (x INT NOT NULL, v INT) PRIMARY KEY (x)');
    await run('INSERT INTO k VALUES (1, 0)');
    await run('BEGIN');
    await run('BEGIN', other);
    await run('UPDATE k SET v = 1 WHERE x = 1');
    await run('UPDATE k SET v = 2 WHERE x = 1', other);
    await run('INSERT INTO k VALUES (2, 1)');
    await run('COMMIT', other);
    await run('COMMIT');
    assert.deepEqual(await rowsOf('SELECT x, v FROM k ORDER BY x'), [
      ['1', '1'],
      ['2', '1'],
    ]);
    await run('DROP TABLE k FORCE');
  });

  test('many statements become one version of each table', async () => {
    const versions = async (): Promise<number> => (await rowsOf('SHOW SNAPSHOTS FROM a')).length;
    const before = await versions();
    await run('BEGIN');
    for (let x = 0; x < 40; x += 1) await run(`INSERT INTO a VALUES (${x})`);
    await run('COMMIT');
    assert.equal(await count('a'), 40);
    assert.equal((await versions()) - before, 1);
    await run('TRUNCATE TABLE a');
  });

  test('the sweep takes the parts that COMMIT merged, none of what is open, and no row', async () => {
    await run('CREATE TABLE m (x INT NOT NULL, v INT) PRIMARY KEY (x)');
    await run('BEGIN', other);
    await run('INSERT INTO m VALUES (9, 9)', other);
    await run('BEGIN');
    await run('INSERT INTO m VALUES (1, 1), (2, 1)');
    await run('INSERT INTO m VALUES (2, 2), (3, 2)');
    const orphans = async (): Promise<number> => {
      const found = await rowsOf('ADMIN SWEEP DRY RUN', connection);
      return found.filter((row) => row[2]?.includes('/m-')).length;
    };
    await run('COMMIT');
    assert.equal(await orphans(), 2, 'the files of the two INSERTs');
    await run('ADMIN SWEEP');
    assert.equal(await orphans(), 0);
    assert.deepEqual(await rowsOf('SELECT sum(v) FROM m', connection), [['5']]);
    await run('COMMIT', other);
    assert.deepEqual(await rowsOf('SELECT sum(v) FROM m', connection), [['14']]);
    await run('DROP TABLE m FORCE');
  });

  test('metrics count transactions and their rows', async () => {
    const text = await (await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`)).text();
    assert.match(
      text,
      /millrace_load_transactions_total\{kind="transaction",state="visible"\} \d+/,
    );
    assert.match(
      text,
      /millrace_load_transactions_total\{kind="transaction",state="aborted"\} \d+/,
    );
    assert.match(text, /millrace_load_rows_total\{kind="transaction",result="loaded"\} \d+/);
  });
});
