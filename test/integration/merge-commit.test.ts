// Merge commit as clients use it, at both doors: many small requests at once become few transactions, each request gets
// an answer of its own, and what is wrong with one of them is told to those that it concerns.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startServer, type TestServer } from '../support/start-server.ts';
import { ANSWER_KEYS, ask, BareRequest, type LoadReply, load } from '../support/stream-client.ts';

const MERGE = {
  enable_merge_commit: 'true',
  merge_commit_interval_ms: '300',
  merge_commit_parallel: '1',
};
const CSV = { ...MERGE, column_separator: ',' };
const JSON_LINES = { ...MERGE, format: 'json' };

let server: TestServer;
let made = 0;
before(async () => {
  server = await startServer({ broker: 'off' });
  await server.sql('CREATE DATABASE d');
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

async function table(columns = 'a INT, b VARCHAR(20)', rest = ''): Promise<string> {
  made += 1;
  await server.sql(`CREATE TABLE d.t${made} (${columns}) ${rest}`);
  return `d/t${made}`;
}

async function count(to: string, what = 'count(*), count(DISTINCT a)'): Promise<string> {
  const { rows } = await server.sql(`SELECT ${what} FROM ${to.replace('/', '.')}`);
  return (rows[0] ?? []).join(' ');
}

const transactionsOf = (replies: readonly LoadReply[]): ReadonlySet<unknown> =>
  new Set(replies.map(({ json }) => json['TxnId']));

describe('merge commit', () => {
  for (const door of ['FE', 'CN']) {
    test(`at the ${door}: 1,000 requests at once, few transactions, every row once`, async () => {
      const to = await table();
      const port = door === 'FE' ? server.ready.httpPort : server.ready.cnHttpPort;
      const replies = await Promise.all(
        Array.from({ length: 1000 }, (_, i) => {
          const label = `request_${i}`;
          return load({ port, to, headers: { ...CSV, label } }, `${i},row ${i}\n`);
        }),
      );
      for (const [i, { status, json }] of replies.entries()) {
        assert.equal(status, 200);
        assert.deepEqual([json['Status'], json['Message']], ['Success', 'OK']);
        assert.equal(json['RequestId'], `request_${i}`, 'its own label is no label of a load');
        assert.match(String(json['Label']), /^merge_commit_[-0-9a-f]{36}$/);
        assert.equal(json['LoadBytes'], `${i},row ${i}\n`.length);
      }
      const transactions = transactionsOf(replies);
      assert(transactions.size <= 20, `${transactions.size} transactions`);
      assert.equal(await count(to), '1000 1000');
      for (const id of transactions) {
        const shown = await server.sql(`SHOW TRANSACTION FROM d WHERE id = ${id}`);
        assert(shown.rows[0]?.includes('VISIBLE'));
      }
    });
  }

  test('the keys of an answer, in their order', async () => {
    const to = await table();
    const { json } = await load({ port: server.ready.cnHttpPort, to, headers: CSV }, '1,a\n');
    assert.deepEqual(Object.keys(json), [
      ...ANSWER_KEYS,
      'RequestId',
      'LeftTimeMs',
      'PendingTimeMs',
      'WaitPlanTimeMs',
      'WaitFinishTimeMs',
      'LeftMergeTimeMs',
    ]);
    assert(Number(json['LeftTimeMs']) > 0 && Number(json['LeftTimeMs']) <= 300);
    assert(Number(json['LoadTimeMs']) >= 250, 'it waited for others');
  });

  test('asynchronous: the answer comes when the bytes are there, and its label tells later', async () => {
    const to = await table();
    const headers = { ...CSV, merge_commit_async: 'true', merge_commit_interval_ms: '2000' };
    const { json } = await load({ port: server.ready.httpPort, to, headers }, '1,a\n');
    assert.equal(json['Status'], 'Success');
    assert(Number(json['LoadTimeMs']) < 1500, `${json['LoadTimeMs']} ms`);
    assert.equal(await count(to), '0 0', 'nothing is promised yet');
    const path = `/api/d/get_load_state?label=${json['Label']}`;
    assert.equal((await ask(server.ready.httpPort, 'GET', path)).json['state'], 'PREPARE');
    await server.until(`SELECT count(*) FROM ${to.replace('/', '.')}`, (rows) => rows === '1');
    assert.equal((await ask(server.ready.httpPort, 'GET', path)).json['state'], 'VISIBLE');
  });

  test('only requests whose headers say the same are merged, of one user and one table', async () => {
    const [one, other] = [await table(), await table()];
    const port = server.ready.cnHttpPort;
    const same = await Promise.all([
      load({ port, to: one, headers: CSV }, '1,a\n'),
      load({ port, to: one, headers: { ...CSV, label: 'x' } }, '2,a\n'),
    ]);
    assert.equal(transactionsOf(same).size, 1);
    await server.sql("CREATE USER 'other' IDENTIFIED BY ''");
    await server.sql("GRANT INSERT ON ALL TABLES IN DATABASE d TO USER 'other'");
    const apart = await Promise.all([
      load({ port, to: one, headers: CSV }, '3,a\n'),
      load({ port, to: one, headers: { ...CSV, where: 'a > 0' } }, '4,a\n'),
      load({ port, to: other, headers: CSV }, '5,a\n'),
      load({ port, to: one, headers: CSV, user: 'other' }, '6,a\n'),
    ]);
    assert.equal(transactionsOf(apart).size, 4);
    assert.equal(await count(one), '5 5');
    assert.equal(await count(other), '1 1');
  });

  test('one request with bad rows fails all that are in its transaction, and those only', async () => {
    const to = await table('a INT NOT NULL, b VARCHAR(20)');
    const port = server.ready.cnHttpPort;
    const bodies = ['1,a\n', 'no number,b\n', '3,c\n'];
    const replies = await Promise.all(
      bodies.map((body) => load({ port, to, headers: { ...CSV, strict_mode: 'true' } }, body)),
    );
    assert.equal(transactionsOf(replies).size, 1);
    for (const { status, json } of replies) {
      assert.equal(status, 200);
      assert.equal(json['Status'], 'Fail');
      assert.match(String(json['Message']), /^Load is aborted, reason: too many filtered rows/);
      const log = await fetch(String(json['ErrorURL']));
      assert.match(await log.text(), /no number/);
    }
    assert.equal(await count(to), '0 0');
    const again = await load({ port, to, headers: { ...CSV, strict_mode: 'true' } }, '3,c\n');
    assert.equal(again.json['Status'], 'Success');
    const half = await Promise.all(
      bodies.map((body) => load({ port, to, headers: { ...CSV, max_filter_ratio: '0.5' } }, body)),
    );
    for (const { json } of half) assert.equal(json['Status'], 'Success');
    assert.equal(await count(to), '3 2');
  });

  test('JSON: documents, lines and arrays; compressed bodies', async () => {
    const to = await table();
    const port = server.ready.cnHttpPort;
    const plain = await Promise.all([
      load({ port, to, headers: JSON_LINES }, '{"a": 1, "b": "x"}'),
      load({ port, to, headers: JSON_LINES }, '{"a": 2}\n{"a": 3}'),
    ]);
    const arrays = { ...JSON_LINES, strip_outer_array: 'true' };
    const stripped = await Promise.all([
      load({ port, to, headers: arrays }, '[{"a": 4}, {"a": 5}]'),
      load({ port, to, headers: arrays }, '[{"a": 6}]'),
    ]);
    const packed = { ...JSON_LINES, compression: 'gzip' };
    const zipped = await Promise.all([
      load({ port, to, headers: packed }, gzipSync('{"a": 7}')),
      load({ port, to, headers: packed }, gzipSync('{"a": 8}')),
      load({ port, to, headers: { ...CSV, format: 'gzip' } }, gzipSync('9,x\n')),
    ]);
    for (const { json } of [...plain, ...stripped, ...zipped]) {
      assert.deepEqual([json['Status'], json['Message']], ['Success', 'OK']);
    }
    assert.equal(transactionsOf(plain).size + transactionsOf(stripped).size, 2);
    assert.equal(transactionsOf(zipped).size, 2);
    assert.equal(await count(to), '9 9');
    const damaged = await load({ port, to, headers: packed }, gzipSync('{"a": 7}').subarray(0, 20));
    assert.equal(damaged.json['Status'], 'Fail');
  });

  test('of a key the request that was answered last counts', async () => {
    const to = await table('a INT, b INT', 'PRIMARY KEY (a)');
    const headers = { ...CSV, merge_commit_interval_ms: '50' };
    await Promise.all(
      Array.from({ length: 20 }, async (_, key) => {
        for (let value = 1; value <= 3; value += 1) {
          const body = `${key},${value}\n`;
          const { json } = await load({ port: server.ready.cnHttpPort, to, headers }, body);
          assert.equal(json['Status'], 'Success', String(json['Message']));
        }
      }),
    );
    assert.equal(await count(to, 'count(*), min(b), max(b)'), '20 3 3');
  });

  test('what is wrong with a single request is told to it alone', async () => {
    const to = await table();
    const port = server.ready.cnHttpPort;
    const wrong: readonly (readonly [Readonly<Record<string, string>>, string, RegExp])[] = [
      [CSV, '1,a', /must end with the row delimiter/],
      [CSV, '', /The data can not be empty/],
      [{ ...CSV, row_delimiter: '\\x0D0A' }, '1,a\n', /must end with the row delimiter/],
      [{ ...CSV, skip_header: '1' }, '1,a\n', /skip_header is not supported/],
      [
        { ...CSV, merge_commit_interval_ms: '' },
        '1,a\n',
        /interval must be set positive, but is null/,
      ],
      [
        { ...CSV, merge_commit_interval_ms: '0' },
        '1,a\n',
        /interval must be set positive, but is 0/,
      ],
      [
        { ...CSV, merge_commit_parallel: '-1' },
        '1,a\n',
        /parallel must be set positive, but is -1/,
      ],
      [{ ...CSV, columns: 'a, nothing' }, '1,a\n', /./],
    ];
    const good = load({ port, to, headers: CSV }, '1,a\n');
    for (const [headers, body, message] of wrong) {
      const { status, json } = await load({ port, to, headers }, body);
      assert.equal(status, 200);
      if (headers['columns'] === undefined) assert.equal(json['Status'], 'Fail', String(message));
      if (json['Status'] === 'Fail') assert.match(String(json['Message']), message);
    }
    assert.equal((await good).json['Status'], 'Success');
    const refused = await load({ port, to, headers: CSV, password: 'wrong' }, '1,a\n');
    assert.equal(refused.status, 401);
    const unknown = await load({ port, to: 'd/unknown', headers: CSV }, '1,a\n');
    assert.equal(unknown.json['Status'], 'Fail');
    const bad = await load(
      { port, to, headers: { ...CSV, enable_merge_commit: 'maybe' } },
      '1,a\n',
    );
    assert.match(String(bad.json['Message']), /The value must be bool type, but is maybe/);
  });

  test('a client that goes in the middle of its body has no row in the load; a refused body is not asked for', async () => {
    const to = await table();
    const port = server.ready.cnHttpPort;
    const good = load({ port, to, headers: CSV }, '1,a\n');
    const cut = new BareRequest({ port, to, headers: { ...CSV, 'content-length': '100' } });
    cut.send('2,b\n');
    cut.cut();
    assert.equal((await good).json['Status'], 'Success');
    assert.equal(await count(to), '1 1');
    const wrong = { ...CSV, skip_header: '1', expect: '100-continue', 'content-length': '4' };
    const asked = new BareRequest({ port, to, headers: wrong });
    assert.equal((await asked.answer())['Status'], 'Fail');
    assert.doesNotMatch(asked.heard, /100 Continue/);
    const waits = { ...CSV, expect: '100-continue', 'content-length': '4' };
    const continued = new BareRequest({ port, to, headers: waits });
    await continued.until(/100 Continue/);
    continued.send('3,c\n');
    assert.equal((await continued.answer())['Status'], 'Success');
  });

  test('_cancel of its label ends a merged load for all that wait', async () => {
    const to = await table();
    const headers = { ...CSV, merge_commit_interval_ms: '60000' };
    const told = { ...headers, merge_commit_async: 'true' };
    const { json } = await load({ port: server.ready.cnHttpPort, to, headers: told }, '1,a\n');
    await ask(server.ready.httpPort, 'POST', `/api/d/x/_cancel?label=${json['Label']}`);
    const path = `/api/d/get_load_state?label=${json['Label']}`;
    assert.equal((await ask(server.ready.httpPort, 'GET', path)).json['state'], 'ABORTED');
    assert.equal(await count(to), '0 0');
  });
});
