// Users, roles and grants as the catalog keeps them. What they mean is in access/.
import type { ObjectType, PrivilegeType } from '../model/privilege.ts';

/** `'name'@'host'`: the entity that has rights. The host may be a pattern with % and _. */
export interface UserIdentity {
  readonly name: string;
  readonly host: string;
}

export type AuthPluginName = 'mysql_native_password' | 'caching_sha2_password';

/** Digests of a password; both '' = no password. */
export interface PasswordDigests {
  /** Hex of SHA1(SHA1(password)); '' where only the other is known. */
  readonly sha1Digest: string;
  /** Hex of SHA256(SHA256(password)); '' where only the other is known. */
  readonly sha256Digest: string;
  /** What the account was declared with; clients may use either where both digests are known. */
  readonly plugin: AuthPluginName;
}

export interface UserRecord extends UserIdentity, PasswordDigests {
  /** Every role that the user has is active after login. */
  readonly allRolesDefault: boolean;
}

export interface RoleRecord {
  /** Negative for built-in roles. */
  readonly id: number;
  readonly name: string;
  readonly comment: string;
}

export interface UserRoleRecord {
  readonly user: UserIdentity;
  readonly roleId: number;
  readonly isDefault: boolean;
}

/** `roleId` has what `grantedRoleId` has. */
export interface RoleRoleRecord {
  readonly roleId: number;
  readonly grantedRoleId: number;
}

export type Grantee =
  | ({ readonly type: 'USER' } & UserIdentity)
  | { readonly type: 'ROLE'; readonly roleId: number };

/** An object, or all of a type, by keys that outlive renames. */
export interface ObjectKey {
  readonly type: ObjectType;
  /** Id of the database; '*' = all; '' where objects of the type are in no database. */
  readonly databaseKey: string;
  /** Id or name; '*' = all. */
  readonly objectKey: string;
}

export interface GrantRecord extends ObjectKey {
  readonly grantee: Grantee;
  readonly privilege: PrivilegeType;
  /** WITH GRANT OPTION. */
  readonly grantable: boolean;
}

export interface UserProperty {
  readonly userName: string;
  readonly name: string;
  readonly value: string;
}

/** All of it, from one read. */
export interface AccountData {
  readonly users: readonly UserRecord[];
  /** Without the built-in ones. */
  readonly roles: readonly RoleRecord[];
  readonly userRoles: readonly UserRoleRecord[];
  readonly roleRoles: readonly RoleRoleRecord[];
  readonly grants: readonly GrantRecord[];
  readonly properties: readonly UserProperty[];
}

export interface Accounts {
  read(): Promise<AccountData>;
  /** False when the user exists. */
  createUser(user: UserRecord): Promise<boolean>;
  setPassword(user: UserIdentity, digests: PasswordDigests): Promise<void>;
  /** With its roles and grants, and what was granted on it; properties go with the last of its name. */
  dropUser(user: UserIdentity): Promise<void>;
  /** Which of the user's roles are active after login. */
  setDefaultRoles(user: UserIdentity, roles: 'ALL' | readonly number[]): Promise<void>;
  /** '' takes the property away. */
  setProperty(userName: string, name: string, value: string): Promise<void>;
  createRole(name: string, comment: string): Promise<void>;
  setRoleComment(roleId: number, comment: string): Promise<void>;
  /** With its grants and memberships. */
  dropRole(roleId: number): Promise<void>;
  grantRole(roleId: number, grantee: Grantee): Promise<void>;
  revokeRole(roleId: number, grantee: Grantee): Promise<void>;
  /** Adds; what is there already gets the grant option where the new one has it. */
  grant(grants: readonly GrantRecord[]): Promise<void>;
  /** Takes away privileges with their grant option. */
  revoke(grants: readonly Omit<GrantRecord, 'grantable'>[]): Promise<void>;
  /** Grants on tables, databases and volumes that are gone. */
  purge(): Promise<void>;
}
