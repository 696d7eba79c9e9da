// The row of a data file that a commit adds to its table.
import { assert } from '../base/assert.ts';
import type { TransactionId } from '../base/ids.ts';
import type { NewFile } from './commit-store.ts';
import type { FilesTable } from './schema/tables.ts';

/** Files of one commit. */
const SEQUENCES_PER_VERSION = 1_000_000;

/** `index`: its place among the files of the commit, which orders their rows. */
export function fileRow(
  entry: NewFile,
  index: number,
  { transactionId, partitionId }: { transactionId: TransactionId; partitionId: number },
): FilesTable {
  assert(index < SEQUENCES_PER_VERSION, 'fewer files in a commit than places for them');
  return {
    id: entry.id,
    table_id: entry.tableId,
    transaction_id: transactionId,
    volume_id: entry.file.volumeId,
    file_key: entry.file.key,
    size_bytes: entry.file.sizeBytes,
    row_count: entry.file.rowCount,
    stats_json: JSON.stringify(entry.file.columnStats),
    added_version: entry.version,
    sequence: entry.sequence ?? entry.version * SEQUENCES_PER_VERSION + index,
    added_ms: entry.addedMs,
    removed_version: null,
    removed_ms: null,
    restored_version: 0,
    partition_id: partitionId,
  };
}
