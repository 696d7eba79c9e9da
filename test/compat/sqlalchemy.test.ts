// SQLAlchemy with the starrocks dialect: reflection, ORM insert and select. The program in test/peers/python
// checks what it gets itself; here it is seen that all of its checks ran.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pythonStory } from '../peers/python.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

before(async () => {
  server = await startServer({ broker: 'off' });
  await server.sql('CREATE DATABASE alchemy');
});
after(() => server.stop());

test('reflection and the ORM', async () => {
  const args = [String(server.ready.queryPort), 'alchemy'];
  const lines = await pythonStory('clients.txt', 'sqlalchemy_story.py', args);
  for (const line of lines) assert.match(line, /^ok /);
  assert.equal(lines.length, 21);
});
