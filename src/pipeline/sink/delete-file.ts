// Writes the rows that a commit deletes from files committed before: one Parquet object of Iceberg v2 position
// deletes for all touched data files. Nothing written here is visible before its transaction commits.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../../base/assert.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import { deletePositionsSql } from '../../engine/delete-bitmaps.ts';
import type { Connection, StatementOptions } from '../../engine/duckdb.ts';
import type { SourceReader } from '../../engine/plan-sources.ts';
import { quoteLiteral } from '../../model/duckdb-text.ts';
import { deleteFileKey } from '../../model/file-key.ts';
import type { LoadTarget, StagedDeletes } from '../../model/load-plan.ts';
import { dataFilePath, deleteCopyOptions } from '../../model/parquet-layout.ts';
import {
  type DataFile,
  type DeleteFile,
  newestPatch,
  type StagedObject,
  type VolumeSpec,
} from '../../model/table.ts';
import type { SinkServices, SinkStore } from './append.ts';

export type DeleteServices = SinkServices & Pick<SourceReader, 'resolve'>;

export interface DeleteTarget {
  readonly target: LoadTarget;
  readonly store: SinkStore;
  /** Volumes that the data files lie in. */
  readonly volumes: readonly VolumeSpec[];
}

/** So many objects of about one size are merged into the next one that is written for their file. */
const MERGED_AT = 7;
/** Sizes of one tier are within this factor: a position is written anew once for each tier that it goes up. */
const TIER_FACTOR = 8;

/**
 * Stages the rows of `positionsTable` as deleted: a temporary table of the connection with the columns `__file`
 * (index in `files`) and `__row` (BIGINT, position in the file), as a scan with `positions` gives them, each
 * row once and none that is deleted already. Where a file has many small delete objects already, their positions
 * of it come along and take their place. Null when there are no rows. Throws engine and storage errors.
 */
export async function writeDeletes(
  to: DeleteTarget,
  transactionId: TransactionId,
  services: DeleteServices,
  connection: Connection,
  files: readonly DataFile[],
  positionsTable: string,
  options: StatementOptions & { readonly signal: AbortSignal },
): Promise<StagedDeletes | null> {
  const added = await countRows(connection, positionsTable, options);
  if (added.size === 0) return null;
  const merges = new Map(
    [...added.keys()].flatMap((index) => {
      const merged = mergedWith(present(files[index], 'a file of the scan').deletes);
      return merged.length === 0 ? [] : [[index, merged] as const];
    }),
  );
  if (merges.size > 0) {
    await addOlder(to, merges, services, connection, files, positionsTable, options);
  }
  const all = merges.size === 0 ? added : await countRows(connection, positionsTable, options);
  const object = await writeObject(
    to,
    transactionId,
    services,
    connection,
    { files, indices: [...all.keys()], positionsTable },
    options,
  );
  return {
    object,
    touched: [...all].map(([index, positions]) => {
      const file = present(files[index], 'a file of the scan');
      return {
        fileId: file.id,
        positions,
        newPositions: added.get(index) ?? 0,
        newestPatch: newestPatch(file),
        replaces: (merges.get(index) ?? []).map(({ id }) => id),
      };
    }),
  };
}

/** The objects that a file's next one takes the place of: all up to the smallest tier that is full. */
function mergedWith(deletes: readonly DeleteFile[]): readonly DeleteFile[] {
  if (deletes.length < MERGED_AT) return [];
  const tierOf = ({ rowCount }: DeleteFile): number =>
    Math.floor(Math.log(Math.max(1, rowCount)) / Math.log(TIER_FACTOR));
  const tiers = [...new Set(deletes.map(tierOf))].toSorted((left, right) => left - right);
  for (const tier of tiers) {
    if (deletes.filter((object) => tierOf(object) === tier).length < MERGED_AT) continue;
    return deletes.filter((object) => tierOf(object) <= tier);
  }
  return [];
}

/** Rows by the index of their file. */
async function countRows(
  connection: Connection,
  positionsTable: string,
  options: StatementOptions,
): Promise<ReadonlyMap<number, number>> {
  const counts = await connection.rows(
    `SELECT __file, count(*) FROM ${positionsTable} GROUP BY __file ORDER BY __file`,
    options,
  );
  return new Map(counts.map(([index, count]) => [Number(index), Number(count)]));
}

async function addOlder(
  { volumes }: DeleteTarget,
  merges: ReadonlyMap<number, readonly DeleteFile[]>,
  services: DeleteServices,
  connection: Connection,
  files: readonly DataFile[],
  positionsTable: string,
  options: StatementOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const objects = [...new Set([...merges.values()].flat())];
  const pairs = [...merges].flatMap(([index, merged]) =>
    merged.map((object) => ({
      object: objects.indexOf(object),
      file: present(files[index], 'a file of the scan'),
      data: index,
    })),
  );
  const pinned = await services.resolve(objects, volumes, options.signal);
  try {
    await connection.run(
      `INSERT INTO ${positionsTable} (__file, __row) SELECT data, pos FROM (${deletePositionsSql(pinned.paths, pairs)})`,
      options,
    );
  } finally {
    pinned.release();
  }
}

async function writeObject(
  to: DeleteTarget,
  transactionId: TransactionId,
  services: DeleteServices,
  connection: Connection,
  rows: {
    readonly files: readonly DataFile[];
    readonly indices: readonly number[];
    readonly positionsTable: string;
  },
  options: StatementOptions,
): Promise<StagedObject> {
  const locations = new Map(to.volumes.map((volume) => [volume.id, volume.location]));
  const paths = rows.indices
    .map((index) => {
      const { volumeId, key } = present(rows.files[index], 'a file of the scan');
      const location = present(locations.get(volumeId), 'volume of a data file');
      return { index, path: dataFilePath(location, key) };
    })
    // As Iceberg wants it, by bytes; numbers then sort faster than the paths themselves.
    .sort((left, right) => Buffer.compare(Buffer.from(left.path), Buffer.from(right.path)))
    .map(({ index, path }, rank) => `(${index}, ${quoteLiteral(path)}, ${rank})`);
  const uuid = services.random.uuid();
  const key = deleteFileKey(to.target.prefix, transactionId, uuid);
  const path = join(services.tempDirectory, `${uuid}-deletes.parquet`);
  await mkdir(services.tempDirectory, { recursive: true });
  try {
    const [found] = await connection.objects(
      `COPY (SELECT p.path AS file_path, d.__row AS pos FROM ${rows.positionsTable} d JOIN (VALUES ${paths.join(', ')}) p(file, path, rank) ON d.__file = p.file ORDER BY p.rank, d.__row) TO ${quoteLiteral(path)} (${deleteCopyOptions()})`,
      options,
    );
    const stats = present(found, 'statistics of the COPY');
    failpoint('deletes.before-put');
    await to.store.putFile(key, path);
    failpoint('deletes.after-put');
    const [sizeBytes, rowCount] = [Number(stats['file_size_bytes']), Number(stats['count'])];
    return { volumeId: to.target.volume.id, key, sizeBytes, rowCount };
  } finally {
    await rm(path, { force: true });
  }
}
