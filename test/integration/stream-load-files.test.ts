// Bodies that are files (Avro, Parquet, Arrow, ORC) and compressed bodies through the HTTP door, sent with curl: rows,
// counts, upserts and deletes, rejected rows behind ErrorURL, and the answers for what is no such file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { long, sized } from '../support/avro-bytes.ts';
import { COMPRESSED_SAMPLES } from '../support/compressed-samples.ts';
import { withEngine } from '../support/engine-fixture.ts';
import { ARROW_FILE, ARROW_STREAM, ORC_FILE } from '../support/file-samples.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let folder = '';
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-bodies-'));
  server = await startServer({ broker: 'off' });
  await server.sql('CREATE DATABASE d');
});
after(async () => {
  assert.equal(await server.stop(), 0);
  rmSync(folder, { recursive: true });
});

type Headers = Readonly<Record<string, string>>;

function put(table: string, headers: Headers, body: Buffer): Record<string, unknown> {
  const path = join(folder, 'body');
  writeFileSync(path, body);
  const url = `http://127.0.0.1:${server.ready.httpPort}/api/d/${table}/_stream_load`;
  const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const { stdout, stderr } = spawnSync(
    'curl',
    [
      '-sS',
      '-u',
      'root:',
      '--location-trusted',
      '-T',
      path,
      '-H',
      'Expect: 100-continue',
      ...lines,
      url,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(stderr, '');
  return JSON.parse(stdout) as Record<string, unknown>;
}

const facts = (json: Record<string, unknown>): unknown[] => [
  json['Status'],
  json['NumberLoadedRows'],
  json['NumberFilteredRows'],
];

async function rowsOf(sql: string): Promise<string> {
  return (await server.sql(sql)).rows.map((row) => row.join(' ')).join(', ');
}

async function parquet(select: string): Promise<Buffer> {
  const path = join(folder, 'made.parquet');
  await withEngine({}, (engine) =>
    engine.withConnection((connection) =>
      connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`),
    ),
  );
  return readFileSync(path);
}

function avro(rows: readonly (readonly [number, string])[]): Buffer {
  const schema = {
    type: 'record',
    name: 'r',
    fields: [
      { name: 'id', type: 'int' },
      { name: 'color', type: 'string' },
    ],
  };
  const sync = Buffer.alloc(16, 7);
  const bytes = Buffer.concat(rows.flatMap(([id, color]) => [long(id), sized(color)]));
  return Buffer.concat([
    Buffer.from('Obj\x01'),
    long(1),
    sized('avro.schema'),
    sized(JSON.stringify(schema)),
    long(0),
    sync,
    long(rows.length),
    long(bytes.length),
    bytes,
    sync,
  ]);
}

test('each format: columns by name, rows that are there with the answer', async () => {
  await server.sql('CREATE TABLE d.f (id BIGINT, color VARCHAR(20), l JSON)');
  const bodies: readonly (readonly [string, Buffer])[] = [
    ['arrow', ARROW_STREAM],
    ['arrow', ARROW_FILE],
    ['orc', ORC_FILE],
    ['PARQUET', await parquet("SELECT 7 AS id, 'blue' AS color, [1, NULL] AS l")],
    ['avro', avro([[8, 'grey']])],
  ];
  for (const [format, body] of bodies) {
    await server.sql('TRUNCATE TABLE d.f');
    const json = put('f', { format }, body);
    const rows = await rowsOf('SELECT id, color, l FROM d.f ORDER BY id');
    assert.equal(json['Message'], 'OK', format);
    assert.equal(json['LoadBytes'], body.length);
    if (format === 'PARQUET') assert.equal(rows, '7 blue [1, null]');
    else if (format === 'avro') assert.equal(rows, '8 grey ');
    else assert.equal(rows, '-5  [], 1 red [1, null], 1099511627776 grü"n ');
  }
});

test('columns, where, jsonpaths and a compressed file', async () => {
  await server.sql('CREATE TABLE d.p (a INT, b VARCHAR(20))');
  const body = await parquet("SELECT i AS n, {'x': 'v' || i} AS s FROM range(10) t(i)");
  const headers = {
    format: 'parquet',
    jsonpaths: '["$.n", "$.s.x"]',
    columns: 'n, x, a = n * 2, b = upper(x)',
    where: 'a > 14',
    compression: 'gzip',
  };
  const json = put('p', headers, gzipSync(body));
  assert.deepEqual([...facts(json), json['NumberUnselectedRows']], ['Success', 2, 0, 8]);
  assert.equal(await rowsOf('SELECT * FROM d.p ORDER BY a'), '16 V8, 18 V9');
});

test('upserts and deletes by __op, partial rows', async () => {
  await server.sql('CREATE TABLE d.k (id INT, v INT, w INT) PRIMARY KEY (id)');
  await server.sql('INSERT INTO d.k VALUES (1, 1, 1), (2, 2, 2), (3, 3, 3)');
  const ops = await parquet(
    'SELECT * FROM (VALUES (1, 10, 10, 0), (2, 0, 0, 1), (4, 4, 4, 0)) t(id, v, w, __op)',
  );
  assert.deepEqual(facts(put('k', { format: 'parquet' }, ops)), ['Success', 3, 0]);
  const partial = await parquet('SELECT 3 AS id, 30 AS v');
  const headers = { format: 'parquet', partial_update: 'true', columns: 'id, v' };
  assert.deepEqual(facts(put('k', headers, partial)), ['Success', 1, 0]);
  assert.equal(await rowsOf('SELECT * FROM d.k ORDER BY id'), '1 10 10, 3 30 3, 4 4 4');
});

test('rejected rows in strict mode, behind ErrorURL', async () => {
  await server.sql('CREATE TABLE d.s (id INT, v INT)');
  const body = await parquet(
    "SELECT i AS id, CASE WHEN i = 2 THEN 'bad' ELSE i::VARCHAR END AS v FROM range(4) t(i)",
  );
  const headers = { format: 'parquet', strict_mode: 'true' };
  const failed = put('s', headers, body);
  assert.deepEqual(facts(failed), ['Fail', 3, 1]);
  const log = await (await fetch(String(failed['ErrorURL']))).text();
  assert.match(log, /bad/);
  const loaded = put('s', { ...headers, max_filter_ratio: '0.5' }, body);
  assert.deepEqual(facts(loaded), ['Success', 3, 1]);
  assert.equal(await rowsOf('SELECT * FROM d.s ORDER BY id'), '0 0, 1 1, 3 3');
});

test('a file as a part of a transaction, and none where requests are merged', async () => {
  await server.sql('CREATE TABLE d.x (id BIGINT, color VARCHAR(20))');
  const api = `http://127.0.0.1:${server.ready.httpPort}/api/transaction`;
  const call = async (step: string, method: string, headers: Headers, body?: Buffer) => {
    const all = {
      authorization: 'Basic cm9vdDo=',
      label: 'files',
      db: 'd',
      table: 'x',
      ...headers,
    };
    const content = body === undefined ? {} : { body: Uint8Array.from(body) };
    const reply = await fetch(`${api}/${step}`, { method, headers: all, ...content });
    const json = (await reply.json()) as Record<string, unknown>;
    assert.equal(json['Status'], 'OK', `${step}: ${json['Message']}`);
  };
  await call('begin', 'POST', {});
  await call('load', 'PUT', { format: 'orc' }, ORC_FILE);
  await call('load', 'PUT', { format: 'avro' }, avro([[8, 'grey']]));
  await call('prepare', 'POST', {});
  await call('commit', 'POST', {});
  assert.equal(await rowsOf('SELECT count(*), max(id) FROM d.x'), '4 1099511627776');
  const merge = {
    enable_merge_commit: 'true',
    merge_commit_interval_ms: '100',
    merge_commit_parallel: '1',
  };
  assert.match(
    String(put('x', { ...merge, format: 'orc' }, ORC_FILE)['Message']),
    /enable_merge_commit merges csv and json, not orc/,
  );
});

test('CSV as the tools compress it, by both headers', async () => {
  await server.sql('CREATE TABLE d.c (a INT, u VARCHAR(20), day DATE, x VARCHAR(5))');
  for (const { tool, compression, text, bytes } of COMPRESSED_SAMPLES) {
    if (text !== 'rows') continue;
    const value = compression === 'gzip' ? 'GZIP' : compression;
    for (const header of ['compression', 'Content-Encoding']) {
      const json = put('c', { column_separator: ',', [header]: value }, bytes);
      assert.deepEqual(facts(json), ['Success', 5000, 0], `${tool}, ${header}: ${json['Message']}`);
    }
  }
  const both = { compression: 'gzip', 'Content-Encoding': 'gzip' };
  assert.match(
    String(put('c', both, gzipSync('1'))['Message']),
    /Only one of http header content-encoding and compression can be set/,
  );
});

test('random bytes, and files with changed ones, get an answer, and the next load works', async () => {
  await server.sql('CREATE TABLE d.z (id BIGINT, color VARCHAR(20))');
  const files: readonly (readonly [Headers, Buffer])[] = [
    [{ format: 'arrow' }, ARROW_FILE],
    [{ format: 'orc' }, ORC_FILE],
    [{ format: 'avro' }, avro([[8, 'grey']])],
    [
      { format: 'parquet' },
      await parquet("SELECT i AS id, 'c' || i AS color FROM range(100) t(i)"),
    ],
    ...COMPRESSED_SAMPLES.filter(({ text }) => text === 'runs').map(
      ({ compression, bytes }) => [{ compression }, bytes] as const,
    ),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files),
      fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.array(fc.tuple(fc.nat(100_000), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      ),
      async ([headers, bytes], change) => {
        const body = Buffer.from(change instanceof Uint8Array ? change : bytes);
        if (!(change instanceof Uint8Array))
          for (const [at, byte] of change) body[at % body.length] = byte;
        const url = `http://127.0.0.1:${server.ready.httpPort}/api/d/z/_stream_load`;
        const all = { authorization: 'Basic cm9vdDo=', max_filter_ratio: '1', ...headers };
        const reply = await fetch(url, { method: 'PUT', headers: all, body });
        assert.equal(reply.status, 200);
        const { Status: status, Message: message } = (await reply.json()) as Record<string, string>;
        assert.ok(status === 'Success' || status === 'Fail', status);
        assert.doesNotMatch(message ?? '', /internal error/i);
      },
    ),
    { numRuns: 150 },
  );
  assert.deepEqual(facts(put('z', { format: 'avro' }, avro([[9, 'last']]))), ['Success', 1, 0]);
});

test('what is wrong with a body is said, and its label is free', async () => {
  await server.sql('CREATE TABLE d.w (id INT)');
  const body = await parquet('SELECT 1 AS id');
  const cases: readonly (readonly [Headers, Buffer, RegExp])[] = [
    [{ format: 'parquet' }, Buffer.from('1\n2\n'), /Failed to parse the body as Parquet/],
    [{ format: 'parquet' }, body.subarray(0, -20), /Failed to parse the body as Parquet/],
    [{ format: 'avro' }, body, /Failed to parse the body as Avro/],
    [{ format: 'arrow' }, body, /Failed to parse the body as Arrow/],
    [{ format: 'orc' }, body, /Failed to parse the body as ORC/],
    [
      { format: 'parquet', columns: 'a, id = a + 1' },
      body,
      /none of the fields a; its columns are id/,
    ],
    [{ format: 'protobuf' }, body, /unknown data format, format=protobuf/],
    [
      { format: 'parquet', skip_header: '1' },
      body,
      /skip_header is not a property of format parquet/,
    ],
    [{ format: 'orc', envelope: 'debezium' }, body, /envelope is not a property of format orc/],
    [{ compression: 'gzip' }, body, /gzip data does not expand/],
    [{ compression: 'gzip' }, gzipSync('1\n2').subarray(0, -3), /gzip data does not expand/],
  ];
  for (const [headers, bytes, message] of cases) {
    const json = put('w', { label: 'again', ...headers }, bytes);
    assert.equal(json['Status'], 'Fail');
    assert.match(String(json['Message']), message);
    assert.ok(!String(json['Message']).includes(folder));
  }
  assert.equal(await rowsOf('SELECT count(*) FROM d.w'), '0');
  assert.deepEqual(facts(put('w', { label: 'again', format: 'parquet' }, body)), ['Success', 1, 0]);
});
