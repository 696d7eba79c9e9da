// Statements about users, roles and rights -> SQL. Passwords are printed in clear text: whoever keeps the
// text must redact it first.
import type {
  AccountStatement,
  AuthOption,
  ChangeRights,
  ChangeRoles,
  GranteeName,
  GrantTarget,
  RoleChoice,
  Secret,
  UserName,
} from './ast/account.ts';
import type { Identifier } from './ast/node.ts';
import { printFilter } from './print-show.ts';
import { printName, printPropertyList, printString, printType, words } from './print-text.ts';

const user = ({ name, host }: UserName): string => `${printString(name)}@${printString(host)}`;

const roles = (names: readonly Identifier[]): string =>
  names.map(({ name }) => printString(name)).join(', ');

function choice(roleChoice: RoleChoice): string {
  switch (roleChoice.kind) {
    case 'names':
      return roles(roleChoice.names);
    case 'all':
      return words('ALL', roleChoice.except.length > 0 && `EXCEPT ${roles(roleChoice.except)}`);
    case 'none':
      return 'NONE';
    case 'default':
      return 'DEFAULT';
  }
}

function identified(auth: AuthOption | null): string {
  if (auth === null) return '';
  const { plugin, secret } = auth;
  if (plugin === null) {
    return secret === null
      ? ''
      : words('IDENTIFIED BY', secret.kind === 'hash' && 'PASSWORD', printString(secret.text));
  }
  return words(
    `IDENTIFIED WITH ${printString(plugin)}`,
    secret !== null && (secret.kind === 'hash' ? 'AS' : 'BY'),
    secret !== null && printString(secret.text),
  );
}

const password = (secret: Secret): string =>
  secret.kind === 'hash' ? printString(secret.text) : `PASSWORD(${printString(secret.text)})`;

function grantee(to: GranteeName): string {
  return to.type === 'ROLE' ? `ROLE ${printString(to.name.name)}` : `USER ${user(to.user)}`;
}

const PLURAL_IN_DATABASE: ReadonlySet<string> = new Set([
  'TABLE',
  'VIEW',
  'MATERIALIZED VIEW',
  'FUNCTION',
]);

function target(on: GrantTarget): string {
  switch (on.kind) {
    case 'system':
      return 'SYSTEM';
    case 'all': {
      if (!PLURAL_IN_DATABASE.has(on.type)) return `ALL ${on.type}S`;
      const where =
        on.databases === null
          ? 'ALL DATABASES'
          : `DATABASE ${on.databases.map(printString).join(', ')}`;
      return `ALL ${on.type}S IN ${where}`;
    }
    case 'named':
      return `${on.type} ${on.names.map(printName).join(', ')}`;
    case 'functions':
      return `${on.type} ${on.functions
        .map(({ name, types }) => `${printName(name)}(${types.map(printType).join(', ')})`)
        .join(', ')}`;
    case 'users':
      return `USER ${on.users.map(user).join(', ')}`;
  }
}

function properties(word: string, list: Parameters<typeof printPropertyList>[0]): string {
  return list.length === 0 ? '' : `${word} ${printPropertyList(list)}`;
}

/** Without `;`. */
export function printAccount(statement: AccountStatement): string {
  switch (statement.kind) {
    case 'create_user':
      return words(
        'CREATE USER',
        statement.ifNotExists && 'IF NOT EXISTS',
        user(statement.user),
        identified(statement.auth),
        statement.defaultRoles.length > 0 && `DEFAULT ROLE ${roles(statement.defaultRoles)}`,
        properties('PROPERTIES', statement.properties),
      );
    case 'alter_user':
      return words(
        'ALTER USER',
        statement.ifExists && 'IF EXISTS',
        user(statement.user),
        identified(statement.auth),
        statement.defaultRoles !== null && `DEFAULT ROLE ${choice(statement.defaultRoles)}`,
        properties('SET PROPERTIES', statement.properties),
      );
    case 'drop_user':
      return words('DROP USER', statement.ifExists && 'IF EXISTS', user(statement.user));
    case 'set_password':
      return words(
        'SET PASSWORD',
        statement.user !== null && `FOR ${user(statement.user)}`,
        `= ${password(statement.secret)}`,
      );
    case 'set_property':
      return words(
        'SET PROPERTY',
        statement.userName !== null && `FOR ${printString(statement.userName)}`,
        statement.properties
          .map(({ key, value }) => `${printString(key)} = ${printString(value)}`)
          .join(', '),
      );
    case 'execute_as':
      return `EXECUTE AS ${user(statement.user)} WITH NO REVERT`;
    case 'create_role':
      return words(
        'CREATE ROLE',
        statement.ifNotExists && 'IF NOT EXISTS',
        roles(statement.names),
        statement.comment !== null && `COMMENT ${printString(statement.comment)}`,
      );
    case 'alter_role':
      return words(
        'ALTER ROLE',
        statement.ifExists && 'IF EXISTS',
        roles(statement.names),
        `SET COMMENT = ${printString(statement.comment)}`,
      );
    case 'drop_role':
      return words('DROP ROLE', statement.ifExists && 'IF EXISTS', roles(statement.names));
    case 'set_role':
      return `SET ROLE ${choice(statement.roles)}`;
    case 'set_default_role':
      return `SET DEFAULT ROLE ${choice(statement.roles)} TO ${user(statement.user)}`;
    case 'grant_privileges':
    case 'revoke_privileges':
    case 'grant_roles':
    case 'revoke_roles':
      return printGrant(statement);
    default:
      return printShowAccount(statement);
  }
}

function printGrant(statement: ChangeRights | ChangeRoles): string {
  switch (statement.kind) {
    case 'grant_roles':
      return `GRANT ${roles(statement.roles)} TO ${grantee(statement.grantee)}`;
    case 'revoke_roles':
      return `REVOKE ${roles(statement.roles)} FROM ${grantee(statement.grantee)}`;
    case 'grant_privileges':
      return words(
        `GRANT ${statement.privileges.join(', ')} ON ${target(statement.target)}`,
        `TO ${grantee(statement.grantee)}`,
        statement.grantable && 'WITH GRANT OPTION',
      );
    case 'revoke_privileges':
      return `REVOKE ${statement.privileges.join(', ')} ON ${target(statement.target)} FROM ${grantee(statement.grantee)}`;
  }
}

function printShowAccount(
  statement: Extract<AccountStatement, { readonly kind: `show_${string}` }>,
): string {
  switch (statement.kind) {
    case 'show_users':
      return 'SHOW USERS';
    case 'show_roles':
      return 'SHOW ROLES';
    case 'show_authentication':
      return words(
        'SHOW',
        statement.all && 'ALL',
        'AUTHENTICATION',
        statement.user !== null && `FOR ${user(statement.user)}`,
      );
    case 'show_create_user':
      return `SHOW CREATE USER ${statement.user === null ? 'CURRENT_USER()' : user(statement.user)}`;
    case 'show_property':
      return words(
        'SHOW PROPERTY',
        statement.userName !== null && `FOR ${printString(statement.userName)}`,
        statement.like !== null && `LIKE ${printString(statement.like)}`,
      );
    case 'show_grants': {
      const of = statement.grantee;
      if (of === null) return 'SHOW GRANTS';
      return `SHOW GRANTS FOR ${of.type === 'ROLE' ? `ROLE ${printString(of.name.name)}` : user(of.user)}`;
    }
    case 'show_privileges':
      return words('SHOW PRIVILEGES', printFilter(statement));
  }
}
