// Which rows of a data file are deleted, as one bit per row, out of the table's position-delete objects. Kept in
// memory within a bound, per data file and set of objects: both never change, so that an entry never goes stale.
import { fail } from '../base/errors.ts';
import type { DeleteFileId, FileId } from '../base/ids.ts';
import { quoteList, quoteLiteral } from '../model/duckdb-text.ts';
import type { DataFile, DeleteFile, VolumeSpec } from '../model/table.ts';
import type { Connection } from './connection.ts';
import type { FileResolver } from './plan-sources.ts';
import { columnBytes } from './vectors.ts';

/** Deleted rows that one statement reads: bounds what is in memory beside the bitmaps. */
const POSITIONS_AT_ONCE = 4_000_000;

interface Entry {
  readonly deletes: ReadonlySet<DeleteFileId>;
  readonly bits: Uint8Array;
}

/** A data file whose positions in a delete object are wanted. */
export interface DeletePair {
  /** Index of the object. */
  readonly object: number;
  readonly file: Pick<DataFile, 'key'>;
  /** What the rows are marked with. */
  readonly data: number;
}

/** `data` (INTEGER) and `pos` (BIGINT) of the pairs, from delete objects at these paths. */
export function deletePositionsSql(paths: readonly string[], pairs: readonly DeletePair[]): string {
  const values = pairs.map(({ object, file, data }) => {
    // Where a table lies may change; the name of a data file, a UUID, stays.
    const name = file.key.slice(file.key.lastIndexOf('/') + 1);
    return `(${object}, ${quoteLiteral(name)}, ${data})`;
  });
  return `SELECT p.data, d.pos FROM (SELECT file_index, file_path, pos FROM read_parquet(${quoteList(paths)})) d JOIN (VALUES ${values.join(', ')}) p(object, name, data) ON d.file_index = p.object AND split_part(d.file_path, '/', -1) = p.name`;
}

export class DeleteBitmaps {
  readonly #resolve: FileResolver;
  readonly #maxBytes: number;
  /** By data file, the longest unused first. One set of objects per file: that of the newest version read. */
  readonly #entries = new Map<FileId, Entry>();
  #bytes = 0;

  /** `maxBytes` bounds what is kept; a statement that needs more has it while it runs. */
  constructor(resolve: FileResolver, maxBytes: number) {
    this.#resolve = resolve;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Per file: bit r (from the highest of byte 0 on) is 1 where row r is deleted; null where none is. Must not be
   * changed by the caller. Throws engine and storage errors, INTERNAL where the objects do not hold what the
   * metadata says.
   */
  async of(
    connection: Connection,
    files: readonly DataFile[],
    volumes: readonly VolumeSpec[],
    signal: AbortSignal,
  ): Promise<readonly (Uint8Array | null)[]> {
    const found = new Map<FileId, Uint8Array>();
    const missing: DataFile[] = [];
    for (const file of files) {
      if (file.deletes.length === 0) continue;
      const entry = this.#entries.get(file.id);
      if (entry !== undefined && isSameSet(entry.deletes, file.deletes)) {
        found.set(file.id, entry.bits);
        this.#keep(file.id, entry);
      } else missing.push(file);
    }
    for (const group of groupsOf(missing)) {
      const loaded = await this.#load(connection, group, volumes, signal);
      for (const [index, file] of group.entries()) {
        const bits = loaded[index];
        if (bits === undefined) continue;
        found.set(file.id, bits);
        this.#keep(file.id, { deletes: new Set(file.deletes.map(({ id }) => id)), bits });
      }
    }
    return files.map((file) => found.get(file.id) ?? null);
  }

  #keep(id: FileId, entry: Entry): void {
    const old = this.#entries.get(id);
    if (old !== undefined) this.#bytes -= old.bits.byteLength;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    this.#bytes += entry.bits.byteLength;
    for (const [oldest, { bits }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#entries.delete(oldest);
      this.#bytes -= bits.byteLength;
    }
  }

  async #load(
    connection: Connection,
    files: readonly DataFile[],
    volumes: readonly VolumeSpec[],
    signal: AbortSignal,
  ): Promise<readonly Uint8Array[]> {
    const objects = new Map<DeleteFileId, { object: DeleteFile; index: number }>();
    const pairs: DeletePair[] = [];
    const bitmaps = files.map((file, data) => {
      const { bits, missing } = this.#begin(file);
      for (const object of missing) {
        const index = objects.get(object.id)?.index ?? objects.size;
        objects.set(object.id, { object, index });
        pairs.push({ object: index, file, data });
      }
      return bits;
    });
    const pinned = await this.#resolve(
      [...objects.values()].map(({ object }) => object),
      volumes,
      signal,
    );
    try {
      const positions = deletePositionsSql(pinned.paths, pairs);
      const sql = `SELECT data, CAST(pos AS INTEGER) FROM (${positions})`;
      for (const chunk of await connection.chunks(sql, { signal })) {
        const data = new DataView(copy(columnBytes(chunk, 0, 4)));
        const positions = new DataView(copy(columnBytes(chunk, 1, 4)));
        // Each look at it is a call into the engine.
        const { rowCount } = chunk;
        for (let row = 0; row < rowCount; row += 1) {
          const bits = bitmaps[data.getInt32(row * 4, true)];
          const position = positions.getInt32(row * 4, true);
          if (bits === undefined) continue;
          // One that lies beyond the file is caught by the count below.
          bits[position >> 3] = (bits[position >> 3] ?? 0) | (0x80 >> (position & 7));
        }
      }
    } finally {
      pinned.release();
    }
    for (const [index, file] of files.entries()) checkCount(file, bitmaps[index]);
    return bitmaps;
  }

  /** What is known of the file already, as a copy, and the objects that are still to be read. */
  #begin(file: DataFile): { readonly bits: Uint8Array; readonly missing: readonly DeleteFile[] } {
    const entry = this.#entries.get(file.id);
    const wanted = new Set(file.deletes.map(({ id }) => id));
    if (entry === undefined || ![...entry.deletes].every((id) => wanted.has(id))) {
      return { bits: new Uint8Array(Math.ceil(file.rowCount / 8)), missing: file.deletes };
    }
    const missing = file.deletes.filter(({ id }) => !entry.deletes.has(id));
    return { bits: Uint8Array.from(entry.bits), missing };
  }
}

/** The view's bytes in a buffer of their own: a vector's are only aligned to what it likes. */
function copy(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function isSameSet(known: ReadonlySet<DeleteFileId>, deletes: readonly DeleteFile[]): boolean {
  return known.size === deletes.length && deletes.every(({ id }) => known.has(id));
}

function groupsOf(files: readonly DataFile[]): readonly (readonly DataFile[])[] {
  const groups: DataFile[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const file of files) {
    if (rows + file.deletedRows > POSITIONS_AT_ONCE) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)?.push(file);
    rows += file.deletedRows;
  }
  return groups;
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) =>
  [...byte.toString(2)].reduce((ones, digit) => ones + Number(digit), 0),
);

/** Deletes that are not what was committed would show rows that are gone, or hide others. */
function checkCount(file: DataFile, bits: Uint8Array | undefined): void {
  let found = 0;
  for (const byte of bits ?? []) found += ONES[byte] ?? 0;
  if (bits !== undefined && found === file.deletedRows) return;
  throw fail('INTERNAL', {
    detail: `${found} rows of ${file.key} are deleted by its delete objects, ${file.deletedRows} by the metadata`,
  });
}
