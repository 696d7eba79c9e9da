import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError, fail } from '../../../src/base/errors.ts';
import { armFailpoints } from '../../../src/base/failpoints.ts';
import { asId, type Epoch, type TransactionId } from '../../../src/base/ids.ts';
import type { Catalog } from '../../../src/catalog/catalog.ts';
import type { CommitStore } from '../../../src/catalog/commit-store.ts';
import { CatalogCommitter } from '../../../src/commit/committer.ts';
import { type CommitHooks, DEFAULT_COMMIT_LIMITS } from '../../../src/commit/types.ts';
import type { CommitRequest } from '../../../src/model/load-plan.ts';
import {
  CLICKS,
  carryOn,
  type Fixture,
  grant,
  openFixture,
  positionOf,
  progressOf,
  requestOf,
  stage,
  TOPIC,
  visibleRows,
} from '../../support/catalog-fixture.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean => {
    assert(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    return true;
  };

/** Everything that a commit may change, as one value to compare. */
async function stateOf(fixture: Fixture): Promise<unknown> {
  const { catalog, job, table, rejected } = fixture;
  const { reason, otherMessage, ...kept } = present(await catalog.loadJobs.byId(job.id), 'the job');
  return {
    rows: await visibleRows(fixture, table),
    rejectedRows: await visibleRows(fixture, rejected),
    status: await catalog.tables.status([table.id, rejected.id]),
    positions: await catalog.loadJobs.positions(job.id),
    ledger: (await catalog.ledger.list()).map(({ lastCommitMs, ...row }) => row),
    // Refused tasks are counted; that is the one thing a refusal changes.
    job: { ...kept, counters: { ...kept.counters, abortedTaskNum: 0 } },
  };
}

/** Commits and expects the refusal: nothing of the batch may show, and a repeat sees the same. */
async function refusedWith(
  fixture: Fixture,
  request: CommitRequest,
  code: string | null,
): Promise<void> {
  const before = await stateOf(fixture);
  for (let time = 0; time < 3; time += 1) {
    if (code === null) {
      const result = await fixture.committer.commit(request, carryOn);
      assert.deepEqual(result, { state: 'ABORTED', versions: [], continueTask: false });
    } else {
      await assert.rejects(fixture.committer.commit(request, carryOn), hasCode(code));
    }
    assert.deepEqual(await stateOf(fixture), before);
    if (time === 1) await fixture.reopen();
  }
  assert.deepEqual(await fixture.committer.state(request.transactionId), {
    state: 'ABORTED',
    versions: [],
    continueTask: false,
  });
}

test('invariant 1: rows, position, ledger, versions and counters become visible together', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [
    progressOf(0n, { loaded: 5, filtered: 2, unselected: 1 }),
  ]);
  assert.equal(await visibleRows(fixture, fixture.table), 0);
  assert.equal(await fixture.committer.state(request.transactionId), null);
  const result = await fixture.committer.commit(request, carryOn);
  assert.equal(result.state, 'VISIBLE');
  assert.equal(result.continueTask, true);
  assert.deepEqual(
    result.versions.map(({ tableId, version }) => [tableId, version]),
    [
      [fixture.rejected.id, 2],
      [fixture.table.id, 2],
    ],
  );
  assert.equal(await visibleRows(fixture, fixture.table), 5);
  assert.equal(await visibleRows(fixture, fixture.rejected), 2);
  assert.equal(await positionOf(fixture), 8n);
  const job = present(await fixture.catalog.loadJobs.byId(fixture.job.id), 'the job');
  assert.deepEqual(job.counters, {
    receivedBytes: 80,
    errorRows: 2,
    committedTaskNum: 1,
    abortedTaskNum: 0,
    loadedRows: 5,
    totalRows: 8,
    unselectedRows: 1,
    taskExecuteTimeMs: 13,
  });
  assert.deepEqual([job.windowErrorRows, job.windowTotalRows], [2, 8]);
  const { firstCommitMs, lastCommitMs, ...row } = present(
    (await fixture.catalog.ledger.list())[0],
    'a row',
  );
  assert(firstCommitMs > 0 && lastCommitMs >= firstCommitMs);
  assert.deepEqual(row, {
    jobId: fixture.job.id,
    topic: TOPIC,
    partition: 0,
    segment: 1,
    fromOffset: 0n,
    toOffset: 8n,
    received: 8,
    consumed: 8,
    skippedControl: 0,
    skippedAborted: 0,
    skippedEmpty: 0,
    skippedGap: 0,
    receivedBytes: 80,
    rowsLoaded: 5,
    rowsFiltered: 2,
    rowsUnselected: 1,
  });
  const position = (await fixture.catalog.loadJobs.positions(fixture.job.id))[0];
  assert.equal(position?.latestOffset, 13n);
  assert.equal(position?.lastTimestampMs, 1_718_217_035_111);
});

