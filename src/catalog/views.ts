// Views: their definitions. A view and a table of one database have no name in common.
import type { Selectable } from 'kysely';
import { fail } from '../base/errors.ts';
import { asId, type DatabaseId } from '../base/ids.ts';
import type { SqlType } from '../model/sql-type.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { DatabaseStore } from './databases.ts';
import { UniqueViolation } from './driver/unique-violation.ts';
import type { ViewsTable } from './schema/tables.ts';

export interface ViewColumn {
  readonly name: string;
  /** As the query gave it when the view was made. */
  readonly type: SqlType;
  readonly comment: string;
}

export type ViewSecurity = 'NONE' | 'INVOKER';

export interface ViewDefinition {
  readonly columns: readonly ViewColumn[];
  /** The query as canonical SQL, every table with its database. */
  readonly definition: string;
  readonly comment: string;
  /** INVOKER: who reads the view needs the rights on what it reads. */
  readonly security: ViewSecurity;
}

export interface ViewRecord extends ViewDefinition {
  readonly id: number;
  readonly databaseId: DatabaseId;
  readonly databaseName: string;
  readonly name: string;
  readonly createdMs: number;
}

export interface Views {
  /** By name. Throws UNKNOWN_DATABASE. */
  list(databaseName: string): Promise<readonly ViewRecord[]>;
  /** Of every database, by id. */
  all(): Promise<readonly ViewRecord[]>;
  find(databaseName: string, name: string): Promise<ViewRecord | null>;
  /** Throws UNKNOWN_DATABASE, SYSTEM_OBJECT, TABLE_EXISTS (by a table, or by a view unless `replace`). */
  put(
    databaseName: string,
    name: string,
    view: ViewDefinition,
    replace: boolean,
  ): Promise<ViewRecord>;
  /** Throws UNKNOWN_TABLE. */
  drop(databaseName: string, name: string): Promise<void>;
}

export class ViewStore implements Views {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(databaseName: string): Promise<readonly ViewRecord[]> {
    const database = await new DatabaseStore(this.#context).get(databaseName);
    const rows = await selectViews(this.#context)
      .where('views.database_id', '=', database.id)
      .orderBy('views.name')
      .execute();
    return rows.map(readView);
  }

  async all(): Promise<readonly ViewRecord[]> {
    return (await selectViews(this.#context).orderBy('views.id').execute()).map(readView);
  }

  async find(databaseName: string, name: string): Promise<ViewRecord | null> {
    const row = await selectViews(this.#context)
      .where('databases.name', '=', databaseName)
      .where('views.name', '=', name)
      .executeTakeFirst();
    return row === undefined ? null : readView(row);
  }

  put(
    databaseName: string,
    name: string,
    view: ViewDefinition,
    replace: boolean,
  ): Promise<ViewRecord> {
    return this.#context.atomically(async (context) => {
      const inside = new ViewStore(context);
      const database = await new DatabaseStore(context).get(databaseName);
      if (database.isSystem) {
        throw fail('SYSTEM_OBJECT', { what: 'database', name: database.name });
      }
      const table = await context.db
        .selectFrom('tables')
        .select('id')
        .where('database_id', '=', database.id)
        .where('name', '=', name)
        .where('session_id', '=', '')
        .where('dropped_ms', 'is', null)
        .executeTakeFirst();
      const existing = await inside.find(databaseName, name);
      if (table !== undefined || (existing !== null && !replace)) {
        throw fail('TABLE_EXISTS', { table: name });
      }
      const nowMs = context.nowMs();
      const body = {
        columns_json: JSON.stringify(view.columns),
        definition: view.definition,
        comment: view.comment,
        security: view.security,
        changed_ms: nowMs,
      };
      if (existing !== null) {
        await context.db.updateTable('views').set(body).where('id', '=', existing.id).execute();
        return { ...existing, ...view };
      }
      const id = await nextValue(context.db, 'object');
      const row = { id, database_id: database.id, name, created_ms: nowMs, ...body };
      try {
        await context.db.insertInto('views').values(row).execute();
      } catch (error) {
        if (!(error instanceof UniqueViolation)) throw error;
        throw fail('TABLE_EXISTS', { table: name }, error);
      }
      return readView({ ...row, database_name: database.name });
    });
  }

  async drop(databaseName: string, name: string): Promise<void> {
    await this.#context.atomically(async (context) => {
      const view = await new ViewStore(context).find(databaseName, name);
      if (view === null) throw fail('UNKNOWN_TABLE', { table: `${databaseName}.${name}` });
      await context.db.deleteFrom('views').where('id', '=', view.id).execute();
    });
  }
}

/** Views of live databases with their database's name. */
export function selectViews({ db }: CatalogContext) {
  return db
    .selectFrom('views')
    .innerJoin('databases', 'databases.id', 'views.database_id')
    .selectAll('views')
    .select('databases.name as database_name')
    .where('databases.dropped_ms', 'is', null);
}

export function readView(
  row: Selectable<ViewsTable> & { readonly database_name: string },
): ViewRecord {
  return {
    id: row.id,
    databaseId: asId<DatabaseId>(row.database_id),
    databaseName: row.database_name,
    name: row.name,
    columns: JSON.parse(row.columns_json) as readonly ViewColumn[],
    definition: row.definition,
    comment: row.comment,
    security: row.security === 'INVOKER' ? 'INVOKER' : 'NONE',
    createdMs: row.created_ms,
  };
}
