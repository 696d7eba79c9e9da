// How many users, roles and grants there may be: the statement that would pass a cap is refused, and changes nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessControl } from '../../../src/access/access-control.ts';
import type { AccessView } from '../../../src/access/access-view.ts';
import { executeStatement } from '../../../src/statements/execute.ts';
import type { Services } from '../../../src/statements/types.ts';
import { openStatementRig, type StatementRig } from '../../support/statement-rig.ts';

type Counts = Partial<Record<'users' | 'roles' | 'allGrants', number>>;

/** The access control with a view that counts more than there are: so many rows would take minutes to make. */
function counting(access: AccessControl, counts: Counts): AccessControl {
  const bound = <T extends object>(target: T, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, key, target);
    return typeof value === 'function' ? value.bind(target) : value;
  };
  const viewOf = (view: AccessView): AccessView =>
    new Proxy(view, {
      get: (target, key) => {
        const count = Object.entries(counts).find(([name]) => name === key)?.[1];
        return count === undefined ? bound(target, key) : () => Array.from({ length: count });
      },
    });
  return new Proxy(access, {
    get: (target, key) => {
      if (key !== 'change') return bound(target, key);
      const change: AccessControl['change'] = (work) =>
        target.change((accounts, view) => work(accounts, viewOf(view)));
      return change;
    },
  });
}

function run(rig: StatementRig, counts: Counts, sql: string): Promise<unknown> {
  const services: Services = { ...rig.services, access: counting(rig.services.access, counts) };
  return executeStatement(sql, rig.session, services, new AbortController().signal);
}

test('10,000 users', async (context) => {
  const rig = await openStatementRig(context);
  await run(rig, { users: 9_999 }, 'CREATE USER last');
  await assert.rejects(run(rig, { users: 10_000 }, 'CREATE USER more'), {
    code: 'LIMIT_EXCEEDED',
    message: /number of users.*10001.*10000/,
  });
  const names = rig.services.access.view.users().map(({ name }) => name);
  assert.ok(names.includes('last') && !names.includes('more'));
});

test('10,000 roles, also where one statement makes several', async (context) => {
  const rig = await openStatementRig(context);
  await run(rig, { roles: 9_998 }, 'CREATE ROLE a, b');
  await assert.rejects(run(rig, { roles: 9_998 }, 'CREATE ROLE c, d, e'), {
    code: 'LIMIT_EXCEEDED',
    message: /number of roles/,
  });
  const { view } = rig.services.access;
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'e'].map((name) => view.role(name) !== undefined),
    [true, true, false, false, false],
  );
});

test('200,000 grants', async (context) => {
  const rig = await openStatementRig(context);
  await rig.run('CREATE USER u');
  const grant = 'GRANT SELECT, INSERT ON TABLE quickstart.site_clicks TO USER u';
  await run(rig, { allGrants: 199_998 }, grant);
  assert.equal(rig.services.access.view.allGrants().length > 0, true);
  await rig.run('REVOKE SELECT, INSERT ON TABLE quickstart.site_clicks FROM USER u');
  await assert.rejects(run(rig, { allGrants: 199_999 }, grant), {
    code: 'LIMIT_EXCEEDED',
    message: /number of grants.*200001.*200000/,
  });
  const own = rig.services.access.view
    .allGrants()
    .filter(({ grantee }) => grantee.type === 'USER' && grantee.name === 'u');
  assert.deepEqual(own, []);
});
