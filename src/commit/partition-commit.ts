// Changes of a table's partitions: made, dropped with their rows, emptied, renamed, put in another's place. All
// of a statement is one SQL transaction; where rows come or go it is a new version of the table.
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { FileId, PartitionId, TableId, TableVersion, TransactionId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { NewPartition, PartitionStore } from '../catalog/partition-store.ts';
import type { Partition } from '../model/partition.ts';
import type { TableInfo } from '../model/table.ts';
import { checkLeader } from './judge.ts';
import { sum } from './sum.ts';

export interface PartitionChange {
  /** They go, with their rows. */
  readonly drop?: readonly PartitionId[];
  /** What is dropped cannot be recovered. */
  readonly force?: boolean;
  /** Their rows go. */
  readonly empty?: readonly PartitionId[];
  /** Others by the same ids. */
  readonly alter?: readonly ({ readonly id: PartitionId } & Parameters<
    PartitionStore['alter']
  >[1])[];
  readonly add?: readonly NewPartition[];
  /** New ones with the rows of a temporary one, which goes. After `drop`. */
  readonly turn?: readonly { readonly from: PartitionId; readonly into: NewPartition }[];
}

/** What changes, from the table and its live partitions at this moment; null = nothing. May throw. */
export type PartitionMaker = (
  table: TableInfo,
  partitions: readonly Partition[],
) => PartitionChange | null;

export interface PartitionHooks {
  /** Inside the SQL transaction: partitions that rows go to came or went. */
  onPartitionChange(scope: CatalogScope, table: TableInfo): Promise<void>;
}

/** Ids of files cannot be reserved inside the transaction that needs them: it is run again with more of them. */
class MoreFileIds extends Error {
  readonly count: number;

  constructor(count: number) {
    super(`${count} ids of files are needed`);
    this.count = count;
  }
}

/** False when nothing changed. Throws UNKNOWN_TABLE, SYSTEM_OBJECT, LEADER_LOST, PARTITION_EXISTS and what `make` throws. */
export function changePartitions(
  catalog: Catalog,
  tableId: TableId,
  make: PartitionMaker,
  hooks: PartitionHooks,
): Promise<boolean> {
  return inTransaction(catalog, tableId, async (scope, table, { transactionId, ids }) => {
    const change = make(table, await scope.partitions.list(tableId));
    if (change === null) return false;
    const { drop = [], empty = [], alter = [], add = [], turn = [] } = change;
    const takenFrom = turn.map(({ from }) => from);
    const gone = [...drop, ...takenFrom];
    const counts = await Promise.all(
      takenFrom.map((from) => scope.partitionFiles.countLive(tableId, from)),
    );
    if (sum(counts) > ids.length) throw new MoreFileIds(sum(counts));
    if (gone.length > 0 || empty.length > 0) {
      const leaving = [...gone, ...empty];
      const version = await scope.partitionFiles.remove(tableId, leaving, transactionId);
      if (drop.length > 0) await scope.partitions.drop(drop, version, change.force === true);
      if (takenFrom.length > 0) await scope.partitions.drop(takenFrom, version, true);
      await bringOver(scope, tableId, { version, turn, counts, ids });
    }
    for (const { id, ...changes } of alter) await scope.partitions.alter(id, changes);
    if (add.length > 0) await scope.partitions.add(tableId, add);
    failpoint('partitions.in-sql');
    if (gone.length > 0 || add.length > 0) await hooks.onPartitionChange(scope, table);
    return true;
  });
}

/** The rows of temporary partitions, at the version at which they left, in the new ordinary ones. */
async function bringOver(
  scope: CatalogScope,
  tableId: TableId,
  {
    version,
    turn,
    counts,
    ids,
  }: {
    readonly version: TableVersion;
    readonly turn: NonNullable<PartitionChange['turn']>;
    readonly counts: readonly number[];
    readonly ids: readonly FileId[];
  },
): Promise<void> {
  const added = await scope.partitions.add(
    tableId,
    turn.map(({ into }) => into),
  );
  let next = 0;
  for (const [index, { from }] of turn.entries()) {
    const into = present(added[index], 'the partition that was made');
    const count = present(counts[index], 'the count of its files');
    await scope.partitionFiles.bringBack(
      tableId,
      { partitionId: from, left: version },
      { partitionId: into.id, version },
      ids.slice(next, next + count),
    );
    next += count;
  }
}

/**
 * A partition that was dropped comes back with the rows that it had then, at a new version of the table. Throws
 * NOT_IN_RECYCLE_BIN, PARTITION_EXISTS, PARTITION_OVERLAPS, UNKNOWN_TABLE, SYSTEM_OBJECT, LEADER_LOST.
 */
export async function recoverPartition(
  catalog: Catalog,
  tableId: TableId,
  name: string,
  hooks: PartitionHooks,
): Promise<void> {
  await inTransaction(catalog, tableId, async (scope, table, { transactionId, ids }) => {
    const found = await scope.partitions.dropped(tableId, name);
    if (found === null) {
      const full = `${table.databaseName}.${table.name}.${name}`;
      throw fail('NOT_IN_RECYCLE_BIN', { what: 'partition', name: full });
    }
    const { partition, version: left } = found;
    if (left < (table.rewrittenVersion ?? 0)) {
      throw fail('VERSION_REWRITTEN', {
        what: `Partition ${partition.name}`,
        table: table.name,
        version: table.rewrittenVersion ?? 0,
      });
    }
    const { partitionFiles } = scope;
    const count = await partitionFiles.countThatLeft(tableId, partition.id, left);
    if (count > ids.length) throw new MoreFileIds(count);
    await scope.partitions.revive(tableId, new Set([Number(partition.id)]));
    const version = await partitionFiles.remove(tableId, [], transactionId);
    const from = { partitionId: partition.id, left };
    const into = { partitionId: partition.id, version };
    await partitionFiles.bringBack(tableId, from, into, ids.slice(0, count));
    failpoint('partitions.in-sql');
    await hooks.onPartitionChange(scope, table);
    return true;
  });
}

/** What a run of the transaction may use: both were reserved before it. */
interface Reserved {
  readonly transactionId: TransactionId;
  readonly ids: readonly FileId[];
}

async function inTransaction(
  catalog: Catalog,
  tableId: TableId,
  work: (scope: CatalogScope, table: TableInfo, reserved: Reserved) => Promise<boolean>,
): Promise<boolean> {
  const transactionId = await catalog.begins.reserveTransactionId();
  for (let ids: readonly FileId[] = []; ; ) {
    try {
      const changed = await catalog.transaction(async (scope) => {
        checkLeader(catalog, await scope.commits.currentLeaderEpoch());
        const table = await scope.tables.byId(tableId);
        if (table === null) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
        return await work(scope, table, { transactionId, ids });
      });
      failpoint('partitions.after-sql');
      return changed;
    } catch (error) {
      if (!(error instanceof MoreFileIds)) throw error;
      ids = await catalog.commits.reserveFileIds(error.count);
    }
  }
}
