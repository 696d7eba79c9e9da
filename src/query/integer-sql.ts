// BIGINT and LARGEINT arithmetic: StarRocks lets it wrap around, DuckDB raises an error. A BIGINT tree is
// computed in 128 bits, and only rows whose result does not fit again by the engine's mr_wrap functions.
import type { ArithmeticExpression, TypedExpression } from './expression.ts';

/** A HUGEINT as the BIGINT of its low 64 bits, as sums wrap around. The text is used once. */
export function lowBigintSql(huge: string): string {
  return `CAST(${lowBitsSql(huge, 64n)} AS BIGINT)`;
}

/** The low bits of a HUGEINT as a signed number, still a HUGEINT. The text is used once. */
export function lowBitsSql(huge: string, bits: bigint): string {
  const all = 1n << bits;
  const half = all / 2n;
  return `(((${huge} + ${half}) % ${all} + ${all}) % ${all} - ${half})`;
}

/** The same for sums that nearly always fit: faster, with the text twice. */
export function wrappedBigintSql(huge: string): string {
  return `coalesce(TRY_CAST(${huge} AS BIGINT), ${lowBigintSql(huge)})`;
}

type WrappingOp = '+' | '-' | '*';
/** Bits of a value of each type, without the sign. */
const BITS: Readonly<Record<string, number>> = {
  BOOLEAN: 1,
  TINYINT: 7,
  SMALLINT: 15,
  INT: 31,
  BIGINT: 63,
};
const BIGINT_BITS = 63;
/** Results of so many bits fit into a HUGEINT. */
const HUGEINT_BITS = 126;

/** SQL for `+`, `-` and `*` of integers. `operand` makes the SQL of what is no such operation itself. */
export function integerSql(
  expression: ArithmeticExpression,
  operand: (part: TypedExpression) => string,
): string {
  const plain = (part: (leaf: TypedExpression) => string): string =>
    treeSql(expression, part, (op, a, b) => `(${a} ${op} ${b})`);
  const { kind } = expression.type;
  if (kind === 'LARGEINT') return checked(expression, operand, LARGEINT_MAGNITUDE, wrap128);
  const bits = bitsOf(expression);
  if (kind !== 'BIGINT' || bits <= BIGINT_BITS) return plain(operand);
  if (bits > HUGEINT_BITS) return checked(expression, operand, BIGINT_MAGNITUDE, wrap64);
  const wide = plain((leaf) => `CAST(${operand(leaf)} AS HUGEINT)`);
  return `coalesce(TRY_CAST(${wide} AS BIGINT), ${treeSql(expression, operand, wrap64)})`;
}

/** A little below 2^63 and 2^127: a DOUBLE says of a smaller result for certain that it fits. */
const BIGINT_MAGNITUDE = '9.2e18';
const LARGEINT_MAGNITUDE = '1.7e38';

/** The plain operation where every step fits, by its size as DOUBLE. (DuckDB 1.5 fails on TRY over a grouped column.) */
function checked(
  expression: ArithmeticExpression,
  operand: (part: TypedExpression) => string,
  magnitude: string,
  wrap: (op: WrappingOp, a: string, b: string) => string,
): string {
  const steps: string[] = [];
  treeSql(
    expression,
    (leaf) => `CAST(${operand(leaf)} AS DOUBLE)`,
    (op, a, b) => {
      const step = `(${a} ${op} ${b})`;
      steps.push(`abs(${step}) < ${magnitude}`);
      return step;
    },
  );
  const plain = treeSql(expression, operand, (op, a, b) => `(${a} ${op} ${b})`);
  return `CASE WHEN ${steps.join(' AND ')} THEN ${plain} ELSE ${treeSql(expression, operand, wrap)} END`;
}

/** Most bits that a value of the expression can need. */
function bitsOf(expression: TypedExpression): number {
  if (expression.kind === 'literal' && /^-?\d+$/.test(expression.text ?? '')) {
    return BigInt(expression.text ?? 0)
      .toString(2)
      .replace('-', '').length;
  }
  if (expression.kind === 'cast') return BITS[expression.operand.type.kind] ?? BIGINT_BITS;
  if (expression.kind !== 'arithmetic') return BITS[expression.type.kind] ?? BIGINT_BITS;
  const { op, left, right } = expression;
  if (op === '*') return bitsOf(left) + bitsOf(right);
  if (op === '+' || op === '-') return Math.max(bitsOf(left), bitsOf(right)) + 1;
  return BITS[expression.type.kind] ?? BIGINT_BITS;
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
