import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { armFailpoints } from '../../../src/base/failpoints.ts';
import type { FileId } from '../../../src/base/ids.ts';
import { expireOldFiles } from '../../../src/commit/sweep.ts';
import { CatalogTurns, type Turn } from '../../../src/commit/turn.ts';
import type { CompactionCommit } from '../../../src/commit/types.ts';
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

const REF = { databaseName: 'quickstart', tableName: 'site_clicks' };
const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

async function append(fixture: Fixture, times: number, rows = 5): Promise<void> {
  const lease = await grant(fixture, 't1');
  let from = (await fixture.catalog.loadJobs.positions(fixture.job.id))[0]?.nextOffset ?? 0n;
  for (let time = 0; time < times; time += 1) {
    await fixture.committer.commit(
      await stage(fixture, lease, [progressOf(from, { loaded: rows })]),
      carryOn,
    );
    from += BigInt(rows);
  }
}

async function liveFiles(fixture: Fixture) {
  return present((await fixture.catalog.snapshot([REF])).tables[0], 'the table').files;
}

function takeTurn(fixture: Fixture, leaseMs = 60_000): Promise<Turn> {
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const request = { rank: 'COMPACTION', holder: 'compaction', leaseMs, waitMs: 0 } as const;
  return turns.acquire(fixture.table.id, request);
}

const nextLabel = (
  (count) => (): number =>
    ++count
)(0);

/** A compaction of the given files into one, ready to commit. */
async function compaction(
  fixture: Fixture,
  inputs: readonly FileId[],
  rows: number,
  turn: Turn,
): Promise<CompactionCommit> {
  const { table } = fixture;
  const { transactionId } = await fixture.committer.beginOther({
    label: `compaction-${nextLabel()}`,
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'LAKE_COMPACTION',
    coordinator: 'FE: me',
  });
  const outputs = [stagedFile(fixture, table, transactionId, rows, 60)];
  return {
    transactionId,
    tableId: table.id,
    turn,
    inputs,
    deletedRows: 0,
    overlaidRows: 0,
    outputs,
    carried: null,
  };
}

test('inputs leave and outputs enter at one version; appends go on meanwhile', async (t) => {
  const fixture = await openFixture(t);
  await append(fixture, 4);
  const inputs = (await liveFiles(fixture)).map((file) => file.id);
  const turn = await takeTurn(fixture);
  const request = await compaction(fixture, inputs, 20, turn);
  await append(fixture, 1);
  const result = await fixture.committer.commitCompaction(request);
  assert.deepEqual(result.versions, [{ tableId: fixture.table.id, version: 7 }]);
  assert.equal(await visibleRows(fixture, fixture.table), 25);
  assert.equal((await liveFiles(fixture)).length, 2);
  const [{ updatedMs, ...status } = { updatedMs: null }] = await fixture.catalog.tables.status([
    fixture.table.id,
  ]);
  assert.deepEqual(status, {
    tableId: fixture.table.id,
    version: 7,
    fileCount: 2,
    rowCount: 25,
    sizeBytes: 160,
  });
  assert.ok(updatedMs !== null && updatedMs >= fixture.table.createdMs);
  // Repeats, also when the turn is long gone.
  await new CatalogTurns(fixture.catalog, fixture.clock).release(turn);
  assert.deepEqual(await fixture.committer.commitCompaction(request), result);
  await fixture.reopen();
  assert.deepEqual(await fixture.committer.commitCompaction(request), result);
  assert.equal(await visibleRows(fixture, fixture.table), 25);
});

test('an input that has left meanwhile aborts the compaction: no row twice, none lost', async (t) => {
  const fixture = await openFixture(t);
  await append(fixture, 3);
  const [a, b, c] = (await liveFiles(fixture)).map((file) => file.id);
  const turn = await takeTurn(fixture);
  const ids = [present(a, 'a'), present(b, 'b'), present(c, 'c')] as const;
  const first = await compaction(fixture, [ids[0], ids[1]], 10, turn);
  const second = await compaction(fixture, [ids[1], ids[2]], 10, turn);
  assert.equal((await fixture.committer.commitCompaction(first)).state, 'VISIBLE');
  assert.equal((await fixture.committer.commitCompaction(second)).state, 'ABORTED');
  assert.equal((await fixture.committer.commitCompaction(second)).state, 'ABORTED');
  assert.equal(await visibleRows(fixture, fixture.table), 15);
  const twice = await compaction(fixture, [ids[2], ids[2]], 10, turn);
  assert.equal((await fixture.committer.commitCompaction(twice)).state, 'ABORTED');
  assert.equal(await visibleRows(fixture, fixture.table), 15);
});

test('a compaction that changes the number of rows is refused', async (t) => {
  const fixture = await openFixture(t);
  await append(fixture, 2);
  const inputs = (await liveFiles(fixture)).map((file) => file.id);
  const turn = await takeTurn(fixture);
  for (const rows of [9, 11]) {
    const request = await compaction(fixture, inputs, rows, turn);
    await assert.rejects(
      fixture.committer.commitCompaction(request),
      hasCode('COMMIT_REQUEST_INVALID'),
    );
  }
  assert.equal(await visibleRows(fixture, fixture.table), 10);
  assert.equal((await liveFiles(fixture)).length, 2);
});

