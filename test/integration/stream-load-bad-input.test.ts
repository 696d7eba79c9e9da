// Stream Loads that no load can come of: bodies that are cut, too long, too slow, too large once expanded or of another
// form, heads that no client sends, a table that goes away, a full disk. Each is answered as documented; its label is
// free again, nothing of it can be seen, and nothing stays but what the sweep takes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startServer, type TestServer } from '../support/start-server.ts';
import {
  mustLoad,
  rawLoad,
  type StreamLoadAnswer,
  type StreamLoadRequest,
  streamLoad,
} from '../support/stream-load.ts';

let directory: string;
let server: TestServer;
const MB = 1024 * 1024;
const MAX_MB = 8;
const MAX_JSON_MB = 1;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-bad-bodies-'));
  const conf = join(directory, 'cn.conf');
  writeFileSync(
    conf,
    `streaming_load_max_mb = ${MAX_MB}\nstreaming_load_max_batch_size_mb = ${MAX_JSON_MB}\n`,
  );
  server = await startServer({ broker: 'off', conf: [conf] });
  await server.sql('ADMIN SET FRONTEND CONFIG ("stream_load_idle_timeout_second" = "1")');
  await server.sql('CREATE DATABASE d');
});

after(async () => {
  assert.equal(await server.stop(), 0);
  rmSync(directory, { recursive: true, force: true });
});

/** A table of the case's name with one row, and after the case: that row alone, and the label loads. */
async function refused(name: string, play: (load: Case) => Promise<void>): Promise<void> {
  const table = `d.${name}`;
  await server.sql(`CREATE TABLE ${table} (id INT NOT NULL, v VARCHAR(100000))`);
  await mustLoad(server, { table, body: '0\tfirst\n' });
  await play({ table, label: `label_${name}` });
  await stayedOut({ table, label: `label_${name}` });
}

interface Case {
  readonly table: string;
  readonly label: string;
}

async function stayedOut({ table, label }: Case): Promise<void> {
  // As clients do: of a load that went away the server may hear a moment later.
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await streamLoad(server, { table, headers: { label }, body: '1\tagain\n' });
    if (answer.json['Status'] === 'Success') break;
    assert.equal(answer.json['ExistingJobStatus'], 'RUNNING', answer.text);
    assert.ok(Date.now() < deadline, answer.text);
  }
  assert.deepEqual((await server.sql(`SELECT id, v FROM ${table} ORDER BY id`)).rows, [
    ['0', 'first'],
    ['1', 'again'],
  ]);
}

async function mustFail(load: StreamLoadRequest, message: RegExp): Promise<StreamLoadAnswer> {
  const answer = await streamLoad(server, load);
  const what = `${JSON.stringify(load.headers)}: ${answer.text}`;
  assert.equal(answer.httpStatus, 200, what);
  assert.equal(answer.json['Status'], 'Fail', what);
  assert.match(String(answer.json['Message']), message, what);
  return answer;
}

for (const ending of ['cut', 'end'] as const)
  test(`a body that is shorter than its Content-Length: ${ending}`, () =>
    refused(`short_${ending}`, async ({ table, label }) => {
      const head = [`label: ${label}`, 'Content-Length: 1000'];
      const answer = await rawLoad(server, { table, head, body: ['5\tfive\n6\tsi'], ending });
      assert.notEqual(answer.json['Status'], 'Success', answer.text);
    }));

test('a chunked body without its end', () =>
  refused('no_end', async ({ table, label }) => {
    const head = [`label: ${label}`, 'Transfer-Encoding: chunked'];
    const body = ['7\r\n5\tfive\n\r\n'];
    const answer = await rawLoad(server, { table, head, body, ending: 'cut' });
    assert.notEqual(answer.json['Status'], 'Success', answer.text);
  }));

test('chunks that are none', () =>
  refused('bad_chunks', async ({ table, label }) => {
    const head = [`label: ${label}`, 'Transfer-Encoding: chunked'];
    const body = ['7\r\n5\tfive\n\r\nno chunk\r\n'];
    const answer = await rawLoad(server, { table, head, body });
    assert.notEqual(answer.json['Status'], 'Success', answer.text);
  }));

