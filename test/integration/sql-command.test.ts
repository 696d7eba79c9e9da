// `millrace sql -e`: formats, several statements, errors and exit codes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
before(async () => {
  server = await startServer({ broker: 'off' });
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function millrace(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['src/main.ts', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const sql = (text: string, ...more: string[]): Promise<Ended> =>
  millrace(['sql', '--port', String(server.ready.queryPort), '-e', text, ...more]);

const ROWS = `SELECT 1 AS id, 'a "b", c' AS name, NULL AS nothing, parse_json('{"a": 1}') AS j UNION ALL SELECT 2, 'ä\\nx', 'y', NULL ORDER BY 1`;

test('rows in each format', async () => {
  const [table, vertical, csv, json] = await Promise.all(
    ['table', 'vertical', 'csv', 'json'].map((format) => sql(ROWS, '--format', format)),
  );
  for (const ended of [table, vertical, csv, json]) {
    assert.equal(ended?.code, 0);
    assert.equal(ended?.stderr, '');
  }
  assert.match(table?.stdout ?? '', /^\+-+\+-+\+-+\+-+\+\n\| id \| name +\| nothing \| j +\|\n/);
  assert.match(table?.stdout ?? '', /\| 1 {2}\| a "b", c \| NULL {4}\| \{"a": 1\} \|/);
  assert.match(
    vertical?.stdout ?? '',
    /\*{27} 1\. row \*{27}\n {5}id: 1\n {3}name: a "b", c\nnothing: NULL\n {6}j: \{"a": 1\}\n\*{27} 2\. row/,
  );
  assert.equal(csv?.stdout, 'id,name,nothing,j\n1,"a ""b"", c",\\N,"{""a"": 1}"\n2,"ä\nx",y,\\N\n');
  assert.deepEqual(JSON.parse(json?.stdout ?? ''), [
    { id: '1', name: 'a "b", c', nothing: null, j: '{"a": 1}' },
    { id: '2', name: 'ä\nx', nothing: 'y', j: null },
  ]);
});

test('several statements, statements without rows, a database to use, empty results', async () => {
  const ended = await sql(
    'CREATE DATABASE d; CREATE TABLE d.t (a INT); SELECT 1 AS a; SELECT 2 AS a',
  );
  assert.equal(ended.code, 0);
  assert.equal(ended.stdout.match(/\| [12] \|/g)?.length, 2);
  const tables = await sql('SHOW TABLES', '--database', 'd', '--format', 'csv');
  assert.equal(tables.stdout, 'Tables_in_d\nt\n');
  const none = await sql('SELECT * FROM t', '--database', 'd', '--format', 'csv');
  assert.equal(none.stdout, 'a\n');
  assert.equal((await sql('USE d')).stdout, '');
});

test('a failed statement: the message on stderr, nothing on stdout, exit code 1', async () => {
  const syntax = await sql('SELEC 1');
  assert.equal(syntax.code, 1);
  assert.equal(syntax.stdout, '');
  assert.match(
    syntax.stderr,
    /Getting syntax error at line 1, column 0\. Detail message: Unexpected input 'SELEC'/,
  );
  assert.doesNotMatch(syntax.stderr, /\n\s+at /, 'no stack trace');
  const unknown = await sql('SELECT * FROM nope.t');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /Unknown database 'nope'/);
  const login = await sql('SELECT 1', '--user', 'nobody', '--password', 'x');
  assert.equal(login.code, 1);
  assert.match(login.stderr, /Access denied for user 'nobody'/);
});

test('no server: exit code 3 and what to check; wrong usage: exit code 2', async () => {
  const away = await millrace(['sql', '--port', '9', '-e', 'SELECT 1']);
  assert.equal(away.code, 3);
  assert.match(away.stderr, /no server answers there/);
  assert.doesNotMatch(away.stderr, /\n\s+at /, 'no stack trace');
  assert.equal((await sql('SELECT 1', '--format', 'xml')).code, 2);
  assert.equal((await millrace(['sql'])).code, 2);
  assert.equal((await millrace(['sql', '--port', 'abc', '-e', 'SELECT 1'])).code, 2);
});
