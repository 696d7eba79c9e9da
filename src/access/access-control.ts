// The one place that says whether a session may do something. Holds the accounts in memory; every change
// goes through `change`, so that the next statement of any session sees it.
import { type AppError, fail } from '../base/errors.ts';
import { Mutex } from '../base/queue.ts';
import type { Accounts, ObjectKey } from '../catalog/account-records.ts';
import { userKey } from '../catalog/accounts.ts';
import { type Catalog, INFORMATION_SCHEMA } from '../catalog/catalog.ts';
import { type LoadJobRecord, tablesOfJob } from '../catalog/load-jobs.ts';
import type { ObjectRef, Requirement } from '../model/privilege.ts';
import { AccessView, identityText, type Principal } from './access-view.ts';
import { notAuthorized } from './denied.ts';

/** Databases of system views: their names have no letter case, their views no ids. */
const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set([INFORMATION_SCHEMA, 'sys']);

/** A load job as far as rights go. */
export type LoadAccount = Pick<
  LoadJobRecord,
  'userName' | 'userHost' | 'databaseId' | 'tableId' | 'tableName' | 'furtherTables'
>;

export class AccessControl {
  readonly #catalog: Catalog;
  readonly #lock = new Mutex();
  readonly #listeners = new Set<() => void>();
  #view: AccessView;

  private constructor(catalog: Catalog, view: AccessView) {
    this.#catalog = catalog;
    this.#view = view;
  }

  static async open(catalog: Catalog): Promise<AccessControl> {
    return new AccessControl(catalog, new AccessView(await catalog.accounts.read()));
  }

  /** The accounts as they are now. */
  get view(): AccessView {
    return this.#view;
  }

  /** Has the user root no password yet? */
  get rootIsOpen(): boolean {
    const root = this.#view.user({ name: 'root', host: '%' });
    return root?.sha1Digest === '' && root.sha256Digest === '';
  }

