// SHOW STATUS over the wire, with and without TLS and compression: its figures are those of the connection and
// of the server, as what was sent changes them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Connection, createConnection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

before(async () => {
  server = await startServer({ broker: 'off' });
});
after(() => server.stop());

async function withConnection(
  options: { readonly tls?: 'TLSv1.2' | 'TLSv1.3'; readonly compress?: boolean },
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const { tls, compress = false } = options;
  const connection = await createConnection({
    host: '127.0.0.1',
    port: server.ready.queryPort,
    user: 'root',
    compress,
    ...(tls === undefined
      ? {}
      : { ssl: { rejectUnauthorized: false, minVersion: tls, maxVersion: tls } }),
  });
  try {
    await work(connection);
  } finally {
    await connection.end();
  }
}

async function status(connection: Connection, scope = 'SESSION'): Promise<Map<string, string>> {
  const [rows] = await connection.query({ sql: `SHOW ${scope} STATUS`, rowsAsArray: true });
  return new Map(rows as unknown as [string, string][]);
}

test('the cipher of a connection is that which was agreed upon', async () => {
  await withConnection({ tls: 'TLSv1.3' }, async (connection) => {
    const shown = await status(connection);
    assert.equal(shown.get('Ssl_version'), 'TLSv1.3');
    assert.match(shown.get('Ssl_cipher') ?? '', /^TLS_(AES|CHACHA20)_/);
    assert.equal((await status(connection, 'GLOBAL')).get('Ssl_cipher'), '');
  });
  await withConnection({ tls: 'TLSv1.2' }, async (connection) => {
    const shown = await status(connection);
    assert.equal(shown.get('Ssl_version'), 'TLSv1.2');
    assert.match(shown.get('Ssl_cipher') ?? '', /^ECDHE-/);
    // As the mysql CLI, Workbench and Connector/J write it.
    const [rows] = await connection.query({
      sql: "SHOW SESSION STATUS LIKE 'ssl_cipher'",
      rowsAsArray: true,
    });
    assert.deepEqual(rows, [['Ssl_cipher', shown.get('Ssl_cipher')]]);
  });
  await withConnection({}, async (connection) => {
    const shown = await status(connection);
    assert.deepEqual([shown.get('Ssl_version'), shown.get('Ssl_cipher')], ['', '']);
  });
});

test('Questions counts the statements of the connection, prepared ones and each of several too', async () => {
  await withConnection({}, async (connection) => {
    const questions = async (scope?: string): Promise<number> =>
      Number((await status(connection, scope)).get('Questions'));
    assert.equal(await questions(), 1);
    await connection.query('SELECT 1');
    await assert.rejects(connection.query('SELEC 1'));
    await connection.execute('SELECT ?', [1]);
    await connection.ping();
    assert.equal(await questions(), 5);
    const before = await questions('GLOBAL');
    await server.sql('SELECT 1');
    await server.sql('SELECT 1; SELECT 2; SELECT 3');
    assert.equal(await questions('GLOBAL'), before + 5);
    assert.equal(await questions(), 8);
  });
});

test('bytes are those that went through the connection', async () => {
  await withConnection({ tls: 'TLSv1.3' }, async (connection) => {
    const before = await status(connection);
    await connection.query(`SELECT length('${'x'.repeat(100_000)}')`);
    await connection.query("SELECT repeat('y', 200000)");
    const past = await status(connection);
    const grown = (name: string): number => Number(past.get(name)) - Number(before.get(name));
    const received = grown('Bytes_received');
    const sent = grown('Bytes_sent');
    assert.ok(received > 100_000 && received < 101_000, `received ${received}`);
    assert.ok(sent > 200_000 && sent < 203_000, `sent ${sent}`);
  });
  const total = await status(await server.connect(), 'GLOBAL');
  assert.ok(Number(total.get('Bytes_sent')) > 200_000);
  assert.ok(Number(total.get('Bytes_received')) > 100_000);
});

test('compressed bytes are counted as they went', async () => {
  await withConnection({ compress: true }, async (connection) => {
    const before = await status(connection);
    assert.equal(before.get('Compression'), 'ON');
    await connection.query("SELECT repeat('y', 1000000)");
    const past = await status(connection);
    const sent = Number(past.get('Bytes_sent')) - Number(before.get('Bytes_sent'));
    assert.ok(sent > 500 && sent < 50_000, `sent ${sent}`);
  });
});

test('Connections, Threads_* and Uptime are those of the server', async () => {
  await withConnection({}, async (connection) => {
    const before = await status(connection, 'GLOBAL');
    const figure = (shown: Map<string, string>, name: string): number => Number(shown.get(name));
    await withConnection({}, async (other) => {
      const asleep = connection.query('SELECT sleep(1)');
      let running = await status(other);
      // The other one's statement comes when it comes; it lasts longer than many of these.
      for (let turn = 0; turn < 200 && figure(running, 'Threads_running') < 2; turn += 1) {
        running = await status(other);
      }
      assert.equal(figure(running, 'Threads_connected'), figure(before, 'Threads_connected') + 1);
      assert.equal(figure(running, 'Threads_running'), 2);
      await asleep;
    });
    const past = await status(connection);
    assert.equal(figure(past, 'Connections'), figure(before, 'Connections') + 1);
    assert.ok(figure(past, 'Max_used_connections') >= figure(before, 'Threads_connected') + 1);
    assert.ok(figure(past, 'Uptime') >= figure(before, 'Uptime') + 1);
    assert.ok(figure(past, 'Uptime') < 3600);
  });
});
