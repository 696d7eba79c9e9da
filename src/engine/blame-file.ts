// Which file of a scan made a statement fail: missing, cut, or damaged inside. Runs only after a failure. A
// damaged file is the matter of its own table: the error names both, so that a person knows what to mend.
import { open, stat } from 'node:fs/promises';
import { AppError, fail } from '../base/errors.ts';
import { overlaySchema } from '../model/overlay.ts';
import { readParquetSql } from '../model/parquet-layout.ts';
import type { QueryScan } from '../model/query-plan.ts';
import { type DataFile, patchesOf, type TableSchema, type VolumeSpec } from '../model/table.ts';
import type { Connection } from './connection.ts';
import type { ReadyOverlay } from './overlays.ts';

/** A scan whose files lie at local paths, in order; fewer paths than files where making them ready failed. */
export interface PlacedScan {
  readonly scan: QueryScan;
  readonly paths: readonly string[];
  /** Overlays that the scan reads. */
  readonly overlays: readonly ReadyOverlay[];
}

/** What DuckDB says of a Parquet file that it cannot read. */
const PARQUET_WORDS =
  /parquet|magic bytes|thrift|TProtocol|TType|decompress|zstd|snappy|out of buffer|corrupt|not valid UTF|string encoding/i;

/** The error to throw: DATA_FILE_UNREADABLE where a file is to blame, else what was thrown. */
export async function blameFile(
  thrown: unknown,
  placed: readonly PlacedScan[],
  volumes: readonly VolumeSpec[],
  connection: Connection,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(thrown instanceof AppError) || signal.aborted || !mayBeFile(thrown)) return thrown;
  const blame = (scan: QueryScan, object: StoredObject, detail: string): AppError => {
    const volume = volumes.find(({ id }) => id === object.volumeId);
    const table = scan.tableName ?? 'the table';
    const where = `${volume?.location ?? ''}/${object.key}`;
    return fail('DATA_FILE_UNREADABLE', { table, where, detail }, thrown);
  };
  for (const { scan, paths, overlays } of placed) {
    const named = namedObject(scan, thrown);
    if (named !== undefined) return blame(scan, named, missingText(thrown));
    for (const { object, path } of readObjects({ scan, paths, overlays })) {
      const fault = await outsideFault(path, object.sizeBytes);
      if (fault !== null) return blame(scan, object, fault);
    }
  }
  for (const { scan, ...read } of placed) {
    for (const { object, path, schema } of readObjects({ scan, ...read })) {
      const fault = await insideFault(connection, schema, path, signal);
      if (fault !== null) return blame(scan, object, fault);
    }
  }
  return thrown;
}

/** What the scan reads of which object. */
function readObjects({ scan, paths, overlays }: PlacedScan): readonly {
  readonly object: Pick<DataFile, 'volumeId' | 'key' | 'sizeBytes'>;
  readonly path: string;
  readonly schema: TableSchema;
}[] {
  const wanted = scan.schema.columns.filter(({ name }) => scan.columns.includes(name));
  const columns = wanted.length > 0 ? wanted : scan.schema.columns.slice(0, 1);
  const data = paths.flatMap((path, index) => {
    const object = scan.files[index];
    return object === undefined ? [] : [{ object, path, schema: { ...scan.schema, columns } }];
  });
  const over = overlays.map(({ object, path }) => {
    const own = columns.filter(({ fieldId }) => object.fieldIds.includes(fieldId));
    return { object, path, schema: overlaySchema(own) };
  });
  return [...data, ...over];
}

type StoredObject = Pick<DataFile, 'volumeId' | 'key'>;

/** The data file, delete object or overlay that the error names: by its key, or by its local path. */
function namedObject(scan: QueryScan, { fields }: AppError): StoredObject | undefined {
  const key = fields['key'];
  if (typeof key !== 'string') return undefined;
  return scan.files
    .flatMap((file): StoredObject[] => [file, ...patchesOf(file)])
    .find((object) => key === object.key || key.endsWith(`/${object.key}`));
}

function missingText(error: AppError): string {
  return error.code === 'OBJECT_NOT_FOUND' ? 'it is missing' : error.message;
}

function mayBeFile(error: AppError): boolean {
  switch (error.code) {
    case 'OBJECT_NOT_FOUND':
    case 'OBJECT_SIZE_MISMATCH':
    case 'INTERNAL':
      return true;
    case 'ENGINE_VALUE':
      return PARQUET_WORDS.test(error.message);
    default:
      return false;
  }
}

const MAGIC = 'PAR1';

/** What is wrong with a file as its size and its two ends show; null when nothing is. */
export async function outsideFault(path: string, sizeBytes: number): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size !== sizeBytes) return `it has ${size} bytes, ${sizeBytes} were written`;
    const file = await open(path, 'r');
    try {
      const ends = Buffer.alloc(MAGIC.length * 2);
      await file.read(ends, 0, MAGIC.length, 0);
      await file.read(ends, MAGIC.length, MAGIC.length, Math.max(0, size - MAGIC.length));
      return ends.toString('latin1') === `${MAGIC}${MAGIC}` ? null : 'it is no Parquet file';
    } finally {
      await file.close();
    }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isMissing) return 'it is missing';
    return error instanceof Error ? error.message : String(error);
  }
}

/** What the engine says when it reads all that the scan reads of one file; null when it can. */
async function insideFault(
  connection: Connection,
  schema: TableSchema,
  path: string,
  signal: AbortSignal,
): Promise<string | null> {
  const read = readParquetSql(schema, [path]);
  try {
    await connection.rows(`SELECT count(COLUMNS(*)) FROM ${read}`, { signal });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    return `it is damaged: ${error instanceof AppError ? error.message : String(error)}`;
  }
}
