// Stream Load as clients use it, at both doors: rows, answers, labels, passwords, and everything that goes wrong with a
// body. After a failure nothing is visible, and the label is free.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';
import { ANSWER_KEYS, ask, BareRequest, load } from '../support/stream-client.ts';

const CSV = { column_separator: ',' };

let server: TestServer;
let doors: readonly (readonly [name: string, port: number])[] = [];
let made = 0;
before(async () => {
  const dataDir = newDataDir();
  const conf = join(dataDir, 'cn.conf');
  writeFileSync(
    conf,
    'stream_load_idle_timeout_second = 1\nstreaming_load_max_batch_size_mb = 1\n',
  );
  server = await startServer({ broker: 'off', dataDir, conf: [conf] });
  doors = [
    ['FE', server.ready.httpPort],
    ['CN', server.ready.cnHttpPort],
  ];
  await server.sql('CREATE DATABASE d');
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

/** A new table; `d/<name>`. */
async function table(columns = 'a INT, b VARCHAR(20)', rest = ''): Promise<string> {
  made += 1;
  await server.sql(`CREATE TABLE d.t${made} (${columns}) ${rest}`);
  return `d/t${made}`;
}

async function rowsOf(to: string): Promise<string> {
  const { rows } = await server.sql(`SELECT * FROM ${to.replace('/', '.')} ORDER BY 1, 2`);
  return rows.map((row) => row.join(' ')).join(', ');
}

const stateOf = async (label: string): Promise<unknown> =>
  (await ask(server.ready.httpPort, 'GET', `/api/d/get_load_state?label=${label}`)).json['state'];

const bothDoors = (name: string, run: (port: number) => Promise<void>): void => {
  describe(name, () => {
    for (const index of [0, 1])
      test(`at the ${index === 0 ? 'FE' : 'CN'}`, () => run(doors[index]?.[1] ?? 0));
  });
};

bothDoors('rows are there with the answer, which has StarRocks keys', async (port) => {
  const to = await table();
  const { status, json } = await load({ port, to, headers: CSV }, '1,x\n2,y');
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json), ANSWER_KEYS);
  assert.deepEqual(
    [json['Status'], json['Message'], json['NumberTotalRows'], json['NumberLoadedRows']],
    ['Success', 'OK', 2, 2],
  );
  assert.equal(json['LoadBytes'], 7);
  assert.match(String(json['Label']), /^[0-9a-f-]{36}$/);
  assert.equal(await rowsOf(to), '1 x, 2 y');
});

bothDoors('chunked and with a length, JSON, columns, where and a NULL', async (port) => {
  const to = await table();
  const headers = {
    format: 'json',
    strip_outer_array: 'true',
    columns: 'a, c, b = upper(c)',
    where: 'a > 1',
  };
  async function* chunks() {
    yield '[{"a":1,"c":"x"},{"a":';
    yield '2,"c":"y"},{"a":3}]';
  }
  const chunked = await fetch(`http://127.0.0.1:${port}/api/${to}/_stream_load`, {
    method: 'PUT',
    headers: { authorization: 'Basic cm9vdDo=', ...headers },
    body: ReadableStream.from(chunks()).pipeThrough(new TextEncoderStream()),
    duplex: 'half',
  } as RequestInit);
  const json = (await chunked.json()) as Record<string, unknown>;
  assert.deepEqual(
    [json['Status'], json['NumberLoadedRows'], json['NumberUnselectedRows']],
    ['Success', 2, 1],
  );
  assert.equal(await rowsOf(to), '2 Y, 3 ');
});

test('the header redirect is answered 307 with the address of the compute node', async () => {
  const to = await table();
  const { httpPort: port, cnHttpPort } = server.ready;
  const url = `http://127.0.0.1:${port}/api/${to}/_stream_load?x=1`;
  const headers = { authorization: 'Basic cm9vdDo=', redirect: 'true', ...CSV };
  const reply = await fetch(url, { method: 'PUT', headers, body: '1,x', redirect: 'manual' });
  assert.equal(reply.status, 307);
  assert.equal(
    reply.headers.get('location'),
    `http://127.0.0.1:${cnHttpPort}/api/${to}/_stream_load?x=1`,
  );
  const { json } = await load({ port, to, headers: { ...CSV, redirect: 'true' } }, '1,x');
  assert.equal(json['Status'], 'Success');
  const denied = await fetch(url, { method: 'PUT', headers: { redirect: 'true' }, body: 'x' });
  assert.equal(denied.status, 401);
});

