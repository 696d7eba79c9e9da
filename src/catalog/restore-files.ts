// Files that left a table come back to it at a new version: the objects are the same, their rows are copies under new
// ids, in the order and with all marks of the old. For ROLLBACK, RECOVER PARTITION and REPLACE PARTITION; only
// commit/ may call what calls it, inside its transaction.
import { assert, present } from '../base/assert.ts';
import {
  asId,
  type FileId,
  type PartitionId,
  type TableId,
  type TableVersion,
} from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { type MetadataDb, runBatch } from './driver/batch.ts';
import type { HeldAfter } from './instant-change.ts';
import type { FileDeletesTable, FilesTable } from './schema/tables.ts';

/** Rows of one INSERT and values of one IN list: SQLite binds 32,766 values at most. */
const CHUNK = 500;

/** Files as they stood at one version, with what was deleted of them then. */
export interface FilesThen {
  readonly files: readonly FilesTable[];
  readonly deletes: readonly FileDeletesTable[];
}

/** What a partition held when its files left the table at `version`. */
export async function rowsThatLeft(
  { db }: CatalogContext,
  tableId: TableId,
  partitionId: PartitionId,
  version: TableVersion,
): Promise<FilesThen> {
  const own = db
    .selectFrom('files')
    .where('table_id', '=', tableId)
    .where('partition_id', '=', partitionId)
    .where('removed_version', '=', version);
  const [files, deletes] = await runBatch(db, [
    own.selectAll().orderBy('id'),
    db
      .selectFrom('file_deletes')
      .selectAll()
      .where('table_id', '=', tableId)
      .where('removed_version', '=', version)
      .where('file_id', 'in', own.select('id')),
  ]);
  return { files, deletes };
}

/** The files at `version`, as many ids as there are, in their partitions or in the one that `into` says. */
export async function restoreFiles(
  { db }: { readonly db: MetadataDb },
  { files, deletes }: FilesThen,
  version: TableVersion,
  ids: readonly FileId[],
  into?: PartitionId,
): Promise<HeldAfter> {
  assert(ids.length === files.length, 'the files of a version do not change while it can be read');
  const idOf = new Map(files.map((file, index) => [file.id, present(ids[index], 'an id')]));
  const copies = files.map((file) => ({
    ...file,
    id: present(idOf.get(file.id), 'an id'),
    added_version: version,
    removed_version: null,
    removed_ms: null,
    restored_version: version,
    partition_id: into ?? file.partition_id,
  }));
  const marks = deletes.map((row) => ({
    ...row,
    file_id: asId<FileId>(present(idOf.get(row.file_id), 'the file of a delete')),
    added_version: version,
    removed_version: null,
  }));
  // Needed again, whatever became of them since.
  const objects = [...new Set(deletes.map((row) => row.delete_file_id))];
  await runBatch(db, [
    ...chunksOf(copies).map((chunk) => db.insertInto('files').values(chunk)),
    ...chunksOf(marks).map((chunk) => db.insertInto('file_deletes').values(chunk)),
    ...chunksOf(objects).map((chunk) =>
      db
        .updateTable('delete_files')
        .set({ removed_version: null, removed_ms: null })
        .where('id', 'in', chunk),
    ),
  ]);
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  return {
    files: files.length,
    rows: sum(files.map((file) => file.row_count)) - sum(deletes.map((row) => row.positions)),
    sizeBytes: sum(files.map((file) => file.size_bytes)),
  };
}

function chunksOf<T>(values: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(values.length / CHUNK) }, (_, index) =>
    values.slice(index * CHUNK, (index + 1) * CHUNK),
  );
}
