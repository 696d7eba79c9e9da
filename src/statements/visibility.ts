// Which objects a session may know of: the one place that decides what SHOW, information_schema and sys
// list. Everything that lists objects asks here. SOURCE: StarRocks lists what one has any right on; loads
// with INSERT on their table; other users' connections with OPERATE.

import type { Rights } from '../access/rights.ts';
import type { ObjectKey } from '../catalog/account-records.ts';
import { type LoadJobRecord, tablesOfJob } from '../catalog/load-jobs.ts';
import type { Session, StatementContext } from './types.ts';

/** Names as the catalog spells them. Answers come from memory: asked once per row. */
export interface Visibility {
  /** A database in which the session has any right. */
  database(name: string): boolean;
  /** A table or view on which the session has any right. */
  table(database: string, name: string): boolean;
  /** A load or a task of the database; its table may be gone. */
  load(database: string, table: string): boolean;
  /** The tables whose loads are visible. */
  readonly loads: 'ALL' | readonly { readonly database: string; readonly table: string }[];
  /** A storage volume on which the session has any right, by id. */
  volume(id: number): boolean;
  /** May the session see how the system as a whole is doing? OPERATE. */
  readonly system: boolean;
  /** An own connection, or anybody's for those who operate the system. */
  connection(session: Session): boolean;
}

const ALL: Visibility = {
  database: () => true,
  table: () => true,
  load: () => true,
  loads: 'ALL',
  volume: () => true,
  system: true,
  connection: () => true,
};

/** A Routine Load job is visible with all the tables that it loads. */
export function seesJob(
  visible: Pick<Visibility, 'load'>,
  job: Pick<LoadJobRecord, 'databaseName' | 'tableId' | 'tableName' | 'furtherTables'>,
): boolean {
  return tablesOfJob(job).every(({ name }) => visible.load(job.databaseName, name));
}

/** What the session may know of at this moment. */
export async function visibilityOf({
  session,
  services,
}: Pick<StatementContext, 'session' | 'services'>): Promise<Visibility> {
  const { access, catalog } = services;
  const { principal } = session;
  if (access.view.isRoot(principal)) return ALL;
  const databases = new Map(
    (await catalog.databases.list()).map(({ id, name }) => [name, String(id)]),
  );
  const tables = new Map<string, ObjectKey>(
    (await catalog.tables.all()).map((table) => [
      `${table.databaseName}\0${table.name}`,
      tableKey(table.databaseId, table.id),
    ]),
  );
  for (const view of await catalog.views.all()) {
    const key = { databaseKey: String(view.databaseId), objectKey: String(view.id) };
    tables.set(`${view.databaseName}\0${view.name}`, { type: 'VIEW', ...key });
  }
  return new RightsVisibility(session, access.view.rights(principal), databases, tables);
}

const tableKey = (databaseId: number, tableId: number): ObjectKey => ({
  type: 'TABLE',
  databaseKey: String(databaseId),
  objectKey: String(tableId),
});

/** No table has this key: only rights on all tables of its database count. */
const NO_TABLE = '-';

class RightsVisibility implements Visibility {
  readonly #session: Session;
  readonly #rights: Rights;
  /** Names -> keys. */
  readonly #databases: ReadonlyMap<string, string>;
  readonly #tables: ReadonlyMap<string, ObjectKey>;

  constructor(
    session: Session,
    rights: Rights,
    databases: ReadonlyMap<string, string>,
    tables: ReadonlyMap<string, ObjectKey>,
  ) {
    this.#session = session;
    this.#rights = rights;
    this.#databases = databases;
    this.#tables = tables;
  }

  database(name: string): boolean {
    const key = this.#databases.get(name);
    return key !== undefined && this.#rights.hasInDatabase(key);
  }

  table(database: string, name: string): boolean {
    return this.#rights.has(this.#key(database, name), 'ANY');
  }

  load(database: string, table: string): boolean {
    return this.#rights.has(this.#key(database, table), ['INSERT']);
  }

  get loads(): readonly { readonly database: string; readonly table: string }[] {
    return [...this.#tables].flatMap(([names, key]) => {
      const [database = '', table = ''] = names.split('\0');
      return this.#rights.has(key, ['INSERT']) ? [{ database, table }] : [];
    });
  }

  volume(id: number): boolean {
    const key = { type: 'STORAGE VOLUME', databaseKey: '', objectKey: String(id) } as const;
    return this.#rights.has(key, 'ANY');
  }

  get system(): boolean {
    return this.#rights.has({ type: 'SYSTEM', databaseKey: '', objectKey: '*' }, ['OPERATE']);
  }

  connection(session: Session): boolean {
    const isOwn = session.principal.identity.name === this.#session.principal.identity.name;
    return isOwn || this.system;
  }

  #key(database: string, name: string): ObjectKey {
    const databaseKey = this.#databases.get(database) ?? NO_TABLE;
    return (
      this.#tables.get(`${database}\0${name}`) ?? {
        type: 'TABLE',
        databaseKey,
        objectKey: NO_TABLE,
      }
    );
  }
}
