// Which tables a parsed query names, so that the caller can read all of them in one go before analysis.
// Names of WITH tables are left out where they are in force.
import { fail } from '../base/errors.ts';
import { pointKey, type TablePoint } from '../model/table-point.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type * as ast from '../sql/ast/query.ts';
import type { TableRef } from './catalog.ts';

/** The catalog that all tables are in, as StarRocks names it. */
const OWN_CATALOG = 'default_catalog';

/** Every table reference once (by its spelling), in order of appearance. Throws SQL_ANALYZE for another catalog. */
export function collectTableRefs(query: ast.Query): readonly TableRef[] {
  const found = new Map<string, TableRef>();
  visit(query, new Set(), found);
  return [...found.values()];
}

/**
 * A generic walk: nodes are plain data, so that every object and array is entered. A query's WITH names
 * are in force in the later ones, and in everything else inside that query.
 */
function visit(
  value: ast.Query | Expression | ast.Relation | unknown,
  ctes: ReadonlySet<string>,
  found: Map<string, TableRef>,
): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) visit(item, ctes, found);
    return;
  }
  if (isQuery(value)) {
    const known = new Set(ctes);
    for (const cte of value.ctes) {
      const name = cte.name.toLowerCase();
      visit(cte.query, value.recursive ? new Set([...known, name]) : known, found);
      known.add(name);
    }
    visit(value.body, known, found);
    visit(value.orderBy, known, found);
    return;
  }
  if (isTable(value)) {
    const { catalog, database, name } = value.name;
    if (catalog !== null && catalog !== OWN_CATALOG) {
      throw fail('SQL_ANALYZE', { detail: `Unknown catalog '${catalog}'` });
    }
    if (database !== null || !ctes.has(name.toLowerCase())) {
      const at = pointOf(value);
      const ref = { database, name, ...(at === undefined ? {} : { at }) };
      found.set(`${database ?? ''}\0${name}\0${pointKey(at)}`, ref);
    }
    return;
  }
  for (const part of Object.values(value)) visit(part, ctes, found);
}

/** The moment that a reference names; undefined without one, and before its expression was evaluated. */
export function pointOf({ asOf }: ast.TableReference): TablePoint | undefined {
  return asOf?.point === undefined ? undefined : { unit: asOf.unit, point: asOf.point };
}

function isQuery(value: object): value is ast.Query {
  return 'kind' in value && value.kind === 'query';
}

function isTable(value: object): value is ast.TableReference {
  return 'kind' in value && value.kind === 'table' && 'columnAliases' in value;
}
