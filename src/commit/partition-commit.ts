// Changes of a table's partitions: made, dropped with their rows, emptied, renamed, put in another's place. All
// of a statement is one SQL transaction; where rows come or go it is a new version of the table.
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { PartitionId, TableId } from '../base/ids.ts';
import type { Catalog, CatalogScope } from '../catalog/catalog.ts';
import type { NewPartition, PartitionStore } from '../catalog/partition-store.ts';
import type { Partition } from '../model/partition.ts';
import type { TableInfo } from '../model/table.ts';
import { checkLeader } from './judge.ts';

export interface PartitionChange {
  /** They go, with their rows. */
  readonly drop?: readonly PartitionId[];
  /** Their rows go. */
  readonly empty?: readonly PartitionId[];
  /** Others by the same ids. A temporary one that becomes ordinary shows its rows. */
  readonly alter?: readonly ({ readonly id: PartitionId } & Parameters<
    PartitionStore['alter']
  >[1])[];
  readonly add?: readonly NewPartition[];
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

/** False when nothing changed. Throws UNKNOWN_TABLE, SYSTEM_OBJECT, LEADER_LOST, PARTITION_EXISTS and what `make` throws. */
export async function changePartitions(
  catalog: Catalog,
  tableId: TableId,
  make: PartitionMaker,
  hooks: PartitionHooks,
): Promise<boolean> {
  const transactionId = await catalog.begins.reserveTransactionId();
  const changed = await catalog.transaction(async (scope) => {
    checkLeader(catalog, await scope.commits.currentLeaderEpoch());
    const table = await scope.tables.byId(tableId);
    if (table === null) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
    const change = make(table, await scope.partitions.list(tableId));
    if (change === null) return false;
    const { drop = [], empty = [], alter = [], add = [] } = change;
    const shows = alter.some(({ isTemporary }) => isTemporary === false);
    if (drop.length > 0 || empty.length > 0 || shows) {
      await scope.partitionFiles.remove(tableId, [...drop, ...empty], transactionId);
    }
    if (drop.length > 0) await scope.partitions.drop(drop);
    for (const { id, ...changes } of alter) await scope.partitions.alter(id, changes);
    if (add.length > 0) await scope.partitions.add(tableId, add);
    failpoint('partitions.in-sql');
    if (drop.length > 0 || add.length > 0 || shows) await hooks.onPartitionChange(scope, table);
    return true;
  });
  failpoint('partitions.after-sql');
  return changed;
}
