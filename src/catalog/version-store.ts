// The versions of a table that can be read: what made each, when, and what the table held.
import { asId, type TableId, type TableVersion, type TransactionId } from '../base/ids.ts';
import type { TableInfo } from '../model/table.ts';
import type { CatalogContext } from './context.ts';

export interface VersionRecord {
  readonly version: TableVersion;
  readonly committedMs: number;
  /** A transaction's source, or one of version-row.ts; CREATE for the first; '' where it is not known. */
  readonly source: string;
  /** Null for the empty table at its beginning. */
  readonly transactionId: TransactionId | null;
  /** What the table held; null where it is not known. */
  readonly files: number | null;
  readonly rows: number | null;
  readonly sizeBytes: number | null;
}

export class VersionStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** The newest first, `limit` at most. */
  async list(table: TableInfo, limit: number): Promise<readonly VersionRecord[]> {
    const rows = await this.#context.db
      .selectFrom('table_versions')
      .innerJoin('tables', 'tables.id', 'table_versions.table_id')
      .selectAll('table_versions')
      .where('table_id', '=', table.id)
      .whereRef('table_versions.version', '>=', 'tables.oldest_version')
      .orderBy('table_versions.version', 'desc')
      .limit(limit)
      .execute();
    const found = rows.map(
      (row): VersionRecord => ({
        version: asId<TableVersion>(row.version),
        committedMs: row.committed_ms,
        source: row.source,
        transactionId: asId<TransactionId>(row.transaction_id),
        files: row.held_files,
        rows: row.held_rows,
        sizeBytes: row.held_bytes,
      }),
    );
    const oldest = rows.at(-1)?.version ?? (await this.#head(table.id)) + 1;
    // The empty table that CREATE TABLE makes is version 1 and has no row.
    if (oldest === 2 && found.length < limit && (await this.#oldest(table.id)) === 1) {
      found.push({
        version: asId<TableVersion>(1),
        committedMs: table.createdMs,
        source: 'CREATE',
        transactionId: null,
        files: 0,
        rows: 0,
        sizeBytes: 0,
      });
    }
    return found;
  }

  /** Only for commit/: what a version holds is what its table does now. Inside its transaction. */
  async holdsNow(tableId: TableId, version: TableVersion): Promise<void> {
    const { db } = this.#context;
    const held = (column: 'live_files' | 'live_rows' | 'live_bytes') =>
      db.selectFrom('tables').select(column).where('id', '=', tableId);
    await db
      .updateTable('table_versions')
      .set({
        held_files: held('live_files'),
        held_rows: held('live_rows'),
        held_bytes: held('live_bytes'),
      })
      .where('table_id', '=', tableId)
      .where('version', '=', version)
      .execute();
  }

  async #head(id: TableId): Promise<number> {
    return (await this.#bounds(id)).head_version;
  }

  async #oldest(id: TableId): Promise<number> {
    return (await this.#bounds(id)).oldest_version;
  }

  #bounds(id: TableId): Promise<{ head_version: number; oldest_version: number }> {
    return this.#context.db
      .selectFrom('tables')
      .select(['head_version', 'oldest_version'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
  }
}
