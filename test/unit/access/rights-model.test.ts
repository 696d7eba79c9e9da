// Random GRANT, REVOKE and role changes as SQL over a real catalog, against a model that is as naive as
// can be: after each step every question must be answered as the model answers it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../src/base/errors.ts';
import type { PrivilegeType } from '../../../src/model/privilege.ts';
import { ROOT } from '../../support/principals.ts';
import { openStatementRig } from '../../support/statement-rig.ts';

const USERS = ['ann', 'bob'] as const;
const ROLES = ['r1', 'r2', 'r3', 'r4'] as const;
const DATABASES = ['d1', 'd2'] as const;
const TABLES = ['t1', 't2'] as const;
const PRIVILEGES = ['SELECT', 'INSERT', 'DROP'] as const satisfies readonly PrivilegeType[];

type Who = `USER ${(typeof USERS)[number]}` | `ROLE ${(typeof ROLES)[number]}`;
/** `TABLE d1.t1`, `ALL TABLES IN DATABASE d1`, `ALL TABLES IN ALL DATABASES`. */
type On = string;

const who: fc.Arbitrary<Who> = fc.oneof(
  fc.constantFrom(...USERS).map((name): Who => `USER ${name}`),
  fc.constantFrom(...ROLES).map((name): Who => `ROLE ${name}`),
);
const database = fc.constantFrom(...DATABASES);
const on: fc.Arbitrary<On> = fc.oneof(
  fc.tuple(database, fc.constantFrom(...TABLES)).map(([d, t]) => `TABLE ${d}.${t}`),
  database.map((d) => `ALL TABLES IN DATABASE ${d}`),
  fc.constant('ALL TABLES IN ALL DATABASES'),
);

type Step =
  | { kind: 'GRANT' | 'REVOKE'; privilege: (typeof PRIVILEGES)[number]; on: On; who: Who }
  | { kind: 'GRANT ROLE' | 'REVOKE ROLE'; role: (typeof ROLES)[number]; who: Who }
  | { kind: 'SET ROLE'; user: (typeof USERS)[number]; roles: readonly string[] }
  | { kind: 'DROP ROLE'; role: (typeof ROLES)[number] }
  | { kind: 'RECREATE TABLE'; table: string };

const role = fc.constantFrom(...ROLES);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('GRANT' as const, 'REVOKE' as const),
    privilege: fc.constantFrom(...PRIVILEGES),
    on,
    who,
  }),
  fc.record({ kind: fc.constantFrom('GRANT ROLE' as const, 'REVOKE ROLE' as const), role, who }),
  fc.record({
    kind: fc.constant('SET ROLE' as const),
    user: fc.constantFrom(...USERS),
    roles: fc.subarray([...ROLES]),
  }),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('DROP ROLE' as const), role }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('RECREATE TABLE' as const),
      table: fc.tuple(database, fc.constantFrom(...TABLES)).map((names) => names.join('.')),
    }),
  },
);

/** Everything as sets of texts. */
class Model {
  readonly grants = new Set<string>();
  /** `ROLE r1 > USER ann`. */
  readonly memberships = new Set<string>();
  readonly active = new Map<string, readonly string[]>(USERS.map((user) => [user, []]));

  /** The roles that `of` reaches through memberships. */
  reach(of: string, seen: ReadonlySet<string> = new Set()): ReadonlySet<string> {
    if (seen.has(of)) return seen;
    let found: ReadonlySet<string> = new Set([...seen, of]);
    for (const membership of this.memberships) {
      const [granted = '', grantee] = membership.split(' > ');
      if (grantee === of) found = this.reach(granted, found);
    }
    return found;
  }

  may(user: string, privilege: string, d: string, t: string): boolean {
    const roles = (this.active.get(user) ?? []).filter((name) =>
      this.memberships.has(`ROLE ${name} > USER ${user}`),
    );
    const holders = new Set([
      `USER ${user}`,
      ...roles.flatMap((name) => [...this.reach(`ROLE ${name}`)]),
    ]);
    const places = [
      `TABLE ${d}.${t}`,
      `ALL TABLES IN DATABASE ${d}`,
      'ALL TABLES IN ALL DATABASES',
    ];
    return [...holders].some((holder) =>
      places.some((place) => this.grants.has(`${privilege} ON ${place} TO ${holder}`)),
    );
  }
}

