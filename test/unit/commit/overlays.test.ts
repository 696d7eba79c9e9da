// Column overlays in commits: only under the turn and against the version they were made from, seen by each version
// as they were then, in the way of a compaction that does not know them, and swept when nobody can need them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { present } from '../../../src/base/assert.ts';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type FieldId, type TableVersion } from '../../../src/base/ids.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { claimLocation, INCARNATION_KEY } from '../../../src/commit/incarnation.ts';
import { DEFAULT_SWEEP_LIMITS, runSweep } from '../../../src/commit/sweep.ts';
import { CatalogTurns, type Turn } from '../../../src/commit/turn.ts';
import { overlayFileKey } from '../../../src/model/file-key.ts';
import type { StagedOverlay } from '../../../src/model/load-plan.ts';
import { type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const REF = { databaseName: 'quickstart', tableName: 'site_clicks' };
const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

async function head(fixture: Fixture) {
  return present((await fixture.catalog.snapshot([REF])).tables[0], 'the table');
}

/** Per file: the objects and rows of its overlays. */
async function overlaysAt(fixture: Fixture, version?: number) {
  const at = version === undefined ? {} : { at: { unit: 'VERSION' as const, point: version } };
  const [table] = (await fixture.catalog.snapshot([{ ...REF, ...at }])).tables;
  return present(table, 'the table').files.map(({ overlays = [] }) =>
    overlays.map(({ object, part, rows }) => [object.fieldIds.join(), part, rows]),
  );
}

function begin(fixture: Fixture, source: 'INSERT_STREAMING' | 'LAKE_COMPACTION') {
  return fixture.committer.beginOther({
    label: systemRandom.uuid(),
    databaseId: fixture.table.databaseId,
    tableId: fixture.table.id,
    source,
    coordinator: 'FE: me',
  });
}

async function underTurn<T>(
  { catalog, clock, table }: Fixture,
  rank: 'LOAD' | 'COMPACTION',
  work: (turn: Turn) => Promise<T>,
): Promise<T> {
  const turns = new CatalogTurns(catalog, clock);
  const turn = await turns.acquire(table.id, { rank, holder: 'me', leaseMs: 60_000, waitMs: 0 });
  try {
    return await work(turn);
  } finally {
    await turns.release(turn);
  }
}

interface Wish {
  readonly fields?: readonly number[];
  /** Of the table's files in order; 0 = none. */
  readonly rows?: readonly number[];
  readonly change?: (overlay: StagedOverlay) => StagedOverlay;
  readonly resolvedAt?: number | null;
  readonly newRows?: number;
}

async function commitOverlay(fixture: Fixture, wish: Wish) {
  const { table, volume, committer } = fixture;
  const { rows = [], fields = [2], change = (same: StagedOverlay) => same, newRows = 0 } = wish;
  const { transactionId } = await begin(fixture, 'INSERT_STREAMING');
  const { files, version } = await head(fixture);
  const touched = files
    .map(({ id }, index) => ({ fileId: id, part: index, rows: rows[index] ?? 0 }))
    .filter((file) => file.rows > 0);
  const key = overlayFileKey(table.prefix, transactionId, systemRandom.uuid());
  const rowCount = touched.reduce((sum, file) => sum + file.rows, 0);
  const overlay = change({
    object: { volumeId: volume.id, key, sizeBytes: 10, rowCount },
    fieldIds: fields.map((id) => asId<FieldId>(id)),
    touched,
  });
  const resolvedAt = wish.resolvedAt === undefined ? version : wish.resolvedAt;
  const result = await underTurn(fixture, 'LOAD', (turn) => {
    const request = {
      transactionId,
      tableId: table.id,
      tables: [
        {
          tableId: table.id,
          files: newRows === 0 ? [] : [stagedFile(fixture, table, transactionId, newRows)],
          ...(touched.length === 0 ? {} : { overlay }),
          ...(resolvedAt === null ? {} : { resolvedAt: asId<TableVersion>(resolvedAt) }),
        },
      ],
      turn,
      rowsLoaded: newRows + (touched.length === 0 ? 0 : overlay.object.rowCount),
      rowsFiltered: 0,
      errorSamples: [],
    };
    // A repeat changes nothing.
    return committer.commitOther(request).then(() => committer.commitOther(request));
  });
  return { result, key };
}

async function filled(t: Parameters<typeof openFixture>[0]): Promise<Fixture> {
  const fixture = await openFixture(t);
  for (const newRows of [10, 20]) await commitOverlay(fixture, { newRows, resolvedAt: null });
  return fixture;
}

test('each version has the overlays of its time, also after a rollback and a restart', async (t) => {
  const fixture = await filled(t);
  await commitOverlay(fixture, { rows: [3, 20], fields: [2, 3] });
  await commitOverlay(fixture, { rows: [0, 5], newRows: 1 });
  assert.deepEqual(await overlaysAt(fixture, 3), [[], []]);
  assert.deepEqual(await overlaysAt(fixture, 4), [[['2,3', 0, 3]], [['2,3', 1, 20]]]);
  const both = [
    [['2,3', 0, 3]],
    [
      ['2,3', 1, 20],
      ['2', 1, 5],
    ],
    [],
  ];
  assert.deepEqual(await overlaysAt(fixture, 5), both);
  assert.deepEqual(await overlaysAt(fixture), both);
  const { table, catalog } = fixture;
  const [status] = await catalog.tables.status([table.id]);
  assert.equal(status?.rowCount, 31, 'rows stay');
  assert.deepEqual((await catalog.audit.table(table.id)).problems, []);
  await fixture.committer.truncate(table.id);
  assert.deepEqual(await overlaysAt(fixture), []);
  await fixture.committer.rollback(table.id, { unit: 'VERSION', point: 4 });
  await fixture.reopen();
  assert.deepEqual(await overlaysAt(fixture), [[['2,3', 0, 3]], [['2,3', 1, 20]]]);
  assert.deepEqual(await overlaysAt(fixture, 5), both);
  assert.deepEqual((await fixture.catalog.audit.table(table.id)).problems, []);
});

test('an overlay of another version, or one that does not add up, is never committed', async (t) => {
  const fixture = await filled(t);
  await assert.rejects(
    commitOverlay(fixture, { rows: [3], resolvedAt: 2 }),
    hasCode('RESOLVE_STALE'),
  );
  const wrong: readonly Wish[] = [
    { resolvedAt: null },
    { fields: [] },
    { fields: [2, 2] },
    { change: (one) => ({ ...one, object: { ...one.object, rowCount: 4 } }) },
    { change: (one) => ({ ...one, touched: [...one.touched, ...one.touched] }) },
    { change: (one) => ({ ...one, touched: one.touched.map((file) => ({ ...file, rows: 0 })) }) },
    {
      change: (one) => {
        const key = one.object.key.replace(/\/t\d+\//, '/t1/');
        return { ...one, object: { ...one.object, key } };
      },
    },
  ];
  for (const wish of wrong) {
    await assert.rejects(
      commitOverlay(fixture, { rows: [3], ...wish }),
      hasCode('COMMIT_REQUEST_INVALID'),
    );
  }
  assert.deepEqual(await overlaysAt(fixture), [[], []]);
});

test('a compaction whose input got an overlay since it was read comes to nothing', async (t) => {
  const fixture = await filled(t);
  const { committer, table } = fixture;
  const merge = async (overlaidRows: number) => {
    const { transactionId } = await begin(fixture, 'LAKE_COMPACTION');
    const inputs = (await head(fixture)).files.map(({ id }) => id);
    const outputs = [stagedFile(fixture, table, transactionId, 30)];
    return await underTurn(fixture, 'COMPACTION', (turn) =>
      committer.commitCompaction({
        transactionId,
        tableId: table.id,
        turn,
        inputs,
        deletedRows: 0,
        overlaidRows,
        outputs,
        carried: null,
      }),
    );
  };
  await commitOverlay(fixture, { rows: [3, 20] });
  await commitOverlay(fixture, { rows: [1] });
  assert.equal((await merge(23)).state, 'ABORTED');
  assert.deepEqual(await overlaysAt(fixture), [
    [
      ['2', 0, 3],
      ['2', 0, 1],
    ],
    [['2', 1, 20]],
  ]);
  assert.equal((await merge(24)).state, 'VISIBLE');
  assert.deepEqual(await overlaysAt(fixture), [[]]);
  assert.deepEqual((await fixture.catalog.audit.table(table.id)).problems, []);
});

test('overlay objects stay while a version needs them, and go with the sweep afterwards', async (t) => {
  const fixture = await filled(t);
  const { committer, catalog, table } = fixture;
  const store = new MemoryStore();
  await claimLocation(store, 'local', catalog.incarnation);
  const { key } = await commitOverlay(fixture, { rows: [3] });
  const { transactionId } = await begin(fixture, 'INSERT_STREAMING');
  const orphan = overlayFileKey(table.prefix, transactionId, systemRandom.uuid());
  for (const one of [key, orphan]) await store.put(one, Buffer.from('x'));
  const sweep = async (): Promise<readonly string[]> => {
    const limits = DEFAULT_SWEEP_LIMITS;
    await runSweep({ catalog, committer, store: async () => store, limits });
    return [...store.objects.keys()].filter((name) => name !== INCARNATION_KEY);
  };
  assert.deepEqual((await sweep()).toSorted(), [key, orphan].toSorted(), 'one is still open');
  await committer.abort(transactionId, 'test');
  fixture.clock.shiftMs += 3_600_000;
  assert.deepEqual(await sweep(), [key]);
  await committer.truncate(table.id);
  fixture.clock.shiftMs += 23 * 3_600_000;
  assert.deepEqual(await sweep(), [key], 'its version can still be read');
  fixture.clock.shiftMs += 2 * 3_600_000;
  assert.deepEqual(await sweep(), [key], 'a query may still read it');
  fixture.clock.shiftMs += 301_000;
  assert.deepEqual(await sweep(), []);
});
