// Loads that the server has no room or no time for: told in StarRocks' words before anything of their body is read,
// their labels free, at both doors; those on their way go on.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';
import { ask, BareRequest, basic, load } from '../support/stream-client.ts';

const CSV = { column_separator: ',' };
const SHUTDOWN = 'Service is shutting down, please retry later!';
const FULL = 'Stream Load exceed http cuncurrent limit 2, please try again later';
/** Longer than a few requests take, shorter than running statements get at the end. */
const SLEEP_SECONDS = 3;

async function start(t: TestContext, dataDir: string): Promise<TestServer> {
  const conf = join(dataDir, 'cn.conf');
  writeFileSync(conf, 'stream_load_max_concurrent = 2\n');
  const server = await startServer({ broker: 'off', dataDir, conf: [conf] });
  t.after(() => server.kill());
  return server;
}

/** A load whose body was asked for, and has not come. */
async function underWay(port: number, to: string, label: string): Promise<BareRequest> {
  const headers = { ...CSV, label, expect: '100-continue', 'content-length': '8' };
  const request = new BareRequest({ port, to, headers });
  assert.match(await request.until(/\r\n\r\n/), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  return request;
}

type Answer = Record<string, unknown>;

async function loadOfTransaction(port: number, label: string): Promise<Answer> {
  const headers = { authorization: basic(), db: 'd', table: 't', label, ...CSV };
  const url = `http://127.0.0.1:${port}/api/transaction/load`;
  const reply = await fetch(url, { method: 'PUT', headers, body: '5,x' });
  return (await reply.json()) as Answer;
}

async function transaction(port: number, op: string, label: string): Promise<Answer> {
  const headers = { authorization: basic(), db: 'd', table: 't', label };
  const url = `http://127.0.0.1:${port}/api/transaction/${op}`;
  return (await (await fetch(url, { method: 'POST', headers })).json()) as Answer;
}

async function untilListed(server: TestServer, statement: string): Promise<void> {
  for (;;) {
    const { rows } = await server.sql('SHOW FULL PROCESSLIST');
    if (rows.some((row) => row.some((cell) => cell?.startsWith(statement) === true))) return;
  }
}

/** The first answer that is none of a success: the signal takes a moment to come. */
async function firstFailure(request: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await request();
    if (answer['Status'] !== 'Success') return answer;
  }
}

test('more loads at once than stream_load_max_concurrent', async (t) => {
  const server = await start(t, newDataDir());
  const { httpPort, cnHttpPort } = server.ready;
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a INT, b VARCHAR(10))');
  assert.equal((await transaction(cnHttpPort, 'begin', 'full_txn'))['Status'], 'OK');
  const held = [
    await underWay(httpPort, 'd/t', 'held_1'),
    await underWay(cnHttpPort, 'd/t', 'held_2'),
  ];
  for (const port of [httpPort, cnHttpPort]) {
    const label = `more_${port}`;
    const headers = { ...CSV, label, expect: '100-continue', 'content-length': '3' };
    const more = new BareRequest({ port, to: 'd/t', headers });
    const answer = await more.answer();
    // Its body was never asked for.
    assert.match(more.heard, /^HTTP\/1\.1 200 /);
    assert.deepEqual(
      [answer['Status'], answer['Message'], answer['Label'], answer['TxnId']],
      ['Fail', FULL, label, -1],
    );
    const state = await ask(port, 'GET', `/api/d/get_load_state?label=${label}`);
    assert.equal(state.json['state'], 'UNKNOWN');
    const ofTransaction = await loadOfTransaction(port, 'full_txn');
    assert.deepEqual([ofTransaction['Status'], ofTransaction['Message']], ['FAILED', FULL]);
  }
  for (const request of held) {
    request.send('1,x\n2,y\n');
    assert.equal((await request.answer())['Status'], 'Success');
    request.cut();
  }
  const label = `more_${httpPort}`;
  const again = await load({ port: httpPort, to: 'd/t', headers: { ...CSV, label } }, '3,z');
  assert.equal(again.json['Status'], 'Success');
  assert.equal((await loadOfTransaction(cnHttpPort, 'full_txn'))['Status'], 'OK');
  assert.equal((await transaction(cnHttpPort, 'commit', 'full_txn'))['Status'], 'OK');
  assert.equal(await server.value('SELECT count(*) FROM d.t'), '6');
  assert.equal(await server.stop(), 0);
});

