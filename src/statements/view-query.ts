// The stored query of a view, parsed.
import { fail } from '../base/errors.ts';
import type { ViewRecord } from '../catalog/views.ts';
import type { Query } from '../sql/ast/query.ts';
import { parseStatement } from '../sql/parse.ts';

/** Every table in it has its database. */
export function viewQuery(view: ViewRecord): Query {
  const parsed = parseStatement(view.definition);
  if (parsed.kind === 'query') return parsed;
  throw fail('INTERNAL', { detail: `view ${view.databaseName}.${view.name} is no query` });
}
