// The server against the mysql2 client: results, errors, several statements, kill, disconnect, limits.
import assert from 'node:assert/strict';
import { connect as tcpConnect } from 'node:net';
import { after, before, test } from 'node:test';
import mysql, { type Connection, type ConnectionOptions, type RowDataPacket } from 'mysql2/promise';
import { systemClock } from '../../../src/base/clock.ts';
import { ALL_VALUES, type DemoProduct, startDemo, until } from './demo-handler.ts';

let demo: Awaited<ReturnType<typeof startDemo>>;
let product: DemoProduct;
before(async () => {
  demo = await startDemo();
  product = demo.product;
});
after(() => demo.close());

async function client(options: ConnectionOptions = {}): Promise<Connection> {
  const connection = await mysql.createConnection({
    host: '127.0.0.1',
    port: demo.port,
    user: 'root',
    password: '',
    ...options,
  });
  connection.on('error', () => undefined);
  return connection;
}

async function withClient<T>(
  work: (connection: Connection) => Promise<T>,
  options: ConnectionOptions = {},
): Promise<T> {
  const connection = await client(options);
  try {
    return await work(connection);
  } finally {
    connection.destroy();
  }
}

async function one(connection: Connection, sql: string): Promise<unknown> {
  const [rows] = await connection.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
  return rows[0]?.[0];
}

const has = (fields: Record<string, unknown>) => (error: unknown) => {
  for (const [key, value] of Object.entries(fields)) {
    const actual = (error as Record<string, unknown>)[key];
    if (value instanceof RegExp) assert.match(String(actual), value);
    else assert.equal(actual, value);
  }
  return true;
};

test('text results: types, NULL, unicode, warnings', async () => {
  await withClient(
    async (connection) => {
      const [rows, fields] = await connection.query<RowDataPacket[][]>('types');
      const [row, nulls] = rows;
      assert.deepEqual(row?.slice(0, 3), [1, -300, -70000]);
      assert.equal(row?.[3], '-9223372036854775808');
      assert.deepEqual(row?.slice(4, 11), [1.5, -2.25, ...ALL_VALUES.slice(6, 11)]);
      assert.deepEqual(row?.[11], ALL_VALUES[11]);
      assert.ok(nulls?.every((value) => value === null));
      assert.equal(fields[10]?.characterSet, 45);
    },
    { rowsAsArray: true, dateStrings: true, supportBigNumbers: true },
  );
});

