// Stream Loads of which a part is unusual: into temporary partitions, with a byte order mark in pieces, with a
// body that takes longer than the header timeout allows, with headers of any script, with a head and nothing behind it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer, type TestServer } from '../support/start-server.ts';
import { ask, BareRequest, basic, load } from '../support/stream-client.ts';

const CSV = { column_separator: ',' };
let server: TestServer;
before(async () => {
  server = await startServer({ broker: 'off' });
  await server.sql('CREATE DATABASE d');
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

const doors = (): readonly number[] => [server.ready.httpPort, server.ready.cnHttpPort];

const PARTITIONED = `(day DATE NOT NULL, v INT) DUPLICATE KEY(day) PARTITION BY RANGE(day) (
  PARTITION p1 VALUES [("2024-01-01"), ("2024-02-01")),
  PARTITION p2 VALUES [("2024-02-01"), ("2024-03-01")))`;

test('temporary_partitions: rows are there once the partition is replaced, others are refused', async () => {
  for (const port of doors()) {
    const [table, to] = [`d.parts_${port}`, `d/parts_${port}`];
    await server.sql(`CREATE TABLE ${table} ${PARTITIONED}`);
    await server.sql(`INSERT INTO ${table} VALUES ('2024-01-10', 1), ('2024-02-10', 2)`);
    await server.sql(
      `ALTER TABLE ${table} ADD TEMPORARY PARTITION tp1 VALUES [("2024-01-01"), ("2024-02-01"))`,
    );
    const headers = { ...CSV, temporary_partitions: 'tp1' };
    const good = await load({ port, to, headers }, '2024-01-20,10\n2024-01-21,11\n');
    assert.deepEqual([good.json['Status'], good.json['NumberLoadedRows']], ['Success', 2]);
    const values = async (of = '') =>
      (await server.sql(`SELECT v FROM ${table} ${of} ORDER BY v`)).rows.flat();
    assert.deepEqual(await values(), ['1', '2']);
    assert.deepEqual(await values('TEMPORARY PARTITION (tp1)'), ['10', '11']);
    const outside = await load({ port, to, headers }, '2024-02-20,12\n');
    assert.deepEqual([outside.json['Status'], outside.json['NumberFilteredRows']], ['Fail', 1]);
    for (const [names, message] of [
      [{ temporary_partitions: 'p1' }, /p1/],
      [{ partitions: 'tp1' }, /tp1/],
      [{ partitions: 'p1', temporary_partitions: 'tp1' }, /Can not specify both partitions/],
    ] as const) {
      const bad = await load({ port, to, headers: { ...CSV, ...names } }, '2024-01-22,13\n');
      assert.equal(bad.json['Status'], 'Fail');
      assert.match(String(bad.json['Message']), message);
    }
    await server.sql(`ALTER TABLE ${table} REPLACE PARTITION (p1) WITH TEMPORARY PARTITION (tp1)`);
    assert.deepEqual(await values(), ['2', '10', '11']);
  }
});

test('a byte order mark at the beginning is no part of the first row, however it is cut', async () => {
  await server.sql('CREATE TABLE d.marked (a INT NOT NULL, b VARCHAR(10))');
  const bodies = [
    [CSV, '1,x\n2,y\n'],
    [{ ...CSV, skip_header: '1' }, 'a,b\n1,x\n2,y\n'],
    [{ ...CSV, enclose: '"' }, '"1","x"\n"2","y"\n'],
    [{ format: 'json' }, '{"a":1,"b":"x"}\n{"a":2,"b":"y"}\n'],
    [{ format: 'json', strip_outer_array: 'true' }, '[{"a":1,"b":"x"},{"a":2,"b":"y"}]'],
  ] as const;
  for (const port of doors())
    for (const [headers, text] of bodies)
      for (const pieceBytes of [1, 2, 1000]) {
        const body = Buffer.from(`\ufeff${text}`);
        const head = { ...headers, 'transfer-encoding': 'chunked' };
        const request = new BareRequest({ port, to: 'd/marked', headers: head });
        for (let at = 0; at < body.length; at += pieceBytes) {
          const piece = body.subarray(at, at + pieceBytes);
          request.send(Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece]));
          request.send('\r\n');
        }
        request.send('0\r\n\r\n');
        const answer = await request.answer();
        request.cut();
        assert.equal(answer['Status'], 'Success', `${text}: ${JSON.stringify(answer)}`);
        const { rows } = await server.sql('SELECT * FROM d.marked ORDER BY a');
        assert.deepEqual(rows, [
          ['1', 'x'],
          ['2', 'y'],
        ]);
        await server.sql('TRUNCATE TABLE d.marked');
      }
});

