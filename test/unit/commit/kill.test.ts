// Kill -9 of a process that commits in a loop: at random times, and at every named step. What was
// answered is there, and nothing is there twice (invariant 6, the metadata's part).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { type Fixture, openFixture, positionOf } from '../../support/catalog-fixture.ts';

const CHILD = join(import.meta.dirname, '../../support/catalog-child.ts');
/** Rows, and offsets, of one of the child's batches. */
const BATCH = 3n;

/** Runs the child until it dies and returns the last offset whose commit was answered. */
async function runChild(
  fixture: Fixture,
  mode: string,
  killAfterMs: number | null,
): Promise<bigint | null> {
  const child = spawn(process.execPath, [CHILD, fixture.dataDir, String(fixture.job.id), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    output += text;
  });
  const ended = once(child, 'close');
  if (killAfterMs !== null) {
    await once(child.stdout, 'data');
    await fixture.clock.sleep(killAfterMs);
    child.kill('SIGKILL');
  }
  const [code, signal] = await ended;
  assert.deepEqual([code, signal], [null, 'SIGKILL']);
  const answered = output
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== 'open');
  return answered.length === 0 ? null : BigInt(present(answered.at(-1), 'a line'));
}

async function check(fixture: Fixture, before: bigint, answered: bigint | null): Promise<bigint> {
  await fixture.reopen();
  const { catalog, table, job } = fixture;
  const position = await positionOf(fixture);
  const least = answered ?? before;
  assert(position >= least, `answered ${least}, found ${position}: a batch was lost`);
  assert(position <= least + BATCH, `answered ${least}, found ${position}`);
  const ref = { databaseName: 'quickstart', tableName: 'site_clicks' };
  const files = (await catalog.snapshot([ref])).tables[0]?.files ?? [];
  assert.equal(BigInt(files.length) * BATCH, position);
  assert.equal((await catalog.tables.status([table.id]))[0]?.rowCount, Number(position));
  const ledger = await catalog.ledger.list(job.id);
  assert.deepEqual(
    ledger.map((row) => [row.fromOffset, row.toOffset, row.rowsLoaded]),
    position === 0n ? [] : [[0n, position, Number(position)]],
  );
  assert.deepEqual(await catalog.transactions.list({ running: true, limit: 10 }), []);
  await catalog.close();
  return position;
}

test('killed at random times', async (t) => {
  const fixture = await openFixture(t);
  await fixture.catalog.close();
  let position = 0n;
  for (let round = 0; round < 3; round += 1) {
    const killAfterMs = 20 + systemRandom.below(250);
    const answered = await runChild(fixture, 'loop', killAfterMs);
    position = await check(fixture, position, answered);
  }
  assert(position > 0n, 'some commits happened');
  t.diagnostic(`${position / BATCH} commits over 3 kills`);
});

for (const step of [
  'begin.after-sql',
  'commit.before-sql',
  'commit.in-sql',
  'commit.before-end',
  'commit.after-sql',
]) {
  test(`killed at ${step}`, async (t) => {
    const fixture = await openFixture(t);
    await fixture.catalog.close();
    const answered = await runChild(fixture, `${step}=kill@4`, null);
    const after = await check(fixture, 0n, answered);
    const commits = step === 'commit.after-sql' ? 4n : 3n;
    assert.equal(after, commits * BATCH);
  });
}
