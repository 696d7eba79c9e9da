// Reads data files of a table again, whole, and compares them with what the metadata says: rows, bounds and NULLs
// of every column, deleted rows, overlays. For CHECK TABLE ... EXTENDED. Changes nothing.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { outsideFault } from '../engine/blame-file.ts';
import type { Connection } from '../engine/connection.ts';
import { DeleteBitmaps } from '../engine/delete-bitmaps.ts';
import type { Engine } from '../engine/duckdb.ts';
import type { FileResolver, StoredFile } from '../engine/plan-sources.ts';
import { quoteIdentifier, quoteLiteral } from '../model/duckdb-text.ts';
import { OVERLAY_PART, OVERLAY_ROW, overlaySchema } from '../model/overlay.ts';
import { readParquetSql, storedDuckdbType } from '../model/parquet-layout.ts';
import type {
  ColumnSchema,
  DataFile,
  FileOverlay,
  TableSchema,
  VolumeSpec,
} from '../model/table.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface CheckOrder {
  readonly schema: TableSchema;
  readonly volumes: readonly VolumeSpec[];
  readonly files: readonly DataFile[];
}

export interface CheckServices {
  readonly engine: Engine;
  readonly stores: (volume: VolumeSpec) => Promise<ObjectStore>;
  /** Private directory of the process; files in it are removed at the end. */
  readonly tempDirectory: string;
  readonly random: Random;
}

/** What is wrong with an object. */
export interface FileFault {
  readonly key: string;
  readonly detail: string;
}

/** Columns that one statement looks at: bounds its text. */
const COLUMNS_AT_ONCE = 200;

/** What is wrong with the files, nothing when all is well. Throws storage errors other than a missing object. */
export async function checkFiles(
  { schema, volumes, files }: CheckOrder,
  services: CheckServices,
  signal: AbortSignal,
): Promise<readonly FileFault[]> {
  const faults: FileFault[] = [];
  for (const file of files) {
    signal.throwIfAborted();
    const temporary: string[] = [];
    const resolve: FileResolver = async (wanted) => ({
      paths: await Promise.all(wanted.map((one) => readable(one, volumes, services, temporary))),
      release: () => undefined,
    });
    try {
      const details = await services.engine.withConnection((connection) =>
        faultsOf(file, { schema, volumes }, { connection, resolve, signal }),
      );
      faults.push(...details.map((detail) => ({ key: file.key, detail })));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof AppError) || error.code === 'STORAGE_UNAVAILABLE') throw error;
      faults.push({ key: file.key, detail: error.message });
    } finally {
      for (const path of temporary) await rm(path, { force: true });
    }
  }
  return faults;
}

/** A path of the object: in place for local volumes, else a temporary copy. */
async function readable(
  object: StoredFile,
  volumes: readonly VolumeSpec[],
  { stores, tempDirectory, random }: CheckServices,
  temporary: string[],
): Promise<string> {
  const volume = volumes.find(({ id }) => id === object.volumeId);
  const store = await stores(present(volume, `volume ${object.volumeId} of a file`));
  const inPlace = store.localPath(object.key);
  if (inPlace !== null) return inPlace;
  const copy = join(tempDirectory, `check-${random.uuid()}.parquet`);
  temporary.push(copy);
  await store.getToFile(object.key, copy);
  return copy;
}

interface Reading {
  readonly connection: Connection;
  readonly resolve: FileResolver;
  readonly signal: AbortSignal;
}

