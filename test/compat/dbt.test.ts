// dbt with its StarRocks adapter: a seed, a table model on it, a view model on that, tests, documentation; all of
// it a second time, when everything is there already. Incremental models and snapshots over a table that changes.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runOk } from '../peers/processes.ts';
import { pythonVenv } from '../peers/python.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let project: string;

before(async () => {
  server = await startServer({ broker: 'off' });
  project = await mkdtemp(join(tmpdir(), 'millrace-dbt-'));
  await cp(join(import.meta.dirname, '..', 'peers', 'python', 'dbt'), project, { recursive: true });
});
after(async () => {
  await server.stop();
  await rm(project, { recursive: true, force: true });
});

async function dbt(...args: readonly string[]): Promise<string> {
  const python = await pythonVenv('dbt.txt');
  const whole = ['-m', 'dbt.cli.main', '--no-use-colors', ...args, '--profiles-dir', '.'];
  return runOk(python, whole, {
    cwd: project,
    env: {
      MILLRACE_PORT: String(server.ready.queryPort),
      DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
    },
  });
}

test('seed, run, test, docs generate; and again', async () => {
  for (const round of [1, 2]) {
    assert.match(await dbt('seed'), /PASS=1 WARN=0 ERROR=0/, `seed ${round}`);
    const models = ['--select', 'customers', 'rich'];
    assert.match(await dbt('run', ...models), /PASS=2 WARN=0 ERROR=0/, `run ${round}`);
    assert.match(await dbt('test'), /PASS=3 WARN=0 ERROR=0/, `test ${round}`);
  }
  await dbt('docs', 'generate');
  const catalog = await readFile(join(project, 'target', 'catalog.json'), 'utf8');
  assert.match(catalog, /"model\.shop\.customers"/);
  const { rows } = await server.sql('SELECT * FROM shop.customers ORDER BY customer');
  assert.deepEqual(rows, [
    ['ann', '2', '15.75'],
    ['bob', '1', '20.00'],
  ]);
  assert.deepEqual((await server.sql('SELECT * FROM shop.rich')).rows, [['bob']]);
});

const rows = async (sql: string): Promise<readonly (readonly (string | null)[])[]> =>
  (await server.sql(sql)).rows;

test('incremental models: appended, overwritten as a whole and by partition', async () => {
  await server.sql(
    'CREATE TABLE shop.people (id INT, name VARCHAR(20), changed_at DATETIME) DUPLICATE KEY(id)',
  );
  await server.sql(
    "INSERT INTO shop.people VALUES (1, 'ann', '2024-01-01'), (2, 'bob', '2024-01-01')",
  );
  const models = ['--select', 'growing', 'replaced', 'replaced_dynamic'];
  assert.match(await dbt('run', ...models), /PASS=3 WARN=0 ERROR=0/);
  await server.sql("INSERT INTO shop.people VALUES (3, 'cid', '2024-01-02')");
  assert.match(await dbt('run', ...models), /PASS=3 WARN=0 ERROR=0/);
  assert.deepEqual(await rows('SELECT id FROM shop.growing ORDER BY id'), [['1'], ['2'], ['3']]);
  assert.deepEqual(await rows('SELECT * FROM shop.replaced'), [['3', '3']]);
  assert.deepEqual(await rows('SELECT * FROM shop.replaced_dynamic'), [['cid']]);
  assert.match(await dbt('run', '--full-refresh', ...models), /PASS=3 WARN=0 ERROR=0/);
  assert.deepEqual(await rows('SELECT count(*) FROM shop.growing'), [['3']]);
});

// The adapter does not end rows that are gone from the source, and leaves its table of changes behind.
test('snapshots: a changed row ends and a new one begins', async () => {
  assert.match(await dbt('snapshot'), /PASS=1 WARN=0 ERROR=0/);
  await server.sql("UPDATE shop.people SET name = 'bobby', changed_at = '2024-02-01' WHERE id = 2");
  await server.sql('DELETE FROM shop.people WHERE id = 3');
  assert.match(await dbt('snapshot'), /PASS=1 WARN=0 ERROR=0/);
  const history =
    'SELECT id, name, dbt_valid_from, dbt_valid_to FROM shop.people_history ORDER BY id, dbt_valid_from';
  assert.deepEqual(await rows(history), [
    ['1', 'ann', '2024-01-01 00:00:00', null],
    ['2', 'bob', '2024-01-01 00:00:00', '2024-02-01 00:00:00'],
    ['2', 'bobby', '2024-02-01 00:00:00', null],
    ['3', 'cid', '2024-01-02 00:00:00', null],
  ]);
});
