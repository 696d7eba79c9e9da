// What the statements about users and roles share: names that are allowed, the words of their errors,
// who counts as root. SOURCE: StarRocks, name rules and messages of account management.
import type { AccessView, Principal } from '../../access/access-view.ts';
import { identityText } from '../../access/access-view.ts';
import { CLUSTER_ADMIN_ROLE, ROOT_ROLE } from '../../access/built-in-roles.ts';
import type { RoleRecord, UserIdentity, UserRecord } from '../../catalog/account-records.ts';
import { analysisError } from '../../loads/properties.ts';

const USER_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.\-/@$]{0,63}$/u;
const ROLE_NAME = /^[\p{L}_][\p{L}\p{N}_\-.]{0,63}$/u;
const HOST = /^[\p{L}\p{N}_.%:-]{1,255}$/u;

/** Throws SQL_ANALYZE. */
export function checkUserName({ name, host }: UserIdentity): void {
  if (!USER_NAME.test(name)) throw analysisError(`invalid user name ${name.slice(0, 80)}`);
  if (!HOST.test(host)) throw analysisError(`invalid host ${host.slice(0, 80)}`);
}

/** Throws SQL_ANALYZE. */
export function checkRoleName(name: string): void {
  if (!ROLE_NAME.test(name)) throw analysisError(`invalid role format: ${name.slice(0, 80)}`);
}

/** Throws SQL_ANALYZE `cannot find user 'u'@'h'!`. */
export function existingUser(view: AccessView, user: UserIdentity): UserRecord {
  const found = view.user({ name: user.name, host: user.host });
  if (found === undefined) throw analysisError(`cannot find user ${identityText(user)}!`);
  return found;
}

/** Throws SQL_ANALYZE `<doing>: cannot find role r!`. */
export function existingRole(view: AccessView, name: string, doing: string): RoleRecord {
  const found = view.role(name);
  if (found === undefined) throw analysisError(`${doing}: cannot find role ${name}!`);
  return found;
}

/** Accounts that have the role root are changed and impersonated only by such accounts. Throws SQL_ANALYZE. */
export function guardRoot(
  view: AccessView,
  user: UserIdentity,
  principal: Principal,
  what: string,
): void {
  const isRootUser = view.withInherited(view.rolesOf(user)).has(ROOT_ROLE);
  if (isRootUser && !view.isRoot(principal)) {
    throw analysisError(`Can not ${what} ${identityText(user)}, except root user`);
  }
}

/** Roles with all power are given and taken only by root. Throws SQL_ANALYZE. */
export function guardPowerfulRoles(
  view: AccessView,
  roleIds: readonly number[],
  principal: Principal,
): void {
  const reached = view.withInherited(roleIds);
  const isPowerful = reached.has(ROOT_ROLE) || reached.has(CLUSTER_ADMIN_ROLE);
  if (isPowerful && !view.isRoot(principal)) {
    throw analysisError('Can not grant root or cluster_admin role except root user');
  }
}

export function sameUser(a: UserIdentity, b: UserIdentity): boolean {
  return a.name === b.name && a.host === b.host;
}
