// The rows of users, roles and grants. Rules (who may, cycles, built-in roles) are in access/.
import { sql } from 'kysely';
import type { ObjectType, PrivilegeType } from '../model/privilege.ts';
import type {
  AccountData,
  Accounts,
  AuthPluginName,
  Grantee,
  GrantRecord,
  PasswordDigests,
  UserIdentity,
  UserRecord,
} from './account-records.ts';
import { type CatalogContext, nextValue } from './context.ts';
import { runNamedBatch } from './driver/batch.ts';
import type { GrantsTable } from './schema/tables.ts';

export class AccountStore implements Accounts {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async read(): Promise<AccountData> {
    const { db } = this.#context;
    const rows = await runNamedBatch(db, {
      users: db.selectFrom('users').selectAll().orderBy('name').orderBy('host'),
      roles: db.selectFrom('roles').selectAll().orderBy('id'),
      userRoles: db.selectFrom('user_roles').selectAll().orderBy('role_id'),
      roleRoles: db.selectFrom('role_roles').selectAll().orderBy('granted_role_id'),
      grants: db.selectFrom('grants').selectAll(),
      properties: db.selectFrom('user_properties').selectAll().orderBy('name'),
    });
    return {
      users: rows.users.map((row) => ({
        name: row.name,
        host: row.host,
        sha1Digest: row.sha1_digest,
        sha256Digest: row.sha256_digest,
        // Written by this class only.
        plugin: row.plugin as AuthPluginName,
        allRolesDefault: row.all_roles_default === 1,
      })),
      roles: rows.roles.map(({ id, name, comment }) => ({ id, name, comment })),
      userRoles: rows.userRoles.map((row) => ({
        user: { name: row.user_name, host: row.user_host },
        roleId: row.role_id,
        isDefault: row.is_default === 1,
      })),
      roleRoles: rows.roleRoles.map((row) => ({
        roleId: row.role_id,
        grantedRoleId: row.granted_role_id,
      })),
      grants: rows.grants.map(readGrant),
      properties: rows.properties.map((row) => ({
        userName: row.user_name,
        name: row.name,
        value: row.value,
      })),
    };
  }

  async createUser(user: UserRecord): Promise<boolean> {
    const made = await this.#context.db
      .insertInto('users')
      .values({
        name: user.name,
        host: user.host,
        ...digestColumns(user),
        all_roles_default: Number(user.allRolesDefault),
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('name')
      .executeTakeFirst();
    return made !== undefined;
  }

  async setPassword(user: UserIdentity, digests: PasswordDigests): Promise<void> {
    await this.#context.db
      .updateTable('users')
      .set(digestColumns(digests))
      .where('name', '=', user.name)
      .where('host', '=', user.host)
      .execute();
  }

  dropUser(user: UserIdentity): Promise<void> {
    return this.#context.atomically(async ({ db }) => {
      await db
        .deleteFrom('users')
        .where('name', '=', user.name)
        .where('host', '=', user.host)
        .execute();
      await db
        .deleteFrom('user_roles')
        .where('user_name', '=', user.name)
        .where('user_host', '=', user.host)
        .execute();
      await db
        .deleteFrom('grants')
        .where('grantee_type', '=', 'USER')
        .where('grantee_name', '=', user.name)
        .where('grantee_host', '=', user.host)
        .execute();
      await db
        .deleteFrom('grants')
        .where('object_type', '=', 'USER')
        .where('object_key', '=', userKey(user))
        .execute();
      const left = await db
        .selectFrom('users')
        .select('host')
        .where('name', '=', user.name)
        .executeTakeFirst();
      if (left !== undefined) return;
      await db.deleteFrom('user_properties').where('user_name', '=', user.name).execute();
    });
  }