bothDoors('a body is asked for only once its load is accepted', async (port) => {
  const to = await table();
  const headers = { ...CSV, expect: '100-continue', 'content-length': '3' };
  const refused = new BareRequest({ port, to, headers: { ...headers, format: 'xml' } });
  const answer = await refused.answer();
  assert.equal(answer['Message'], 'unknown data format, format=xml');
  assert.match(refused.heard, /^HTTP\/1\.1 200 /);
  const accepted = new BareRequest({ port, to, headers });
  assert.match(await accepted.until(/\r\n\r\n/), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  accepted.send('1,x');
  assert.equal((await accepted.answer())['Status'], 'Success');
  accepted.cut();
  assert.equal(await rowsOf(to), '1 x');
});

bothDoors('users, passwords and the right to insert', async (port) => {
  const to = await table();
  const name = `u${port}`;
  await server.sql(`CREATE USER ${name} IDENTIFIED BY 'p:w'`);
  const none = await fetch(`http://127.0.0.1:${port}/api/${to}/_stream_load`, {
    method: 'PUT',
    body: '1\tx',
  });
  assert.equal(none.status, 401);
  const json = (await none.json()) as Record<string, unknown>;
  assert.equal(json['Message'], 'no valid Basic authorization');
  assert.deepEqual(Object.keys(json), ANSWER_KEYS);
  const wrong = await load({ port, to, user: name, password: 'x' }, '1\tx');
  assert.equal(wrong.status, 401);
  assert.match(String(wrong.json['Message']), /^Access denied for user/);
  const right = { port, to, user: name, password: 'p:w' };
  const denied = await load(right, '1\tx');
  assert.equal(denied.status, 200);
  assert.match(String(denied.json['Message']), /Access denied; you need .*INSERT/);
  await server.sql(`GRANT INSERT ON TABLE d.t${made} TO USER ${name}`);
  assert.equal((await load(right, '1\tx')).json['Status'], 'Success');
  // Nobody but the front end may say for whom it asks.
  await server.sql(`CREATE USER 'far${port}'@'10.9.8.7' IDENTIFIED BY 'p'`);
  const forged = { 'x-millrace-forwarded': `${'0'.repeat(32)} 10.9.8.7` };
  const far = await load({ port, to, user: `far${port}`, password: 'p', headers: forged }, '1\tx');
  assert.equal(far.status, 401);
});

bothDoors('a label is used once, and free again after a failure', async (port) => {
  const to = await table();
  const headers = { ...CSV, label: `-once_${port}` };
  const bad = await load({ port, to, headers: { ...headers, strict_mode: 'true' } }, 'x,x');
  assert.equal(bad.json['Status'], 'Fail');
  assert.equal(await stateOf(headers.label), 'ABORTED');
  const good = await load({ port, to, headers }, '1,x');
  assert.deepEqual([good.json['Status'], good.json['Label']], ['Success', headers.label]);
  const again = await load({ port, to, headers }, '1,x');
  assert.equal(again.status, 200);
  assert.deepEqual(
    [again.json['Status'], again.json['ExistingJobStatus'], again.json['TxnId']],
    ['Label Already Exists', 'FINISHED', good.json['TxnId']],
  );
  assert.equal(await stateOf(headers.label), 'VISIBLE');
  assert.equal(await stateOf('never'), 'UNKNOWN');
  assert.equal(await rowsOf(to), '1 x');
});

bothDoors('rejected rows are shown at both ports, whether the load failed or not', async (port) => {
  const to = await table();
  const strict = { ...CSV, strict_mode: 'true' };
  const some = await load(
    { port, to, headers: { ...strict, max_filter_ratio: '0.5' } },
    '1,x\nq,y',
  );
  assert.deepEqual([some.json['Status'], some.json['NumberFilteredRows']], ['Success', 1]);
  const none = await load({ port, to, headers: strict }, '1,x\nr,y');
  assert.deepEqual(
    [none.json['Status'], none.json['NumberTotalRows'], none.json['NumberFilteredRows']],
    ['Fail', 2, 1],
  );
  // All of them may be filtered, but then there is nothing to load.
  const all = await load({ port, to, headers: { ...strict, max_filter_ratio: '1' } }, 's,y');
  assert.deepEqual([all.json['Status'], all.json['NumberFilteredRows']], ['Fail', 1]);
  assert.match(String(all.json['Message']), /^No partitions have data available for loading/);
  for (const [json, value] of [
    [some.json, 'q'],
    [none.json, 'r'],
    [all.json, 's'],
  ] as const) {
    const { pathname, search, port: shown } = new URL(String(json['ErrorURL']));
    assert.equal(shown, String(port));
    for (const [, door] of doors) {
      const lines = await (await fetch(`http://127.0.0.1:${door}${pathname}${search}`)).text();
      assert.match(lines, new RegExp(`^Error: Value '${value}' .*\\n$`));
    }
  }
  assert.equal(await rowsOf(to), '1 x');
});

bothDoors('a body that ends too early is refused in StarRocks words', async (port) => {
  const to = await table();
  const label = `short${port}`;
  const short = new BareRequest({ port, to, headers: { ...CSV, label, 'content-length': '9' } });
  short.send('1,x\n');
  short.end();
  const answer = await short.answer();
  assert.deepEqual(
    [answer['Status'], answer['Message'], answer['Label']],
    ['Fail', "receive body don't equal with body bytes", label],
  );
  assert.equal(await stateOf(label), 'ABORTED');
  assert.equal(await rowsOf(to), '');
});

bothDoors('what follows a whole body is not part of it', async (port) => {
  const to = await table();
  const long = new BareRequest({ port, to, headers: { ...CSV, 'content-length': '3' } });
  long.send('1,xyz\n2,y\n');
  assert.equal((await long.answer())['Status'], 'Success');
  long.cut();
  assert.equal(await rowsOf(to), '1 x');
});

bothDoors(
  'a client that goes away in the middle leaves nothing, and its label free',
  async (port) => {
    const to = await table();
    const label = `gone${port}`;
    const gone = new BareRequest({
      port,
      to,
      headers: { ...CSV, label, 'content-length': '1000000', expect: '100-continue' },
    });
    await gone.until(/100 Continue/);
    gone.send('1,x\n2,y\n');
    assert.equal(await stateOf(label), 'PREPARE');
    const busy = await load({ port, to, headers: { ...CSV, label } }, '3,z');
    assert.deepEqual(
      [busy.json['Status'], busy.json['ExistingJobStatus']],
      ['Label Already Exists', 'RUNNING'],
    );
    gone.cut();
    while ((await stateOf(label)) === 'PREPARE')
      await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await stateOf(label), 'ABORTED');
    const good = await load({ port, to, headers: { ...CSV, label } }, '3,z');
    assert.equal(good.json['Status'], 'Success');
    assert.equal(await rowsOf(to), '3 z');
  },
);

