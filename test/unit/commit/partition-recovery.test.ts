// Partitions that were dropped come back with their rows while the recycle bin keeps them, however short the versions
// of the table are kept; temporary ones take the place of others without showing in older versions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { claimLocation } from '../../../src/commit/incarnation.ts';
import type { PartitionHooks } from '../../../src/commit/partition-commit.ts';
import { DEFAULT_SWEEP_LIMITS, runSweep, type SweepOptions } from '../../../src/commit/sweep.ts';
import type { TableInfo } from '../../../src/model/table.ts';
import { CLICKS, type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';
import { MemoryStore } from '../../support/memory-store.ts';

const HOUR = 3_600_000;
const nothing: PartitionHooks = { onPartitionChange: async () => undefined };

const range = (name: string, lower: string, upper: string, isTemporary = false) => ({
  name,
  isTemporary,
  bounds: { kind: 'range' as const, lower: [lower], upper: [upper] },
  properties: {},
});

function required<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}

interface Setting {
  readonly fixture: Fixture;
  readonly store: MemoryStore;
  readonly table: TableInfo;
  readonly sweep: SweepOptions;
}

/** A table of two partitions, and a temporary one beside them. */
async function setUp(t: { after(work: () => unknown): void }): Promise<Setting> {
  const fixture = await openFixture(t);
  const { catalog, committer } = fixture;
  const store = new MemoryStore();
  await claimLocation(store, 'local', catalog.incarnation);
  const table = await catalog.tables.create({
    ...CLICKS,
    name: 'parted',
    columns: [{ ...required(CLICKS.columns[0]), name: 'day', type: { kind: 'DATE' } }],
    distributedBy: [],
    partitions: {
      kind: 'range',
      automatic: false,
      items: [{ column: 'day', transform: { kind: 'identity' } }],
      list: [
        range('p1', '2024-01-01', '2024-02-01'),
        range('p2', '2024-02-01', '2024-03-01'),
        range('t1', '2024-01-01', '2024-02-01', true),
      ],
    },
  });
  const limits = { ...DEFAULT_SWEEP_LIMITS, retentionMs: () => 0, trashMs: 24 * HOUR };
  return { fixture, store, table, sweep: { catalog, committer, store: async () => store, limits } };
}

/** A commit of `rows` rows into the partition of that name; its file lies in the store. */
async function load({ fixture, store, table }: Setting, name: string, rows: number): Promise<void> {
  const { catalog, committer } = fixture;
  const live = await catalog.partitions.list(table.id);
  const { id } = required(live.find((one) => one.name === name));
  const { transactionId } = await committer.beginOther({
    label: `load-${name}-${rows}`,
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
  });
  const file = {
    ...stagedFile(fixture, table, transactionId, rows),
    partition: { kind: 'id' as const, id },
  };
  await store.put(file.key, Buffer.from('x'));
  const tables = [{ tableId: table.id, files: [file] }];
  const counts = { rowsLoaded: rows, rowsFiltered: 0, errorSamples: [] };
  await committer.commitOther({ transactionId, tableId: table.id, tables, ...counts });
}

async function figures({ fixture: { catalog }, table }: Setting): Promise<[string, number][]> {
  const status = await catalog.partitions.status(table.id);
  return status.map(({ partition, rowCount }) => [partition.name, rowCount]);
}

const liveRows = async ({ fixture: { catalog }, table }: Setting): Promise<number | undefined> =>
  (await catalog.tables.status([table.id]))[0]?.rowCount;

function drop({ fixture, table }: Setting, name: string, force = false): Promise<boolean> {
  return fixture.committer.changePartitions(
    table.id,
    (_, live) => ({ drop: [required(live.find((one) => one.name === name)).id], force }),
    nothing,
  );
}

const recover = ({ fixture, table }: Setting, name: string): Promise<void> =>
  fixture.committer.recoverPartition(table.id, name, nothing);

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

const dataKeys = ({ store }: Setting): number =>
  [...store.objects.keys()].filter((key) => key.includes('/data/')).length;

