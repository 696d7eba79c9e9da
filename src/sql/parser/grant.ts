// GRANT and REVOKE, of privileges and of roles, with the older short forms (ON db.t, ON *.*).
// SOURCE: StarRocks docs, GRANT and REVOKE.
import type { ObjectType } from '../../model/privilege.ts';
import type { ChangeRights, ChangeRoles, GranteeName, GrantTarget } from '../ast/account.ts';
import type { Identifier, Position, QualifiedName } from '../ast/node.ts';
import { parseUserName } from './account.ts';
import type { Cursor } from './cursor.ts';
import { parseType } from './type.ts';

/** Words after ALL -> type. */
const PLURALS: readonly (readonly [words: readonly string[], type: ObjectType])[] = [
  [['TABLES'], 'TABLE'],
  [['VIEWS'], 'VIEW'],
  [['MATERIALIZED', 'VIEWS'], 'MATERIALIZED VIEW'],
  [['FUNCTIONS'], 'FUNCTION'],
  [['GLOBAL', 'FUNCTIONS'], 'GLOBAL FUNCTION'],
  [['DATABASES'], 'DATABASE'],
  [['CATALOGS'], 'CATALOG'],
  [['RESOURCES'], 'RESOURCE'],
  [['RESOURCE', 'GROUPS'], 'RESOURCE GROUP'],
  [['STORAGE', 'VOLUMES'], 'STORAGE VOLUME'],
  [['USERS'], 'USER'],
];

/** Words before names -> type. Two words come before one that they begin with. */
const SINGULARS: readonly (readonly [words: readonly string[], type: ObjectType])[] = [
  [['RESOURCE', 'GROUP'], 'RESOURCE GROUP'],
  [['MATERIALIZED', 'VIEW'], 'MATERIALIZED VIEW'],
  [['GLOBAL', 'FUNCTION'], 'GLOBAL FUNCTION'],
  [['STORAGE', 'VOLUME'], 'STORAGE VOLUME'],
  [['TABLE'], 'TABLE'],
  [['VIEW'], 'VIEW'],
  [['FUNCTION'], 'FUNCTION'],
  [['DATABASE'], 'DATABASE'],
  [['CATALOG'], 'CATALOG'],
  [['RESOURCE'], 'RESOURCE'],
  [['USER'], 'USER'],
];

const IN_DATABASE: ReadonlySet<ObjectType> = new Set([
  'TABLE',
  'VIEW',
  'MATERIALIZED VIEW',
  'FUNCTION',
]);

/** At GRANT or REVOKE. */
export function parseGrant(cursor: Cursor): ChangeRights | ChangeRoles {
  const { pos } = cursor.token;
  const verb = cursor.expectOneOf(['GRANT', 'REVOKE'] as const);
  const items = cursor.list(() => parseItem(cursor));
  const preposition = verb === 'GRANT' ? 'TO' : 'FROM';
  // A privilege is words; a name in quotes is a role.
  const isRoles = items.some(({ quoted }) => quoted);
  if (isRoles || !cursor.take('ON')) {
    cursor.expect(preposition);
    const roles = items.map(({ pos: at, words }) => ({ pos: at, name: words.join(' ') }));
    const kind = verb === 'GRANT' ? 'grant_roles' : 'revoke_roles';
    return { kind, pos, roles, grantee: parseGrantee(cursor) };
  }
  const privileges = items.map(({ words }) => words.join(' ').toUpperCase());
  const target = parseTarget(cursor, privileges.includes('IMPERSONATE'));
  cursor.expect(preposition);
  const grantee = parseGrantee(cursor);
  const grantable = verb === 'GRANT' && cursor.takeAll('WITH', 'GRANT', 'OPTION');
  const kind = verb === 'GRANT' ? 'grant_privileges' : 'revoke_privileges';
  return { kind, pos, privileges, target, grantee, grantable };
}

/** Words up to a comma, ON, TO or FROM: a privilege of up to three words, or a role's name. */
function parseItem(cursor: Cursor): {
  readonly pos: Position;
  readonly words: readonly string[];
  readonly quoted: boolean;
} {
  const { pos, type } = cursor.token;
  if (type === 'string' || type === 'quoted') {
    return { pos, words: [cursor.identifierOrString().name], quoted: true };
  }
  const words: string[] = [];
  while (cursor.token.type === 'word' && !(words.length > 0 && isEnd(cursor.token.word))) {
    words.push(cursor.next().text);
  }
  if (words.length === 0) throw cursor.unexpected();
  // `ALL PRIVILEGES` is ALL.
  const isAll = words.length === 2 && words.join(' ').toUpperCase() === 'ALL PRIVILEGES';
  return { pos, words: isAll ? ['ALL'] : words, quoted: false };
}

const isEnd = (word: string): boolean => word === 'ON' || word === 'TO' || word === 'FROM';

