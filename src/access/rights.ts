// Everything that one account may do with certain roles active, merged for fast answers. Immutable.
import type { GrantRecord, ObjectKey } from '../catalog/account-records.ts';
import type { ObjectType, PrivilegeType } from '../model/privilege.ts';

const keyOf = (type: ObjectType, databaseKey: string, objectKey: string): string =>
  `${type}\0${databaseKey}\0${objectKey}`;

export class Rights {
  /** Key of an object or of all of a type -> privilege -> may it be granted on. */
  readonly #entries = new Map<string, Map<PrivilegeType, boolean>>();
  /** Databases in which anything may be done; '*' = in every one. */
  readonly #databases = new Set<string>();

  constructor(grants: Iterable<GrantRecord>) {
    for (const grant of grants) {
      const key = keyOf(grant.type, grant.databaseKey, grant.objectKey);
      let privileges = this.#entries.get(key);
      if (privileges === undefined) {
        privileges = new Map();
        this.#entries.set(key, privileges);
      }
      privileges.set(grant.privilege, privileges.get(grant.privilege) === true || grant.grantable);
      if (grant.type === 'DATABASE') this.#databases.add(grant.objectKey);
      else if (grant.databaseKey !== '') this.#databases.add(grant.databaseKey);
    }
  }

  /** One of the privileges on the object, by itself or through all of its database or of its type. */
  has(object: ObjectKey, anyOf: readonly PrivilegeType[] | 'ANY'): boolean {
    return this.#find(object, (privileges) =>
      anyOf === 'ANY' ? privileges.size > 0 : anyOf.some((privilege) => privileges.has(privilege)),
    );
  }

  /** May the privilege on this very object, or all of them, be granted on? */
  mayGrant(object: ObjectKey, privilege: PrivilegeType): boolean {
    return this.#find(object, (privileges) => privileges.get(privilege) === true);
  }

  /** Any privilege on the database or on anything in it. */
  hasInDatabase(databaseKey: string): boolean {
    return this.#databases.has('*') || this.#databases.has(databaseKey);
  }

  #find(
    { type, databaseKey, objectKey }: ObjectKey,
    test: (privileges: ReadonlyMap<PrivilegeType, boolean>) => boolean,
  ): boolean {
    const keys = [keyOf(type, databaseKey, objectKey), keyOf(type, databaseKey, '*')];
    if (databaseKey !== '') keys.push(keyOf(type, '*', '*'));
    return keys.some((key) => {
      const privileges = this.#entries.get(key);
      return privileges !== undefined && test(privileges);
    });
  }
}
