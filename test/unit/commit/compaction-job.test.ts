// One compaction beside loads: it leaves the turn to them without losing its work, takes their deletes along, and gives
// up where it has to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { type CompactionNode, runCompactionJob } from '../../../src/commit/compaction-job.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import { deleteFileKey } from '../../../src/model/file-key.ts';
import type { TouchedFile } from '../../../src/model/load-plan.ts';
import type { DataFile, TableInfo } from '../../../src/model/table.ts';
import { CLICKS, type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';

const ROWS = 10;

async function filesOf(fixture: Fixture, table: TableInfo): Promise<readonly DataFile[]> {
  return present(await fixture.catalog.snapshotOf(table.id), 'the table').entry.files;
}

/** Adds a file, or deletes some rows of one. */
async function commit(fixture: Fixture, table: TableInfo, from?: DataFile, rows = 0) {
  const { transactionId } = await fixture.committer.beginOther({
    label: systemRandom.uuid(),
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
  });
  const touched: readonly TouchedFile[] =
    from === undefined
      ? []
      : [
          {
            fileId: from.id,
            positions: rows,
            newPositions: rows,
            newestPatch: from.deletes.at(-1)?.id ?? null,
            replaces: [],
          },
        ];
  const key = deleteFileKey(table.prefix, transactionId, systemRandom.uuid());
  const object = { volumeId: table.volumeId, key, sizeBytes: 1, rowCount: rows };
  const files = from === undefined ? [stagedFile(fixture, table, transactionId, ROWS)] : [];
  const { state } = await fixture.committer.commitOther({
    transactionId,
    tableId: table.id,
    tables: [{ tableId: table.id, files, ...(from && { deletes: { object, touched } }) }],
    rowsLoaded: files.length * ROWS,
    rowsFiltered: 0,
    errorSamples: [],
  });
  assert.equal(state, 'VISIBLE');
}

interface Told {
  carried: number[];
  yields: number;
}

/** Runs a compaction of two files; `node` says what the CN does, and what happens meanwhile. */
async function compact(
  fixture: Fixture,
  table: TableInfo,
  node: Partial<CompactionNode> = {},
  timeoutMs = 30_000,
): Promise<{ readonly done: boolean; readonly told: Told; readonly ended: number }> {
  const inputs = (await filesOf(fixture, table)).slice(0, 2);
  const told: Told = { carried: [], yields: 0 };
  let ended = 0;
  const { catalog, committer, clock } = fixture;
  const done = await runCompactionJob(
    {
      catalog,
      committer,
      turns: new CatalogTurns(catalog, clock),
      clock,
      random: systemRandom,
      log: silentLog,
      timeoutMs: () => timeoutMs,
      node: {
        compact: async ({ transactionId }) => [stagedFile(fixture, table, transactionId, 2 * ROWS)],
        carryDeletes: async ({ inputs: before, now, transactionId, volume }) => {
          const deleted = (files: readonly DataFile[]): number =>
            files.reduce((sum, file) => sum + file.deletedRows, 0);
          const key = deleteFileKey(table.prefix, transactionId, systemRandom.uuid());
          const rowCount = deleted(now) - deleted(before);
          return { volumeId: volume.id, key, sizeBytes: 1, rowCount };
        },
        endCompaction: async () => {
          ended += 1;
        },
        ...node,
      },
    },
    { table },
    inputs,
    {
      begun: () => undefined,
      staged: () => undefined,
      carried: (rows) => told.carried.push(rows),
      yielded: () => {
        told.yields += 1;
      },
    },
    new AbortController().signal,
  );
  return { done, told, ended };
}

async function setUp(t: Parameters<typeof openFixture>[0], keysType = CLICKS.keysType) {
  const fixture = await openFixture(t);
  const table = await fixture.catalog.tables.create({ ...CLICKS, name: 'shaped', keysType });
  for (let file = 0; file < 2; file += 1) await commit(fixture, table);
  return { fixture, table };
}

const output = (fixture: Fixture, table: TableInfo) => ({
  compact: async ({ transactionId }: Parameters<CompactionNode['compact']>[0]) => [
    stagedFile(fixture, table, transactionId, 2 * ROWS),
  ],
});

test('rows deleted while it runs are deleted from its output', async (t) => {
  const { fixture, table } = await setUp(t);
  const [first, second] = await filesOf(fixture, table);
  let calls = 0;
  const { done, told, ended } = await compact(fixture, table, {
    compact: async (plan) => {
      await commit(fixture, table, first, 3);
      return output(fixture, table).compact(plan);
    },
    carryDeletes: async ({ inputs, now, transactionId, volume }) => {
      calls += 1;
      const sum = (files: readonly DataFile[]) =>
        files.reduce((n, file) => n + file.deletedRows, 0);
      const rowCount = sum(now) - sum(inputs);
      // More comes while the first are carried over.
      if (calls === 1) await commit(fixture, table, second, 2);
      const key = deleteFileKey(table.prefix, transactionId, systemRandom.uuid());
      return { volumeId: volume.id, key, sizeBytes: 1, rowCount };
    },
  });
  assert.deepEqual([done, told.carried, ended], [true, [3, 5], 1]);
  const files = await filesOf(fixture, table);
  assert.deepEqual(
    files.map((file) => [file.rowCount, file.deletedRows]),
    [[20, 5]],
  );
  const [status] = await fixture.catalog.tables.status([table.id]);
  assert.equal(status?.rowCount, 15);
});

test('a load that waits goes first, and the work is not lost', async (t) => {
  const { fixture, table } = await setUp(t);
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const request = { rank: 'LOAD', holder: 'a load', leaseMs: 60_000, waitMs: 20_000 } as const;
  let staged = 0;
  const [first] = await filesOf(fixture, table);
  const load: Promise<void>[] = [];
  const { done, told } = await compact(fixture, table, {
    compact: async (plan) => {
      staged += 1;
      await commit(fixture, table, first, 1);
      return output(fixture, table).compact(plan);
    },
    carryDeletes: async ({ transactionId, volume }) => {
      const [now] = await filesOf(fixture, table);
      // Once the compaction holds the turn a load gets in line behind it.
      if (load.length === 0 && now?.deletedRows === 2) {
        load.push(turns.acquire(table.id, request).then((turn) => turns.release(turn)));
        await fixture.clock.sleep(150);
      } else if (now?.deletedRows === 1) await commit(fixture, table, now, 1);
      const key = deleteFileKey(table.prefix, transactionId, systemRandom.uuid());
      return { volumeId: volume.id, key, sizeBytes: 1, rowCount: now?.deletedRows ?? 0 };
    },
  });
  await Promise.all(load);
  assert.deepEqual([done, staged, told.yields >= 1], [true, 1, true]);
  assert.deepEqual(
    (await filesOf(fixture, table)).map((file) => [file.rowCount, file.deletedRows]),
    [[20, 2]],
  );
});

test('an input that is gone, and rows that became one, make it give up', async (t) => {
  const { fixture, table } = await setUp(t);
  const gone = await compact(fixture, table, {
    compact: async (plan) => {
      await fixture.committer.truncate(table.id);
      return output(fixture, table).compact(plan);
    },
  });
  assert.deepEqual([gone.done, gone.ended], [false, 1]);
  const merging = await setUp(t, 'AGG_KEYS');
  const [first] = await filesOf(merging.fixture, merging.table);
  const changed = await compact(merging.fixture, merging.table, {
    compact: async (plan) => {
      await commit(merging.fixture, merging.table, first, 1);
      return output(merging.fixture, merging.table).compact(plan);
    },
  });
  assert.equal(changed.done, false);
  assert.equal((await filesOf(merging.fixture, merging.table)).length, 2);
  const again = await compact(merging.fixture, merging.table, {
    compact: async ({ transactionId }) => [
      stagedFile(merging.fixture, merging.table, transactionId, 7),
    ],
  });
  assert.equal(again.done, true);
});

test('what fails on the CN aborts the transaction and is cleaned up', async (t) => {
  const { fixture, table } = await setUp(t);
  let begun = 0;
  await assert.rejects(
    compact(fixture, table, {
      compact: async ({ transactionId }) => {
        begun = transactionId;
        throw new AppError('CANCELLED', {});
      },
    }),
    (thrown) => thrown instanceof AppError && thrown.code === 'CANCELLED',
  );
  const [last] = await fixture.catalog.transactions.list({
    databaseId: table.databaseId,
    limit: 1,
  });
  assert.deepEqual([last?.id, last?.state], [begun, 'ABORTED']);
});
