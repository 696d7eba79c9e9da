// Compaction on the CN: reads the input files, writes one Parquet file with their rows in the same order (or that
// of the sort key), those of one key merged in AGGREGATE KEY tables, and stages it under the transaction's key.
// Nothing becomes visible here, and no input is touched.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { failpoint } from '../base/failpoints.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import { DeleteBitmaps } from '../engine/delete-bitmaps.ts';
import type { Engine } from '../engine/duckdb.ts';
import { type FileResolver, type StoredFile, withSources } from '../engine/plan-sources.ts';
import { quoteLiteral } from '../model/duckdb-text.ts';
import { dataFileKey } from '../model/file-key.ts';
import {
  parquetCopyOptions,
  stagedFileFromStats,
  storeSelectList,
} from '../model/parquet-layout.ts';
import type { QueryScan } from '../model/query-plan.ts';
import { loadOrder, sortItemsSql } from '../model/sort-key.ts';
import type { DataFile, StagedFile, TableInfo, TableSchema, VolumeSpec } from '../model/table.ts';
import { mergeSql } from '../query/merge-sql.ts';
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

export interface CompactionServices {
  readonly engine: Engine;
  readonly stores: (volume: VolumeSpec) => Promise<ObjectStore>;
  /** Private directory of the process; files in it are removed at the end. */
  readonly tempDirectory: string;
  readonly random: Random;
}

/**
 * Merges the inputs without their deleted rows; gives the staged output, or nothing when they hold no rows. Throws engine and
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
    const resolve: FileResolver = async (files) => {
      const paths: string[] = [];
      for (const file of files) {
        signal.throwIfAborted();
        const copy = join(services.tempDirectory, `compact-${uuid}-in${temporary.length}.parquet`);
        paths.push(await readable(file, order, services, { copy, temporary }));
      }
      return { paths, release: () => undefined };
    };
    const [stats] = await copyRows(order, services.engine, resolve, output, signal);
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

/** Every row of the inputs that is not deleted, in order, into one file; gives the COPY's statistics. */
function copyRows(
  { table, inputs, volumes }: CompactionOrder,
  engine: Engine,
  resolve: FileResolver,
  output: string,
  signal: AbortSignal,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { schema } = table;
  // With positions the files are one scan, in order.
  const scan: QueryScan = {
    placeholder: '__inputs',
    schema,
    columns: schema.columns.map((column) => column.name),
    files: inputs,
    positions: true,
  };
  const sources = { scans: [scan], inlineTables: [], volumes };
  const reader = { resolve, deletes: new DeleteBitmaps(resolve, 0) };
  return engine.withConnection((connection) =>
    withSources(reader, connection, sources, signal, (withClause) =>
      connection.objects(
        `COPY (${withClause}${rowsSql(schema, scan.placeholder)}) TO ${quoteLiteral(output)} (${parquetCopyOptions(schema, table.properties['compression'])})`,
        { signal },
      ),
    ),
  );
}

/** The rows as they are, or those of one key merged into one, in the order of the table's files. */
function rowsSql(schema: TableSchema, placeholder: string): string {
  const list = storeSelectList(schema);
  const order = loadOrder(schema);
  if (schema.keysType === 'AGG_KEYS') {
    const keys = schema.columns.filter((column) => column.isKey);
    const merged = mergeSql(schema.columns, keys, `SELECT * FROM ${placeholder}`);
    return `SELECT ${list} FROM (${merged}) AS merged ORDER BY ${sortItemsSql(order, 'merged')}`;
  }
  const rows = `SELECT ${list} FROM ${placeholder}`;
  if (order.length === 0) return rows;
  const last = `${placeholder}.__file, ${placeholder}.__row`;
  return `${rows} ORDER BY ${sortItemsSql(order, placeholder, last)}`;
}

/** A path of the object: in place for local volumes, else a temporary copy. */
async function readable(
  file: StoredFile,
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
  const inputRows = order.inputs.reduce((sum, file) => sum + file.rowCount - file.deletedRows, 0);
  const isMerged = order.table.schema.keysType === 'AGG_KEYS';
  const isRight = isMerged ? staged.rowCount <= inputRows : staged.rowCount === inputRows;
  if (!isRight || (staged.rowCount === 0 && inputRows > 0))
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
