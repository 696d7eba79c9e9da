import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type TransactionId } from '../../../src/base/ids.ts';
import { claimLocation, INCARNATION_KEY } from '../../../src/commit/incarnation.ts';
import {
  DEFAULT_SWEEP_LIMITS,
  planSweep,
  runSweep,
  type SweepOptions,
} from '../../../src/commit/sweep.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { dataFileKey } from '../../../src/model/file-key.ts';
import type { CommitRequest } from '../../../src/model/load-plan.ts';
import type { TableInfo } from '../../../src/model/table.ts';
import { retentionMs } from '../../../src/statements/time-travel.ts';
import {
  carryOn,
  type Fixture,
  grant,
  openFixture,
  progressOf,
  stage,
  stagedFile,
  visibleRows,
} from '../../support/catalog-fixture.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const MINUTE = 60_000;

interface Setting {
  readonly fixture: Fixture;
  readonly store: MemoryStore;
  readonly options: SweepOptions;
}

async function setUp(t: { after(work: () => unknown): void }): Promise<Setting> {
  const fixture = await openFixture(t);
  const store = new MemoryStore();
  await claimLocation(store, 'local', fixture.catalog.incarnation);
  const { catalog, committer } = fixture;
  const options = { catalog, committer, store: async () => store, limits: DEFAULT_SWEEP_LIMITS };
  return { fixture, store, options };
}

/** Writes the staged files of a request, as a loader does before it commits. */
async function upload(store: MemoryStore, request: CommitRequest): Promise<readonly string[]> {
  const keys = request.tables.flatMap((table) => table.files.map((file) => file.key));
  for (const key of keys) await store.put(key, Buffer.from('x'));
  return keys;
}

const dataKeys = (store: MemoryStore): readonly string[] =>
  [...store.objects.keys()].filter((key) => key !== INCARNATION_KEY).sort();

test('files of visible and of open transactions stay; those of aborted ones go', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  const visible = await stage(fixture, lease, [progressOf(0n, { loaded: 5, filtered: 1 })]);
  const kept = [...(await upload(store, visible))];
  await fixture.committer.commit(visible, carryOn);
  const failed = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  const gone = await upload(store, failed);
  await assert.rejects(fixture.committer.commit(failed, carryOn));
  const open = await stage(fixture, lease, [progressOf(6n, { loaded: 5 })]);
  kept.push(...(await upload(store, open)));
  // A file that the request of a visible transaction did not name (a loader that started over).
  const { transactionId } = visible;
  const extra = stagedFile(fixture, fixture.table, transactionId, 5).key;
  await store.put(extra, Buffer.from('x'));
  // Not ours to judge: no data file, or an id that was never given out.
  const foreign = [
    'quickstart/readme.txt',
    dataFileKey('x/y', asId<TransactionId>(999_999), crypto.randomUUID()),
  ];
  for (const key of foreign) await store.put(key, Buffer.from('x'));
  const plan = await planSweep(options);
  assert.deepEqual(plan.files.map((file) => file.key).sort(), [...gone, extra].sort());
  assert.equal(dataKeys(store).length, kept.length + gone.length + 1 + foreign.length);
  await runSweep(options);
  assert.deepEqual(dataKeys(store), [...kept, ...foreign].sort());
  assert.deepEqual((await planSweep(options)).files, []);
  // The open one still commits, and its rows are there.
  assert.equal((await fixture.committer.commit(open, carryOn)).state, 'VISIBLE');
  await runSweep(options);
  assert.deepEqual(dataKeys(store), [...kept, ...foreign].sort());
});

