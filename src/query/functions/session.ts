// What a statement can ask about its session and the server: each call becomes a literal on the FE.
// Functions of use in between are in utility.ts.
import { fail } from '../../base/errors.ts';
import type { QuerySession } from '../catalog.ts';
import type { LiteralExpression, TypedExpression } from '../expression.ts';
import { quoteString } from '../literal.ts';
import { BIGINT, BOOLEAN, STRING } from '../types.ts';
import { definer } from './define.ts';
import type { FunctionEntry } from './entry.ts';

const session = definer('scalar', 'utility');

const text =
  (of: (session: QuerySession) => string | null) =>
  (from: QuerySession): LiteralExpression => ({ kind: 'literal', type: STRING, text: of(from) });

const identity = (from: QuerySession): string => `'${from.userName}'@'${from.userHost}'`;
/** No DuckDB form at all: the constant always takes the call's place. */
const none = '';

export const SESSION_FUNCTIONS: readonly FunctionEntry[] = [
  session(
    'version',
    ['() -> string', none],
    'Version of the server as MySQL clients want it.',
    null,
    {
      constant: text((from) => from.serverVersion),
    },
  ),
  session('current_version', ['() -> string', none], 'Version of the product.', null, {
    constant: text((from) => from.productVersion),
  }),
  session(
    'database, schema, current_database',
    ['() -> string', none],
    'The database in use; NULL without one.',
    null,
    {
      constant: text((from) => from.currentDatabase),
    },
  ),
  session(
    'user, session_user, system_user',
    ['() -> string', none],
    "The user, as 'name'@'host'.",
    null,
    {
      constant: text(identity),
    },
  ),
  session('current_user', ['() -> string', none], "The user, as 'name'@'host'.", null, {
    constant: text(identity),
  }),
  session('current_role', ['() -> string', none], 'The active roles; NONE without one.', null, {
    constant: text((from) => (from.roles.length === 0 ? 'NONE' : from.roles.join(', '))),
  }),
  session(
    'is_role_in_session',
    ['(string) -> boolean', none],
    'Is the role of this (constant) name active, itself or through another one?',
    ["is_role_in_session('nobody')", '0'],
    {
      constant: (from, args) => ({ kind: 'literal', type: BOOLEAN, text: hasRole(from, args[0]) }),
    },
  ),
  session(
    'catalog',
    ['() -> string', none],
    'The catalog in use.',
    ['catalog()', 'default_catalog'],
    {
      constant: text(() => 'default_catalog'),
    },
  ),
  session('connection_id', ['() -> bigint', none], 'Number of this connection.', null, {
    constant: (from) => ({ kind: 'literal', type: BIGINT, text: String(from.connectionId) }),
  }),
  session(
    'last_query_id',
    ['() -> string', none],
    'NULL: query ids are not kept.',
    ['last_query_id()', null],
    {
      constant: text(() => null),
    },
  ),
  session(
    'current_warehouse',
    ['() -> string', none],
    'The warehouse in use.',
    ['current_warehouse()', 'default_warehouse'],
    {
      constant: text(() => 'default_warehouse'),
    },
  ),
  session(
    'typeof',
    ['(any) -> string', (s) => quoteString(printKind(s.args[0]?.type.kind ?? 'NULL'))],
    'Name of the type.',
    ['typeof(1)', 'tinyint'],
    { nulls: 'own' },
  ),
];

function hasRole(session: QuerySession, role: TypedExpression | undefined): string | null {
  if (role?.kind !== 'literal') {
    throw fail('SQL_ANALYZE', { detail: 'is_role_in_session needs a constant name of a role' });
  }
  if (role.text === null) return null;
  return session.hasRole(role.text) ? '1' : '0';
}

function printKind(kind: string): string {
  return kind === 'NULL' ? 'null_type' : kind.toLowerCase();
}
