// Many clients insert single rows at the same time: they share transactions, and each gets the answer that it would
// get alone: rows, label and transaction, warnings, or its own error.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

const CLIENTS = 30;

type Answer = { readonly affectedRows: number; readonly warnings: number; readonly info: string };

describe('INSERTs of many clients at once', () => {
  let server: TestServer;
  let clients: readonly Connection[];

  before(async () => {
    server = await startServer({ broker: 'off', failpoints: 'query:rpc.answer:insert=lose@1' });
    const connecting = Array.from({ length: CLIENTS }, () => server.connect());
    clients = await Promise.all(connecting);
    await server.sql('CREATE DATABASE d');
    for (const client of clients) await client.query('USE d');
  });
  after(async () => {
    for (const client of clients) client.destroy();
    await server.stop();
  });

  async function send(client: Connection, sql: string, values?: unknown[]): Promise<Answer> {
    const [header] =
      values === undefined
        ? await client.query(sql)
        : await client.execute(sql, values as (string | number | null)[]);
    const { affectedRows, warningStatus, info } = header as ResultSetHeader;
    return { affectedRows, warnings: warningStatus, info };
  }

  /** All at once; the answer, or the text of the error. */
  function sendAll(sqlOf: (client: number) => string): Promise<readonly (Answer | string)[]> {
    return Promise.all(
      clients.map((client, i) => send(client, sqlOf(i)).catch((error: Error) => error.message)),
    );
  }

  const transactionOf = (answer: Answer | string | undefined): string =>
    /'txnId':'(\d+)'/.exec(typeof answer === 'object' ? answer.info : '')?.[1] ?? '';

  async function rows(sql: string): Promise<readonly string[]> {
    return (await server.sql(sql)).rows.map((row) => row.join(' '));
  }

  async function until(there: () => Promise<boolean>): Promise<void> {
    while (!(await there())) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  test('what waits behind a statement whose CN does not answer: KILL, a time limit, and others do not wait for it', async () => {
    await server.sql('CREATE TABLE d.held (id INT)');
    const [lost, killed, well] = clients;
    assert(lost !== undefined && killed !== undefined && well !== undefined);
    for (const client of [lost, killed, well]) await client.query('SET insert_timeout = 4');
    // The answer to this one is lost.
    const first = send(lost, 'INSERT INTO held VALUES (1)').catch((error: Error) => error.message);
    await server.logged('failpoint rpc.answer:insert fired');
    const kill = send(killed, 'INSERT INTO held VALUES (2)').catch((e: Error) => e.message);
    await until(async () => {
      const shown = await server.sql('SHOW PROCESSLIST');
      return shown.rows.filter((row) => row.join().includes('INSERT INTO held')).length === 2;
    });
    await server.sql(`KILL QUERY ${killed.threadId}`);
    assert.match(String(await kill), /cancel|interrupted|killed/i);
    assert.equal((await send(well, 'INSERT INTO held VALUES (3), (4)')).affectedRows, 2);
    assert.match(String(await first), /4000 ms/);
    assert.deepEqual(await rows('SELECT id FROM d.held ORDER BY id'), ['3', '4']);
    for (const client of [lost, killed, well]) await client.query('SET insert_timeout = 14400');
  });

  test('every row once, few transactions, and each answer names one that is VISIBLE', async () => {
    await server.sql('CREATE TABLE d.one (id INT NOT NULL, v VARCHAR(10))');
    const answers: (Answer | string)[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      answers.push(...(await sendAll((i) => `INSERT INTO one VALUES (${turn * 100 + i}, 'x')`)));
    }
    for (const answer of answers) {
      assert(typeof answer === 'object', String(answer));
      assert.deepEqual([answer.affectedRows, answer.warnings], [1, 0]);
    }
    assert.deepEqual(await rows('SELECT count(*), count(DISTINCT id) FROM d.one'), ['150 150']);
    const transactions = new Set(answers.map(transactionOf));
    assert(transactions.size < 75, `${transactions.size} transactions for 150 statements`);
    for (const id of transactions) {
      const shown = await server.sql(`SHOW TRANSACTION FROM d WHERE id = ${id}`);
      assert(shown.rows[0]?.includes('VISIBLE'), id);
    }
    const labels = answers.map((answer) => (typeof answer === 'object' ? answer.info : ''));
    assert.match(
      String(labels[0]),
      /\{'label':'insert_[0-9a-f-]{36}', 'status':'VISIBLE', 'txnId':'\d+'\}$/,
    );
  });

  test('the time of each statement is its own where a default is it, and makes no transactions of their own', async () => {
    await server.sql(
      'CREATE TABLE d.times (id INT, at DATETIME DEFAULT CURRENT_TIMESTAMP(6), v INT DEFAULT "7")',
    );
    const answers: (Answer | string)[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      answers.push(...(await sendAll((i) => `INSERT INTO times (id) VALUES (${turn * 100 + i})`)));
    }
    const transactions = new Set(answers.map(transactionOf));
    assert(transactions.size <= 20, `${transactions.size} transactions for 150 statements`);
    const [counts] = await rows(
      'SELECT count(at), count(DISTINCT at) >= 5, min(v), max(v), max(at) <= now(6) FROM d.times',
    );
    assert.equal(counts, '150 1 7 7 1');
  });

  test('a statement that does not fit fails alone, with its own error and its own aborted transaction', async () => {
    await server.sql('CREATE TABLE d.strict (id INT NOT NULL, v VARCHAR(3))');
    const bad: Readonly<Record<number, string>> = {
      4: "(4, 'ok'), (400, 'too long')",
      11: '(NULL, NULL)',
      17: "('no number', 'x')",
    };
    const answers = await sendAll((i) => `INSERT INTO strict VALUES ${bad[i] ?? `(${i}, 'x')`}`);
    for (const [i, answer] of answers.entries()) {
      if (bad[i] === undefined) assert(typeof answer === 'object', `${i}: ${String(answer)}`);
      else assert.match(String(answer), /Insert has filtered data in strict mode, txn_id = \d+/);
    }
    assert.match(String(answers[4]), /too long/);
    assert.match(String(answers[17]), /no number/);
    const id = /txn_id = (\d+)/.exec(String(answers[4]))?.[1];
    const shown = await server.sql(`SHOW TRANSACTION FROM d WHERE id = ${id}`);
    assert(shown.rows[0]?.includes('ABORTED'));
    assert.deepEqual(await rows('SELECT count(*) FROM d.strict'), ['27']);
    assert.deepEqual(await rows('SELECT id FROM d.strict WHERE id IN (4, 400, 11, 17)'), []);
  });

  test('without strict mode what is rejected is counted for its own statement, under its own label', async () => {
    await server.sql('CREATE TABLE d.loose (id INT NOT NULL, v VARCHAR(3))');
    for (const client of clients) await client.query('SET enable_insert_strict = false');
    const answers = await sendAll((i) =>
      i === 9
        ? `INSERT INTO loose VALUES (9, 'fits'), (9, 'y'), (NULL, 'z')`
        : `INSERT INTO loose VALUES (${i}, 'x')`,
    );
    for (const client of clients) await client.query('SET enable_insert_strict = true');
    for (const [i, answer] of answers.entries()) {
      assert(typeof answer === 'object', String(answer));
      assert.deepEqual([answer.affectedRows, answer.warnings], i === 9 ? [1, 2] : [1, 0]);
    }
    assert.deepEqual(await rows('SELECT count(*) FROM d.loose'), [String(CLIENTS)]);
    const label = /'label':'([^']+)'/.exec(String((answers[9] as Answer).info))?.[1];
    const kept = `SELECT count(*) FROM _statistics_.rejected_records WHERE load_label = '${label}'`;
    assert.deepEqual(await rows(kept), ['2']);
  });

  test('of a key the row of the statement that came last stays', async () => {
    await server.sql('CREATE TABLE d.keyed (k INT, v INT) PRIMARY KEY (k)');
    await Promise.all(
      clients.map(async (client, i) => {
        for (let v = 1; v <= 4; v += 1) await send(client, `INSERT INTO keyed VALUES (${i}, ${v})`);
      }),
    );
    assert.deepEqual(await rows('SELECT count(*), min(v), max(v) FROM d.keyed'), [
      `${CLIENTS} 4 4`,
    ]);
    // One row of two statements for the same key: the one that is there came with either.
    const answers = await sendAll((i) => `INSERT INTO keyed VALUES (1000, ${i})`);
    for (const answer of answers) assert.equal((answer as Answer).affectedRows, 1);
    assert.deepEqual(await rows('SELECT count(*) FROM d.keyed WHERE k = 1000'), ['1']);
  });

  test('partitions: rows of a group go each to its own, and one that fits none fails alone', async () => {
    await server.sql(
      `CREATE TABLE d.parts (day DATE, id INT) PARTITION BY RANGE (day) (
         PARTITION p1 VALUES LESS THAN ('2026-02-01'), PARTITION p2 VALUES LESS THAN ('2026-03-01'))`,
    );
    const answers = await sendAll(
      (i) => `INSERT INTO parts VALUES ('2026-0${(i % 3) + 1}-10', ${i})`,
    );
    for (const [i, answer] of answers.entries()) {
      if (i % 3 === 2) assert.match(String(answer), /filtered data/);
      else assert(typeof answer === 'object', String(answer));
    }
    const counted = await rows('SELECT month(day), count(*) FROM d.parts GROUP BY 1 ORDER BY 1');
    assert.deepEqual(counted, ['1 10', '2 10']);
  });

  test('AUTO_INCREMENT, defaults and generated columns are made for each row', async () => {
    await server.sql(
      `CREATE TABLE d.made (id BIGINT NOT NULL AUTO_INCREMENT, v INT, w INT DEFAULT "7", u VARCHAR(40) DEFAULT (uuid()), s BIGINT AS v + w)`,
    );
    await sendAll((i) => `INSERT INTO made (v) VALUES (${i}), (-${i})`);
    const counted = await rows(
      'SELECT count(*), count(DISTINCT id), count(DISTINCT u), sum(s) - sum(v), min(w) FROM d.made',
    );
    assert.deepEqual(counted, ['60 60 60 420 7']);
  });

  test('prepared statements share transactions, too', async () => {
    await server.sql('CREATE TABLE d.bound (id INT, v VARCHAR(20), p DECIMAL(10, 2), d DATETIME)');
    const answers = await Promise.all(
      clients.map((client, i) =>
        send(client, 'INSERT INTO d.bound VALUES (?, ?, ?, ?)', [
          -i,
          `é${i}`,
          '1.25',
          '2026-01-02 03:04:05',
        ]),
      ),
    );
    for (const { affectedRows } of answers) assert.equal(affectedRows, 1);
    const transactions = new Set(answers.map(transactionOf));
    assert(transactions.size < CLIENTS / 2, `${transactions.size} transactions`);
    const counted = await rows('SELECT count(DISTINCT id), min(v), sum(p), max(d) FROM d.bound');
    assert.deepEqual(counted, [`${CLIENTS} é0 37.50 2026-01-02 03:04:05`]);
  });

  test('a label is one statement’s own, and so is its transaction; switched off, every statement has one', async () => {
    await server.sql('CREATE TABLE d.own (id INT)');
    const labelled = await sendAll((i) => `INSERT INTO own WITH LABEL l${i % 15} VALUES (${i})`);
    const refused = labelled.filter((answer) => typeof answer === 'string');
    assert.equal(refused.length, 15);
    for (const error of refused) assert.match(String(error), /has already been used/);
    const done = labelled.filter((answer) => typeof answer === 'object');
    assert.equal(new Set(done.map(transactionOf)).size, 15);
    for (const client of clients) await client.query('SET enable_insert_group = false');
    const alone = await sendAll((i) => `INSERT INTO own VALUES (${100 + i})`);
    for (const client of clients) await client.query('SET enable_insert_group = true');
    assert.equal(new Set(alone.map(transactionOf)).size, CLIENTS);
    assert.deepEqual(await rows('SELECT count(*) FROM d.own'), ['45']);
  });

  test('within BEGIN no INSERT is in a group: it becomes visible, or not, with its own transaction', async () => {
    await server.sql('CREATE TABLE d.begun (id INT)');
    for (const [i, client] of clients.entries()) if (i % 2 === 0) await client.query('BEGIN');
    const answers = await sendAll((i) => `INSERT INTO begun VALUES (${i})`);
    for (const answer of answers) assert(typeof answer === 'object', String(answer));
    assert.deepEqual(await rows('SELECT count(*) FROM d.begun WHERE id % 2 = 0'), ['0']);
    for (const [i, client] of clients.entries()) {
      if (i % 4 === 0) await client.query('COMMIT');
      else if (i % 2 === 0) await client.query('ROLLBACK');
    }
    const counted = 'SELECT id % 4, count(*) FROM d.begun GROUP BY 1 ORDER BY 1';
    assert.deepEqual(await rows(counted), ['0 8', '1 8', '3 7']);
  });

  test('a table that is dropped meanwhile: every statement has a row in no table, or an error', async () => {
    await server.sql('CREATE TABLE d.gone (id INT)');
    const sending = sendAll((i) => `INSERT INTO gone VALUES (${i})`);
    await server.sql('DROP TABLE d.gone FORCE');
    for (const answer of await sending) {
      if (typeof answer === 'string') assert.match(answer, /gone|dropped|Unknown table|10\d\d\d/);
    }
  });

  test('rights are asked of each statement', async () => {
    await server.sql('CREATE TABLE d.guarded (id INT)');
    await server.sql("CREATE USER 'writer' IDENTIFIED BY ''");
    await server.sql("CREATE USER 'reader' IDENTIFIED BY ''");
    await server.sql("GRANT INSERT ON TABLE d.guarded TO USER 'writer'");
    const users = ['writer', 'reader', 'writer', 'reader'];
    const connections = await Promise.all(users.map((user) => server.connect({ user })));
    const answers = await Promise.all(
      connections.map((client, i) =>
        send(client, `INSERT INTO d.guarded VALUES (${i})`).catch((error: Error) => error.message),
      ),
    );
    for (const connection of connections) connection.destroy();
    assert.deepEqual(
      answers.map((answer) => typeof answer),
      ['object', 'string', 'object', 'string'],
    );
    assert.deepEqual(await rows('SELECT id FROM d.guarded ORDER BY id'), ['0', '2']);
  });

  test('the sizes of groups are counted', async () => {
    const answer = await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`);
    const text = await answer.text();
    const figure = (name: string): number =>
      Number(new RegExp(`^millrace_insert_group_statements_${name} (\\d+)`, 'm').exec(text)?.[1]);
    assert(figure('sum') > 2 * figure('count'), `${figure('sum')} in ${figure('count')}`);
  });
});
