// How a table's row says that it was dropped: into the recycle bin, or for good.
import { sql } from 'kysely';

/** A session's own table goes for good. */
export function dropKind(kind: 'TABLE' | 'DATABASE') {
  return sql<
    'TABLE' | 'DATABASE' | 'FORCE'
  >`CASE WHEN session_id = '' THEN ${kind} ELSE 'FORCE' END`;
}
