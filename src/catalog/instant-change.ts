// What changes of a whole table by one statement share (TRUNCATE, ROLLBACK): the leader's check, the new version,
// and a transaction that is VISIBLE at once.
import { fail } from '../base/errors.ts';
import {
  asId,
  type DatabaseId,
  type TableId,
  type TableVersion,
  type TransactionId,
} from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { success } from './transactions.ts';
import { newVersion, type VersionSource } from './version-row.ts';

export interface InstantChange {
  readonly tableId: TableId;
  readonly transactionId: TransactionId;
  readonly label: string;
  readonly source: VersionSource;
}

/** What the table holds after the change. */
export interface HeldAfter {
  readonly files: number;
  readonly rows: number;
  readonly sizeBytes: number;
}

/**
 * Inside a transaction: the table's next version, which `change` fills. Returns the rows before and the version.
 * Throws LEADER_LOST, UNKNOWN_TABLE.
 */
export async function makeVersion(
  context: CatalogContext,
  made: InstantChange,
  change: (version: TableVersion) => Promise<HeldAfter>,
): Promise<{ readonly version: TableVersion; readonly rowsBefore: number }> {
  const { db } = context;
  const { tableId } = made;
  await checkLeader(context);
  const before = await db
    .updateTable('tables')
    .set((eb) => ({ head_version: eb('head_version', '+', 1) }))
    .where('id', '=', tableId)
    .where('dropped_ms', 'is', null)
    .returning(['database_id', 'live_rows', 'head_version'])
    .executeTakeFirst();
  if (before === undefined) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
  const version = asId<TableVersion>(before.head_version);
  const held = await change(version);
  await db
    .updateTable('tables')
    .set({ live_files: held.files, live_rows: held.rows, live_bytes: held.sizeBytes })
    .where('id', '=', tableId)
    .execute();
  await noteChange(context, made, asId<DatabaseId>(before.database_id), version);
  return { version, rowsBefore: before.live_rows };
}

/** Inside a transaction. Throws LEADER_LOST where another process has become the leader. */
export async function checkLeader({ db, leaderEpoch: epoch }: CatalogContext): Promise<void> {
  const leader = await db.selectFrom('incarnation').select('leader_epoch').executeTakeFirst();
  const current = leader?.leader_epoch ?? 0;
  if (current !== epoch) throw fail('LEADER_LOST', { epoch, current });
}

async function noteChange(
  context: CatalogContext,
  { tableId, transactionId, label, source }: InstantChange,
  databaseId: DatabaseId,
  version: TableVersion,
): Promise<void> {
  const { db } = context;
  const nowMs = context.nowMs();
  await db
    .insertInto('table_versions')
    .values(newVersion(context, { tableId, version, transactionId, source }))
    .execute();
  await db
    .insertInto('transactions')
    .values({
      id: transactionId,
      label,
      database_id: databaseId,
      table_id: tableId,
      job_id: null,
      task_id: null,
      epoch: null,
      state: 'VISIBLE',
      source: 'DELETE',
      coordinator: `FE: ${source.toLowerCase()}`,
      prepare_ms: nowMs,
      prepared_ms: null,
      commit_ms: nowMs,
      finish_ms: nowMs,
      timeout_ms: 0,
      reason: '',
      attachment_json: success({ versions: [], continueTask: false }),
      user_name: '',
      scope: '',
      idle_timeout_ms: null,
      active_ms: null,
      busy: 0,
    })
    .execute();
}
