// Remembered metadata reads: never older than the last write that was sent, shared otherwise, bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deferred } from '../../../src/base/queue.ts';
import { ReadCache } from '../../../src/catalog/read-cache.ts';
import {
  CLICKS,
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
} from '../../support/catalog-fixture.ts';

const light = (): number => 0;

test('an answer is shared until a write is sent', async () => {
  let writes = 0;
  let reads = 0;
  const cache = new ReadCache(() => writes);
  const read = async (): Promise<{ readonly at: number }> => ({ at: ++reads });
  const first = await cache.get('a', read, light);
  assert.equal(await cache.get('a', read, light), first);
  assert.deepEqual(await cache.get('b', read, light), { at: 2 });
  writes += 1;
  assert.deepEqual(await cache.get('a', read, light), { at: 3 });
  assert.deepEqual(await cache.get('b', read, light), { at: 4 });
  assert.equal(await cache.get('null', async () => null, light), null);
  assert.equal(await cache.get('null', () => assert.fail('null is an answer, too'), light), null);
});

test('an answer is not kept when a write was sent while it was read, nor when reading failed', async () => {
  let writes = 0;
  const cache = new ReadCache(() => writes);
  const reading = deferred<string>();
  const early = cache.get('a', () => reading.promise, light);
  writes += 1;
  reading.resolve('old');
  assert.equal(await early, 'old');
  assert.equal(await cache.get('a', async () => 'new', light), 'new');
  // A read that began before the write ends after a newer answer was kept.
  const late = deferred<string>();
  const slow = cache.get('b', () => late.promise, light);
  writes += 1;
  assert.equal(await cache.get('b', async () => 'newest', light), 'newest');
  late.resolve('old');
  assert.equal(await slow, 'old');
  assert.equal(await cache.get('b', () => assert.fail('it is known'), light), 'newest');
  await assert.rejects(
    cache.get('c', () => Promise.reject(new Error('no')), light),
    /no/,
  );
  assert.equal(await cache.get('c', async () => 1, light), 1);
});

test('number and weight of what is kept are bounded', async () => {
  const cache = new ReadCache(() => 0);
  let reads = 0;
  const ask = (key: string, weight: number): Promise<number> =>
    cache.get(
      key,
      async () => ++reads,
      () => weight,
    );
  await ask('too heavy', 1_000_000);
  await ask('too heavy', 1_000_000);
  assert.equal(reads, 2);
  for (let round = 0; round < 2; round += 1) {
    for (let key = 0; key < 1000; key += 1) await ask(`k${key}`, 0);
  }
  assert.equal(reads, 2 + 2000, 'what came first goes first');
  for (let key = 999; key >= 1000 - 512; key -= 1) await ask(`k${key}`, 0);
  assert.equal(reads, 2 + 2000);
  await ask('heavy', 8000);
  await ask('k999', 0);
  assert.equal(reads, 2 + 2001);
  await ask('k600', 0);
  assert.equal(reads, 2 + 2002);
});

/** What is written, and what the next snapshot of clicks must then show. */
const WRITES: readonly (readonly [string, (fixture: Fixture) => Promise<unknown>])[] = [
  [
    'a commit',
    async (fixture) => {
      const lease = await grant(fixture, 't1');
      const request = await stage(fixture, lease, [progressOf(0n, { loaded: 2 })]);
      assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
    },
  ],
  ['a comment', ({ catalog, table }) => catalog.tables.alter(table.id, { comment: 'x' })],
  ['a secret', ({ catalog }) => catalog.volumes.alter('local', { params: { a: 'b' } })],
  ['another table', ({ catalog }) => catalog.tables.create({ ...CLICKS, name: 'other' })],
  ['a rename', ({ catalog, table }) => catalog.tables.alter(table.id, { name: 'renamed' })],
  ['a new one', ({ catalog }) => catalog.tables.create(CLICKS)],
  ['a drop', ({ catalog }) => catalog.tables.drop('quickstart', CLICKS.name)],
  ['a drop of the database', ({ catalog }) => catalog.databases.drop('quickstart')],
];

test('the catalog shares a snapshot until anything is written, and then reads anew', async (t) => {
  const fixture = await openFixture(t);
  const ref = { databaseName: 'quickstart', tableName: CLICKS.name };
  const key = ['the tables'];
  const names = async (): Promise<string> => {
    const tables = await fixture.catalog.tables.all();
    return tables.map(({ name, comment }) => `${name} ${comment}`).join();
  };
  for (const [what, write] of WRITES) {
    const before = await fixture.catalog.snapshot([ref]);
    const remembered = await fixture.catalog.remember(key, names);
    assert.equal(await fixture.catalog.rememberDefinition(key, names), remembered, what);
    assert.equal(await fixture.catalog.snapshot([ref]), before, what);
    // Reads of other kinds are no writes.
    await fixture.catalog.databases.list();
    await fixture.catalog.transaction(async (scope) => scope.tables.all()).catch(() => undefined);
    assert.equal(await fixture.catalog.remember(key, names), await names());
    assert.equal(remembered, await names());
    await write(fixture);
    const after = await fixture.catalog.snapshot([ref]);
    assert.notEqual(after, before, what);
    // Asked for together with another table it is read on its own.
    const fresh = await fixture.catalog.snapshot([ref, { ...ref, tableName: `no ${what}` }]);
    assert.deepEqual(after.tables[0], fresh.tables[0], what);
    assert.deepEqual(after.databaseNames, fresh.databaseNames, what);
    assert.deepEqual(after.volumes, fresh.volumes, what);
    assert.equal(await fixture.catalog.remember(key, names), await names(), what);
    assert.equal(await fixture.catalog.rememberDefinition(key, names), await names(), what);
  }
});

test('a write that failed or was rolled back is seen as not having been', async (t) => {
  const { catalog } = await openFixture(t);
  const ref = { databaseName: 'quickstart', tableName: CLICKS.name };
  const before = await catalog.snapshot([ref]);
  const failing = catalog.transaction(async (scope) => {
    await scope.tables.drop('quickstart', CLICKS.name);
    throw new Error('rolled back');
  });
  // Asked for in the middle of it.
  const meanwhile = catalog.snapshot([ref]);
  await assert.rejects(failing, /rolled back/);
  assert.deepEqual(await meanwhile, before);
  assert.deepEqual(await catalog.snapshot([ref]), before);
});

test('what a table was is never remembered, nor taken for what it is', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, committer } = fixture;
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 2 })]);
  await committer.commit(request, carryOn);
  const now = { databaseName: 'quickstart', tableName: CLICKS.name };
  const files = async (
    refs: Parameters<typeof catalog.snapshot>[0],
  ): Promise<(number | undefined)[]> =>
    (await catalog.snapshot(refs)).tables.map((table) => table?.files.length);
  const [head] = (await catalog.snapshot([now])).tables;
  const then = { ...now, at: { unit: 'VERSION', point: (head?.version ?? 0) - 1 } } as const;
  for (let round = 0; round < 2; round += 1) {
    assert.deepEqual(await files([now]), [1]);
    assert.deepEqual(await files([then]), [0]);
    assert.deepEqual(await files([now, then]), [1, 0]);
  }
  assert.notEqual(await catalog.snapshot([then]), await catalog.snapshot([then]));
});
