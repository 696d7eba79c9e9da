// What the lists of loads say of real Stream Loads and INSERTs: with rejected rows, failed by them, and a transaction of
// several. The TrackingSQL of each is run as it is printed, and its link is fetched.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';
import { basic, load } from '../support/stream-client.ts';

let server: TestServer;
let connection: Connection;

before(async () => {
  server = await startServer({ broker: 'off' });
  connection = await server.connect();
  await connection.query('CREATE DATABASE h');
  await connection.query('CREATE TABLE h.t (a INT NOT NULL, b VARCHAR(3))');
});
after(async () => {
  connection.destroy();
  assert.equal(await server.stop(), 0);
});

type Row = Record<string, unknown>;

async function rows(sql: string, on = connection): Promise<readonly Row[]> {
  const [found] = await on.query(sql);
  return found as Row[];
}

async function put(label: string, body: string, headers: Record<string, string> = {}) {
  const common = { label, column_separator: ',' };
  const port = server.ready.httpPort;
  const { json } = await load({ port, to: 'h/t', headers: { ...common, ...headers } }, body);
  return json;
}

test('SHOW ALL STREAM LOAD and information_schema say what the answers said', async () => {
  const some = await put('some', '1,a\n2,too long\n3,c\n9,z\n', {
    max_filter_ratio: '0.5',
    where: 'a < 9',
    timeout: '77',
    strict_mode: 'true',
  });
  assert.equal(some['Status'], 'Success');
  const none = await put('none', '1,a\ny,b\nx,b\n');
  assert.equal(none['Status'], 'Fail');
  const shown = await rows('SHOW ALL STREAM LOAD FROM h');
  assert.partialDeepStrictEqual(shown, [
    {
      Label: 'some',
      TxnId: String(some['TxnId']),
      DbName: 'h',
      TableName: 't',
      State: 'FINISHED',
      ErrorMsg: null,
      NumRowsNormal: String(some['NumberLoadedRows']),
      NumRowsAbNormal: '1',
      NumRowsUnselected: '1',
      NumLoadBytes: String(some['LoadBytes']),
      TimeoutSecond: '77',
      Type: 'STREAM_LOAD',
    },
    {
      Label: 'none',
      TxnId: String(none['TxnId']),
      State: 'CANCELLED',
      NumRowsAbNormal: String(none['NumberFilteredRows']),
    },
  ]);
  assert.match(
    String(shown[1]?.['ErrorMsg']),
    /^type:ETL_QUALITY_UNSATISFIED; msg:too many filtered rows/,
  );
  const loads = await rows(
    `SELECT * FROM information_schema.loads WHERE DB_NAME = 'h' AND TYPE = 'STREAM_LOAD' ORDER BY ID`,
  );
  assert.partialDeepStrictEqual(
    loads.map(
      ({ SCAN_ROWS, FILTERED_ROWS, UNSELECTED_ROWS, SINK_ROWS, SCAN_BYTES, STATE, USER }) => ({
        ...{ SCAN_ROWS, FILTERED_ROWS, UNSELECTED_ROWS, SINK_ROWS },
        ...{ SCAN_BYTES, STATE, USER },
      }),
    ),
    [
      {
        ...{ SCAN_ROWS: '4', FILTERED_ROWS: '1', UNSELECTED_ROWS: '1', SINK_ROWS: '2' },
        ...{ SCAN_BYTES: String(some['LoadBytes']), STATE: 'FINISHED', USER: 'root' },
      },
      { FILTERED_ROWS: '2', UNSELECTED_ROWS: '0', STATE: 'CANCELLED' },
    ],
  );
  const details = JSON.parse(String(loads[0]?.['RUNTIME_DETAILS'])) as Row;
  assert.equal(details['txn_id'], some['TxnId']);
  assert.equal(details['client_ip'], '127.0.0.1');
  const properties = JSON.parse(String(loads[0]?.['PROPERTIES'])) as Row;
  assert.deepEqual([properties['timeout'], properties['max_filter_ratio']], [77, 0.5]);
  assert.doesNotMatch(JSON.stringify(loads), /Basic|authorization/i);
  assert.deepEqual(
    (await rows(`SHOW LOAD WARNINGS FROM h WHERE LABEL = 'some'`)).map(
      (row) => row['ErrorMsgDetail'],
    ),
    ['Error: Value length is beyond the capacity. column=b, capacity=3, actual=8. Row: 2,too long'],
  );
});

test('TrackingSQL and the link show the rejected rows, also of a load that failed by them', async () => {
  const shown = await rows('SHOW ALL STREAM LOAD FROM h');
  const lines = async (label: string) => {
    const row = shown.find(({ Label }) => Label === label);
    const logs = (await rows(String(row?.['TrackingSQL']))).map((log) => log['tracking_log']);
    const page = await (await fetch(String(row?.['TrackingURL']))).text();
    return { logs, page: page.trim().split('\n') };
  };
  const some = await lines('some');
  assert.equal(some.logs.length, 1);
  assert.match(String(some.logs[0]), /actual=8/);
  const none = await lines('none');
  assert.equal(none.logs.length, 2);
  assert.equal(none.page.length, 2);
  assert.deepEqual([...none.page].sort(), [...none.logs].sort());
});

