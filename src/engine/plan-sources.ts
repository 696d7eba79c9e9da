// What the generated SQL of a plan names by placeholder, put in scope: scans as read_parquet over local paths
// without the rows that are deleted and with the newest values of overlaid columns, inline tables as VALUES. A scan
// without deletes and overlays costs nothing more.
import { assert, present } from '../base/assert.ts';
import { quoteIdentifier, quoteLiteral } from '../model/duckdb-text.ts';
import { readParquetSql, readSelectList } from '../model/parquet-layout.ts';
import type { InlineTable, QueryPlan, QueryScan } from '../model/query-plan.ts';
import { duckdbType } from '../model/sql-type.ts';
import type { ColumnSchema, StagedObject, TableSchema, VolumeSpec } from '../model/table.ts';
import { isOrdered, mergeSql } from '../query/merge-sql.ts';
import { blameFile, type PlacedScan } from './blame-file.ts';
import type { Connection } from './connection.ts';
import type { DeleteBitmaps } from './delete-bitmaps.ts';
import { type LiveRows, liveRows } from './deleted-rows.ts';
import type { LiveRowRegistry } from './live-row-function.ts';
import { neededOverlays, overlaidSql, type ReadyOverlay } from './overlays.ts';

/** Local paths of files, in the order asked, that stay there until released. */
export interface PinnedFiles {
  readonly paths: readonly string[];
  release(): void;
}

/** What is needed to find an object in its volume. */
export type StoredFile = Pick<StagedObject, 'volumeId' | 'key' | 'sizeBytes'>;

/** Makes data files and delete objects readable at local paths: in place or through the disk cache. */
export type FileResolver = (
  files: readonly StoredFile[],
  volumes: readonly VolumeSpec[],
  signal: AbortSignal,
) => Promise<PinnedFiles>;

/** What reads the files of a plan. */
export interface SourceReader {
  readonly resolve: FileResolver;
  readonly deletes: DeleteBitmaps;
  /** Installed in the engine; for look-ups. */
  readonly liveRows?: LiveRowRegistry;
}

/** What the generated SQL of a plan names by placeholder. */
export type PlanSources = Pick<
  QueryPlan,
  'scans' | 'inlineTables' | 'volumes' | 'profile' | 'lookUp'
>;

/** Local paths of a scan's files in order, and the files that have deleted rows. */
interface ReadyScan {
  readonly scan: QueryScan;
  /** Rows of one key become one: the columns wanted of them, and the key. Null: rows are what they are. */
  readonly merge: Merge | null;
  readonly paths: readonly string[];
  readonly deleted: DeletedFiles | null;
  readonly overlays: readonly ReadyOverlay[];
}

interface DeletedFiles {
  /** Indices of files with deleted rows. */
  readonly files: readonly number[];
  /** How they are left out; null: the bitmaps are in the table named by `bitmapTable`, for positions. */
  readonly live: LiveRows | null;
}

interface Merge {
  readonly columns: readonly ColumnSchema[];
  readonly keys: readonly ColumnSchema[];
}

/** What is read of the files for a scan. AGGREGATE KEY tables give merged rows, unless it is asked where rows lie. */
function plainScan(asked: QueryScan): Pick<ReadyScan, 'scan' | 'merge'> {
  const { keysType, columns: all } = asked.schema;
  const asTheyLie = asked.positions === true || asked.unmerged === true;
  if (keysType !== 'AGG_KEYS' || asTheyLie) return { scan: asked, merge: null };
  const keys = all.filter((column) => column.isKey);
  const wanted = all.filter(({ name }) => asked.columns.includes(name));
  const columns = wanted.length > 0 ? wanted : keys.slice(0, 1);
  const needed = new Set([...keys, ...columns].map(({ name }) => name));
  const scan = {
    ...asked,
    columns: [...needed],
    ...(columns.some(isOrdered) ? { positions: true as const } : {}),
  };
  return { scan, merge: { columns, keys } };
}

/**
 * Runs `work` with the WITH clause that puts the sources in scope ('' without any), while their files lie at
 * local paths. The statement must run on `connection`, which holds the deletes of the scans.
 */
