// kill -9 of the front end and of the CN at each step of a Stream Load, and answers that get lost between them and on
// their way to the client: all rows or none, and the label is free or taken accordingly. A client that sends again with
// the same label never doubles rows.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startServer, type TestServer } from '../support/start-server.ts';
import { ask, BareRequest, load } from '../support/stream-client.ts';

const ROWS = 1000;
const BODY = Array.from({ length: ROWS }, (_, index) => `${index},r${index}`).join('\n');
const HEADERS = { column_separator: ',', label: 'the_label' };

/** With empty tables; each test has a copy of it. */
let prepared: string;
let dataDir: string;
before(async () => {
  prepared = mkdtempSync(join(tmpdir(), 'millrace-stream-'));
  const server = await startServer({ dataDir: prepared, broker: 'off' });
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.plain (a INT, b VARCHAR(20))');
  await server.sql('CREATE TABLE d.keyed (a INT, b VARCHAR(20)) PRIMARY KEY (a)');
  await server.stop();
});
after(() => rmSync(prepared, { recursive: true, force: true }));
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-stream-'));
  cpSync(prepared, dataDir, { recursive: true });
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const count = async (server: TestServer, to: string): Promise<number> =>
  Number(await server.value(`SELECT count(*) FROM ${to.replace('/', '.')}`));

/** What a client does that had no answer: it sends the same again until it gets one. */
async function sendAgain(server: TestServer, to: string, label = HEADERS.label): Promise<string> {
  const sent = load({ port: server.ready.httpPort, to, headers: { ...HEADERS, label } }, BODY);
  // A connection that was cut is no answer either.
  const { json } = await sent.catch(() => ({
    json: { Status: 'Fail' } as Record<string, unknown>,
  }));
  return `${json['Status']} ${json['ExistingJobStatus'] ?? ''}`.trim();
}

describe('a kill in the middle of a Stream Load', () => {
  /** Step -> are the rows visible when it dies there? */
  const steps: readonly (readonly [failpoint: string, visible: boolean])[] = [
    ['fe:begin.after-sql=kill@1', false],
    ['fe:stream-load.begun=kill@1', false],
    ['loader:body.after-read=kill@1', false],
    ['loader:stage.before-put=kill@1', false],
    ['loader:stage.after-put=kill@1', false],
    ['loader:body.staged=kill@1', false],
    ['fe:stream-load.before-commit=kill@1', false],
    ['fe:insert.in-sql=kill@1', false],
    ['fe:insert.after-sql=kill@1', true],
    ['fe:stream-load.committed=kill@1', true],
    ['loader:body.answered=kill@1', true],
  ];
  for (const [failpoints, visible] of steps) {
    for (const to of ['d/plain', 'd/keyed']) {
      test(`${failpoints}, ${to}: ${visible ? 'all rows' : 'no row'}, and the label says so`, async () => {
        const first = await startServer({ dataDir, broker: 'off', failpoints });
        const { httpPort: port } = first.ready;
        await assert.rejects(load({ port, to, headers: HEADERS }, BODY));
        let second = first;
        if (failpoints.startsWith('fe:')) {
          await first.exited;
          second = await startServer({ dataDir, broker: 'off' });
        } else await first.logged('loader process ready', 2);
        await first.logged('fired');
        if (!visible) {
          const state = `/api/d/get_load_state?label=${HEADERS.label}`;
          const { json } = await ask(second.ready.httpPort, 'GET', state);
          assert.notEqual(json['state'], 'PREPARE', 'nobody has to wait until it times out');
        }
        assert.equal(await count(second, to), visible ? ROWS : 0);
        let said = await sendAgain(second, to);
        // The CN that was started again opens its door in a moment.
        while (said === 'Fail' && second === first) said = await sendAgain(second, to);
        assert.equal(said, visible ? 'Label Already Exists FINISHED' : 'Success');
        assert.equal(await sendAgain(second, to), 'Label Already Exists FINISHED');
        assert.equal(await count(second, to), ROWS, 'exactly once, however often it is sent');
        await second.stop();
      });
    }
  }
});

describe('answers that get lost', () => {
  for (const failpoints of [
    'fe:rpc.answer:beginLoad=lose@1',
    'fe:rpc.call:beginLoad=lose@1',
    'fe:rpc.answer:endLoad=lose@1',
    'fe:rpc.call:endLoad=lose@1',
  ]) {
    test(`${failpoints}: it is asked again, and the load is there once`, async () => {
      const conf = join(dataDir, 'fast.conf');
      writeFileSync(conf, 'rpc_timeout_millisecond = 1000\n');
      const server = await startServer({ dataDir, broker: 'off', failpoints, conf: [conf] });
      const { httpPort: port } = server.ready;
      const { json } = await load({ port, to: 'd/plain', headers: HEADERS }, BODY);
      await server.logged('fired');
      assert.deepEqual([json['Status'], json['NumberLoadedRows']], ['Success', ROWS]);
      assert.equal(await sendAgain(server, 'd/plain'), 'Label Already Exists FINISHED');
      assert.equal(await count(server, 'd/plain'), ROWS);
      await server.stop();
    });
  }

  test('what goes wrong behind the commit: the answer is a success, since the rows are there', async () => {
    const failpoints = 'fe:stream-load.committed=error@1';
    const server = await startServer({ dataDir, broker: 'off', failpoints });
    const { httpPort: port } = server.ready;
    const { json } = await load({ port, to: 'd/plain', headers: HEADERS }, BODY);
    assert.deepEqual([json['Status'], json['NumberLoadedRows']], ['Success', ROWS]);
    assert.equal(await count(server, 'd/plain'), ROWS);
    await server.logged('fired');
    await server.stop();
  });

  test('on their way to the client: the same label sent again is taken, the rows are there once', async () => {
    const server = await startServer({ dataDir, broker: 'off' });
    for (const [to, port] of [
      ['d/plain', server.ready.httpPort],
      ['d/keyed', server.ready.cnHttpPort],
    ] as const) {
      const label = to.replace('/', '_');
      const headers = { ...HEADERS, label, 'content-length': String(BODY.length) };
      const lost = new BareRequest({ port, to, headers });
      lost.send(BODY);
      const state = `/api/d/get_load_state?label=${label}`;
      // Cut as soon as it is visible, whether its answer is out or not.
      while ((await ask(port, 'GET', state)).json['state'] !== 'VISIBLE')
        await new Promise((resolve) => setImmediate(resolve));
      lost.cut();
      assert.equal(await sendAgain(server, to, label), 'Label Already Exists FINISHED');
      assert.equal(await count(server, to), ROWS);
    }
    await server.stop();
  });
});
