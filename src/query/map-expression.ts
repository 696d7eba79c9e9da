// Rewriting of typed expressions: the same tree with some parts exchanged. Queries inside subqueries are
// not entered. The counterpart of childrenOf.
import type {
  AggregateExpression,
  CallExpression,
  FrameEdge,
  SortKey,
  TypedExpression,
} from './expression.ts';

type Change = (part: TypedExpression) => TypedExpression | undefined;

/** Top down: a part for which `change` gives another is exchanged as a whole, all others are entered. */
export function mapExpression(expression: TypedExpression, change: Change): TypedExpression {
  const changed = change(expression);
  if (changed !== undefined) return changed;
  const map = (part: TypedExpression): TypedExpression => mapExpression(part, change);
  switch (expression.kind) {
    case 'literal':
    case 'column':
    case 'parameter':
    case 'exists':
    case 'scalar_subquery':
      return expression;
    case 'call':
      return mapCall(expression, map);
    case 'aggregate':
      return mapAggregate(expression, map);
    case 'window':
      return {
        ...expression,
        call:
          expression.call.kind === 'call'
            ? mapCall(expression.call, map)
            : mapAggregate(expression.call, map),
        partitionBy: expression.partitionBy.map(map),
        orderBy: mapKeys(expression.orderBy, map),
        frame:
          expression.frame === null
            ? null
            : {
                ...expression.frame,
                start: mapEdge(expression.frame.start, map),
                end: mapEdge(expression.frame.end, map),
              },
      };
    case 'cast':
    case 'not':
    case 'is_null':
    case 'field':
    case 'in_subquery':
      return { ...expression, operand: map(expression.operand) };
    case 'arithmetic':
    case 'comparison':
    case 'logical':
      return { ...expression, left: map(expression.left), right: map(expression.right) };
    case 'like':
      return { ...expression, operand: map(expression.operand), pattern: map(expression.pattern) };
    case 'in_list':
      return {
        ...expression,
        operand: map(expression.operand),
        items: expression.items.map(map),
      };
    case 'case':
      return {
        ...expression,
        branches: expression.branches.map(({ when, result }) => ({
          when: map(when),
          result: map(result),
        })),
        otherwise: expression.otherwise === null ? null : map(expression.otherwise),
      };
    case 'interval':
      return { ...expression, amount: map(expression.amount) };
    case 'row':
    case 'array':
      return { ...expression, items: expression.items.map(map) };
    case 'map':
      return { ...expression, keys: expression.keys.map(map), values: expression.values.map(map) };
    case 'subscript':
      return { ...expression, operand: map(expression.operand), index: map(expression.index) };
    case 'lambda':
      return { ...expression, body: map(expression.body) };
  }
}

type Map = (part: TypedExpression) => TypedExpression;

function mapCall(call: CallExpression, map: Map): CallExpression {
  return { ...call, args: call.args.map(map) };
}

function mapAggregate(call: AggregateExpression, map: Map): AggregateExpression {
  return {
    ...call,
    args: call.args.map(map),
    orderBy: mapKeys(call.orderBy, map),
    filter: call.filter === null ? null : map(call.filter),
  };
}

function mapKeys(keys: readonly SortKey[], map: Map): readonly SortKey[] {
  return keys.map((key) => ({ ...key, expression: map(key.expression) }));
}

function mapEdge(edge: FrameEdge, map: Map): FrameEdge {
  return edge.kind === 'preceding' || edge.kind === 'following'
    ? { ...edge, rows: map(edge.rows) }
    : edge;
}
