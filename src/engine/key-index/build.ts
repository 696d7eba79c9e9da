// Builds the key index of one data file: the engine reads the key columns and sorts their digests, within its memory
// limit, and they are written as they come.
import { fail } from '../../base/errors.ts';
import { readParquetSql, readSelectList } from '../../model/parquet-layout.ts';
import type { TableSchema, VolumeSpec } from '../../model/table.ts';
import type { Engine } from '../duckdb.ts';
import type { FileResolver, StoredFile } from '../plan-sources.ts';
import { columnBytes } from '../vectors.ts';
import { type KeyDigest, words } from './digest.ts';
import { type SidecarHeader, type SidecarOf, SidecarWriter } from './sidecar.ts';

const BUILD_TIMEOUT_MS = 10 * 60_000;
const ROW_BYTES = 4;

export interface BuildOrder {
  readonly file: StoredFile;
  readonly volumes: readonly VolumeSpec[];
  /** The key columns, as the table has them now. */
  readonly keys: TableSchema;
  readonly digest: KeyDigest;
  readonly of: SidecarOf;
}

/**
 * Writes the index of `order` to `path`. Throws engine and storage errors, what the file system says, and the
 * signal's reason; nothing is left at `path` then.
 */
export async function buildSidecar(
  order: BuildOrder,
  path: string,
  { engine, resolve }: { readonly engine: Engine; readonly resolve: FileResolver },
  signal: AbortSignal,
): Promise<SidecarHeader> {
  const { file, volumes, keys, digest, of } = order;
  const pinned = await resolve([file], volumes, signal);
  try {
    const writer = await SidecarWriter.open(of, path);
    try {
      const rows = `SELECT ${readSelectList(keys)}, f.file_row_number AS __row FROM ${readParquetSql(keys, pinned.paths, of.rowCount)} f`;
      const sql = `SELECT hi, lo, r FROM (SELECT ${digest.selectList}, CAST(__row AS UINTEGER) AS r FROM (${rows})) ORDER BY hi, lo`;
      await engine.withConnection(async (connection) => {
        // Its end proves nothing: the writer knows how many rows there are.
        const stream = await connection.stream(sql, { signal, timeoutMs: BUILD_TIMEOUT_MS });
        for (let chunk = await stream.fetch(); chunk !== null; chunk = await stream.fetch()) {
          const positions = new Uint8Array(columnBytes(chunk, 2, ROW_BYTES));
          await writer.add(words(chunk, 0), words(chunk, 1), new Uint32Array(positions.buffer));
        }
      });
      if (signal.aborted) throw signal.reason ?? fail('CANCELLED');
      return await writer.finish();
    } catch (thrown) {
      await writer.discard();
      throw thrown;
    }
  } finally {
    pinned.release();
  }
}
