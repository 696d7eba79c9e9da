// Partitions in the commit: found or made for what it brings, gone ones refuse it, dropped ones take their rows along.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../src/base/errors.ts';
import { asId, type PartitionId, type TransactionId } from '../../../src/base/ids.ts';
import type { PartitionHooks } from '../../../src/commit/partition-commit.ts';
import { CatalogTurns } from '../../../src/commit/turn.ts';
import type { OtherCommit } from '../../../src/commit/types.ts';
import type { StagedPartition } from '../../../src/model/partition.ts';
import type { TableInfo } from '../../../src/model/table.ts';
import { CLICKS, type Fixture, openFixture, stagedFile } from '../../support/catalog-fixture.ts';

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof AppError && error.code === code;

const nothing: PartitionHooks = { onPartitionChange: async () => undefined };

function makeTable({ catalog }: Fixture, automatic: boolean): Promise<TableInfo> {
  return catalog.tables.create({
    ...CLICKS,
    name: 'parted',
    columns: [{ ...required(CLICKS.columns[0]), name: 'day', type: { kind: 'DATE' } }],
    distributedBy: [],
    partitions: {
      kind: 'range',
      automatic,
      items: [
        {
          column: 'day',
          transform: automatic ? { kind: 'date_trunc', unit: 'day' } : { kind: 'identity' },
        },
      ],
      list: automatic
        ? []
        : [range('p1', '2024-01-01', '2024-01-02'), range('p2', '2024-01-02', null)],
    },
  });
}

const range = (name: string, lower: string | null, upper: string | null) => ({
  name,
  isTemporary: false,
  bounds: { kind: 'range' as const, lower: [lower], upper: [upper] },
  properties: {},
});

function required<T>(value: T | undefined): T {
  assert.ok(value !== undefined);
  return value;
}

async function load(
  fixture: Fixture,
  table: TableInfo,
  label: string,
  parts: readonly (readonly [rows: number, partition: StagedPartition])[],
): Promise<OtherCommit> {
  const { transactionId } = await fixture.committer.beginOther({
    label,
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'FE: me',
  });
  const files = parts.map(([rows, partition]) => ({
    ...stagedFile(fixture, table, transactionId, rows),
    partition,
  }));
  return {
    transactionId,
    tableId: table.id,
    tables: [{ tableId: table.id, files }],
    rowsLoaded: parts.reduce((sum, [rows]) => sum + rows, 0),
    rowsFiltered: 0,
    errorSamples: [],
  };
}

const key = (text: string | null): StagedPartition => ({ kind: 'key', key: [text] });

async function figures({ catalog }: Fixture, table: TableInfo): Promise<[string, number][]> {
  const status = await catalog.partitions.status(table.id);
  return status.map(({ partition, rowCount }) => [partition.name, rowCount]);
}

test('keys make their partitions once, whatever the commit', async (t) => {
  const fixture = await openFixture(t);
  const table = await makeTable(fixture, true);
  const first = await load(fixture, table, 'a', [
    [5, key('2024-01-01')],
    [3, key(null)],
  ]);
  const result = await fixture.committer.commitOther(first);
  assert.equal(result.state, 'VISIBLE');
  const second = await load(fixture, table, 'b', [
    [2, key('2024-01-01')],
    [1, key('2024-02-01')],
  ]);
  await fixture.committer.commitOther(second);
  await fixture.reopen();
  assert.deepEqual(await fixture.committer.commitOther(first), result);
  assert.deepEqual(await figures(fixture, table), [
    ['p20240101', 7],
    ['p00000101', 3],
    ['p20240201', 1],
  ]);
  const ref = { databaseName: table.databaseName, tableName: table.name };
  const [entry] = (await fixture.catalog.snapshot([ref])).tables;
  assert.deepEqual(new Set(entry?.files.map(({ partition }) => partition?.kind)), new Set(['id']));
});

