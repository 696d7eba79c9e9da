// Finds the older rows of a batch's keys through the CN's key index: in the files that have one, without reading
// them. The others are left to the caller.
import { present } from '../base/assert.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import { readDigests } from '../engine/key-index/digest.ts';
import type { KeyIndex } from '../engine/key-index/key-index.ts';
import type { SourceReader } from '../engine/plan-sources.ts';
import type { ResolvePlan } from '../model/resolve-plan.ts';
import type { DataFile, TableSchema } from '../model/table.ts';

/** A file and its place among all that may hold older rows. */
export interface PlacedFile {
  readonly file: DataFile;
  readonly place: number;
}

/** What the index found, without rows that are deleted already. */
export interface IndexedRows {
  readonly found: readonly { readonly place: number; readonly rows: Uint32Array }[];
  /** Files that are still to be read. */
  readonly rest: readonly PlacedFile[];
}

export interface BatchKeys {
  readonly plan: ResolvePlan;
  /** The key columns. */
  readonly keys: TableSchema;
  /** SELECT of the key columns of the batch, in their own types. */
  readonly batchSql: string;
}

/** Null where no file can be looked up in. Throws engine and storage errors. */
export async function lookUpIndexed(
  { plan, keys, batchSql }: BatchKeys,
  services: Pick<SourceReader, 'deletes'> & { readonly keyIndex: KeyIndex | null },
  connection: Connection,
  options: StatementOptions & { readonly signal: AbortSignal },
): Promise<IndexedRows | null> {
  const { keyIndex, deletes } = services;
  if (keyIndex === null || !plan.useKeyIndex) return null;
  const chosen = keyIndex.choose(plan.files, keys, plan.volumes, batchRows(plan));
  if (chosen === null) return null;
  const { digest, indexed } = chosen;
  const digests = readDigests(
    await connection.chunks(
      `SELECT ${digest.selectList} FROM (${batchSql}) ORDER BY hi, lo`,
      options,
    ),
  );
  const files = indexed.map((place) => ({ place, file: present(plan.files[place], 'a file') }));
  const rows = await keyIndex.find(
    files.map(({ file }) => file),
    digest,
    digests,
    options.signal,
  );
  const hit = files.flatMap((placed, index) => {
    const own = rows[index];
    return own === null || own === undefined || own.length === 0 ? [] : [{ ...placed, rows: own }];
  });
  const bitmaps = await deletes.of(
    connection,
    hit.map(({ file }) => file),
    plan.volumes,
    options.signal,
  );
  const found = hit.map(({ place, rows: own }, index) => ({
    place,
    rows: withoutDeleted(own, bitmaps[index] ?? null),
  }));
  const looked = new Set(indexed.filter((_, index) => rows[index] !== null));
  const rest = plan.files.flatMap((file, place) => (looked.has(place) ? [] : [{ file, place }]));
  return { found, rest };
}

/** Adds what was found to a table of positions. */
export async function addPositions(
  connection: Connection,
  table: string,
  { found }: IndexedRows,
): Promise<void> {
  for (const { place, rows } of found) {
    if (rows.length > 0) await connection.addPositions(table, place, rows);
  }
}

function batchRows({ staged }: ResolvePlan): number {
  const { deletes = null } = staged.keyed ?? {};
  return staged.files.reduce((sum, { rowCount }) => sum + rowCount, deletes?.rowCount ?? 0);
}

/** Bit r of `bits`, from the highest of byte 0 on, is 1 where row r is deleted. */
function withoutDeleted(rows: Uint32Array, bits: Uint8Array | null): Uint32Array {
  if (bits === null) return rows;
  return rows.filter((row) => (((bits[row >>> 3] ?? 0) << (row & 7)) & 0x80) === 0);
}
