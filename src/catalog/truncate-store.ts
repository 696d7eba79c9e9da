// The SQL of TRUNCATE and of overwriting: every live file leaves its table at one new version. Only commit/ may
// call it.
import type { TableId, TableVersion, TransactionId } from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { DeleteStore } from './delete-store.ts';
import { makeVersion } from './instant-change.ts';

export class TruncateStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /**
   * Under a transaction of its own, VISIBLE at once. Rows of loads that commit later stay. Returns the rows that
   * left. Throws UNKNOWN_TABLE, LEADER_LOST.
   */
  async truncate(tableId: TableId, transactionId: TransactionId, label: string): Promise<number> {
    return await this.#context.atomically(async (context) => {
      const { rowsBefore } = await makeVersion(
        context,
        { tableId, transactionId, label, source: 'TRUNCATE' },
        async (version) => {
          await removeAllFiles(context, tableId, version);
          return { files: 0, rows: 0, sizeBytes: 0 };
        },
      );
      return rowsBefore;
    });
  }
}

/** Every live file leaves the table at `version`, with its deletes; the table's counters are the caller's. */
export async function removeAllFiles(
  context: CatalogContext,
  tableId: TableId,
  version: TableVersion,
): Promise<void> {
  await context.db
    .updateTable('files')
    .set({ removed_version: version, removed_ms: context.nowMs() })
    .where('table_id', '=', tableId)
    .where('removed_version', 'is', null)
    .execute();
  await new DeleteStore(context).removeAll(tableId, version);
}
