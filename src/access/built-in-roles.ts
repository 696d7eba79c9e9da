// The roles that come with the program, and what they may do. Their ids and rights are StarRocks'.
// SOURCE: StarRocks docs, "Overview of privileges"; ids as in its metadata.
import type { GrantRecord } from '../catalog/account-records.ts';
import { OBJECT_PRIVILEGES, type ObjectType, type PrivilegeType } from '../model/privilege.ts';

export const ROOT_ROLE = -1;
export const DB_ADMIN_ROLE = -2;
export const CLUSTER_ADMIN_ROLE = -3;
export const USER_ADMIN_ROLE = -4;
/** Everybody has it, always active; its rights can be changed. */
export const PUBLIC_ROLE = -5;

export interface BuiltInRole {
  readonly id: number;
  readonly name: string;
  readonly comment: string;
  /** Its grants cannot be changed. */
  readonly immutable: boolean;
  readonly grants: readonly GrantRecord[];
}

/** Types whose objects lie in a database. */
export const IN_DATABASE: ReadonlySet<ObjectType> = new Set<ObjectType>([
  'TABLE',
  'VIEW',
  'MATERIALIZED VIEW',
  'FUNCTION',
]);

/** `databaseKey` of grants on all objects of a type. */
export function anyDatabaseKey(type: ObjectType): '*' | '' {
  return IN_DATABASE.has(type) ? '*' : '';
}

function onAll(
  roleId: number,
  type: ObjectType,
  privileges: readonly PrivilegeType[] = OBJECT_PRIVILEGES[type],
): GrantRecord[] {
  return privileges.map((privilege) => ({
    grantee: { type: 'ROLE', roleId },
    type,
    databaseKey: anyDatabaseKey(type),
    objectKey: '*',
    privilege,
    grantable: false,
  }));
}

const TYPES = Object.keys(OBJECT_PRIVILEGES) as readonly ObjectType[];

export const BUILT_IN_ROLES: readonly BuiltInRole[] = [
  {
    id: ROOT_ROLE,
    name: 'root',
    comment: 'built-in root role which has all privileges on all objects',
    immutable: true,
    grants: TYPES.flatMap((type) => onAll(ROOT_ROLE, type)),
  },
  {
    id: DB_ADMIN_ROLE,
    name: 'db_admin',
    comment: 'built-in database administration role',
    immutable: true,
    grants: TYPES.filter((type) => type !== 'USER').flatMap((type) =>
      onAll(
        DB_ADMIN_ROLE,
        type,
        OBJECT_PRIVILEGES[type].filter((name) => name !== 'GRANT' && name !== 'NODE'),
      ),
    ),
  },
  {
    id: CLUSTER_ADMIN_ROLE,
    name: 'cluster_admin',
    comment: 'built-in cluster administration role',
    immutable: true,
    grants: onAll(CLUSTER_ADMIN_ROLE, 'SYSTEM', ['NODE']),
  },
  {
    id: USER_ADMIN_ROLE,
    name: 'user_admin',
    comment: 'built-in user administration role',
    immutable: true,
    grants: [
      ...onAll(USER_ADMIN_ROLE, 'SYSTEM', ['GRANT']),
      ...onAll(USER_ADMIN_ROLE, 'USER', ['IMPERSONATE']),
    ],
  },
  {
    id: PUBLIC_ROLE,
    name: 'public',
    comment: 'built-in public role which is owned by any user',
    immutable: false,
    grants: [
      {
        grantee: { type: 'ROLE', roleId: PUBLIC_ROLE },
        type: 'TABLE',
        databaseKey: '1',
        objectKey: '*',
        privilege: 'SELECT',
        grantable: false,
      },
    ],
  },
];
