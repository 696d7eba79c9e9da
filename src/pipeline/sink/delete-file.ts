// Writes the rows that a commit deletes from files committed before: one Parquet object of Iceberg v2 position
// deletes for all touched data files. Nothing written here is visible before its transaction commits.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../../base/assert.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Connection, StatementOptions } from '../../engine/duckdb.ts';
import { quoteLiteral } from '../../model/duckdb-text.ts';
import { deleteFileKey } from '../../model/file-key.ts';
import type { LoadTarget, StagedDeletes } from '../../model/load-plan.ts';
import { dataFilePath, deleteCopyOptions } from '../../model/parquet-layout.ts';
import type { DataFile, VolumeSpec } from '../../model/table.ts';
import type { SinkServices, SinkStore } from './append.ts';

export interface DeleteTarget {
  readonly target: LoadTarget;
  readonly store: SinkStore;
  /** Volumes that the data files lie in. */
  readonly volumes: readonly VolumeSpec[];
}

/**
 * Stages the rows of `positionsTable` as deleted: a temporary table of the connection with the columns `__file`
 * (index in `files`) and `__row` (BIGINT, position in the file), as a scan with `positions` gives them, each
 * row once and none that is deleted already. Null when it has no rows. Throws engine and storage errors.
 */
export async function writeDeletes(
  to: DeleteTarget,
  transactionId: TransactionId,
  services: SinkServices,
  connection: Connection,
  files: readonly DataFile[],
  positionsTable: string,
  options: StatementOptions,
): Promise<StagedDeletes | null> {
  const counts = await connection.rows(
    `SELECT __file, count(*) FROM ${positionsTable} GROUP BY __file ORDER BY __file`,
    options,
  );
  if (counts.length === 0) return null;
  const touched = counts.map(([index, count]) => ({
    index: Number(index),
    file: present(files[Number(index)], 'a file of the scan'),
    count: Number(count),
  }));
  const locations = new Map(to.volumes.map((volume) => [volume.id, volume.location]));
  const paths = touched.map(({ index, file }) => {
    const location = present(locations.get(file.volumeId), 'volume of a data file');
    return `(${index}, ${quoteLiteral(dataFilePath(location, file.key))})`;
  });
  const uuid = services.random.uuid();
  const key = deleteFileKey(to.target.prefix, transactionId, uuid);
  const path = join(services.tempDirectory, `${uuid}-deletes.parquet`);
  await mkdir(services.tempDirectory, { recursive: true });
  try {
    const [stats] = await connection.objects(
      `COPY (SELECT p.path AS file_path, d.__row AS pos FROM ${positionsTable} d JOIN (VALUES ${paths.join(', ')}) p(file, path) ON d.__file = p.file ORDER BY p.path, d.__row) TO ${quoteLiteral(path)} (${deleteCopyOptions()})`,
      options,
    );
    failpoint('deletes.before-put');
    await to.store.putFile(key, path);
    failpoint('deletes.after-put');
    return {
      object: {
        volumeId: to.target.volume.id,
        key,
        sizeBytes: Number(present(stats, 'statistics of the COPY')['file_size_bytes']),
        rowCount: Number(present(stats, 'statistics of the COPY')['count']),
      },
      touched: touched.map(({ file, count }) => ({
        fileId: file.id,
        positions: count,
        newPositions: count,
        newestDelete: file.deletes.at(-1)?.id ?? null,
        replaces: [],
      })),
    };
  } finally {
    await rm(path, { force: true });
  }
}