test('a dropped partition comes back whole as long as the recycle bin keeps it, then its files go', async (t) => {
  const setting = await setUp(t);
  const { fixture, sweep } = setting;
  await load(setting, 'p1', 5);
  await load(setting, 'p1', 2);
  await load(setting, 'p2', 3);
  await drop(setting, 'p1');
  assert.equal(await liveRows(setting), 3);
  // No version keeps the files any more: the bin alone does.
  fixture.clock.shiftMs += 20 * HOUR;
  await runSweep(sweep);
  await runSweep(sweep);
  assert.equal(dataKeys(setting), 3);
  await recover(setting, 'P1');
  assert.deepEqual(await figures(setting), [
    ['p1', 7],
    ['p2', 3],
    ['t1', 0],
  ]);
  assert.equal(await liveRows(setting), 10);
  await assert.rejects(recover(setting, 'p1'), hasCode('NOT_IN_RECYCLE_BIN'));
  // Once more, and this time too late.
  await drop(setting, 'p1');
  fixture.clock.shiftMs += 25 * HOUR;
  await runSweep(sweep);
  await assert.rejects(recover(setting, 'p1'), hasCode('NOT_IN_RECYCLE_BIN'));
  fixture.clock.shiftMs += HOUR;
  await runSweep(sweep);
  assert.equal(dataKeys(setting), 1);
});

test('what was dropped by force cannot come back; a name or values that are taken are an error', async (t) => {
  const setting = await setUp(t);
  const { fixture, table } = setting;
  await load(setting, 'p1', 5);
  await drop(setting, 'p1', true);
  await assert.rejects(recover(setting, 'p1'), hasCode('NOT_IN_RECYCLE_BIN'));
  await drop(setting, 'p2');
  const add = (name: string, lower: string, upper: string): Promise<boolean> =>
    fixture.committer.changePartitions(
      table.id,
      () => ({ add: [range(name, lower, upper)] }),
      nothing,
    );
  await add('p2', '2030-01-01', '2030-02-01');
  await assert.rejects(recover(setting, 'p2'), hasCode('PARTITION_EXISTS'));
  await drop(setting, 'p2', true);
  await add('p3', '2024-02-10', '2024-02-11');
  await assert.rejects(recover(setting, 'p2'), hasCode('PARTITION_OVERLAPS'));
  await drop(setting, 'p3', true);
  await recover(setting, 'p2');
  assert.deepEqual(await figures(setting), [
    ['p2', 0],
    ['t1', 0],
  ]);
});

test('a temporary partition takes the place of another at one version; older versions are as they were', async (t) => {
  const setting = await setUp(t);
  const { fixture, table } = setting;
  await load(setting, 'p1', 5);
  await load(setting, 't1', 4);
  await fixture.committer.changePartitions(
    table.id,
    (_, live) => {
      const named = (name: string) => required(live.find((one) => one.name === name));
      const into = range('p1', '2024-01-01', '2024-02-01');
      return { drop: [named('p1').id], force: true, turn: [{ from: named('t1').id, into }] };
    },
    nothing,
  );
  assert.deepEqual(await figures(setting), [
    ['p2', 0],
    ['p1', 4],
  ]);
  assert.equal(await liveRows(setting), 4);
  const ref = { databaseName: table.databaseName, tableName: table.name };
  const at = { unit: 'VERSION', point: 3 } as const;
  const [then] = (await fixture.catalog.snapshot([{ ...ref, at }])).tables;
  const rowsOf = (isTemporary: boolean): number => {
    const ids = new Set(
      required(then ?? undefined)
        .partitions.filter((one) => one.isTemporary === isTemporary)
        .map(({ id }) => id),
    );
    return (then?.files ?? [])
      .filter(({ partition }) => partition?.kind === 'id' && ids.has(partition.id))
      .reduce((sum, file) => sum + file.rowCount, 0);
  };
  assert.deepEqual([rowsOf(false), rowsOf(true)], [5, 4]);
  assert.deepEqual((await fixture.catalog.audit.table(table.id)).problems, []);
});