test('more transactions than max_running_txn_num_per_db or stream_load_max_txn_num_per_be', async (t) => {
  const server = await start(t, newDataDir());
  const { httpPort, cnHttpPort } = server.ready;
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a INT, b VARCHAR(10))');
  const { rows } = await server.sql("SHOW PROC '/dbs'");
  const id = rows.find(([, name]) => name === 'd')?.[0];
  const set = (key: string, value: number) =>
    server.sql(`ADMIN SET FRONTEND CONFIG ("${key}" = "${value}")`);
  assert.equal((await transaction(cnHttpPort, 'begin', 'open'))['Status'], 'OK');
  const refusals = async (words: string): Promise<void> => {
    for (const port of [httpPort, cnHttpPort]) {
      const headers = { ...CSV, label: 'next' };
      const { json } = await load({ port, to: 'd/t', headers }, '1,x');
      assert.deepEqual([json['Status'], json['Message'], json['TxnId']], ['Fail', words, -1]);
      const begun = await transaction(port, 'begin', 'next');
      assert.deepEqual([begun['Status'], begun['Message']], ['FAILED', words]);
      const merged = {
        ...headers,
        enable_merge_commit: 'true',
        merge_commit_interval_ms: '10',
        merge_commit_parallel: '1',
      };
      const answer = await load({ port, to: 'd/t', headers: merged }, '1,x\n');
      assert.deepEqual([answer.json['Status'], answer.json['Message']], ['Fail', words]);
    }
  };
  await set('stream_load_max_txn_num_per_be', 1);
  await refusals('streamload txn num per be exceeds limit, be: cn-1, txn_num: 1, limit: 1');
  await server.sql("INSERT INTO d.t VALUES (0, 'sql')");
  await set('stream_load_max_txn_num_per_be', -1);
  await set('max_running_txn_num_per_db', 1);
  const words = `current running txns on db ${id} is 1, larger than limit 1`;
  await refusals(words);
  for (const statement of [
    "INSERT INTO d.t VALUES (1, 'x')",
    'INSERT INTO d.t SELECT 1, version()',
  ])
    await assert.rejects(server.sql(statement), { errno: 1064, message: new RegExp(words) });
  // Another database has its own.
  await server.sql('CREATE DATABASE e');
  await server.sql('CREATE TABLE e.t (a INT)');
  await server.sql('INSERT INTO e.t VALUES (1)');
  assert.equal((await transaction(cnHttpPort, 'rollback', 'open'))['Status'], 'OK');
  const headers = { ...CSV, label: 'next' };
  const { json } = await load({ port: httpPort, to: 'd/t', headers }, '2,y');
  assert.equal(json['Status'], 'Success', String(json['Message']));
  assert.equal(await server.value('SELECT count(*) FROM d.t'), '2');
  assert.equal(await server.stop(), 0);
});

test('the end of the server waits for bodies on their way and for windows of merge commit', async (t) => {
  const dataDir = newDataDir();
  const server = await start(t, dataDir);
  const { httpPort, cnHttpPort } = server.ready;
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a INT, b VARCHAR(10))');
  const merged = {
    ...CSV,
    enable_merge_commit: 'true',
    merge_commit_interval_ms: '3000',
    merge_commit_parallel: '1',
  };
  const open = await underWay(httpPort, 'd/t', 'on_its_way');
  const window = load({ port: httpPort, to: 'd/t', headers: merged }, '3,z\n');
  const direct = await load(
    { port: cnHttpPort, to: 'd/t', headers: { ...merged, merge_commit_async: 'true' } },
    '4,a\n',
  );
  assert.equal(direct.json['Status'], 'Success');
  const running = async () => (await server.sql("SHOW PROC '/transactions/d'")).rows[0]?.[1];
  while ((await running()) !== '3') await new Promise((resolve) => setImmediate(resolve));
  server.child.kill('SIGTERM');
  // It has heard the signal once it says so; the row itself never fits.
  for (let message: unknown; message !== SHUTDOWN; )
    message = (await load({ port: cnHttpPort, to: 'd/t', headers: CSV }, '9,x,x')).json['Message'];
  open.send('1,x\n2,y\n');
  assert.equal((await open.answer())['Status'], 'Success');
  assert.equal((await window).json['Status'], 'Success');
  assert.equal((await server.exited).code, 0, server.logTail);
  const next = await start(t, dataDir);
  const { rows } = await next.sql('SELECT a FROM d.t ORDER BY a');
  assert.deepEqual(rows.flat(), ['1', '2', '3', '4']);
  assert.equal(await next.stop(), 0);
});

