// Newer values of some columns, put over those that a data file has: each overlay that a scan needs is joined by the
// row's place, and the newest that has a row wins. A scan that asks for no overlaid column never comes here.
import { assert } from '../base/assert.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { OVERLAY_ROW, overlaySchema } from '../model/overlay.ts';
import { readParquetSql } from '../model/parquet-layout.ts';
import type { QueryScan } from '../model/query-plan.ts';
import type { OverlayFile, TableSchema } from '../model/table.ts';

/** An overlay that a scan needs. */
export interface NeededOverlay {
  readonly object: OverlayFile;
  /** By index of a file in the scan: what the object calls the file, and whether it has every row of it. */
  readonly parts: ReadonlyMap<number, { readonly part: number; readonly isWhole: boolean }>;
}

/** One whose object lies at a local path. */
export interface ReadyOverlay extends NeededOverlay {
  readonly path: string;
}

/** The overlays with columns that the scan asks for, oldest first. */
export function neededOverlays({ schema, columns, files }: QueryScan): readonly NeededOverlay[] {
  const wanted = new Set(
    schema.columns.filter(({ name }) => columns.includes(name)).map(({ fieldId }) => fieldId),
  );
  type Parts = Map<number, { part: number; isWhole: boolean }>;
  const found = new Map<number, { object: OverlayFile; parts: Parts }>();
  for (const [index, { overlays = [], rowCount }] of files.entries()) {
    for (const { object, part, rows } of overlays) {
      if (!object.fieldIds.some((id) => wanted.has(id))) continue;
      const parts: Parts = found.get(object.id)?.parts ?? new Map();
      const entry = { object, parts };
      parts.set(index, { part, isWhole: rows === rowCount });
      found.set(object.id, entry);
    }
  }
  return [...found.values()].sort((left, right) => left.object.id - right.object.id);
}

/**
 * What `readSql` gives of the schema's columns, in stored form, with `file_index` and `file_row_number`: the newest
 * values. `readSql` reads the files `indices` of the scan, in that order.
 */
export function overlaidSql(
  schema: TableSchema,
  readSql: string,
  indices: readonly number[],
  overlays: readonly ReadyOverlay[],
): string {
  const used = new Map<string, string>();
  const newestFirst = overlays.map((overlay, ordinal) => ({ overlay, alias: `o${ordinal}` }));
  newestFirst.reverse();
  const list = schema.columns.map(({ name, fieldId }) => {
    const column = quoteIdentifier(name);
    const own = newestFirst.filter(({ overlay }) => overlay.object.fieldIds.includes(fieldId));
    // What lies below one with every row is not read for this column.
    const whole = own.findIndex(({ overlay }) => hasEveryRow(overlay, indices));
    const over = whole < 0 ? own : own.slice(0, whole + 1);
    const last = whole < 0 ? `f.${column}` : `${over.at(-1)?.alias}.${column}`;
    const cases = (whole < 0 ? over : over.slice(0, -1)).map(
      ({ alias }) => `WHEN ${alias}.${OVERLAY_ROW} IS NOT NULL THEN ${alias}.${column}`,
    );
    for (const { alias, overlay } of over) {
      const columns = schema.columns.filter((one) => overlay.object.fieldIds.includes(one.fieldId));
      used.set(alias, joinSql({ ...schema, columns }, alias, overlay, indices));
    }
    const value = cases.length === 0 ? last : `CASE ${cases.join(' ')} ELSE ${last} END`;
    return `${value} AS ${column}`;
  });
  return `(SELECT f.file_index, f.file_row_number, ${list.join(', ')} FROM ${readSql} f ${[...used.values()].join(' ')})`;
}

function hasEveryRow({ parts }: ReadyOverlay, indices: readonly number[]): boolean {
  return indices.every((index) => parts.get(index)?.isWhole === true);
}

function joinSql(
  schema: TableSchema,
  alias: string,
  { object, path, parts }: ReadyOverlay,
  indices: readonly number[],
): string {
  const pairs = indices.flatMap((index, place) => {
    const named = parts.get(index);
    return named === undefined ? [] : [`(${named.part}, ${place})`];
  });
  assert(pairs.length > 0, 'an overlay of one of the files');
  const read = readParquetSql(overlaySchema(schema.columns), [path], object.rowCount);
  const rows = `SELECT p.place, o.* FROM ${read} o JOIN (VALUES ${pairs.join(', ')}) p(part, place) ON o.__part = p.part`;
  return `LEFT JOIN (${rows}) ${alias} ON ${alias}.place = f.file_index AND ${alias}.${OVERLAY_ROW} = f.file_row_number`;
}