test('a body that is longer than its Content-Length: what it says is a load, the rest is no request', async () => {
  await server.sql('CREATE TABLE d.long (id INT, v VARCHAR(10))');
  const head = ['label: long', 'Content-Length: 7'];
  const answer = await rawLoad(server, { table: 'd.long', head, body: ['5\tfive\n6\tsix\n'] });
  assert.ok([200, 400].includes(answer.httpStatus), answer.text);
  // All of it or none, and the label says which.
  const state = await server.until(
    "SELECT STATE FROM information_schema.stream_loads WHERE LABEL = 'long'",
    (value) => value === 'FINISHED' || value === 'CANCELLED',
  );
  const rows = state === 'FINISHED' ? [['5', 'five']] : [];
  assert.deepEqual((await server.sql('SELECT * FROM d.long')).rows, rows);
});

test('heads with a wrong, a negative and two lengths', () =>
  refused('lengths', async ({ table, label }) => {
    const lengths = [
      ['Content-Length: many'],
      ['Content-Length: -1'],
      ['Content-Length: 7', 'Content-Length: 8'],
      ['Content-Length: 7', 'Transfer-Encoding: chunked'],
    ];
    for (const length of lengths) {
      const head = [`label: ${label}`, ...length];
      const answer = await rawLoad(server, { table, head, body: ['5\tfive\n'] });
      assert.equal(answer.httpStatus, 400, `${length.join()}: ${answer.text}`);
    }
  }));

test('a sender that stops in the middle', () =>
  refused('slow', async ({ table, label }) => {
    const head = [`label: ${label}`, 'Content-Length: 1000'];
    const answer = await rawLoad(server, { table, head, body: ['5\tfive\n'] });
    assert.equal(answer.json['Status'], 'Fail', answer.text);
    assert.match(String(answer.json['Message']), /nothing of the body came for 1000 ms/);
  }));

test('a load that takes longer than its timeout, though something always comes', () =>
  refused('timeout', async ({ table, label }) => {
    async function* drops(): AsyncGenerator<string> {
      for (let id = 10; id < 40; id += 1) {
        yield `${id}\tdrop\n`;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
    await mustFail({ table, headers: { label, timeout: '1' }, body: drops() }, /time|aborted/i);
  }));

test('a body over the limit: with its length, in chunks, and only once expanded (gzip bomb)', () =>
  refused('large', async ({ table, label }) => {
    const row = `5\t${'x'.repeat(1000)}\n`;
    const body = row.repeat(Math.ceil((MAX_MB * MB) / row.length) + 1);
    await mustFail({ table, headers: { label }, body }, /body size \d+ exceed limit: 8388608/);
    async function* chunks(): AsyncGenerator<string> {
      for (let at = 0; at < body.length; at += 65_536) yield body.slice(at, at + 65_536);
    }
    await mustFail(
      { table, headers: { label }, body: chunks() },
      /^the body is larger than 8388608 bytes \(.*raise streaming_load_max_mb\)$/,
    );
    const bomb = gzipSync(Buffer.alloc(300 * MB, row));
    assert.ok(bomb.length < MAX_MB * MB);
    await mustFail(
      { table, headers: { label, compression: 'gzip' }, body: bomb },
      /^the body, expanded from gzip, is larger than 8388608 bytes \(/,
    );
  }));

test('what is not compressed, or cut, or of another kind', () =>
  refused('broken', async ({ table, label }) => {
    const rows = Array.from(
      { length: 1000 },
      (_, id) => `${id}\t${randomBytes(20).toString('hex')}\n`,
    );
    const whole = gzipSync(rows.join(''));
    const damaged = Buffer.from(whole);
    damaged.writeUInt32LE(0, damaged.length - 8);
    for (const [compression, body] of [
      ['gzip', Buffer.from('5\tfive\n')],
      ['gzip', whole.subarray(0, whole.length / 2)],
      ['gzip', damaged],
      ['zstd', whole],
      ['lz4_frame', whole],
      ['bzip2', whole],
      ['deflate', whole],
    ] as const)
      await mustFail(
        { table, headers: { label, compression }, body },
        new RegExp(compression.replace('_frame', ''), 'i'),
      );
    await mustFail(
      { table, headers: { label, compression: 'rar' }, body: whole },
      /unsupported compression type/,
    );
    await mustFail(
      { table, headers: { label, compression: 'gzip', 'content-encoding': 'gzip' }, body: whole },
      /Only one of http header content-encoding and compression can be set/,
    );
  }));

test('wrong separators, too many and too few fields, no rows at all', () =>
  refused('fields', async ({ table, label }) => {
    const filtered = await mustFail(
      { table, headers: { label, column_separator: '|' }, body: '5\tfive\n6\tsix\n' },
      /too many filtered rows/,
    );
    assert.equal(filtered.json['NumberFilteredRows'], 2);
    assert.equal(filtered.json['NumberLoadedRows'], 0);
    const log = await fetch(String(filtered.json['ErrorURL']));
    assert.match(await log.text(), /5\\tfive/);
    await mustFail(
      { table, headers: { label }, body: '5\tfive\tmore\n' },
      /too many filtered rows/,
    );
    await mustFail({ table, headers: { label }, body: '' }, /No partitions have data available/);
    const separator = 'x'.repeat(51);
    await mustFail({ table, headers: { label, column_separator: separator }, body: '5\n' }, /50/);
    await mustFail(
      { table, headers: { label, skip_header: '-1' }, body: '5\n' },
      /skip_header must be/,
    );
  }));

test('JSON that is none, ends in the middle, or is too large without ignore_json_size', () =>
  refused('json', async ({ table, label }) => {
    const headers = { label, format: 'json' };
    await mustFail({ table, headers, body: '{"id": 5, "v": "fi' }, /ends in the middle|JSON/);
    await mustFail({ table, headers, body: 'id=5' }, /JSON|json/);
    const outer = { ...headers, strip_outer_array: 'true' };
    await mustFail({ table, headers: outer, body: '[{"id":5,"v":"five"},{"id":6' }, /middle|JSON/);
    await mustFail({ table, headers: outer, body: '[{"id":5} {"id":6}]' }, /JSON/);
    const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, v: 'x'.repeat(60) }));
    const large = JSON.stringify(rows);
    await mustFail(
      { table, headers: outer, body: large },
      /The size of this batch exceed the max size \[1048576\] of json type data data \[\d+\]\. Set ignore_json_size to skip check/,
    );
    await server.sql('CREATE TABLE d.large_json (id INT, v VARCHAR(100))');
    await mustLoad(server, {
      table: 'd.large_json',
      headers: { format: 'json', strip_outer_array: 'true', ignore_json_size: 'true' },
      body: large,
    });
    assert.equal(await server.value('SELECT count(DISTINCT id) FROM d.large_json'), '20000');
  }));

