// The row of a new version of a table, for everything that makes one: inside the SQL transaction that does,
// after the table's counters are right.
import { sql } from 'kysely';
import type { TableId, TableVersion, TransactionId } from '../base/ids.ts';
import type { CatalogContext } from './context.ts';

/** What made a version, beyond the sources of transactions: for SHOW SNAPSHOTS. */
export type VersionSource = 'EXPIRE' | 'TRUNCATE' | 'ROLLBACK' | 'SCHEMA_CHANGE' | 'PARTITION';

export interface NewVersion {
  readonly tableId: TableId;
  readonly version: TableVersion;
  readonly transactionId: TransactionId;
  /** Absent: the source of the transaction's row. */
  readonly source?: VersionSource;
}

/** Values for `table_versions`: what the table holds is read from its row as it is by then. */
export function newVersion({ db, nowMs }: CatalogContext, made: NewVersion) {
  const { tableId, version, transactionId, source } = made;
  const held = (column: 'live_files' | 'live_rows' | 'live_bytes') =>
    db.selectFrom('tables').select(column).where('id', '=', tableId);
  return {
    table_id: tableId,
    version,
    transaction_id: transactionId,
    committed_ms: nowMs(),
    source:
      source ??
      sql<string>`coalesce(${db
        .selectFrom('transactions')
        .select('source')
        .where('id', '=', transactionId)}, '')`,
    held_files: held('live_files'),
    held_rows: held('live_rows'),
    held_bytes: held('live_bytes'),
  };
}