test('files of an earlier version stay until no query can need them', async (t) => {
  const setting = await setUp(t);
  const { fixture, store } = setting;
  const lease = await grant(fixture, 't1');
  const before: string[] = [];
  for (const from of [0n, 5n]) {
    const request = await stage(fixture, lease, [progressOf(from, { loaded: 5 })]);
    before.push(...(await upload(store, request)));
    await fixture.committer.commit(request, carryOn);
  }
  const ref = { databaseName: 'quickstart', tableName: 'site_clicks' };
  const files = (await fixture.catalog.snapshot([ref])).tables[0]?.files ?? [];
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const turn = await turns.acquire(fixture.table.id, {
    rank: 'COMPACTION',
    holder: 'c',
    leaseMs: MINUTE,
    waitMs: 0,
  });
  const { transactionId } = await fixture.committer.beginOther({
    label: 'c',
    databaseId: fixture.table.databaseId,
    tableId: fixture.table.id,
    source: 'LAKE_COMPACTION',
    coordinator: 'FE: me',
  });
  const output = stagedFile(fixture, fixture.table, transactionId, 10);
  await store.put(output.key, Buffer.from('x'));
  const inputs = files.map((file) => file.id);
  const { table } = fixture;
  await fixture.committer.commitCompaction({
    transactionId,
    tableId: table.id,
    turn,
    inputs,
    deletedRows: 0,
    overlaidRows: 0,
    outputs: [output],
    carried: null,
  });
  const limits = { ...DEFAULT_SWEEP_LIMITS, retentionMs: () => 10 * MINUTE };
  const options = { ...setting.options, limits };
  fixture.clock.shiftMs += 9 * MINUTE;
  await runSweep(options);
  assert.equal(dataKeys(store).length, 3);
  const before4 = { ...ref, at: { unit: 'VERSION', point: 3 } } as const;
  assert.equal((await fixture.catalog.snapshot([before4])).tables[0]?.files.length, 2);
  // Now the old version cannot be read any more, but who reads it has its time, however short the retention.
  fixture.clock.shiftMs += 2 * MINUTE;
  await runSweep(options);
  await assert.rejects(fixture.catalog.snapshot([before4]), /has no version 3: 4 to 4 are kept/);
  await runSweep({ ...options, limits: { ...limits, retentionMs: () => 0 } });
  fixture.clock.shiftMs += 4 * MINUTE;
  assert.deepEqual((await planSweep(options)).files, []);
  await runSweep(options);
  assert.equal(dataKeys(store).length, 3);
  fixture.clock.shiftMs += 2 * MINUTE;
  const plan = await planSweep(options);
  assert.deepEqual(
    plan.files.map((file) => [file.key, file.reason]).sort(),
    before.map((key) => [key, 'expired']).sort(),
  );
  await runSweep(options);
  assert.deepEqual(dataKeys(store), [output.key]);
  assert.equal(await visibleRows(fixture, table), 10);
});

test('files of a dropped table go after the retention, and its volume can then be dropped', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await upload(store, request);
  await fixture.committer.commit(request, carryOn);
  await fixture.catalog.databases.drop('quickstart');
  await runSweep(options);
  assert.equal(dataKeys(store).length, 1);
  // It can be recovered for a day.
  fixture.clock.shiftMs += 23 * 60 * MINUTE;
  await runSweep(options);
  assert.equal(dataKeys(store).length, 1);
  fixture.clock.shiftMs += 61 * MINUTE;
  // The first ends the time for RECOVER, the next takes the files.
  await runSweep(options);
  await assert.rejects(
    fixture.catalog.recycleBin.recoverDatabase('quickstart'),
    /no dropped database 'quickstart' that can be recovered/,
  );
  await runSweep(options);
  assert.deepEqual(dataKeys(store), []);
  assert.deepEqual(await fixture.catalog.retention.namedKeys(fixture.volume.id, ['x']), new Set());
});

test('transactions that were open too long are aborted, then their files go; a dry run only names them', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await upload(store, request);
  const promised = await fixture.committer.beginOther({
    label: 'promised',
    databaseId: fixture.table.databaseId,
    tableId: fixture.table.id,
    source: 'BACKEND_STREAMING',
    coordinator: 'FE: me',
  });
  await fixture.committer.prepare(promised.transactionId);
  fixture.clock.shiftMs += 11 * MINUTE;
  const { transactionId } = request;
  assert.deepEqual((await planSweep(options)).timedOut, [transactionId]);
  assert.equal(await fixture.committer.state(transactionId), null);
  assert.equal((await runSweep(options)).timedOut.length, 1);
  assert.equal((await fixture.committer.commit(request, carryOn)).state, 'ABORTED');
  assert.equal(await fixture.committer.state(promised.transactionId), null);
  assert.deepEqual(dataKeys(store), []);
  fixture.clock.shiftMs += 24 * 60 * MINUTE;
  await runSweep(options);
  assert.equal((await fixture.committer.state(promised.transactionId))?.state, 'ABORTED');
});

