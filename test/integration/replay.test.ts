// REPLAY of more records than one transaction takes, by two statements at once, while the job goes on: every row once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { LoadCase } from '../support/load-case.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let admin: KafkaAdmin;

before(async () => {
  server = await startServer({});
  admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'replay',
  });
});
after(async () => {
  await admin.close();
  await server.stop();
});

/** Above twice what one transaction takes. */
const RECORDS = 25_000;

for (const [name, keys] of [
  ['plain', 'DUPLICATE KEY (id)'],
  ['keyed', 'PRIMARY KEY (id)'],
] as const) {
  test(`${keys}: two REPLAYs at once beside a load load every row once`, () => both(name, keys));
}

async function both(name: string, keys: string): Promise<void> {
  const replay = `REPLAY ROUTINE LOAD FOR bad.${name}`;
  const load = await LoadCase.prepare(server, admin, {
    name,
    columns: 'id INT NOT NULL, n INT NOT NULL',
    keys,
    properties: { max_error_number: '1000000', jsonpaths: '["$.id", "$.n"]' },
    load: 'COLUMNS (id, n)',
  });
  await load.start();
  const half = RECORDS / 2;
  const bad = (id: number): string => JSON.stringify({ id, n: 'bad' });
  await load.send(Array.from({ length: half }, (_, index) => bad(index)));
  await load.untilConsumed();
  await load.send(Array.from({ length: half }, (_, index) => bad(half + index)));
  await load.untilConsumed();
  await server.sql(`PAUSE ROUTINE LOAD FOR bad.${name}`);
  await server.sql(
    `ALTER ROUTINE LOAD FOR bad.${name} COLUMNS (id, raw, n = if(raw = 'bad', 0, CAST(raw AS INT)))`,
  );
  await server.sql(`RESUME ROUTINE LOAD FOR bad.${name}`);
  const connections = await Promise.all([1, 2].map(() => server.connect()));
  const [one, two] = connections;
  assert.ok(one !== undefined && two !== undefined);
  const answers = await Promise.all([
    one.query({ sql: replay, rowsAsArray: true }),
    two.query({ sql: replay, rowsAsArray: true }),
    load.send(Array.from({ length: 10 }, (_, index) => `{"id":${RECORDS + index},"n":1}`)),
  ]);
  const sums = answers
    .slice(0, 2)
    .map((answer) => (answer as unknown as [string[][]])[0][0]?.map(Number) ?? []);
  assert.equal((sums[0]?.[0] ?? 0) + (sums[1]?.[0] ?? 0), RECORDS, 'records, each by one of them');
  assert.equal((sums[0]?.[1] ?? 0) + (sums[1]?.[1] ?? 0), RECORDS, 'rows');
  for (const connection of connections) connection.destroy();
  await load.untilConsumed();
  assert.deepEqual((await load.rows('count(*), count(DISTINCT id), sum(n)'))[0], [
    String(RECORDS + 10),
    String(RECORDS + 10),
    '10',
  ]);
  const { rows } = await server.sql(
    `SELECT count(*), count(replayed_at), count(DISTINCT message_offset) FROM _statistics_.rejected_records WHERE target_table = '${name}'`,
  );
  assert.deepEqual(rows, [[String(RECORDS), String(RECORDS), String(RECORDS)]]);
  const check = await server.sql('CHECK TABLE _statistics_.rejected_records EXTENDED');
  assert.equal(check.rows.at(-1)?.[3], 'OK', JSON.stringify(check.rows));
}

test('a message of 20 MB that was rejected is loaded whole by REPLAY', async () => {
  const load = await LoadCase.prepare(server, admin, {
    name: 'big',
    columns: 'id INT NOT NULL, size INT, tail STRING',
    load: 'COLUMNS (id, body, size = length(body), tail = right(body, 5))',
    properties: { max_error_number: '10', jsonpaths: '["$.id", "$.text"]' },
  });
  await load.start();
  const text = `${'x'.repeat(20_000_000)}-end!`;
  await load.send([JSON.stringify({ id: 'one', text }), '{"id":2,"text":"small"}']);
  await load.untilConsumed();
  assert.deepEqual(await load.rows(), [['2', '5', 'small']]);
  await server.sql('PAUSE ROUTINE LOAD FOR bad.big');
  await server.sql(
    "ALTER ROUTINE LOAD FOR bad.big COLUMNS (raw, body, id = if(raw = 'one', 1, CAST(raw AS INT)), size = length(body), tail = right(body, 5))",
  );
  const answer = await server.sql('REPLAY ROUTINE LOAD FOR bad.big');
  assert.deepEqual(answer.rows, [['1', '1', '0', '0', '1', '']]);
  assert.deepEqual(await load.rows(), [
    ['1', '20000005', '-end!'],
    ['2', '5', 'small'],
  ]);
});