async function faultsOf(
  file: DataFile,
  { schema, volumes }: Pick<CheckOrder, 'schema' | 'volumes'>,
  { connection, resolve, signal }: Reading,
): Promise<readonly string[]> {
  const { paths } = await resolve([file], volumes, signal);
  const path = present(paths[0], 'a path');
  const outside = await outsideFault(path, file.sizeBytes);
  if (outside !== null) return [outside];
  const faults: string[] = [];
  for (let from = 0; from < schema.columns.length; from += COLUMNS_AT_ONCE) {
    const columns = schema.columns.slice(from, from + COLUMNS_AT_ONCE);
    const read = readParquetSql({ ...schema, columns }, [path]);
    const sql = `SELECT ${columnsSql(columns, file)} FROM ${read}`;
    const [row] = await connection.rows(sql, { signal });
    faults.push(...columnFaults(columns, file, present(row, 'one row of aggregates')));
  }
  // Throws where the objects do not hold what the metadata says.
  await new DeleteBitmaps(resolve, 0).of(connection, [file], volumes, signal);
  for (const overlay of file.overlays ?? []) {
    faults.push(
      ...(await overlayFaults(file, overlay, { schema, volumes }, { connection, resolve, signal })),
    );
  }
  return [...new Set(faults)];
}

/** Reads all that an overlay holds of the file, and looks at the places of its rows. */
async function overlayFaults(
  file: DataFile,
  { object, part, rows }: FileOverlay,
  { schema, volumes }: Pick<CheckOrder, 'schema' | 'volumes'>,
  { connection, resolve, signal }: Reading,
): Promise<readonly string[]> {
  const named = (detail: string): string => `its overlay ${object.key}: ${detail}`;
  const { paths } = await resolve([object], volumes, signal);
  const path = present(paths[0], 'a path');
  const outside = await outsideFault(path, object.sizeBytes);
  if (outside !== null) return [named(outside)];
  const columns = schema.columns.filter(({ fieldId }) => object.fieldIds.includes(fieldId));
  const counts = columns.map(({ name }) => `count(${quoteIdentifier(name)})`);
  const places = `count(*), count(DISTINCT ${OVERLAY_ROW}), count_if(${OVERLAY_ROW} < 0 OR ${OVERLAY_ROW} >= ${file.rowCount})`;
  const [row] = await connection.rows(
    `SELECT ${[places, ...counts].join(', ')} FROM ${readParquetSql(overlaySchema(columns), [path])} WHERE ${OVERLAY_PART} = ${part}`,
    { signal },
  );
  const [found, distinct, beyond] = (row ?? []).slice(0, 3).map(Number);
  const faults: string[] = [];
  if (found !== rows) faults.push(`it holds ${found} rows of the file, the metadata says ${rows}`);
  if (distinct !== found) faults.push(`it holds a row twice`);
  if (beyond !== 0) faults.push(`${beyond} of its rows are not in the file`);
  return faults.map(named);
}

/** Rows, then per column its NULLs and how many values lie outside the bounds that the metadata has. */
function columnsSql(columns: readonly ColumnSchema[], file: DataFile): string {
  const parts = columns.map((column) => {
    const name = quoteIdentifier(column.name);
    const { min = null, max = null } = file.columnStats[column.name] ?? {};
    const bound = (text: string): string =>
      `CAST(${quoteLiteral(text)} AS ${storedDuckdbType(column.type)})`;
    const outside = [
      ...(min === null ? [] : [`${name} < ${bound(min)}`]),
      ...(max === null ? [] : [`${name} > ${bound(max)}`]),
    ];
    const counted = outside.length === 0 ? '0' : `count_if(${outside.join(' OR ')})`;
    return `count(*) - count(${name}), ${counted}`;
  });
  return ['count(*)', ...parts].join(', ');
}

function columnFaults(
  columns: readonly ColumnSchema[],
  file: DataFile,
  row: readonly unknown[],
): readonly string[] {
  const faults: string[] = [];
  const rows = Number(row[0]);
  if (rows !== file.rowCount) {
    faults.push(`it holds ${rows} rows, the metadata says ${file.rowCount}`);
  }
  for (const [index, { name }] of columns.entries()) {
    const stats = file.columnStats[name];
    if (stats === undefined) continue;
    const [nulls, outside] = [Number(row[1 + index * 2]), Number(row[2 + index * 2])];
    if (nulls !== stats.nullCount) {
      faults.push(`column ${name} has ${nulls} NULLs, the metadata says ${stats.nullCount}`);
    }
    if (outside > 0) {
      faults.push(
        `${outside} values of column ${name} are not between ${stats.min} and ${stats.max}, as the metadata says`,
      );
    }
  }
  return faults;
}
