// Rejected rows of an INSERT that failed are there when its client hears of the failure, by the link of the list of loads
// too, and outlive a restart. Where their store is full the INSERT fails with the same words, and nothing else does.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';

const BAD = "SELECT g, 'too long' FROM TABLE(generate_series(1, 4)) x(g)";

async function linkOf(server: TestServer, label: string): Promise<string | null> {
  return await server.value(
    `SELECT REJECTED_RECORD_PATH FROM information_schema.loads WHERE LABEL = '${label}'`,
  );
}

test('the link and the tracking query show them, also after a restart', async (t) => {
  const dataDir = newDataDir();
  const first = await startServer({ broker: 'off', dataDir });
  t.after(() => first.kill());
  await first.sql('CREATE DATABASE d');
  await first.sql('CREATE TABLE d.t (a INT NOT NULL, b VARCHAR(3)) DUPLICATE KEY(a)');
  await assert.rejects(first.sql(`INSERT INTO d.t WITH LABEL bad ${BAD}`), {
    message: /tracking sql = select tracking_log .* where job_id=\d+: 4 of 4 rows\./,
  });
  const tracking = await first.value(
    "SELECT TRACKING_SQL FROM information_schema.loads WHERE LABEL = 'bad'",
  );
  const { rows } = await first.sql(String(tracking));
  assert.equal(rows.length, 4);
  assert.match(String(rows[0]?.[0]), /^Error: Value length is beyond the capacity.*\. Row: \{/);
  const lines = await (await fetch(String(await linkOf(first, 'bad')))).text();
  assert.equal(lines.trim().split('\n').length, 4);
  // The label is free.
  await first.sql("INSERT INTO d.t WITH LABEL bad VALUES (1, 'ok')");
  assert.equal(await first.stop(), 0);
  const second = await startServer({ broker: 'off', dataDir });
  t.after(() => second.kill());
  assert.equal((await second.sql(String(tracking))).rows.length, 4);
  assert.equal(await second.stop(), 0);
});

test('a full store: the INSERT fails as ever, its first reasons stay', async (t) => {
  const dataDir = newDataDir();
  const conf = join(dataDir, 'cn.conf');
  writeFileSync(conf, 'rejected_records_max_bytes = 1\n');
  const server = await startServer({ broker: 'off', dataDir, conf: [conf] });
  t.after(() => server.kill());
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (a INT NOT NULL, b VARCHAR(3)) DUPLICATE KEY(a)');
  await assert.rejects(server.sql(`INSERT INTO d.t WITH LABEL bad ${BAD}`), {
    errno: 1064,
    message: /Insert has filtered data in strict mode, .*: 4 of 4 rows\./,
  });
  const records = await server.value('SELECT count(*) FROM _statistics_.rejected_records');
  assert.equal(records, '0');
  const { rows } = await server.sql("SHOW LOAD WARNINGS FROM d WHERE Label = 'bad'");
  assert.equal(rows.length, 3);
  await server.sql("INSERT INTO d.t VALUES (1, 'ok')");
  assert.equal(await server.value('SELECT count(*) FROM d.t'), '1');
  assert.equal(await server.stop(), 0);
});
