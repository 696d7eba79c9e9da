// Which partitions a commit changes: those of the files that it adds, of files whose rows it deletes or gives newer
// values, and those that it empties. A table without partitions has none.
import type { PartitionId, TableId } from '../base/ids.ts';
import type { NewFile } from './commit-store.ts';
import type { CatalogContext } from './context.ts';
import type { NewDeletes, NewOverlay } from './delete-store.ts';

/** Ids in order, each once. */
export interface CommittedPartitions {
  readonly tableId: TableId;
  readonly partitionIds: readonly number[];
}

export interface CommittedParts {
  readonly files: readonly NewFile[];
  /** The partition of each file, 0 = of a table without. */
  readonly placed: readonly number[];
  readonly patches: readonly (NewDeletes | NewOverlay)[];
  readonly emptied: readonly {
    readonly tableId: TableId;
    readonly partitionIds: readonly PartitionId[];
  }[];
}

/** Values of one IN list. */
const CHUNK = 1000;

/** By table, tables without partitions left out. Inside the transaction of the commit. */
export async function committedPartitions(
  { db }: CatalogContext,
  { files, placed, patches, emptied }: CommittedParts,
): Promise<readonly CommittedPartitions[]> {
  const found = new Map<TableId, Set<number>>();
  const add = (tableId: TableId, partitionId: number): void => {
    if (partitionId === 0) return;
    const known = found.get(tableId) ?? new Set();
    found.set(tableId, known.add(partitionId));
  };
  for (const [index, { tableId }] of files.entries()) add(tableId, placed[index] ?? 0);
  for (const { tableId, partitionIds } of emptied) {
    for (const id of partitionIds) add(tableId, id);
  }
  for (const patch of patches) {
    const { touched } = 'deletes' in patch ? patch.deletes : patch.overlay;
    for (let from = 0; from < touched.length; from += CHUNK) {
      const rows = await db
        .selectFrom('files')
        .select('partition_id')
        .distinct()
        .where(
          'id',
          'in',
          touched.slice(from, from + CHUNK).map(({ fileId }) => fileId),
        )
        .execute();
      for (const row of rows) add(patch.tableId, row.partition_id);
    }
  }
  return [...found]
    .map(([tableId, ids]) => ({ tableId, partitionIds: [...ids].sort((a, b) => a - b) }))
    .sort((a, b) => a.tableId - b.tableId);
}
