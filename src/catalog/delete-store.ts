// Rows of deletes: which position-delete objects hold for which data file, from which version to which. Only
// commit/ may write here. A delete object goes when no live data file needs it any more.
import { assert } from '../base/assert.ts';
import {
  asId,
  type DeleteFileId,
  type FileId,
  type TableId,
  type TableVersion,
  type TransactionId,
  type VolumeId,
} from '../base/ids.ts';
import type { StagedDeletes } from '../model/load-plan.ts';
import type { DeleteFile } from '../model/table.ts';
import type { CatalogContext } from './context.ts';
import { type MetadataDb, runBatch } from './driver/batch.ts';

/** Rows of one INSERT and values of one IN list: SQLite binds 32,766 values at most. */
const CHUNK = 500;

export interface NewDeletes {
  readonly id: DeleteFileId;
  readonly tableId: TableId;
  readonly version: TableVersion;
  readonly deletes: StagedDeletes;
}

/** What is deleted of a live data file now. */
export interface DeletesOfFile {
  readonly newestDelete: DeleteFileId | null;
  readonly deletedRows: number;
}

export class DeleteStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** Not inside a transaction. */
  reserveIds(count: number): Promise<readonly DeleteFileId[]> {
    return this.#context.ids.many<DeleteFileId>('file', count);
  }

  /** Of those of `ids` that are live files of the table: what is deleted of them. */
  async standing(
    tableId: TableId,
    ids: readonly FileId[],
  ): Promise<ReadonlyMap<FileId, DeletesOfFile>> {
    const { db } = this.#context;
    const found = new Map<FileId, DeletesOfFile>();
    for (const chunk of chunksOf(ids)) {
      const rows = await db
        .selectFrom('files')
        .leftJoin('file_deletes', (join) =>
          join
            .onRef('file_deletes.file_id', '=', 'files.id')
            .on('file_deletes.removed_version', 'is', null),
        )
        .select(({ fn }) => [
          'files.id',
          fn.max('file_deletes.delete_file_id').as('newest'),
          fn.sum<number | null>('file_deletes.positions').as('positions'),
        ])
        .where('files.id', 'in', chunk)
        .where('files.table_id', '=', tableId)
        .where('files.removed_version', 'is', null)
        .groupBy('files.id')
        .execute();
      for (const { id, newest, positions } of rows) {
        found.set(asId<FileId>(id), {
          newestDelete: newest === null ? null : asId<DeleteFileId>(Number(newest)),
          deletedRows: Number(positions ?? 0),
        });
      }
    }
    return found;
  }

  /** The writes of a commit's deletes: the object, its positions, and what it replaces. */
  async add({ id, tableId, version, deletes }: NewDeletes, transactionId: TransactionId) {
    const { db, nowMs } = this.#context;
    const { object, touched } = deletes;
    await db
      .insertInto('delete_files')
      .values({
        id,
        table_id: tableId,
        transaction_id: transactionId,
        volume_id: object.volumeId,
        file_key: object.key,
        size_bytes: object.sizeBytes,
        row_count: object.rowCount,
        added_version: version,
        added_ms: nowMs(),
        removed_version: null,
        removed_ms: null,
      })
      .execute();
    const rows = touched.map(({ fileId, positions }) => ({
      file_id: fileId,
      delete_file_id: id,
      table_id: tableId,
      positions,
      added_version: version,
      removed_version: null,
    }));
    // First what is replaced: the new rows must not count as live ones of the old objects.
    const replacing = touched.filter(({ replaces }) => replaces.length > 0);
    await runBatch(db, [
      ...replacing.map(({ fileId, replaces }) =>
        db
          .updateTable('file_deletes')
          .set({ removed_version: version })
          .where('file_id', '=', fileId)
          .where('delete_file_id', 'in', replaces)
          .where('removed_version', 'is', null),
      ),
      ...chunksOf(rows).map((chunk) => db.insertInto('file_deletes').values(chunk)),
    ]);
    const replaced = [...new Set(replacing.flatMap(({ replaces }) => replaces))];
    await this.#removeUnneeded(replaced, version);
  }

  /** The data files left their table at `version`: so do their deletes. */
  async removeOf(ids: readonly FileId[], version: TableVersion): Promise<void> {
    const { db } = this.#context;
    for (const chunk of chunksOf(ids)) {
      const rows = await db
        .updateTable('file_deletes')
        .set({ removed_version: version })
        .where('file_id', 'in', chunk)
        .where('removed_version', 'is', null)
        .returning('delete_file_id')
        .execute();
      const objects = new Set(rows.map((row) => asId<DeleteFileId>(row.delete_file_id)));
      await this.#removeUnneeded([...objects], version);
    }
  }

  /** All deletes of a table end at `version`. */
  async removeAll(tableId: TableId, version: TableVersion): Promise<void> {
    const { db, nowMs } = this.#context;
    await runBatch(db, [
      db
        .updateTable('file_deletes')
        .set({ removed_version: version })
        .where('table_id', '=', tableId)
        .where('removed_version', 'is', null),
      db
        .updateTable('delete_files')
        .set({ removed_version: version, removed_ms: nowMs() })
        .where('table_id', '=', tableId)
        .where('removed_version', 'is', null),
    ]);
  }

  async #removeUnneeded(ids: readonly DeleteFileId[], version: TableVersion): Promise<void> {
    const { db, nowMs } = this.#context;
    for (const chunk of chunksOf(ids)) {
      await db
        .updateTable('delete_files')
        .set({ removed_version: version, removed_ms: nowMs() })
        .where('id', 'in', chunk)
        .where('removed_version', 'is', null)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('file_deletes')
                .select('file_deletes.file_id')
                .whereRef('file_deletes.delete_file_id', '=', 'delete_files.id')
                .where('file_deletes.removed_version', 'is', null),
            ),
          ),
        )
        .execute();
    }
  }
}

