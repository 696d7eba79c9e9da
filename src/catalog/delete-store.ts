// Rows of deletes and of column overlays: which objects hold for which data file, from which version to which. Only
// commit/ may write here. Such an object goes when no live data file needs it any more.
import { assert } from '../base/assert.ts';
import {
  asId,
  type DeleteFileId,
  type FieldId,
  type FileId,
  type TableId,
  type TableVersion,
  type TransactionId,
  type VolumeId,
} from '../base/ids.ts';
import type { StagedDeletes, StagedOverlay } from '../model/load-plan.ts';
import type { DeleteFile, FileOverlay, OverlayFile, StagedObject } from '../model/table.ts';
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

export interface NewOverlay {
  readonly id: DeleteFileId;
  readonly tableId: TableId;
  readonly version: TableVersion;
  readonly overlay: StagedOverlay;
}

/** How a live data file is changed now. */
export interface PatchesOfFile {
  /** Of its delete objects and overlays. */
  readonly newestPatch: DeleteFileId | null;
  readonly deletedRows: number;
  /** Rows of all its overlays: only grows while the file is live. */
  readonly overlaidRows: number;
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

  /** Of those of `ids` that are live files of the table: how they are changed. */
  async standing(
    tableId: TableId,
    ids: readonly FileId[],
  ): Promise<ReadonlyMap<FileId, PatchesOfFile>> {
    const { db } = this.#context;
    const found = new Map<FileId, PatchesOfFile>();
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
          fn.sum<number | null>('file_deletes.overlay_rows').as('overlaid'),
        ])
        .where('files.id', 'in', chunk)
        .where('files.table_id', '=', tableId)
        .where('files.removed_version', 'is', null)
        .groupBy('files.id')
        .execute();
      for (const { id, newest, positions, overlaid } of rows) {
        found.set(asId<FileId>(id), {
          newestPatch: newest === null ? null : asId<DeleteFileId>(Number(newest)),
          deletedRows: Number(positions ?? 0),
          overlaidRows: Number(overlaid ?? 0),
        });
      }
    }
    return found;
  }

  /** The writes of a commit's deletes: the object, its positions, and what it replaces. */
  async add({ id, tableId, version, deletes }: NewDeletes, transactionId: TransactionId) {
    const { db } = this.#context;
    const { object, touched } = deletes;
    await this.#addObject({ id, tableId, version, object, fieldsJson: '' }, transactionId);
    const rows = touched.map(({ fileId, positions }) => ({
      file_id: fileId,
      delete_file_id: id,
      table_id: tableId,
      positions,
      added_version: version,
      removed_version: null,
      overlay_rows: 0,
      overlay_part: 0,
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

  /** The writes of a commit's overlay: the object, and what it holds of which data file. */
  async addOverlay({ id, tableId, version, overlay }: NewOverlay, transactionId: TransactionId) {
    const { db } = this.#context;
    const { object, touched, fieldIds } = overlay;
    const fieldsJson = JSON.stringify(fieldIds);
    await this.#addObject({ id, tableId, version, object, fieldsJson }, transactionId);
    const rows = touched.map(({ fileId, part, rows }) => ({
      file_id: fileId,
      delete_file_id: id,
      table_id: tableId,
      positions: 0,
      added_version: version,
      removed_version: null,
      overlay_rows: rows,
      overlay_part: part,
    }));
    await runBatch(
      db,
      chunksOf(rows).map((chunk) => db.insertInto('file_deletes').values(chunk)),
    );
  }

  async #addObject(
    added: Pick<NewDeletes, 'id' | 'tableId' | 'version'> & {
      readonly object: StagedObject;
      readonly fieldsJson: string;
    },
    transactionId: TransactionId,
  ): Promise<void> {
    const { db, nowMs } = this.#context;
    const { id, tableId, version, object, fieldsJson } = added;
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
        overlay_fields_json: fieldsJson,
      })
      .execute();
  }

  /** The data files left their table at `version`: so do their deletes and overlays. */
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

/** Live deletes and overlays of data files with the object that holds them, oldest first. */
export function selectLiveDeletes(db: MetadataDb) {
  return selectDeletes(db).where('file_deletes.removed_version', 'is', null);
}

/** Deletes and overlays of data files with the object that holds them, oldest first. */
export function selectDeletes(db: MetadataDb) {
  return db
    .selectFrom('file_deletes')
    .innerJoin('delete_files', 'delete_files.id', 'file_deletes.delete_file_id')
    .select([
      'file_deletes.file_id',
      'file_deletes.positions',
      'file_deletes.overlay_rows',
      'file_deletes.overlay_part',
      'delete_files.id',
      'delete_files.volume_id',
      'delete_files.file_key',
      'delete_files.size_bytes',
      'delete_files.row_count',
      'delete_files.overlay_fields_json',
    ])
    .orderBy('delete_files.id');
}

interface DeleteRow {
  readonly file_id: number;
  readonly positions: number;
  readonly overlay_rows: number;
  readonly overlay_part: number;
  readonly id: number;
  readonly volume_id: number;
  readonly file_key: string;
  readonly size_bytes: number;
  readonly row_count: number;
  readonly overlay_fields_json: string;
}

/** By the id of the data file; one without deletes and overlays is not in it. */
export type DeletesByFile = ReadonlyMap<
  number,
  {
    readonly deletes: readonly DeleteFile[];
    readonly deletedRows: number;
    readonly overlays: readonly FileOverlay[];
  }
>;

/** How each data file is changed. One object is one value, however many files it holds something of. */
export function readDeletes(rows: readonly DeleteRow[]): DeletesByFile {
  const deletes = new Map<number, DeleteFile>();
  const overlays = new Map<number, OverlayFile>();
  const files = new Map<
    number,
    { deletes: DeleteFile[]; deletedRows: number; overlays: FileOverlay[] }
  >();
  for (const row of rows) {
    const file = files.get(row.file_id) ?? { deletes: [], deletedRows: 0, overlays: [] };
    files.set(row.file_id, file);
    if (row.overlay_fields_json === '') {
      const object = deletes.get(row.id) ?? readObject(row);
      deletes.set(row.id, object);
      file.deletes.push(object);
      file.deletedRows += row.positions;
    } else {
      const object = overlays.get(row.id) ?? readOverlay(row);
      overlays.set(row.id, object);
      file.overlays.push({ object, part: row.overlay_part, rows: row.overlay_rows });
    }
  }
  return files;
}

function readObject(row: DeleteRow): DeleteFile {
  return {
    id: asId<DeleteFileId>(row.id),
    volumeId: asId<VolumeId>(row.volume_id),
    key: row.file_key,
    sizeBytes: row.size_bytes,
    rowCount: row.row_count,
  };
}

function readOverlay(row: DeleteRow): OverlayFile {
  const fieldIds = JSON.parse(row.overlay_fields_json) as number[];
  return { ...readObject(row), fieldIds: fieldIds.map((id) => asId<FieldId>(id)) };
}

function chunksOf<T>(values: readonly T[]): readonly (readonly T[])[] {
  assert(values.length <= 1_000_000, 'a bounded number of files in one commit');
  return Array.from({ length: Math.ceil(values.length / CHUNK) }, (_, index) =>
    values.slice(index * CHUNK, (index + 1) * CHUNK),
  );
}
