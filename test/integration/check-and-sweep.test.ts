// CHECK TABLE, millrace doctor and the sweep against a real server whose files are damaged: what is said names the
// file, other tables go on, and nothing that a version names is ever swept.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { globSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let connection: Connection;

before(async () => {
  server = await startServer({ broker: 'off' });
  connection = await server.connect();
  await connection.query('CREATE DATABASE shop');
  for (const table of ['orders', 'other']) {
    await connection.query(
      `CREATE TABLE shop.${table} (id BIGINT NOT NULL, name VARCHAR(600), at DATETIME, f DOUBLE) DUPLICATE KEY(id)`,
    );
    await connection.query(
      `INSERT INTO shop.${table} SELECT generate_series, concat(repeat('x', 300), md5(generate_series)), now(), generate_series / 3 FROM TABLE(generate_series(1, 5000))`,
    );
    await connection.query(
      `INSERT INTO shop.${table} VALUES (-5, NULL, NULL, NULL), (9, '', '2020-01-01', 0)`,
    );
  }
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

async function rows(sql: string): Promise<string[][]> {
  const [found] = await connection.query({ sql, rowsAsArray: true });
  return (found as unknown[][]).map((row) => row.map(String));
}

/** The files of a table, in the order of their transactions. */
const filesOf = (table: string): string[] =>
  globSync(
    join(server.ready.dataDir, 'volumes/builtin/shop', `${table}-*`, 'data/*/*.parquet'),
  ).sort();

function millrace(...args: string[]): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['src/main.ts', ...args, '--port', String(server.ready.queryPort)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let stdout = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.once('close', (code) => resolve({ code, stdout }));
  });
}

test('whole tables are found whole', async () => {
  const checked = await rows('CHECK TABLE shop.orders, shop.other EXTENDED');
  assert.deepEqual(
    checked.map(([table, op, type, text]) => [table, op, type, text]),
    ['orders', 'other'].flatMap((name) => [
      [`shop.${name}`, 'check', 'note', '2 objects found by name and size, 2 files read again'],
      [`shop.${name}`, 'check', 'status', 'OK'],
    ]),
  );
  const doctor = await millrace('doctor', '--deep');
  assert.equal(doctor.code, 0, doctor.stdout);
  assert.match(
    doctor.stdout,
    /ok {6}`shop`\.`orders`: 2 objects found by name and size, 2 files read again/,
  );
  assert.match(doctor.stdout, /all \d+ tables are whole/);
});

test('a damaged, a cut and a missing file: the query names it, other tables go on, doctor lists it', async () => {
  const path = filesOf('orders')[0] ?? '';
  const whole = readFileSync(path);
  const damaged = Buffer.from(whole);
  // Less may go unseen: DuckDB's Parquet pages carry no checksum.
  damaged.fill(0x5a, Math.floor(whole.length * 0.1), Math.floor(whole.length * 0.9));
  const query = 'SELECT max(name), max(f), max(at) FROM shop.orders';
  const key = path.slice(path.indexOf('shop/'));
  const cases: [Buffer | null, RegExp][] = [
    [damaged, /it is damaged|as the metadata says/],
    [whole.subarray(0, 1000), /it has 1000 bytes, \d+ were written/],
    [null, /it is missing/],
  ];
  for (const [bytes, detail] of cases) {
    if (bytes === null) renameSync(path, `${path}.kept`);
    else writeFileSync(path, bytes);
    await assert.rejects(connection.query(query), (error: Error) => {
      assert.match(error.message, /^a file of shop\.orders cannot be read: /);
      assert.ok(error.message.includes(key), error.message);
      return true;
    });
    assert.deepEqual(await rows('SELECT count(*), count(name) FROM shop.other'), [
      ['5002', '5001'],
    ]);
    const checked = await rows('CHECK TABLE shop.orders EXTENDED');
    assert.equal(checked.at(-1)?.[3], 'Corrupt');
    const errors = checked
      .filter(([, , type]) => type === 'error')
      .map(([, , , text]) => String(text));
    assert.ok(
      errors.every((text) => text.includes(key)),
      errors.join('\n'),
    );
    assert.match(errors.join('\n'), bytes === damaged ? /./ : detail);
    const doctor = await millrace('doctor', '--deep', '--table', 'shop.orders', 'shop.other');
    assert.equal(doctor.code, 1);
    assert.match(doctor.stdout, /BROKEN {2}shop\.orders/);
    assert.match(doctor.stdout, /ok {6}shop\.other/);
    assert.match(doctor.stdout, /1 of 2 tables are broken/);
    if (bytes === null) renameSync(`${path}.kept`, path);
    else writeFileSync(path, whole);
  }
  assert.equal((await rows(query)).length, 1);
  assert.equal((await rows('CHECK TABLE shop.orders')).at(-1)?.[3], 'OK');
});

test('what a dry run lists goes with the sweep, and nothing else', async () => {
  const orphan = join(
    filesOf('other')[0] ?? '',
    '..',
    '11111111-2222-4333-8444-555555555555.parquet',
  );
  writeFileSync(orphan, 'x');
  await connection.query('TRUNCATE TABLE shop.other');
  const planned = await rows('ADMIN SWEEP DRY RUN');
  assert.deepEqual(
    planned.map(([what, volume, key, size, table, reason]) => [
      what,
      volume,
      key,
      size,
      table,
      reason,
    ]),
    [
      [
        'object would be deleted',
        'builtin_storage_volume',
        orphan.slice(orphan.indexOf('shop/')),
        '1',
        'null',
        'its transaction is over and did not commit it',
      ],
    ],
  );
  const files = filesOf('other');
  assert.ok(files.includes(orphan));
  const swept = await millrace('sweep');
  assert.equal(swept.code, 0);
  assert.match(swept.stdout, /object was deleted/);
  assert.deepEqual(
    filesOf('other'),
    files.filter((path) => path !== orphan),
  );
  // The truncated version is kept for a day.
  assert.deepEqual(await rows('SELECT count(*) FROM shop.other FOR VERSION AS OF 3'), [['5002']]);
  assert.equal((await rows('CHECK TABLE shop.other EXTENDED')).at(-1)?.[3], 'OK');
});
