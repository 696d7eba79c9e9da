// MySQL Connector/J and MariaDB Connector/J in the modes that people use: the program in test/peers/jdbc checks
// what it gets itself; here it is seen that all of its checks ran in each mode.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { jdbcStory } from '../peers/jdbc.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;

before(async () => {
  server = await startServer({ broker: 'off' });
  await server.sql('CREATE DATABASE jdbc');
});
after(() => server.stop());

const MODES: readonly { readonly driver: 'mysql' | 'mariadb'; readonly options: string }[] = [
  { driver: 'mysql', options: '' },
  { driver: 'mysql', options: 'useServerPrepStmts=true&cachePrepStmts=true' },
  { driver: 'mysql', options: 'useServerPrepStmts=true&useCursorFetch=true&defaultFetchSize=100' },
  { driver: 'mysql', options: 'useCompression=true&sslMode=DISABLED' },
  {
    driver: 'mysql',
    options: 'sslMode=REQUIRED&rewriteBatchedStatements=true&useServerPrepStmts=true',
  },
  { driver: 'mariadb', options: '' },
  { driver: 'mariadb', options: 'useServerPrepStmts=true' },
  { driver: 'mariadb', options: 'useCompression=true&sslMode=trust' },
  { driver: 'mariadb', options: 'sslMode=verify-full&useServerPrepStmts=true' },
];
/** Checks of each driver. */
const CHECKS = { mysql: 105, mariadb: 103 };

for (const { driver, options } of MODES) {
  const mode = options === '' ? `${driver}, as it comes` : `${driver}, ${options}`;
  test(mode, async () => {
    const { queryPort, dataDir } = server.ready;
    const certificate = join(dataDir, 'tls', 'server-cert.pem');
    const trust = options.includes('verify-full') ? `&serverSslCert=${certificate}` : '';
    const url = `jdbc:${driver}://127.0.0.1:${queryPort}/jdbc?${options}${trust}`;
    const lines = await jdbcStory(url, mode, 'jdbc');
    for (const line of lines) assert.match(line, /^ok /);
    assert.equal(lines.length, CHECKS[driver]);
  });
}