test('labels over 128 characters, and of other characters', () =>
  refused('labels', async ({ table }) => {
    for (const label of [
      'l'.repeat(129),
      'two words',
      "quote'",
      'semi;colon',
      'a/b',
      'gr\xf6\xdfe',
    ])
      await mustFail({ table, headers: { label }, body: '5\tfive\n' }, /[Ll]abel/);
  }));

test('headers with control characters', () =>
  refused('control', async ({ table, label }) => {
    for (const value of ['a\x00b', 'a\x01b', 'a\x7fb', 'a\nb', 'a\rb']) {
      const head = [`label: ${label}`, `where: ${value}`, 'Content-Length: 7'];
      const answer = await rawLoad(server, { table, head, body: ['5\tfive\n'] });
      assert.notEqual(answer.json['Status'], 'Success', JSON.stringify(value));
      assert.ok(
        [200, 400].includes(answer.httpStatus),
        `${JSON.stringify(value)}: ${answer.httpStatus}`,
      );
    }
  }));

test('a head that is too long', () =>
  refused('head', async ({ table, label }) => {
    const head = [
      `label: ${label}`,
      `where: id = 1 ${'OR id = 1 '.repeat(200_000)}`,
      'Content-Length: 7',
    ];
    const answer = await rawLoad(server, { table, head, body: ['5\tfive\n'] });
    assert.notEqual(answer.json['Status'], 'Success');
  }));

test('columns, tables, partitions and values of headers that there are not', () =>
  refused('names', async ({ table, label }) => {
    const body = '5\tfive\n';
    for (const [headers, message] of [
      [{ columns: 'id, v, nosuch = id + 1' }, /nosuch/],
      [{ columns: 'id, v = nosuch' }, /nosuch/],
      [{ columns: 'v' }, /id/],
      [{ columns: 'id, id' }, /id/],
      [{ columns: 'id, v = (' }, /./],
      [{ where: 'nosuch = 1' }, /nosuch/],
      [{ where: 'sum(id) > 1' }, /./],
      [{ where: 'id = (SELECT 1)' }, /./],
      [{ partitions: 'nosuch' }, /nosuch/],
      [{ format: 'xml' }, /format/],
      [{ max_filter_ratio: '2' }, /max_filter_ratio/],
      [{ timeout: 'soon' }, /timeout/],
      [{ timeout: '0' }, /timeout/],
      [{ strict_mode: 'maybe' }, /strict mode/],
      [{ timezone: 'Mars/Olympus' }, /Mars/],
      [{ merge_condition: 'v' }, /./],
      [{ partial_update: 'true' }, /./],
      [{ jsonpaths: '$.id', format: 'json' }, /jsonpaths|JSON/i],
      [{ log_rejected_record_num: '-2' }, /log_rejected_record_num/],
    ] as const)
      await mustFail({ table, headers: { label, ...headers }, body }, message);
    await mustFail({ table: 'd.nosuch', headers: { label }, body }, /nosuch/);
    await mustFail({ table: 'nosuch.t', headers: { label }, body }, /nosuch/);
  }));