export async function withSources<T>(
  reader: SourceReader,
  connection: Connection,
  sources: PlanSources,
  signal: AbortSignal,
  work: (withClause: string) => Promise<T>,
): Promise<T> {
  const scans = sources.scans.map(plainScan);
  const files = scans.flatMap(({ scan }) => scan.files);
  const needed = scans.map(({ scan }) => neededOverlays(scan));
  const patches = needed.flatMap((overlays) => overlays.map(({ object }) => object));
  const placed: PlacedScan[] = scans.map(({ scan }) => ({ scan, paths: [], overlays: [] }));
  const blame = (error: unknown): Promise<unknown> =>
    blameFile(error, placed, sources.volumes, connection, signal);
  const releases: (() => void)[] = [];
  const objects = [...files, ...patches];
  const pinned = await reader.resolve(objects, sources.volumes, signal).catch(async (error) => {
    throw await blame(error);
  });
  try {
    assert(pinned.paths.length === objects.length, 'a path for every object');
    const paths = pinned.paths.slice(0, files.length);
    const patchPaths = pinned.paths.slice(files.length).values();
    let next = 0;
    const ready: ReadyScan[] = [];
    for (const [index, { scan, merge }] of scans.entries()) {
      const own = paths.slice(next, next + scan.files.length);
      next += own.length;
      const overlays = (needed[index] ?? []).map((overlay) => ({
        ...overlay,
        path: present(patchPaths.next().value, 'a path for every overlay'),
      }));
      placed[index] = { scan, paths: own, overlays };
      const deleted = await prepareDeletes(reader, connection, scan, sources, {
        signal,
        releases,
      });
      ready.push({ scan, merge, paths: own, deleted, overlays });
    }
    return await work(withClauseSql(ready, sources.inlineTables));
  } catch (error) {
    // While the files are still where they were.
    throw await blame(error);
  } finally {
    for (const release of releases) release();
    pinned.release();
  }
}

function bitmapTable(scan: QueryScan): string {
  return `${scan.placeholder}_deleted`;
}

/** Puts the bitmaps of the scan's deleted rows where its SQL finds them. Null: no row is deleted. */
async function prepareDeletes(
  { deletes, liveRows: registry }: SourceReader,
  connection: Connection,
  scan: QueryScan,
  { volumes, profile, lookUp }: PlanSources,
  { signal, releases }: { readonly signal: AbortSignal; readonly releases: (() => void)[] },
): Promise<DeletedFiles | null> {
  if (scan.files.every((file) => file.deletes.length === 0)) return null;
  const bitmaps = await deletes.of(connection, scan.files, volumes, signal);
  const rows = bitmaps.flatMap((bits, file) => (bits === null ? [] : [{ file, bits }]));
  const files = rows.map(({ file }) => file);
  if (scan.positions !== undefined) {
    await connection.fillBitmapTable(bitmapTable(scan), rows);
    return { files, live: null };
  }
  // The files with deletes are read by themselves and counted among themselves.
  const numbered = rows.map(({ bits }, file) => ({ file, bits }));
  const isOfFewRows = lookUp?.comparisons.some(({ op }) => op === '=') === true;
  if (isOfFewRows && registry !== undefined) {
    const { live, release } = registry.acquire(numbered);
    releases.push(release);
    return { files, live };
  }
  const form = profile === true ? 'table' : 'fastest';
  return { files, live: await liveRows(connection, bitmapTable(scan), numbered, form) };
}

function withClauseSql(scans: readonly ReadyScan[], inline: readonly InlineTable[]): string {
  const sources = [
    ...scans.map((ready) => commonTable(ready.scan.placeholder, scanSql(ready))),
    ...inline.map((table) => commonTable(table.placeholder, inlineSql(table))),
  ];
  return sources.length === 0 ? '' : `WITH ${sources.join(',\n')}\n`;
}

/** Not materialized: filters and the choice of columns reach the files. */
function commonTable(placeholder: string, sql: string): string {
  return `${quoteIdentifier(placeholder)} AS NOT MATERIALIZED (${sql})`;
}

function scanSql(ready: ReadyScan): string {
  const { merge } = ready;
  return merge === null ? rowsSql(ready) : mergeSql(merge.columns, merge.keys, rowsSql(ready));
}

