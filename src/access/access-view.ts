// Users, roles and grants as they are at one moment, in memory: who a client is, which roles a session
// has, what it may do. Immutable and pure: every change of the catalog makes a new one.
import type {
  AccountData,
  Grantee,
  GrantRecord,
  RoleRecord,
  UserIdentity,
  UserRecord,
} from '../catalog/account-records.ts';
import { BUILT_IN_ROLES, PUBLIC_ROLE, ROOT_ROLE } from './built-in-roles.ts';
import { chooseAccount } from './host-pattern.ts';
import { Rights } from './rights.ts';

/** For whom a statement runs. */
export interface Principal {
  readonly identity: UserIdentity;
  /** Roles that the session activated; those it has no longer do not count. */
  readonly activeRoles: ReadonlySet<number>;
}

/** Merged rights that are kept; the oldest go first. */
const MAX_KEPT_RIGHTS = 1000;
export const MAX_CONNECTIONS_PROPERTY = 'max_user_connections';
/** SOURCE: StarRocks 3.3, default of max_user_connections. */
const DEFAULT_MAX_CONNECTIONS = 1024;

const identityKey = ({ name, host }: UserIdentity): string => `${name}\0${host}`;

/** `'name'@'host'`, as StarRocks shows it. */
export function identityText({ name, host }: UserIdentity): string {
  return `'${name}'@'${host}'`;
}

export class AccessView {
  readonly #users = new Map<string, UserRecord>();
  readonly #byName = new Map<string, UserRecord[]>();
  readonly #roles = new Map<number, RoleRecord>();
  readonly #roleIds = new Map<string, number>();
  readonly #userRoles = new Map<string, Map<number, boolean>>();
  readonly #parents = new Map<number, number[]>();
  readonly #userGrants = new Map<string, GrantRecord[]>();
  readonly #roleGrants = new Map<number, GrantRecord[]>();
  readonly #properties = new Map<string, Map<string, string>>();
  readonly #rights = new Map<string, Rights>();

