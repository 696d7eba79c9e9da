// SQL escapes in every header of a Stream Load, in its path and in its rows: no text of a client's reaches the
// engine as SQL. Whatever comes of a load, no file is read, none is written, and it is no bug of ours that answers.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { STREAM_LOAD_HEADERS } from '../../src/loads/stream/properties.ts';
import { RELATIONS, SCALARS, TRICKS } from '../support/sql-escapes.ts';
import { startServer, type TestServer } from '../support/start-server.ts';
import { mustLoad, rawLoad, type StreamLoadAnswer, streamLoad } from '../support/stream-load.ts';

const SECRET = 'canary-93be17';
/** What a bug of ours says. */
const BUG =
  /internal error|Binder Error|Parser Error|Catalog Error|Invalid Input Error|Conversion Error|duckdb/i;
const BODY = '1\tone\n';
let directory: string;
let server: TestServer;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-header-escapes-'));
  writeFileSync(join(directory, 'canary'), `${SECRET}\n`);
  writeFileSync(join(directory, 'canary.json'), `{"a": "${SECRET}"}\n`);
  writeFileSync(join(directory, 'canary.parquet'), `PAR1${SECRET}PAR1`);
  server = await startServer({ broker: 'off' });
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a INT, b STRING)');
});
after(async () => {
  assert.equal(await server.stop(), 0);
  rmSync(directory, { recursive: true, force: true });
});

const fill = (text: string): string => text.replaceAll('CANARY', join(directory, 'canary'));

/** It may load or fail with a clear error, and must show and write nothing. */
function harmless(answer: StreamLoadAnswer, what: string): void {
  assert.ok([200, 400, 401, 404, 431].includes(answer.httpStatus), `${what}: ${answer.httpStatus}`);
  assert.ok(!answer.text.includes(SECRET), `${what}: ${answer.text}`);
  assert.doesNotMatch(String(answer.json['Message'] ?? ''), BUG, what);
  assert.deepEqual(
    readdirSync(directory).sort(),
    ['canary', 'canary.json', 'canary.parquet'],
    what,
  );
}

/** Several at a time: each is its own connection. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

async function attempt(headers: Readonly<Record<string, string>>, body = BODY): Promise<void> {
  const head = [
    ...Object.entries(headers).map(([name, value]) => `${name}: ${fill(value)}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  const answer = await rawLoad(server, { table: 'd.t', head, body: [body] });
  harmless(answer, JSON.stringify(headers));
}

/** Nothing that was loaded holds what must not be read. */
async function clean(): Promise<void> {
  assert.equal(await server.value(`SELECT count(*) FROM d.t WHERE b LIKE '%${SECRET}%'`), '0');
  await mustLoad(server, { table: 'd.t', body: BODY });
}

test('tricky texts in every header that there is', async () => {
  const names = Object.keys(STREAM_LOAD_HEADERS);
  assert.ok(names.length >= 25);
  await each(
    names.flatMap((name) => TRICKS.map((trick) => [name, trick] as const)),
    ([name, trick]) => attempt({ [name]: trick }),
  );
  await clean();
});

test('expressions in columns and where', async () => {
  await each(SCALARS, async (scalar) => {
    await attempt({ columns: `a, b = ${scalar}` });
    await attempt({ columns: `a, b`, where: `${scalar} IS NOT NULL` });
    await attempt({ columns: `a, x, b = concat(x, ${scalar})`, where: `a = 1 OR ${scalar} = 1` });
  });
  await clean();
});

test('relations where only expressions may stand', async () => {
  await each(RELATIONS, async (relation) => {
    await attempt({ columns: `a, b = (SELECT max(content) FROM ${relation})` });
    await attempt({ where: `EXISTS (SELECT * FROM ${relation})` });
    await attempt({ where: `a IN (FROM ${relation})` });
  });
  await clean();
});

