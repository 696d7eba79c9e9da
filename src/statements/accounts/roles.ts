// CREATE / ALTER / DROP ROLE, SET ROLE, GRANT and REVOKE of roles. SOURCE: StarRocks docs; limits as its
// privilege_max_role_depth and privilege_max_total_roles_per_user.
import { type AccessView, identityText } from '../../access/access-view.ts';
import { BUILT_IN_ROLES, PUBLIC_ROLE } from '../../access/built-in-roles.ts';
import { fail } from '../../base/errors.ts';
import type { Grantee, RoleRecord } from '../../catalog/account-records.ts';
import { analysisError } from '../../loads/properties.ts';
import type { GranteeName } from '../../sql/ast/account.ts';
import { type Handler, OK, type StatementContext } from '../types.ts';
import { checkRoleName, existingRole, existingUser, guardPowerfulRoles } from './names.ts';

export const MAX_ROLES = 10_000;
const MAX_DEPTH = 16;
const MAX_ROLES_OF_USER = 64;

const isImmutable = (id: number): boolean =>
  BUILT_IN_ROLES.some((role) => role.id === id && role.immutable);

/** Throws SQL_ANALYZE for a built-in role whose rights cannot be changed. */
export function mustBeMutable(role: RoleRecord): void {
  if (isImmutable(role.id)) throw analysisError(`role ${role.name} is not mutable!`);
}

export const createRole: Handler<'create_role'> = async (statement, { services }) => {
  for (const { name } of statement.names) checkRoleName(name);
  await services.access.change(async (accounts, view) => {
    const made = new Set<string>();
    for (const { name } of statement.names) {
      if (view.role(name) !== undefined || made.has(name)) {
        if (statement.ifNotExists) continue;
        throw analysisError(`Operation CREATE ROLE failed for ${name} : role already exists`);
      }
      if (view.roles().length + made.size >= MAX_ROLES) {
        throw fail('LIMIT_EXCEEDED', {
          what: 'the number of roles',
          actual: MAX_ROLES + 1,
          limit: MAX_ROLES,
          hint: 'drop some',
        });
      }
      made.add(name);
      await accounts.createRole(name, statement.comment ?? '');
    }
  });
  return OK;
};

export const alterRole: Handler<'alter_role'> = async (statement, { services }) => {
  await services.access.change(async (accounts, view) => {
    for (const { name } of statement.names) {
      const role = view.role(name);
      if (role === undefined) {
        if (statement.ifExists) continue;
        throw analysisError(`Operation ALTER ROLE failed for ${name} : role not exists`);
      }
      if (role.id < 0) throw analysisError(`role ${name} is not mutable!`);
      await accounts.setRoleComment(role.id, statement.comment);
    }
  });
  return OK;
};

export const dropRole: Handler<'drop_role'> = async (statement, { session, services }) => {
  await services.access.change(async (accounts, view) => {
    for (const { name } of statement.names) {
      const role = view.role(name);
      if (role === undefined) {
        if (statement.ifExists) continue;
        throw analysisError(`Operation DROP ROLE failed for ${name} : role not exists`);
      }
      if (role.id < 0) throw analysisError(`role ${name} cannot be dropped!`);
      guardPowerfulRoles(view, [role.id], session.principal);
      await accounts.dropRole(role.id);
    }
  });
  return OK;
};

export const setRole: Handler<'set_role'> = async ({ roles }, { session, services }) => {
  const { view } = services.access;
  const { identity } = session.principal;
  const granted = view.rolesOf(identity);
  const idOf = (name: string): number => {
    const role = existingRole(view, name, 'Cannot set role');
    if (!granted.includes(role.id) && role.id !== PUBLIC_ROLE) {
      throw analysisError(`Role ${name} is not granted to ${identityText(identity)}`);
    }
    return role.id;
  };
  const active = (): ReadonlySet<number> => {
    switch (roles.kind) {
      case 'names':
        return new Set(roles.names.map(({ name }) => idOf(name)));
      case 'all': {
        const except = new Set(roles.except.map(({ name }) => idOf(name)));
        return new Set(granted.filter((id) => !except.has(id)));
      }
      case 'none':
        return new Set();
      case 'default':
        return view.defaultRoles(identity);
    }
  };
  session.principal = { identity, activeRoles: active() };
  return OK;
};

