// The SQL of TRUNCATE and of overwriting: every live file leaves its table at one new version. Only commit/ may
// call it.
import { fail } from '../base/errors.ts';
import { asId, type TableId, type TableVersion, type TransactionId } from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { DeleteStore } from './delete-store.ts';
import { success } from './transactions.ts';
import { newVersion } from './version-row.ts';

export class TruncateStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /**
   * Under a transaction of its own, VISIBLE at once. Rows of loads that commit later stay. Returns the rows that
   * left. Throws UNKNOWN_TABLE, LEADER_LOST.
   */
  truncate(tableId: TableId, transactionId: TransactionId, label: string): Promise<number> {
    return this.#context.atomically(async (context) => {
      const { db, leaderEpoch: epoch } = context;
      const nowMs = context.nowMs();
      const leader = await db.selectFrom('incarnation').select('leader_epoch').executeTakeFirst();
      const current = leader?.leader_epoch ?? 0;
      if (current !== epoch) throw fail('LEADER_LOST', { epoch, current });
      const before = await db
        .selectFrom('tables')
        .select(['database_id', 'live_rows'])
        .where('id', '=', tableId)
        .where('dropped_ms', 'is', null)
        .executeTakeFirst();
      const table = await db
        .updateTable('tables')
        .set((eb) => ({
          head_version: eb('head_version', '+', 1),
          live_files: 0,
          live_rows: 0,
          live_bytes: 0,
        }))
        .where('id', '=', tableId)
        .where('dropped_ms', 'is', null)
        .returning('head_version')
        .executeTakeFirst();
      if (table === undefined || before === undefined) {
        throw fail('UNKNOWN_TABLE', { table: String(tableId) });
      }
      const version = table.head_version;
      await removeAllFiles(context, tableId, asId<TableVersion>(version));
      await db
        .insertInto('table_versions')
        .values(
          newVersion(context, {
            tableId,
            version: asId<TableVersion>(version),
            transactionId,
            source: 'TRUNCATE',
          }),
        )
        .execute();
      await db
        .insertInto('transactions')
        .values({
          id: transactionId,
          label,
          database_id: before.database_id,
          table_id: tableId,
          job_id: null,
          task_id: null,
          epoch: null,
          state: 'VISIBLE',
          source: 'DELETE',
          coordinator: 'FE: truncate',
          prepare_ms: nowMs,
          prepared_ms: null,
          commit_ms: nowMs,
          finish_ms: nowMs,
          timeout_ms: 0,
          reason: '',
          attachment_json: success({ versions: [], continueTask: false }),
          user_name: '',
        })
        .execute();
      return before.live_rows;
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
