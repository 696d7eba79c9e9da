// /metrics of loads and their transactions under StarRocks' names: counted once, for each kind of load, whatever its end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';
import { BareRequest, basic, load } from '../support/stream-client.ts';

const CSV = { column_separator: ',' };

/** Value of each line by its name and labels. */
async function figures(server: TestServer): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${server.ready.httpPort}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line.startsWith('starrocks_'));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(/\S+$/.exec(line)?.[0])]));
}

async function transaction(server: TestServer, op: string, label: string, body?: string) {
  const headers = { authorization: basic(), db: 'd', table: 't', label, ...CSV };
  const url = `http://127.0.0.1:${server.ready.httpPort}/api/transaction/${op}`;
  const request =
    body === undefined ? { method: 'POST', headers } : { method: 'PUT', headers, body };
  return (await (await fetch(url, request)).json()) as Record<string, unknown>;
}

test('each kind of load, as StarRocks counts it', async (t) => {
  const server = await startServer({ broker: 'off', dataDir: newDataDir() });
  t.after(() => server.kill());
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a INT NOT NULL, b VARCHAR(3)) PRIMARY KEY(a)');
  const to = { port: server.ready.cnHttpPort, to: 'd/t' };
  assert.equal(
    (await load({ ...to, headers: { ...CSV, label: 'x' } }, '1,x\n2,y')).json['Status'],
    'Success',
  );
  const again = await load({ ...to, headers: { ...CSV, label: 'x' } }, '1,x');
  assert.equal(again.json['Status'], 'Label Already Exists');
  assert.equal((await load({ ...to, headers: CSV }, 'no,bad')).json['Status'], 'Fail');
  for (const [op, body] of [
    ['begin'],
    ['load', '4,x\n'],
    ['load', '5,x\n6,y\n'],
    ['prepare'],
    ['commit'],
  ] as const)
    assert.equal((await transaction(server, op, 'one', body))['Status'], 'OK', op);
  await transaction(server, 'begin', 'two');
  await transaction(server, 'rollback', 'two');
  await server.sql("INSERT INTO d.t VALUES (7, 'x')");
  await assert.rejects(server.sql("INSERT INTO d.t SELECT 8, 'long'"));
  await server.sql("UPDATE d.t SET b = 'u' WHERE a = 1");
  await server.sql('DELETE FROM d.t WHERE a = 2');

  const open = new BareRequest({
    ...to,
    headers: { ...CSV, 'content-length': '9', expect: '100-continue' },
  });
  await open.until(/100 Continue/);
  const during = await figures(server);
  assert.equal(during.get('starrocks_be_streaming_load_current_processing'), 1);
  assert.equal(during.get('starrocks_be_transaction_streaming_load_current_processing'), 0);
  open.send('9,x\n10,yy');
  await open.answer();
  open.cut();

  const found = await figures(server);
  const by = (name: string): Record<string, number | undefined> =>
    Object.fromEntries(
      ['stream_load', 'transaction', 'insert', 'update', 'delete'].map((type) => [
        type,
        found.get(`${name}{type="${type}"}`),
      ]),
    );
  const counts = (
    stream: number,
    several: number,
    insert: number,
    update: number,
    gone: number,
  ) => ({
    stream_load: stream,
    transaction: several,
    insert,
    update,
    delete: gone,
  });
  assert.deepEqual(by('starrocks_fe_txn_begin'), counts(3, 2, 2, 1, 1));
  assert.deepEqual(by('starrocks_fe_txn_success'), counts(2, 1, 1, 1, 1));
  assert.equal(found.get('starrocks_fe_txn_reject{type="stream_load"}'), 1);
  for (const type of ['stream_load', 'transaction', 'insert'])
    assert.equal(found.get(`starrocks_fe_txn_failed{type="${type}"}`), 1, type);
  assert.equal(found.get('starrocks_be_load_rows{type="stream_load"}'), 4);
  assert.equal(found.get('starrocks_be_load_rows{type="transaction"}'), 3);
  assert.equal(found.get('starrocks_be_load_bytes{type="stream_load"}'), 16);
  for (const name of ['total', 'write', 'publish'])
    for (const type of ['stream_load', 'transaction', 'insert', 'update', 'delete']) {
      const key = `starrocks_fe_txn_${name}_latency_ms`;
      const successes = type === 'stream_load' ? 2 : 1;
      assert.equal(found.get(`${key}_count{type="${type}"}`), successes, `${name} ${type}`);
      assert.ok(
        (found.get(`${key}{quantile="0.99",type="${type}"}`) ?? -1) >= 0,
        `${name} ${type}`,
      );
    }
  const single = 'starrocks_be_streaming_load';
  assert.equal(found.get(`${single}_requests_total`), 3);
  // Of the one that failed, too.
  assert.equal(found.get(`${single}_bytes`), 7 + 6 + 9);
  assert.ok((found.get(`${single}_duration_ms`) ?? 0) > 0);
  assert.equal(found.get(`${single}_current_processing`), 0);
  const several = 'starrocks_be_transaction_streaming_load';
  assert.equal(found.get(`${several}_requests_total`), 2);
  assert.equal(found.get(`${several}_bytes`), 12);
  const request = (type: string) => found.get(`starrocks_be_txn_request{type="${type}"}`);
  assert.deepEqual(['begin', 'exec', 'prepare', 'commit', 'rollback'].map(request), [
    3 + 2,
    3 + 2,
    1,
    2 + 1,
    1 + 1,
  ]);
  assert.equal(found.get('starrocks_be_stream_load{type="receive_bytes"}'), 22 + 12);
  assert.equal(found.get('starrocks_be_stream_load{type="load_rows"}'), 4 + 3);
  const ops = { begin: 2, load: 2, prepare: 1, commit: 1, rollback: 1 };
  for (const [op, count] of Object.entries(ops)) {
    const key = `starrocks_fe_txn_stream_load_${op}`;
    assert.equal(found.get(`${key}_num`), 0, op);
    assert.equal(found.get(`${key}_latency_ms_count`), count, op);
  }
  assert.equal(await server.stop(), 0);
});
