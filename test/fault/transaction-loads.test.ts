// kill -9 of the front end and of the loader in the middle of transactions of Stream Loads: what was loaded and
// prepared is there after the restart, and is committed or rolled back; a commit that died is all or nothing.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startServer, type TestServer } from '../support/start-server.ts';

const AUTHORIZATION = `Basic ${Buffer.from('root:').toString('base64')}`;

type Answer = Readonly<Record<string, unknown>>;

async function ask(
  server: TestServer,
  op: string,
  label: string,
  load?: { readonly table: string; readonly body: string },
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.ready.httpPort}/api/transaction/${op}`, {
    method: load === undefined ? 'POST' : 'PUT',
    headers: {
      ...{ authorization: AUTHORIZATION, db: 'd', label, transaction_type: 'multi' },
      ...(load === undefined ? {} : { table: load.table, column_separator: ',' }),
    },
    ...(load === undefined ? {} : { body: load.body }),
  });
  return (await response.json()) as Answer;
}

/** A load whose body comes later. */
function heldLoad(server: TestServer, label: string): ClientRequest {
  const held = request({
    port: server.ready.httpPort,
    method: 'PUT',
    path: '/api/transaction/load',
    headers: {
      ...{ authorization: AUTHORIZATION, db: 'd', label, transaction_type: 'multi', table: 't' },
      ...{ expect: '100-continue', 'content-length': '2' },
    },
  });
  held.flushHeaders();
  return held;
}

async function stateOf(server: TestServer, label: string): Promise<unknown> {
  const url = `http://127.0.0.1:${server.ready.httpPort}/api/d/get_load_state?label=${label}`;
  const response = await fetch(url, { headers: { authorization: AUTHORIZATION } });
  return ((await response.json()) as Answer)['state'];
}

const counts = async (server: TestServer): Promise<string> =>
  `${await server.value('SELECT count(*) FROM d.t')} ${await server.value('SELECT sum(v) FROM d.p')}`;

/** Three loads: of a table without keys, and two of one with. */
async function loadAll(server: TestServer, label: string): Promise<void> {
  for (const [table, body] of [
    ['t', '1\n2\n'],
    ['p', '1,1\n2,1\n'],
    ['p', '2,5\n'],
  ] as const) {
    const answer = await ask(server, 'load', label, { table, body });
    assert.equal(answer['Status'], 'OK', JSON.stringify(answer));
  }
}

const NOTHING = '0 null';
const ALL = '2 6';