test("another metadata's location is never swept: marker of another, no marker, unreadable marker", async (t) => {
  const { fixture, store, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await upload(store, request);
  await fixture.committer.abort(request.transactionId, 'x');
  const other = '11111111-1111-4111-8111-111111111111';
  const markers = [`{"format":1,"incarnation":"${other}"}`, '{}', null];
  for (const marker of markers) {
    store.objects.delete(INCARNATION_KEY);
    if (marker !== null) await store.put(INCARNATION_KEY, Buffer.from(marker));
    const result = await runSweep(options);
    assert.deepEqual(result.files, []);
    assert.equal(result.failures[0]?.error.code, 'VOLUME_TAKEN');
    assert.equal(dataKeys(store).length, 1);
  }
  await store.put(INCARNATION_KEY, Buffer.from(String(markers[0])));
  await assert.rejects(
    claimLocation(store, 'local', fixture.catalog.incarnation),
    (error: unknown) => error instanceof AppError && error.message.includes(other),
  );
  store.objects.delete(INCARNATION_KEY);
  await claimLocation(store, 'local', fixture.catalog.incarnation);
  await claimLocation(store, 'local', fixture.catalog.incarnation);
  assert.equal((await runSweep(options)).files.length, 1);
});

test('a volume that does not answer is named, and the others are swept all the same', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const second = await fixture.catalog.volumes.create({ ...fixture.volume, name: 'second' });
  const broken = new MemoryStore();
  broken.broken = new Error('unreachable');
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await upload(store, request);
  await fixture.committer.abort(request.transactionId, 'x');
  const both = { ...options, store: async (id: number) => (id === second.id ? broken : store) };
  const result = await runSweep(both);
  assert.deepEqual(
    result.failures.map((failure) => [failure.volumeId, failure.error.message]),
    [[second.id, 'internal error: unreachable']],
  );
  assert.deepEqual(dataKeys(store), []);
});

test('old transactions, labels and versions are forgotten; heads, the ledger and open ones stay', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  const label = async (): Promise<void> => {
    const begin = { taskId: 't1', epoch: lease.epoch, coordinator: 'CN: cn1', label: 'kept' };
    const { transactionId } = await fixture.committer.begin(begin);
    await fixture.committer.abort(transactionId, 'x');
  };
  await label();
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await upload(store, request);
  await fixture.committer.commit(request, carryOn);
  const orphan = stagedFile(fixture, fixture.table, request.transactionId, 1).key;
  fixture.clock.shiftMs += 4 * 24 * 60 * MINUTE;
  const young = await stage(fixture, lease, [progressOf(5n, { loaded: 5 })]);
  await runSweep(options);
  assert.deepEqual(
    (await fixture.catalog.transactions.list({ limit: 10 })).map((transaction) => transaction.id),
    [young.transactionId],
  );
  assert.equal(await visibleRows(fixture, fixture.table), 5);
  assert.equal((await fixture.catalog.ledger.list()).length, 1);
  // A file of a forgotten transaction is an orphan still.
  await store.put(orphan, Buffer.from('x'));
  assert.deepEqual(
    (await runSweep(options)).files.map((file) => file.key),
    [orphan],
  );
  assert.equal((await fixture.committer.commit(young, carryOn)).state, 'VISIBLE');
});

test('of many transactions the newest are kept, and every one for an hour', async (t) => {
  const { fixture, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  const ids: number[] = [];
  const abort = async (): Promise<void> => {
    const begin = { taskId: 't1', epoch: lease.epoch, coordinator: 'CN: cn1' };
    const { transactionId } = await fixture.committer.begin(begin);
    await fixture.committer.abort(transactionId, 'x');
    ids.push(transactionId);
  };
  for (let time = 0; time < 5; time += 1) await abort();
  const few = { ...options, limits: { ...DEFAULT_SWEEP_LIMITS, labelKeepCount: 2 } };
  await runSweep(few);
  const kept = async (): Promise<readonly number[]> =>
    (await fixture.catalog.transactions.list({ limit: 10 })).map((entry) => entry.id).toReversed();
  assert.deepEqual(await kept(), ids);
  fixture.clock.shiftMs += 61 * MINUTE;
  await abort();
  await runSweep(few);
  assert.deepEqual(await kept(), ids.slice(-2));
});

test('between whole sweeps only what was aborted since is looked for; a clock that jumps ahead expires nothing', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  const sweep = (orphansOfSinceMs: number) => runSweep({ ...options, orphansOfSinceMs });
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5, filtered: 2 })]);
  const staged = await upload(store, request);
  assert.equal(staged.length, 2);
  const stray = stagedFile(fixture, fixture.table, request.transactionId, 1).key;
  const beganMs = fixture.catalog.nowMs();
  await fixture.committer.commit(request, carryOn);
  await store.put(stray, Buffer.from('x'));
  assert.deepEqual((await sweep(beganMs)).files, [], 'of a transaction that was not aborted');
  fixture.clock.shiftMs += MINUTE;
  const failed = await stage(fixture, lease, [progressOf(7n, { loaded: 5, filtered: 1 })]);
  const gone = await upload(store, failed);
  await fixture.committer.abort(failed.transactionId, 'x');
  assert.deepEqual((await sweep(fixture.catalog.nowMs() + 1)).files, []);
  assert.deepEqual((await sweep(beganMs)).files.map((file) => file.key).sort(), [...gone].sort());
  assert.deepEqual(
    (await runSweep(options)).files.map((file) => file.key),
    [stray],
  );
  // The steady clock says that a minute has passed, the wall clock a month.
  await fixture.committer.truncate(fixture.table.id);
  const steadyMs = fixture.catalog.nowMs();
  fixture.clock.shiftMs += 30 * 24 * 60 * MINUTE;
  for (const minutes of [1, 10]) {
    await runSweep({ ...options, steadyNowMs: () => steadyMs + minutes * MINUTE });
  }
  assert.deepEqual(dataKeys(store), [...staged].sort());
  const at = { unit: 'VERSION', point: 2 } as const;
  const ref = { databaseName: 'quickstart', tableName: 'site_clicks', at };
  assert.equal((await fixture.catalog.snapshot([ref])).tables[0]?.files.length, 1);
});

