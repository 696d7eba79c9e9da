// What may stand where a condition is asked for: WHERE, ON, HAVING, WHEN, AND, FILTER.
import { printSqlType } from '../model/sql-type.ts';
import type { Position } from '../sql/ast/node.ts';
import { coerce } from './coerce.ts';
import type { TypedExpression } from './expression.ts';
import { analyzeError } from './scope.ts';
import { BOOLEAN, implicitCastCost } from './types.ts';

/** An expression used as a condition. @throws SQL_ANALYZE_AT when its type cannot be one. */
export function condition(expression: TypedExpression, pos: Position): TypedExpression {
  if (implicitCastCost(expression.type, BOOLEAN) === undefined) {
    throw analyzeError(
      `Operand of type ${printSqlType(expression.type)} is no condition, BOOLEAN is needed`,
      pos,
    );
  }
  return coerce(expression, BOOLEAN);
}
