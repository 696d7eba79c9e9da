// The commit of a load without a task: all or nothing, once, and what does not add up is never visible.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type TransactionId } from '../../../src/base/ids.ts';
import { readOutcome } from '../../../src/catalog/transactions.ts';
import type { OtherCommit } from '../../../src/commit/types.ts';
import type { LoadFacts } from '../../../src/model/load-facts.ts';
import {
  CLICKS,
  type Fixture,
  openFixture,
  stagedFile,
  visibleRows,
} from '../../support/catalog-fixture.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

async function begin(fixture: Fixture, label: string): Promise<TransactionId> {
  const { table } = fixture;
  const begun = await fixture.committer.beginOther({
    label,
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
    userName: 'ada',
  });
  return begun.transactionId;
}

function requestOf(
  fixture: Fixture,
  transactionId: TransactionId,
  rowsLoaded: number,
  rowsFiltered = 0,
  rejectedBytes = 100,
): OtherCommit {
  const { table, rejected } = fixture;
  const files = [stagedFile(fixture, table, transactionId, rowsLoaded)];
  const bad = [stagedFile(fixture, rejected, transactionId, rowsFiltered, rejectedBytes)];
  return {
    transactionId,
    tableId: table.id,
    tables: [
      { tableId: table.id, files },
      ...(rowsFiltered === 0 ? [] : [{ tableId: rejected.id, files: bad }]),
    ],
    rowsLoaded,
    rowsFiltered,
    errorSamples: rowsFiltered === 0 ? [] : ['bad'],
  };
}

test('rows and rejected rows become visible together, once, and the transaction keeps the numbers', async (t) => {
  const fixture = await openFixture(t);
  const id = await begin(fixture, 'one');
  const request = requestOf(fixture, id, 7, 2);
  const result = await fixture.committer.commitOther(request);
  assert.equal(result.state, 'VISIBLE');
  assert.equal(await visibleRows(fixture, fixture.table), 7);
  assert.equal(await visibleRows(fixture, fixture.rejected), 2);
  assert.deepEqual(await fixture.committer.commitOther(request), result);
  await fixture.reopen();
  assert.deepEqual(await fixture.committer.commitOther(request), result);
  assert.equal(await visibleRows(fixture, fixture.table), 7);
  const kept = await fixture.catalog.transactions.byLabel(fixture.table.databaseId, 'one');
  assert.equal(kept?.userName, 'ada');
  assert.deepEqual(readOutcome(kept?.attachmentJson ?? '').load, {
    rowsLoaded: 7,
    rowsFiltered: 2,
    errorSamples: ['bad'],
  });
  await assert.rejects(begin(fixture, 'one'), hasCode('LABEL_ALREADY_EXISTS'));
});

const FACTS: LoadFacts = {
  loadType: 'STREAM_LOAD',
  rowsLoaded: 7,
  rowsFiltered: 0,
  rowsUnselected: 1,
  bodyBytes: 99,
  startedMs: 1,
  beginMs: 2,
  planMs: 3,
  readMs: 4,
  writeMs: 5,
  commitMs: null,
  properties: { format: 'csv' },
  trackingFile: null,
  errorSamples: [],
  clientAddress: '127.0.0.1',
};

