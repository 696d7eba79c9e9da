// What a reader sees: heads and live files of several tables, from one metadata read.
import {
  asId,
  type FileId,
  type PartitionId,
  type TableId,
  type TableVersion,
  type TransactionId,
  type VolumeId,
} from '../base/ids.ts';
import { type ColumnStats, type DataFile, volumesOfFile } from '../model/table.ts';
import type { Catalog, Snapshot, SnapshotTable, TableRef } from './catalog.ts';
import type { CatalogContext } from './context.ts';
import { type DeletesByFile, readDeletes, selectLiveDeletes } from './delete-store.ts';
import { type MetadataDb, runBatch } from './driver/batch.ts';
import { readPartition, selectPartitions } from './partition-store.ts';
import { readTable, selectTables } from './tables.ts';
import { readView, selectViews } from './views.ts';
import { readVolume } from './volumes.ts';

export async function readSnapshotHeads(
  context: CatalogContext,
  refs: readonly TableRef[],
): Promise<Snapshot> {
  const names = [...new Set(refs.map((ref) => ref.tableName))];
  const databases = [...new Set(refs.map((ref) => ref.databaseName))];
  const sessions = [...new Set(['', ...refs.map((ref) => ref.sessionId ?? '')])];
  // A superset (names x databases) where several databases are named: small, and still one read.
  const wanted = selectTables(context)
    .where('tables.name', 'in', names.length === 0 ? [''] : names)
    .where('databases.name', 'in', databases.length === 0 ? [''] : databases)
    .where('tables.session_id', 'in', sessions);
  const wantedIds = wanted.clearSelect().select('tables.id');
  const [tableRows, fileRows, deleteRows, partitionRows, databaseRows, volumeRows, viewRows] =
    await runBatch(context.db, [
      wanted,
      selectLiveFiles(context.db).where('files.table_id', 'in', wantedIds),
      selectLiveDeletes(context.db).where('file_deletes.table_id', 'in', wantedIds),
      selectPartitions(context.db).where('partitions.table_id', 'in', wantedIds),
      context.db.selectFrom('databases').select('name').where('dropped_ms', 'is', null),
      context.db.selectFrom('volumes').selectAll(),
      selectViews(context)
        .where('views.name', 'in', names.length === 0 ? [''] : names)
        .where('databases.name', 'in', databases.length === 0 ? [''] : databases),
    ]);
  const deletes = readDeletes(deleteRows);
  const files = Map.groupBy(fileRows, (row) => row.table_id);
  const partitions = Map.groupBy(partitionRows, (row) => row.table_id);
  const found = new Map<string, SnapshotTable>();
  for (const row of tableRows) {
    found.set(`${row.database_name}\n${row.name}\n${row.session_id}`, {
      table: readTable(row),
      version: asId<TableVersion>(row.head_version),
      files: (files.get(row.id) ?? []).map((file) => readFile(file, deletes)),
      partitions: (partitions.get(row.id) ?? []).map(readPartition),
    });
  }
  const tables = refs.map(({ databaseName, tableName, sessionId = '' }) => {
    const key = `${databaseName}\n${tableName}`;
    return found.get(`${key}\n${sessionId}`) ?? found.get(`${key}\n`) ?? null;
  });
  const views = new Map(viewRows.map((row) => [`${row.database_name}\n${row.name}`, row]));
  const used = new Set(tables.flatMap((entry) => entry?.files.flatMap(volumesOfFile) ?? []));
  return {
    tables,
    views: refs.map(({ databaseName, tableName }, index) => {
      const row = views.get(`${databaseName}\n${tableName}`);
      return row === undefined || tables[index] !== null ? null : readView(row);
    }),
    databaseNames: new Set(databaseRows.map((row) => row.name)),
    volumes: volumeRows
      .filter((row) => used.has(asId<VolumeId>(row.id)))
      .map((row) => readVolume(context, row)),
  };
}

/** As readSnapshot, of one table by its id. */
export async function readTableSnapshot(
  context: CatalogContext,
  id: TableId,
): ReturnType<Catalog['snapshotOf']> {
  const [tableRows, fileRows, deleteRows, partitionRows, volumeRows] = await runBatch(context.db, [
    selectTables(context).where('tables.id', '=', id),
    selectLiveFiles(context.db).where('files.table_id', '=', id),
    selectLiveDeletes(context.db).where('file_deletes.table_id', '=', id),
    selectPartitions(context.db).where('partitions.table_id', '=', id),
    context.db.selectFrom('volumes').selectAll(),
  ]);
  const row = tableRows[0];
  if (row === undefined) return null;
  const deletes = readDeletes(deleteRows);
  const files = fileRows.map((file) => readFile(file, deletes));
  const used = new Set(files.flatMap(volumesOfFile));
  return {
    entry: {
      table: readTable(row),
      version: asId<TableVersion>(row.head_version),
      files,
      partitions: partitionRows.map(readPartition),
    },
    volumes: volumeRows
      .filter((volume) => used.has(asId<VolumeId>(volume.id)))
      .map((volume) => readVolume(context, volume)),
  };
}

/** Live files in commit order. */
export function selectLiveFiles(db: MetadataDb) {
  return selectFiles(db).where('files.removed_version', 'is', null);
}

/** Files in commit order. */
export function selectFiles(db: MetadataDb) {
  return db
    .selectFrom('files')
    .select([
      'files.id',
      'files.table_id',
      'files.transaction_id',
      'files.volume_id',
      'files.file_key',
      'files.size_bytes',
      'files.row_count',
      'files.stats_json',
      'files.added_ms',
      'files.partition_id',
    ])
    .orderBy('files.sequence')
    .orderBy('files.id');
}

export function readFile(
  row: {
    readonly id: number;
    readonly transaction_id: number;
    readonly volume_id: number;
    readonly file_key: string;
    readonly size_bytes: number;
    readonly row_count: number;
    readonly stats_json: string;
    readonly partition_id: number;
  },
  deletes: DeletesByFile,
): DataFile {
  const deleted = deletes.get(row.id);
  return {
    id: asId<FileId>(row.id),
    transactionId: asId<TransactionId>(row.transaction_id),
    volumeId: asId<VolumeId>(row.volume_id),
    key: row.file_key,
    sizeBytes: row.size_bytes,
    rowCount: row.row_count,
    columnStats: JSON.parse(row.stats_json) as Record<string, ColumnStats>,
    deletes: deleted?.deletes ?? [],
    deletedRows: deleted?.deletedRows ?? 0,
    ...(deleted === undefined || deleted.overlays.length === 0
      ? {}
      : { overlays: deleted.overlays }),
    ...(row.partition_id === 0
      ? {}
      : { partition: { kind: 'id' as const, id: asId<PartitionId>(row.partition_id) } }),
  };
}
