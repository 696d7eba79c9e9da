// Stream Load by Python's requests: the program in test/peers/python checks each answer; here it is seen that all of
// its checks ran, and that the tables hold every row.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pythonStory } from '../peers/python.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

before(async () => {
  server = await startServer({ broker: 'off' });
});
after(() => server.stop());

test('requests', async () => {
  await server.sql("CREATE USER loader IDENTIFIED BY 'secret pw:1'");
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (id INT, name VARCHAR(50), x DECIMAL(9, 2))');
  await server.sql('CREATE TABLE d.k (id INT NOT NULL, name VARCHAR(50), x INT) PRIMARY KEY(id)');
  await server.sql('GRANT INSERT ON ALL TABLES IN DATABASE d TO USER loader');
  const args = [`127.0.0.1:${server.ready.httpPort}`, 'loader', 'secret pw:1', 'd'];
  const lines = await pythonStory('stream_load.txt', 'stream_load_story.py', args);
  for (const line of lines) assert.match(line, /^ok /);
  assert.equal(lines.length, 51);

  const few = await server.sql(
    "SELECT id, name, x FROM d.t WHERE id < 10 OR name NOT LIKE 'n%' ORDER BY id",
  );
  assert.deepEqual(few.rows, [
    ['1', 'one', '1.50'],
    ['2', 'two', null],
    ['3', 'drei', '3.25'],
    ['4', 'größe, "quoted"', null],
    ['5', 'five', '5.00'],
    ['6', 'six', '6.00'],
    ['7', 'seven', '7.00'],
    ['8', 'eight', '8.00'],
    ['9', 'nine', '9.00'],
    ['20', 'twenty', '1.00'],
    ['30', 'thirty', '1.00'],
  ]);
  const many = await server.sql(
    "SELECT count(*), count(DISTINCT id), sum(id), sum(x), count_if(name = concat('n', id)) FROM d.t WHERE id BETWEEN 10 AND 1009 AND name LIKE 'n%'",
  );
  const sum = (1000 * (10 + 1009)) / 2;
  assert.deepEqual(many.rows, [['1000', '1000', String(sum), (sum / 4).toFixed(2), '1000']]);
  const keyed = await server.sql('SELECT id, name, x FROM d.k ORDER BY id');
  assert.deepEqual(keyed.rows, [
    ['2', 'B', '20'],
    ['3', 'c', '30'],
  ]);
});