test('the snapshot names the volumes of its files, and unknown tables are null', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  await fixture.committer.commit(
    await stage(fixture, lease, [progressOf(0n, { loaded: 1 })]),
    carryOn,
  );
  const snapshot = await fixture.catalog.snapshot([
    { databaseName: 'quickstart', tableName: 'site_clicks' },
    { databaseName: 'quickstart', tableName: 'none' },
    { databaseName: 'none', tableName: 'site_clicks' },
    { databaseName: '_statistics_', tableName: 'rejected_records' },
  ]);
  assert.deepEqual(
    snapshot.tables.map((entry) => entry?.version ?? null),
    [2, null, null, 1],
  );
  assert.deepEqual(
    snapshot.volumes.map((volume) => [volume.name, volume.params['aws.s3.secret_key']]),
    [['local', 'hush-hush']],
  );
  assert(snapshot.databaseNames.has('information_schema'));
  assert.deepEqual((await fixture.catalog.snapshot([])).tables, []);
});

test('repeating a commit gives the same answer and changes nothing, also after a restart', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  const first = await fixture.committer.commit(request, carryOn);
  const after = await stateOf(fixture);
  const mustNotRun: CommitHooks = { onCommit: () => assert.fail('a repeat runs no hook') };
  assert.deepEqual(await fixture.committer.commit(request, mustNotRun), first);
  // Both in flight at once.
  const both = await Promise.all([1, 2].map(() => fixture.committer.commit(request, mustNotRun)));
  assert.deepEqual(both, [first, first]);
  await fixture.reopen();
  assert.deepEqual(await fixture.committer.commit(request, mustNotRun), first);
  assert.deepEqual(await fixture.committer.state(request.transactionId), first);
  assert.deepEqual(await stateOf(fixture), after);
});

test('invariant 1: a batch that begins elsewhere than the position is refused', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  await fixture.committer.commit(
    await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]),
    carryOn,
  );
  for (const from of [0n, 4n, 6n]) {
    const request = await stage(fixture, await grant(fixture, 't1'), [
      progressOf(from, { loaded: 2 }),
    ]);
    await refusedWith(fixture, request, 'POSITION_MISMATCH');
  }
  const last = await grant(fixture, 't1');
  const unknown = await stage(fixture, last, [progressOf(0n, { loaded: 2 }, 7)]);
  await refusedWith(fixture, unknown, 'POSITION_MISMATCH');
});

test('invariant 1: one wrong partition of several refuses the whole batch', async (t) => {
  const fixture = await openFixture(t, { partitions: 3 });
  const lease = await grant(fixture, 't1', [0, 1, 2]);
  const request = await stage(fixture, lease, [
    progressOf(0n, { loaded: 1 }, 0),
    progressOf(1n, { loaded: 1 }, 1),
    progressOf(0n, { loaded: 1 }, 2),
  ]);
  await refusedWith(fixture, request, 'POSITION_MISMATCH');
  assert.equal(await positionOf(fixture, 0), 0n);
});

