// MariaDB's mysql command line: what a terminal shows, TLS and compression, sourced files, its own commands.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mysqlCli, mysqlRun } from '../peers/mysql-cli.ts';
import { debianProgram, run, runOk } from '../peers/processes.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let folder: string;
let certificate: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  server = await startServer({ broker: 'off' });
  certificate = join(server.ready.dataDir, 'tls', 'server-cert.pem');
  await server.sql('CREATE DATABASE cli');
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

const shown = (text: string, args: readonly string[] = []): Promise<string> =>
  mysqlCli(server.ready.queryPort, text, { args });

/** With the rules of `\\s`, which are those of echoes. */
const raw = async (text: string, args: readonly string[] = []): Promise<string> =>
  (await mysqlRun(server.ready.queryPort, text, { args })).stdout;

test('boxes, NULL, \\G, wide letters', async () => {
  const text = "SELECT 1 AS a, NULL AS b, 'grüße 👋' AS c;\nSELECT 1 AS a, 'x' AS b\\G\n";
  const printed = await shown(text);
  assert.match(printed, /\| a\s+\| b\s+\| c\s+\|/);
  assert.match(printed, /\|\s+1 \| NULL \| grüße 👋\s*\|/);
  assert.match(printed, /1 row in set/);
  assert.match(printed, /\*+ 1\. row \*+\na: 1\nb: x\n/);
});

test('errors with their numbers, and the statements after them', async () => {
  const printed = await shown(
    'SELECT * FROM no_db.t;\nSELEC 1;\nUSE nowhere;\nSELECT 7 AS seven;\n',
  );
  assert.match(printed, /ERROR 1049 \(42000\)/);
  assert.match(printed, /ERROR 1064 \(HY000\).*Unexpected input 'SELEC'/);
  assert.match(printed, /ERROR 1049 \(42000\).*nowhere/);
  assert.match(printed, /seven/);
});

test('status, USE, completion, source, delimiter', async () => {
  const script = join(folder, 'script.sql');
  await writeFile(script, '-- a script\nSELECT 40 + 2 AS answer;\nSHOW TABLES;\n');
  const text = `USE cli\n\\s\nsource ${script}\ndelimiter //\nSELECT 'a;b' AS d//\ndelimiter ;\n`;
  const printed = await raw(text, ['--auto-rehash']);
  assert.match(printed, /Current database:\s+cli/);
  assert.match(printed, /Current user:\s+'root'@/);
  assert.match(printed, /Server version:\s+8\.0\.33 StarRocks version/);
  assert.match(printed, /Client characterset:\s+utf8mb4/);
  assert.match(printed, /Uptime:\s+\d+/);
  assert.match(printed, /Threads: \d+\s+Questions: \d+/);
  assert.match(printed, /answer/);
  assert.match(printed, /a;b/);
  assert.match(printed, /Empty set/);
});

test('several statements on the command line, in batch form', async () => {
  const mysql = await debianProgram('mysql', 'mariadb-client');
  const at = ['--no-defaults', '-h127.0.0.1', `-P${server.ready.queryPort}`, '-uroot'];
  assert.equal(await runOk(mysql, [...at, '-N', '-e', 'SELECT 1; SELECT 2, 3']), '1\n2\t3\n');
  const failed = await run(mysql, [...at, '-N', '-e', 'SELECT 1; SELEC 2; SELECT 3']);
  assert.equal(failed.code, 1);
  assert.equal(failed.stdout, '1\n');
  assert.match(failed.stderr, /ERROR 1064 \(HY000\) at line 1/);
});

test('TLS: used, verified against the self-made certificate, and refused with another authority', async () => {
  const state = await raw('\\s\n', ['--ssl']);
  const used = /SSL:\s+Cipher in use is (TLS_\w+)/.exec(state)?.[1] ?? 'none';
  const told = await raw("SHOW STATUS LIKE 'Ssl_cipher';\n", ['--ssl']);
  assert.match(told, new RegExp(`Ssl_cipher\\s+\\| ${used}\\s`));
  const verified = await shown('SELECT 5 AS five;\n', [
    `--ssl-ca=${certificate}`,
    '--ssl-verify-server-cert',
    '--host=localhost',
    '--protocol=tcp',
  ]);
  assert.match(verified, /five/);
  const plain = await raw('\\s\n', ['--skip-ssl']);
  assert.match(plain, /SSL:\s+Not in use/);
  const other = join(folder, 'other.pem');
  const openssl = await debianProgram('openssl', 'openssl');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'other.key')];
  await runOk(openssl, ['req', '-x509', ...key, '-subj', '/CN=other', '-out', other]);
  const refused = await mysqlRun(server.ready.queryPort, 'SELECT 5 AS five;\n', {
    args: [`--ssl-ca=${other}`, '--ssl-verify-server-cert'],
  });
  assert.notEqual(refused.code, 0);
  assert.match(refused.stdout, /ERROR 2026 .*self-signed certificate|certificate verify failed/);
});

test('a key store as StarRocks takes it, and a server that refuses connections without TLS', async () => {
  const openssl = await debianProgram('openssl', 'openssl');
  const at = (name: string): string => join(folder, name);
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', at('own.key')];
  const names = ['-subj', '/CN=db', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  await runOk(openssl, ['req', '-x509', ...key, ...names, '-out', at('own.pem')]);
  const store = ['-inkey', at('own.key'), '-in', at('own.pem'), '-out', at('own.p12')];
  await runOk(openssl, ['pkcs12', '-export', ...store, '-passout', 'pass:pass word']);
  await writeFile(
    at('cn.conf'),
    [
      `ssl_keystore_location = ${at('own.p12')}`,
      'ssl_keystore_password = pass word',
      'ssl_force_secure_transport = true',
    ].join('\n'),
  );
  const strict = await startServer({ broker: 'off', conf: [at('cn.conf')] });
  try {
    const ask = (args: readonly string[]): ReturnType<typeof mysqlRun> =>
      mysqlRun(strict.ready.queryPort, 'SELECT 6 AS six;\n', { args });
    const verified = ['--ssl-verify-server-cert', `--ssl-ca=${at('own.pem')}`];
    assert.match((await ask(verified)).stdout, /six/);
    assert.match((await ask(['--skip-ssl'])).stdout, /ERROR 3159 .*insecure transport/);
  } finally {
    await strict.stop();
  }
});

test('compression, alone and over TLS', async () => {
  for (const args of [
    ['--compress', '--skip-ssl'],
    ['--compress', '--ssl'],
  ]) {
    const text =
      "SELECT count(*) AS n, max(length(s)) AS longest FROM (SELECT repeat('ab', 500) AS s " +
      "FROM TABLE(generate_series(1, 20000))) AS t;\nSELECT repeat('x', 200000) AS wide\\G\n" +
      'SELECT generate_series FROM TABLE(generate_series(1, 60000));\n';
    const printed = await shown(text, args);
    assert.match(printed, /20000 \|\s+1000/);
    assert.match(printed, /wide: x{200000}\n/);
    assert.match(printed, /60000 rows in set/);
  }
});
