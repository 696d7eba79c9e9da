// go-sql-driver/mysql: the program in test/peers/go checks what it gets itself; here it is seen that all of
// its checks ran.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { goStory } from '../peers/go-client.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
before(async () => {
  server = await startServer({ broker: 'off' });
});
after(() => server.stop());

test('text and prepared statements, TLS, compression, cancelling, pools', async () => {
  const certificate = join(server.ready.dataDir, 'tls', 'server-cert.pem');
  const lines = await goStory(server.ready.queryPort, certificate);
  for (const line of lines) assert.match(line, /^ok /);
  assert.equal(lines.length, 103);
});