test('invariant 2: a task that lost its lease can neither begin nor commit', async (t) => {
  const fixture = await openFixture(t);
  const old = await grant(fixture, 't1');
  const request = await stage(fixture, old, [progressOf(0n, { loaded: 5 })]);
  const young = await grant(fixture, 't1');
  await refusedWith(fixture, request, 'LEASE_LOST');
  const begin = { taskId: 't1', epoch: old.epoch, coordinator: 'CN: cn1' };
  await assert.rejects(fixture.committer.begin(begin), hasCode('LEASE_LOST'));
  const none = { taskId: 'no such task', epoch: young.epoch, coordinator: 'CN: cn1' };
  await assert.rejects(fixture.committer.begin(none), hasCode('LEASE_LOST'));
});

/** The object with some members replaced, as if another process had changed the metadata meanwhile. */
function changed<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(name in changes ? changes : object, name);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}

function committerOver(fixture: Fixture, catalog: Catalog): CatalogCommitter {
  const rejectedTable = fixture.rejected.id;
  return new CatalogCommitter({ catalog, limits: DEFAULT_COMMIT_LIMITS, rejectedTable });
}

test('invariant 2: the epoch is checked inside the commit itself, not only when a lease is taken away', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  const lease = await grant(fixture, 't1');
  for (const leaseEpoch of [null, asId<Epoch>(lease.epoch + 1)]) {
    const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
    const before = await stateOf(fixture);
    const committer = committerOver(
      fixture,
      changed(catalog, {
        transaction: (work) =>
          catalog.transaction((scope) => {
            const attempt: CommitStore['attempt'] = async (what) => ({
              ...(await scope.commits.attempt(what)),
              leaseEpoch,
            });
            return work(changed(scope, { commits: changed(scope.commits, { attempt }) }));
          }),
      }),
    );
    await assert.rejects(committer.commit(request, carryOn), hasCode('LEASE_LOST'));
    assert.deepEqual(await stateOf(fixture), before);
  }
});

test('a front end that is no longer the leader changes nothing at all', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  const before = await stateOf(fixture);
  const leaderEpoch = asId<Epoch>(catalog.leaderEpoch - 1);
  const deposed = committerOver(fixture, changed(catalog, { leaderEpoch }));
  const begin = { taskId: 't1', epoch: lease.epoch, coordinator: 'CN: cn1' };
  const id = request.transactionId;
  await assert.rejects(deposed.commit(request, carryOn), hasCode('LEADER_LOST'));
  await assert.rejects(deposed.begin(begin), hasCode('LEADER_LOST'));
  await assert.rejects(deposed.abort(id, 'x'), hasCode('LEADER_LOST'));
  await assert.rejects(deposed.prepare(id), hasCode('LEADER_LOST'));
  // Not even a refusal is its to give.
  const wrong = { ...request, progress: [progressOf(9n, { loaded: 5 })] };
  await assert.rejects(deposed.commit(wrong, carryOn), hasCode('LEADER_LOST'));
  assert.deepEqual(await stateOf(fixture), before);
  assert.equal(await fixture.committer.state(id), null);
  assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
});

