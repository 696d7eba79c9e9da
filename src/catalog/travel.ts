// Tables as they were: which version a point means, its files, in the same metadata transaction
// as the heads of the statement's other tables. A version that is no longer kept is an error, never a part of it.
import { fail } from '../base/errors.ts';
import { asId, type TableId, type TableVersion } from '../base/ids.ts';
import { type DataFile, type TableInfo, volumesOfFile } from '../model/table.ts';
import type { TablePoint } from '../model/table-point.ts';
import type { Snapshot, SnapshotTable, TableRef } from './catalog.ts';
import type { CatalogContext } from './context.ts';
import { readDeletes, selectDeletes } from './delete-store.ts';
import { runBatch } from './driver/batch.ts';
import { allPartitions } from './partition-store.ts';
import { SchemaStore } from './schema-store.ts';
import { readFile, readSnapshotHeads, selectFiles } from './snapshots.ts';
import { readVolume } from './volumes.ts';

/** Heads, and tables as they were where a reference says so. Throws UNKNOWN_VERSION, NO_VERSION_THEN. */
export function readSnapshot(
  context: CatalogContext,
  refs: readonly TableRef[],
): Promise<Snapshot> {
  if (refs.every(({ at }) => at === undefined)) return readSnapshotHeads(context, refs);
  return context.atomically(async (inside) => {
    const heads = await readSnapshotHeads(inside, refs);
    const tables: (SnapshotTable | null)[] = [];
    for (const [index, ref] of refs.entries()) {
      const head = heads.tables[index] ?? null;
      tables.push(
        head === null || ref.at === undefined ? head : await readThen(inside, head.table, ref.at),
      );
    }
    return { ...heads, tables, volumes: await volumesOf(inside, heads, tables) };
  });
}

async function readThen(
  context: CatalogContext,
  table: TableInfo,
  at: TablePoint,
): Promise<SnapshotTable> {
  const version = await versionAt(context, table, at);
  // Null where the table has had one schema only.
  const schema = (await new SchemaStore(context).at(table.id, version)) ?? table.schema;
  const files = await filesAt(context, table.id, version);
  // Those that were dropped since hold files of that version.
  const partitions =
    table.partitioning === undefined ? [] : await allPartitions(context.db, table.id);
  return { table: { ...table, schema }, version, files, partitions };
}

/**
 * The version that a point means. A time means the last version before the first one that came after it, so that
 * a clock that was set back hides nothing. Throws UNKNOWN_VERSION, NO_VERSION_THEN.
 */
export async function versionAt(
  { db }: CatalogContext,
  table: TableInfo,
  { unit, point }: TablePoint,
): Promise<TableVersion> {
  const { head_version: head, oldest_version: oldest } = await db
    .selectFrom('tables')
    .select(['head_version', 'oldest_version'])
    .where('id', '=', table.id)
    .executeTakeFirstOrThrow();
  const name = `${table.databaseName}.${table.name}`;
  if (unit === 'VERSION') {
    if (point >= oldest && point <= head) return asId<TableVersion>(point);
    throw fail('UNKNOWN_VERSION', { table: name, version: point, oldest, head });
  }
  const later = await db
    .selectFrom('table_versions')
    .select('version')
    .where('table_id', '=', table.id)
    .where('committed_ms', '>', point)
    .orderBy('version')
    .limit(1)
    .executeTakeFirst();
  const version = later === undefined ? head : later.version - 1;
  if (version < oldest || (version === 1 && point < table.createdMs)) {
    throw fail('NO_VERSION_THEN', { table: name, time: new Date(point).toISOString() });
  }
  return asId<TableVersion>(version);
}

/** The files of a version in commit order, each with what was deleted of it then. */
export async function filesAt(
  { db }: CatalogContext,
  tableId: TableId,
  version: TableVersion,
): Promise<readonly DataFile[]> {
  const [rows, deletes] = await runBatch(db, [
    selectFiles(db)
      .where('files.table_id', '=', tableId)
      .where('files.added_version', '<=', version)
      .where((eb) =>
        eb.or([eb('files.removed_version', 'is', null), eb('files.removed_version', '>', version)]),
      ),
    selectDeletes(db)
      .where('file_deletes.table_id', '=', tableId)
      .where('file_deletes.added_version', '<=', version)
      .where((eb) =>
        eb.or([
          eb('file_deletes.removed_version', 'is', null),
          eb('file_deletes.removed_version', '>', version),
        ]),
      ),
  ]);
  const byFile = readDeletes(deletes);
  return rows.map((row) => readFile(row, byFile));
}

/** Those of the heads, and those that only earlier files lie in. */
async function volumesOf(
  context: CatalogContext,
  heads: Snapshot,
  tables: readonly (SnapshotTable | null)[],
): Promise<Snapshot['volumes']> {
  const known = new Set(heads.volumes.map(({ id }) => id));
  const used = new Set(tables.flatMap((entry) => entry?.files.flatMap(volumesOfFile) ?? []));
  const missing = [...used].filter((id) => !known.has(id));
  if (missing.length === 0) return heads.volumes;
  const rows = await context.db
    .selectFrom('volumes')
    .selectAll()
    .where('id', 'in', missing)
    .execute();
  return [...heads.volumes, ...rows.map((row) => readVolume(context, row))];
}