  setDefaultRoles(user: UserIdentity, roles: 'ALL' | readonly number[]): Promise<void> {
    return this.#context.atomically(async ({ db }) => {
      await db
        .updateTable('users')
        .set({ all_roles_default: Number(roles === 'ALL') })
        .where('name', '=', user.name)
        .where('host', '=', user.host)
        .execute();
      const ofUser = db
        .updateTable('user_roles')
        .where('user_name', '=', user.name)
        .where('user_host', '=', user.host);
      await ofUser.set({ is_default: 0 }).execute();
      if (roles === 'ALL' || roles.length === 0) return;
      await ofUser
        .set({ is_default: 1 })
        .where('role_id', 'in', [...roles])
        .execute();
    });
  }

  async setProperty(userName: string, name: string, value: string): Promise<void> {
    const { db } = this.#context;
    if (value === '') {
      await db
        .deleteFrom('user_properties')
        .where('user_name', '=', userName)
        .where('name', '=', name)
        .execute();
      return;
    }
    await db
      .insertInto('user_properties')
      .values({ user_name: userName, name, value })
      .onConflict((conflict) => conflict.columns(['user_name', 'name']).doUpdateSet({ value }))
      .execute();
  }

  createRole(name: string, comment: string): Promise<void> {
    return this.#context.atomically(async ({ db, nowMs }) => {
      const id = await nextValue(db, 'object');
      await db.insertInto('roles').values({ id, name, comment, created_ms: nowMs() }).execute();
    });
  }

  async setRoleComment(roleId: number, comment: string): Promise<void> {
    await this.#context.db.updateTable('roles').set({ comment }).where('id', '=', roleId).execute();
  }

  dropRole(roleId: number): Promise<void> {
    return this.#context.atomically(async ({ db }) => {
      await db.deleteFrom('roles').where('id', '=', roleId).execute();
      await db.deleteFrom('user_roles').where('role_id', '=', roleId).execute();
      await db
        .deleteFrom('role_roles')
        .where((eb) => eb.or([eb('role_id', '=', roleId), eb('granted_role_id', '=', roleId)]))
        .execute();
      await db
        .deleteFrom('grants')
        .where('grantee_type', '=', 'ROLE')
        .where('grantee_name', '=', String(roleId))
        .execute();
    });
  }

  async grantRole(roleId: number, grantee: Grantee): Promise<void> {
    const { db } = this.#context;
    if (grantee.type === 'ROLE') {
      await db
        .insertInto('role_roles')
        .values({ role_id: grantee.roleId, granted_role_id: roleId })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return;
    }
    await db
      .insertInto('user_roles')
      .values({ user_name: grantee.name, user_host: grantee.host, role_id: roleId, is_default: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  async revokeRole(roleId: number, grantee: Grantee): Promise<void> {
    const { db } = this.#context;
    if (grantee.type === 'ROLE') {
      await db
        .deleteFrom('role_roles')
        .where('role_id', '=', grantee.roleId)
        .where('granted_role_id', '=', roleId)
        .execute();
      return;
    }
    await db
      .deleteFrom('user_roles')
      .where('user_name', '=', grantee.name)
      .where('user_host', '=', grantee.host)
      .where('role_id', '=', roleId)
      .execute();
  }

  grant(grants: readonly GrantRecord[]): Promise<void> {
    return this.#context.atomically(async ({ db }) => {
      for (const grant of grants) {
        const insert = db
          .insertInto('grants')
          .values({ ...grantColumns(grant), grantable: Number(grant.grantable) });
        await insert
          .onConflict((conflict) =>
            grant.grantable
              ? conflict.columns([...GRANT_KEY]).doUpdateSet({ grantable: 1 })
              : conflict.columns([...GRANT_KEY]).doNothing(),
          )
          .execute();
      }
    });
  }

  revoke(grants: readonly Omit<GrantRecord, 'grantable'>[]): Promise<void> {
    return this.#context.atomically(async ({ db }) => {
      for (const grant of grants) {
        const columns = grantColumns(grant);
        let query = db.deleteFrom('grants');
        for (const column of GRANT_KEY) query = query.where(column, '=', columns[column]);
        await query.execute();
      }
    });
  }

  async purge(): Promise<void> {
    const { db } = this.#context;
    // Views of system databases have names in place of ids, and never go.
    const gone = async (type: ObjectType, live: ReturnType<typeof sql>) => {
      await sql`DELETE FROM grants WHERE object_type = ${type} AND object_key <> '*'
        AND object_key NOT IN (${live}) AND database_key NOT IN
          (SELECT CAST(id AS TEXT) FROM databases WHERE is_system = 1)`.execute(db);
    };
    // What can be recovered comes back with its grants.
    await gone('DATABASE', sql`SELECT CAST(id AS TEXT) FROM databases WHERE drop_kind <> 'FORCE'`);
    await gone('TABLE', sql`SELECT CAST(id AS TEXT) FROM tables WHERE drop_kind <> 'FORCE'`);
    await gone('VIEW', sql`SELECT CAST(id AS TEXT) FROM views`);
    await gone('STORAGE VOLUME', sql`SELECT CAST(id AS TEXT) FROM volumes`);
    await sql`DELETE FROM grants WHERE database_key NOT IN ('', '*')
      AND database_key NOT IN (SELECT CAST(id AS TEXT) FROM databases WHERE drop_kind <> 'FORCE')`.execute(
      db,
    );
  }
}

/** The key of a user as an object of grants. */
export function userKey({ name, host }: UserIdentity): string {
  return `${name}\n${host}`;
}

const GRANT_KEY = [
  'grantee_type',
  'grantee_name',
  'grantee_host',
  'object_type',
  'database_key',
  'object_key',
  'privilege',
] as const;

function digestColumns({ sha1Digest, sha256Digest, plugin }: PasswordDigests) {
  return { sha1_digest: sha1Digest, sha256_digest: sha256Digest, plugin };
}

function grantColumns(grant: Omit<GrantRecord, 'grantable'>): Omit<GrantsTable, 'grantable'> {
  const { grantee } = grant;
  return {
    grantee_type: grantee.type,
    grantee_name: grantee.type === 'USER' ? grantee.name : String(grantee.roleId),
    grantee_host: grantee.type === 'USER' ? grantee.host : '',
    object_type: grant.type,
    database_key: grant.databaseKey,
    object_key: grant.objectKey,
    privilege: grant.privilege,
  };
}

function readGrant(row: GrantsTable): GrantRecord {
  return {
    grantee:
      row.grantee_type === 'USER'
        ? { type: 'USER', name: row.grantee_name, host: row.grantee_host }
        : { type: 'ROLE', roleId: Number(row.grantee_name) },
    // Written by this class only.
    type: row.object_type as ObjectType,
    databaseKey: row.database_key,
    objectKey: row.object_key,
    privilege: row.privilege as PrivilegeType,
    grantable: row.grantable === 1,
  };
}
