// Tables: definitions and the short status of their heads. Their files are in snapshots.ts.
import { assert, present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import {
  asId,
  type DatabaseId,
  type TableId,
  type TableVersion,
  type VolumeId,
} from '../base/ids.ts';
import { nextFieldId, numberColumns } from '../model/field-ids.ts';
import { tablePrefix } from '../model/file-key.ts';
import type { Partitioning } from '../model/partition.ts';
import type { TableInfo, TableSchema } from '../model/table.ts';
import type {
  DropOptions,
  NewTable,
  TableChanges,
  TableStatus,
  Tables,
  TemporaryTable,
} from './catalog.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { DatabaseStore } from './databases.ts';
import { runBatch } from './driver/batch.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import { dropKind } from './drop-kind.ts';
import { cancelJobs } from './load-job-store.ts';
import { PartitionStore } from './partition-store.ts';
import { chooseVolume } from './volumes.ts';

/** `session_id` of tables that belong to no session. */
const ORDINARY = '';

/** As StarRocks numbers the reason of a job whose table is gone. */
const REASON_TABLE_GONE = 6;

export class TableStore implements Tables {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(databaseName: string): Promise<readonly TableInfo[]> {
    const database = await new DatabaseStore(this.#context).get(databaseName);
    const rows = await selectTables(this.#context)
      .where('tables.database_id', '=', database.id)
      .where('tables.session_id', '=', ORDINARY)
      .orderBy('tables.name')
      .execute();
    return rows.map(readTable);
  }

  async all(): Promise<readonly TableInfo[]> {
    const rows = await selectTables(this.#context)
      .where('tables.session_id', '=', ORDINARY)
      .orderBy('tables.id')
      .execute();
    return rows.map(readTable);
  }

  async find(
    databaseName: string,
    tableName: string,
    sessionId: string = ORDINARY,
  ): Promise<TableInfo | null> {
    const row = await selectTables(this.#context)
      .where('databases.name', '=', databaseName)
      .where('tables.name', '=', tableName)
      .where('tables.session_id', 'in', [ORDINARY, sessionId])
      .orderBy('tables.session_id', 'desc')
      .executeTakeFirst();
    return row === undefined ? null : readTable(row);
  }

  async get(databaseName: string, tableName: string, sessionId?: string): Promise<TableInfo> {
    const table = await this.find(databaseName, tableName, sessionId);
    if (table !== null) return table;
    await new DatabaseStore(this.#context).get(databaseName);
    throw fail('UNKNOWN_TABLE', { table: `${databaseName}.${tableName}` });
  }

  async byId(id: TableId): Promise<TableInfo | null> {
    const row = await selectTables(this.#context).where('tables.id', '=', id).executeTakeFirst();
    return row === undefined ? null : readTable(row);
  }

  async listTemporary(databaseName: string, sessionId: string): Promise<readonly TableInfo[]> {
    const database = await new DatabaseStore(this.#context).get(databaseName);
    const rows = await selectTables(this.#context)
      .where('tables.database_id', '=', database.id)
      .where('tables.session_id', '=', sessionId)
      .where('tables.session_id', '<>', ORDINARY)
      .orderBy('tables.name')
      .execute();
    return rows.map(readTable);
  }

  async temporary(sessionId: string | null): Promise<readonly TemporaryTable[]> {
    let query = selectTables(this.#context).where('tables.session_id', '<>', ORDINARY);
    if (sessionId !== null) query = query.where('tables.session_id', '=', sessionId);
    const rows = await query.orderBy('tables.id').execute();
    return rows.map((row) => ({ table: readTable(row), sessionId: row.session_id }));
  }

  async dropSession(sessionId: string): Promise<void> {
    await this.#context.db
      .updateTable('tables')
      .set({ dropped_ms: this.#context.nowMs(), drop_kind: 'FORCE' })
      .where('session_id', '=', sessionId)
      .where('session_id', '<>', ORDINARY)
      .where('dropped_ms', 'is', null)
      .execute();
  }

  create(table: NewTable): Promise<TableInfo> {
    return this.#context.atomically(async (context) => {
      const database = await new DatabaseStore(context).get(table.databaseName);
      if (database.isSystem) {
        throw fail('SYSTEM_OBJECT', { what: 'database', name: database.name });
      }
      const sessionId = table.sessionId ?? ORDINARY;
      await checkNameFree(context, database.id, table.name, sessionId);
      const volume = await chooseVolume(context, table.volumeName, database.volumeId);
      const id = await nextValue(context.db, 'object');
      const schema = newSchema(table);
      const row = {
        id,
        database_id: database.id,
        name: table.name,
        ...emptyTable(schema),
        session_id: sessionId,
        volume_id: volume.id,
        prefix: tablePrefix(database.name, table.name, id),
        comment: table.comment,
        distributed_by_json: JSON.stringify(table.distributedBy),
        buckets: table.buckets,
        properties_json: JSON.stringify(table.properties),
        created_ms: context.nowMs(),
        partitioning_json: partitioningJson(schema, table.partitions),
      };
      try {
        await context.db.insertInto('tables').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('TABLE_EXISTS', { table: table.name }, error);
      }
      const partitions = table.partitions?.list ?? [];
      await new PartitionStore(context).add(asId<TableId>(id), partitions);
      return readTable({ ...row, database_name: database.name });
    });
  }

  async promote(id: TableId): Promise<void> {
    await this.#context.atomically(async (context) => {
      const table = await existing(context, id);
      await checkNameFree(context, table.databaseId, table.name, ORDINARY);
      await context.db
        .updateTable('tables')
        .set({ session_id: ORDINARY })
        .where('id', '=', id)
        .execute();
    });
  }

  async alter(id: TableId, changes: TableChanges): Promise<void> {
    await this.#context.atomically(async (context) => {
      const table = await existing(context, id);
      await refuseSystem(context, table);
      if (changes.name !== undefined && changes.name !== table.name) {
        const row = await context.db
          .selectFrom('tables')
          .select('session_id')
          .where('id', '=', id)
          .executeTakeFirst();
        await checkNameFree(context, table.databaseId, changes.name, row?.session_id ?? ORDINARY);
      }
      const properties = { ...table.properties, ...changes.properties };
      await context.db
        .updateTable('tables')
        .set({
          properties_json: JSON.stringify(properties),
          ...(changes.name === undefined ? {} : { name: changes.name }),
          ...(changes.comment === undefined ? {} : { comment: changes.comment }),
        })
        .where('id', '=', id)
        .execute();
    });
  }

  async swap(a: TableId, b: TableId): Promise<void> {
    await this.#context.atomically(async (context) => {
      const [first, second] = [await existing(context, a), await existing(context, b)];
      await refuseSystem(context, first);
      const rename = (id: TableId, name: string) =>
        context.db.updateTable('tables').set({ name }).where('id', '=', id).execute();
      // By way of a name that no table can have: two of one name cannot be there at once.
      await rename(a, ` swap ${a}`);
      await rename(b, first.name);
      await rename(a, second.name);
    });
  }

  async drop(
    databaseName: string,
    tableName: string,
    { sessionId, force = false }: DropOptions = {},
  ): Promise<void> {
    await this.#context.atomically(async (context) => {
      const table = await new TableStore(context).get(databaseName, tableName, sessionId);
      const database = await new DatabaseStore(context).get(databaseName);
      if (database.isSystem) throw fail('SYSTEM_OBJECT', { what: 'table', name: tableName });
      await context.db
        .updateTable('tables')
        .set({ dropped_ms: context.nowMs(), drop_kind: force ? 'FORCE' : dropKind('TABLE') })
        .where('id', '=', table.id)
        .execute();
      await cancelJobs(context, 'table_id', table.id, {
        errCode: REASON_TABLE_GONE,
        message: 'table not exist',
      });
    });
  }

  async reserveAutoIds(id: TableId, count: number): Promise<number> {
    assert(Number.isSafeInteger(count) && count > 0, 'a number of values to reserve');
    const row = await this.#context.db
      .updateTable('tables')
      .set((eb) => ({ next_auto_id: eb('next_auto_id', '+', count) }))
      .where('id', '=', id)
      .where('dropped_ms', 'is', null)
      .returning('next_auto_id')
      .executeTakeFirst();
    if (row === undefined) throw fail('UNKNOWN_TABLE', { table: String(id) });
    assert(Number.isSafeInteger(row.next_auto_id), 'AUTO_INCREMENT values below 2^53');
    return row.next_auto_id - count;
  }

  async status(ids: readonly TableId[]): Promise<readonly TableStatus[]> {
    if (ids.length === 0) return [];
    const rows = await this.#context.db
      .selectFrom('tables')
      .leftJoin('table_versions', (join) =>
        join
          .onRef('table_versions.table_id', '=', 'tables.id')
          .onRef('table_versions.version', '=', 'tables.head_version'),
      )
      .select(['id', 'head_version', 'live_files', 'live_rows', 'live_bytes', 'committed_ms'])
      .where('id', 'in', ids)
      .where('dropped_ms', 'is', null)
      .orderBy('id')
      .execute();
    return rows.map((row) => ({
      tableId: asId<TableId>(row.id),
      version: asId<TableVersion>(row.head_version),
      fileCount: row.live_files,
      rowCount: row.live_rows,
      sizeBytes: row.live_bytes,
      updatedMs: row.committed_ms,
    }));
  }
}

function newSchema({ keysType, columns, sortKey }: NewTable): TableSchema {
  const numbered = numberColumns(columns);
  if (sortKey === undefined) return { keysType, columns: numbered };
  const ids = sortKey.map(
    (name) =>
      present(
        numbered.find((column) => column.name === name),
        'a column of the sort key',
      ).fieldId,
  );
  return { keysType, columns: numbered, sortKey: ids };
}

async function existing(context: CatalogContext, id: TableId): Promise<TableInfo> {
  const table = await new TableStore(context).byId(id);
  if (table === null) throw fail('UNKNOWN_TABLE', { table: String(id) });
  return table;
}

async function refuseSystem(context: CatalogContext, table: TableInfo): Promise<void> {
  const database = await new DatabaseStore(context).byId(table.databaseId);
  if (database?.isSystem === true) throw fail('SYSTEM_OBJECT', { what: 'table', name: table.name });
}

/** Throws TABLE_EXISTS. A temporary table may have the name of an ordinary one or of a view. */
export async function checkNameFree(
  context: CatalogContext,
  databaseId: DatabaseId,
  name: string,
  sessionId: string,
): Promise<void> {
  const { db } = context;
  const [tables, views] = await runBatch(db, [
    db
      .selectFrom('tables')
      .select('id')
      .where('database_id', '=', databaseId)
      .where('session_id', '=', sessionId)
      .where('name', '=', name)
      .where('dropped_ms', 'is', null),
    db
      .selectFrom('views')
      .select('id')
      .where('database_id', '=', databaseId)
      .where('name', '=', name),
  ]);
  if (tables.length > 0 || (views.length > 0 && sessionId === ORDINARY)) {
    throw fail('TABLE_EXISTS', { table: name });
  }
}

/** Items by the ids that the columns have now; '' = no partitions. */
function partitioningJson({ columns }: TableSchema, partitions: NewTable['partitions']): string {
  if (partitions === undefined) return '';
  const { kind, automatic } = partitions;
  const items = partitions.items.map(({ column, transform }) => {
    const lower = column.toLowerCase();
    const found = columns.find(({ name }) => name.toLowerCase() === lower);
    return { fieldId: present(found, 'a partition column').fieldId, transform };
  });
  return JSON.stringify({ kind, automatic, items } satisfies Partitioning);
}

/** The columns of a new, empty table at version 1. */
export function emptyTable(schema: TableSchema) {
  return {
    schema_json: JSON.stringify(schema),
    next_field_id: nextFieldId(schema.columns),
    dropped_ms: null,
    head_version: 1,
    live_files: 0,
    live_rows: 0,
    live_bytes: 0,
    session_id: '',
    oldest_version: 1,
    oldest_ms: 0,
    drop_kind: '' as const,
    next_auto_id: 1,
    schema_version: 0,
    partitioning_json: '',
    rewritten_version: 0,
  };
}

/** Live tables with their database's name. */
export function selectTables({ db }: CatalogContext) {
  return db
    .selectFrom('tables')
    .innerJoin('databases', 'databases.id', 'tables.database_id')
    .selectAll('tables')
    .select('databases.name as database_name')
    .where('tables.dropped_ms', 'is', null);
}

export interface TableRow {
  readonly id: number;
  readonly database_id: number;
  readonly database_name: string;
  readonly name: string;
  readonly schema_json: string;
  readonly volume_id: number;
  readonly prefix: string;
  readonly comment: string;
  readonly distributed_by_json: string;
  readonly buckets: number | null;
  readonly properties_json: string;
  readonly created_ms: number;
  readonly partitioning_json: string;
  readonly rewritten_version: number;
}

export function readTable(row: TableRow): TableInfo {
  return {
    id: asId<TableId>(row.id),
    databaseId: asId<DatabaseId>(row.database_id),
    databaseName: row.database_name,
    name: row.name,
    schema: JSON.parse(row.schema_json) as TableSchema,
    volumeId: asId<VolumeId>(row.volume_id),
    prefix: row.prefix,
    comment: row.comment,
    distributedBy: JSON.parse(row.distributed_by_json) as string[],
    buckets: row.buckets,
    properties: JSON.parse(row.properties_json) as Record<string, string>,
    createdMs: row.created_ms,
    ...(row.rewritten_version === 0 ? {} : { rewrittenVersion: row.rewritten_version }),
    ...(row.partitioning_json === ''
      ? {}
      : { partitioning: JSON.parse(row.partitioning_json) as Partitioning }),
  };
}
