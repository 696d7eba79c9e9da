// Prepared statements of the binary protocol against a real server: every type in text and binary form
// alike, parameters of every kind, metadata, limits, tables that change between two runs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection, FieldPacket, RowDataPacket } from 'mysql2/promise';
import mysql from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let client: Connection;

before(async () => {
  server = await startServer({ broker: 'off' });
  client = await mysql.createConnection({
    host: '127.0.0.1',
    port: server.ready.queryPort,
    user: 'root',
    rowsAsArray: true,
    dateStrings: true,
    supportBigNumbers: true,
    maxPreparedStatements: 100_000,
  });
  await client.query('CREATE DATABASE d');
  await client.query('USE d');
});
after(async () => {
  client.destroy();
  await server.stop();
});

type Value = string | number | bigint | Buffer | Date | boolean | null;

async function execute(
  sql: string,
  values: readonly Value[] = [],
): Promise<{ rows: unknown[][]; fields: FieldPacket[] }> {
  // mysql2's types leave bigint out; it sends it as text.
  const [rows, fields] = await client.execute<RowDataPacket[][]>(
    sql,
    values.map((value) => (typeof value === 'bigint' ? String(value) : value)),
  );
  return { rows, fields };
}

async function query(sql: string): Promise<{ rows: unknown[][]; fields: FieldPacket[] }> {
  const [rows, fields] = await client.query<RowDataPacket[][]>(sql);
  return { rows, fields };
}

/** Expressions whose results mysql2 reads alike from both protocols. */
const EXPRESSIONS = [
  'CAST(1 AS BOOLEAN)',
  'CAST(-128 AS TINYINT)',
  'CAST(127 AS TINYINT)',
  'CAST(-32768 AS SMALLINT)',
  'CAST(-2147483648 AS INT)',
  'CAST(2147483647 AS INT)',
  'CAST(-9223372036854775808 AS BIGINT)',
  'CAST(9223372036854775807 AS BIGINT)',
  'CAST(-170141183460469231731687303715884105728 AS LARGEINT)',
  'CAST(1.25 AS FLOAT)',
  'CAST(-1e-300 AS DOUBLE)',
  'CAST(1e300 AS DOUBLE)',
  'CAST(0.1 AS DOUBLE) + CAST(0.2 AS DOUBLE)',
  'CAST(-0.5000 AS DECIMAL(10, 4))',
  'CAST(99999999999999999999999999999999.999999 AS DECIMAL(38, 6))',
  "CAST('2024-02-29' AS DATE)",
  "CAST('0001-01-01' AS DATE)",
  "CAST('9999-12-31' AS DATE)",
  "CAST('2024-02-29 13:14:15' AS DATETIME)",
  "CAST('2024-02-29 00:00:00' AS DATETIME)",
  "CAST('2024-02-29 23:59:59.123456' AS DATETIME)",
  "'text'",
  "''",
  "'grüße 👋'",
  "repeat('x', 70000)",
  "x'00FF10'",
  'parse_json(\'{"a": [1, null, "b"]}\')',
  '[1, 2, NULL]',
  'map{1: 2}',
  'NULL',
  'CAST(NULL AS DOUBLE)',
  'CAST(NULL AS DATETIME)',
] as const;

test('every type is the same in binary and in text form, beside NULLs in the bitmap', async () => {
  const list = EXPRESSIONS.map((expression, i) => `${expression} AS c${i}`).join(', ');
  const text = await query(`SELECT ${list}`);
  const binary = await execute(`SELECT ${list}`);
  // mysql2 writes the time of a binary DATETIME by its own rule: zero microseconds as .000000 or none.
  const plain = (rows: unknown[][]): unknown[][] =>
    rows.map((row) =>
      row.map((value) => (typeof value === 'string' ? value.replace(/\.0+$/, '') : value)),
    );
  for (const [i, expression] of EXPRESSIONS.entries()) {
    assert.deepEqual(plain(binary.rows)[0]?.[i], plain(text.rows)[0]?.[i], expression);
    assert.equal(binary.fields[i]?.columnType, text.fields[i]?.columnType, expression);
  }
  assert.equal(binary.rows[0]?.length, EXPRESSIONS.length);
});

test('many rows, some of them NULL, come in binary form as in text form', async () => {
  const sql =
    "SELECT generate_series, if(generate_series % 3 = 0, NULL, concat('row ', generate_series)), " +
    // Eighths: mysql2 reads the digits of other text doubles with an error in the last place.
    'CAST(generate_series AS DOUBLE) / 8 FROM TABLE(generate_series(1, 20000))';
  const text = await query(sql);
  const binary = await execute(sql);
  assert.equal(binary.rows.length, 20_000);
  assert.deepEqual(binary.rows, text.rows);
});

