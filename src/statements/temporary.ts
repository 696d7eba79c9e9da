// Temporary tables belong to a session: they come before ordinary tables of their name in it, nobody else
// sees them, and they end with it, or with the front end at the latest.
import type { Services, Session } from './types.ts';

/** The id under which the catalog keeps a session's temporary tables, unique over restarts; '' while it has none. */
export function temporarySession(session: Session, services: Pick<Services, 'catalog'>): string {
  return session.temporary.used ? idOf(session, services) : '';
}

/** The same for a session that is about to make one. */
export function newTemporary(session: Session, services: Pick<Services, 'catalog'>): string {
  session.temporary.used = true;
  return idOf(session, services);
}

function idOf({ connectionId }: Session, { catalog }: Pick<Services, 'catalog'>): string {
  return `${catalog.leaderEpoch}-${connectionId}`;
}

/** Ends a session's temporary tables; cheap where it made none. */
export async function dropTemporaryTables(
  session: Session,
  services: Pick<Services, 'catalog'>,
): Promise<void> {
  if (!session.temporary.used) return;
  await services.catalog.tables.dropSession(temporarySession(session, services));
}
