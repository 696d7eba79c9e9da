// Which objects a session may know of: the one place that decides what SHOW, information_schema and sys
// list. Everything that lists objects asks here.
import type { StatementContext } from './types.ts';

/** Names as the catalog spells them. Answers come from memory: asked once per row. */
export interface Visibility {
  /** A database in which the session has any right. */
  database(name: string): boolean;
  /** A table or view on which the session has any right. */
  table(database: string, name: string): boolean;
  /** A load or a task of the database; its table may be gone. */
  load(database: string, table: string): boolean;
}

/** What the session may know of at this moment. */
export async function visibilityOf(
  _context: Pick<StatementContext, 'session' | 'services'>,
): Promise<Visibility> {
  return { database: () => true, table: () => true, load: () => true };
}
