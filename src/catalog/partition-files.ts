// The SQL of files of partitions: all of some leave a table at one new version; their order. Only commit/ may call
// it, inside its transaction.
import { fail } from '../base/errors.ts';
import {
  asId,
  type FileId,
  type PartitionId,
  type TableId,
  type TableVersion,
  type TransactionId,
} from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { DeleteStore } from './delete-store.ts';
import { PartitionStore } from './partition-store.ts';
import { restoreFiles, rowsThatLeft } from './restore-files.ts';
import { newVersion } from './version-row.ts';

export class PartitionFileStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** A new version of the table without the files of `ids`; none is also a version. Throws UNKNOWN_TABLE. */
  async remove(
    tableId: TableId,
    ids: readonly PartitionId[],
    transactionId: TransactionId,
  ): Promise<TableVersion> {
    const { db, nowMs } = this.#context;
    const status = await new PartitionStore(this.#context).status(tableId);
    const own = status.filter(({ partition }) => ids.includes(partition.id));
    const total = (pick: (one: (typeof own)[number]) => number): number =>
      own.reduce((sum, one) => sum + pick(one), 0);
    const table = await db
      .updateTable('tables')
      .set((eb) => ({
        head_version: eb('head_version', '+', 1),
        live_files: eb(
          'live_files',
          '-',
          total((one) => one.fileCount),
        ),
        live_rows: eb(
          'live_rows',
          '-',
          total((one) => one.rowCount),
        ),
        live_bytes: eb(
          'live_bytes',
          '-',
          total((one) => one.sizeBytes),
        ),
      }))
      .where('id', '=', tableId)
      .where('dropped_ms', 'is', null)
      .returning('head_version')
      .executeTakeFirst();
    if (table === undefined) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
    const version = asId<TableVersion>(table.head_version);
    const removed =
      ids.length === 0
        ? []
        : await db
            .updateTable('files')
            .set({ removed_version: version, removed_ms: nowMs() })
            .where('table_id', '=', tableId)
            .where('partition_id', 'in', [...ids])
            .where('removed_version', 'is', null)
            .returning('id')
            .execute();
    await new DeleteStore(this.#context).removeOf(
      removed.map((row) => asId<FileId>(row.id)),
      version,
    );
    await db
      .insertInto('table_versions')
      .values(newVersion(this.#context, { tableId, version, transactionId, source: 'PARTITION' }))
      .execute();
    return version;
  }

  /**
   * Files that left with a partition at `left` come back at `version`, the table's newest, in that partition or in
   * another one. `ids`: as many as `countThatLeft` says. Inside a transaction.
   */
  async bringBack(
    tableId: TableId,
    from: { readonly partitionId: PartitionId; readonly left: TableVersion },
    into: { readonly partitionId: PartitionId; readonly version: TableVersion },
    ids: readonly FileId[],
  ): Promise<void> {
    const context = this.#context;
    const then = await rowsThatLeft(context, tableId, from.partitionId, from.left);
    const held = await restoreFiles(context, then, into.version, ids, into.partitionId);
    await context.db
      .updateTable('tables')
      .set((eb) => ({
        live_files: eb('live_files', '+', held.files),
        live_rows: eb('live_rows', '+', held.rows),
        live_bytes: eb('live_bytes', '+', held.sizeBytes),
      }))
      .where('id', '=', tableId)
      .execute();
    await context.db
      .updateTable('table_versions')
      .set((eb) => ({
        held_files: eb('held_files', '+', held.files),
        held_rows: eb('held_rows', '+', held.rows),
        held_bytes: eb('held_bytes', '+', held.sizeBytes),
      }))
      .where('table_id', '=', tableId)
      .where('version', '=', into.version)
      .execute();
  }

  /** How many files left with a partition at a version. */
  async countThatLeft(
    tableId: TableId,
    partitionId: PartitionId,
    version: TableVersion,
  ): Promise<number> {
    const then = await rowsThatLeft(this.#context, tableId, partitionId, version);
    return then.files.length;
  }

  /** How many live files a table, or a partition of it, has. */
  async countLive(tableId: TableId, partitionId: PartitionId | null = null): Promise<number> {
    const live = this.#context.db
      .selectFrom('files')
      .select(({ fn }) => fn.countAll<number>().as('files'))
      .where('table_id', '=', tableId)
      .where('removed_version', 'is', null);
    const own = partitionId === null ? live : live.where('partition_id', '=', partitionId);
    return Number((await own.executeTakeFirstOrThrow()).files);
  }
}

export interface PlacedFile {
  readonly id: FileId;
  /** Its place in the commit order. */
  readonly sequence: number;
}

/** Live files of the partition of `removed` that are in the commit order from their first to their last. */
export async function countBetween(
  { db }: CatalogContext,
  tableId: TableId,
  removed: readonly PlacedFile[],
): Promise<number> {
  const [beside] = removed;
  if (beside === undefined) return 0;
  const sequences = removed.map(({ sequence }) => sequence);
  const partition = db.selectFrom('files').select('partition_id').where('id', '=', beside.id);
  const row = await db
    .selectFrom('files')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('table_id', '=', tableId)
    .where('partition_id', '=', partition)
    .where('removed_version', 'is', null)
    .where('sequence', '>=', Math.min(...sequences))
    .where('sequence', '<=', Math.max(...sequences))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}