test('a partition that was dropped meanwhile refuses the whole load, for good', async (t) => {
  const fixture = await openFixture(t);
  const { committer, catalog } = fixture;
  const table = await makeTable(fixture, false);
  const [p1, p2] = (await catalog.partitions.list(table.id)).map(({ id }) => id);
  const id = (one: PartitionId | undefined): StagedPartition => ({ kind: 'id', id: required(one) });
  await committer.commitOther(
    await load(fixture, table, 'a', [
      [5, id(p1)],
      [2, id(p2)],
    ]),
  );
  const late = await load(fixture, table, 'b', [
    [1, id(p1)],
    [1, id(p2)],
  ]);
  const told: string[] = [];
  const hooks: PartitionHooks = {
    onPartitionChange: async (_, changed) => {
      told.push(changed.name);
    },
  };
  const drop = () => ({ drop: [required(p1)] });
  assert.equal(await committer.changePartitions(table.id, drop, hooks), true);
  assert.deepEqual(told, ['parted']);
  await assert.rejects(committer.commitOther(late), hasCode('PARTITION_GONE'));
  await assert.rejects(committer.commitOther(late), hasCode('PARTITION_GONE'));
  assert.deepEqual(await figures(fixture, table), [['p2', 2]]);
  const [status] = await catalog.tables.status([table.id]);
  assert.deepEqual([status?.rowCount, status?.fileCount, Number(status?.version)], [2, 1, 3]);
  const transaction = await catalog.transactions.find(asId<TransactionId>(late.transactionId));
  assert.equal(transaction?.state, 'ABORTED');
});

test('names are free again after a drop; two of one name cannot be', async (t) => {
  const fixture = await openFixture(t);
  const { committer, catalog } = fixture;
  const table = await makeTable(fixture, false);
  const again = (): Promise<boolean> =>
    committer.changePartitions(
      table.id,
      () => ({ add: [range('P1', '2020-01-01', '2020-01-02')] }),
      nothing,
    );
  await assert.rejects(again(), hasCode('PARTITION_EXISTS'));
  const dropFirst = (_: TableInfo, live: readonly { readonly id: PartitionId }[]) => ({
    drop: [required(live[0]).id],
  });
  await committer.changePartitions(table.id, dropFirst, nothing);
  await again();
  assert.deepEqual(
    (await catalog.partitions.list(table.id)).map(({ name }) => name),
    ['p2', 'P1'],
  );
});

test('merged files are neighbours inside their partition, and stay in it', async (t) => {
  const fixture = await openFixture(t);
  const table = await makeTable(fixture, true);
  for (const label of ['a', 'b']) {
    const days = await load(fixture, table, label, [
      [1, key('2024-01-01')],
      [1, key('2024-01-02')],
    ]);
    await fixture.committer.commitOther(days);
  }
  const ref = { databaseName: table.databaseName, tableName: table.name };
  const files = required((await fixture.catalog.snapshot([ref])).tables[0] ?? undefined).files;
  const partition = required(files[0]?.partition);
  const inputs = files.filter((file) => samePartition(file.partition, partition));
  assert.equal(inputs.length, 2);
  const { transactionId } = await fixture.committer.beginOther({
    label: 'compaction',
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'LAKE_COMPACTION',
    coordinator: 'FE: me',
  });
  const turns = new CatalogTurns(fixture.catalog, fixture.clock);
  const result = await fixture.committer.commitCompaction({
    transactionId,
    tableId: table.id,
    turn: await turns.acquire(table.id, {
      rank: 'COMPACTION',
      holder: 'compaction',
      leaseMs: 60_000,
      waitMs: 0,
    }),
    inputs: inputs.map(({ id }) => id),
    deletedRows: 0,
    overlaidRows: 0,
    outputs: [{ ...stagedFile(fixture, table, transactionId, 1), partition }],
    carried: null,
    merged: true,
  });
  assert.equal(result.state, 'VISIBLE');
  assert.deepEqual(await figures(fixture, table), [
    ['p20240101', 1],
    ['p20240102', 2],
  ]);
});

function samePartition(one: StagedPartition | undefined, other: StagedPartition): boolean {
  return one?.kind === 'id' && other.kind === 'id' && one.id === other.id;
}
