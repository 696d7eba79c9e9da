// Deletes in commits: rows leave with the rows that come, only against what they were looked up against, and
// their objects go when nobody can need them any more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type TransactionId } from '../../../src/base/ids.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { claimLocation, INCARNATION_KEY } from '../../../src/commit/incarnation.ts';
import { DEFAULT_SWEEP_LIMITS, runSweep } from '../../../src/commit/sweep.ts';
import { CatalogTurns, type Turn } from '../../../src/commit/turn.ts';
import type { OtherCommit } from '../../../src/commit/types.ts';
import { deleteFileKey } from '../../../src/model/file-key.ts';
import type { StagedTable, TouchedFile } from '../../../src/model/load-plan.ts';
import type { DataFile } from '../../../src/model/table.ts';
import { type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const REF = { databaseName: 'quickstart', tableName: 'site_clicks' };
const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

const nextLabel = (
  (count) => (): string =>
    `label-${++count}`
)(0);

async function head(fixture: Fixture) {
  return present((await fixture.catalog.snapshot([REF])).tables[0], 'the table');
}

async function rowsOf(fixture: Fixture): Promise<number> {
  const { files } = await head(fixture);
  const visible = files.reduce((sum, file) => sum + file.rowCount - file.deletedRows, 0);
  const [status] = await fixture.catalog.tables.status([fixture.table.id]);
  assert.equal(status?.rowCount, visible, 'the count of the table is that of its files');
  return visible;
}

/** Deletes so many rows of each file, as they are known now. */
const touch = (file: DataFile, rows: number, replaced = 0): TouchedFile => ({
  fileId: file.id,
  positions: rows + replaced,
  newPositions: rows,
  newestPatch: file.deletes.at(-1)?.id ?? null,
  replaces: replaced === 0 ? [] : file.deletes.map(({ id }) => id),
});

async function change(
  fixture: Fixture,
  rows: number,
  touched: readonly TouchedFile[],
  resolved: Pick<StagedTable, 'resolvedAt'> & Pick<OtherCommit, 'turn'> = {},
): Promise<OtherCommit> {
  const { table, volume } = fixture;
  const { transactionId } = await fixture.committer.beginOther({
    label: nextLabel(),
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
  });
  const object = {
    volumeId: volume.id,
    key: deleteFileKey(table.prefix, transactionId, systemRandom.uuid()),
    sizeBytes: 10,
    rowCount: touched.reduce((sum, file) => sum + file.positions, 0),
  };
  const { turn, ...rest } = resolved;
  return {
    transactionId,
    tableId: table.id,
    tables: [
      {
        tableId: table.id,
        files: rows === 0 ? [] : [stagedFile(fixture, table, transactionId, rows)],
        ...(touched.length === 0 ? {} : { deletes: { object, touched } }),
        ...rest,
      },
    ],
    ...(turn === undefined ? {} : { turn }),
    rowsLoaded: rows,
    rowsFiltered: 0,
    errorSamples: [],
  };
}

function takeTurn(fixture: Fixture, rank: 'LOAD' | 'COMPACTION' = 'LOAD'): Promise<Turn> {
  return new CatalogTurns(fixture.catalog, fixture.clock).acquire(fixture.table.id, {
    rank,
    holder: 'me',
    leaseMs: 60_000,
    waitMs: 0,
  });
}

test('rows leave in the commit that brings others, once; readers see what holds for each file', async (t) => {
  const fixture = await openFixture(t);
  const { committer } = fixture;
  await committer.commitOther(await change(fixture, 10, []));
  await committer.commitOther(await change(fixture, 20, []));
  const [first, second] = (await head(fixture)).files;
  assert.ok(first !== undefined && second !== undefined);
  const request = await change(fixture, 5, [touch(first, 3), touch(second, 4)]);
  const result = await committer.commitOther(request);
  assert.deepEqual(await committer.commitOther(request), result, 'a repeat changes nothing');
  assert.equal(await rowsOf(fixture), 28);
  await fixture.reopen();
  const again = await change(fixture, 0, [touch(present((await head(fixture)).files[1], 'f'), 6)]);
  await fixture.committer.commitOther(again);
  const { files, version } = await head(fixture);
  assert.equal(version, 5);
  assert.deepEqual(
    files.map((file) => [file.rowCount, file.deletedRows, file.deletes.length]),
    [
      [10, 3, 1],
      [20, 10, 2],
      [5, 0, 0],
    ],
  );
  assert.equal(files[0]?.deletes[0], files[1]?.deletes[0], 'one object is one value');
  assert.equal(await rowsOf(fixture), 22);
});

test('deltas that a later object holds too are read no more', async (t) => {
  const fixture = await openFixture(t);
  const { committer } = fixture;
  await committer.commitOther(await change(fixture, 10, []));
  for (const rows of [1, 2]) {
    const [file] = (await head(fixture)).files;
    await committer.commitOther(await change(fixture, 0, [touch(present(file, 'file'), rows)]));
  }
  const [file] = (await head(fixture)).files;
  await committer.commitOther(await change(fixture, 0, [touch(present(file, 'file'), 4, 3)]));
  const [merged] = (await head(fixture)).files;
  assert.equal(merged?.deletes.length, 1);
  assert.equal(merged.deletedRows, 7);
  assert.equal(await rowsOf(fixture), 3);
});

test('what other rows were deleted of, or what is gone, is not deleted from by guess', async (t) => {
  const fixture = await openFixture(t);
  const { committer } = fixture;
  await committer.commitOther(await change(fixture, 10, []));
  const [file] = (await head(fixture)).files;
  assert.ok(file !== undefined);
  const one = await change(fixture, 1, [touch(file, 2)]);
  const other = await change(fixture, 1, [touch(file, 2)]);
  // An append in between does no harm.
  await committer.commitOther(await change(fixture, 3, []));
  await committer.commitOther(one);
  await assert.rejects(committer.commitOther(other), hasCode('RESOLVE_STALE'));
  assert.equal(await rowsOf(fixture), 12);
  assert.equal(await committer.state(other.transactionId), null, 'it may be worked out anew');
  await committer.truncate(fixture.table.id);
  await assert.rejects(committer.commitOther(other), hasCode('RESOLVE_STALE'));
  assert.equal(await rowsOf(fixture), 0);
});

test('what was resolved at a version is valid as the next one only, and under the turn', async (t) => {
  const fixture = await openFixture(t);
  const { committer } = fixture;
  await committer.commitOther(await change(fixture, 10, []));
  const { version: resolvedAt, files } = await head(fixture);
  const touched = [touch(present(files[0], 'file'), 2)];
  const turn = await takeTurn(fixture);
  const request = await change(fixture, 1, touched, { resolvedAt, turn });
  const { turn: _, ...withoutTurn } = request;
  await assert.rejects(committer.commitOther(withoutTurn), hasCode('TURN_LOST'));
  fixture.clock.shiftMs += 61_000;
  await assert.rejects(committer.commitOther(request), hasCode('TURN_LOST'));
  const later = { ...request, turn: await takeTurn(fixture) };
  await committer.commitOther(await change(fixture, 4, []));
  await assert.rejects(committer.commitOther(later), hasCode('RESOLVE_STALE'));
  assert.equal(await rowsOf(fixture), 14);
  const tables = later.tables.map((table) => ({ ...table, resolvedAt: (resolvedAt + 1) as never }));
  assert.equal((await committer.commitOther({ ...later, tables })).state, 'VISIBLE');
  assert.equal(await rowsOf(fixture), 13);
});

test('deletes that do not add up are never visible', async (t) => {
  const fixture = await openFixture(t);
  const { committer } = fixture;
  await committer.commitOther(await change(fixture, 10, []));
  const file = present((await head(fixture)).files[0], 'file');
  const wrong: readonly TouchedFile[][] = [
    [touch(file, 1), touch(file, 1)],
    [{ ...touch(file, 1), newPositions: 2 }],
    [{ ...touch(file, 1), positions: 1.5 }],
  ];
  for (const touched of wrong) {
    const request = await change(fixture, 0, touched);
    await assert.rejects(committer.commitOther(request), hasCode('COMMIT_REQUEST_INVALID'));
  }
  assert.equal(await rowsOf(fixture), 10);
});

test('compaction leaves deleted rows out, and takes along what was deleted meanwhile', async (t) => {
  const fixture = await openFixture(t);
  const { committer, table } = fixture;
  for (const rows of [10, 20]) await committer.commitOther(await change(fixture, rows, []));
  const [first] = (await head(fixture)).files;
  await committer.commitOther(await change(fixture, 0, [touch(present(first, 'file'), 3)]));
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const { transactionId } = await committer.beginOther({
    label: nextLabel(),
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'LAKE_COMPACTION',
    coordinator: 'FE: me',
  });
  const inputs = (await head(fixture)).files.map((file) => file.id);
  const outputs = [stagedFile(fixture, table, transactionId, 28)];
  const key = deleteFileKey(table.prefix, transactionId, systemRandom.uuid());
  const carry = (rowCount: number) => ({ volumeId: table.volumeId, key, sizeBytes: 7, rowCount });
  const commit = async (carried: ReturnType<typeof carry> | null) => {
    const turn = await takeTurn(fixture, 'COMPACTION');
    try {
      return await committer.commitCompaction({
        transactionId,
        tableId: table.id,
        turn,
        inputs,
        deletedRows: 2,
        overlaidRows: 0,
        outputs,
        carried,
      });
    } finally {
      await turns.release(turn);
    }
  };
  // One row more is deleted than the output leaves out: nothing happens until it is carried over.
  await assert.rejects(commit(null), hasCode('RESOLVE_STALE'));
  await assert.rejects(commit(carry(2)), hasCode('RESOLVE_STALE'));
  assert.equal(await rowsOf(fixture), 27);
  const result = await commit(carry(1));
  assert.equal(result.state, 'VISIBLE');
  assert.deepEqual(await commit(carry(1)), result);
  assert.equal(await rowsOf(fixture), 27);
  const { files } = await head(fixture);
  assert.deepEqual(
    files.map((file) => [file.rowCount, file.deletedRows, file.deletes.map((one) => one.key)]),
    [[28, 1, [key]]],
  );
  const [status] = await fixture.catalog.tables.status([table.id]);
  assert.deepEqual([status?.rowCount, status?.fileCount], [27, 1]);
});

test('deletes that a compaction carries over lie in its own transaction, and belong to one output', async (t) => {
  const fixture = await openFixture(t);
  const { committer, table } = fixture;
  await committer.commitOther(await change(fixture, 10, []));
  const [file] = (await head(fixture)).files;
  await committer.commitOther(await change(fixture, 0, [touch(present(file, 'file'), 10)]));
  for (const isForeign of [true, false]) {
    const { transactionId } = await committer.beginOther({
      label: nextLabel(),
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'LAKE_COMPACTION',
      coordinator: 'FE: me',
    });
    const owner = isForeign ? asId<TransactionId>(transactionId - 1) : transactionId;
    const key = deleteFileKey(table.prefix, owner, systemRandom.uuid());
    const outputs = isForeign ? [stagedFile(fixture, table, transactionId, 10)] : [];
    const turn = await takeTurn(fixture, 'COMPACTION');
    await assert.rejects(
      committer.commitCompaction({
        transactionId,
        tableId: table.id,
        turn,
        inputs: [present(file, 'file').id],
        deletedRows: isForeign ? 0 : 9,
        overlaidRows: 0,
        outputs,
        carried: { volumeId: table.volumeId, key, sizeBytes: 7, rowCount: isForeign ? 10 : 1 },
      }),
      hasCode('COMMIT_REQUEST_INVALID'),
    );
    await new CatalogTurns(fixture.catalog, fixture.clock).release(turn);
  }
  assert.equal(await rowsOf(fixture), 0);
});

test('delete objects stay while a file needs them, and go with the sweep afterwards', async (t) => {
  const fixture = await openFixture(t);
  const { committer, catalog, table } = fixture;
  const store = new MemoryStore();
  await claimLocation(store, 'local', catalog.incarnation);
  const commit = async (request: OtherCommit): Promise<string | undefined> => {
    const [staged] = request.tables;
    for (const file of staged?.files ?? []) await store.put(file.key, Buffer.from('x'));
    const key = staged?.deletes?.object.key;
    if (key !== undefined) await store.put(key, Buffer.from('x'));
    await committer.commitOther(request);
    return key;
  };
  const sweep = async (): Promise<readonly string[]> => {
    const limits = DEFAULT_SWEEP_LIMITS;
    await runSweep({ catalog, committer, store: async () => store, limits });
    return [...store.objects.keys()].filter((key) => key !== INCARNATION_KEY);
  };
  await commit(await change(fixture, 10, []));
  const key = await commit(
    await change(fixture, 1, [touch(present((await head(fixture)).files[0], 'file'), 2)]),
  );
  const aborted = await change(fixture, 0, [
    touch(present((await head(fixture)).files[0], 'f'), 1),
  ]);
  const orphan = present(aborted.tables[0]?.deletes, 'deletes').object.key;
  await store.put(orphan, Buffer.from('x'));
  assert.ok((await sweep()).includes(orphan), 'its transaction is open');
  await committer.abort(aborted.transactionId, 'test');
  fixture.clock.shiftMs += 3_600_000;
  const kept = await sweep();
  assert.ok(key !== undefined && kept.includes(key) && !kept.includes(orphan));
  await committer.truncate(table.id);
  fixture.clock.shiftMs += 23 * 3_600_000;
  assert.ok((await sweep()).includes(key), 'its version can still be read');
  fixture.clock.shiftMs += 2 * 3_600_000;
  assert.ok((await sweep()).includes(key), 'a query may still read it');
  fixture.clock.shiftMs += 301_000;
  assert.deepEqual(await sweep(), []);
});