for (const what of ['DROP TABLE d.gone FORCE', 'DROP TABLE d.gone'])
  test(`the table goes in the middle: ${what}`, async () => {
    const make = 'CREATE TABLE d.gone (id INT NOT NULL, v VARCHAR(100))';
    await server.sql(make);
    async function* parts(): AsyncGenerator<string> {
      yield '5\tfive\n';
      // Once the load is under way.
      await server.until(
        "SELECT count(*) FROM information_schema.stream_loads WHERE LABEL = 'gone_label'",
        (value) => value === '1',
      );
      await server.sql(what);
      yield '6\tsix\n';
    }
    await mustFail(
      { table: 'd.gone', headers: { label: 'gone_label' }, body: parts() },
      /gone|does not exist|dropped|aborted|Unknown table/i,
    );
    await server.sql(make);
    assert.equal(await server.value('SELECT count(*) FROM d.gone'), '0');
    await mustLoad(server, { table: 'd.gone', headers: { label: 'gone_label' }, body: '7\tx\n' });
    await server.sql('DROP TABLE d.gone FORCE');
    // The label is its own again for the next round.
    await server.sql('DROP DATABASE d FORCE');
    await server.sql('CREATE DATABASE d');
  });

/** A small file system of its own; null where mounting is not permitted. */
function mountSmall(path: string): { grow(): void; unmount(): void } | null {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return {
    grow: () => execFileSync('mount', ['-o', 'remount,size=16m', path]),
    unmount: () => execFileSync('umount', [path]),
  };
}

test('a full disk on the compute node: the load says so; with space its label loads', async (t) => {
  const path = join(directory, 'small');
  mkdirSync(path);
  const disk = mountSmall(path);
  if (disk === null) {
    t.skip('mounting a small file system is not permitted here');
    return;
  }
  try {
    await server.sql(`CREATE STORAGE VOLUME small TYPE = LOCAL LOCATIONS = ("file://${path}")`);
    await server.sql(
      'CREATE TABLE d.full_disk (id INT, v VARCHAR(2000)) PROPERTIES ("storage_volume" = "small")',
    );
    const rows = Array.from(
      { length: 2000 },
      (_, id) => `${id}\t${randomBytes(500).toString('base64')}\n`,
    );
    const load = { table: 'd.full_disk', headers: { label: 'full' }, body: rows.join('') };
    await mustFail(load, /no space left on the disk that holds .*small/);
    assert.equal(await server.value('SELECT count(*) FROM d.full_disk'), '0');
    disk.grow();
    await mustLoad(server, load);
    assert.equal(await server.value('SELECT count(DISTINCT id) FROM d.full_disk'), '2000');
    await server.sql('DROP TABLE d.full_disk FORCE');
  } finally {
    disk.unmount();
  }
});

test('after all of it no transaction is open, and the sweep takes what is left of them', async () => {
  await server.sql('CREATE TABLE d.swept (id INT NOT NULL, v VARCHAR(100))');
  await mustLoad(server, { table: 'd.swept', body: '0\tfirst\n' });
  const half = Array.from({ length: 300_000 }, (_, id) => `${id}\tvalue\n`).join('');
  await mustFail({ table: 'd.swept', body: `${half}no number\tx\n` }, /too many filtered rows/);
  const [running] = (await server.sql("SHOW PROC '/transactions/d'")).rows;
  assert.deepEqual(running, ['running', '0']);
  await server.sql('ADMIN SWEEP');
  const files = globSync(join(server.ready.dataDir, 'volumes/builtin/d/swept-*/data/*/*.parquet'));
  assert.equal(files.length, 1, files.join());
  assert.deepEqual((await server.sql('ADMIN SWEEP DRY RUN')).rows, []);
});
