// GRANT and REVOKE of privileges: names to keys, privileges to those of the type, who may do it.
// SOURCE: StarRocks docs, GRANT; messages as its analyser words them.
import type { AccessView } from '../../access/access-view.ts';
import { anyDatabaseKey } from '../../access/built-in-roles.ts';
import { fail } from '../../base/errors.ts';
import type { Grantee, GrantRecord, ObjectKey } from '../../catalog/account-records.ts';
import { userKey } from '../../catalog/accounts.ts';
import { analysisError } from '../../loads/properties.ts';
import {
  NOT_GRANTABLE,
  OBJECT_PRIVILEGES,
  type ObjectType,
  type PrivilegeType,
} from '../../model/privilege.ts';
import type { GrantTarget } from '../../sql/ast/account.ts';
import type { QualifiedName } from '../../sql/ast/node.ts';
import { databaseOrCurrent } from '../databases.ts';
import { type Handler, OK, type StatementContext } from '../types.ts';
import { existingUser } from './names.ts';
import { granteeOf, mustBeMutable } from './roles.ts';

/** Rows of all grants together. */
const MAX_GRANTS = 200_000;

const ALL_PRIVILEGES: ReadonlySet<string> = new Set(Object.values(OBJECT_PRIVILEGES).flat());

const keyOf = (type: ObjectType, databaseKey: string, objectKey: string): ObjectKey => ({
  type,
  databaseKey,
  objectKey,
});

async function targetKeys(
  target: GrantTarget,
  context: StatementContext,
): Promise<readonly ObjectKey[]> {
  const { view } = context.services.access;
  switch (target.kind) {
    case 'system':
      return [keyOf('SYSTEM', '', '*')];
    case 'users':
      return target.users.map((user) => keyOf('USER', '', userKey(existingUser(view, user))));
    case 'functions':
      throw analysisError(`cannot find function ${target.functions[0]?.name.name ?? ''}!`);
    case 'all': {
      const { type, databases } = target;
      if (databases === null) return [keyOf(type, anyDatabaseKey(type), '*')];
      return Promise.all(
        databases.map(async (name) => keyOf(type, await databaseKey(name, context), '*')),
      );
    }
    case 'named':
      return Promise.all(target.names.map((name) => namedKey(target.type, name, context)));
  }
}

async function databaseKey(name: string, { services }: StatementContext): Promise<string> {
  const key = await services.access.databaseKey(name);
  if (key === null) throw analysisError(`cannot find db: ${name}`);
  return key;
}

/** Throws SQL_ANALYZE `cannot find ...`. */
async function namedKey(
  type: ObjectType,
  name: QualifiedName,
  context: StatementContext,
): Promise<ObjectKey> {
  const { session, services } = context;
  const missing = (): Error => analysisError(`cannot find ${type.toLowerCase()}: ${name.name}`);
  switch (type) {
    case 'DATABASE':
      return keyOf(type, '', await databaseKey(name.name, context));
    case 'TABLE':
    case 'VIEW': {
      const database = databaseOrCurrent(name.database, session);
      await databaseKey(database, context);
      const found = await services.access.resolve({ type: 'TABLE', database, name: name.name });
      if (found?.type !== type) {
        throw analysisError(`cannot find ${type.toLowerCase()} ${name.name} in db ${database}`);
      }
      return found;
    }
    case 'CATALOG':
      if (name.name !== 'default_catalog') throw missing();
      return keyOf(type, '', name.name);
    case 'STORAGE VOLUME': {
      const found = await services.access.resolve({ type, name: name.name });
      if (found === null) throw missing();
      return found;
    }
    default:
      throw missing();
  }
}

/** Throws SQL_ANALYZE for a privilege that there is not, or not on objects of the type. */
function privilegesOf(words: readonly string[], type: ObjectType): readonly PrivilegeType[] {
  const known = OBJECT_PRIVILEGES[type];
  const chosen = words.flatMap((word) => {
    if (word === 'ALL') return known.filter((privilege) => !NOT_GRANTABLE.has(privilege));
    const found = known.find((privilege) => privilege === word);
    if (found !== undefined) return [found];
    throw ALL_PRIVILEGES.has(word)
      ? analysisError(`Cannot grant or revoke ${word} on '${type}' type object`)
      : analysisError(`cannot find privilege type ${word}`);
  });
  const forbidden = chosen.find((privilege) => NOT_GRANTABLE.has(privilege));
  if (forbidden !== undefined) {
    throw analysisError(
      `Operation not permitted: ${forbidden} on SYSTEM comes only with the built-in roles`,
    );
  }
  return [...new Set(chosen)];
}

type ChangeRights = Parameters<Handler<'grant_privileges'>>[0];

/** The rows that the statement is about, after checking that the session may change them. */
async function grantRows(
  statement: ChangeRights,
  context: StatementContext,
): Promise<readonly GrantRecord[]> {
  const { access } = context.services;
  const { view } = access;
  const grantee = granteeOf(view, statement.grantee, 'Can not grant/revoke to role');
  const objects = await targetKeys(statement.target, context);
  const rows = objects.flatMap((object) =>
    privilegesOf(statement.privileges, object.type).map((privilege) => ({
      ...object,
      grantee,
      privilege,
      grantable: statement.grantable,
    })),
  );
  const { principal } = context.session;
  const onSystem = { type: 'SYSTEM', databaseKey: '', objectKey: '*' } as const;
  const rights = view.rights(principal);
  const may =
    rights.has(onSystem, ['GRANT']) || rows.every((row) => rights.mayGrant(row, row.privilege));
  if (!may) throw access.denied(principal, { anyOf: ['GRANT'], on: { type: 'SYSTEM' } });
  mustBeChangeable(view, grantee);
  return rows;
}

function mustBeChangeable(view: AccessView, grantee: Grantee): void {
  if (grantee.type === 'USER') return;
  const role = view.roles().find(({ id }) => id === grantee.roleId);
  if (role !== undefined) mustBeMutable(role);
}

export const grantPrivileges: Handler<'grant_privileges'> = async (statement, context) => {
  const rows = await grantRows(statement, context);
  await context.services.access.change(async (accounts, view) => {
    const count = view.allGrants().length + rows.length;
    if (count > MAX_GRANTS) {
      throw fail('LIMIT_EXCEEDED', {
        what: 'the number of grants',
        actual: count,
        limit: MAX_GRANTS,
        hint: 'grant on all objects of a database, or through roles',
      });
    }
    await accounts.grant(rows);
    await accounts.purge();
  });
  return OK;
};

export const revokePrivileges: Handler<'revoke_privileges'> = async (statement, context) => {
  const rows = await grantRows(statement, context);
  await context.services.access.change((accounts) => accounts.revoke(rows));
  return OK;
};