test('invariant 5: a label is used once; only a failed one can be used again', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const begin = { taskId: 't1', epoch: lease.epoch, coordinator: 'CN: cn1', label: 'one' };
  const first = await fixture.committer.begin(begin);
  // Open: taken.
  await assert.rejects(fixture.committer.begin(begin), (error: unknown) => {
    assert(error instanceof AppError);
    assert.equal(
      error.message,
      `Label [one] has already been used, relate to txn [${first.transactionId}]`,
    );
    return true;
  });
  assert.equal((await fixture.catalog.transactions.list({ limit: 10 })).length, 1);
  await fixture.committer.abort(first.transactionId, 'x');
  // Failed: free again, for one.
  const tries = await Promise.allSettled([1, 2, 3].map(() => fixture.committer.begin(begin)));
  const won = tries.flatMap((entry) => (entry.status === 'fulfilled' ? [entry.value] : []));
  assert.equal(won.length, 1);
  const second = present(won[0], 'the winner');
  const progress = [progressOf(0n, { loaded: 1 })];
  const request = requestOf(fixture, second.transactionId, 't1', lease.epoch, progress);
  await fixture.committer.commit(request, carryOn);
  // Visible: taken for good, after a restart too.
  await assert.rejects(fixture.committer.begin(begin), hasCode('LABEL_ALREADY_EXISTS'));
  await fixture.reopen();
  const { databaseId } = fixture.table;
  const young = await grant(fixture, 't1');
  const later = { ...begin, epoch: young.epoch };
  await assert.rejects(fixture.committer.begin(later), hasCode('LABEL_ALREADY_EXISTS'));
  const holder = await fixture.catalog.transactions.byLabel(databaseId, 'one');
  assert.equal(holder?.id, second.transactionId);
  // Per database: another one has its own labels.
  await fixture.catalog.databases.create({ name: 'other', volumeName: null, properties: {} });
  const table = await fixture.catalog.tables.create({ ...CLICKS, databaseName: 'other' });
  const other = {
    label: 'one',
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
  } as const;
  await fixture.committer.beginOther(other);
  await assert.rejects(fixture.committer.beginOther(other), hasCode('LABEL_ALREADY_EXISTS'));
});

test('a commit for a dropped table, or of a job that ended, is ABORTED', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const dropped = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await fixture.catalog.tables.drop('quickstart', 'site_clicks');
  await refusedWithState(fixture, dropped);
  const second = await openFixture(t);
  const request = await stage(second, await grant(second, 't1'), [progressOf(0n, { loaded: 5 })]);
  await second.catalog.loadJobs.setState(second.job.id, ['RUNNING'], 'STOPPED', null);
  await refusedWithState(second, request);
});

/** Its lease went with the job, and that is the answer each time. */
async function refusedWithState(fixture: Fixture, request: CommitRequest): Promise<void> {
  const { job, catalog } = fixture;
  for (let time = 0; time < 2; time += 1) {
    await assert.rejects(fixture.committer.commit(request, carryOn), hasCode('LEASE_LOST'));
  }
  assert.equal((await fixture.committer.state(request.transactionId))?.state, 'ABORTED');
  assert.deepEqual(await catalog.ledger.list(job.id), []);
  assert.equal(await positionOf(fixture), 0n);
}

test('a table of the batch that was dropped alone aborts it, though the lease still holds', async (t) => {
  const fixture = await openFixture(t);
  const other = await fixture.catalog.tables.create({ ...CLICKS, name: 'second' });
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  const tables = [{ tableId: other.id, files: request.tables[0]?.files ?? [] }];
  await fixture.catalog.tables.drop('quickstart', 'second');
  await refusedWith(fixture, { ...request, tables }, null);
});

