// The SQL of INSERT OVERWRITE: old files of a table, or of some of its partitions, leave it at the version at which
// the new ones come. Only commit/ may call it, inside its transaction and before the new files are there.
import {
  asId,
  type FileId,
  type PartitionId,
  type TableId,
  type TableVersion,
} from '../base/ids.ts';
import type { CommitStore, TableGrowth } from './commit-store.ts';
import type { CatalogContext } from './context.ts';
import { removeAllFiles } from './truncate-store.ts';

/** Files that leave in one step: a bound on the values of one statement. */
const REMOVED_AT_ONCE = 10_000;

/** All files leave a table at `version`, which then holds what `left` says. */
export async function replaceAllFiles(
  context: CatalogContext,
  left: TableGrowth,
  version: TableVersion,
): Promise<void> {
  await removeAllFiles(context, left.tableId, version);
  await context.db
    .updateTable('tables')
    .set({ live_files: left.files, live_rows: left.rows, live_bytes: left.sizeBytes })
    .where('id', '=', left.tableId)
    .execute();
}

/** All files of the partitions leave a table at `version`. */
export async function removePartitionFiles(
  { db }: CatalogContext,
  commits: Pick<CommitStore, 'removeFiles' | 'grow'>,
  {
    tableId,
    ids,
    version,
  }: {
    readonly tableId: TableId;
    readonly ids: readonly PartitionId[];
    readonly version: TableVersion;
  },
): Promise<void> {
  if (ids.length === 0) return;
  const live = await db
    .selectFrom('files')
    .select('id')
    .where('table_id', '=', tableId)
    .where('partition_id', 'in', [...ids])
    .where('removed_version', 'is', null)
    .execute();
  const old = live.map((row) => asId<FileId>(row.id));
  for (let from = 0; from < old.length; from += REMOVED_AT_ONCE) {
    const chunk = old.slice(from, from + REMOVED_AT_ONCE);
    const removed = await commits.removeFiles(tableId, chunk, version);
    const rows = removed.reduce((sum, file) => sum + file.rowCount - file.deletedRows, 0);
    const sizeBytes = removed.reduce((sum, file) => sum + file.sizeBytes, 0);
    await commits.grow(tableId, -rows, -sizeBytes);
    await db
      .updateTable('tables')
      .set((eb) => ({ live_files: eb('live_files', '-', removed.length) }))
      .where('id', '=', tableId)
      .execute();
  }
}
