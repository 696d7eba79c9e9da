// Flink with StarRocks' official connector, write side, in a mini cluster: at least once and exactly once (two
// phases with its checkpoints), JSON and CSV, upserts and deletes. Every row is looked at through SQL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { flinkWrite, type LoadTarget } from '../peers/stream-load.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let target: LoadTarget;
const COLUMNS =
  'id INT NOT NULL, name VARCHAR(50), price DECIMAL(10, 2), `day` DATE, `at` DATETIME, good BOOLEAN, ratio DOUBLE';
const JSON_ROWS = {
  'sink.properties.format': 'json',
  'sink.properties.strip_outer_array': 'true',
} as const;

before(async () => {
  server = await startServer({ broker: 'off' });
  await server.sql("CREATE USER flink IDENTIFIED BY 'flink-secret'");
  await server.sql('CREATE DATABASE d');
  target = {
    http: `127.0.0.1:${server.ready.httpPort}`,
    query: `127.0.0.1:${server.ready.queryPort}`,
    user: 'flink',
    password: 'flink-secret',
    database: 'd',
  };
});
after(() => server.stop());

async function makeTable(name: string, keys: string): Promise<void> {
  await server.sql(`CREATE TABLE d.${name} (${COLUMNS}) ${keys}`);
  await server.sql(`GRANT SELECT, INSERT ON TABLE d.${name} TO USER flink`);
}

function change(kind: '+I' | '+U' | '-D', id: number, name = `n${id}`): string {
  const price = (id / 4).toFixed(2);
  return [kind, id, name, price, '2024-02-29', '2024-02-29T23:59:58', id % 2 === 0, id / 8].join(
    '\t',
  );
}

const changes = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => change('+I', from + index));

async function assertRows(table: string, count: number): Promise<void> {
  const found = await server.sql(
    `SELECT count(*), count(DISTINCT id), count_if(name = concat('n', id)), count_if(price = id / 4.0 AND ratio = id / 8.0),
     count_if(\`day\` = '2024-02-29' AND \`at\` = '2024-02-29 23:59:58' AND good = (id % 2 = 0)) FROM d.${table}`,
  );
  assert.deepEqual(found.rows, [Array.from({ length: 5 }, () => String(count))]);
}

test('at least once and exactly once, JSON and CSV: each row once', async () => {
  await makeTable('t', 'DUPLICATE KEY(id)');
  const ways: readonly Readonly<Record<string, string>>[] = [
    JSON_ROWS,
    { 'sink.properties.column_separator': '\\x01', 'sink.properties.row_delimiter': '\\x02' },
    { ...JSON_ROWS, 'sink.semantic': 'exactly-once', 'sink.label-prefix': 'flink-exact' },
  ];
  for (const [index, options] of ways.entries()) {
    const result = await flinkWrite(target, 't', 'append', changes(index * 1000, 1000), options);
    assert.equal(result.code, 0, `${JSON.stringify(options)}\n${result.stderr}`);
    await assertRows('t', (index + 1) * 1000);
  }
});

test('upserts and deletes of a table with keys, in order', async () => {
  await makeTable('k', 'PRIMARY KEY(id)');
  const result = await flinkWrite(
    target,
    'k',
    'upsert',
    [
      ...changes(0, 10),
      change('+U', 1, 'one'),
      change('-D', 2),
      change('-D', 3),
      change('+I', 3, 'again'),
      ['+U', 4, ...Array.from({ length: 6 }, () => '\\N')].join('\t'),
    ],
    { ...JSON_ROWS, 'sink.semantic': 'exactly-once', 'sink.label-prefix': 'flink-keyed' },
  );
  assert.equal(result.code, 0, result.stderr);
  assert.deepEqual((await server.sql('SELECT id, name, price FROM d.k ORDER BY id')).rows, [
    ['0', 'n0', '0.00'],
    ['1', 'one', '0.25'],
    ['3', 'again', '0.75'],
    ['4', null, null],
    ['5', 'n5', '1.25'],
    ['6', 'n6', '1.50'],
    ['7', 'n7', '1.75'],
    ['8', 'n8', '2.00'],
    ['9', 'n9', '2.25'],
  ]);
});

test('a wrong password and a row that does not fit are errors of the job', async () => {
  await makeTable('refusing', 'DUPLICATE KEY(id)');
  const wrong = await flinkWrite(
    { ...target, password: 'wrong' },
    'refusing',
    'append',
    changes(0, 1),
    JSON_ROWS,
  );
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /denied/i);
  const long = change('+I', 1, 'x'.repeat(60));
  const unfit = await flinkWrite(target, 'refusing', 'append', [long], {
    ...JSON_ROWS,
    'sink.properties.strict_mode': 'true',
    'sink.max-retries': '0',
  });
  assert.notEqual(unfit.code, 0);
  assert.match(unfit.stderr, /too many filtered rows/);
  assert.equal(await server.value('SELECT count(*) FROM d.refusing'), '0');
});