test('the header timeout runs out in the middle of a body: the answer says so, the label is free', async () => {
  await server.sql('CREATE TABLE d.late (a INT, b VARCHAR(10))');
  for (const port of doors()) {
    const label = `late_${port}`;
    const headers = { ...CSV, label, timeout: '1', 'content-length': '100' };
    const request = new BareRequest({ port, to: 'd/late', headers });
    request.send('1,x\n');
    const answer = await request.answer();
    request.cut();
    assert.deepEqual([answer['Status'], answer['Label']], ['Fail', label]);
    assert.match(
      String(answer['Message']),
      /^the load took longer than 1000 ms.*the header timeout raises it/,
    );
    const state = await ask(port, 'GET', `/api/d/get_load_state?label=${label}`);
    assert.equal(state.json['state'], 'ABORTED');
    assert.equal(await server.value('SELECT count(*) FROM d.late'), '0');
    const again = await load({ port, to: 'd/late', headers: { ...CSV, label } }, '1,x\n');
    assert.equal(again.json['Status'], 'Success');
    await server.sql('TRUNCATE TABLE d.late');
  }
});

test('headers of any script mean the same by both doors, whether the client waits for 100-continue or not', async () => {
  await server.sql('CREATE TABLE d.scripts (`größe` INT, name VARCHAR(20))');
  for (const port of doors())
    for (const expect of ['Expect: 100-continue\r\n', '']) {
      const body = Buffer.from('1,東京 é\n2,tokyo\n');
      const request = new BareRequest({
        port,
        to: 'd/scripts',
        headers: { ...CSV, 'content-length': String(body.length) },
        lines: `columns: größe, name\r\nwhere: name = '東京 é'\r\n${expect}`,
      });
      if (expect !== '') await request.until(/^HTTP\/1\.1 100/);
      request.send(body);
      const answer = await request.answer();
      request.cut();
      const counts = [answer['Status'], answer['NumberLoadedRows'], answer['NumberUnselectedRows']];
      assert.deepEqual(counts, ['Success', 1, 1], `${port} ${expect}: ${answer['Message']}`);
    }
});

test('a client that ends, or sends no chunk, right behind its head is answered by both doors', async () => {
  await server.sql('CREATE TABLE d.heads (a INT)');
  for (const port of doors())
    for (const [length, rest] of [
      [{ 'content-length': '20' }, ''],
      [{ 'transfer-encoding': 'chunked' }, 'no chunk\r\n'],
    ] as const) {
      const label = `heads_${port}_${rest.length}`;
      const headers = { ...CSV, label, ...length };
      const request = new BareRequest({ port, to: 'd/heads', headers, rest });
      if (rest === '') request.end();
      const answer = await request.answer();
      request.cut();
      assert.deepEqual([answer['Status'], answer['Label']], ['Fail', label]);
      const again = await load({ port, to: 'd/heads', headers: { ...CSV, label } }, '1\n');
      assert.equal(again.json['Status'], 'Success');
    }
});

test('loads that one connection sends without waiting: each has its own answer, also where the last one is cut', async () => {
  await server.sql('CREATE TABLE d.lined_up (a INT)');
  for (const port of doors()) {
    const labels = [1, 2, 3].map((n) => `lined_up_${port}_${n}`);
    const [first, second, third] = labels;
    const heads = [second, third].map(
      (label) =>
        `PUT /api/d/lined_up/_stream_load HTTP/1.1\r\nhost: x\r\nauthorization: ${basic()}\r\nlabel: ${label}\r\n`,
    );
    const request = new BareRequest({
      port,
      to: 'd/lined_up',
      headers: { label: first ?? '', 'content-length': '2' },
      rest: `1\n${heads.join('content-length: 2\r\n\r\n2\n')}content-length: 20\r\n\r\n3\n`,
    });
    await request.until(/HTTP[\s\S]*\}\n[\s\S]*HTTP[\s\S]*\}\n$/);
    request.end();
    await request.until(/(HTTP[\s\S]*\}\n){3}$/);
    request.cut();
    const states = labels.map(async (label) => {
      const state = await ask(port, 'GET', `/api/d/get_load_state?label=${label}`);
      return `${state.json['state']} ${state.json['reason']}`.trim();
    });
    const cut = "ABORTED receive body don't equal with body bytes";
    assert.deepEqual(await Promise.all(states), ['VISIBLE', 'VISIBLE', cut]);
    assert.match(request.heard, /"Message": "receive body don't equal/);
  }
});