test('what a load tells of itself is kept with its transaction, however that ends', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, committer, table } = fixture;
  const outcomeOf = async (label: string) => {
    const kept = await catalog.transactions.byLabel(table.databaseId, label);
    return { state: kept?.state, ...readOutcome(kept?.attachmentJson ?? '') };
  };
  const good = await begin(fixture, 'good');
  await committer.commitOther({ ...requestOf(fixture, good, 7), facts: FACTS });
  const { state, facts } = await outcomeOf('good');
  assert.deepEqual({ state, facts }, { state: 'VISIBLE', facts: FACTS });

  const given = await begin(fixture, 'given up');
  const result = await committer.abort(given, 'the client went away', FACTS);
  assert.equal(result.state, 'ABORTED');
  assert.deepEqual(await committer.abort(given, 'again'), result);
  assert.deepEqual((await outcomeOf('given up')).facts, FACTS);
  assert.equal((await outcomeOf('given up')).error, null);

  const refused = await begin(fixture, 'refused');
  const wrong = { ...requestOf(fixture, refused, 7), rowsLoaded: 8, facts: FACTS };
  await assert.rejects(committer.commitOther(wrong), hasCode('COMMIT_REQUEST_INVALID'));
  await assert.rejects(committer.commitOther(wrong), hasCode('COMMIT_REQUEST_INVALID'));
  const { error, facts: kept } = await outcomeOf('refused');
  assert.deepEqual([error?.code, kept], ['COMMIT_REQUEST_INVALID', FACTS]);
});

test('no rows at all are visible, too: the label is used', async (t) => {
  const fixture = await openFixture(t);
  const id = await begin(fixture, 'none');
  const nothing = { tables: [], rowsLoaded: 0, rowsFiltered: 0, errorSamples: [] };
  const result = await fixture.committer.commitOther({
    transactionId: id,
    tableId: fixture.table.id,
    ...nothing,
  });
  assert.equal(result.state, 'VISIBLE');
});

test('what does not add up is refused, again at every repeat, and nothing is visible', async (t) => {
  const fixture = await openFixture(t);
  const wrong: ((request: OtherCommit) => OtherCommit)[] = [
    (request) => ({ ...request, rowsLoaded: request.rowsLoaded + 1 }),
    (request) => ({ ...request, rowsFiltered: 1 }),
    // A replay whose records do not leave, and one that writes none of them again.
    (request) => ({ ...request, replayed: { records: 1, copies: 0 } }),
    (request) => ({ ...request, replayed: { records: 0, copies: 1 } }),
    (request) => ({ ...request, tables: [...request.tables, ...request.tables] }),
    (request) => ({ ...request, tableId: fixture.rejected.id }),
    (request) => ({
      ...request,
      tables: [
        {
          tableId: fixture.table.id,
          files: [stagedFile(fixture, fixture.table, asId<TransactionId>(1), request.rowsLoaded)],
        },
      ],
    }),
  ];
  for (const [index, change] of wrong.entries()) {
    const label = `wrong${index}`;
    const id = await begin(fixture, label);
    const request = change(requestOf(fixture, id, 3));
    for (let repeat = 0; repeat < 2; repeat += 1) {
      await assert.rejects(
        fixture.committer.commitOther(request),
        hasCode('COMMIT_REQUEST_INVALID'),
        label,
      );
    }
    assert.equal((await fixture.committer.state(id))?.state, 'ABORTED');
  }
  assert.equal(await visibleRows(fixture, fixture.table), 0);
  // The label of a failed load can be used again.
  const again = await begin(fixture, 'wrong0');
  await fixture.committer.commitOther(requestOf(fixture, again, 3));
  assert.equal(await visibleRows(fixture, fixture.table), 3);
});

test('an aborted transaction and a dropped table end as ABORTED', async (t) => {
  const fixture = await openFixture(t);
  const killed = await begin(fixture, 'killed');
  await fixture.committer.abort(killed, 'KILL QUERY');
  const first = await fixture.committer.commitOther(requestOf(fixture, killed, 3));
  assert.equal(first.state, 'ABORTED');
  const late = await begin(fixture, 'late');
  const request = requestOf(fixture, late, 3);
  await fixture.catalog.tables.drop('quickstart', 'site_clicks');
  await fixture.catalog.tables.create(CLICKS);
  assert.equal((await fixture.committer.commitOther(request)).state, 'ABORTED');
  const status = await fixture.catalog.tables.get('quickstart', 'site_clicks');
  assert.equal(await visibleRows(fixture, status), 0);
});

