// The properties that a user's name can have: the one table. SOURCE: StarRocks docs, ALTER USER.
import type { AccessView } from '../../access/access-view.ts';
import { MAX_CONNECTIONS_PROPERTY } from '../../access/access-view.ts';
import { analysisError } from '../../loads/properties.ts';
import type { Session, StatementContext } from '../types.ts';
import { checkVariable } from '../variables.ts';

const SESSION_PREFIX = 'session.';

/** '' takes a property away. Throws SQL_ANALYZE, UNKNOWN_DATABASE. */
export async function checkProperty(
  key: string,
  value: string,
  { services }: StatementContext,
): Promise<void> {
  const name = key.toLowerCase();
  if (value === '') return;
  if (name === MAX_CONNECTIONS_PROPERTY) {
    const limit = services.config.int('qe_max_connection');
    if (!/^\d{1,9}$/.test(value) || Number(value) < 1 || Number(value) > limit) {
      throw analysisError(`${name} must be a number from 1 to ${limit} (qe_max_connection)`);
    }
    return;
  }
  if (name === 'catalog') {
    if (value !== 'default_catalog') throw analysisError(`Unknown catalog '${value}'`);
    return;
  }
  if (name === 'database') {
    await services.catalog.databases.get(value);
    return;
  }
  if (name.startsWith(SESSION_PREFIX)) {
    checkVariable(name.slice(SESSION_PREFIX.length), value);
    return;
  }
  throw analysisError(
    `Unknown user property(${name}), known: ${MAX_CONNECTIONS_PROPERTY}, catalog, database, session.<variable>`,
  );
}

/** Puts the properties of the user's name into a new session: its variables and its database. */
export function applyProperties(view: AccessView, session: Session): void {
  for (const [name, value] of view.properties(session.principal.identity.name)) {
    if (name === 'database') session.database = value;
    if (!name.startsWith(SESSION_PREFIX)) continue;
    const variable = name.slice(SESSION_PREFIX.length);
    session.variables.set(variable, checkVariable(variable, value));
  }
}