/** Throws SQL_ANALYZE for a user or role that does not exist. */
export function granteeOf(view: AccessView, name: GranteeName, doing: string): Grantee {
  if (name.type === 'USER') {
    const { name: user, host } = existingUser(view, name.user);
    return { type: 'USER', name: user, host };
  }
  return { type: 'ROLE', roleId: existingRole(view, name.name.name, doing).id };
}

type ChangeRoles = Parameters<Handler<'grant_roles'>>[0];

/** The roles and the grantee of the statement. Throws SQL_ANALYZE. */
function partsOf(
  statement: ChangeRoles,
  view: AccessView,
  { session }: StatementContext,
): { readonly roles: readonly RoleRecord[]; readonly grantee: Grantee } {
  const doing = 'Can not granted/revoke role to/from user';
  const roles = statement.roles.map(({ name }) => existingRole(view, name, doing));
  const grantee = granteeOf(view, statement.grantee, 'Can not granted/revoke role to/from role');
  if (roles.some(({ id }) => id === PUBLIC_ROLE)) {
    const verb = statement.kind === 'grant_roles' ? 'Granting' : 'Revoking';
    throw analysisError(
      `${verb} role PUBLIC has no effect.  Every user and role has role PUBLIC implicitly granted`,
    );
  }
  guardPowerfulRoles(
    view,
    roles.map(({ id }) => id),
    session.principal,
  );
  if (grantee.type === 'ROLE') {
    const role = view.roles().find(({ id }) => id === grantee.roleId);
    if (role !== undefined) mustBeMutable(role);
  }
  return { roles, grantee };
}

export const grantRoles: Handler<'grant_roles'> = async (statement, context) => {
  await context.services.access.change(async (accounts, view) => {
    const { roles, grantee } = partsOf(statement, view, context);
    if (grantee.type === 'ROLE') checkTree(view, roles, grantee.roleId);
    else checkCount(view, roles, grantee);
    for (const role of roles) await accounts.grantRole(role.id, grantee);
  });
  return OK;
};

export const revokeRoles: Handler<'revoke_roles'> = async (statement, context) => {
  await context.services.access.change(async (accounts, view) => {
    const { roles, grantee } = partsOf(statement, view, context);
    const isLastRoot =
      grantee.type === 'USER' &&
      grantee.name === 'root' &&
      roles.some(({ name }) => name === 'root');
    if (isLastRoot) throw analysisError('role root cannot be revoked from the user root');
    for (const role of roles) await accounts.revokeRole(role.id, grantee);
  });
  return OK;
};

function checkTree(view: AccessView, roles: readonly RoleRecord[], granteeId: number): void {
  const nameOf = (id: number): string => `${view.roleNames([id])[0] ?? ''}[${id}]`;
  for (const role of roles) {
    if (view.withInherited([role.id]).has(granteeId)) {
      throw analysisError(
        `failed to grant role: role ${nameOf(granteeId)} is already a predecessor role of ${nameOf(role.id)}`,
      );
    }
    // What lies above the grantee gets longer, too.
    const depth = heightAbove(view, granteeId) + view.depthOf(role.id);
    if (depth > MAX_DEPTH) {
      throw analysisError(
        `failed to grant role: role inheritance depth for ${nameOf(granteeId)} is ${depth} > ${MAX_DEPTH}`,
      );
    }
  }
}

/** Longest way from a role that has this one, through others, down to this one; 1 for itself alone. */
function heightAbove(view: AccessView, roleId: number): number {
  const known = new Map<number, number>();
  const children = new Map<number, number[]>();
  for (const { id } of view.roles()) {
    for (const granted of view.rolesOfRole(id)) {
      children.set(granted, [...(children.get(granted) ?? []), id]);
    }
  }
  const height = (id: number): number => {
    const before = known.get(id);
    if (before !== undefined) return before;
    known.set(id, 0);
    const found = 1 + Math.max(0, ...(children.get(id) ?? []).map(height));
    known.set(id, found);
    return found;
  };
  return height(roleId);
}

function checkCount(
  view: AccessView,
  roles: readonly RoleRecord[],
  user: Extract<Grantee, { type: 'USER' }>,
): void {
  const all = view.withInherited([...view.rolesOf(user), ...roles.map(({ id }) => id)]);
  if (all.size > MAX_ROLES_OF_USER) {
    throw analysisError(
      `failed to grant role: ${identityText(user)} has total ${all.size} predecessor roles > ${MAX_ROLES_OF_USER}!`,
    );
  }
}