  /** Called after each change, for what holds rights longer than a statement (load jobs). */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Runs a change of accounts, one at a time: `work` checks against the view, then writes. All or nothing.
   * When it resolves, the view has it.
   */
  async change(work: (accounts: Accounts, view: AccessView) => Promise<void>): Promise<void> {
    await this.#lock.run(async () => {
      await this.#catalog.transaction((scope) => work(scope.accounts, this.#view));
      this.#view = new AccessView(await this.#catalog.accounts.read());
    });
    for (const listener of this.#listeners) listener();
  }

  /** Throws USER_GONE when the account was dropped, NOT_AUTHORIZED when a requirement is not met. */
  async check(principal: Principal, requirements: readonly Requirement[]): Promise<void> {
    const view = this.#view;
    if (view.user(principal.identity) === undefined) {
      throw fail('USER_GONE', { user: identityText(principal.identity) });
    }
    if (requirements.length === 0 || view.isRoot(principal)) return;
    for (const requirement of requirements) {
      if (await this.#meets(principal, requirement)) continue;
      throw this.denied(principal, requirement, await this.#shownObject(requirement.on));
    }
  }

  /**
   * Why a load job's account may not load into its table (or change it), null when it may. Every role that the account
   * has counts: nobody activates roles for a job.
   */
  missingForLoad(
    job: LoadAccount,
    anyOf: readonly ['INSERT' | 'ALTER'] = ['INSERT'],
  ): AppError | null {
    const identity = { name: job.userName, host: job.userHost };
    const view = this.#view;
    if (view.user(identity) === undefined) {
      return fail('USER_GONE', { user: identityText(identity) });
    }
    const principal = { identity, activeRoles: new Set(view.rolesOf(identity)) };
    const requirement = { anyOf, on: { type: 'SYSTEM' } } as const;
    const rights = view.rights(principal);
    const missing = tablesOfJob(job).find(
      ({ id }) => !rights.has(tableKey(job.databaseId, id), requirement.anyOf),
    );
    return missing === undefined
      ? null
      : this.denied(principal, requirement, `TABLE ${missing.name}`);
  }

  /** The object as the error names it, where its name alone does not say it. */
  async #shownObject(on: ObjectRef): Promise<string | undefined> {
    if (on.type === 'ROUTINE LOAD') {
      const job = await this.#job(on.database, on.name);
      return job === null ? undefined : `TABLE ${job.tableName}`;
    }
    if (on.type !== 'TABLE') return undefined;
    const found = await this.resolve(on);
    return found === null ? undefined : `${found.type} ${on.name}`;
  }

  async #job(databaseName: string, name: string): Promise<LoadJobRecord | null> {
    const database = await this.#catalog.databases.find(databaseName);
    if (database === null) return null;
    const jobs = await this.#catalog.loadJobs.byName(database.id, name);
    return jobs.find((entry) => entry.endedMs === null) ?? jobs.at(-1) ?? null;
  }

  /** The error for a requirement that is not met, with the roles that the user could activate. */
  denied(principal: Principal, requirement: Requirement, objectText?: string): AppError {
    const view = this.#view;
    const active = view.activeRoles(principal);
    const inactive = view.rolesOf(principal.identity).filter((id) => !active.includes(id));
    const roles = { active: view.roleNames(active), inactive: view.roleNames(inactive) };
    return notAuthorized(requirement, roles, objectText);
  }

  /** For every door that loads rows into a table by itself. Throws NOT_AUTHORIZED, USER_GONE. */
  checkLoad(principal: Principal, database: string, table: string): Promise<void> {
    return this.check(principal, [
      { anyOf: ['INSERT'], on: { type: 'TABLE', database, name: table } },
    ]);
  }

  /** Does the principal have one of the privileges on an object whose keys are known? */
  has(principal: Principal, object: ObjectKey, anyOf: Requirement['anyOf']): boolean {
    return this.#view.rights(principal).has(object, anyOf);
  }

  async #meets(principal: Principal, { anyOf, on }: Requirement): Promise<boolean> {
    const rights = this.#view.rights(principal);
    const object = await this.resolve(on);
    // Nothing to protect: the handler tells that it does not exist.
    if (object === null) return true;
    if (on.type === 'DATABASE' && anyOf === 'ANY') return rights.hasInDatabase(object.objectKey);
    if (!rights.has(object, anyOf)) return false;
    const job = on.type === 'ROUTINE LOAD' ? await this.#job(on.database, on.name) : null;
    // A job that loads several tables needs the right on each.
    return (job?.furtherTables ?? []).every(({ id }) =>
      rights.has({ ...object, objectKey: String(id) }, anyOf),
    );
  }

  /** The keys of a named object; null when there is none of the name. */
  resolve(on: ObjectRef): Promise<ObjectKey | null> {
    // Asked for every table of every statement. Users are in the view, which is no metadata read.
    if (on.type === 'USER') return this.#find(on);
    const names = [
      on.type,
      ...('database' in on ? [on.database] : []),
      'name' in on ? on.name : '',
    ];
    const key = ['object', ...names];
    // A job is no definition: it ends by itself.
    if (on.type === 'ROUTINE LOAD') return this.#catalog.remember(key, () => this.#find(on));
    return this.#catalog.rememberDefinition(key, () => this.#find(on));
  }

  async #find(on: ObjectRef): Promise<ObjectKey | null> {
    const catalog = this.#catalog;
    switch (on.type) {
      case 'SYSTEM':
        return { type: 'SYSTEM', databaseKey: '', objectKey: '*' };
      case 'CATALOG':
        return { type: 'CATALOG', databaseKey: '', objectKey: on.name };
      case 'DATABASE': {
        const key = await this.databaseKey(on.database);
        return key === null ? null : { type: 'DATABASE', databaseKey: '', objectKey: key };
      }
      case 'TABLE':
        return await this.#resolveTable(on.database, on.name);
      case 'STORAGE VOLUME': {
        const volume = await catalog.volumes.find(on.name);
        if (volume === null) return null;
        return { type: 'STORAGE VOLUME', databaseKey: '', objectKey: String(volume.id) };
      }
      case 'USER':
        return this.#view.user(on) === undefined
          ? null
          : { type: 'USER', databaseKey: '', objectKey: userKey(on) };
      case 'ROUTINE LOAD': {
        const job = await this.#job(on.database, on.name);
        if (job === null) return null;
        const databaseKey = String(job.databaseId);
        return { type: 'TABLE', databaseKey, objectKey: String(job.tableId) };
      }
    }
  }

  /** The key of a database in grants; null when there is none of the name. */
  async databaseKey(name: string): Promise<string | null> {
    const lower = name.toLowerCase();
    const database = await this.#catalog.databases.find(SYSTEM_SCHEMAS.has(lower) ? lower : name);
    return database === null ? null : String(database.id);
  }

  async #resolveTable(databaseName: string, name: string): Promise<ObjectKey | null> {
    const databaseKey = await this.databaseKey(databaseName);
    if (databaseKey === null) return null;
    if (SYSTEM_SCHEMAS.has(databaseName.toLowerCase())) {
      return { type: 'TABLE', databaseKey, objectKey: name.toLowerCase() };
    }
    const table = await this.#catalog.tables.find(databaseName, name);
    if (table !== null) return { type: 'TABLE', databaseKey, objectKey: String(table.id) };
    const view = await this.#catalog.views.find(databaseName, name);
    return view === null ? null : { type: 'VIEW', databaseKey, objectKey: String(view.id) };
  }
}

function tableKey(databaseId: number, tableId: number): ObjectKey {
  return { type: 'TABLE', databaseKey: String(databaseId), objectKey: String(tableId) };
}
