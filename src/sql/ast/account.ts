// Statements about users, roles and rights. Readonly plain data; passwords are in clear text here, so
// these nodes must never be logged.
import type { ObjectType } from '../../model/privilege.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { Identifier, Node, Property, QualifiedName } from './node.ts';
import type { ShowFilter } from './show.ts';

export type AccountStatement =
  | CreateUser
  | AlterUser
  | DropUser
  | SetPassword
  | SetProperty
  | ExecuteAs
  | CreateRole
  | AlterRole
  | DropRole
  | SetRole
  | SetDefaultRole
  | ChangeRights
  | ChangeRoles
  | ShowUsers
  | ShowUser
  | ShowProperty
  | ShowRoles
  | ShowGrants
  | ShowPrivileges;

/** `'name'[@'host']`; host `%` when not written. */
export interface UserName extends Node {
  readonly name: string;
  readonly host: string;
}

/** What IDENTIFIED says. */
export interface AuthOption {
  /** As written, null for `IDENTIFIED BY`. */
  readonly plugin: string | null;
  /** null: only the plugin is named. */
  readonly secret: Secret | null;
}

export type Secret =
  /** In clear text. */
  | { readonly kind: 'password'; readonly text: string }
  /** `IDENTIFIED BY PASSWORD '*..'`, `AS '..'`, `SET PASSWORD = '*..'`. */
  | { readonly kind: 'hash'; readonly text: string };

export type RoleChoice =
  | { readonly kind: 'names'; readonly names: readonly Identifier[] }
  | { readonly kind: 'all'; readonly except: readonly Identifier[] }
  | { readonly kind: 'none' }
  /** SET ROLE DEFAULT. */
  | { readonly kind: 'default' };

export interface CreateUser extends Node {
  readonly kind: 'create_user';
  readonly ifNotExists: boolean;
  readonly user: UserName;
  readonly auth: AuthOption | null;
  readonly defaultRoles: readonly Identifier[];
  readonly properties: readonly Property[];
}

export interface AlterUser extends Node {
  readonly kind: 'alter_user';
  readonly ifExists: boolean;
  readonly user: UserName;
  readonly auth: AuthOption | null;
  /** DEFAULT ROLE {r, ... | ALL | NONE}; null = not written. */
  readonly defaultRoles: RoleChoice | null;
  readonly properties: readonly Property[];
}

export interface DropUser extends Node {
  readonly kind: 'drop_user';
  readonly ifExists: boolean;
  readonly user: UserName;
}

/** SET PASSWORD [FOR user] = {PASSWORD('x') | '*hash'}. */
export interface SetPassword extends Node {
  readonly kind: 'set_password';
  readonly user: UserName | null;
  readonly secret: Secret;
}

/** SET PROPERTY [FOR 'name'] 'k' = 'v', ... */
export interface SetProperty extends Node {
  readonly kind: 'set_property';
  readonly userName: string | null;
  readonly properties: readonly Property[];
}

/** EXECUTE AS user WITH NO REVERT. */
export interface ExecuteAs extends Node {
  readonly kind: 'execute_as';
  readonly user: UserName;
}

export interface CreateRole extends Node {
  readonly kind: 'create_role';
  readonly ifNotExists: boolean;
  readonly names: readonly Identifier[];
  readonly comment: string | null;
}

/** ALTER ROLE r, ... SET COMMENT = 'c'. */
export interface AlterRole extends Node {
  readonly kind: 'alter_role';
  readonly ifExists: boolean;
  readonly names: readonly Identifier[];
  readonly comment: string;
}

export interface DropRole extends Node {
  readonly kind: 'drop_role';
  readonly ifExists: boolean;
  readonly names: readonly Identifier[];
}

export interface SetRole extends Node {
  readonly kind: 'set_role';
  readonly roles: RoleChoice;
}

/** SET DEFAULT ROLE {r, ... | ALL | NONE} TO user. */
export interface SetDefaultRole extends Node {
  readonly kind: 'set_default_role';
  readonly roles: RoleChoice;
  readonly user: UserName;
}

export type GranteeName =
  | { readonly type: 'USER'; readonly user: UserName }
  | { readonly type: 'ROLE'; readonly name: Identifier };

/** What rights are granted on. */
export type GrantTarget =
  | { readonly kind: 'system' }
  /** ALL TABLES IN DATABASE d, ... / IN ALL DATABASES (`databases` null), ALL CATALOGS, `db.*`, `*.*`. */
  | {
      readonly kind: 'all';
      readonly type: ObjectType;
      readonly databases: readonly string[] | null;
    }
  /** Only the types that are neither SYSTEM, USER nor functions. A table's name may have its database. */
  | { readonly kind: 'named'; readonly type: ObjectType; readonly names: readonly QualifiedName[] }
  | {
      readonly kind: 'functions';
      readonly type: 'FUNCTION' | 'GLOBAL FUNCTION';
      readonly functions: readonly {
        readonly name: QualifiedName;
        readonly types: readonly SqlType[];
      }[];
    }
  | { readonly kind: 'users'; readonly users: readonly UserName[] };

/** GRANT / REVOKE of privileges. */
export interface ChangeRights extends Node {
  readonly kind: 'grant_privileges' | 'revoke_privileges';
  /** Upper case, as written: `SELECT`, `CREATE TABLE`, `ALL`. Which exist is not checked here. */
  readonly privileges: readonly string[];
  readonly target: GrantTarget;
  readonly grantee: GranteeName;
  /** WITH GRANT OPTION; false for REVOKE. */
  readonly grantable: boolean;
}

/** GRANT / REVOKE of roles. */
export interface ChangeRoles extends Node {
  readonly kind: 'grant_roles' | 'revoke_roles';
  readonly roles: readonly Identifier[];
  readonly grantee: GranteeName;
}

export interface ShowUsers extends Node {
  readonly kind: 'show_users';
}

/** SHOW [ALL] AUTHENTICATION [FOR user], SHOW CREATE USER user; user null = the current one. */
export interface ShowUser extends Node {
  readonly kind: 'show_authentication' | 'show_create_user';
  readonly user: UserName | null;
  /** Only of AUTHENTICATION. */
  readonly all: boolean;
}

/** SHOW PROPERTY [FOR 'name'] [LIKE 'p']. */
export interface ShowProperty extends Node {
  readonly kind: 'show_property';
  readonly userName: string | null;
  readonly like: string | null;
}

export interface ShowRoles extends Node {
  readonly kind: 'show_roles';
}

/** SHOW GRANTS [FOR {user | ROLE r}]; grantee null = the current user. */
export interface ShowGrants extends Node {
  readonly kind: 'show_grants';
  readonly grantee: GranteeName | null;
}

export interface ShowPrivileges extends Node, ShowFilter {
  readonly kind: 'show_privileges';
}