test('a label that failed is used again: both are listed; FOR finds them', async () => {
  assert.equal((await put('none', '5,e\n'))['Status'], 'Success');
  const both = await rows('SHOW ALL STREAM LOAD FOR h.none');
  assert.deepEqual(
    both.map(({ State }) => State),
    ['CANCELLED', 'FINISHED'],
  );
  await assert.rejects(rows('SHOW STREAM LOAD FOR h.none'), /There is no label named none in db h/);
});

test('a transaction of several loads: while it is open, prepared, and with the numbers of all at its end', async () => {
  const headers = {
    authorization: basic(),
    db: 'h',
    table: 't',
    label: 'tx',
    column_separator: ',',
  };
  const step = async (name: string, more: Record<string, string> = {}, body?: string) => {
    const url = `http://127.0.0.1:${server.ready.httpPort}/api/transaction/${name}`;
    const method = body === undefined ? 'POST' : 'PUT';
    const sent = {
      method,
      headers: { ...headers, ...more },
      ...(body === undefined ? {} : { body }),
    };
    const answer = (await (await fetch(url, sent)).json()) as Row;
    assert.equal(answer['Status'], 'OK', JSON.stringify(answer));
  };
  const shown = async (sql: string) => (await rows(sql)).map(({ State, Type }) => [State, Type]);
  await step('begin', { timeout: '60' });
  await step('load', {}, '20,a\n');
  await step('load', {}, '21,b\n22,c\n');
  assert.deepEqual(await shown('SHOW STREAM LOAD FOR h.tx'), [['LOADING', 'STREAM_LOAD']]);
  await step('prepare', { prepared_timeout: '300' });
  assert.deepEqual(await shown('SHOW STREAM LOAD FOR h.tx'), [['PREPARED', 'STREAM_LOAD']]);
  const [open] = await rows(`SHOW TRANSACTION FROM h WHERE Label = 'tx'`);
  assert.equal(open?.['TransactionStatus'], 'PREPARED');
  assert.equal(open?.['PreparedTimeoutMs'], '300000');
  const [running] = await rows(`SHOW PROC '/transactions/h/running'`);
  assert.equal(running?.['Label'], 'tx');
  await step('commit');
  const [done] = await rows('SHOW ALL STREAM LOAD FOR h.tx');
  assert.partialDeepStrictEqual(done, {
    State: 'FINISHED',
    Type: 'TRANSACTION_STREAM_LOAD',
    NumRowsNormal: '3',
    NumLoadBytes: '15',
  });
});

test('who may not load into the table sees none of it', async () => {
  await connection.query('CREATE USER ann');
  await connection.query('GRANT SELECT ON TABLE h.t TO ann');
  const ann = await server.connect({ user: 'ann' });
  try {
    assert.deepEqual(await rows('SHOW ALL STREAM LOAD FROM h', ann), []);
    assert.deepEqual(await rows('SELECT * FROM information_schema.stream_loads', ann), []);
    const logs = `SELECT * FROM information_schema.load_tracking_logs WHERE LABEL IN ('some', 'none')`;
    assert.equal((await rows(logs)).length, 3);
    assert.deepEqual(await rows(logs, ann), []);
  } finally {
    ann.destroy();
  }
});

test('TRACKING_SQL and the link of an INSERT that went on, and of one that failed', async () => {
  await connection.query('CREATE TABLE h.inserted (a INT NOT NULL, b VARCHAR(3))');
  await connection.query('SET insert_max_filter_ratio = 0.5');
  await connection.query(
    `INSERT INTO h.inserted WITH LABEL inserted VALUES (1, 'a'), (2, 'b'), (3, 'too long'), (4, 'longer')`,
  );
  await assert.rejects(
    connection.query(`INSERT INTO h.inserted WITH LABEL not_inserted VALUES (1, 'too long')`),
    /filtered data/,
  );
  const loads = await rows(
    `SELECT LABEL, TRACKING_SQL, REJECTED_RECORD_PATH AS link FROM information_schema.loads WHERE TABLE_NAME = 'inserted' ORDER BY ID`,
  );
  assert.deepEqual(
    loads.map((load) => load['LABEL']),
    ['inserted', 'not_inserted'],
  );
  const logs = await Promise.all(loads.map((load) => rows(String(load['TRACKING_SQL']))));
  assert.deepEqual(
    logs.map((log) => log.length),
    [2, 1],
  );
  assert.match(String(logs[1]?.[0]?.['tracking_log']), /^Error: Value length .*too long/);
  const response = await fetch(String(loads[0]?.['link']));
  assert.equal(response.status, 200);
  const lines = (await response.text()).trim().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines.join(' '), /too long.*longer|longer.*too long/);
  // What is shown by SHOW LOAD is the same text.
  const shown = await rows(`SHOW LOAD FROM h WHERE LABEL = 'inserted'`);
  assert.equal(shown[0]?.['TrackingSQL'], loads[0]?.['TRACKING_SQL']);
  await connection.query('SET insert_max_filter_ratio = 0');
});