test('a batch that does not add up is refused, whatever is wrong with it', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const good = progressOf(0n, { loaded: 5, filtered: 1 });
  const wrongs: readonly ((request: CommitRequest) => CommitRequest)[] = [
    (request) => ({ ...request, progress: [{ ...good, toOffset: 7n }] }),
    (request) => ({ ...request, progress: [{ ...good, consumedMessages: 5 }] }),
    (request) => ({ ...request, progress: [{ ...good, rowsLoaded: 4 }] }),
    (request) => ({ ...request, progress: [{ ...good, rowsFiltered: 2 }] }),
    (request) => ({ ...request, progress: [{ ...good, fromOffset: -2n }] }),
    (request) => ({ ...request, progress: [{ ...good, receivedBytes: Number.NaN }] }),
    (request) => ({ ...request, progress: [good, good] }),
    (request) => ({ ...request, tables: [] }),
    (request) => ({ ...request, tables: [...request.tables, ...request.tables] }),
    (request) => ({ ...request, tables: renamed(request, 't999999/') }),
  ];
  const renamed = (request: CommitRequest, folder: string): CommitRequest['tables'] =>
    request.tables.map((table) => ({
      ...table,
      files: table.files.map((file) => ({ ...file, key: file.key.replace(/t\d+\//, folder) })),
    }));
  const before = await stateOf(fixture);
  for (const wrong of wrongs) {
    const request = wrong(await stage(fixture, lease, [good]));
    await assert.rejects(
      fixture.committer.commit(request, carryOn),
      hasCode('COMMIT_REQUEST_INVALID'),
    );
    assert.deepEqual(await stateOf(fixture), before);
    assert.equal((await fixture.committer.state(request.transactionId))?.state, 'ABORTED');
  }
});

test('the same file cannot enter a table twice', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 4 })]);
  const file = present(request.tables[0]?.files[0], 'a file');
  const twice = { ...file, rowCount: 2 };
  const tables = [{ tableId: fixture.table.id, files: [twice, twice] }];
  await refusedWith(fixture, { ...request, tables }, 'COMMIT_REQUEST_INVALID');
});

test("somebody else's transaction, or none, is neither committed nor aborted", async (t) => {
  const fixture = await openFixture(t, { partitions: 2 });
  const one = await stage(fixture, await grant(fixture, 't1', [0]), [
    progressOf(0n, { loaded: 1 }),
  ]);
  const lease = await grant(fixture, 't2', [1]);
  const foreign = { ...one, taskId: lease.taskId, epoch: lease.epoch };
  await assert.rejects(
    fixture.committer.commit(foreign, carryOn),
    hasCode('COMMIT_REQUEST_INVALID'),
  );
  assert.equal(await fixture.committer.state(one.transactionId), null);
  const never = asId<TransactionId>(999_999);
  const unknown = { ...one, transactionId: never, tables: [], progress: [] };
  await assert.rejects(fixture.committer.commit(unknown, carryOn), hasCode('UNKNOWN_TRANSACTION'));
  await assert.rejects(fixture.committer.state(never), hasCode('UNKNOWN_TRANSACTION'));
  await assert.rejects(fixture.committer.abort(never, 'x'), hasCode('UNKNOWN_TRANSACTION'));
  await assert.rejects(fixture.committer.prepare(never), hasCode('UNKNOWN_TRANSACTION'));
  assert.equal((await fixture.committer.commit(one, carryOn)).state, 'VISIBLE');
});

test('a batch without a good row moves the position and counts as an aborted task', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const bad = await stage(fixture, lease, [progressOf(0n, { loaded: 0, filtered: 3 })]);
  assert.equal((await fixture.committer.commit(bad, carryOn)).state, 'VISIBLE');
  assert.equal(await positionOf(fixture), 3n);
  assert.equal(await visibleRows(fixture, fixture.rejected), 3);
  // Control records and compacted offsets only: nothing was consumed, the position moves all the same.
  const control: CommitRequest['progress'][number] = {
    ...progressOf(3n, { loaded: 0 }),
    toOffset: 10n,
    receivedMessages: 2,
    skipped: { control: 1, aborted: 1, empty: 0, gap: 5 },
  };
  await fixture.committer.commit(await stage(fixture, lease, [control]), carryOn);
  assert.equal(await positionOf(fixture), 10n);
  const job = present(await fixture.catalog.loadJobs.byId(fixture.job.id), 'the job');
  assert.deepEqual([job.counters.committedTaskNum, job.counters.abortedTaskNum], [0, 1]);
  const status = await fixture.catalog.tables.status([fixture.table.id]);
  assert.equal(status[0]?.version, 1);
});