/** `[USER] 'name'[@'host']` or `ROLE name`. */
export function parseGrantee(cursor: Cursor): GranteeName {
  const next = cursor.peek(1);
  // `TO role` may be a user called role.
  const isWord = next.type === 'word' || next.type === 'quoted' || next.type === 'string';
  if (isWord && next.word !== 'WITH') {
    if (cursor.take('ROLE')) return { type: 'ROLE', name: cursor.identifierOrString() };
    cursor.take('USER');
  }
  return { type: 'USER', user: parseUserName(cursor) };
}

function parseTarget(cursor: Cursor, isImpersonate: boolean): GrantTarget {
  if (cursor.peek(1).word !== '.' && cursor.peek(1).word !== '@') {
    if (cursor.take('SYSTEM')) return { kind: 'system' };
    if (cursor.take('ALL')) return parseAll(cursor);
    for (const [words, type] of SINGULARS) {
      if (cursor.takeAll(...words)) return parseNamed(cursor, type);
    }
  }
  // `GRANT IMPERSONATE ON 'rose'@'%' TO ...`
  if (isImpersonate) return { kind: 'users', users: cursor.list(() => parseUserName(cursor)) };
  return parseShort(cursor);
}

/** After ALL. */
function parseAll(cursor: Cursor): GrantTarget {
  const found = PLURALS.find(([words]) => cursor.takeAll(...words));
  if (found === undefined) throw cursor.unexpected();
  const [, type] = found;
  if (!IN_DATABASE.has(type)) return { kind: 'all', type, databases: null };
  cursor.expect('IN');
  if (cursor.takeAll('ALL', 'DATABASES')) return { kind: 'all', type, databases: null };
  cursor.expect('DATABASE');
  return { kind: 'all', type, databases: cursor.list(() => cursor.identifierOrString().name) };
}

/** After the type's words. */
function parseNamed(cursor: Cursor, type: ObjectType): GrantTarget {
  if (type === 'USER') {
    return { kind: 'users', users: cursor.list(() => parseUserName(cursor)) };
  }
  if (type === 'FUNCTION' || type === 'GLOBAL FUNCTION') return parseFunctions(cursor, type);
  // `RESOURCE *`; also `TABLE db.*` and `TABLE *.*`.
  if (cursor.take('*')) {
    if (IN_DATABASE.has(type)) cursor.expectAll('.', '*');
    return { kind: 'all', type, databases: null };
  }
  if (IN_DATABASE.has(type) && isAllOfDatabase(cursor)) return parseAllOfDatabase(cursor, type);
  const names = cursor.list(() => parseObjectName(cursor));
  return { kind: 'named', type, names: inDatabase(cursor, type, names) };
}

function parseObjectName(cursor: Cursor): QualifiedName {
  if (cursor.token.type !== 'string') return cursor.qualifiedName();
  const { pos, name } = cursor.identifierOrString();
  return { pos, catalog: null, database: null, name };
}

/** `TABLE t, u IN DATABASE d` = `TABLE d.t, d.u`. */
function inDatabase(
  cursor: Cursor,
  type: ObjectType,
  names: readonly QualifiedName[],
): readonly QualifiedName[] {
  if (!IN_DATABASE.has(type) || !cursor.takeAll('IN', 'DATABASE')) return names;
  const { name: database } = cursor.identifierOrString();
  return names.map((name) => ({ ...name, database }));
}

function parseFunctions(cursor: Cursor, type: 'FUNCTION' | 'GLOBAL FUNCTION'): GrantTarget {
  const functions = cursor.list(() => {
    const name = cursor.qualifiedName();
    cursor.expect('(');
    const types = cursor.at(')') ? [] : cursor.list(() => parseType(cursor, 'cast'));
    cursor.expect(')');
    return { name, types };
  });
  const names = inDatabase(
    cursor,
    type,
    functions.map(({ name }) => name),
  );
  return {
    kind: 'functions',
    type,
    functions: functions.map((entry, index) => ({ ...entry, name: names[index] ?? entry.name })),
  };
}

const isAllOfDatabase = (cursor: Cursor): boolean =>
  cursor.peek(1).word === '.' && cursor.peek(2).word === '*';

function parseAllOfDatabase(cursor: Cursor, type: ObjectType): GrantTarget {
  const { name }: Identifier = cursor.identifierOrString();
  cursor.expectAll('.', '*');
  return { kind: 'all', type, databases: [name] };
}

/** `*`, `*.*`, `db.*`, `db.t`, `t`: tables. */
function parseShort(cursor: Cursor): GrantTarget {
  if (cursor.take('*')) {
    if (cursor.take('.')) cursor.expect('*');
    return { kind: 'all', type: 'TABLE', databases: null };
  }
  if (isAllOfDatabase(cursor)) return parseAllOfDatabase(cursor, 'TABLE');
  return { kind: 'named', type: 'TABLE', names: cursor.list(() => cursor.qualifiedName()) };
}
