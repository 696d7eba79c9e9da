// sleep() over the wire: it waits, and KILL and the query timeout end it long before its time.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startServer } from '../support/start-server.ts';

const server = await startServer({ broker: 'off' });
after(() => server.stop());

const LONG_SECONDS = 600;

async function timed(work: () => Promise<unknown>): Promise<{ text: string; ms: number }> {
  const startedMs = performance.now();
  const text = await work().then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  return { text, ms: performance.now() - startedMs };
}

/** Waits until the process list shows a statement with this text. */
async function underWay(part: string): Promise<void> {
  const untilMs = performance.now() + 30_000;
  for (;;) {
    const { rows } = await server.sql('SHOW FULL PROCESSLIST');
    if (rows.some((row) => row.some((cell) => cell?.includes(part) === true))) return;
    assert.ok(performance.now() < untilMs, `${part} is not under way`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('it waits for every row, and gives true', async () => {
  const { ms } = await timed(async () => {
    const { rows } = await server.sql('SELECT sleep(1) FROM (SELECT 1 UNION ALL SELECT 2) t');
    assert.deepEqual(rows, [['1'], ['1']]);
  });
  assert.ok(ms >= 1900, `${ms} ms`);
});

test('the query timeout ends it', async () => {
  const connection = await server.connect();
  await connection.query('SET query_timeout = 1');
  const { text, ms } = await timed(() => connection.query(`SELECT sleep(${LONG_SECONDS})`));
  connection.destroy();
  assert.match(text, /took longer than 1000 ms/);
  assert.ok(ms < 30_000, `${ms} ms`);
});

test('KILL QUERY ends it, and the connection goes on', async () => {
  const connection = await server.connect();
  const [found] = await connection.query({ sql: 'SELECT connection_id()', rowsAsArray: true });
  const id = (found as unknown as string[][])[0]?.[0];
  const sleeping = timed(() => connection.query(`SELECT sleep(${LONG_SECONDS})`));
  await underWay(`sleep(${LONG_SECONDS})`);
  await server.sql(`KILL QUERY ${id}`);
  const { text } = await sleeping;
  assert.match(text, /interrupted/);
  await connection.query('SELECT 1');
  connection.destroy();
});
