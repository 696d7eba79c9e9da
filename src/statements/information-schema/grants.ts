// Who may do what, as rows: the *_privileges views of information_schema and the role tables of sys. The
// former list the own account's grants, for those with GRANT on SYSTEM everybody's; sys needs a right on it.
// SOURCE: StarRocks docs, information_schema and sys.
import { identityText } from '../../access/access-view.ts';
import { IN_DATABASE } from '../../access/built-in-roles.ts';
import type { Grantee, UserIdentity } from '../../catalog/account-records.ts';
import { type GrantGroup, groupGrants, ObjectNames, objectParts } from '../accounts/grant-text.ts';
import { sameUser } from '../accounts/names.ts';
import { type ViewContext, type ViewRow, type ViewTable, viewColumns } from './view.ts';

/** Accounts whose grants the session may read. */
function readableUsers({ session, services }: ViewContext): readonly UserIdentity[] {
  const { access } = services;
  const { identity } = session.principal;
  const system = { type: 'SYSTEM', databaseKey: '', objectKey: '*' } as const;
  const users = access.view.users();
  return access.has(session.principal, system, ['GRANT'])
    ? users
    : users.filter((user) => sameUser(user, identity));
}

type Scope = 'user' | 'schema' | 'table';

/** MySQL's three levels: everything, one database, one table. */
function scopeOf({ object }: GrantGroup): Scope {
  if (object.type === 'DATABASE') return object.objectKey === '*' ? 'user' : 'schema';
  if (!IN_DATABASE.has(object.type) || object.databaseKey === '*') return 'user';
  return object.objectKey === '*' ? 'schema' : 'table';
}

const privilegeRows =
  (scope: Scope) =>
  async (context: ViewContext): Promise<ViewRow[]> => {
    const { view } = context.services.access;
    const names = new ObjectNames(context.services.catalog);
    const rows: ViewRow[] = [];
    for (const { name, host } of readableUsers(context)) {
      const groups = await groupGrants(view.grantsOf({ type: 'USER', name, host }), names);
      for (const group of groups.filter((entry) => scopeOf(entry) === scope)) {
        const { database, name: object } = await objectParts(group.object, names);
        for (const privilege of group.privileges) {
          rows.push({
            GRANTEE: identityText({ name, host }),
            TABLE_CATALOG: 'def',
            ...(scope === 'user' ? {} : { TABLE_SCHEMA: database ?? object }),
            ...(scope === 'table' ? { TABLE_NAME: object } : {}),
            PRIVILEGE_TYPE: privilege,
            IS_GRANTABLE: group.grantable ? 'YES' : 'NO',
          });
        }
      }
    }
    return rows;
  };

async function applicableRoles({ session, services }: ViewContext): Promise<ViewRow[]> {
  const { view } = services.access;
  const { identity } = session.principal;
  const defaults = view.defaultRoles(identity);
  return view.rolesOf(identity).map((id) => ({
    USER: identity.name,
    HOST: identity.host,
    GRANTEE: identity.name,
    GRANTEE_HOST: identity.host,
    ROLE_NAME: view.roleNames([id])[0] ?? null,
    ROLE_HOST: '%',
    IS_GRANTABLE: 'NO',
    IS_DEFAULT: defaults.has(id) ? 'YES' : 'NO',
    IS_MANDATORY: 'NO',
  }));
}

async function roleEdges({ services }: ViewContext): Promise<ViewRow[]> {
  const { view } = services.access;
  const roleName = (id: number): string => view.roleNames([id])[0] ?? '';
  const toRoles = view
    .roles()
    .flatMap(({ id, name }) =>
      view.rolesOfRole(id).map((granted) => ({ FROM_ROLE: roleName(granted), TO_ROLE: name })),
    );
  const toUsers = view
    .users()
    .flatMap((user) =>
      view
        .rolesOf(user)
        .map((granted) => ({ FROM_ROLE: roleName(granted), TO_USER: identityText(user) })),
    );
  return [...toRoles, ...toUsers];
}

async function grantRows(
  grantees: readonly (readonly [shown: string, grantee: Grantee])[],
  { services }: ViewContext,
): Promise<ViewRow[]> {
  const names = new ObjectNames(services.catalog);
  const rows: ViewRow[] = [];
  for (const [shown, grantee] of grantees) {
    for (const group of await groupGrants(services.access.view.grantsOf(grantee), names)) {
      const { database, name } = await objectParts(group.object, names);
      rows.push({
        GRANTEE: shown,
        OBJECT_CATALOG: group.object.type === 'SYSTEM' ? null : 'default_catalog',
        OBJECT_DATABASE: database,
        OBJECT_NAME: name,
        OBJECT_TYPE: group.object.type,
        PRIVILEGE_TYPE: group.privileges.join(', '),
        IS_GRANTABLE: group.grantable ? 'YES' : 'NO',
      });
    }
  }
  return rows;
}

const grantsToRoles = (context: ViewContext): Promise<ViewRow[]> =>
  grantRows(
    context.services.access.view
      .roles()
      .map(({ id, name }) => [name, { type: 'ROLE', roleId: id }] as const),
    context,
  );

const grantsToUsers = (context: ViewContext): Promise<ViewRow[]> =>
  grantRows(
    context.services.access.view
      .users()
      .map(
        ({ name, host }) => [identityText({ name, host }), { type: 'USER', name, host }] as const,
      ),
    context,
  );

const SCOPE = 'v81 GRANTEE, v512 TABLE_CATALOG';
const RIGHT = 'v64 PRIVILEGE_TYPE, v3 IS_GRANTABLE';

export const GRANT_VIEWS: ViewTable = {
  user_privileges: {
    columns: viewColumns(`${SCOPE}, ${RIGHT}`),
    doc: 'rights on the system',
    rows: privilegeRows('user'),
  },
  schema_privileges: {
    columns: viewColumns(`${SCOPE}, v64 TABLE_SCHEMA, ${RIGHT}`),
    doc: 'rights on databases',
    rows: privilegeRows('schema'),
  },
  table_privileges: {
    columns: viewColumns(`${SCOPE}, v64 TABLE_SCHEMA TABLE_NAME, ${RIGHT}`),
    doc: 'rights on tables',
    rows: privilegeRows('table'),
  },
  column_privileges: {
    columns: viewColumns(`${SCOPE}, v64 TABLE_SCHEMA TABLE_NAME COLUMN_NAME, ${RIGHT}`),
    doc: 'rights on columns: there are none, rights are on tables',
    rows: 'none',
  },
  applicable_roles: {
    columns: viewColumns(
      'v97 USER, v255 HOST, v97 GRANTEE, v255 GRANTEE_HOST ROLE_NAME ROLE_HOST, v3 IS_GRANTABLE IS_DEFAULT IS_MANDATORY',
    ),
    doc: "the session's roles",
    rows: applicableRoles,
  },
};

const GRANT =
  'v1024 GRANTEE OBJECT_CATALOG OBJECT_DATABASE OBJECT_NAME, v64 OBJECT_TYPE, v1024 PRIVILEGE_TYPE, v8 IS_GRANTABLE';

export const SYS_GRANT_VIEWS: ViewTable = {
  role_edges: {
    columns: viewColumns('v1024 FROM_ROLE TO_ROLE TO_USER'),
    doc: 'which role is granted to which role or user',
    rows: roleEdges,
  },
  grants_to_roles: {
    columns: viewColumns(GRANT),
    doc: 'rights granted to roles',
    rows: grantsToRoles,
  },
  grants_to_users: {
    columns: viewColumns(GRANT),
    doc: 'rights granted to users',
    rows: grantsToUsers,
  },
};
