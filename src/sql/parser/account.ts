// CREATE / ALTER / DROP USER and ROLE, SET PASSWORD / PROPERTY / ROLE, EXECUTE AS, and the SHOW statements
// about users. GRANT and REVOKE are in grant.ts. SOURCE: StarRocks docs, account management.
import { fail } from '../../base/errors.ts';
import type {
  AlterUser,
  AuthOption,
  CreateRole,
  CreateUser,
  RoleChoice,
  Secret,
  SetPassword,
  UserName,
} from '../ast/account.ts';
import type { Identifier, Position, Property } from '../ast/node.ts';
import type { Statement } from '../ast/statement.ts';
import {
  notSupported,
  parseComment,
  parseIfExists,
  parseIfNotExists,
  parsePropertyList,
} from './clause.ts';
import type { Cursor } from './cursor.ts';

/** `'name'[@'host']`. */
export function parseUserName(cursor: Cursor): UserName {
  const { pos, name } = cursor.identifierOrString();
  if (!cursor.take('@')) {
    cursor.settle();
    return { pos, name, host: '%' };
  }
  if (cursor.token.word === '[') throw notSupported("a user's domain ('name'@['domain'])");
  return { pos, name, host: cursor.identifierOrString().name };
}

const parseRoleNames = (cursor: Cursor): readonly Identifier[] =>
  cursor.list(() => cursor.identifierOrString());

/** At DEFAULT ROLE's list: `r, ...`, ALL [EXCEPT r, ...], NONE. */
function parseRoleChoice(cursor: Cursor, words: readonly ('EXCEPT' | 'DEFAULT')[]): RoleChoice {
  if (cursor.take('ALL')) {
    const hasExcept = words.includes('EXCEPT') && cursor.take('EXCEPT');
    return { kind: 'all', except: hasExcept ? parseRoleNames(cursor) : [] };
  }
  if (cursor.take('NONE')) return { kind: 'none' };
  if (words.includes('DEFAULT') && cursor.take('DEFAULT')) return { kind: 'default' };
  return { kind: 'names', names: parseRoleNames(cursor) };
}

/** `IDENTIFIED {BY [PASSWORD] 'x' | WITH plugin [BY 'x' | AS 'x']}`, null when it is not there. */
function parseAuth(cursor: Cursor): AuthOption | null {
  if (!cursor.take('IDENTIFIED')) return null;
  if (cursor.expectOneOf(['BY', 'WITH']) === 'BY') {
    const kind = cursor.take('PASSWORD') ? 'hash' : 'password';
    return { plugin: null, secret: { kind, text: cursor.string() } };
  }
  const plugin = cursor.identifierOrString().name;
  const word = cursor.takeOneOf(['BY', 'AS'] as const);
  if (word === null) return { plugin, secret: null };
  return { plugin, secret: { kind: word === 'BY' ? 'password' : 'hash', text: cursor.string() } };
}

/** After CREATE USER. */
export function parseCreateUser(cursor: Cursor, pos: Position): CreateUser {
  const ifNotExists = parseIfNotExists(cursor);
  const user = parseUserName(cursor);
  const auth = parseAuth(cursor);
  const defaultRoles = cursor.takeAll('DEFAULT', 'ROLE') ? parseRoleNames(cursor) : [];
  const properties = cursor.take('PROPERTIES') ? parsePropertyList(cursor) : [];
  return { kind: 'create_user', pos, ifNotExists, user, auth, defaultRoles, properties };
}

/** After ALTER USER: at least one clause. */
export function parseAlterUser(cursor: Cursor, pos: Position): AlterUser {
  const ifExists = parseIfExists(cursor);
  const user = parseUserName(cursor);
  const auth = parseAuth(cursor);
  const defaultRoles = cursor.takeAll('DEFAULT', 'ROLE') ? parseRoleChoice(cursor, []) : null;
  let properties: readonly Property[] = [];
  if (cursor.take('SET')) {
    cursor.expect('PROPERTIES');
    properties = parsePropertyList(cursor);
  }
  if (auth === null && defaultRoles === null && properties.length === 0) {
    throw cursor.unexpected();
  }
  return { kind: 'alter_user', pos, ifExists, user, auth, defaultRoles, properties };
}

