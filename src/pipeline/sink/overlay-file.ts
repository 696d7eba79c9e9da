// Writes newer values of some columns for rows of committed data files: one Parquet object of the transaction for all
// touched files, its rows sorted by their place. Nothing written here is visible before its transaction commits.
import { present } from '../../base/assert.ts';
import { failpoint } from '../../base/failpoints.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Connection, StatementOptions } from '../../engine/duckdb.ts';
import { quoteLiteral } from '../../model/duckdb-text.ts';
import { overlayFileKey } from '../../model/file-key.ts';
import type { LoadTarget, StagedOverlay } from '../../model/load-plan.ts';
import { OVERLAY_PART, OVERLAY_ROW, overlaySchema } from '../../model/overlay.ts';
import { parquetCopyOptions, storeSelectList } from '../../model/parquet-layout.ts';
import type { ColumnSchema, DataFile } from '../../model/table.ts';
import { OWN_FILE } from '../transform/copy-options.ts';
import { appendFile, type SinkServices, type SinkStore } from './append.ts';

export interface OverlayTarget {
  readonly target: LoadTarget;
  readonly store: SinkStore;
  /** The files that rows are of. */
  readonly files: readonly DataFile[];
  /** The columns that get new values. */
  readonly columns: readonly ColumnSchema[];
}

/**
 * Stages the rows of `rowsSql`: `__file` (index in `files`), `__row` (position in the file) and the columns in their
 * own types, each row of a file once. Null when there are none. Throws engine and storage errors.
 */
export async function writeOverlay(
  { target, store, files, columns }: OverlayTarget,
  transactionId: TransactionId,
  services: SinkServices,
  connection: Connection,
  rowsSql: string,
  options: StatementOptions,
): Promise<StagedOverlay | null> {
  const counts = await connection.rows(
    `SELECT __file, count(*) FROM (${rowsSql}) GROUP BY __file ORDER BY __file`,
    options,
  );
  if (counts.length === 0) return null;
  const touched = counts.map(([index, rows], part) => ({
    fileId: present(files[Number(index)], 'a file of the scan').id,
    part,
    rows: Number(rows),
  }));
  const parts = counts.map(([index], part) => `(${Number(index)}, ${part})`).join(', ');
  const schema = overlaySchema(columns);
  const placed = `SELECT CAST(p.part AS INTEGER) AS ${OVERLAY_PART}, r.* FROM (${rowsSql}) r JOIN (VALUES ${parts}) p(file, part) ON r.__file = p.file`;
  const select = `SELECT ${storeSelectList(schema)} FROM (${placed}) ORDER BY ${OVERLAY_PART}, ${OVERLAY_ROW}`;
  failpoint('overlay.before-put');
  const { file } = await appendFile(
    { target, schema, store, keyOf: overlayFileKey },
    transactionId,
    services,
    connection,
    (path) =>
      `COPY (${select}) TO ${quoteLiteral(path)} (${parquetCopyOptions(schema, target.compression)}, ${OWN_FILE})`,
    () => undefined,
    options,
  );
  failpoint('overlay.after-put');
  const { volumeId, key, sizeBytes, rowCount } = present(file, 'an object of the rows counted');
  const object = { volumeId, key, sizeBytes, rowCount };
  return { object, fieldIds: columns.map(({ fieldId }) => fieldId), touched };
}
