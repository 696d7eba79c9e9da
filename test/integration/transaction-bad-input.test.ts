// Transactions over HTTP with bad input: bodies that are cut or stop in the middle of a load, and SQL escapes in every
// header of every request. A transaction is as it was or rolled back, its label loads again, and each row is there once.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { STREAM_LOAD_HEADERS } from '../../src/loads/stream/properties.ts';
import { SCALARS, TRICKS } from '../support/sql-escapes.ts';
import { startServer, type TestServer } from '../support/start-server.ts';
import { rawLoad, type StreamLoadAnswer } from '../support/stream-load.ts';

const SECRET = 'canary-b81c55';
const BUG = /internal error|Binder Error|Parser Error|Catalog Error|Invalid Input Error|duckdb/i;
let directory: string;
let server: TestServer;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-transaction-escapes-'));
  writeFileSync(join(directory, 'canary'), `${SECRET}\n`);
  server = await startServer({ broker: 'off' });
  await server.sql('ADMIN SET FRONTEND CONFIG ("stream_load_idle_timeout_second" = "1")');
  await server.sql('CREATE DATABASE d');
});
after(async () => {
  assert.equal(await server.stop(), 0);
  rmSync(directory, { recursive: true, force: true });
});

type Op = 'begin' | 'load' | 'prepare' | 'commit' | 'rollback';

interface Asked {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the head, where it is not the body's. */
  readonly length?: number;
  readonly ending?: 'wait' | 'cut' | 'end';
}

function ask(op: Op, { headers, body = '', length, ending }: Asked): Promise<StreamLoadAnswer> {
  const all = { ...headers, 'Content-Length': String(length ?? Buffer.byteLength(body)) };
  return rawLoad(server, {
    table: `${op === 'load' ? 'PUT' : 'POST'} /api/transaction/${op}`,
    head: Object.entries(all).map(([name, value]) => `${name}: ${value}`),
    body: body === '' ? [] : [body],
    ...(ending === undefined ? {} : { ending }),
  });
}

async function mustDo(op: Op, asked: Asked): Promise<void> {
  const answer = await ask(op, asked);
  assert.equal(answer.json['Status'], 'OK', `${op}: ${answer.text}`);
}

for (const [name, ending] of [
  ['cut', 'cut'],
  ['ended too early', 'end'],
  ['that stops', 'wait'],
] as const)
  test(`a body ${name} in the middle of the second load: no row of it, and the label again`, async () => {
    const table = `t_${ending}`;
    const headers = { label: `label_${ending}`, db: 'd', table };
    await server.sql(`CREATE TABLE d.${table} (id INT, v VARCHAR(20))`);
    await mustDo('begin', { headers });
    await mustDo('load', { headers, body: '1\tone\n' });
    const broken = await ask('load', { headers, body: '2\ttwo\n3\tth', length: 1000, ending });
    assert.notEqual(broken.json['Status'], 'OK', broken.text);
    assert.equal(await server.value(`SELECT count(*) FROM d.${table}`), '0');
    // What is left of it is rolled back; where it is gone already that is no error either.
    const deadline = Date.now() + 20_000;
    while ((await ask('rollback', { headers })).json['Status'] === 'TXN_IN_PROCESSING')
      assert.ok(Date.now() < deadline);
    await mustDo('begin', { headers });
    await mustDo('load', { headers, body: '1\tone\n' });
    await mustDo('load', { headers, body: '2\ttwo\n3\tthree\n' });
    await mustDo('prepare', { headers });
    await mustDo('commit', { headers });
    assert.deepEqual((await server.sql(`SELECT id FROM d.${table} ORDER BY id`)).rows, [
      ['1'],
      ['2'],
      ['3'],
    ]);
  });

test('SQL escapes in every header of every request', async () => {
  await server.sql('CREATE TABLE d.t (a INT, b STRING)');
  const texts = [...TRICKS, ...SCALARS].map((text) =>
    text.replaceAll('CANARY', join(directory, 'canary')),
  );
  const harmless = (answer: StreamLoadAnswer, what: string): void => {
    assert.ok([200, 400, 401, 404].includes(answer.httpStatus), `${what}: ${answer.httpStatus}`);
    assert.ok(!answer.text.includes(SECRET) && !BUG.test(answer.text), `${what}: ${answer.text}`);
    assert.deepEqual(readdirSync(directory), ['canary'], what);
  };
  const base = { label: 'escape', db: 'd', table: 't' };
  const own = [
    'label',
    'db',
    'table',
    'timeout',
    'prepared_timeout',
    'idle_transaction_timeout',
    'transaction_type',
  ];
  for (const op of ['begin', 'prepare', 'commit', 'rollback'] as const)
    for (const name of own)
      for (const text of TRICKS)
        harmless(await ask(op, { headers: { ...base, [name]: text } }), `${op} ${name}: ${text}`);
  const loadHeaders = Object.keys(STREAM_LOAD_HEADERS).filter((name) => name !== 'label');
  for (const text of texts) {
    const tries: Record<string, string>[] = [{ columns: `a, b = ${text}` }, { where: text }];
    // All at once: the first that is wrong is told, so each stands first once in the test of Stream Load itself.
    if (TRICKS.includes(text))
      tries.push(Object.fromEntries(loadHeaders.map((name) => [name, text])));
    for (const headers of tries) {
      await ask('begin', { headers: base });
      const answer = await ask('load', { headers: { ...base, ...headers }, body: '1\tone\n' });
      harmless(answer, JSON.stringify(headers));
      await ask('rollback', { headers: base });
    }
  }
  assert.equal(await server.value('SELECT count(*) FROM d.t'), '0');
  await mustDo('begin', { headers: base });
  await mustDo('load', { headers: base, body: '1\tone\n' });
  await mustDo('commit', { headers: base });
  assert.equal(await server.value('SELECT count(*) FROM d.t'), '1');
});
