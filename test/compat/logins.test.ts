// Real clients log in as users made in every way: both plugins, hashes, no password, other letters.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mysqlRun } from '../peers/mysql-cli.ts';
import { pythonStory } from '../peers/python.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

before(async () => {
  server = await startServer({ broker: 'off' });
  for (const sql of [
    "CREATE USER l_native IDENTIFIED WITH mysql_native_password BY 'native pw'",
    "CREATE USER l_sha2 IDENTIFIED WITH caching_sha2_password BY 'sha2 pw'",
    "CREATE USER l_both IDENTIFIED BY 'plain pw'",
    // 123456
    "CREATE USER l_hash IDENTIFIED BY PASSWORD '*6BB4837EB74329105EE4568DDA7DC67ED2CA2AD9'",
    "CREATE USER l_utf8 IDENTIFIED BY 'pässwörd 👋'",
    'CREATE USER l_none',
  ]) {
    await server.sql(sql);
  }
});
after(() => server.stop());

test('PyMySQL and mysql-connector-python', async () => {
  const lines = await pythonStory('clients.txt', 'login_story.py', [
    String(server.ready.queryPort),
  ]);
  for (const line of lines) assert.match(line, /^ok /);
  assert.equal(lines.length, 20);
});

test('the mysql command line', async () => {
  for (const [user, password] of [
    ['l_native', 'native pw'],
    ['l_sha2', 'sha2 pw'],
    ['l_hash', '123456'],
    ['l_utf8', 'pässwörd 👋'],
    ['l_none', ''],
  ] as const) {
    const shown = await mysqlRun(server.ready.queryPort, 'SELECT current_user();', {
      user,
      ...(password === '' ? {} : { password }),
    });
    assert.ok(shown.stdout.includes(`'${user}'@'%'`), shown.stdout);
    const refused = await mysqlRun(server.ready.queryPort, 'SELECT 1;', { user, password: 'no' });
    assert.match(refused.stdout, /ERROR 1045 \(28000\): Access denied for user/);
  }
});

test('mysql2, and another user on the same connection', async () => {
  const connection = await server.connect({ user: 'l_sha2', password: 'sha2 pw' });
  const current = async (): Promise<unknown> => {
    const [rows] = await connection.query({ sql: 'SELECT current_user()', rowsAsArray: true });
    return rows;
  };
  assert.deepEqual(await current(), [["'l_sha2'@'%'"]]);
  await connection.changeUser({ user: 'l_native', password: 'native pw' });
  assert.deepEqual(await current(), [["'l_native'@'%'"]]);
  await assert.rejects(connection.changeUser({ user: 'l_both', password: 'wrong' }), {
    errno: 1045,
  });
  connection.destroy();
});