test('the ledger covers offsets without a hole; a move by hand begins a new row', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const load = async (from: bigint): Promise<void> => {
    await fixture.committer.commit(
      await stage(fixture, lease, [progressOf(from, { loaded: 4 })]),
      carryOn,
    );
  };
  await load(0n);
  await load(4n);
  await fixture.catalog.loadJobs.movePosition(fixture.job.id, TOPIC, 0, 8n, 100n);
  await load(100n);
  const rows = await fixture.catalog.ledger.list(fixture.job.id);
  assert.deepEqual(
    rows.map((row) => [row.segment, row.fromOffset, row.toOffset, row.rowsLoaded]),
    [
      [1, 0n, 8n, 8],
      [2, 100n, 104n, 4],
    ],
  );
});

test('a hook that pauses the job: the good rows are kept, the task ends, later batches are refused', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5, filtered: 1 })]);
  const ahead = await stage(fixture, lease, [progressOf(6n, { loaded: 1 })]);
  const reason = { errCode: 102, message: 'Current error rows: 1 is more than max error num: 0' };
  const pause: CommitHooks = {
    onCommit: async (scope, { job, rowsLoaded, rowsFiltered }) => {
      assert.deepEqual([rowsLoaded, rowsFiltered, job.windowErrorRows], [5, 1, 1]);
      assert(await scope.loadJobs.setState(job.id, ['RUNNING'], 'PAUSED', reason));
      await scope.loadJobs.resetWindow(job.id);
      return { continueTask: false };
    },
  };
  const result = await fixture.committer.commit(request, pause);
  assert.deepEqual([result.state, result.continueTask], ['VISIBLE', false]);
  assert.deepEqual(await fixture.committer.commit(request, carryOn), result);
  const job = present(await fixture.catalog.loadJobs.byId(fixture.job.id), 'the job');
  assert.deepEqual([job.state, job.reason, job.windowErrorRows], ['PAUSED', reason, 0]);
  assert.equal(await visibleRows(fixture, fixture.table), 5);
  await refusedWith(fixture, ahead, 'LEASE_LOST');
  // After RESUME the next task goes on from the position: nothing is lost.
  await fixture.catalog.loadJobs.setState(fixture.job.id, ['PAUSED'], 'NEED_SCHEDULE', null);
  const next = await stage(fixture, await grant(fixture, 't2'), [progressOf(6n, { loaded: 1 })]);
  assert.equal((await fixture.committer.commit(next, carryOn)).continueTask, true);
});

test('a hook that throws refuses the batch with its error, and what it wrote is undone', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  const broken: CommitHooks = {
    onCommit: async (scope, { job }) => {
      await scope.loadJobs.setOtherMessage(job.id, 'half');
      throw fail('LIMIT_EXCEEDED', { what: 'x', actual: 2, limit: 1 });
    },
  };
  await assert.rejects(fixture.committer.commit(request, broken), hasCode('LIMIT_EXCEEDED'));
  assert.equal((await fixture.catalog.loadJobs.byId(fixture.job.id))?.otherMessage, null);
  await refusedWith(fixture, request, 'LIMIT_EXCEEDED');
});

test('a paused job still takes the batch its task had under way, and the task then ends', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await fixture.catalog.loadJobs.setState(fixture.job.id, ['RUNNING'], 'PAUSED', null);
  const result = await fixture.committer.commit(request, carryOn);
  assert.deepEqual([result.state, result.continueTask], ['VISIBLE', false]);
  assert.deepEqual(await fixture.catalog.leases.list(), []);
});

