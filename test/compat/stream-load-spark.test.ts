// Spark with StarRocks' official connector, write side: as it is (CSV) and with JSON, without its switch for transactions, and
// partial updates. Every row is looked at through SQL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type LoadTarget, sparkWrite } from '../peers/stream-load.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let target: LoadTarget;

before(async () => {
  server = await startServer({ broker: 'off' });
  await server.sql("CREATE USER spark IDENTIFIED BY 'spark-secret'");
  await server.sql('CREATE DATABASE d');
  await server.sql(
    'CREATE TABLE d.t (id INT NOT NULL, name VARCHAR(50), price DECIMAL(10, 2), `day` DATE, `at` DATETIME, good BOOLEAN, ratio DOUBLE)',
  );
  await server.sql(
    'CREATE TABLE d.k (id INT NOT NULL, name VARCHAR(50), n BIGINT) PRIMARY KEY(id)',
  );
  await server.sql('GRANT SELECT, INSERT ON ALL TABLES IN DATABASE d TO USER spark');
  target = {
    http: `127.0.0.1:${server.ready.httpPort}`,
    query: `127.0.0.1:${server.ready.queryPort}`,
    user: 'spark',
    password: 'spark-secret',
    database: 'd',
  };
});
after(() => server.stop());

const COLUMNS =
  'id INT, name STRING, price DECIMAL(10, 2), day DATE, at TIMESTAMP, good BOOLEAN, ratio DOUBLE';
const rows = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => {
    const id = from + index;
    return JSON.stringify({
      id,
      name: id % 10 === 0 ? null : `n${id}`,
      price: id / 4,
      day: '2024-02-29',
      at: '2024-02-29 23:59:58',
      good: id % 2 === 0,
      ratio: id / 8,
    });
  });

async function assertRows(count: number): Promise<void> {
  const found = await server.sql(
    `SELECT count(*), count(DISTINCT id), count_if(name = concat('n', id)), count_if(name IS NULL AND id % 10 = 0), count_if(price = id / 4.0 AND ratio = id / 8.0),
     count_if(\`day\` = '2024-02-29' AND \`at\` = '2024-02-29 23:59:58' AND good = (id % 2 = 0)) FROM d.t`,
  );
  const [all, named, empty] = [count, count - count / 10, count / 10].map(String);
  assert.deepEqual(found.rows, [[all, all, named, empty, all, all]]);
}

test('all of its formats and ways: each row once', async () => {
  const ways: readonly Readonly<Record<string, string>>[] = [
    {},
    {
      'starrocks.write.properties.format': 'json',
      'starrocks.write.properties.strip_outer_array': 'true',
    },
    { 'starrocks.write.enable.transaction-stream-load': 'false' },
  ];
  for (const [index, options] of ways.entries()) {
    const result = await sparkWrite(target, 't', COLUMNS, rows(index * 1000, 1000), options);
    assert.equal(result.code, 0, `${JSON.stringify(options)}\n${result.stderr}`);
    await assertRows((index + 1) * 1000);
  }
});

test('upserts and partial updates of a table with keys', async () => {
  const upserts = ['{"id":1,"name":"a","n":1}', '{"id":2,"name":"b","n":2}'];
  const upserted = await sparkWrite(target, 'k', 'id INT, name STRING, n BIGINT', upserts);
  assert.equal(upserted.code, 0, upserted.stderr);
  const partial = await sparkWrite(target, 'k', 'id INT, n BIGINT', ['{"id":2,"n":20}'], {
    'starrocks.columns': 'id,n',
    'starrocks.write.properties.partial_update': 'true',
  });
  assert.equal(partial.code, 0, partial.stderr);
  assert.deepEqual((await server.sql('SELECT * FROM d.k ORDER BY id')).rows, [
    ['1', 'a', '1'],
    ['2', 'b', '20'],
  ]);
});

test('a wrong password is an error of the job', async () => {
  const result = await sparkWrite(
    { ...target, password: 'wrong' },
    'k',
    'id INT, name STRING, n BIGINT',
    ['{"id":9}'],
  );
  assert.notEqual(result.code, 0);
  assert.match(result.stderr, /denied/i);
});
