// PyMySQL and mysql-connector-python: the programs in test/peers/python check what they get themselves and
// print a line for each check; here it is seen that all of them ran.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pythonStory } from '../peers/python.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

const CLIENTS = 'clients.txt';
let server: TestServer;
let certificate: string;

before(async () => {
  server = await startServer({ broker: 'off' });
  certificate = join(server.ready.dataDir, 'tls', 'server-cert.pem');
});
after(() => server.stop());

async function play(story: string): Promise<string[]> {
  const lines = await pythonStory(CLIENTS, story, [String(server.ready.queryPort), certificate]);
  for (const line of lines) assert.match(line, /^ok /);
  return lines;
}

test('PyMySQL', async () => {
  assert.equal((await play('pymysql_story.py')).length, 18);
});

test('mysql-connector-python', async () => {
  assert.equal((await play('connector_story.py')).length, 47);
});