test('while the server ends: new ones are refused, one on its way is loaded', async (t) => {
  const dataDir = newDataDir();
  const server = await start(t, dataDir);
  const { httpPort, cnHttpPort } = server.ready;
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a INT, b VARCHAR(10))');
  await server.sql('CREATE TABLE d.other (a INT, b VARCHAR(10))');
  assert.equal((await transaction(cnHttpPort, 'begin', 'end_txn'))['Status'], 'OK');
  const open = await underWay(httpPort, 'd/t', 'on_its_way');
  const connection = await server.connect();
  const sleeping = connection.query(`SELECT sleep(${SLEEP_SECONDS})`);
  await untilListed(server, 'SELECT sleep');
  server.child.kill('SIGTERM');
  for (const port of [httpPort, cnHttpPort]) {
    const request = { port, to: 'd/other', headers: CSV };
    const answer = await firstFailure(async () => (await load(request, '1,x')).json);
    assert.deepEqual(
      [answer['Status'], answer['Message'], answer['TxnId']],
      ['Fail', SHUTDOWN, -1],
    );
    const merged = {
      ...CSV,
      enable_merge_commit: 'true',
      merge_commit_interval_ms: '10',
      merge_commit_parallel: '1',
    };
    const { json } = await load(
      { port, to: 'd/other', headers: { ...merged, merge_commit_parallel: '1' } },
      '1,x\n',
    );
    assert.deepEqual([json['Status'], json['Message']], ['Fail', SHUTDOWN]);
    const ofTransaction = await loadOfTransaction(port, 'end_txn');
    assert.deepEqual([ofTransaction['Status'], ofTransaction['Message']], ['FAILED', SHUTDOWN]);
    // The load that was refused is as if it had not been: its label is nobody's.
    const refused = await load({ port, to: 'd/other', headers: { ...CSV, label: 'no' } }, '1,x');
    assert.equal(refused.json['Message'], SHUTDOWN);
    const state = await ask(port, 'GET', '/api/d/get_load_state?label=no');
    assert.equal(state.json['state'], 'UNKNOWN');
  }
  open.send('1,x\n2,y\n');
  assert.equal((await open.answer())['Status'], 'Success');
  await sleeping;
  connection.destroy();
  assert.equal((await server.exited).code, 0, server.logTail);
  const next = await start(t, dataDir);
  assert.deepEqual((await next.sql('SELECT * FROM d.t ORDER BY a')).rows, [
    ['1', 'x'],
    ['2', 'y'],
  ]);
  assert.equal((await loadOfTransaction(next.ready.cnHttpPort, 'end_txn'))['Status'], 'OK');
  assert.equal((await transaction(next.ready.cnHttpPort, 'commit', 'end_txn'))['Status'], 'OK');
  assert.equal(await next.value('SELECT count(*) FROM d.t'), '3');
  assert.equal(await next.stop(), 0);
});

test('what is not there is named in StarRocks’ words', async (t) => {
  const server = await start(t, newDataDir());
  await server.sql('CREATE DATABASE d');
  for (const port of [server.ready.httpPort, server.ready.cnHttpPort]) {
    const missing = 'unknown database, database=nope';
    for (const [to, message] of [
      ['nope/t', missing],
      ['d/t', 'unknown table "d.t"'],
    ] as const) {
      const { json } = await load({ port, to }, '1');
      assert.deepEqual([json['Status'], json['Message'], json['TxnId']], ['Fail', message, -1]);
    }
    const begun = await transaction(port, 'begin', 'of_none');
    assert.deepEqual([begun['Status'], begun['Message']], ['FAILED', 'unknown table "d.t"']);
    for (const [method, path, message] of [
      ['GET', '/api/d/get_load_state', 'No label selected.'],
      ['GET', '/api/d/get_load_state?label=', 'No label selected.'],
      ['GET', '/api/nope/get_load_state?label=x', missing],
      ['POST', '/api/nope/t/_cancel?label=x', missing],
      ['POST', '/api/d/t/_cancel?label=', 'No label selected.'],
    ] as const) {
      const { status, json } = await ask(port, method, path);
      assert.equal(status, 200);
      assert.deepEqual([json['status'], json['msg']], ['FAILED', message], path);
    }
    const log = await ask(port, 'GET', '/api/_load_error_log?file=error_log_none');
    assert.equal(log.status, 404);
    assert.match(String(log.json['Message']), /there is no such error log \(.*ErrorURL/);
  }
});
