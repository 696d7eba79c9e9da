// Grants as StarRocks writes them: one GRANT statement per object and grant option. Rows of objects that
// are gone are left out. SOURCE: StarRocks docs, SHOW GRANTS; text as its statement printer writes it.
import { type AccessView, identityText } from '../../access/access-view.ts';
import { IN_DATABASE } from '../../access/built-in-roles.ts';
import { asId, type DatabaseId, type TableId } from '../../base/ids.ts';
import type { Grantee, GrantRecord, ObjectKey } from '../../catalog/account-records.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { OBJECT_PRIVILEGES } from '../../model/privilege.ts';

/** Finds names of objects by their keys; asks the catalog once for each. For one statement. */
export class ObjectNames {
  readonly #catalog: Catalog;
  readonly #databases = new Map<string, Promise<string | null>>();
  readonly #tables = new Map<string, Promise<string | null>>();
  #volumes: Promise<ReadonlyMap<string, string>> | undefined;
  #views: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  database(key: string): Promise<string | null> {
    if (!/^\d+$/.test(key)) return Promise.resolve(key);
    return once(this.#databases, key, async () => {
      const found = await this.#catalog.databases.byId(asId<DatabaseId>(Number(key)));
      return found?.name ?? null;
    });
  }

  /** Of a table or a view. */
  table(key: string): Promise<string | null> {
    if (!/^\d+$/.test(key)) return Promise.resolve(key);
    return once(this.#tables, key, async () => {
      const found = await this.#catalog.tables.byId(asId<TableId>(Number(key)));
      if (found !== null) return found.name;
      this.#views ??= this.#catalog.views
        .all()
        .then((views) => new Map(views.map(({ id, name }) => [String(id), name])));
      return (await this.#views).get(key) ?? null;
    });
  }

  async volume(key: string): Promise<string | null> {
    this.#volumes ??= this.#catalog.volumes
      .list()
      .then((volumes) => new Map(volumes.map(({ id, name }) => [String(id), name])));
    return (await this.#volumes).get(key) ?? null;
  }
}

function once(
  known: Map<string, Promise<string | null>>,
  key: string,
  find: () => Promise<string | null>,
): Promise<string | null> {
  let found = known.get(key);
  if (found === undefined) {
    found = find();
    known.set(key, found);
  }
  return found;
}

/** What stands after ON; null when the object is gone. */
async function objectText(object: ObjectKey, names: ObjectNames): Promise<string | null> {
  const { type, databaseKey, objectKey } = object;
  if (type === 'SYSTEM') return 'SYSTEM';
  if (IN_DATABASE.has(type)) {
    if (databaseKey === '*') return `ALL ${type}S IN ALL DATABASES`;
    const database = await names.database(databaseKey);
    if (database === null) return null;
    if (objectKey === '*') return `ALL ${type}S IN DATABASE ${database}`;
    const table = await names.table(objectKey);
    return table === null ? null : `${type} ${database}.${table}`;
  }
  if (objectKey === '*') return `ALL ${type}S`;
  const name = await objectName(object, names);
  return name === null ? null : `${type} ${name}`;
}

async function objectName(
  { type, objectKey }: ObjectKey,
  names: ObjectNames,
): Promise<string | null> {
  switch (type) {
    case 'DATABASE':
      return names.database(objectKey);
    case 'STORAGE VOLUME':
      return names.volume(objectKey);
    case 'USER': {
      const [name = '', host = ''] = objectKey.split('\n');
      return identityText({ name, host });
    }
    default:
      return objectKey;
  }
}

/** Names of the object and of its database; null = all of them, or nothing of the kind. */
export async function objectParts(
  object: ObjectKey,
  names: ObjectNames,
): Promise<{ readonly database: string | null; readonly name: string | null }> {
  const { type, databaseKey, objectKey } = object;
  if (type === 'SYSTEM') return { database: null, name: null };
  if (!IN_DATABASE.has(type)) {
    const name = objectKey === '*' ? null : await objectName(object, names);
    return type === 'DATABASE' ? { database: name, name: null } : { database: null, name };
  }
  const database = databaseKey === '*' ? null : await names.database(databaseKey);
  return { database, name: objectKey === '*' ? null : await names.table(objectKey) };
}

/** Grants on the same object with the same option are one statement. */
export interface GrantGroup {
  readonly object: ObjectKey;
  readonly objectText: string;
  readonly privileges: readonly string[];
  readonly grantable: boolean;
}

/** In the order of types, then objects. */
export async function groupGrants(
  grants: readonly GrantRecord[],
  names: ObjectNames,
): Promise<readonly GrantGroup[]> {
  const groups = new Map<string, GrantRecord[]>();
  for (const grant of grants) {
    const key = [grant.type, grant.databaseKey, grant.objectKey, grant.grantable].join('\0');
    groups.set(key, [...(groups.get(key) ?? []), grant]);
  }
  const found = await Promise.all(
    [...groups.values()].map(async (group): Promise<GrantGroup | null> => {
      const [first] = group;
      const text = first === undefined ? null : await objectText(first, names);
      if (first === undefined || text === null) return null;
      const has = new Set(group.map((grant) => grant.privilege));
      const privileges = OBJECT_PRIVILEGES[first.type].filter((privilege) => has.has(privilege));
      return { object: first, objectText: text, privileges, grantable: first.grantable };
    }),
  );
  const types = Object.keys(OBJECT_PRIVILEGES);
  return found
    .filter((group) => group !== null)
    .sort(
      (a, b) =>
        types.indexOf(a.object.type) - types.indexOf(b.object.type) ||
        (a.objectText < b.objectText ? -1 : a.objectText > b.objectText ? 1 : 0) ||
        Number(a.grantable) - Number(b.grantable),
    );
}

/** `USER 'u'@'h'` or `ROLE 'r'`, as after TO. */
function granteeText(grantee: Grantee, view: AccessView): string {
  return grantee.type === 'USER'
    ? `USER ${identityText(grantee)}`
    : `ROLE '${view.roleNames([grantee.roleId])[0] ?? ''}'`;
}

/** Rows of SHOW GRANTS: who, catalog (NULL for roles), statement. */
export async function showGrantsRows(
  grantee: Grantee,
  view: AccessView,
  names: ObjectNames,
): Promise<(string | null)[][]> {
  const isUser = grantee.type === 'USER';
  const roleName = isUser ? '' : (view.roleNames([grantee.roleId])[0] ?? '');
  const shown = isUser ? identityText(grantee) : roleName;
  const roles = view.roleNames(isUser ? view.rolesOf(grantee) : view.rolesOfRole(grantee.roleId));
  const groups = await groupGrants(view.grantsOf(grantee), names);
  const roleRows =
    roles.length === 0
      ? []
      : [
          [
            shown,
            null,
            `GRANT ${roles.map((name) => `'${name}'`).join(', ')} TO ${isUser ? shown : `ROLE ${roleName}`}`,
          ],
        ];
  return [
    ...roleRows,
    ...groups.map((group) => [
      shown,
      'default_catalog',
      `GRANT ${group.privileges.join(', ')} ON ${group.objectText} TO ${granteeText(grantee, view)}${group.grantable ? ' WITH GRANT OPTION' : ''}`,
    ]),
  ];
}