test('a full store of rejected rows refuses the batch and keeps the position; smaller ones still fit', async (t) => {
  const fixture = await openFixture(t, { limits: { rejectedStoreBytes: 1000 } });
  const lease = await grant(fixture, 't1');
  const bad = (from: bigint, rejectedBytes: number): Promise<CommitRequest> =>
    stage(fixture, lease, [progressOf(from, { loaded: 1, filtered: 1 })], { rejectedBytes });
  await fixture.committer.commit(await bad(0n, 900), carryOn);
  await assert.rejects(fixture.committer.commit(await bad(2n, 101), carryOn), (error: unknown) => {
    assert(error instanceof AppError);
    assert.equal(error.code, 'REJECTED_STORE_FULL');
    assert.equal(error.kind, 'user');
    const { sizeBytes, addedBytes, limitBytes } = error.fields;
    assert.deepEqual([sizeBytes, addedBytes, limitBytes], [900, 101, 1000]);
    return true;
  });
  assert.equal(await positionOf(fixture), 2n);
  assert.equal((await fixture.committer.commit(await bad(2n, 100), carryOn)).state, 'VISIBLE');
  // Batches without a rejected row go on for ever.
  const clean = await stage(fixture, lease, [progressOf(4n, { loaded: 9 })]);
  assert.equal((await fixture.committer.commit(clean, carryOn)).state, 'VISIBLE');
});

test('abort and prepare: final states stay, PREPARED can commit, repeats are harmless', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  const request = await stage(fixture, lease, [progressOf(0n, { loaded: 5 })]);
  await fixture.committer.prepare(request.transactionId);
  await fixture.committer.prepare(request.transactionId);
  assert.equal(await fixture.committer.state(request.transactionId), null);
  const visible = await fixture.committer.commit(request, carryOn);
  // The answer of the commit was lost and the caller gives up: too late.
  assert.deepEqual(await fixture.committer.abort(request.transactionId, 'late'), visible);
  await assert.rejects(
    fixture.committer.prepare(request.transactionId),
    hasCode('TRANSACTION_STATE'),
  );
  const other = await stage(fixture, lease, [progressOf(5n, { loaded: 5 })]);
  assert.equal((await fixture.committer.abort(other.transactionId, 'no')).state, 'ABORTED');
  assert.equal((await fixture.committer.abort(other.transactionId, 'no')).state, 'ABORTED');
  await refusedWith(fixture, other, null);
  const record = await fixture.catalog.transactions.find(other.transactionId);
  assert.deepEqual([record?.state, record?.reason], ['ABORTED', 'no']);
});

test('a restart aborts what was PREPARE and keeps what was PREPARED', async (t) => {
  const fixture = await openFixture(t);
  const table = { databaseId: fixture.table.databaseId, tableId: fixture.table.id };
  const load = { ...table, source: 'BACKEND_STREAMING', coordinator: 'FE: me' } as const;
  const open = await fixture.committer.beginOther({ ...load, label: 'a' });
  const promised = await fixture.committer.beginOther({ ...load, label: 'b' });
  await fixture.committer.prepare(promised.transactionId);
  await fixture.reopen();
  assert.equal((await fixture.committer.state(open.transactionId))?.state, 'ABORTED');
  assert.equal(await fixture.committer.state(promised.transactionId), null);
  const running = await fixture.catalog.transactions.list({ running: true, limit: 10 });
  assert.deepEqual(
    running.map((transaction) => [transaction.label, transaction.state]),
    [['b', 'PREPARED']],
  );
});

test('an error at any step before the end leaves the transaction open, and the same commit then succeeds', async (t) => {
  const fixture = await openFixture(t);
  const lease = await grant(fixture, 't1');
  let from = 0n;
  for (const step of [
    'commit.before-sql',
    'commit.in-sql',
    'commit.before-end',
    'commit.after-sql',
  ]) {
    const request = await stage(fixture, lease, [progressOf(from, { loaded: 5 })]);
    const before = await stateOf(fixture);
    armFailpoints(`${step}=error`);
    await assert.rejects(fixture.committer.commit(request, carryOn), /failpoint/);
    const known = await fixture.committer.state(request.transactionId);
    if (step === 'commit.after-sql') assert.equal(known?.state, 'VISIBLE');
    else assert.deepEqual([known, await stateOf(fixture)], [null, before]);
    assert.equal((await fixture.committer.commit(request, carryOn)).state, 'VISIBLE');
    from += 5n;
    assert.equal(await positionOf(fixture), from);
  }
  assert.equal(await visibleRows(fixture, fixture.table), Number(from));
});
