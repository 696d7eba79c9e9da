// A clock that jumps back by an hour under a running server: commits go on in order, turns and leases stay with their
// holders and still end, versions are read as they were.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
} from '../../support/catalog-fixture.ts';

const HOUR_MS = 3_600_000;

/** Lets time go by, or sets the clock. */
function clockOf({ clock }: Fixture): { passMs(ms: number): void; setMs(shift: number): void } {
  const { monotonicMs } = clock;
  let passed = 0;
  clock.monotonicMs = () => monotonicMs() + passed;
  return {
    passMs: (ms) => {
      passed += ms;
      clock.shiftMs += ms;
    },
    setMs: (shift) => {
      clock.shiftMs += shift;
    },
  };
}

const isTimeout = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'TIMEOUT';

test('commits that were under way and new ones become versions in order, each once', async (t) => {
  const fixture = await openFixture(t);
  const clock = clockOf(fixture);
  const lease = await grant(fixture, 't1');
  const first = await stage(fixture, lease, [progressOf(0n, { loaded: 1 })]);
  await fixture.committer.commit(first, carryOn);
  const underWay = await stage(fixture, lease, [progressOf(1n, { loaded: 2 })]);
  clock.setMs(-HOUR_MS);
  assert.equal((await fixture.committer.commit(underWay, carryOn)).state, 'VISIBLE');
  // A repeat after a lost answer is still known as one.
  assert.equal((await fixture.committer.commit(underWay, carryOn)).state, 'VISIBLE');
  const later = await stage(fixture, lease, [progressOf(3n, { loaded: 4 })]);
  assert.equal((await fixture.committer.commit(later, carryOn)).state, 'VISIBLE');
  const versions = await fixture.catalog.versions.list(fixture.table, 10);
  assert.deepEqual(
    versions.map(({ version, rows }) => [version, rows]),
    [
      [4, 7],
      [3, 3],
      [2, 1],
      [1, 0],
    ],
  );
  const { databaseName, name: tableName } = fixture.table;
  const at = { unit: 'TIMESTAMP', point: fixture.catalog.nowMs() } as const;
  const { tables } = await fixture.catalog.snapshot([{ databaseName, tableName, at }]);
  assert.equal(tables[0]?.version, 4);
});

test('a turn stays with its holder, and that of a dead one ends soon, not an hour later', async (t) => {
  const fixture = await openFixture(t);
  const clock = clockOf(fixture);
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const ask = (holder: string) => ({ rank: 'LOAD', holder, leaseMs: 30_000, waitMs: 0 }) as const;
  const held = await turns.acquire(fixture.table.id, ask('holder'));
  clock.setMs(-HOUR_MS);
  await assert.rejects(turns.acquire(fixture.table.id, ask('other')), isTimeout);
  assert.deepEqual(await fixture.catalog.turns.standing(held), { held: true, loadWaits: false });
  const renewed = await turns.renew(held, 30_000);
  clock.passMs(30_000);
  await assert.rejects(turns.acquire(fixture.table.id, ask('other')), isTimeout);
  // Nobody renews it any more.
  clock.passMs(31_000);
  const next = await turns.acquire(fixture.table.id, ask('other'));
  assert.equal((await fixture.catalog.turns.standing(renewed)).held, false);
  await turns.release(next);
});

test('a lease of before the jump commits, one that was replaced does not', async (t) => {
  const fixture = await openFixture(t);
  const clock = clockOf(fixture);
  const old = await grant(fixture, 'old');
  const lost = await stage(fixture, old, [progressOf(0n, { loaded: 1 })]);
  clock.setMs(-HOUR_MS);
  const fresh = await grant(fixture, 'new');
  await assert.rejects(fixture.committer.commit(lost, carryOn));
  const kept = await stage(fixture, fresh, [progressOf(0n, { loaded: 1 })]);
  assert.equal((await fixture.committer.commit(kept, carryOn)).state, 'VISIBLE');
});

test('after a restart with the clock set back turns are free and commits go on', async (t) => {
  const fixture = await openFixture(t);
  const clock = clockOf(fixture);
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const ask = { rank: 'LOAD', holder: 'x', leaseMs: 30_000, waitMs: 0 } as const;
  await turns.acquire(fixture.table.id, ask);
  clock.setMs(-HOUR_MS);
  await fixture.reopen();
  await new CatalogTurns(fixture.catalog, fixture.clock).acquire(fixture.table.id, ask);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 1 })]);
  assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
});
