// Sessions' principals for tests.
import type { Principal } from '../../src/access/access-view.ts';
import { ROOT_ROLE } from '../../src/access/built-in-roles.ts';

/** The user root after login: may do everything. */
export const ROOT: Principal = {
  identity: { name: 'root', host: '%' },
  activeRoles: new Set([ROOT_ROLE]),
};