test('binary results of prepared statements equal the text ones', async () => {
  const options = { rowsAsArray: true, dateStrings: true, supportBigNumbers: true };
  await withClient(async (connection) => {
    const [text] = await connection.query<RowDataPacket[][]>('types');
    const [binary] = await connection.execute<RowDataPacket[][]>('types');
    // mysql2 always prints microseconds of a binary TIME and DATETIME by its own rule.
    const plain = (rows: unknown): string => JSON.stringify(rows).replaceAll(/\.0+"/g, '"');
    assert.equal(plain(binary), plain(text));
    const [bigText] = await connection.query('big 3000');
    const [bigBinary] = await connection.execute('big 3000');
    assert.deepEqual(bigBinary, bigText);
  }, options);
});

test('parameters arrive with their types; statements are closed', async () => {
  await withClient(async (connection) => {
    const bytes = Buffer.from([1, 0, 255]);
    const values = [null, 5, 1.25, 'ü?', bytes, new Date('2026-01-02T03:04:05.006Z'), true];
    const [rows] = await connection.execute<RowDataPacket[]>('params ? ? ? ? ? ? ?', values);
    assert.equal(rows[0]?.['p0'], null);
    assert.equal(rows[0]?.['p2'], 'double:1.25');
    assert.equal(rows[0]?.['p3'], 'string:ü?');
    assert.equal(product.parameters.length, 7);
    const closedBefore = product.statementsClosed;
    connection.unprepare('params ? ? ? ? ? ? ?');
    await one(connection, 'select 1');
    assert.equal(product.statementsClosed, closedBefore + 1);
    await assert.rejects(connection.execute('refuse'), has({ errno: 1064 }));
  });
});

test('errors carry number, SQLSTATE and text', async () => {
  await withClient(async (connection) => {
    await assert.rejects(
      connection.query('selct 1'),
      has({
        errno: 1064,
        sqlState: 'HY000',
        message:
          /Getting syntax error at line 1, column 0. Detail message: Unexpected input 'selct'/,
      }),
    );
    await assert.rejects(connection.query('half'), has({ errno: 1064, message: /half way/ }));
    await assert.rejects(connection.query('crash'), has({ errno: 1105, message: /boom/ }));
    assert.match(product.problems.at(-1) ?? '', /mysql command failed .*boom/);
    await assert.rejects(connection.query('nothing'), has({ errno: 1105 }));
    await assert.rejects(connection.changeUser({ database: 'nowhere' }), has({ errno: 1049 }));
  });
  await withClient(async (connection) => assert.equal(await one(connection, 'echo on'), 'on'));
});

test('several statements in one text, with and without an error', async () => {
  await withClient(
    async (connection) => {
      const [results] = await connection.query('select 1; update x; echo two; set a');
      assert.equal((results as unknown[]).length, 4);
      await assert.rejects(
        connection.query('select 1; select 2; bad; select 3'),
        has({ errno: 1064 }),
      );
      assert.equal(await one(connection, 'echo after'), 'after');
    },
    { multipleStatements: true },
  );
  await withClient((connection) =>
    assert.rejects(connection.query('select 1; select 2'), has({ errno: 1064 })),
  );
});

test('OK carries counts, warnings and info', async () => {
  await withClient(async (connection) => {
    const [result] = await connection.query('update x');
    const { affectedRows, warningStatus, info } = result as mysql.ResultSetHeader;
    assert.deepEqual([affectedRows, warningStatus], [3, 1]);
    // mysql2 shows the length byte that servers without session tracking send as '('.
    assert.match(info, /Rows matched: 3 {2}Changed: 3 {2}Warnings: 1$/);
  });
});

test('packets above 16 MB go both ways', async () => {
  await withClient(async (connection) => {
    const text = 'x'.repeat(20_000_000);
    assert.equal(await one(connection, `length ${text}`), String(text.length + 7));
    const wide = await one(connection, 'wide 34000000');
    assert.equal(String(wide).length, 34_000_000);
  });
});

test('a packet above the limit gets 1153 and the connection ends', async () => {
  const small = await startDemo({ maxPacketBytes: 1_000_000 });
  try {
    const connection = await mysql.createConnection({
      host: '127.0.0.1',
      port: small.port,
      user: 'root',
    });
    connection.on('error', () => undefined);
    await assert.rejects(
      connection.query(`length ${'x'.repeat(3_000_000)}`),
      has({ errno: 1153, sqlState: '08S01' }),
    );
    connection.destroy();
    await until(() => small.server.connectionCount === 0, 'connection gone');
  } finally {
    await small.close();
  }
});

test('KILL QUERY ends the query with 1317, KILL the connection', async () => {
  const victim = await client();
  const killer = await client();
  const sleeping = assert.rejects(
    victim.query('sleep 60000'),
    has({ errno: 1317, sqlState: '70100' }),
  );
  await until(() => product.sleeping.has(victim.threadId), 'asleep');
  assert.ok(
    demo.server
      .connections()
      .some((c) => c.connectionId === victim.threadId && c.command === 'Query'),
  );
  await killer.query(`killquery ${victim.threadId}`);
  await sleeping;
  assert.equal(await one(victim, 'echo alive'), 'alive');
  const again = assert.rejects(victim.query('sleep 60000'));
  await until(() => product.sleeping.has(victim.threadId), 'asleep again');
  await killer.query(`kill ${victim.threadId}`);
  await again;
  await until(
    () => !demo.server.connections().some((c) => c.connectionId === victim.threadId),
    'gone',
  );
  killer.destroy();
});

test('a client that leaves aborts its query at once', async () => {
  const connection = await client();
  const id = connection.threadId;
  // mysql2 never settles the query of a destroyed connection.
  connection.query('sleep 60000').catch(() => undefined);
  await until(() => product.sleeping.has(id), 'asleep');
  const start = performance.now();
  connection.destroy();
  await until(() => product.aborted.includes(id), 'aborted');
  assert.ok(performance.now() - start < 500);
});

test('a stalled client costs bounded memory, and its leaving stops the query', async () => {
  for (const sql of ['big 50000000', 'rows 50000000']) {
    product.rowsMade = 0;
    const connection = await client();
    const raw = (connection as unknown as { connection: { stream: import('node:net').Socket } })
      .connection.stream;
    connection.query(sql).catch(() => undefined);
    raw.pause();
    // First the kernel's buffers fill up.
    let made = -1;
    await until(() => product.rowsMade > 0, 'rows flow');
    while (made !== product.rowsMade) {
      made = product.rowsMade;
      await systemClock.sleep(300);
    }
    const before = process.memoryUsage().arrayBuffers;
    await systemClock.sleep(500);
    // The kernel may still take one buffer more when it packs what it holds; no more than that.
    assert.ok(product.rowsMade - made < 50_000, `${product.rowsMade - made} rows while stalled`);
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(made < 1_000_000, `${made} rows were made ahead`);
    assert.ok(grown < 2_000_000, `grew by ${grown}`);
    connection.destroy();
    await until(() => demo.server.connectionCount === 0, 'connection gone');
    assert.ok(product.rowsMade < 49_000_000);
  }
});

test('change user, reset, ping, init db, statistics', async () => {
  await withClient(async (connection) => {
    await connection.ping();
    await connection.changeUser({ user: 'ann', password: 'sécret', database: 'other' });
    assert.match(String(await one(connection, 'who')), /^ann@127.0.0.1 db=other/);
    await assert.rejects(
      connection.changeUser({ user: 'ann', password: 'wrong' }),
      has({ errno: 1045 }),
    );
  });
});

test('the limit on connections answers 1040', async () => {
  const small = await startDemo({ maxConnections: 1 });
  try {
    const options = { host: '127.0.0.1', port: small.port, user: 'root' };
    const first = await mysql.createConnection(options);
    await assert.rejects(mysql.createConnection(options), has({ errno: 1040, sqlState: '08004' }));
    first.destroy();
    await until(() => small.server.connectionCount === 0, 'free again');
    (await mysql.createConnection(options)).destroy();
  } finally {
    await small.close();
  }
});

test('silent and idle connections end', async () => {
  const small = await startDemo({ handshakeTimeoutMs: 100 });
  small.product.limits = { ...small.product.limits, idleMs: 200 };
  try {
    const silent = tcpConnect(small.port, '127.0.0.1');
    await new Promise((resolve) => silent.once('close', resolve).resume());
    const idle = await mysql.createConnection({
      host: '127.0.0.1',
      port: small.port,
      user: 'root',
    });
    idle.on('error', () => undefined);
    await until(() => small.server.connectionCount === 0, 'idle connection gone');
    idle.destroy();
  } finally {
    await small.close();
  }
});

test('rubbish in place of a login', async () => {
  for (const bytes of [
    'GET / HTTP/1.1\r\n\r\n',
    '\x01\x00\x00\x01\xff',
    '\x20\x00\x00\x01'.padEnd(36, '\x00'),
  ]) {
    const socket = tcpConnect(demo.port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (data) => chunks.push(data));
    socket.write(bytes, 'latin1');
    await new Promise((resolve) => socket.once('end', resolve));
    socket.destroy();
    assert.ok(Buffer.concat(chunks).includes(Buffer.from('8.0.33')));
  }
  await until(() => demo.server.connectionCount === 0, 'connections gone');
});

test('close drains: running commands finish, later ones are aborted', async () => {
  const server = await startDemo();
  const options = { host: '127.0.0.1', port: server.port, user: 'root' };
  const [idle, quick, slow] = await Promise.all(
    [1, 2, 3].map(() => mysql.createConnection(options)),
  );
  for (const connection of [idle, quick, slow]) connection?.on('error', () => undefined);
  const quickDone = quick?.query('sleep 200');
  const slowFails = assert.rejects(
    slow?.query('sleep 60000') ?? Promise.resolve(),
    has({ errno: 1053 }),
  );
  await until(() => server.product.sleeping.size === 2, 'both asleep');
  await server.server.close(500);
  await quickDone;
  await slowFails;
  assert.equal(server.product.sessionsClosed, 3);
});