bothDoors('a sender of nothing is given up, and hears it', async (port) => {
  const to = await table();
  const slow = new BareRequest({ port, to, headers: { ...CSV, 'content-length': '9' } });
  slow.send('1,x\n');
  const answer = await slow.answer();
  assert.equal(answer['Status'], 'Fail');
  assert.match(String(answer['Message']), /nothing of the body came/);
  assert.equal(await rowsOf(to), '');
  slow.cut();
});

bothDoors('a load is cancelled while its body comes', async (port) => {
  const to = await table();
  const label = `cancel${port}`;
  const open = new BareRequest({
    port,
    to,
    headers: { ...CSV, label, 'content-length': '1000', expect: '100-continue' },
  });
  await open.until(/100 Continue/);
  const cancelled = await ask(port, 'POST', `/api/${to}/_cancel?label=${label}`);
  assert.deepEqual([cancelled.status, cancelled.json['status']], [200, 'OK']);
  const answer = await open.answer();
  assert.equal(answer['Status'], 'Fail');
  open.cut();
  assert.equal(await stateOf(label), 'ABORTED');
  const again = await ask(port, 'POST', `/api/${to}/_cancel?label=${label}`);
  assert.equal(again.json['status'], 'FAILED');
  const unknown = await ask(port, 'POST', `/api/${to}/_cancel?label=none`);
  assert.match(String(unknown.json['msg']), /no load of label none/);
});

bothDoors('a table that is dropped in the middle', async (port) => {
  const to = await table();
  const label = `drop${port}`;
  const open = new BareRequest({
    port,
    to,
    headers: { ...CSV, label, 'content-length': '3', expect: '100-continue' },
  });
  await open.until(/100 Continue/);
  await server.sql(`DROP TABLE ${to.replace('/', '.')} FORCE`);
  open.send('1,x');
  const answer = await open.answer();
  assert.equal(answer['Status'], 'Fail');
  open.cut();
  assert.equal(await stateOf(label), 'ABORTED');
});

