// What was dropped and can still be recovered: databases with the tables and views they had, tables, partitions, for
// the time that the configuration says. DROP ... FORCE, temporary tables and what the sweep purged never come back.
import { fail } from '../base/errors.ts';
import { asId, type DatabaseId, type PartitionId, type TableId } from '../base/ids.ts';
import type { CatalogContext } from './context.ts';
import { DatabaseStore } from './databases.ts';
import { runBatch } from './driver/batch.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import { checkNameFree } from './tables.ts';

export interface DroppedObject {
  readonly type: 'Database' | 'Table' | 'Partition';
  readonly name: string;
  readonly databaseId: DatabaseId;
  readonly databaseName: string;
  /** Null for a database. */
  readonly tableId: TableId | null;
  /** Null for a database and a table. */
  readonly partitionId: PartitionId | null;
  readonly droppedMs: number;
}

export class RecycleBin {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** What RECOVER can bring back, the newest first. Tables that went with their database come back with it. */
  async list(): Promise<readonly DroppedObject[]> {
    const { db } = this.#context;
    const [databases, tables, partitions] = await runBatch(db, [
      db
        .selectFrom('databases')
        .select(['id', 'name', 'dropped_ms'])
        .where('drop_kind', '=', 'DATABASE'),
      db
        .selectFrom('tables')
        .innerJoin('databases', 'databases.id', 'tables.database_id')
        .select([
          'tables.id',
          'tables.name',
          'tables.database_id',
          'tables.dropped_ms',
          'databases.name as database_name',
        ])
        .where('tables.drop_kind', '=', 'TABLE'),
      db
        .selectFrom('partitions')
        .innerJoin('tables', 'tables.id', 'partitions.table_id')
        .innerJoin('databases', 'databases.id', 'tables.database_id')
        .select([
          'partitions.id',
          'partitions.name',
          'partitions.table_id',
          'partitions.dropped_ms',
          'tables.database_id',
          'databases.name as database_name',
        ])
        .where('partitions.drop_kind', '=', 'PARTITION')
        .where('tables.drop_kind', '=', ''),
    ]);
    const found: DroppedObject[] = [
      ...databases.map((row) => ({
        type: 'Database' as const,
        name: row.name,
        databaseId: asId<DatabaseId>(row.id),
        databaseName: row.name,
        tableId: null,
        partitionId: null,
        droppedMs: row.dropped_ms ?? 0,
      })),
      ...tables.map((row) => ({
        type: 'Table' as const,
        name: row.name,
        databaseId: asId<DatabaseId>(row.database_id),
        databaseName: row.database_name,
        tableId: asId<TableId>(row.id),
        partitionId: null,
        droppedMs: row.dropped_ms ?? 0,
      })),
      ...partitions.map((row) => ({
        type: 'Partition' as const,
        name: row.name,
        databaseId: asId<DatabaseId>(row.database_id),
        databaseName: row.database_name,
        tableId: asId<TableId>(row.table_id),
        partitionId: asId<PartitionId>(row.id),
        droppedMs: row.dropped_ms ?? 0,
      })),
    ];
    return found.toSorted((a, b) => b.droppedMs - a.droppedMs);
  }

  /**
   * The database of that name that was dropped last, with the tables and views that it had then. Its loads stay
   * cancelled. Throws DATABASE_EXISTS, NOT_IN_RECYCLE_BIN.
   */
  async recoverDatabase(name: string): Promise<void> {
    await this.#context.atomically(async (context) => {
      const { db } = context;
      if ((await new DatabaseStore(context).find(name)) !== null) {
        throw fail('DATABASE_EXISTS', { database: name });
      }
      const dropped = await db
        .selectFrom('databases')
        .select('id')
        .where('name', '=', name)
        .where('drop_kind', '=', 'DATABASE')
        .orderBy('dropped_ms', 'desc')
        .orderBy('id', 'desc')
        .executeTakeFirst();
      if (dropped === undefined) throw fail('NOT_IN_RECYCLE_BIN', { what: 'database', name });
      await db
        .updateTable('databases')
        .set({ dropped_ms: null, drop_kind: '' })
        .where('id', '=', dropped.id)
        .execute();
      await db
        .updateTable('tables')
        .set({ dropped_ms: null, drop_kind: '' })
        .where('database_id', '=', dropped.id)
        .where('drop_kind', '=', 'DATABASE')
        .execute();
    });
  }

  /**
   * The table of that name that was dropped last, as it was. Its loads stay cancelled. Throws UNKNOWN_DATABASE,
   * TABLE_EXISTS, NOT_IN_RECYCLE_BIN, UNKNOWN_VOLUME (dropped meanwhile: the table was empty).
   */
  async recoverTable(databaseName: string, name: string): Promise<void> {
    await this.#context.atomically(async (context) => {
      const { db } = context;
      const database = await new DatabaseStore(context).get(databaseName);
      await checkNameFree(context, database.id, name, '');
      const dropped = await db
        .selectFrom('tables')
        .leftJoin('volumes', 'volumes.id', 'tables.volume_id')
        .select(['tables.id', 'tables.volume_id', 'volumes.name as volume'])
        .where('tables.database_id', '=', database.id)
        .where('tables.name', '=', name)
        .where('tables.drop_kind', '=', 'TABLE')
        .orderBy('tables.dropped_ms', 'desc')
        .orderBy('tables.id', 'desc')
        .executeTakeFirst();
      if (dropped === undefined) {
        throw fail('NOT_IN_RECYCLE_BIN', { what: 'table', name: `${databaseName}.${name}` });
      }
      if (dropped.volume === null) {
        throw fail('UNKNOWN_VOLUME', { volume: String(dropped.volume_id) });
      }
      try {
        await db
          .updateTable('tables')
          .set({ dropped_ms: null, drop_kind: '' })
          .where('id', '=', dropped.id)
          .execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('TABLE_EXISTS', { table: name }, error);
      }
    });
  }

  /** From now on nothing that was dropped before `sinceMs` can be recovered: the sweep may take its files. */
  async purge(sinceMs: number): Promise<void> {
    await this.#context.atomically(async ({ db }) => {
      await db
        .updateTable('partitions')
        .set({ drop_kind: 'FORCE' })
        .where('drop_kind', '=', 'PARTITION')
        .where('dropped_ms', '<', sinceMs)
        .execute();
      await db
        .updateTable('tables')
        .set({ drop_kind: 'FORCE' })
        .where('drop_kind', 'in', ['TABLE', 'DATABASE'])
        .where('dropped_ms', '<', sinceMs)
        .execute();
      await db
        .updateTable('databases')
        .set({ drop_kind: 'FORCE' })
        .where('drop_kind', '=', 'DATABASE')
        .where('dropped_ms', '<', sinceMs)
        .execute();
      // A table dropped by itself goes at the latest with its database.
      const gone = db.selectFrom('databases').select('id').where('drop_kind', '=', 'FORCE');
      await db
        .updateTable('tables')
        .set({ drop_kind: 'FORCE' })
        .where('drop_kind', 'in', ['TABLE', 'DATABASE'])
        .where('database_id', 'in', gone)
        .execute();
      await db.deleteFrom('views').where('database_id', 'in', gone).execute();
      await db.deleteFrom('small_files').where('database_id', 'in', gone).execute();
    });
  }
}