function rowsSql({ scan, paths, deleted, overlays }: ReadyScan): string {
  const wanted = scan.schema.columns.filter(({ name }) => scan.columns.includes(name));
  // count(*) reads no column, but a relation needs one: it is pruned again by the engine.
  const columns = wanted.length > 0 ? wanted : scan.schema.columns.slice(0, 1);
  if (paths.length === 0) return emptyScan(columns, scan.positions !== undefined);
  const schema = { ...scan.schema, columns };
  const read = (indices: readonly number[]): string => {
    const rowCount = indices.reduce((sum, index) => sum + (scan.files[index]?.rowCount ?? 0), 0);
    const own = indices.flatMap((index) => paths[index] ?? []);
    const sql = readParquetSql(schema, own, rowCount);
    const over = overlays.filter(({ parts }) => indices.some((index) => parts.has(index)));
    return over.length === 0 ? sql : overlaidSql(schema, sql, indices, over);
  };
  const all = scan.files.map((_, index) => index);
  if (scan.positions !== undefined) {
    const leavesOut = scan.positions === true && deleted !== null;
    return positionsSql(scan, schema, read(all), leavesOut);
  }
  // Each kind of file by itself: those that nothing lies over pay for nothing.
  const live = deleted?.live ?? null;
  const touched = new Set(live === null ? [] : deleted?.files);
  const isOverlaid = (index: number): boolean => overlays.some(({ parts }) => parts.has(index));
  const rest = all.filter((index) => !touched.has(index));
  const [overlaid, whole] = [rest.filter(isOverlaid), rest.filter((index) => !isOverlaid(index))];
  const parts = [whole, overlaid]
    .filter((indices) => indices.length > 0)
    .map((indices) => `SELECT ${readSelectList(schema)} FROM ${read(indices)}`);
  if (live !== null) {
    parts.push(
      `SELECT ${readSelectList(schema, 'f')} FROM ${read([...touched])} f${live.joinSql} WHERE ${live.conditionSql}`,
    );
  }
  return parts.join(' UNION ALL ');
}

const NOT_DELETED = 'get_bit(d.bits, CAST(f.file_row_number AS INTEGER)) = 0';

function positionsSql(
  scan: QueryScan,
  schema: TableSchema,
  read: string,
  hasDeletes: boolean,
): string {
  const list = `${readSelectList(schema, 'f')}, CAST(f.file_index AS INTEGER) AS __file, f.file_row_number AS __row`;
  return hasDeletes
    ? `SELECT ${list} FROM ${read} f LEFT JOIN ${bitmapTable(scan)} d ON f.file_index = d.file WHERE d.bits IS NULL OR ${NOT_DELETED}`
    : `SELECT ${list} FROM ${read} f`;
}

/**
 * Of rows of a scan with `positions: 'all'` those that are not deleted: `rowsSql` gives `__file` and `__row` among its
 * columns. Only where the scan's sources are in scope.
 */
export function notDeletedSql(scan: QueryScan, rowsSql: string): string {
  if (scan.files.every((file) => file.deletes.length === 0)) return rowsSql;
  return `SELECT f.* FROM (${rowsSql}) f LEFT JOIN ${bitmapTable(scan)} d ON CAST(f.__file AS UBIGINT) = d.file WHERE d.bits IS NULL OR get_bit(d.bits, CAST(f.__row AS INTEGER)) = 0`;
}

function emptyScan(columns: readonly ColumnSchema[], positions: boolean): string {
  const empty = emptySql(columns);
  return positions
    ? `SELECT *, CAST(NULL AS INTEGER) AS __file, CAST(NULL AS BIGINT) AS __row FROM (${empty})`
    : empty;
}

function inlineSql(table: InlineTable): string {
  if (table.rows.length === 0) return emptySql(table.columns);
  const names = table.columns.map((_, index) => `v${index}`);
  const list = table.columns.map(
    ({ name, type }, index) => `CAST(v${index} AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`,
  );
  const rows = table.rows.map((row) => {
    assert(row.length === table.columns.length, 'an inline row has all columns');
    const values = row.map((value) => (value === null ? 'NULL::VARCHAR' : quoteLiteral(value)));
    return `(${values.join(', ')})`;
  });
  return `SELECT ${list.join(', ')} FROM (VALUES ${rows.join(', ')}) AS inline_rows(${names.join(', ')})`;
}

function emptySql(
  columns: readonly {
    readonly name: string;
    readonly type: QueryPlan['columns'][number]['type'];
  }[],
): string {
  const list = columns.map(
    ({ name, type }) => `CAST(NULL AS ${duckdbType(type)}) AS ${quoteIdentifier(name)}`,
  );
  return `SELECT ${list.join(', ')} WHERE false`;
}