bothDoors('what is no load says so, and never hangs', async (port) => {
  const to = await table();
  const cases: readonly (readonly [string, Record<string, string>, string, RegExp])[] = [
    [to, { label: 'x'.repeat(129) }, '1\tx', /^Label format error/],
    [to, { columns: 'a, nosuch = a' }, '1\tx', /nosuch/],
    [to, { where: 'nosuch > 1' }, '1\tx', /nosuch/],
    [to, { partitions: 'p9' }, '1\tx', /p9/],
    [to, { merge_condition: 'a' }, '1\tx', /PRIMARY KEY/],
    [to, { format: 'json' }, '{"a": 1', /./],
    [to, {}, '', /^No partitions have data available for loading/],
    [to, { where: 'a > 5' }, '1\tx', /^No partitions have data available for loading/],
    ['d/nosuch', {}, '1\tx', /nosuch/],
    ['nosuch/t', {}, '1\tx', /nosuch/],
    ['_statistics_/rejected_records', {}, '1\tx', /built in/],
  ];
  for (const [where, headers, body, message] of cases) {
    const { status, json } = await load({ port, to: where, headers }, body);
    assert.equal(status, 200, where);
    assert.equal(json['Status'], 'Fail', JSON.stringify(headers));
    assert.match(String(json['Message']), message);
  }
  const big = { ...CSV, format: 'json', expect: '100-continue', 'content-length': '1048577' };
  const large = new BareRequest({ port, to, headers: big });
  assert.match(
    String((await large.answer())['Message']),
    /^The size of this batch exceed the max size \[1048576\]/,
  );
  const twice = new BareRequest({
    port,
    to,
    headers: { ...CSV, Label: 'a', label: 'b', 'content-length': '0' },
  });
  assert.match(String((await twice.answer())['Message']), /label is there twice/);
  const control = new BareRequest({
    port,
    to,
    headers: { where: 'a\u0001b', 'content-length': '0' },
  });
  assert.match(await control.until(/\r\n\r\n/), /^HTTP\/1\.1 400 /);
  assert.equal(await rowsOf(to), '');
});

test('negative takes values of SUM columns away, and wants nothing but SUM columns', async () => {
  const { httpPort: port } = server.ready;
  const to = await table(
    'k INT, big BIGINT SUM, dec DECIMAL(20, 2) SUM',
    'AGGREGATE KEY (k) DISTRIBUTED BY HASH(k)',
  );
  await load({ port, to, headers: CSV }, '1,9007199254740993,10.25\n2,5,1');
  const headers = { ...CSV, negative: 'true' };
  const { json } = await load({ port, to, headers }, '1,1,0.25');
  assert.equal(json['Status'], 'Success');
  const { rows } = await server.sql(`SELECT * FROM ${to.replace('/', '.')} ORDER BY k`);
  assert.deepEqual(rows, [
    ['1', '9007199254740992', '10.00'],
    ['2', '5', '1.00'],
  ]);
  const none = await load({ port, to: await table(), headers }, '1,x');
  assert.match(String(none.json['Message']), /^negative needs an AGGREGATE KEY table/);
  const max = await table('k INT, m INT MAX', 'AGGREGATE KEY (k) DISTRIBUTED BY HASH(k)');
  const other = await load({ port, to: max, headers }, '1,2');
  assert.equal(other.json['Message'], 'Column is not SUM AggreateType. column:m');
});

test('partitions, temporary partitions, partial updates and merge conditions', async () => {
  const { httpPort: port } = server.ready;
  const parted = await table(
    'a INT, b VARCHAR(20)',
    'PARTITION BY RANGE(a) (PARTITION p1 VALUES LESS THAN ("10"), PARTITION p2 VALUES LESS THAN ("20"))',
  );
  const only = { ...CSV, partitions: 'p1', max_filter_ratio: '0.5' };
  const part = await load({ port, to: parted, headers: only }, '1,x\n15,y');
  assert.deepEqual([part.json['NumberLoadedRows'], part.json['NumberFilteredRows']], [1, 1]);
  const to = await table('k INT, v INT, w VARCHAR(9)', 'PRIMARY KEY (k)');
  await load({ port, to, headers: CSV }, '1,10,x\n2,20,y');
  const partial = { ...CSV, partial_update: 'true', columns: 'k, w' };
  assert.equal((await load({ port, to, headers: partial }, '1,z')).json['Status'], 'Success');
  const merge = { ...CSV, merge_condition: 'v' };
  await load({ port, to, headers: merge }, '1,5,old\n2,25,new');
  await load({ port, to, headers: { ...CSV, columns: 'k, __op' } }, '3,1');
  const { rows } = await server.sql(`SELECT * FROM ${to.replace('/', '.')} ORDER BY k`);
  assert.deepEqual(rows, [
    ['1', '10', 'z'],
    ['2', '25', 'new'],
  ]);
});

test('many small loads at once each get their own answer and rows', async () => {
  const to = await table();
  const bodies = Array.from({ length: 60 }, (_, index) => `${index},r${index}`);
  const replies = await Promise.all(
    bodies.map((body, index) => load({ port: doors[index % 2]?.[1] ?? 0, to, headers: CSV }, body)),
  );
  assert.ok(replies.every(({ json }) => json['Status'] === 'Success'));
  assert.equal(new Set(replies.map(({ json }) => json['TxnId'])).size, 60);
  assert.equal(await server.value(`SELECT count(DISTINCT a) FROM ${to.replace('/', '.')}`), '60');
});
