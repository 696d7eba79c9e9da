// Transactions of Stream Loads over HTTP, by both doors: one table and several, many loads, the answers' keys and words,
// what may be asked again, what ends them, and that nothing is visible before the commit.
import assert from 'node:assert/strict';
import { request as send } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

interface Answer {
  readonly status: number;
  readonly keys: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly location: string | undefined;
}

type Headers = Readonly<Record<string, string>>;

const ROOT = `Basic ${Buffer.from('root:').toString('base64')}`;

function ask(
  port: number,
  path: string,
  headers: Headers,
  body: string | null = null,
  method = body === null ? 'POST' : 'PUT',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method };
    const out = send(
      {
        ...options,
        headers: {
          authorization: ROOT,
          'content-length': String(Buffer.byteLength(body ?? '')),
          ...headers,
        },
      },
      (response) => {
        let text = '';
        response.on('data', (data) => {
          text += data;
        });
        response.once('error', reject);
        response.once('end', () => {
          const fields = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
          const { statusCode: status = 0 } = response;
          resolve({
            status,
            keys: Object.keys(fields),
            fields,
            location: response.headers.location,
          });
        });
      },
    );
    out.once('error', reject);
    out.end(body ?? '');
  });
}

describe('transactions of stream loads', () => {
  let server: TestServer;
  let connection: Connection;

  before(async () => {
    server = await startServer({ broker: 'off' });
    connection = await server.connect();
    await connection.query('CREATE DATABASE d');
    await connection.query('USE d');
    await connection.query('CREATE TABLE a (x INT, y VARCHAR(9))');
    await connection.query('CREATE TABLE b (x INT, y INT)');
    await connection.query('CREATE TABLE p (k INT NOT NULL, v INT, w INT) PRIMARY KEY (k)');
  });
  after(async () => {
    connection.destroy();
    await server.stop();
  });

  const rows = async (sql: string): Promise<string> => {
    const [found] = await connection.query({ sql, rowsAsArray: true });
    return (found as unknown as string[][]).map((row) => row.join(',')).join(' ');
  };
  const count = (table: string): Promise<string> => rows(`SELECT count(*) FROM ${table}`);
  const csv = { column_separator: ',' };
  const op = (name: string, headers: Headers): Promise<Answer> =>
    ask(server.ready.httpPort, `/api/transaction/${name}`, { db: 'd', ...headers });
  const load = (headers: Headers, body: string): Promise<Answer> =>
    ask(server.ready.httpPort, '/api/transaction/load', { db: 'd', ...csv, ...headers }, body);
  const state = async (label: string): Promise<unknown> => {
    const path = `/api/d/get_load_state?label=${label}`;
    return (await ask(server.ready.httpPort, path, {}, null, 'GET')).fields['state'];
  };
  const words = ({ fields }: Answer): unknown[] => [fields['Status'], fields['Message']];

  test('one table: begin, loads, prepare, commit; keys in their order, numbers of all loads', async () => {
    const head = { label: 'one', table: 'a' };
    // StarRocks' SDK asks before it sends no body at all.
    const begun = await op('begin', { ...head, expect: '100-continue', timeout: '600' });
    assert.equal(begun.status, 200);
    assert.deepEqual(begun.keys, ['Status', 'Message', 'Label', 'TxnId', 'BeginTxnTimeMs']);
    assert.deepEqual(words(begun), ['OK', '']);
    assert.equal(begun.fields['Label'], 'one');
    assert.equal(await state('one'), 'PREPARE');
    const first = await load(head, '1,one\n2,two\n');
    assert.deepEqual(first.keys.slice(0, 7), [
      ...['Status', 'Message', 'Label', 'TxnId', 'LoadBytes', 'StreamLoadPlanTimeMs'],
      'ReceivedDataTimeMs',
    ]);
    assert.deepEqual(words(first), ['OK', '']);
    assert.deepEqual([first.fields['LoadBytes'], first.fields['Seq']], [12, 0]);
    const second = await load({ ...head, where: 'x > 3' }, '3,three\n4,four\n');
    assert.deepEqual([second.fields['Seq'], second.fields['NumberUnselectedRows']], [1, 1]);
    assert.equal(await count('a'), '0');
    const prepared = await op('prepare', head);
    assert.deepEqual(words(prepared), ['OK', '']);
    assert.deepEqual(prepared.keys, [
      ...['Status', 'Message', 'Label', 'TxnId', 'NumberTotalRows', 'NumberLoadedRows'],
      ...['NumberFilteredRows', 'NumberUnselectedRows', 'LoadBytes', 'LoadTimeMs'],
      ...[
        'StreamLoadPlanTimeMs',
        'ReceivedDataTimeMs',
        'WriteDataTimeMs',
        'CommitAndPublishTimeMs',
      ],
    ]);
    assert.equal(await state('one'), 'PREPARED');
    assert.equal(await count('a'), '0');
    assert.deepEqual(words(await op('prepare', head)), ['OK', '']);
    assert.match(String(words(await load(head, '9,x\n'))), /^FAILED,Transcation State Invalid/);
    const committed = await op('commit', head);
    assert.deepEqual(committed.keys, prepared.keys);
    assert.deepEqual(
      ['NumberTotalRows', 'NumberLoadedRows', 'NumberUnselectedRows', 'LoadBytes'].map(
        (key) => committed.fields[key],
      ),
      [4, 3, 1, 27],
    );
    assert.equal(await rows('SELECT x FROM a ORDER BY x'), '1 2 4');
    assert.equal(await state('one'), 'VISIBLE');
    const again = await op('commit', head);
    assert.deepEqual(words(again), ['OK', 'Transaction already commited']);
    assert.deepEqual(again.keys, committed.keys);
    assert.equal(again.fields['NumberLoadedRows'], 3);
    assert.equal(await count('a'), '3');
    assert.match(String(words(await op('rollback', head))), /^FAILED,Transcation State Invalid/);
    const taken = await op('begin', head);
    assert.equal(taken.fields['Status'], 'LABEL_ALREADY_EXISTS');
    assert.equal(taken.fields['ExistingJobStatus'], 'FINISHED');
  });

  test('several tables, keys among them, by the CN and by both doors in turn; visible together', async () => {
    const head = { label: 'multi', transaction_type: 'multi' };
    const cn = server.ready.cnHttpPort;
    assert.deepEqual(words(await op('begin', head)), ['OK', '']);
    const at = (port: number, table: string, body: string): Promise<Answer> =>
      ask(port, '/api/transaction/load', { db: 'd', ...csv, ...head, table }, body);
    for (const [port, table, body] of [
      [cn, 'b', '1,1\n'],
      [server.ready.httpPort, 'p', '1,1,1\n2,1,1\n'],
      [cn, 'p', '2,2,2\n3,2,2\n'],
      [server.ready.httpPort, 'b', '2,2\n'],
    ] as const) {
      assert.deepEqual(words(await at(port, table, body)), ['OK', '']);
    }
    assert.equal(`${await count('b')} ${await count('p')}`, '0 0');
    const committed = await ask(cn, '/api/transaction/commit', { db: 'd', ...head });
    assert.deepEqual(words(committed), ['OK', '']);
    assert.equal(committed.fields['NumberLoadedRows'], 6);
    assert.equal(await rows('SELECT k, v FROM p ORDER BY k'), '1,1 2,2 3,2');
    assert.equal(await count('b'), '2');
    assert.match(await rows("SHOW TRANSACTION WHERE label = 'multi'"), /MULTI_STATEMENT_STREAMING/);
    await connection.query('TRUNCATE TABLE p');
    await connection.query('TRUNCATE TABLE b');
  });

  test('partial updates: loads in one way are merged, in several ways applied one after the other', async () => {
    await connection.query('INSERT INTO p VALUES (1, 1, 1), (2, 2, 2)');
    const partial = { label: 'partial', table: 'p', partial_update: 'true', columns: 'k,v' };
    await op('begin', partial);
    await load(partial, '1,10\n3,30\n');
    await load(partial, '1,11\n');
    assert.deepEqual(words(await op('prepare', partial)), ['OK', '']);
    assert.deepEqual(words(await op('commit', partial)), ['OK', '']);
    assert.equal(await rows('SELECT k, v, w FROM p ORDER BY k'), '1,11,1 2,2,2 3,30,');
    const mixed = { label: 'mixed', table: 'p' };
    await op('begin', mixed);
    await load({ ...partial, ...mixed }, '1,12\n');
    await load(mixed, '2,20,20\n');
    await load({ ...partial, ...mixed, columns: 'k,w' }, '1,13\n2,21\n4,40\n');
    const committed = await op('commit', mixed);
    assert.deepEqual(words(committed), ['OK', '']);
    assert.equal(committed.fields['NumberLoadedRows'], 5);
    assert.equal(await rows('SELECT k, v, w FROM p ORDER BY k'), '1,12,13 2,20,21 3,30, 4,,40');
    await connection.query('TRUNCATE TABLE p');
  });

  test('rollback, of a label that is not there too; its label is free; nothing is left to see', async () => {
    const head = { label: 'back', table: 'b' };
    await op('begin', head);
    await load(head, '1,1\n');
    const rolledBack = await op('rollback', head);
    assert.deepEqual(rolledBack.keys, ['Status', 'Message']);
    assert.deepEqual(words(rolledBack), ['OK', '']);
    assert.deepEqual(words(await op('rollback', head)), ['OK', '']);
    assert.equal(await state('back'), 'ABORTED');
    assert.match(String(words(await op('commit', head))), /^FAILED,Transcation State Invalid/);
    for (const name of ['rollback', 'prepare', 'commit']) {
      const unknown = await op(name, { label: 'nobody', table: 'b' });
      assert.deepEqual(words(unknown), ['TXN_NOT_EXISTS', 'Transcation Not Exist']);
    }
    const unknown = await load({ label: 'nobody', table: 'b' }, '1,1\n');
    assert.deepEqual(words(unknown), ['TXN_NOT_EXISTS', 'Transcation Not Exist']);
    assert.deepEqual(words(await op('begin', head)), ['OK', '']);
    await load(head, '5,5\n');
    await op('prepare', head);
    await op('rollback', head);
    assert.equal(await count('b'), '0');
  });

  test('begin with the label of an own unfinished one rolls that back; of a prepared one it is refused', async () => {
    const head = { label: 'anew', table: 'b' };
    const first = await op('begin', head);
    await load(head, '1,1\n');
    const second = await op('begin', head);
    assert.deepEqual(words(second), ['OK', '']);
    assert.notEqual(second.fields['TxnId'], first.fields['TxnId']);
    await load(head, '2,2\n');
    await op('prepare', head);
    const refused = await op('begin', head);
    assert.deepEqual(
      [refused.fields['Status'], refused.fields['ExistingJobStatus']],
      ['LABEL_ALREADY_EXISTS', 'RUNNING'],
    );
    await op('commit', head);
    assert.equal(await rows('SELECT x FROM b'), '2');
    await connection.query('TRUNCATE TABLE b');
  });

  test('a load that fails rolls the transaction back; what is wrong is said', async () => {
    const head = { label: 'fails', table: 'b' };
    await op('begin', head);
    await load(head, '1,1\n');
    const failed = await load({ ...head, strict_mode: 'true' }, '2,2\nx,y,z\n');
    assert.equal(failed.fields['Status'], 'FAILED');
    assert.match(String(failed.fields['Message']), /too many filtered rows/i);
    assert.equal(await state('fails'), 'ABORTED');
    assert.equal(await count('b'), '0');
    // Its rejected rows are kept, and its entry says how to find them.
    const tracked =
      "SELECT TRACKING_SQL FROM information_schema.stream_loads WHERE LABEL = 'fails'";
    const trackingSql = await rows(tracked);
    assert.match(trackingSql, /job_id=\d+/);
    for (;;) {
      const log = await rows(trackingSql).catch(String);
      if (/x,y,z|'x'/.test(log)) break;
      await rows('SELECT sleep(0.05)');
    }
    await op('begin', head);
    const merged = await load({ ...head, enable_merge_commit: 'true' }, '1,1\n');
    assert.match(String(words(merged)), /^FAILED,a load of a transaction is not merged/);
    await op('begin', head);
    const wrong = await load({ ...head, where: 'nope > 1' }, '1,1\n');
    assert.equal(wrong.fields['Status'], 'FAILED');
    assert.equal(await state('fails'), 'ABORTED');
  });

  test('rejected rows of all loads are kept with the commit', async () => {
    const head = { label: 'lenient', table: 'b', strict_mode: 'true', max_filter_ratio: '0.9' };
    await op('begin', head);
    await load(head, '1,1\nx,1\n');
    await load(head, 'y,2\n2,2\n');
    const committed = await op('commit', head);
    assert.deepEqual(
      ['NumberTotalRows', 'NumberLoadedRows', 'NumberFilteredRows'].map(
        (key) => committed.fields[key],
      ),
      [4, 2, 2],
    );
    const kept = "SELECT count(*) FROM _statistics_.rejected_records WHERE load_label = 'lenient'";
    assert.equal(await rows(kept), '2');
    assert.equal(await rows('SELECT x FROM b ORDER BY x'), '1 2');
    await connection.query('TRUNCATE TABLE b');
  });

  test('a second load while one is under way is told so, and does no harm', async () => {
    const head = { label: 'busy', table: 'b' };
    await op('begin', head);
    const slow = new Promise<string>((resolve, reject) => {
      const headers = { authorization: ROOT, db: 'd', ...head, ...csv, expect: '100-continue' };
      const out = send(
        {
          ...{ host: '127.0.0.1', port: server.ready.cnHttpPort, path: '/api/transaction/load' },
          ...{ method: 'PUT', headers: { ...headers, 'transfer-encoding': 'chunked' } },
        },
        (response) => {
          response.resume();
          response.once('end', () => resolve('over'));
        },
      );
      out.once('error', reject);
      // The load was accepted.
      out.once('continue', () => {
        out.write('1,1\n');
        const others = async (): Promise<void> => {
          for (const answer of [await load(head, '2,2\n'), await op('prepare', head)])
            assert.equal(answer.fields['Status'], 'TXN_IN_PROCESSING');
          assert.equal((await op('commit', head)).fields['Status'], 'TXN_IN_PROCESSING');
          out.end('3,3\n');
        };
        others().catch(reject);
      });
      out.flushHeaders();
    });
    assert.equal(await slow, 'over');
    assert.deepEqual(words(await op('commit', head)), ['OK', '']);
    assert.equal(await rows('SELECT x FROM b ORDER BY x'), '1 3');
    await connection.query('TRUNCATE TABLE b');
  });

  test('what a request must have, and what it may not; who may', async () => {
    assert.deepEqual(words(await op('begin', { table: 'b' })), ['FAILED', 'Empty label.']);
    assert.deepEqual(words(await op('begin', { label: 'x', db: '' })), [
      'FAILED',
      'No database selected.',
    ]);
    assert.deepEqual(words(await op('begin', { label: 'x' })), ['FAILED', 'No table selected.']);
    for (const [headers, message] of [
      [{ timeout: 'soon' }, /Invalid timeout format/],
      [{ transaction_type: 'several' }, /Unknown transaction type: several/],
      [{ channel_num: '2' }, /Must provide channel_id when stream load begin\./],
      [{ table: 'nope' }, /nope/],
      [{ db: 'nope' }, /nope/],
      [{ label: 'a label' }, /Label format error/],
    ] as const) {
      const answer = await op('begin', { label: 'x', table: 'b', ...headers });
      assert.equal(answer.fields['Status'], 'FAILED', JSON.stringify(headers));
      assert.match(String(answer.fields['Message']), message);
    }
    const empty = { label: 'empty', table: 'b' };
    await op('begin', empty);
    assert.match(String(words(await op('prepare', empty))), /^FAILED,transaction \d+ has no load/);
    assert.equal(await state('empty'), 'ABORTED');
    const wrong = { authorization: `Basic ${Buffer.from('root:no').toString('base64')}` };
    const denied = await op('begin', { label: 'x', table: 'b', ...wrong });
    assert.deepEqual([denied.status, denied.fields['Status']], [401, 'FAILED']);
    await connection.query("CREATE USER lo IDENTIFIED BY 'p'");
    const lo = { authorization: `Basic ${Buffer.from('lo:p').toString('base64')}` };
    const noRight = await op('begin', { label: 'x', table: 'b', ...lo });
    assert.equal(noRight.fields['Status'], 'FAILED');
    await op('begin', { label: 'roots', table: 'b' });
    const others = await op('commit', { label: 'roots', ...lo });
    assert.equal(others.fields['Status'], 'TXN_NOT_EXISTS');
    await op('rollback', { label: 'roots' });
    await connection.query('DROP USER lo');
  });

  test('lists show it with its tables, to who may load into all of them, while it is open and afterwards', async () => {
    await connection.query("CREATE USER seer IDENTIFIED BY 'p'");
    await connection.query('GRANT INSERT, SELECT ON TABLE d.b TO seer');
    const head = { label: 'listed', transaction_type: 'multi' };
    await op('begin', head);
    await load({ ...head, table: 'b' }, '1,1\n');
    await load({ ...head, table: 'p' }, '1,1,1\n2,1,1\n');
    const seer = await server.connect({ user: 'seer', password: 'p' });
    const seen = async (sql: string, on: Connection): Promise<string> => {
      const [found] = await on.query({ sql, rowsAsArray: true });
      return (found as unknown as string[][]).map((row) => row.join(',')).join(' ');
    };
    const transactions = "SHOW TRANSACTION FROM d WHERE label = 'listed'";
    const loads =
      "SELECT TABLE_NAME, STATE, TYPE, NUM_ROWS_NORMAL FROM information_schema.stream_loads WHERE LABEL = 'listed'";
    assert.match(await seen(transactions, connection), /listed,CN: cn-1,PREPARE,/);
    assert.match(await seen(loads, connection), /^b,p,/);
    assert.equal(await seen(transactions, seer), '');
    assert.equal(await seen(loads, seer), '');
    await connection.query('GRANT INSERT, SELECT ON TABLE d.p TO seer');
    assert.match(await seen(transactions, seer), /listed,CN: cn-1,PREPARE,/);
    await op('commit', head);
    assert.match(await seen(transactions, seer), /listed,CN: cn-1,VISIBLE,/);
    assert.match(await seen(loads, seer), /^b,p,FINISHED,TRANSACTION_STREAM_LOAD,3$/);
    seer.destroy();
    await connection.query('DROP USER seer');
    await connection.query('TRUNCATE TABLE b');
    await connection.query('TRUNCATE TABLE p');
  });

  test('redirect: true sends every request to the CN, as StarRocks does', async () => {
    for (const name of ['begin', 'prepare', 'commit', 'rollback']) {
      const answer = await op(name, { label: 'away', table: 'b', redirect: 'true' });
      assert.equal(answer.status, 307);
      assert.equal(
        answer.location,
        `http://127.0.0.1:${server.ready.cnHttpPort}/api/transaction/${name}`,
      );
    }
    const loaded = await load({ label: 'away', table: 'b', redirect: 'true' }, '1,1\n');
    assert.equal(loaded.status, 307);
  });

  test('a table that is dropped between load and commit: refused, all of it', async () => {
    await connection.query('CREATE TABLE gone (x INT)');
    const head = { label: 'dropped', transaction_type: 'multi' };
    await op('begin', head);
    await load({ ...head, table: 'b' }, '1,1\n');
    await load({ ...head, table: 'gone' }, '1\n');
    await op('prepare', head);
    await connection.query('DROP TABLE gone FORCE');
    assert.match(
      String(words(await op('commit', head))),
      /^FAILED,Transcation State Invalid.*was dropped/,
    );
    assert.equal(await state('dropped'), 'ABORTED');
    assert.equal(await count('b'), '0');
  });

  test('time limits: idle and prepared ones end by the sweep', async () => {
    const idle = { label: 'idle', table: 'b', idle_transaction_timeout: '1' };
    const late = { label: 'late', table: 'b', prepared_timeout: '1' };
    for (const head of [idle, late]) {
      await op('begin', head);
      await load(head, '1,1\n');
    }
    await op('prepare', late);
    await rows('SELECT sleep(1.2)');
    await connection.query('ADMIN SWEEP');
    for (const head of [idle, late]) {
      assert.equal(await state(head.label), 'ABORTED');
      assert.match(String(words(await op('commit', head))), /^FAILED,.*timed out/);
    }
    assert.equal(await count('b'), '0');
  });
});
