// The SQL of ROLLBACK: a new version that holds the files, and the deletes, of an older one. Only commit/ may call
// it. The objects are the same; their rows are copies under new ids, in the order and with all marks of the old.
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import type { FileId, TableId, TableVersion, TransactionId } from '../base/ids.ts';
import type { TablePoint } from '../model/table-point.ts';
import type { CatalogContext } from './context.ts';
import { runBatch } from './driver/batch.ts';
import { makeVersion } from './instant-change.ts';
import { TaskLeaseStore } from './lease-store.ts';
import { PartitionStore } from './partition-store.ts';
import { type FilesThen, restoreFiles } from './restore-files.ts';
import { TableStore } from './tables.ts';
import { versionAt } from './travel.ts';
import { removeAllFiles } from './truncate-store.ts';

export class RollbackStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** The version of the point, the one that the table has now, and how many ids going back takes. Throws as `rollback`. */
  async plan(
    tableId: TableId,
    at: TablePoint,
  ): Promise<{
    readonly version: TableVersion;
    readonly head: TableVersion;
    readonly files: number;
  }> {
    return await this.#context.atomically(async (context) => {
      const version = await this.#versionOf(context, tableId, at);
      const { files } = await rowsAt(context, tableId, version);
      const [status] = await new TableStore(context).status([tableId]);
      return { version, head: present(status, 'a live table').version, files: files.length };
    });
  }

  /**
   * Under a transaction of its own, VISIBLE at once. Loads that commit later add to the new version. Returns the
   * new version. Throws UNKNOWN_TABLE, UNKNOWN_VERSION, LEADER_LOST.
   */
  rollback(
    to: { readonly tableId: TableId; readonly version: TableVersion },
    transactionId: TransactionId,
    ids: readonly FileId[],
  ): Promise<TableVersion> {
    const { tableId } = to;
    const label = `rollback-${tableId}-${transactionId}`;
    return this.#context.atomically(async (context) => {
      const at = { unit: 'VERSION', point: to.version } as const;
      await this.#versionOf(context, tableId, at);
      const then = await rowsAt(context, tableId, to.version);
      const made = await makeVersion(
        context,
        { tableId, transactionId, label, source: 'ROLLBACK' },
        async (version) => {
          await removeAllFiles(context, tableId, version);
          const held = then.files.map((file) => file.partition_id);
          const empty = await emptyThen(context, tableId, to.version);
          const revived = new Set([...held, ...empty]);
          // Running loads were planned without them: their rows would be refused.
          if (await new PartitionStore(context).revive(tableId, revived)) {
            await new TaskLeaseStore(context).revokeTable(tableId, 'partitions came back');
          }
          return await restoreFiles(context, then, version, ids);
        },
      );
      return made.version;
    });
  }

  async #versionOf(
    context: CatalogContext,
    tableId: TableId,
    at: TablePoint,
  ): Promise<TableVersion> {
    const table = await new TableStore(context).byId(tableId);
    if (table === null) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
    const version = await versionAt(context, table, at);
    if (version < (table.rewrittenVersion ?? 0)) {
      throw fail('VERSION_REWRITTEN', {
        what: `Version ${version}`,
        table: table.name,
        version: table.rewrittenVersion ?? 0,
      });
    }
    return version;
  }
}

/** Partitions that were there at the version, whether they had files or not, and were dropped later (not by FORCE). */
async function emptyThen(
  { db }: CatalogContext,
  tableId: TableId,
  version: TableVersion,
): Promise<readonly number[]> {
  const next = await db
    .selectFrom('table_versions')
    .select('committed_ms')
    .where('table_id', '=', tableId)
    .where('version', '=', version + 1)
    .executeTakeFirst();
  // Nothing came after it: what was dropped since has no version of its own.
  if (next === undefined) return [];
  const rows = await db
    .selectFrom('partitions')
    .select('id')
    .where('table_id', '=', tableId)
    .where('drop_kind', '=', 'PARTITION')
    .where('dropped_version', '>', version)
    .where('created_ms', '<', next.committed_ms)
    .execute();
  return rows.map(({ id }) => id);
}

/** All rows that made up a version. */
async function rowsAt(
  { db }: CatalogContext,
  tableId: TableId,
  version: TableVersion,
): Promise<FilesThen> {
  const [files, deletes] = await runBatch(db, [
    db
      .selectFrom('files')
      .selectAll()
      .where('table_id', '=', tableId)
      .where('added_version', '<=', version)
      .where((eb) =>
        eb.or([eb('removed_version', 'is', null), eb('removed_version', '>', version)]),
      )
      .orderBy('id'),
    db
      .selectFrom('file_deletes')
      .selectAll()
      .where('table_id', '=', tableId)
      .where('added_version', '<=', version)
      .where((eb) =>
        eb.or([eb('removed_version', 'is', null), eb('removed_version', '>', version)]),
      ),
  ]);
  return { files, deletes };
}