test('random changes of rights, against a naive model', { timeout: 300_000 }, async (context) => {
  const rig = await openStatementRig(context);
  const { access } = rig.services;
  const as = async (user: string | null, sql: string): Promise<'ok' | string> => {
    const active = sessions.get(user ?? '');
    rig.session.principal = active ?? ROOT;
    try {
      await rig.run(sql);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof AppError, String(error));
      return error.message;
    } finally {
      if (user !== null) sessions.set(user, rig.session.principal);
      rig.session.principal = ROOT;
    }
  };
  const sessions = new Map<string, typeof ROOT>();
  for (const d of DATABASES) {
    assert.equal(await as(null, `CREATE DATABASE ${d}`), 'ok');
    for (const t of TABLES) assert.equal(await as(null, `CREATE TABLE ${d}.${t} (a INT)`), 'ok');
  }

  const play = async (steps: readonly Step[]): Promise<void> => {
    const model = new Model();
    await reset();
    for (const one of steps) {
      await apply(one, model);
      await compare(model, one);
    }
  };

  const reset = async (): Promise<void> => {
    for (const user of USERS) {
      await as(null, `DROP USER IF EXISTS ${user}`);
      assert.equal(await as(null, `CREATE USER ${user}`), 'ok');
      sessions.set(user, { identity: { name: user, host: '%' }, activeRoles: new Set() });
    }
    for (const name of ROLES) {
      await as(null, `DROP ROLE IF EXISTS ${name}`);
      assert.equal(await as(null, `CREATE ROLE ${name}`), 'ok');
    }
  };

  const apply = async (one: Step, model: Model): Promise<void> => {
    switch (one.kind) {
      case 'GRANT':
        assert.equal(await as(null, `GRANT ${one.privilege} ON ${one.on} TO ${one.who}`), 'ok');
        model.grants.add(`${one.privilege} ON ${one.on} TO ${one.who}`);
        return;
      case 'REVOKE':
        assert.equal(await as(null, `REVOKE ${one.privilege} ON ${one.on} FROM ${one.who}`), 'ok');
        model.grants.delete(`${one.privilege} ON ${one.on} TO ${one.who}`);
        return;
      case 'GRANT ROLE': {
        const isCycle = model.reach(`ROLE ${one.role}`).has(one.who);
        const outcome = await as(null, `GRANT ${one.role} TO ${one.who}`);
        assert.equal(outcome === 'ok', !isCycle, `GRANT ${one.role} TO ${one.who}: ${outcome}`);
        if (!isCycle) model.memberships.add(`ROLE ${one.role} > ${one.who}`);
        return;
      }
      case 'REVOKE ROLE':
        assert.equal(await as(null, `REVOKE ${one.role} FROM ${one.who}`), 'ok');
        model.memberships.delete(`ROLE ${one.role} > ${one.who}`);
        return;
      case 'SET ROLE': {
        const text = one.roles.length === 0 ? 'NONE' : one.roles.join(', ');
        const hasAll = one.roles.every((name) =>
          model.memberships.has(`ROLE ${name} > USER ${one.user}`),
        );
        assert.equal((await as(one.user, `SET ROLE ${text}`)) === 'ok', hasAll);
        if (hasAll) model.active.set(one.user, one.roles);
        return;
      }
      case 'DROP ROLE': {
        assert.equal(await as(null, `DROP ROLE ${one.role}; `), 'ok');
        assert.equal(await as(null, `CREATE ROLE ${one.role}`), 'ok');
        for (const grant of model.grants) {
          if (grant.endsWith(` TO ROLE ${one.role}`)) model.grants.delete(grant);
        }
        for (const membership of model.memberships) {
          if (membership.split(' > ').includes(`ROLE ${one.role}`)) {
            model.memberships.delete(membership);
          }
        }
        // The new role of that name is another one: sessions do not have it active.
        for (const [user, roles] of model.active) {
          model.active.set(
            user,
            roles.filter((name) => name !== one.role),
          );
        }
        return;
      }
      case 'RECREATE TABLE':
        assert.equal(await as(null, `DROP TABLE ${one.table}`), 'ok');
        assert.equal(await as(null, `CREATE TABLE ${one.table} (a INT)`), 'ok');
        for (const grant of model.grants) {
          if (grant.includes(` ON TABLE ${one.table} `)) model.grants.delete(grant);
        }
        return;
    }
  };

  const compare = async (model: Model, after: Step): Promise<void> => {
    for (const user of USERS) {
      const principal = sessions.get(user) ?? ROOT;
      for (const d of DATABASES) {
        for (const name of TABLES) {
          for (const privilege of PRIVILEGES) {
            const target = { type: 'TABLE', database: d, name } as const;
            const got = await access.check(principal, [{ anyOf: [privilege], on: target }]).then(
              () => true,
              () => false,
            );
            assert.equal(
              got,
              model.may(user, privilege, d, name),
              `after ${JSON.stringify(after)}: ${user} ${privilege} ${d}.${name}`,
            );
          }
        }
      }
    }
  };

  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), play), {
    numRuns: 40,
  });
});
