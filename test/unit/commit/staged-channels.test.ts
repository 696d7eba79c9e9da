// Channels of a transaction: side by side, one load each at a time, closed one by one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import type { TransactionId } from '../../../src/base/ids.ts';
import { beginChannel, closeChannel } from '../../../src/commit/staged-channels.ts';
import {
  addLoad,
  beginSeveral,
  endLoad,
  prepareSeveral,
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

async function begin({ catalog, table }: Fixture, channels: number): Promise<TransactionId> {
  const transactionId = await catalog.begins.reserveTransactionId();
  const load = {
    transactionId,
    label: `with_${channels}`,
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'BACKEND_STREAMING',
    scope: 'CLIENT',
    coordinator: 'FE: me',
    userName: 'ada',
    timeoutMs: MINUTE_MS,
    idleTimeoutMs: null,
    channels,
  } as const;
  await beginSeveral(catalog, load, DEFAULT_COMMIT_LIMITS.running());
  return transactionId;
}

function part(fixture: Fixture, id: TransactionId): StagedPart {
  return {
    tables: [{ tableId: fixture.table.id, files: [stagedFile(fixture, fixture.table, id, 3)] }],
    rowsLoaded: 3,
    rowsFiltered: 0,
    errorSamples: [],
    targetId: fixture.table.id,
    rewrittenVersion: 0,
    rowsUnselected: 0,
    bodyBytes: 30,
  };
}

test('loads of two channels run side by side, of one channel one after the other', async (t) => {
  const fixture = await openFixture(t);
  const { catalog } = fixture;
  const id = await begin(fixture, 2);
  assert.equal(await beginChannel(catalog, id, 0), true);
  assert.equal(await beginChannel(catalog, id, 0), false);
  await startLoad(catalog, id, 0);
  await startLoad(catalog, id, 1);
  await assert.rejects(startLoad(catalog, id, 0), hasCode('TRANSACTION_BUSY'));
  assert.equal((await catalog.transactions.find(id))?.isBusy, true);
  assert.equal(await addLoad(catalog, id, part(fixture, id), 1), 1);
  await assert.rejects(closeChannel(catalog, id, 0), hasCode('TRANSACTION_BUSY'));
  await assert.rejects(closeChannel(catalog, id, null), hasCode('TRANSACTION_BUSY'));
  await endLoad(catalog, id, 0);
  // Once more changes nothing.
  await endLoad(catalog, id, 0);
  assert.equal((await catalog.transactions.find(id))?.isBusy, false);
  const states = async (): Promise<string> =>
    (await catalog.transactionChannels.list(id)).map(({ state }) => state).join(' ');
  assert.equal(await states(), 'LOADING LOADING');
  const closed = await closeChannel(catalog, id, 0);
  assert.equal(closed.map(({ state }) => state).join(' '), 'PREPARING LOADING');
  await assert.rejects(startLoad(catalog, id, 0), hasCode('TRANSACTION_STATE'));
  assert.equal((await catalog.transactions.find(id))?.isBusy, false);
  await startLoad(catalog, id, 1);
  assert.equal(await addLoad(catalog, id, part(fixture, id), 1), 2);
  await closeChannel(catalog, id, null);
  assert.equal(await states(), 'PREPARING PREPARING');
  await prepareSeveral(catalog, id, MINUTE_MS);
  await assert.rejects(closeChannel(catalog, id, 0), hasCode('TRANSACTION_STATE'));
  await assert.rejects(beginChannel(catalog, id, 0), hasCode('TRANSACTION_STATE'));
});

test('a load that did not run cannot join; after a restart none runs, and what joined is there', async (t) => {
  const fixture = await openFixture(t);
  const id = await begin(fixture, 3);
  await assert.rejects(addLoad(fixture.catalog, id, part(fixture, id), 2));
  await startLoad(fixture.catalog, id, 2);
  await addLoad(fixture.catalog, id, part(fixture, id), 2);
  await startLoad(fixture.catalog, id, 0);
  await fixture.reopen();
  const again = fixture.catalog;
  assert.equal((await again.transactions.find(id))?.isBusy, false);
  assert.deepEqual(
    (await again.transactionChannels.list(id)).map(({ state, isBusy }) => [state, isBusy]),
    [
      ['LOADING', false],
      ['BEGIN', false],
      ['LOADING', false],
    ],
  );
  await startLoad(again, id, 0);
  assert.equal((await again.transactionLoads.list(id)).length, 1);
});

test('a transaction without channels has none', async (t) => {
  const fixture = await openFixture(t);
  const id = await begin(fixture, 0);
  assert.deepEqual(await fixture.catalog.transactionChannels.list(id), []);
});
