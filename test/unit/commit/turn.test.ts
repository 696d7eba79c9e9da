import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type TableId } from '../../../src/base/ids.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import { openFixture } from '../../support/catalog-fixture.ts';

const TABLE = asId<TableId>(10_003);
const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;
const ask = (holder: string, rank: 'LOAD' | 'COMPACTION' = 'LOAD', waitMs = 5000) => ({
  rank,
  holder,
  leaseMs: 10_000,
  waitMs,
});

test('one holder at a time, in the order asked, loads before compaction', async (t) => {
  const fixture = await openFixture(t);
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const order: string[] = [];
  let holders = 0;
  const run = async (holder: string, rank: 'LOAD' | 'COMPACTION'): Promise<void> => {
    const turn = await turns.acquire(TABLE, ask(holder, rank));
    holders += 1;
    assert.equal(holders, 1);
    order.push(holder);
    await fixture.clock.sleep(2);
    holders -= 1;
    await turns.release(turn);
  };
  const first = await turns.acquire(TABLE, ask('first', 'COMPACTION'));
  const compaction = run('compaction', 'COMPACTION');
  await fixture.clock.sleep(20);
  const loads = [run('a', 'LOAD'), run('b', 'LOAD'), run('c', 'LOAD')];
  await fixture.clock.sleep(20);
  await turns.release(first);
  await Promise.all([compaction, ...loads]);
  assert.deepEqual(order, ['a', 'b', 'c', 'compaction']);
});

test('tables do not wait for each other', async (t) => {
  const fixture = await openFixture(t);
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  await turns.acquire(TABLE, ask('one'));
  await turns.acquire(asId<TableId>(10_099), ask('two', 'LOAD', 0));
});

test('a holder that dies loses the turn with its lease; renewing keeps it', async (t) => {
  const fixture = await openFixture(t);
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const dead = await turns.acquire(TABLE, ask('dead'));
  await assert.rejects(turns.acquire(TABLE, ask('early', 'LOAD', 0)), hasCode('TIMEOUT'));
  fixture.clock.shiftMs += 9000;
  const renewed = await turns.renew(dead, 10_000);
  assert(renewed.expiresMs > dead.expiresMs);
  fixture.clock.shiftMs += 9000;
  await assert.rejects(turns.acquire(TABLE, ask('early', 'LOAD', 0)), hasCode('TIMEOUT'));
  fixture.clock.shiftMs += 2000;
  const next = await turns.acquire(TABLE, ask('next', 'LOAD', 0));
  assert.deepEqual(await fixture.catalog.turns.standing(next), { held: true, loadWaits: false });
  assert.deepEqual(await fixture.catalog.turns.standing(dead), { held: false, loadWaits: true });
  await assert.rejects(turns.renew(dead, 10_000), hasCode('TURN_LOST'));
  await turns.release(dead);
  assert.equal((await fixture.catalog.turns.standing(next)).held, true);
});
