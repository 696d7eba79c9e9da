// StarRocks' official Java SDK of Stream Load, as Flink's, Spark's and Kafka's connectors use it: plain loads,
// automatic commits, and the two phases of exactly once, with every row looked at through SQL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LoadTarget, type SdkMode, sdkLoad } from '../peers/stream-load.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let target: LoadTarget;

before(async () => {
  server = await startServer({ broker: 'off' });
  await server.sql("CREATE USER loader IDENTIFIED BY 'pass word'");
  await server.sql('CREATE DATABASE d');
  await server.sql('GRANT SELECT, INSERT ON ALL TABLES IN DATABASE d TO USER loader');
  target = {
    http: `127.0.0.1:${server.ready.httpPort}`,
    query: `127.0.0.1:${server.ready.queryPort}`,
    user: 'loader',
    password: 'pass word',
    database: 'd',
  };
});
after(() => server.stop());

async function makeTable(name: string, keys = ''): Promise<void> {
  await server.sql(
    `CREATE TABLE d.${name} (id INT NOT NULL, name VARCHAR(40), x DECIMAL(9, 2)) ${keys}`,
  );
  await server.sql(`GRANT SELECT, INSERT ON TABLE d.${name} TO USER loader`);
}

/** Loads rows into one table; the labels of its transactions. */
async function load(
  mode: SdkMode,
  format: 'json' | 'csv',
  table: string,
  rows: readonly string[],
  properties: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const result = await sdkLoad(
    target,
    mode,
    format,
    rows.map((row) => [table, row] as const),
    properties,
  );
  assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
  const lines = result.stdout.trim().split('\n');
  assert.equal(lines.at(-1), 'ok');
  return lines.slice(0, -1).map((line) => line.replace(/^label /, ''));
}

const jsonRows = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) =>
    JSON.stringify({ id: from + index, name: `n${from + index}`, x: (from + index) / 4 }),
  );

/** The table holds these rows, each once, as `jsonRows` makes them. */
async function assertRows(table: string, from: number, count: number): Promise<void> {
  const { rows } = await server.sql(
    `SELECT count(*), count(DISTINCT id), min(id), max(id), count_if(name = concat('n', id)), count_if(x = id / 4.0) FROM d.${table}`,
  );
  const [total, last] = [String(count), String(from + count - 1)];
  assert.deepEqual(rows, [[total, total, String(from), last, total, total]]);
}

test('plain loads: JSON, CSV, compressed', async () => {
  await makeTable('plain');
  await load('plain', 'json', 'plain', jsonRows(0, 500));
  await load(
    'plain',
    'csv',
    'plain',
    Array.from(
      { length: 500 },
      (_, index) => `${500 + index}|n${500 + index}|${(500 + index) / 4}`,
    ),
    { column_separator: '|' },
  );
  await load('plain', 'json', 'plain', jsonRows(1000, 500), { compression: 'lz4_frame' });
  await assertRows('plain', 0, 1500);
});

test('automatic commits, into several tables', async () => {
  await makeTable('first');
  await makeTable('second');
  const rows = jsonRows(0, 300);
  const both = rows.flatMap((row) => [['first', row] as const, ['second', row] as const]);
  const result = await sdkLoad(target, 'auto', 'json', both);
  assert.equal(result.code, 0, result.stderr);
  await assertRows('first', 0, 300);
  await assertRows('second', 0, 300);
});

test('changes of a table with keys, in order, and partial updates', async () => {
  await makeTable('keyed', 'PRIMARY KEY(id)');
  await load('auto', 'json', 'keyed', [
    '{"id":1,"name":"a","x":1}',
    '{"id":2,"name":"b","x":2,"__op":0}',
    '{"id":1,"__op":1,"__deleted":"true"}',
    '{"id":2,"name":"B","x":2.5}',
    '{"id":3,"name":"c","x":3}',
    '{"id":3,"__op":1}',
    '{"id":3,"name":"again","x":30}',
  ]);
  assert.deepEqual((await server.sql('SELECT * FROM d.keyed ORDER BY id')).rows, [
    ['2', 'B', '2.50'],
    ['3', 'again', '30.00'],
  ]);
  await load('auto', 'json', 'keyed', ['{"id":2,"x":7}', '{"id":4,"x":4}'], {
    partial_update: 'true',
    columns: 'id,x',
  });
  assert.deepEqual((await server.sql('SELECT * FROM d.keyed ORDER BY id')).rows, [
    ['2', 'B', '7.00'],
    ['3', 'again', '30.00'],
    ['4', null, '4.00'],
  ]);
});

test('exactly once: nothing shows before the second phase; it can be rolled back', async () => {
  await makeTable('exact');
  const [kept = ''] = await load('commit', 'json', 'exact', jsonRows(0, 200));
  assert.match(kept, /^sdk-/);
  await assertRows('exact', 0, 200);
  const [gone = ''] = await load('abort', 'json', 'exact', jsonRows(200, 200));
  await assertRows('exact', 0, 200);
  const [left = ''] = await load('prepared', 'json', 'exact', jsonRows(200, 200));
  await assertRows('exact', 0, 200);
  const login = `Basic ${Buffer.from('loader:pass word').toString('base64')}`;
  const state = async (label: string): Promise<unknown> => {
    const url = `http://${target.http}/api/d/get_load_state?label=${encodeURIComponent(label)}`;
    const answer = await fetch(url, { headers: { authorization: login } });
    return ((await answer.json()) as { state?: unknown }).state;
  };
  assert.deepEqual(
    [await state(kept), await state(gone), await state(left)],
    ['VISIBLE', 'ABORTED', 'PREPARED'],
  );
  // A job that starts again commits what the one before it had prepared; twice is as good as once.
  for (const _ of [1, 2]) {
    const answer = await fetch(`http://${target.http}/api/transaction/commit`, {
      method: 'POST',
      headers: { authorization: login, label: left, db: 'd', table: 'exact' },
    });
    const { Status } = (await answer.json()) as { Status?: unknown };
    assert.equal(Status, 'OK');
    await assertRows('exact', 0, 400);
  }
});

test('a wrong password, a table that does not exist, rows that do not fit: the SDK says so', async () => {
  await makeTable('refusing');
  const wrong = await sdkLoad({ ...target, password: 'wrong' }, 'plain', 'json', [
    ['refusing', '{"id":1}'],
  ]);
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /access denied/i);
  const missing = await sdkLoad(target, 'auto', 'json', [['nowhere', '{"id":1}']]);
  assert.notEqual(missing.code, 0);
  assert.match(missing.stderr, /nowhere/);
  const unfit = await sdkLoad(target, 'plain', 'json', [['refusing', '{"name":"no id"}']]);
  assert.notEqual(unfit.code, 0);
  assert.match(unfit.stderr, /too many filtered rows/);
  assert.equal(await server.value('SELECT count(*) FROM d.refusing'), '0');
});