  constructor(data: AccountData) {
    for (const user of data.users) {
      this.#users.set(identityKey(user), user);
      listIn(this.#byName, user.name).push(user);
    }
    for (const role of [...BUILT_IN_ROLES, ...data.roles]) {
      this.#roles.set(role.id, { id: role.id, name: role.name, comment: role.comment });
      this.#roleIds.set(role.name, role.id);
    }
    for (const { grants } of BUILT_IN_ROLES) for (const grant of grants) this.#addGrant(grant);
    for (const grant of data.grants) this.#addGrant(grant);
    for (const { user, roleId, isDefault } of data.userRoles) {
      const key = identityKey(user);
      let roles = this.#userRoles.get(key);
      if (roles === undefined) {
        roles = new Map();
        this.#userRoles.set(key, roles);
      }
      roles.set(roleId, isDefault);
    }
    for (const { roleId, grantedRoleId } of data.roleRoles) {
      listIn(this.#parents, roleId).push(grantedRoleId);
    }
    for (const { userName, name, value } of data.properties) {
      let properties = this.#properties.get(userName);
      if (properties === undefined) {
        properties = new Map();
        this.#properties.set(userName, properties);
      }
      properties.set(name, value);
    }
  }

  #addGrant(grant: GrantRecord): void {
    const { grantee } = grant;
    if (grantee.type === 'USER') listIn(this.#userGrants, identityKey(grantee)).push(grant);
    else listIn(this.#roleGrants, grantee.roleId).push(grant);
  }

  /** By name and host. */
  users(): readonly UserRecord[] {
    return [...this.#users.values()];
  }

  user(identity: UserIdentity): UserRecord | undefined {
    return this.#users.get(identityKey(identity));
  }

  hasUserName(name: string): boolean {
    return this.#byName.has(name);
  }

  /** The account for a client at an address; undefined when there is none. */
  identify(name: string, address: string): UserRecord | undefined {
    return chooseAccount(this.#byName.get(name) ?? [], address);
  }

  /** Built-in ones first, then as they were made. */
  roles(): readonly RoleRecord[] {
    return [...this.#roles.values()];
  }

  role(name: string): RoleRecord | undefined {
    const id = this.#roleIds.get(name);
    return id === undefined ? undefined : this.#roles.get(id);
  }

  /** Names of roles that exist, in the order given. */
  roleNames(ids: Iterable<number>): readonly string[] {
    return [...ids].flatMap((id) => this.#roles.get(id)?.name ?? []);
  }

  /** Roles granted to the account itself. `public` is not among them. */
  rolesOf(identity: UserIdentity): readonly number[] {
    return [...(this.#userRoles.get(identityKey(identity))?.keys() ?? [])];
  }

  /** Roles granted to the role itself. */
  rolesOfRole(roleId: number): readonly number[] {
    return this.#parents.get(roleId) ?? [];
  }

  /** Roles that a new session of the account has active. */
  defaultRoles(identity: UserIdentity, all = false): ReadonlySet<number> {
    const roles = this.#userRoles.get(identityKey(identity)) ?? new Map<number, boolean>();
    const isAll = all || this.user(identity)?.allRolesDefault === true;
    return new Set([...roles].filter(([, isDefault]) => isAll || isDefault).map(([id]) => id));
  }

  /** The active roles that the account still has. */
  activeRoles({ identity, activeRoles }: Principal): readonly number[] {
    return this.rolesOf(identity).filter((id) => activeRoles.has(id));
  }

  /** The roles, and all that they have through other roles. */
  withInherited(ids: Iterable<number>): ReadonlySet<number> {
    const seen = new Set<number>();
    const waiting = [...ids];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      if (seen.has(id) || !this.#roles.has(id)) continue;
      seen.add(id);
      waiting.push(...this.rolesOfRole(id));
    }
    return seen;
  }

  /** Length of the longest way through granted roles below this one: 1 for a role that has none. */
  depthOf(roleId: number): number {
    const known = new Map<number, number>();
    const depth = (id: number): number => {
      const before = known.get(id);
      if (before !== undefined) return before;
      // Cycles are refused by GRANT; this keeps a damaged catalog from recursing for ever.
      known.set(id, 0);
      const found = 1 + Math.max(0, ...this.rolesOfRole(id).map(depth));
      known.set(id, found);
      return found;
    };
    return depth(roleId);
  }

  /** Own grants of a user or a role, without those of its roles. */
  grantsOf(grantee: Grantee): readonly GrantRecord[] {
    return grantee.type === 'USER'
      ? (this.#userGrants.get(identityKey(grantee)) ?? [])
      : (this.#roleGrants.get(grantee.roleId) ?? []);
  }

  /** Every grant on users and roles, built-in ones too. */
  allGrants(): readonly GrantRecord[] {
    return [...this.#userGrants.values(), ...this.#roleGrants.values()].flat();
  }

  /** May everything: the role root is active. */
  isRoot(principal: Principal): boolean {
    return this.withInherited(this.activeRoles(principal)).has(ROOT_ROLE);
  }

  rights(principal: Principal): Rights {
    const roles = [...this.withInherited([...this.activeRoles(principal), PUBLIC_ROLE])].sort();
    const key = `${identityKey(principal.identity)}\0${roles.join(',')}`;
    const kept = this.#rights.get(key);
    if (kept !== undefined) return kept;
    const grants = roles.flatMap((id) => this.#roleGrants.get(id) ?? []);
    const own = this.#userGrants.get(identityKey(principal.identity)) ?? [];
    const rights = new Rights([...grants, ...own]);
    if (this.#rights.size >= MAX_KEPT_RIGHTS) {
      const [oldest] = this.#rights.keys();
      if (oldest !== undefined) this.#rights.delete(oldest);
    }
    this.#rights.set(key, rights);
    return rights;
  }

  property(userName: string, name: string): string | undefined {
    return this.#properties.get(userName)?.get(name);
  }

  properties(userName: string): ReadonlyMap<string, string> {
    return this.#properties.get(userName) ?? new Map();
  }

  /** Connections that all accounts of the name may have together. */
  maxConnections(userName: string): number {
    const value = this.property(userName, MAX_CONNECTIONS_PROPERTY);
    return value === undefined ? DEFAULT_MAX_CONNECTIONS : Number(value);
  }
}

function listIn<K, V>(map: Map<K, V[]>, key: K): V[] {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made: V[] = [];
  map.set(key, made);
  return made;
}
