// dbt with its StarRocks adapter: a seed, a table model on it, a view model on that, tests, documentation; all of
// it a second time, when everything is there already.
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
    assert.match(await dbt('run'), /PASS=2 WARN=0 ERROR=0/, `run ${round}`);
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
