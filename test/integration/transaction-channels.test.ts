// Parallel channels of a transaction of Stream Loads: begun, loaded into and prepared side by side, one label, visible
// together; what contradicts itself, and what SHOW STREAM LOAD tells. SOURCE: StarRocks, StreamLoadTask and
// TransactionLoadAction: words and keys.
import assert from 'node:assert/strict';
import { request as send } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { startServer, type TestServer } from '../support/start-server.ts';
import { basic } from '../support/stream-client.ts';
import { type TransactionReply, transactionOp, wordsOf } from '../support/transaction-client.ts';

type Headers = Readonly<Record<string, string>>;

const CHANNELS = 3;

describe('parallel channels of a transaction', () => {
  let server: TestServer;

  before(async () => {
    server = await startServer({ broker: 'off' });
    await server.sql('CREATE DATABASE d');
    await server.sql('USE d');
    await server.sql('CREATE TABLE t (x INT, y INT)');
    await server.sql('CREATE TABLE other (x INT)');
    await server.sql('CREATE TABLE p (k INT NOT NULL, v INT, w INT) PRIMARY KEY (k)');
  });
  after(() => server.stop());

  const headOf = (label: string, channel: number, more: Headers = {}): Headers => ({
    ...{ db: 'd', table: 't', label, column_separator: ',' },
    channel_id: String(channel),
    channel_num: String(CHANNELS),
    ...more,
  });
  const op = (
    name: Parameters<typeof transactionOp>[1],
    headers: Headers,
    body?: string,
    port = server.ready.httpPort,
  ): Promise<TransactionReply> => transactionOp(port, name, headers, body);
  const rows = async (sql: string): Promise<string> =>
    (await server.sql(sql)).rows.map((row) => row.join(',')).join(' ');
  const stateOf = async (label: string): Promise<string> =>
    await rows(`SHOW ALL STREAM LOAD FOR ${label}`);
  const shown = async (label: string): Promise<string> =>
    await rows(
      `SELECT STATE, CHANNEL_NUM, PREPARED_CHANNEL_NUM, CHANNEL_STATE, TYPE FROM information_schema.stream_loads WHERE LABEL = '${label}'`,
    );

  test('each channel begins, loads and is prepared by itself; the last one prepares the transaction', async () => {
    const begun = await op('begin', headOf('side', 0));
    assert.deepEqual(Object.keys(begun), [
      ...['Status', 'Message', 'Label', 'TxnId', 'BeginChannel', 'BeginTxnTimeMs'],
    ]);
    assert.equal(begun['BeginChannel'], CHANNELS);
    assert.equal(
      await shown('side'),
      'LOADING,3,0,BEFORE_LOAD | BEGIN | BEGIN,PARALLEL_STREAM_LOAD',
    );
    for (const channel of [1, 2]) {
      const further = await op('begin', headOf('side', channel));
      assert.deepEqual([wordsOf(further), further['TxnId']], ['OK', begun['TxnId']]);
    }
    const again = await op('begin', headOf('side', 1));
    assert.equal(wordsOf(again), 'OK stream load side channel 1 has already begun');
    const { httpPort, cnHttpPort } = server.ready;
    const load = (channel: number, body: string, port = httpPort) =>
      op('load', headOf('side', channel), body, port);
    const loaded = await Promise.all([
      load(0, '1,0\n2,0\n'),
      load(1, '3,1\n', cnHttpPort),
      load(2, '4,2\n5,2\n6,2\n'),
    ]);
    for (const reply of loaded) assert.equal(wordsOf(reply), 'OK');
    assert.equal(wordsOf(await load(1, '7,1\n')), 'OK');
    assert.equal(await rows('SELECT count(*) FROM t'), '0');
    const first = await op('prepare', headOf('side', 1));
    assert.deepEqual(
      [wordsOf(first), first['ChannelId'], first['Prepared Channel Num']],
      ['OK', 1, 1],
    );
    assert.equal('NumberLoadedRows' in first, false);
    // Asked again after a lost answer.
    assert.equal((await op('prepare', headOf('side', 1)))['Prepared Channel Num'], 1);
    assert.match(wordsOf(await load(1, '8,1\n')), /^FAILED Transcation State Invalid.*channel 1/);
    assert.equal(
      wordsOf(await op('commit', headOf('side', 1))),
      'FAILED stream load task side state (PREPARING) is not prepared, can not commit',
    );
    assert.equal(wordsOf(await load(0, '9,0\n')), 'OK');
    assert.equal((await op('prepare', headOf('side', 0)))['Prepared Channel Num'], 2);
    assert.equal(
      await shown('side'),
      'LOADING,3,2,PREPARING | PREPARING | LOADING,PARALLEL_STREAM_LOAD',
    );
    const last = await op('prepare', headOf('side', 2));
    assert.equal(wordsOf(last), 'OK stream load side finish preparing');
    assert.deepEqual(
      ['ChannelId', 'Prepared Channel Num', 'NumberTotalRows', 'NumberLoadedRows'].map(
        (key) => last[key],
      ),
      [2, 3, 8, 8],
    );
    assert.equal(
      wordsOf(await op('prepare', headOf('side', 2))),
      'OK stream load task side has already been prepared',
    );
    assert.equal(
      wordsOf(await op('begin', headOf('side', 2))),
      'OK stream load task side has already been prepared',
    );
    assert.equal(await rows('SELECT count(*) FROM t'), '0');
    const committed = await op('commit', headOf('side', 0));
    assert.deepEqual([committed['Status'], committed['NumberLoadedRows']], ['OK', 8]);
    assert.equal(await rows('SELECT x FROM t ORDER BY x'), '1 2 3 4 5 6 7 9');
    assert.equal(wordsOf(await op('commit', headOf('side', 2))), 'OK Transaction already commited');
    assert.equal(
      await shown('side'),
      'FINISHED,3,3,FINISHED | FINISHED | FINISHED,PARALLEL_STREAM_LOAD',
    );
    assert.match(await stateOf('side'), /,FINISHED,/);
    await server.sql('TRUNCATE TABLE t');
  });

  test('all channels begin at once: one transaction', async () => {
    const begun = await Promise.all([0, 1, 2].map((one) => op('begin', headOf('race', one))));
    assert.deepEqual(begun.map(wordsOf), ['OK', 'OK', 'OK']);
    assert.equal(new Set(begun.map((reply) => reply['TxnId'])).size, 1);
    await Promise.all([0, 1, 2].map((one) => op('load', headOf('race', one), `${one},${one}\n`)));
    const prepared = await Promise.all([0, 1, 2].map((one) => op('prepare', headOf('race', one))));
    assert.ok(prepared.some((reply) => reply['NumberLoadedRows'] === 3));
    assert.equal((await op('commit', headOf('race', 1)))['Status'], 'OK');
    assert.equal(await rows('SELECT x FROM t ORDER BY x'), '0 1 2');
    await server.sql('TRUNCATE TABLE t');
  });

  test('bodies of two channels are under way at once; a second one of a channel is told to wait', async () => {
    await op('begin', headOf('slow', 0));
    const slow = new Promise<string>((resolve, reject) => {
      const headers = { authorization: basic(), ...headOf('slow', 0), expect: '100-continue' };
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
      out.once('continue', () => {
        out.write('1,1\n');
        const others = async (): Promise<void> => {
          assert.equal(wordsOf(await op('load', headOf('slow', 1), '2,2\n')), 'OK');
          for (const reply of [
            await op('load', headOf('slow', 0), '3,3\n'),
            await op('prepare', headOf('slow', 0)),
          ])
            assert.equal(reply['Status'], 'TXN_IN_PROCESSING');
          assert.equal((await op('prepare', headOf('slow', 1)))['Prepared Channel Num'], 1);
          out.end('4,4\n');
        };
        others().catch(reject);
      });
      out.flushHeaders();
    });
    assert.equal(await slow, 'over');
    // Without a channel: all that are open.
    const { channel_id: _, channel_num: __, ...whole } = headOf('slow', 0);
    assert.equal(wordsOf(await op('prepare', whole)), 'OK stream load slow finish preparing');
    assert.equal((await op('commit', whole))['Status'], 'OK');
    assert.equal(await rows('SELECT x FROM t ORDER BY x'), '1 2 4');
    await server.sql('TRUNCATE TABLE t');
  });

  test('a table with keys: the loads of a channel stay in order, those of others have other keys', async () => {
    await server.sql('INSERT INTO p VALUES (0, 9, 9), (1, 9, 9), (2, 9, 9)');
    const loadAll = async (channel: number): Promise<void> => {
      const head = headOf('keys', channel, { table: 'p' });
      await op('begin', head);
      for (const value of [1, 2]) {
        const partial = { partial_update: 'true', columns: 'k,v' };
        const body = `${channel},${value}\n${channel + 10},${value}\n`;
        assert.equal(wordsOf(await op('load', { ...head, ...partial }, body)), 'OK');
      }
      const whole = `${channel + 10},3,3\n`;
      assert.equal(wordsOf(await op('load', head, whole)), 'OK');
      await op('prepare', head);
    };
    await Promise.all([0, 1, 2].map(loadAll));
    assert.equal((await op('commit', headOf('keys', 0)))['Status'], 'OK');
    const expected = '0,2,9 1,2,9 2,2,9 10,3,3 11,3,3 12,3,3';
    assert.equal(await rows('SELECT k, v, w FROM p ORDER BY k'), expected);
  });

  test('rollback by one channel ends them all, a body on its way among them; the label is free', async () => {
    await op('begin', headOf('back', 0));
    await op('begin', headOf('back', 1));
    const held = new Promise<string>((resolve, reject) => {
      const headers = { authorization: basic(), ...headOf('back', 1), expect: '100-continue' };
      const out = send(
        {
          ...{ host: '127.0.0.1', port: server.ready.cnHttpPort, path: '/api/transaction/load' },
          ...{ method: 'PUT', headers: { ...headers, 'transfer-encoding': 'chunked' } },
        },
        (response) => {
          let text = '';
          response.on('data', (data) => {
            text += data;
          });
          response.once('end', () => resolve(text));
        },
      );
      out.once('error', reject);
      out.once('continue', () => {
        out.write('1,1\n');
        op('rollback', headOf('back', 0)).then(
          (reply) => assert.equal(reply['Status'], 'OK'),
          reject,
        );
      });
      out.flushHeaders();
    });
    assert.match(await held, /"FAILED"/);
    assert.match(wordsOf(await op('commit', headOf('back', 0))), /^FAILED Transcation State/);
    const anew = await op('begin', headOf('back', 2));
    assert.equal(wordsOf(anew), 'OK');
    await op('rollback', headOf('back', 2));
    assert.equal(await rows('SELECT count(*) FROM t'), '0');
  });

  test('a load that fails ends the whole transaction', async () => {
    await op('begin', headOf('bad', 0));
    await op('begin', headOf('bad', 1));
    assert.equal(wordsOf(await op('load', headOf('bad', 0), '1,1\n')), 'OK');
    const strict = headOf('bad', 1, { strict_mode: 'true' });
    assert.equal((await op('load', strict, 'x,1\n'))['Status'], 'FAILED');
    assert.match(wordsOf(await op('prepare', headOf('bad', 0))), /^FAILED Transcation State/);
    assert.equal(await rows('SELECT count(*) FROM t'), '0');
  });

  test('what contradicts itself is said', async () => {
    const plain = { db: 'd', table: 't', column_separator: ',' };
    for (const [headers, message] of [
      [{ channel_num: '2' }, 'Must provide channel_id when stream load begin.'],
      [{ channel_id: '0' }, 'Must provide channel_num when stream load begin.'],
      [{ channel_id: '2', channel_num: '2' }, 'Channel ID should be between [0, 1].'],
      [{ channel_id: '-1', channel_num: '2' }, 'Invalid channel_id format'],
      [{ channel_id: 'x', channel_num: '2' }, 'Invalid channel_id format'],
      [{ channel_id: '0', channel_num: '0' }, 'Invalid channel_num format'],
      [{ channel_id: '0', channel_num: '65' }, 'Invalid channel_num format'],
      [
        { channel_id: '0', channel_num: '2', table: '' },
        'Table name must be specified when calling /begin/transaction/ first time',
      ],
      [
        { channel_id: '0', channel_num: '2', transaction_type: 'multi' },
        'parallel channels are of one table: channel_id and channel_num go without transaction_type',
      ],
    ] as const) {
      const reply = await op('begin', { ...plain, label: 'wrong', ...headers });
      assert.equal(wordsOf(reply), `FAILED ${message}`);
    }
    await op('begin', headOf('wrong', 0));
    const none = await op('load', { ...plain, label: 'wrong' }, '1,1\n');
    assert.equal(wordsOf(none), 'FAILED Must provide channel_id when stream load begin.');
    // An error in a load ends the transaction, as ever.
    await op('begin', headOf('wrong', 0));
    const other = await op('load', headOf('wrong', 0, { table: 'other' }), '1\n');
    assert.match(wordsOf(other), /^FAILED Request table other not equal transaction table/);
    await op('begin', headOf('wrong', 0));
    const count = await op('begin', headOf('wrong', 1, { channel_num: '4' }));
    assert.equal(wordsOf(count), 'FAILED channel num 4 does not equal to original channel num 3');
    assert.match(wordsOf(await op('prepare', headOf('wrong', 0))), /^FAILED Transcation State/);
    await op('begin', { ...plain, label: 'without' });
    const foreign = await op('begin', headOf('without', 0));
    assert.equal(foreign['Status'], 'LABEL_ALREADY_EXISTS');
    const unasked = await op('prepare', headOf('without', 0));
    assert.match(wordsOf(unasked), /^FAILED the transaction of label without was begun without/);
    await op('rollback', { ...plain, label: 'without' });
    await op('begin', headOf('empty', 0));
    await op('begin', headOf('empty', 1));
    for (const channel of [0, 1]) await op('prepare', headOf('empty', channel));
    const empty = await op('prepare', headOf('empty', 2));
    assert.match(wordsOf(empty), /^FAILED transaction \d+ has no load/);
  });
});
