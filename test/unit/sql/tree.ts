// Test support: trees without positions, and an expression's shape with every parenthesis written.
import type { Expression } from '../../../src/sql/ast/expression.ts';

/** A deep copy without `pos` and `end`, so that trees from different texts compare. */
export function withoutPositions(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withoutPositions);
  if (typeof node !== 'object' || node === null) return node;
  const kept = Object.entries(node).filter(([key]) => key !== 'pos' && key !== 'end');
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutPositions(value)]));
}

/** `(a + (b * c))`: how the operators bind. Kinds that are no operators show as their kind. */
export function shape(expression: Expression): string {
  switch (expression.kind) {
    case 'integer':
    case 'decimal':
    case 'float':
      return expression.text;
    case 'string':
      return `'${expression.value}'`;
    case 'null':
      return 'NULL';
    case 'column':
      return expression.path.join('.');
    case 'unary':
      return `(${expression.op} ${shape(expression.operand)})`;
    case 'binary':
      return `(${shape(expression.left)} ${expression.op} ${shape(expression.right)})`;
    case 'is_null':
      return `(${shape(expression.operand)} IS ${expression.negated ? 'NOT ' : ''}NULL)`;
    case 'between':
      return `(${shape(expression.operand)} ${expression.negated ? 'NOT ' : ''}BETWEEN ${shape(expression.low)} AND ${shape(expression.high)})`;
    case 'like':
      return `(${shape(expression.operand)} ${expression.negated ? 'NOT ' : ''}${expression.op} ${shape(expression.pattern)})`;
    case 'in_list':
      return `(${shape(expression.operand)} ${expression.negated ? 'NOT ' : ''}IN (${expression.items.map(shape).join(', ')}))`;
    case 'subscript':
      return `(${shape(expression.operand)}[${shape(expression.index)}])`;
    case 'field':
      return `(${shape(expression.operand)}.${expression.name})`;
    case 'json_arrow':
      return `(${shape(expression.operand)} -> ${shape(expression.path)})`;
    case 'lambda':
      return `(${expression.parameters.map(({ name }) => name).join(', ')} => ${shape(expression.body)})`;
    case 'interval':
      return `(INTERVAL ${shape(expression.amount)} ${expression.unit})`;
    case 'function':
      return `${expression.name}(${expression.args.map(shape).join(', ')})`;
    case 'user_variable':
      return `@${expression.name}`;
    default:
      return expression.kind;
  }
}