test('a dropped table aborts it', async (t) => {
  const fixture = await openFixture(t);
  await append(fixture, 2);
  const inputs = (await liveFiles(fixture)).map((file) => file.id);
  const request = await compaction(fixture, inputs, 10, await takeTurn(fixture));
  await fixture.catalog.tables.drop('quickstart', 'site_clicks');
  assert.equal((await fixture.committer.commitCompaction(request)).state, 'ABORTED');
});

test('it needs the turn, loses it with the lease, and yields to a load that waits', async (t) => {
  const fixture = await openFixture(t);
  await append(fixture, 2);
  const inputs = (await liveFiles(fixture)).map((file) => file.id);
  const turn = await takeTurn(fixture);
  const late = await compaction(fixture, inputs, 10, turn);
  fixture.clock.shiftMs += 61_000;
  await assert.rejects(fixture.committer.commitCompaction(late), hasCode('TURN_LOST'));
  await assert.rejects(fixture.committer.commitCompaction(late), hasCode('TURN_LOST'));
  const held = await takeTurn(fixture);
  const second = await compaction(fixture, inputs, 10, held);
  const load = await fixture.catalog.turns.enqueue(fixture.table.id, 'LOAD', 'a load', 60_000);
  await assert.rejects(fixture.committer.commitCompaction(second), hasCode('TURN_LOST'));
  assert.equal((await liveFiles(fixture)).length, 2);
  // Its work is not lost: once the load had its turn, it is committed.
  await fixture.catalog.turns.release(held);
  await fixture.catalog.turns.release(load);
  const again = { ...second, turn: await takeTurn(fixture) };
  assert.equal((await fixture.committer.commitCompaction(again)).state, 'VISIBLE');
  assert.equal((await liveFiles(fixture)).length, 1);
});

test('an error at any step leaves it open and repeatable', async (t) => {
  const fixture = await openFixture(t);
  for (const step of ['compaction.before-sql', 'compaction.in-sql', 'compaction.after-sql']) {
    await append(fixture, 2);
    const files = await liveFiles(fixture);
    const rows = files.reduce((total, file) => total + file.rowCount, 0);
    const turn = await takeTurn(fixture);
    const inputs = files.map((file) => file.id);
    const request = await compaction(fixture, inputs, rows, turn);
    armFailpoints(`${step}=error`);
    await assert.rejects(fixture.committer.commitCompaction(request), /failpoint/);
    assert.equal(await visibleRows(fixture, fixture.table), rows);
    assert.equal((await fixture.committer.commitCompaction(request)).state, 'VISIBLE');
    assert.equal(await visibleRows(fixture, fixture.table), rows);
    assert.equal((await liveFiles(fixture)).length, 1);
    await new CatalogTurns(fixture.catalog, fixture.clock).release(turn);
  }
});

test('old files of the store of rejected rows leave it after their time, compacted ones with their newest row', async (t) => {
  const fixture = await openFixture(t);
  const day = 24 * 3_600_000;
  await append(fixture, 2);
  fixture.clock.shiftMs += 5 * day;
  await append(fixture, 1);
  const files = await liveFiles(fixture);
  const ids = files.map((file) => file.id);
  const merge = await compaction(fixture, ids.slice(1), 10, await takeTurn(fixture));
  await fixture.committer.commitCompaction(merge);
  fixture.clock.shiftMs += 3 * day;
  // The first file is 8 days old; the merged one has rows of 8 and of 3 days.
  const { catalog, table } = fixture;
  assert.equal(await expireOldFiles(catalog, table.id, 7 * day), 1);
  assert.equal(await expireOldFiles(catalog, table.id, 7 * day), 0);
  assert.equal(await visibleRows(fixture, table), 10);
  const status = (await catalog.tables.status([table.id]))[0];
  assert.deepEqual([status?.fileCount, status?.rowCount, status?.sizeBytes], [1, 10, 60]);
});

test('merging may leave fewer rows, but only of neighbours, and keeps their place', async (t) => {
  const fixture = await openFixture(t);
  await append(fixture, 4);
  const [first, second, third, fourth] = (await liveFiles(fixture)).map((file) => file.id);
  const merged = async (inputs: readonly (FileId | undefined)[], rows: number): Promise<string> => {
    const turn = await takeTurn(fixture);
    const ids = inputs.map((id) => present(id, 'a file'));
    const request = await compaction(fixture, ids, rows, turn);
    try {
      return (await fixture.committer.commitCompaction({ ...request, merged: true })).state;
    } finally {
      await new CatalogTurns(fixture.catalog, fixture.clock).release(turn);
    }
  };
  assert.equal(await merged([first, third], 7), 'ABORTED');
  await assert.rejects(merged([second, third], 11), hasCode('COMMIT_REQUEST_INVALID'));
  await assert.rejects(merged([second, third], 0), hasCode('COMMIT_REQUEST_INVALID'));
  assert.equal(await merged([second, third], 7), 'VISIBLE');
  const files = await liveFiles(fixture);
  assert.deepEqual(
    files.map(({ id, rowCount }) => [id === first, id === fourth, rowCount]),
    [
      [true, false, 5],
      [false, false, 7],
      [false, true, 5],
    ],
  );
  assert.equal(await visibleRows(fixture, fixture.table), 17);
});
