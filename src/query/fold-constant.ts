// Integer arithmetic on constants, computed on the FE for answers that need no CN (`SELECT 1 + 1`,
// `SET @x = 2 * 3`). Anything else is left as it is: the engine decides.
import type { TypedExpression } from './expression.ts';
import { integerLiteralType, isInteger } from './types.ts';

/** A literal where the whole expression is integer arithmetic that fits its type; else the expression itself. */
export function foldConstant(expression: TypedExpression): TypedExpression {
  const value = integerValue(expression);
  if (value === undefined || !isInteger(expression.type)) return expression;
  const order = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'LARGEINT'];
  const needed = order.indexOf(integerLiteralType(value).kind);
  if (needed < 0 || needed > order.indexOf(expression.type.kind)) return expression;
  return { kind: 'literal', type: expression.type, text: String(value) };
}

function integerValue(expression: TypedExpression): bigint | undefined {
  if (expression.kind === 'literal') {
    const isWhole = isInteger(expression.type) && expression.text !== null;
    return isWhole ? BigInt(expression.text) : undefined;
  }
  if (expression.kind !== 'arithmetic' || !isInteger(expression.type)) return undefined;
  const left = integerValue(expression.left);
  const right = integerValue(expression.right);
  if (left === undefined || right === undefined) return undefined;
  switch (expression.op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case 'DIV':
      return right === 0n ? undefined : left / right;
    case '%':
      return right === 0n ? undefined : left % right;
    default:
      return undefined;
  }
}
