// The error that tells which right is missing, in StarRocks' words.
import { type AppError, fail } from '../base/errors.ts';
import type { ObjectRef, Requirement } from '../model/privilege.ts';

/** Role names for the message: `NONE`, or `[a, b]`. */
function shownRoles(names: readonly string[]): string {
  return names.length === 0 ? 'NONE' : `[${names.join(', ')}]`;
}

/** SOURCE: StarRocks' error 5203 with the name of the object, without its database. */
function shownObject(on: ObjectRef): string {
  switch (on.type) {
    case 'SYSTEM':
      return 'SYSTEM';
    case 'DATABASE':
      return `DATABASE ${on.database}`;
    case 'USER':
      return `USER '${on.name}'@'${on.host}'`;
    case 'ROUTINE LOAD':
    case 'TABLE':
      return `TABLE ${on.name}`;
    case 'CATALOG':
    case 'STORAGE VOLUME':
      return `${on.type} ${on.name}`;
  }
}

/** NOT_AUTHORIZED for a requirement that is not met. */
export function notAuthorized(
  requirement: Requirement,
  roles: { readonly active: readonly string[]; readonly inactive: readonly string[] },
  objectText: string = shownObject(requirement.on),
): AppError {
  const { anyOf } = requirement;
  return fail('NOT_AUTHORIZED', {
    privileges: anyOf === 'ANY' ? 'ANY' : anyOf.join(' OR '),
    object: objectText,
    active: shownRoles(roles.active),
    inactive: shownRoles(roles.inactive),
  });
}
