// Schemas of tables over their versions, and the list of changes. A change is a version of its own: its
// SQL is called by commit/ only, the reads by whoever shows or reads older versions.
import { fail } from '../base/errors.ts';
import {
  asId,
  type DatabaseId,
  type TableId,
  type TableVersion,
  type TransactionId,
} from '../base/ids.ts';
import type { ColumnRewrite } from '../model/column-rewrite.ts';
import type { TableInfo, TableSchema } from '../model/table.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { readTable, selectTables } from './tables.ts';
import { newVersion } from './version-row.ts';

/** Changes are listed for so long (StarRocks: history_job_keep_max_second). */
const CHANGE_KEEP_MS = 7 * 24 * 3_600_000;

/** What a change of columns makes of a table. */
export interface SchemaChange {
  readonly schema: TableSchema;
  /** Names follow those of the columns. */
  readonly distributedBy: readonly string[];
  /** The first field id that no column of the table ever had. */
  readonly nextFieldId: number;
  /** Columns whose values come from others: the files are written anew. Absent: they stay as they are. */
  readonly rewrites?: readonly ColumnRewrite[];
}

/** One row of SHOW ALTER TABLE COLUMN. */
export interface SchemaChangeRecord {
  readonly id: number;
  readonly databaseId: DatabaseId;
  readonly tableId: TableId;
  /** 1.., the table's schema after it. */
  readonly schemaVersion: number;
  readonly transactionId: TransactionId;
  readonly createdMs: number;
  readonly finishedMs: number;
}

export class SchemaStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /** The table and the next field id. Throws UNKNOWN_TABLE. Inside a transaction. */
  async current(
    tableId: TableId,
  ): Promise<{ readonly table: TableInfo; readonly nextFieldId: number }> {
    const row = await selectTables(this.#context)
      .where('tables.id', '=', tableId)
      .executeTakeFirst();
    if (row === undefined) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
    return { table: readTable(row), nextFieldId: row.next_field_id };
  }

  /** Only for commit/. The new schema at a new version of the table. Inside a transaction. */
  async change(
    tableId: TableId,
    change: SchemaChange,
    transactionId: TransactionId,
    job?: { readonly id: number; readonly createdMs: number },
  ): Promise<TableVersion> {
    const { db, nowMs } = this.#context;
    const before = await db
      .selectFrom('tables')
      .select(['database_id', 'schema_json', 'schema_version'])
      .where('id', '=', tableId)
      .where('dropped_ms', 'is', null)
      .executeTakeFirst();
    if (before === undefined) throw fail('UNKNOWN_TABLE', { table: String(tableId) });
    const schemaJson = JSON.stringify(change.schema);
    const { head_version: version, schema_version: schemaVersion } = await db
      .updateTable('tables')
      .set((eb) => ({
        schema_json: schemaJson,
        distributed_by_json: JSON.stringify(change.distributedBy),
        next_field_id: change.nextFieldId,
        schema_version: eb('schema_version', '+', 1),
        head_version: eb('head_version', '+', 1),
        ...(change.rewrites === undefined ? {} : { rewritten_version: eb('head_version', '+', 1) }),
      }))
      .where('id', '=', tableId)
      .returning(['head_version', 'schema_version'])
      .executeTakeFirstOrThrow();
    const now = nowMs();
    const first = { table_id: tableId, schema_version: 0, from_version: 1 };
    await db
      .insertInto('table_schemas')
      .values([
        ...(before.schema_version === 0 ? [{ ...first, schema_json: before.schema_json }] : []),
        {
          table_id: tableId,
          schema_version: schemaVersion,
          from_version: version,
          schema_json: schemaJson,
        },
      ])
      .execute();
    await db
      .insertInto('table_versions')
      .values(
        newVersion(this.#context, {
          tableId,
          version: asId<TableVersion>(version),
          transactionId,
          source: 'SCHEMA_CHANGE',
        }),
      )
      .execute();
    await db
      .deleteFrom('schema_changes')
      .where('finished_ms', '<', now - CHANGE_KEEP_MS)
      .execute();
    await db
      .insertInto('schema_changes')
      .values({
        id: job?.id ?? (await nextValue(db, 'object')),
        database_id: before.database_id,
        table_id: tableId,
        schema_version: schemaVersion,
        transaction_id: transactionId,
        created_ms: job?.createdMs ?? now,
        finished_ms: now,
      })
      .execute();
    return asId<TableVersion>(version);
  }

  /** The schema that a table had at a version; null when it has had one only, the current one. */
  async at(tableId: TableId, version: TableVersion): Promise<TableSchema | null> {
    const row = await this.#context.db
      .selectFrom('table_schemas')
      .select('schema_json')
      .where('table_id', '=', tableId)
      .where('from_version', '<=', version)
      .orderBy('from_version', 'desc')
      .executeTakeFirst();
    return row === undefined ? null : (JSON.parse(row.schema_json) as TableSchema);
  }

  /** Changes in a database, oldest first; of the last 7 days. */
  async changes(databaseId: DatabaseId): Promise<readonly SchemaChangeRecord[]> {
    const rows = await this.#context.db
      .selectFrom('schema_changes')
      .selectAll()
      .where('database_id', '=', databaseId)
      .orderBy('id')
      .execute();
    return rows.map((row) => ({
      id: row.id,
      databaseId: asId<DatabaseId>(row.database_id),
      tableId: asId<TableId>(row.table_id),
      schemaVersion: row.schema_version,
      transactionId: asId<TransactionId>(row.transaction_id),
      createdMs: row.created_ms,
      finishedMs: row.finished_ms,
    }));
  }
}
