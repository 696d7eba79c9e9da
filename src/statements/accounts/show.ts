// SHOW USERS, AUTHENTICATION, CREATE USER, PROPERTY, ROLES, GRANTS, PRIVILEGES. Digests are never shown.
import { identityText, MAX_CONNECTIONS_PROPERTY } from '../../access/access-view.ts';
import type { UserRecord } from '../../catalog/account-records.ts';
import { analysisError } from '../../loads/properties.ts';
import { NOT_GRANTABLE, OBJECT_PRIVILEGES } from '../../model/privilege.ts';
import { quoteText } from '../properties.ts';
import { filterRows } from '../show-filter.ts';
import { type Handler, type StatementContext, textRows } from '../types.ts';
import { ObjectNames, showGrantsRows } from './grant-text.ts';
import { existingUser, sameUser } from './names.ts';
import { granteeOf } from './roles.ts';

export const showUsers: Handler<'show_users'> = async (_statement, { services }) =>
  textRows(
    ['User'],
    services.access.view.users().map((user) => [identityText(user)]),
  );

export const showRoles: Handler<'show_roles'> = async (_statement, { services }) =>
  textRows(
    ['Name', 'Builtin', 'Comment'],
    services.access.view.roles().map(({ id, name, comment }) => [name, String(id < 0), comment]),
  );

const hasPassword = (user: UserRecord): boolean =>
  user.sha1Digest !== '' || user.sha256Digest !== '';

export const showAuthentication: Handler<'show_authentication'> = async (statement, context) => {
  const { view } = context.services.access;
  const users = statement.all ? view.users() : [existingUser(view, shownUser(statement, context))];
  return textRows(
    ['UserIdentity', 'Password', 'AuthPlugin', 'UserForAuthPlugin'],
    users.map((user) => [
      identityText(user),
      hasPassword(user) ? 'Yes' : 'No',
      user.plugin.toUpperCase(),
      null,
    ]),
  );
};

function shownUser(
  statement: Pick<Parameters<Handler<'show_create_user'>>[0], 'user'>,
  { session }: StatementContext,
): { readonly name: string; readonly host: string } {
  return statement.user ?? session.principal.identity;
}

/** The digest shows as `<secret>`: whoever has it could log in without the password. */
export const showCreateUser: Handler<'show_create_user'> = async (statement, context) => {
  const { view } = context.services.access;
  const user = existingUser(view, shownUser(statement, context));
  const defaults = view.roleNames(view.defaultRoles(user)).map((name) => `'${name}'`);
  const properties = [...view.properties(user.name)].map(
    ([key, value]) => `${quoteText(key)} = ${quoteText(value)}`,
  );
  const isPlain = !hasPassword(user) && user.plugin === 'mysql_native_password';
  const lines = [
    `CREATE USER ${identityText(user)}`,
    ...(isPlain
      ? []
      : [`IDENTIFIED WITH ${user.plugin}${hasPassword(user) ? " AS '<secret>'" : ''}`]),
    ...(defaults.length === 0 ? [] : [`DEFAULT ROLE ${defaults.join(', ')}`]),
    ...(properties.length === 0 ? [] : [`PROPERTIES (${properties.join(', ')})`]),
  ];
  return textRows(['User', 'Create User'], [[identityText(user), lines.join('\n')]]);
};

export const showProperty: Handler<'show_property'> = async (statement, { session, services }) => {
  const { view } = services.access;
  const name = statement.userName ?? session.principal.identity.name;
  if (!view.hasUserName(name)) throw analysisError(`user '${name}' doesn't exist`);
  const names = ['Key', 'Value'];
  const rows = [
    [MAX_CONNECTIONS_PROPERTY, String(view.maxConnections(name))],
    ...[...view.properties(name)].filter(([key]) => key !== MAX_CONNECTIONS_PROPERTY),
  ];
  return textRows(names, filterRows(names, rows, { like: statement.like, where: null }));
};

/** Own grants and those of own roles; others' need GRANT on SYSTEM. */
export const showGrants: Handler<'show_grants'> = async (statement, { session, services }) => {
  const { access, catalog } = services;
  const { view } = access;
  const { identity } = session.principal;
  const grantee =
    statement.grantee === null
      ? ({ type: 'USER', ...identity } as const)
      : granteeOf(view, statement.grantee, 'There is no such grant defined for role');
  const isOwn =
    grantee.type === 'USER'
      ? sameUser(grantee, identity)
      : view.withInherited(view.rolesOf(identity)).has(grantee.roleId);
  if (!isOwn) await access.check(session.principal, [{ anyOf: ['GRANT'], on: { type: 'SYSTEM' } }]);
  const rows = await showGrantsRows(grantee, view, new ObjectNames(catalog));
  const who = grantee.type === 'USER' ? 'UserIdentity' : 'RoleName';
  return textRows([who, 'Catalog', 'Grants'], rows);
};

export const showPrivileges: Handler<'show_privileges'> = async (statement) => {
  const names = ['Privilege', 'Context', 'Comment'];
  const rows = Object.entries(OBJECT_PRIVILEGES).flatMap(([type, privileges]) =>
    privileges.map((privilege) => [
      privilege,
      type,
      NOT_GRANTABLE.has(privilege) ? 'only with a built-in role' : '',
    ]),
  );
  return textRows(names, filterRows(names, rows, statement));
};
