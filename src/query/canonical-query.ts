// A query as a view keeps it: every `*` as the columns that it stood for, every computed column with a name.
// So the view stays what it was when its tables get more columns, and its text can be parsed on its own.
import type { Expression } from '../sql/ast/expression.ts';
import type * as ast from '../sql/ast/query.ts';
import type { Analysis } from './analysis.ts';

/** `analysis` is of this very tree: its stars are looked up by identity. `text` is what the positions point into. */
export function canonicalQuery(query: ast.Query, analysis: Analysis, text: string): ast.Query {
  return visit(query, analysis, text) as ast.Query;
}

function visit(value: unknown, analysis: Analysis, text: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => visit(item, analysis, text));
  const entries = Object.entries(value).map(([key, part]) => [key, visit(part, analysis, text)]);
  const copy = Object.fromEntries(entries) as object;
  if (!isSelect(value)) return copy;
  // The star's own node is the key, so items are taken from the given tree.
  const items = value.items.flatMap((item): readonly ast.SelectItem[] =>
    item.kind === 'star_item'
      ? expandStar(item, analysis)
      : [named(visit(item, analysis, text) as ast.ExpressionItem, text)],
  );
  return { ...copy, items };
}

function expandStar(item: ast.StarItem, analysis: Analysis): readonly ast.SelectItem[] {
  const paths = analysis.stars.get(item);
  if (paths === undefined) return [item];
  const { pos } = item;
  return paths.map((path) => {
    const expression: Expression = { kind: 'column', pos, path };
    return { kind: 'expression_item', pos, expression, alias: null, end: pos.start };
  });
}

function named(item: ast.ExpressionItem, text: string): ast.ExpressionItem {
  if (item.alias !== null || item.expression.kind === 'column') return item;
  const { expression } = item;
  const written = text.slice(item.pos.start, item.end).trim();
  const alias = expression.kind === 'string' ? `'${expression.value}'` : written;
  return { ...item, alias: alias === '' ? expression.kind : alias };
}

function isSelect(value: object): value is ast.Select {
  return 'kind' in value && value.kind === 'select' && 'items' in value;
}