describe('kills in the middle of transactions of stream loads', () => {
  let dataDir: string;

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-transaction-loads-'));
    const server = await startServer({ dataDir, broker: 'off' });
    await server.sql('CREATE DATABASE d');
    await server.sql('CREATE TABLE d.t (a INT)');
    await server.sql('CREATE TABLE d.p (k INT NOT NULL, v INT) PRIMARY KEY (k)');
    await server.stop();
  });
  after(() => rmSync(dataDir, { recursive: true, force: true }));

  const start = (failpoints?: string): Promise<TestServer> =>
    startServer({ dataDir, broker: 'off', ...(failpoints === undefined ? {} : { failpoints }) });
  const empty = async (server: TestServer): Promise<void> => {
    await server.sql('TRUNCATE TABLE d.t');
    await server.sql('TRUNCATE TABLE d.p');
  };

  test('PREPARED outlives kill -9 of everything and the sweep; then it commits, or rolls back', async () => {
    const first = await start();
    for (const label of ['kept', 'dropped', 'open']) {
      await ask(first, 'begin', label);
      await loadAll(first, label);
    }
    for (const label of ['kept', 'dropped']) await ask(first, 'prepare', label);
    await first.kill();
    await first.exited;
    const second = await start();
    await second.sql('ADMIN SWEEP');
    assert.deepEqual(
      await Promise.all(['kept', 'dropped', 'open'].map((label) => stateOf(second, label))),
      ['PREPARED', 'PREPARED', 'PREPARE'],
    );
    assert.equal(await counts(second), NOTHING);
    assert.equal((await ask(second, 'commit', 'kept'))['Status'], 'OK');
    assert.equal(await counts(second), ALL);
    assert.equal((await ask(second, 'rollback', 'dropped'))['Status'], 'OK');
    assert.equal(await counts(second), ALL);
    await empty(second);
    // What was loaded before the kill is still part of it.
    const more = await ask(second, 'load', 'open', { table: 't', body: '3\n' });
    assert.equal(more['Status'], 'OK');
    assert.equal((await ask(second, 'commit', 'open'))['NumberLoadedRows'], 6);
    assert.equal(await counts(second), '3 6');
    await empty(second);
    await second.stop();
  });

  const steps: readonly (readonly [failpoint: string, visible: boolean])[] = [
    ['fe:transaction.after-prepare=kill@1', false],
    ['fe:transaction.before-commit=kill@1', false],
    ['fe:insert.in-sql=kill@1', false],
    ['fe:insert.after-sql=kill@1', true],
    ['query:merge.after-write=kill@1', false],
  ];
  for (const [failpoints, visible] of steps) {
    test(`commit, ${failpoints}: ${visible ? 'all' : 'nothing'}, and once when it is asked again`, async () => {
      const label = failpoints.replace(/\W/g, '_');
      const first = await start(failpoints);
      await ask(first, 'begin', label);
      await loadAll(first, label);
      if (failpoints.startsWith('fe:')) {
        await assert.rejects(ask(first, 'commit', label));
        await first.exited;
      } else {
        assert.notEqual((await ask(first, 'commit', label))['Status'], 'OK');
        await first.stop();
      }
      const second = await start();
      assert.equal(await counts(second), visible ? ALL : NOTHING);
      assert.equal(await stateOf(second, label), visible ? 'VISIBLE' : 'PREPARED');
      assert.equal((await ask(second, 'commit', label))['Status'], 'OK');
      assert.equal((await ask(second, 'commit', label))['Message'], 'Transaction already commited');
      assert.equal(await counts(second), ALL);
      await empty(second);
      await second.stop();
    });
  }

  test('the loader dies in a load: the transaction is rolled back, and its label is free', async () => {
    const server = await start('loader:body.staged=kill@1');
    await ask(server, 'begin', 'died');
    const answer = await ask(server, 'load', 'died', { table: 't', body: '1\n' }).catch(() => null);
    assert.notEqual(answer?.['Status'], 'OK');
    for (;;) if ((await stateOf(server, 'died').catch(() => null)) === 'ABORTED') break;
    assert.equal((await ask(server, 'begin', 'died'))['Status'], 'OK');
    await loadAll(server, 'died');
    assert.equal((await ask(server, 'commit', 'died'))['Status'], 'OK');
    assert.equal(await counts(server), ALL);
    await empty(server);
    await server.stop();
  });

  test('channels: what each loaded and which are prepared outlives kill -9; the rest goes on', async () => {
    const channel = (id: number) => ({ channel_id: String(id), channel_num: '2', table: 't' });
    const asked = async (server: TestServer, op: string, id: number, body?: string) => {
      const url = `http://127.0.0.1:${server.ready.httpPort}/api/transaction/${op}`;
      const response = await fetch(url, {
        method: body === undefined ? 'POST' : 'PUT',
        headers: { authorization: AUTHORIZATION, db: 'd', label: 'channels', ...channel(id) },
        ...(body === undefined ? {} : { body }),
      });
      return (await response.json()) as Answer;
    };
    const first = await start();
    for (const id of [0, 1]) assert.equal((await asked(first, 'begin', id))['Status'], 'OK');
    assert.equal((await asked(first, 'load', 0, '1\n'))['Status'], 'OK');
    assert.equal((await asked(first, 'prepare', 0))['Prepared Channel Num'], 1);
    await first.kill();
    await first.exited;
    const second = await start();
    assert.equal((await asked(second, 'load', 0, '9\n'))['Status'], 'FAILED');
    assert.equal((await asked(second, 'load', 1, '2\n'))['Status'], 'OK');
    assert.equal((await asked(second, 'prepare', 1))['NumberLoadedRows'], 2);
    await second.kill();
    await second.exited;
    const third = await start();
    assert.equal((await asked(third, 'commit', 0))['Status'], 'OK');
    assert.equal(await third.value('SELECT count(*) FROM d.t'), '2');
    await empty(third);
    await third.stop();
  });

  test('SIGTERM: no transaction begins during the drain; those that run are prepared and committed', async () => {
    const server = await start();
    for (const label of ['drained', 'later']) {
      await ask(server, 'begin', label);
      await loadAll(server, label);
    }
    // It holds up the end for as long as a statement may.
    const connection = await server.connect();
    const query = connection.query('SELECT sleep(60)').then(
      () => 'ended',
      () => 'cut',
    );
    const isRunning = async (): Promise<boolean> =>
      (await server.sql('SHOW PROCESSLIST')).rows.some((row) => row.includes('SELECT sleep(60)'));
    while (!(await isRunning())) await new Promise((resolve) => setImmediate(resolve));
    server.child.kill('SIGTERM');
    let answer: Answer = {};
    for (let count = 0; answer['Status'] !== 'FAILED'; count += 1)
      answer = await ask(server, 'begin', `new_${count}`);
    const refusal = 'Service is shutting down, please retry later!';
    assert.equal(answer['Message'], refusal);
    const load = { table: 't', body: '3\n' };
    assert.equal((await ask(server, 'load', 'later', load))['Message'], refusal);
    for (const label of ['drained', 'later'])
      assert.equal((await ask(server, 'prepare', label))['Status'], 'OK');
    assert.equal((await ask(server, 'commit', 'drained'))['Status'], 'OK');
    assert.deepEqual((await server.exited).code, 0, server.logTail);
    assert.equal(await query, 'cut');
    const second = await start();
    assert.equal(await counts(second), ALL);
    await empty(second);
    assert.equal((await ask(second, 'commit', 'later'))['Status'], 'OK');
    assert.equal(await counts(second), ALL);
    await empty(second);
    await second.stop();
  });

  test('a lost answer to the end of a load is asked for while the next load is under way: each counts once', async () => {
    const conf = join(dataDir, 'fast.conf');
    writeFileSync(conf, 'rpc_timeout_millisecond = 1000\n');
    const failpoints = 'fe:rpc.answer:endLoad=lose@1';
    const server = await startServer({ dataDir, broker: 'off', failpoints, conf: [conf] });
    await ask(server, 'begin', 'twice');
    const first = ask(server, 'load', 'twice', { table: 't', body: '1\n2\n' });
    await server.logged('fired');
    // The first one has joined, and its client has not heard of it.
    const second = heldLoad(server, 'twice');
    await once(second, 'continue');
    const { Status, Seq, NumberLoadedRows } = await first;
    assert.deepEqual([Status, Seq, NumberLoadedRows], ['OK', 0, 2]);
    second.end('3\n');
    const [response] = (await once(second, 'response')) as [IncomingMessage];
    const answer = JSON.parse(String(await response.setEncoding('utf8').toArray())) as Answer;
    assert.deepEqual([answer['Status'], answer['Seq'], answer['NumberLoadedRows']], ['OK', 1, 1]);
    const committed = await ask(server, 'commit', 'twice');
    assert.deepEqual([committed['Status'], committed['NumberLoadedRows']], ['OK', 3]);
    assert.equal(await server.value('SELECT count(*) FROM d.t'), '3');
    await server.stop();
  });
});