test('more than one sweep can delete goes with the next ones at once', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const lease = await grant(fixture, 't1');
  for (let offset = 0n; offset < 7n; offset += 1n) {
    const request = await stage(fixture, lease, [progressOf(offset, { loaded: 1 })]);
    await upload(store, request);
    await fixture.committer.commit(request, carryOn);
  }
  await fixture.committer.truncate(fixture.table.id);
  const limits = { ...DEFAULT_SWEEP_LIMITS, retentionMs: () => 0, maxFiles: 3 };
  await runSweep({ ...options, limits });
  fixture.clock.shiftMs += 6 * MINUTE;
  for (const left of [4, 1, 0]) {
    await runSweep({ ...options, limits });
    assert.equal(dataKeys(store).length, left);
  }
});

test('each table keeps its versions for as long as its own property says', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const { catalog, committer, table } = fixture;
  await catalog.tables.alter(table.id, { properties: { version_retention_second: '3600' } });
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 1 })]);
  await upload(store, request);
  await committer.commit(request, carryOn);
  await committer.truncate(table.id);
  const config = loadConfig([]);
  const limits = {
    ...DEFAULT_SWEEP_LIMITS,
    retentionMs: (kept: Pick<TableInfo, 'properties'>) => retentionMs(kept, config),
  };
  const ref = {
    databaseName: table.databaseName,
    tableName: table.name,
    at: { unit: 'VERSION', point: 2 },
  } as const;
  const isKept = async (minutes: number): Promise<boolean> => {
    fixture.clock.shiftMs += minutes * MINUTE;
    await runSweep({ ...options, limits });
    return await catalog.snapshot([ref]).then(
      () => true,
      () => false,
    );
  };
  assert.equal(await isKept(55), true);
  assert.equal(await isKept(10), false);
  // A longer time does not bring back what has expired.
  await catalog.tables.alter(table.id, { properties: { version_retention_second: '86400' } });
  assert.equal(await isKept(10), false);
});

test('an object that two rows name, since a ROLLBACK brought it back, goes when both have expired', async (t) => {
  const { fixture, store, options } = await setUp(t);
  const { committer, clock, table } = fixture;
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  const keys = await upload(store, request);
  await committer.commit(request, carryOn);
  await committer.truncate(table.id);
  await committer.rollback(table.id, { unit: 'VERSION', point: 2 });
  assert.equal(await visibleRows(fixture, table), 5);
  clock.shiftMs += 3 * 24 * 60 * MINUTE;
  await runSweep(options);
  clock.shiftMs += 60 * MINUTE;
  // The first row has expired, the second is live.
  assert.deepEqual(
    (await runSweep(options)).files.map(({ shared }) => shared),
    [true],
  );
  assert.deepEqual(dataKeys(store), keys);
  await committer.truncate(table.id);
  await committer.rollback(table.id, { unit: 'VERSION', point: 4 });
  await committer.truncate(table.id);
  clock.shiftMs += 3 * 24 * 60 * MINUTE;
  await runSweep(options);
  clock.shiftMs += 60 * MINUTE;
  const { files } = await runSweep(options);
  assert.deepEqual(files.map(({ key, shared }) => [key, shared]).sort(), [
    [keys[0], false],
    [keys[0], true],
  ]);
  assert.deepEqual(dataKeys(store), []);
  assert.deepEqual((await planSweep(options)).files, []);
});