/** Live deletes of data files with the object that holds them, oldest first. */
export function selectLiveDeletes(db: MetadataDb) {
  return selectDeletes(db).where('file_deletes.removed_version', 'is', null);
}

/** Deletes of data files with the object that holds them, oldest first. */
export function selectDeletes(db: MetadataDb) {
  return db
    .selectFrom('file_deletes')
    .innerJoin('delete_files', 'delete_files.id', 'file_deletes.delete_file_id')
    .select([
      'file_deletes.file_id',
      'file_deletes.positions',
      'delete_files.id',
      'delete_files.volume_id',
      'delete_files.file_key',
      'delete_files.size_bytes',
      'delete_files.row_count',
    ])
    .orderBy('delete_files.id');
}

interface DeleteRow {
  readonly file_id: number;
  readonly positions: number;
  readonly id: number;
  readonly volume_id: number;
  readonly file_key: string;
  readonly size_bytes: number;
  readonly row_count: number;
}

/** By the id of the data file; one without deletes is not in it. */
export type DeletesByFile = ReadonlyMap<
  number,
  { readonly deletes: readonly DeleteFile[]; readonly deletedRows: number }
>;

/** What is deleted of each data file. One object is one value, however many files it holds positions of. */
export function readDeletes(rows: readonly DeleteRow[]): DeletesByFile {
  const objects = new Map<number, DeleteFile>();
  const files = new Map<number, { deletes: DeleteFile[]; deletedRows: number }>();
  for (const row of rows) {
    let object = objects.get(row.id);
    if (object === undefined) {
      object = {
        id: asId<DeleteFileId>(row.id),
        volumeId: asId<VolumeId>(row.volume_id),
        key: row.file_key,
        sizeBytes: row.size_bytes,
        rowCount: row.row_count,
      };
      objects.set(row.id, object);
    }
    const file = files.get(row.file_id) ?? { deletes: [], deletedRows: 0 };
    file.deletes.push(object);
    file.deletedRows += row.positions;
    files.set(row.file_id, file);
  }
  return files;
}

function chunksOf<T>(values: readonly T[]): readonly (readonly T[])[] {
  assert(values.length <= 1_000_000, 'a bounded number of files in one commit');
  return Array.from({ length: Math.ceil(values.length / CHUNK) }, (_, index) =>
    values.slice(index * CHUNK, (index + 1) * CHUNK),
  );
}