test('parameters: numbers, text, bytes, dates, NULL, in every place', async () => {
  const one = async (sql: string, values: readonly Value[]): Promise<unknown> =>
    (await execute(sql, values)).rows[0]?.[0];
  assert.equal(await one('SELECT ?', [null]), null);
  assert.equal(await one('SELECT ? + 1', [41]), 42);
  assert.equal(await one('SELECT ?', [-1.5]), -1.5);
  assert.equal(await one('SELECT ?', ['it\'s \\ " \0 👋']), 'it\'s \\ " \0 👋');
  assert.deepEqual(
    await one('SELECT ?', [Buffer.from([0, 1, 254, 255])]),
    Buffer.from([0, 1, 254, 255]),
  );
  assert.equal(await one('SELECT hex(?)', [Buffer.from('abc')]), '616263');
  assert.equal(await one('SELECT ?', [true]), 1);
  assert.equal(
    await one('SELECT date_add(?, INTERVAL ? DAY)', [new Date('2026-02-27T00:00:00Z'), 2]),
    '2026-03-01 00:00:00',
  );
  assert.equal(await one('SELECT CASE ? WHEN ? THEN ? ELSE ? END', ['a', 'a', 'yes', 'no']), 'yes');
  const numbers = 'FROM TABLE(generate_series(1, 10))';
  const rows = async (rest: string, values: readonly Value[]): Promise<unknown[]> =>
    (await execute(`SELECT generate_series ${numbers} ${rest}`, values)).rows.map(([cell]) => cell);
  assert.deepEqual(await rows('WHERE generate_series IN (?, ?, ?) ORDER BY 1', [3, 9, 77]), [3, 9]);
  assert.deepEqual(
    await rows('WHERE generate_series BETWEEN ? AND ? ORDER BY 1', [2, 4]),
    [2, 3, 4],
  );
  // LIMIT takes whole numbers as doubles and as text, as JavaScript drivers send them.
  assert.deepEqual(await rows('ORDER BY 1 LIMIT ? OFFSET ?', [2, '3']), [4, 5]);
  assert.deepEqual(await rows('ORDER BY 1 LIMIT ?, ?', [8, 5]), [9, 10]);
  await assert.rejects(rows('ORDER BY 1 LIMIT ?', ['-1']), { errno: 1064 });
  await assert.rejects(rows('ORDER BY 1 LIMIT ?', ['1; DROP TABLE t']), { errno: 1064 });
  // A value is not a position.
  assert.deepEqual(await rows('ORDER BY ?, generate_series DESC LIMIT 1', [1]), [10]);
});

test('a text that looks like SQL stays a value', async () => {
  for (const evil of [
    "' OR 1 = 1 --",
    '?',
    "\\' OR '",
    '"; SELECT 1',
    '`',
    "'||read_text('/etc/passwd')||'",
  ]) {
    const { rows } = await execute('SELECT ?, length(concat(?, ?))', [evil, evil, evil]);
    assert.deepEqual(rows, [[evil, 2 * Buffer.byteLength(evil)]]);
  }
});

test('the number of parameters and the columns are known before the first run', async () => {
  const prepared = await client.prepare(
    "SELECT ? AS a, CAST('2024-01-01' AS DATE) AS b, k FROM (SELECT 1 AS k) AS t WHERE k = ? LIMIT ?",
  );
  // mysql2 keeps what COM_STMT_PREPARE answered on the inner statement.
  const inner = (
    prepared as unknown as { statement: { parameters: unknown[]; columns: { name: string }[] } }
  ).statement;
  assert.equal(inner.parameters.length, 3);
  assert.deepEqual(
    inner.columns.map(({ name }) => name),
    ['a', 'b', 'k'],
  );
  for (const value of [5, 'five', null]) {
    const [rows] = await prepared.execute([value, 1, 1]);
    assert.deepEqual(rows, [[value, '2024-01-01', 1]]);
  }
  await prepared.close();
});

test('errors come at prepare, and leave the connection as it was', async () => {
  await assert.rejects(execute('SELECT a FROM nothing WHERE a = ?', [1]), { errno: 5502 });
  await assert.rejects(execute('SELECT a FROM nowhere.t'), { errno: 1049 });
  await assert.rejects(execute('SELEC ?', [1]), { errno: 1064 });
  await assert.rejects(execute('SELECT 1; SELECT 2'), { errno: 1064 });
  await assert.rejects(execute('PREPARE a FROM SELECT 1'), { errno: 1295 });
  await assert.rejects(execute('SELECT missing_column, ?', [1]), {
    errno: 1064,
    message: /missing_column/,
  });
  assert.deepEqual((await execute('SELECT ?', ['fine'])).rows, [['fine']]);
});

test('a table that changed is analysed anew', async () => {
  await execute('CREATE TABLE t (a INT) DUPLICATE KEY (a)');
  const prepared = await client.prepare('SELECT * FROM t WHERE a > ?');
  const names = async (): Promise<string[]> => {
    const [, fields] = await prepared.execute([0]);
    return fields.map(({ name }) => name);
  };
  assert.deepEqual(await names(), ['a']);
  await execute('DROP TABLE t');
  await assert.rejects(names(), { errno: 5502 });
  await execute('CREATE TABLE t (b DATE, a BIGINT) DUPLICATE KEY (b)');
  assert.deepEqual(await names(), ['b', 'a']);
  await prepared.close();
  await execute('DROP TABLE t');
});

test('max_prepared_stmt_count bounds the statements of a connection', async () => {
  await client.query('SET GLOBAL max_prepared_stmt_count = 40');
  try {
    const open: { close(): Promise<void> }[] = [];
    await assert.rejects(
      async () => {
        for (let i = 0; i < 100; i++)
          open.push(await client.prepare(`SELECT ${i} AS limited_${i}`));
      },
      { errno: 1461 },
    );
    assert.ok(open.length > 5 && open.length <= 40);
    for (const statement of open) await statement.close();
    const again = await client.prepare('SELECT 1 AS limited_again');
    await again.close();
  } finally {
    await client.query('SET GLOBAL max_prepared_stmt_count = 4096');
  }
});
