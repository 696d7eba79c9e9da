// Transactions of several loads before they commit: who may join when, what a restart leaves, when they time out.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type TableId, type TransactionId } from '../../../src/base/ids.ts';
import type { TransactionScope } from '../../../src/catalog/transactions.ts';
import {
  addLoad,
  beginSeveral,
  endLoad,
  MAX_TABLES,
  prepareSeveral,
  removeLoad,
  startLoad,
} from '../../../src/commit/staged-loads.ts';
import { DEFAULT_COMMIT_LIMITS } from '../../../src/commit/types.ts';
import type { StagedPart } from '../../../src/model/staged-part.ts';
import { type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';

const MINUTE_MS = 60_000;

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

async function begin(
  { catalog, table }: Fixture,
  label: string,
  options: {
    readonly scope?: Exclude<TransactionScope, ''>;
    readonly idleMs?: number;
    readonly channels?: number;
  } = {},
): Promise<TransactionId> {
  const transactionId = await catalog.begins.reserveTransactionId();
  const load = {
    transactionId,
    label,
    databaseId: table.databaseId,
    tableId: null,
    source: 'MULTI_STATEMENT_STREAMING',
    scope: options.scope ?? 'CLIENT',
    coordinator: 'FE: me',
    userName: 'ada',
    timeoutMs: 10 * MINUTE_MS,
    idleTimeoutMs: options.idleMs ?? null,
    channels: options.channels ?? 0,
  } as const;
  await beginSeveral(catalog, load, DEFAULT_COMMIT_LIMITS.running());
  return transactionId;
}

function part(
  fixture: Fixture,
  id: TransactionId,
  tableId: TableId = fixture.table.id,
): StagedPart {
  return {
    tables: [{ tableId, files: [stagedFile(fixture, fixture.table, id, 3)] }],
    rowsLoaded: 3,
    rowsFiltered: 0,
    errorSamples: [],
    targetId: tableId,
    rewrittenVersion: 0,
    rowsUnselected: 1,
    bodyBytes: 30,
  };
}

test('loads join in order, one at a time, and what failed leaves no trace', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  const id = await begin(fixture, 'one');
  await startLoad(catalog, id);
  await assert.rejects(startLoad(catalog, id), hasCode('TRANSACTION_BUSY'));
  await assert.rejects(prepareSeveral(catalog, id, MINUTE_MS), hasCode('TRANSACTION_BUSY'));
  assert.equal(await addLoad(catalog, id, part(fixture, id)), 1);
  await startLoad(catalog, id);
  await endLoad(catalog, id);
  await startLoad(catalog, id);
  assert.equal(await addLoad(catalog, id, part(fixture, id)), 2);
  await removeLoad(catalog, id, 1);
  const loads = await catalog.transactionLoads.list(id);
  assert.deepEqual(
    loads.map(({ ordinal, staged }) => [ordinal, staged.rowsLoaded, staged.targetId]),
    [[2, 3, fixture.table.id]],
  );
  assert.deepEqual(
    await catalog.transactionLoads.tablesOf([id]),
    new Map([[id, [fixture.table.id]]]),
  );
  assert.deepEqual(await catalog.transactionLoads.tablesOf([]), new Map());
});

test('nothing joins after PREPARED, nor an end; prepare may be asked twice', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, committer } = fixture;
  const id = await begin(fixture, 'one');
  await startLoad(catalog, id);
  await addLoad(catalog, id, part(fixture, id));
  await prepareSeveral(catalog, id, MINUTE_MS);
  await prepareSeveral(catalog, id, MINUTE_MS);
  await assert.rejects(startLoad(catalog, id), hasCode('TRANSACTION_STATE'));
  await assert.rejects(addLoad(catalog, id, part(fixture, id)), hasCode('TRANSACTION_STATE'));
  await committer.abort(id, 'enough');
  await assert.rejects(startLoad(catalog, id), /was aborted: enough/);
  await assert.rejects(prepareSeveral(catalog, id, 1), hasCode('TRANSACTION_ABORTED'));
  await assert.rejects(
    startLoad(catalog, asId<TransactionId>(999)),
    hasCode('UNKNOWN_TRANSACTION'),
  );
  await assert.rejects(
    prepareSeveral(catalog, asId<TransactionId>(999), 1),
    hasCode('UNKNOWN_TRANSACTION'),
  );
});

test('a label is of one transaction at a time; of an aborted one it is free', async (t) => {
  const fixture = await openFixture(t);
  const id = await begin(fixture, 'one');
  await assert.rejects(begin(fixture, 'one'), hasCode('LABEL_ALREADY_EXISTS'));
  await fixture.committer.abort(id, 'enough');
  await begin(fixture, 'one');
});

