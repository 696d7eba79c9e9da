// Puts other relations in the place of tables, wherever a query names one: views and qualified names. Parts
// without a table are shared with the given tree. Names of WITH tables are left alone where they are in force.
import type * as ast from '../sql/ast/query.ts';

/** `replace` gives the new relation, undefined to leave the table as it is. */
export function replaceTables(
  query: ast.Query,
  replace: (table: ast.TableReference) => ast.Relation | undefined,
): ast.Query {
  return visit(query, new Set(), replace) as ast.Query;
}

function visit(
  value: unknown,
  ctes: ReadonlySet<string>,
  replace: (table: ast.TableReference) => ast.Relation | undefined,
): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => visit(item, ctes, replace));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (isTable(value)) {
    const { database, name } = value.name;
    if (database === null && ctes.has(name.toLowerCase())) return value;
    return replace(value) ?? value;
  }
  if (!isQuery(value)) return object(value, (part) => visit(part, ctes, replace));
  const known = new Set(ctes);
  const inner = value.ctes.map((cte) => {
    const query = visit(cte.query, known, replace) as ast.Query;
    known.add(cte.name.toLowerCase());
    return query === cte.query ? cte : { ...cte, query };
  });
  const same = inner.every((cte, index) => cte === value.ctes[index]);
  const ctesOf = same ? value.ctes : inner;
  return object(value, (part, key) => (key === 'ctes' ? ctesOf : visit(part, known, replace)));
}

/** The same object where no part changed. */
function object(value: object, change: (part: unknown, key: string) => unknown): object {
  const entries = Object.entries(value).map(([key, part]): [string, unknown, boolean] => {
    const changed = change(part, key);
    return [key, changed, changed !== part];
  });
  if (!entries.some(([, , isChanged]) => isChanged)) return value;
  return Object.fromEntries(entries.map(([key, part]) => [key, part]));
}

function isQuery(value: object): value is ast.Query {
  return 'kind' in value && value.kind === 'query';
}

function isTable(value: object): value is ast.TableReference {
  return 'kind' in value && value.kind === 'table' && 'columnAliases' in value;
}
