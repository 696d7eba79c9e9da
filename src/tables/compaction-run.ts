// Compaction on the CN: reads the input files, writes one Parquet file with all their rows in the same
// order, and stages it under the transaction's key. Nothing becomes visible here, and no input is touched.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { quoteLiteral } from '../model/duckdb-text.ts';
import { dataFileKey } from '../model/file-key.ts';
import {
  parquetCopyOptions,
  readParquetSql,
  readSelectList,
  stagedFileFromStats,
  storeSelectList,
} from '../model/parquet-layout.ts';
import type { DataFile, StagedFile, TableInfo, VolumeSpec } from '../model/table.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** What one compaction is to do. */
export interface CompactionOrder {
  readonly transactionId: TransactionId;
  readonly table: TableInfo;
  /** Where the output goes. */
  readonly volume: VolumeSpec;
  /** Volumes of the inputs. */
  readonly volumes: readonly VolumeSpec[];
  readonly inputs: readonly DataFile[];
}

/** The part of an engine that compaction needs. */
export interface CompactionEngine {
  withConnection<T>(
    work: (connection: {
      objects(
        sql: string,
        options?: { readonly signal?: AbortSignal | undefined },
      ): Promise<readonly Readonly<Record<string, unknown>>[]>;
    }) => Promise<T>,
  ): Promise<T>;
}

export interface CompactionServices {
  readonly engine: CompactionEngine;
  readonly stores: (volume: VolumeSpec) => Promise<ObjectStore>;
  /** Private directory of the process; files in it are removed at the end. */
  readonly tempDirectory: string;
  readonly random: Random;
}

/**
 * Merges the inputs; gives the staged output, or nothing when they hold no rows. Throws engine and
 * storage errors, INTERNAL when rows would be lost, and leaves no temporary file. What a crash leaves in
 * the volume carries the transaction's id in its key.
 */
export async function runCompaction(
  order: CompactionOrder,
  services: CompactionServices,
  signal: AbortSignal,
): Promise<readonly StagedFile[]> {
  const { table, transactionId } = order;
  const uuid = services.random.uuid();
  const key = dataFileKey(table.prefix, transactionId, uuid);
  const output = join(services.tempDirectory, `compact-${uuid}.parquet`);
  const temporary = [output];
  try {
    const paths: string[] = [];
    for (const [index, file] of order.inputs.entries()) {
      signal.throwIfAborted();
      const copy = join(services.tempDirectory, `compact-${uuid}-in${index}.parquet`);
      paths.push(await readable(file, order, services, { copy, temporary }));
    }
    const source = `SELECT ${readSelectList(table.schema)} FROM ${readParquetSql(table.schema, paths)}`;
    const sql = `COPY (SELECT ${storeSelectList(table.schema)} FROM (${source})) TO ${quoteLiteral(output)} (${parquetCopyOptions(table.schema)})`;
    const [stats] = await services.engine.withConnection((connection) =>
      connection.objects(sql, { signal }),
    );
    const target = { volumeId: order.volume.id, key, schema: table.schema };
    const staged = stagedFileFromStats(present(stats, 'statistics of the COPY'), target);
    await checkOutput(order, staged, output);
    if (staged.rowCount === 0) return [];
    signal.throwIfAborted();
    failpoint('compaction.before-put');
    await (await services.stores(order.volume)).putFile(key, output);
    failpoint('compaction.after-put');
    return [staged];
  } finally {
    for (const path of temporary) await rm(path, { force: true });
  }
}

/** A path of the input: in place for local volumes, else a temporary copy. */
async function readable(
  file: DataFile,
  order: CompactionOrder,
  services: CompactionServices,
  into: { readonly copy: string; readonly temporary: string[] },
): Promise<string> {
  const volume = order.volumes.find(({ id }) => id === file.volumeId);
  const store = await services.stores(present(volume, `volume ${file.volumeId} of an input`));
  const inPlace = store.localPath(file.key);
  if (inPlace !== null) return inPlace;
  into.temporary.push(into.copy);
  await store.getToFile(file.key, into.copy);
  return into.copy;
}

async function checkOutput(
  order: CompactionOrder,
  staged: StagedFile,
  path: string,
): Promise<void> {
  const inputRows = order.inputs.reduce((sum, file) => sum + file.rowCount, 0);
  if (staged.rowCount !== inputRows)
    throw fail('INTERNAL', {
      detail: `compaction of ${inputRows} rows wrote ${staged.rowCount}`,
    });
  const { size } = await stat(path);
  if (size !== staged.sizeBytes)
    throw fail('OBJECT_SIZE_MISMATCH', {
      key: staged.key,
      actual: size,
      expected: staged.sizeBytes,
    });
}
