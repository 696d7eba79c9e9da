// BIGINT and LARGEINT arithmetic: StarRocks lets it wrap around, DuckDB raises an error. The plain operation
// runs first; only rows where it fails are computed again by the engine's mr_wrap functions.
import type { ArithmeticExpression, TypedExpression } from './expression.ts';
import { refusesTry } from './walk.ts';

type WrappingOp = '+' | '-' | '*';
const RANKS: Readonly<Record<string, number>> = { BOOLEAN: 0, TINYINT: 1, SMALLINT: 2, INT: 3 };

/** Can the operation go beyond its type? Of two INT values or smaller ones it cannot. */
function canOverflow({ left, right }: ArithmeticExpression): boolean {
  return !(isNarrow(left) && isNarrow(right));
}

function isNarrow(expression: TypedExpression): boolean {
  if (expression.kind === 'cast') return RANKS[expression.operand.type.kind] !== undefined;
  if (expression.kind !== 'literal' || expression.text === null) return false;
  return /^-?\d{1,9}$/.test(expression.text);
}

/**
 * SQL for `+`, `-` and `*` of integers. `operand` makes the SQL of what is no such operation itself.
 * Over aggregates, windows and subqueries DuckDB has no TRY: there an overflow stays an error.
 */
export function integerSql(
  expression: ArithmeticExpression,
  operand: (part: TypedExpression) => string,
): string {
  const plain = treeSql(expression, operand, (op, a, b) => `(${a} ${op} ${b})`);
  const { kind } = expression.type;
  const isWide = kind === 'BIGINT' || kind === 'LARGEINT';
  if (!isWide || !canOverflow(expression) || refusesTry(expression)) return plain;
  const wrap = kind === 'BIGINT' ? wrap64 : wrap128;
  return `coalesce(TRY(${plain}), ${treeSql(expression, operand, wrap)})`;
}

function wrap64(op: WrappingOp, a: string, b: string): string {
  return `mr_wrap64('${op}', ${a}, ${b})`;
}

function wrap128(op: WrappingOp, a: string, b: string): string {
  return `CAST(mr_wrap128('${op}', CAST(${a} AS VARCHAR), CAST(${b} AS VARCHAR)) AS HUGEINT)`;
}

/** The whole tree of operations in one type at once: guarding each of them would double the text each time. */
function treeSql(
  expression: TypedExpression,
  operand: (part: TypedExpression) => string,
  join: (op: WrappingOp, a: string, b: string) => string,
): string {
  if (expression.kind !== 'arithmetic') return operand(expression);
  const { op, left, right, type } = expression;
  if (op !== '+' && op !== '-' && op !== '*') return operand(expression);
  const side = (part: TypedExpression): string =>
    part.type.kind === type.kind ? treeSql(part, operand, join) : operand(part);
  return join(op, side(left), side(right));
}