/** After DROP USER. */
export function parseDropUser(cursor: Cursor, pos: Position): Statement {
  const ifExists = parseIfExists(cursor);
  return { kind: 'drop_user', pos, ifExists, user: parseUserName(cursor) };
}

/** After CREATE ROLE. */
export function parseCreateRole(cursor: Cursor, pos: Position): CreateRole {
  const ifNotExists = parseIfNotExists(cursor);
  const names = parseRoleNames(cursor);
  return { kind: 'create_role', pos, ifNotExists, names, comment: parseComment(cursor) };
}

/** After ALTER ROLE: `r, ... SET COMMENT = 'c'`. */
export function parseAlterRole(cursor: Cursor, pos: Position): Statement {
  const ifExists = parseIfExists(cursor);
  const names = parseRoleNames(cursor);
  cursor.expectAll('SET', 'COMMENT', '=');
  return { kind: 'alter_role', pos, ifExists, names, comment: cursor.string() };
}

/** After DROP ROLE. */
export function parseDropRole(cursor: Cursor, pos: Position): Statement {
  const ifExists = parseIfExists(cursor);
  return { kind: 'drop_role', pos, ifExists, names: parseRoleNames(cursor) };
}

/** After EXECUTE, at AS. */
export function parseExecuteAs(cursor: Cursor, pos: Position): Statement {
  cursor.expect('AS');
  const user = parseUserName(cursor);
  if (!cursor.takeAll('WITH', 'NO', 'REVERT')) {
    throw fail('SQL_ANALYZE', {
      detail: '`EXECUTE AS` must use with `WITH NO REVERT` for now!',
    });
  }
  return { kind: 'execute_as', pos, user };
}

/** After SET: the forms about users and roles, null when the next words are none of them. */
export function parseSetAccount(cursor: Cursor, pos: Position): Statement | null {
  const next = cursor.peek(1).word;
  // A variable of such a name: SET role = 1.
  if ((next === '=' || next === ':=') && cursor.token.word !== 'PASSWORD') return null;
  if (cursor.take('PASSWORD')) return parseSetPassword(cursor, pos);
  if (cursor.take('PROPERTY')) {
    const userName = cursor.take('FOR') ? cursor.identifierOrString().name : null;
    const properties = cursor.list(() => {
      const { pos: at, name: key } = cursor.identifierOrString();
      cursor.expect('=');
      return { pos: at, key, value: cursor.string() };
    });
    return { kind: 'set_property', pos, userName, properties };
  }
  if (cursor.take('ROLE')) {
    return { kind: 'set_role', pos, roles: parseRoleChoice(cursor, ['EXCEPT', 'DEFAULT']) };
  }
  if (cursor.takeAll('DEFAULT', 'ROLE')) {
    const roles = parseRoleChoice(cursor, []);
    cursor.expect('TO');
    return { kind: 'set_default_role', pos, roles, user: parseUserName(cursor) };
  }
  return null;
}

function parseSetPassword(cursor: Cursor, pos: Position): SetPassword {
  const user = cursor.take('FOR') ? parseUserName(cursor) : null;
  cursor.expect('=');
  let secret: Secret;
  if (cursor.take('PASSWORD')) {
    cursor.expect('(');
    secret = { kind: 'password', text: cursor.string() };
    cursor.expect(')');
  } else {
    secret = { kind: 'hash', text: cursor.string() };
  }
  return { kind: 'set_password', pos, user, secret };
}

/** After SHOW [ALL] AUTHENTICATION. */
export function parseShowAuthentication(cursor: Cursor, pos: Position, all: boolean): Statement {
  const user = cursor.take('FOR') ? parseUserName(cursor) : null;
  return { kind: 'show_authentication', pos, user, all };
}

/** After SHOW CREATE USER. */
export function parseShowCreateUser(cursor: Cursor, pos: Position): Statement {
  const isCurrent = cursor.takeAll('CURRENT_USER', '(', ')') || cursor.take('CURRENT_USER');
  const user = isCurrent ? null : parseUserName(cursor);
  return { kind: 'show_create_user', pos, user, all: false };
}

/** After SHOW PROPERTY. */
export function parseShowProperty(cursor: Cursor, pos: Position): Statement {
  const userName = cursor.take('FOR') ? cursor.identifierOrString().name : null;
  return {
    kind: 'show_property',
    pos,
    userName,
    like: cursor.take('LIKE') ? cursor.string() : null,
  };
}
