// Writes rows to one new Parquet file of a table: COPY to its place in a local volume (or to the temporary
// directory for a remote one), then durable under its key. A file without rows is not kept. Nothing
// written here is visible before its transaction commits; what a crash leaves carries its id in its key.
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { Connection, StatementOptions } from '../../engine/duckdb.ts';
import { dataFileKey } from '../../model/file-key.ts';
import type { LoadTarget } from '../../model/load-plan.ts';
import { stagedFileFromStats } from '../../model/parquet-layout.ts';
import type { StagedFile, TableSchema } from '../../model/table.ts';
import { localError, makeFolders } from '../../storage/local-store.ts';
import type { ObjectStore } from '../../storage/object-store.ts';

/** What the sink needs of a store. */
export type SinkStore = Pick<ObjectStore, 'localPath' | 'putFile'>;

export interface AppendTarget {
  readonly target: LoadTarget;
  readonly schema: TableSchema;
  readonly store: SinkStore;
  /** Names the object; by default as a data file of the table. */
  readonly keyOf?: typeof dataFileKey;
}

export interface SinkServices {
  readonly random: Random;
  /** Private directory for files on their way to a remote volume. */
  readonly tempDirectory: string;
}

/** How many rows a COPY wrote and, if any, the file that now lies under its key. */
export interface AppendResult {
  readonly rowCount: number;
  readonly file: StagedFile | null;
}

/**
 * Runs `copySql(path)`, which must be a COPY with RETURN_STATS in the table's stored form, and makes
 * the file durable. `check` sees the number of rows before the file gets its name; what it throws
 * leaves nothing behind. Throws engine and storage errors.
 */
export async function appendFile(
  to: AppendTarget,
  transactionId: TransactionId,
  services: SinkServices,
  connection: Connection,
  copySql: (path: string) => string,
  check: (rowCount: number) => void,
  options: StatementOptions,
): Promise<AppendResult> {
  const uuid = services.random.uuid();
  const key = (to.keyOf ?? dataFileKey)(to.target.prefix, transactionId, uuid);
  const finalPath = to.store.localPath(key);
  // No reader knows a file before its commit, so a local one is written where it will stay.
  const path = finalPath ?? join(services.tempDirectory, `${uuid}.parquet`);
  if (finalPath === null) await mkdir(services.tempDirectory, { recursive: true });
  else await makeVolumeFolders(to, finalPath, key);
  let keep = false;
  try {
    const [stats] = await connection.objects(copySql(path), options);
    const rowCount = Number(stats?.['count'] ?? 0);
    check(rowCount);
    if (stats === undefined || rowCount === 0) return { rowCount, file: null };
    const volumeId = to.target.volume.id;
    const file = stagedFileFromStats(stats, { volumeId, key, schema: to.schema });
    failpoint('stage.before-put');
    await to.store.putFile(key, path);
    failpoint('stage.after-put');
    keep = finalPath !== null;
    return { rowCount, file };
  } finally {
    if (!keep) await rm(path, { force: true });
  }
}

async function makeVolumeFolders(to: AppendTarget, path: string, key: string): Promise<void> {
  const root = path.slice(0, -key.length - 1);
  try {
    await makeFolders(dirname(path), root);
  } catch (thrown) {
    throw localError(thrown, 'write', to.target.volume.location);
  }
}