test('a full store of rejected rows refuses the INSERT', async (t) => {
  const fixture = await openFixture(t, { limits: { rejectedStoreBytes: 150 } });
  const first = await begin(fixture, 'a');
  await fixture.committer.commitOther(requestOf(fixture, first, 1, 1));
  const second = await begin(fixture, 'b');
  const request = requestOf(fixture, second, 1, 1);
  await assert.rejects(fixture.committer.commitOther(request), hasCode('REJECTED_STORE_FULL'));
  assert.equal(await visibleRows(fixture, fixture.table), 1);
});

test('a start aborts what an earlier life left open, and its label is free', async (t) => {
  const fixture = await openFixture(t);
  const left = await begin(fixture, 'left');
  const done = await begin(fixture, 'done');
  await fixture.committer.commitOther(requestOf(fixture, done, 2));
  await fixture.reopen();
  assert.equal((await fixture.committer.state(left))?.state, 'ABORTED');
  assert.equal((await fixture.committer.state(done))?.state, 'VISIBLE');
  await fixture.committer.commitOther(requestOf(fixture, await begin(fixture, 'left'), 1));
  assert.equal(await visibleRows(fixture, fixture.table), 3);
});

test('overwriting: what is live at the commit leaves at the version at which the new rows come, once', async (t) => {
  const fixture = await openFixture(t);
  const { catalog, committer, table } = fixture;
  await committer.commitOther(requestOf(fixture, await begin(fixture, 'old'), 5));
  const id = await begin(fixture, 'new');
  // Another load commits between the begin of the statement and its commit.
  await committer.commitOther(requestOf(fixture, await begin(fixture, 'meanwhile'), 7));
  const request = { ...requestOf(fixture, id, 3, 2), overwrite: true };
  const result = await committer.commitOther(request);
  assert.equal(await visibleRows(fixture, table), 3);
  assert.equal(await visibleRows(fixture, fixture.rejected), 2, 'only the target is overwritten');
  const [status] = await catalog.tables.status([table.id]);
  assert.deepEqual([status?.fileCount, status?.rowCount], [1, 3]);
  await committer.commitOther(requestOf(fixture, await begin(fixture, 'later'), 1));
  assert.deepEqual(await committer.commitOther(request), result);
  assert.equal(await visibleRows(fixture, table), 4);
});

test('overwriting with no rows empties the table, a dropped one is refused', async (t) => {
  const fixture = await openFixture(t);
  const { committer, table } = fixture;
  await committer.commitOther(requestOf(fixture, await begin(fixture, 'old'), 5));
  const nothing = { tables: [], rowsLoaded: 0, rowsFiltered: 0, errorSamples: [], overwrite: true };
  const empty = async (label: string) =>
    await committer.commitOther({
      transactionId: await begin(fixture, label),
      tableId: table.id,
      ...nothing,
    });
  const result = await empty('empty');
  assert.equal(result.versions.length, 1);
  assert.equal(await visibleRows(fixture, table), 0);
  const id = await begin(fixture, 'late');
  await fixture.catalog.tables.drop('quickstart', 'site_clicks');
  const late = await committer.commitOther({ transactionId: id, tableId: table.id, ...nothing });
  assert.equal(late.state, 'ABORTED');
});

test('a full store of rejected rows takes a REPLAY, up to twice its size', async (t) => {
  const fixture = await openFixture(t, { limits: { rejectedStoreBytes: 150 } });
  const first = await begin(fixture, 'a');
  await fixture.committer.commitOther(requestOf(fixture, first, 1, 1, 120));
  const replay = async (label: string): Promise<OtherCommit> => ({
    ...requestOf(fixture, await begin(fixture, label), 1, 1, 120),
    rowsFiltered: 0,
    replayed: { records: 0, copies: 1 },
  });
  const result = await fixture.committer.commitOther(await replay('b'));
  assert.equal(result.state, 'VISIBLE');
  const over = fixture.committer.commitOther(await replay('c'));
  await assert.rejects(over, hasCode('REJECTED_STORE_FULL'));
});
