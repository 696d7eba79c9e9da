// CREATE / ALTER / DROP USER, SET PASSWORD, SET PROPERTY, EXECUTE AS. SOURCE: StarRocks docs.
import { identityText } from '../../access/access-view.ts';
import { fail } from '../../base/errors.ts';
import type { Accounts, UserIdentity } from '../../catalog/account-records.ts';
import { analysisError } from '../../loads/properties.ts';
import type { RoleChoice } from '../../sql/ast/account.ts';
import type { Property } from '../../sql/ast/node.ts';
import { type Handler, OK, type StatementContext } from '../types.ts';
import {
  checkUserName,
  existingRole,
  existingUser,
  guardPowerfulRoles,
  guardRoot,
} from './names.ts';
import { digestsOf, secretDigests } from './passwords.ts';
import { checkProperty } from './user-properties.ts';

export const MAX_USERS = 10_000;

const identityOf = ({ name, host }: UserIdentity): UserIdentity => ({ name, host });

export const createUser: Handler<'create_user'> = async (statement, context) => {
  const { access } = context.services;
  const user = identityOf(statement.user);
  checkUserName(user);
  const digests = digestsOf(statement.auth);
  const properties = await checkedProperties(statement.properties, context);
  await access.change(async (accounts, view) => {
    if (view.users().length >= MAX_USERS) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the number of users',
        actual: view.users().length + 1,
        limit: MAX_USERS,
        hint: 'drop some',
      });
    }
    const roles = statement.defaultRoles.map(
      ({ name }) => existingRole(view, name, 'Can not create user').id,
    );
    guardPowerfulRoles(view, roles, context.session.principal);
    const made = await accounts.createUser({ ...user, ...digests, allRolesDefault: false });
    if (!made) {
      if (statement.ifNotExists) return;
      throw analysisError(
        `Operation CREATE USER failed for ${identityText(user)} : user already exists`,
      );
    }
    for (const role of roles) await accounts.grantRole(role, { type: 'USER', ...user });
    await accounts.setDefaultRoles(user, roles);
    await putProperties(accounts, user.name, properties);
  });
  return OK;
};

export const alterUser: Handler<'alter_user'> = async (statement, context) => {
  const { access } = context.services;
  const user = identityOf(statement.user);
  const digests = statement.auth === null ? null : digestsOf(statement.auth);
  const properties = await checkedProperties(statement.properties, context);
  await access.change(async (accounts, view) => {
    if (view.user(user) === undefined) {
      if (statement.ifExists) return;
      throw analysisError(
        `Operation ALTER USER failed for ${identityText(user)} : user not exists`,
      );
    }
    guardRoot(view, user, context.session.principal, 'modify');
    if (digests !== null) await accounts.setPassword(user, digests);
    if (statement.defaultRoles !== null) {
      await accounts.setDefaultRoles(user, chosenDefaults(statement.defaultRoles, user, context));
    }
    await putProperties(accounts, user.name, properties);
  });
  return OK;
};

/** Throws SQL_ANALYZE for a role that the user does not have. */
function chosenDefaults(
  choice: RoleChoice,
  user: UserIdentity,
  { services }: StatementContext,
): 'ALL' | readonly number[] {
  const { view } = services.access;
  switch (choice.kind) {
    case 'all':
      return 'ALL';
    case 'none':
    case 'default':
      return [];
    case 'names': {
      const granted = view.rolesOf(user);
      return choice.names.map(({ name }) => {
        const role = existingRole(view, name, 'Cannot set role');
        if (!granted.includes(role.id)) {
          throw analysisError(`Role ${name} is not granted to ${identityText(user)}`);
        }
        return role.id;
      });
    }
  }
}

export const setDefaultRole: Handler<'set_default_role'> = async (statement, context) => {
  const user = identityOf(statement.user);
  await context.services.access.change(async (accounts, view) => {
    existingUser(view, user);
    await accounts.setDefaultRoles(user, chosenDefaults(statement.roles, user, context));
  });
  return OK;
};

export const dropUser: Handler<'drop_user'> = async (statement, { session, services }) => {
  const user = identityOf(statement.user);
  await services.access.change(async (accounts, view) => {
    if (view.user(user) === undefined) {
      if (statement.ifExists) return;
      throw analysisError(`Operation DROP USER failed for ${identityText(user)} : user not exists`);
    }
    if (user.name === 'root' && user.host === '%') {
      throw analysisError(
        `Operation DROP USER failed for ${identityText(user)} : cannot drop user ${identityText(user)}`,
      );
    }
    guardRoot(view, user, session.principal, 'drop');
    await accounts.dropUser(user);
  });
  return OK;
};

export const setPassword: Handler<'set_password'> = async (statement, { session, services }) => {
  const user = statement.user === null ? session.principal.identity : identityOf(statement.user);
  await services.access.change(async (accounts, view) => {
    const { plugin } = existingUser(view, user);
    guardRoot(view, user, session.principal, 'modify');
    await accounts.setPassword(user, secretDigests(statement.secret, plugin));
  });
  return OK;
};

export const setProperty: Handler<'set_property'> = async (statement, context) => {
  const { session, services } = context;
  const userName = statement.userName ?? session.principal.identity.name;
  const properties = await checkedProperties(statement.properties, context);
  await services.access.change(async (accounts, view) => {
    if (!view.hasUserName(userName)) throw analysisError(`user '${userName}' doesn't exist`);
    await putProperties(accounts, userName, properties);
  });
  return OK;
};

async function checkedProperties(
  properties: readonly Property[],
  context: StatementContext,
): Promise<readonly Property[]> {
  for (const { key, value } of properties) await checkProperty(key, value, context);
  return properties;
}

async function putProperties(
  accounts: Accounts,
  userName: string,
  properties: readonly Property[],
): Promise<void> {
  for (const { key, value } of properties) {
    await accounts.setProperty(userName, key.toLowerCase(), value);
  }
}

/** The session goes on as the other user with that user's default roles; there is no way back. */
export const executeAs: Handler<'execute_as'> = async (statement, { session, services }) => {
  const { view } = services.access;
  const user = identityOf(existingUser(view, statement.user));
  guardRoot(view, user, session.principal, 'impersonate');
  session.principal = { identity: user, activeRoles: view.defaultRoles(user) };
  return OK;
};
