// The `?` of a parsed statement: how many there are, and the tree with something in their place. The tree
// is plain data, so one walk serves every statement. Never works on text.
import type { Expression, Parameter } from './ast/expression.ts';
import type { Statement } from './ast/statement.ts';

/** Where a parameter stands. `key`: alone as an ORDER BY or GROUP BY item, where an integer would be a position. */
export type ParameterPlace = 'value' | 'limit' | 'key';

/** Number of `?` in a statement. */
export function countParameters(statement: Statement): number {
  let count = 0;
  replaceParameters(statement, (parameter) => {
    count += 1;
    return parameter;
  });
  return count;
}

/** The statement with `make(parameter)` in place of each `?`. Subtrees without any are shared, not copied. */
export function replaceParameters<T extends Statement>(
  statement: T,
  make: (parameter: Parameter, place: ParameterPlace) => Expression,
): T {
  const visit = (node: unknown, place: ParameterPlace): unknown => {
    if (typeof node !== 'object' || node === null) return node;
    if (Array.isArray(node)) return visitAll(node, place);
    if (isParameter(node)) return make(node, place);
    let copy: Record<string, unknown> | null = null;
    if (isUnnamedParameter(node)) copy = { ...node, alias: '?' };
    for (const [key, value] of Object.entries(node)) {
      if (typeof value !== 'object' || value === null || key === 'pos') continue;
      const changed = visit(value, placeBelow(key, place));
      if (changed === value) continue;
      copy ??= { ...node };
      copy[key] = changed;
    }
    return copy ?? node;
  };
  const visitAll = (nodes: readonly unknown[], place: ParameterPlace): readonly unknown[] => {
    let copy: unknown[] | null = null;
    for (const [i, node] of nodes.entries()) {
      const changed = visit(node, place);
      if (changed === node) continue;
      copy ??= [...nodes];
      copy[i] = changed;
    }
    return copy ?? nodes;
  };
  // The same tree with expressions for expressions: still a statement of its kind.
  return visit(statement, 'value') as T;
}

/** The place of what is below `key`; `items`, `sets` and `expression` only pass on where their parent stands. */
function placeBelow(key: string, place: ParameterPlace): ParameterPlace {
  switch (key) {
    case 'orderBy':
    case 'groupBy':
      return 'key';
    case 'limit':
      return 'limit';
    case 'items':
    case 'sets':
    case 'expression':
      return place;
    case 'count':
    case 'offset':
      return place === 'limit' ? 'limit' : 'value';
    default:
      return 'value';
  }
}

/** An item of a select list that is a parameter and nothing else: its name must not be its value. */
function isUnnamedParameter(node: object): boolean {
  return (
    'alias' in node &&
    node.alias === null &&
    'expression' in node &&
    typeof node.expression === 'object' &&
    node.expression !== null &&
    isParameter(node.expression)
  );
}

function isParameter(node: object): node is Parameter {
  return 'kind' in node && node.kind === 'parameter';
}