test('the number of tables is bounded, and one more load of a known table is not one more', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  const id = await begin(fixture, 'one');
  const join = async (tableId: number): Promise<void> => {
    await startLoad(catalog, id);
    await addLoad(catalog, id, part(fixture, id, asId<TableId>(tableId)));
  };
  for (let table = 1; table <= MAX_TABLES; table += 1) await join(table);
  await join(1);
  await assert.rejects(join(MAX_TABLES + 1), /number of tables of a transaction/);
  assert.equal((await catalog.transactionLoads.shape(id)).loads, MAX_TABLES + 1);
});

test('a restart ends those of sessions, and leaves those of clients as they were', async (t) => {
  const fixture = await openFixture(t);
  const ofSession = await begin(fixture, 'session', { scope: 'SESSION' });
  const open = await begin(fixture, 'open');
  const prepared = await begin(fixture, 'prepared');
  for (const id of [ofSession, open, prepared]) {
    await startLoad(fixture.catalog, id);
    await addLoad(fixture.catalog, id, part(fixture, id));
  }
  await prepareSeveral(fixture.catalog, prepared, MINUTE_MS);
  // The load that runs when the front end dies never ends.
  await startLoad(fixture.catalog, open);
  await fixture.reopen();
  const { catalog } = fixture;
  const states = await Promise.all(
    [ofSession, open, prepared].map(async (id) => (await catalog.transactions.find(id))?.state),
  );
  assert.deepEqual(states, ['ABORTED', 'PREPARE', 'PREPARED']);
  await startLoad(catalog, open);
  assert.equal(await addLoad(catalog, open, part(fixture, open)), 2);
  assert.equal((await catalog.transactionLoads.list(prepared)).length, 1);
});

test('who idles too long times out, but not while a load runs, nor once it is prepared', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, clock } = fixture;
  const idle = await begin(fixture, 'idle', { idleMs: MINUTE_MS });
  const busy = await begin(fixture, 'busy', { idleMs: MINUTE_MS });
  const prepared = await begin(fixture, 'prepared', { idleMs: MINUTE_MS });
  const patient = await begin(fixture, 'patient');
  await startLoad(catalog, busy);
  await prepareSeveral(catalog, prepared, 30 * MINUTE_MS);
  const timedOut = (): Promise<readonly TransactionId[]> =>
    catalog.retention.timedOut(catalog.nowMs());
  clock.shiftMs += MINUTE_MS - 1000;
  assert.deepEqual(await timedOut(), []);
  clock.shiftMs += 2000;
  assert.deepEqual(await timedOut(), [idle]);
  await endLoad(catalog, busy);
  assert.deepEqual(await timedOut(), [idle]);
  clock.shiftMs += MINUTE_MS + 1000;
  assert.deepEqual(await timedOut(), [idle, busy]);
  // Their own time limits, whatever they do.
  clock.shiftMs += 8 * MINUTE_MS;
  assert.deepEqual(await timedOut(), [idle, busy, patient]);
  clock.shiftMs += 20 * MINUTE_MS;
  assert.deepEqual(await timedOut(), [idle, busy, prepared, patient]);
});

test('an open transaction that runs no statement holds back no file of old versions', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, clock } = fixture;
  const id = await begin(fixture, 'one');
  assert.equal(await catalog.retention.oldestReaderMs(), null);
  clock.shiftMs += MINUTE_MS;
  const beganMs = catalog.nowMs();
  await startLoad(catalog, id);
  const oldestMs = await catalog.retention.oldestReaderMs();
  assert.ok(oldestMs !== null && oldestMs >= beganMs, 'that of the statement, not of BEGIN');
  await endLoad(catalog, id);
  assert.equal(await catalog.retention.oldestReaderMs(), null);
});

test('of an aborted transaction the sweep looks where any of its loads put files', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, committer, table } = fixture;
  const id = await begin(fixture, 'one');
  await startLoad(catalog, id);
  await addLoad(catalog, id, part(fixture, id));
  assert.deepEqual(await catalog.retention.abortedPrefixes(0), []);
  await committer.abort(id, 'enough');
  const prefixes = await catalog.retention.abortedPrefixes(0);
  assert.ok(prefixes.some((prefix) => prefix.startsWith(`${table.prefix}/`)));
  await catalog.retention.prune({
    beforeMs: catalog.nowMs() + 1,
    keepNewest: 1000,
    neverAfterMs: catalog.nowMs() + 1,
  });
  assert.deepEqual(await catalog.transactionLoads.list(id), []);
});