test('headers that end what was begun and go on', async () => {
  const tails = TRICKS.flatMap((trick) => [`a, b${trick}`, `a = 1 ${trick}`, `a, b = 'x${trick}`]);
  await each(tails, async (tail) => {
    await attempt({ columns: tail });
    await attempt({ where: tail });
    await attempt({ partitions: tail });
    await attempt({ format: 'json', jsonpaths: `["$.a${tail.replaceAll('"', '')}", "$.b"]` });
    await attempt({ format: 'json', json_root: `$.${tail}` }, '{"a":1}');
  });
  await clean();
});

test('names in the path', async () => {
  await each(TRICKS, async (trick) => {
    // An unescaped one would be no request at all.
    const name = encodeURIComponent(fill(trick)).replaceAll('.', '%2E');
    harmless(await streamLoad(server, { table: `d.${name}`, body: BODY }), trick);
    harmless(await streamLoad(server, { table: `${name}.t`, body: BODY }), trick);
    const answer = await fetch(
      `http://127.0.0.1:${server.ready.httpPort}/api/d/get_load_state?label=${name}`,
      { headers: { authorization: `Basic ${Buffer.from('root:').toString('base64')}` } },
    );
    assert.ok(!BUG.test(await answer.text()), trick);
  });
  await clean();
});

test('rows and keys are data', async () => {
  await server.sql('TRUNCATE TABLE d.t');
  const texts = TRICKS.map(fill).filter((text) => !/[\0\n\t]/.test(text));
  const body = texts.map((text, index) => `${index}\t${text}\n`).join('');
  await mustLoad(server, { table: 'd.t', body });
  const json = texts.map((b, index) => JSON.stringify({ a: 1000 + index, b, [b]: 1 })).join('\n');
  await mustLoad(server, { table: 'd.t', headers: { format: 'json' }, body: json });
  const { rows } = await server.sql('SELECT a, b FROM d.t ORDER BY a');
  assert.deepEqual(rows, [
    ...texts.map((text, index) => [String(index), text]),
    ...texts.map((text, index) => [String(1000 + index), text]),
  ]);
});

test('every byte of ASCII separates columns, and rows, as it is', async () => {
  await server.sql('CREATE TABLE d.bytes (a VARCHAR(20), b VARCHAR(20))');
  const codes = Array.from({ length: 127 }, (_, index) => index + 1);
  const load = async (headers: Readonly<Record<string, string>>, body: string): Promise<void> => {
    await mustLoad(server, { table: 'd.bytes', headers, body });
    const { rows } = await server.sql('SELECT a, b FROM d.bytes ORDER BY a');
    assert.deepEqual(
      rows,
      [
        ['ä', 'ö'],
        ['ü', null],
      ],
      JSON.stringify(headers),
    );
    await server.sql('TRUNCATE TABLE d.bytes');
  };
  for (const code of codes) {
    const byte = String.fromCharCode(code);
    const named = `\\x${code.toString(16).padStart(2, '0')}`;
    const nothing = byte === '\\' || byte === 'N' ? null : '\\N';
    if (nothing === null) continue;
    if (byte !== '\n') await load({ column_separator: named }, `ä${byte}ö\nü${byte}${nothing}\n`);
    if (byte !== '\t') await load({ row_delimiter: named }, `ä\tö${byte}ü\t${nothing}${byte}`);
  }
});

test('a separator that is part of \\\\N', async () => {
  await server.sql('CREATE TABLE d.nulls (a VARCHAR(20), b VARCHAR(20))');
  for (const separator of ['\\x5c', '\\x4e']) {
    const byte = separator === '\\x4e' ? 'N' : '\\';
    const headers = { column_separator: separator };
    await mustLoad(server, { table: 'd.nulls', headers, body: `ä${byte}ö\n` });
  }
  assert.deepEqual((await server.sql('SELECT * FROM d.nulls')).rows, [
    ['ä', 'ö'],
    ['ä', 'ö'],
  ]);
});
