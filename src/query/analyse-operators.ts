// Operators: arithmetic with StarRocks' result types, comparisons across types, logic, LIKE, IN, BETWEEN,
// dates with intervals.

import { present } from '../base/assert.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type * as ast from '../sql/ast/expression.ts';
import type { Position } from '../sql/ast/node.ts';
import { coerce, comparable } from './coerce.ts';
import { condition } from './condition.ts';
import type { ComparisonOperator, TypedExpression } from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import { resolveSignature } from './functions/resolve.ts';
import type { QueryNode } from './query-node.ts';
import { analyzeError } from './scope.ts';
import {
  type ArithmeticOperator,
  arithmeticRule,
  BIGINT,
  BOOLEAN,
  commonType,
  comparisonType,
  DOUBLE,
  decimalLiteralType,
  implicitCastCost,
  integerLiteralType,
  isInteger,
  isNumeric,
  NULL_TYPE,
  STRING,
} from './types.ts';

const COMPARISONS: readonly string[] = ['=', '<>', '<', '<=', '>', '>=', '<=>'];

function isComparison(op: ast.BinaryOperator): op is ComparisonOperator {
  return COMPARISONS.includes(op);
}

export function analyseBinary(expression: ast.Binary, context: ExpressionContext): TypedExpression {
  const { op, pos } = expression;
  const left = context.analyse(expression.left, context);
  const right = context.analyse(expression.right, context);
  if (op === 'AND' || op === 'OR' || op === 'XOR') {
    return {
      kind: 'logical',
      type: BOOLEAN,
      op,
      left: condition(left, pos),
      right: condition(right, pos),
    };
  }
  if (isComparison(op)) return requireComparable(op, left, right, pos);
  return arithmetic(op, left, right, pos, context);
}

/** @throws SQL_ANALYZE_AT when the two sides cannot be compared. */
export function requireComparable(
  op: ComparisonOperator,
  left: TypedExpression,
  right: TypedExpression,
  pos: Position,
): TypedExpression {
  if (left.kind === 'row' || right.kind === 'row') return compareRows(op, left, right, pos);
  const sides = comparable(left, right);
  if (sides === undefined) {
    throw analyzeError(
      `Column type ${printSqlType(left.type)} does not support binary predicate operation with type ${printSqlType(right.type)}`,
      pos,
    );
  }
  return { kind: 'comparison', type: BOOLEAN, op, left: sides[0], right: sides[1] };
}

function compareRows(
  op: ComparisonOperator,
  left: TypedExpression,
  right: TypedExpression,
  pos: Position,
): TypedExpression {
  if (left.kind !== 'row' || right.kind !== 'row' || left.items.length !== right.items.length) {
    throw analyzeError('Rows that are compared must have the same number of columns', pos);
  }
  const pairs = left.items.map((item, i) => {
    const pair = requireComparable(op, item, present(right.items[i], 'row item'), pos);
    if (pair.kind !== 'comparison') throw analyzeError('Rows cannot be nested', pos);
    return pair;
  });
  return {
    kind: 'comparison',
    type: BOOLEAN,
    op,
    left: { ...left, items: pairs.map((pair) => pair.left) },
    right: { ...right, items: pairs.map((pair) => pair.right) },
  };
}

function arithmetic(
  op: ArithmeticOperator,
  left: TypedExpression,
  right: TypedExpression,
  pos: Position,
  context: ExpressionContext,
): TypedExpression {
  if (left.kind === 'interval' || right.kind === 'interval') {
    return addInterval(op, left, right, pos, context);
  }
  const rule = arithmeticRule(op, left.type, right.type);
  if (rule === undefined) {
    throw analyzeError(
      `Arithmetic ${op} cannot take ${printSqlType(left.type)} and ${printSqlType(right.type)}`,
      pos,
    );
  }
  return {
    kind: 'arithmetic',
    type: rule.result,
    op,
    left: coerce(left, rule.left),
    right: coerce(right, rule.right),
  };
}

function addInterval(
  op: ArithmeticOperator,
  left: TypedExpression,
  right: TypedExpression,
  pos: Position,
  context: ExpressionContext,
): TypedExpression {
  const swapped = left.kind === 'interval' && op === '+';
  const [date, interval] = swapped ? [right, left] : [left, right];
  if ((op !== '+' && op !== '-') || interval.kind !== 'interval' || date.kind === 'interval') {
    throw analyzeError('An INTERVAL can only be added to or subtracted from a date', pos);
  }
  const name = op === '+' ? 'date_add' : 'date_sub';
  const entry = present(context.analysis.functions.get(name), name);
  const resolved = resolveSignature(entry, name, [date, interval]);
  const target = resolved.targets[0];
  return {
    kind: 'call',
    type: resolved.result,
    entry,
    signature: resolved.signature,
    args: [target === null || target === undefined ? date : coerce(date, target), interval],
  };
}

export function analyseUnary(expression: ast.Unary, context: ExpressionContext): TypedExpression {
  const { op, pos } = expression;
  if (op === '-' && expression.operand.kind === 'integer') {
    const value = -BigInt(expression.operand.text);
    return { kind: 'literal', type: integerLiteralType(value), text: String(value) };
  }
  const operand = context.analyse(expression.operand, context);
  if (op === 'NOT') return { kind: 'not', type: BOOLEAN, operand: condition(operand, pos) };
  if (op === '~') {
    const rule = arithmeticRule('&', operand.type, BIGINT);
    if (rule === undefined) throw analyzeError(`~ cannot take ${printSqlType(operand.type)}`, pos);
    const all: TypedExpression = { kind: 'literal', type: rule.right, text: '-1' };
    return {
      kind: 'arithmetic',
      type: rule.result,
      op: '^',
      left: coerce(operand, rule.left),
      right: all,
    };
  }
  if (operand.kind === 'literal' && operand.text !== null && isNumeric(operand.type)) {
    return op === '+' ? operand : negatedLiteral(operand.text, operand);
  }
  const zero: TypedExpression = { kind: 'literal', type: { kind: 'TINYINT' }, text: '0' };
  return op === '+' ? operand : arithmetic('-', zero, operand, pos, context);
}

function negatedLiteral(text: string, operand: TypedExpression): TypedExpression {
  const negated = text.startsWith('-') ? text.slice(1) : `-${text}`;
  // -(-128) is no TINYINT any more.
  if (isInteger(operand.type) && /^-?\d+$/.test(negated)) {
    return { kind: 'literal', type: integerLiteralType(BigInt(negated)), text: negated };
  }
  const type = operand.type.kind === 'DECIMAL' ? decimalLiteralType(negated) : operand.type;
  return { kind: 'literal', type, text: negated };
}

export function analyseBetween(
  expression: ast.Between,
  context: ExpressionContext,
): TypedExpression {
  const operand = context.analyse(expression.operand, context);
  const low = context.analyse(expression.low, context);
  const high = context.analyse(expression.high, context);
  const both: TypedExpression = {
    kind: 'logical',
    type: BOOLEAN,
    op: 'AND',
    left: requireComparable('>=', operand, low, expression.pos),
    right: requireComparable('<=', operand, high, expression.pos),
  };
  return expression.negated ? { kind: 'not', type: BOOLEAN, operand: both } : both;
}

export function analyseInList(expression: ast.InList, context: ExpressionContext): TypedExpression {
  const operand = context.analyse(expression.operand, context);
  const items = expression.items.map((item) => context.analyse(item, context));
  if (operand.kind === 'row') {
    const equal = items.map((item) => requireComparable('=', operand, item, expression.pos));
    const oneOf = equal.reduce((left, right) => ({
      kind: 'logical',
      type: BOOLEAN,
      op: 'OR',
      left,
      right,
    }));
    return expression.negated ? { kind: 'not', type: BOOLEAN, operand: oneOf } : oneOf;
  }
  // Each item on its own against the operand; then one type for all.
  let type = operand.type;
  const adapted: TypedExpression[] = [];
  for (const item of items) {
    const sides = comparable(operand, item);
    const joined = sides === undefined ? undefined : commonType(type, sides[0].type);
    const wide = joined ?? (sides === undefined ? undefined : comparisonType(type, sides[0].type));
    if (sides === undefined || wide === undefined) {
      throw analyzeError(
        `IN cannot compare ${printSqlType(operand.type)} with ${printSqlType(item.type)}`,
        expression.pos,
      );
    }
    type = sides[0].type.kind === 'DOUBLE' || type.kind === 'DOUBLE' ? DOUBLE : wide;
    adapted.push(sides[1]);
  }
  return {
    kind: 'in_list',
    type: BOOLEAN,
    negated: expression.negated,
    operand: coerce(operand, type),
    items: adapted.map((item) => coerce(item, type)),
  };
}

export function analyseInSubquery(
  expression: ast.InSubquery,
  context: ExpressionContext,
): TypedExpression {
  const { pos } = expression;
  if (context.analyseQuery === null) throw analyzeError('A subquery is not possible here', pos);
  const operand = context.analyse(expression.operand, context);
  const { analyseQuery } = context;
  const query = context.analysis.inSubquery(() =>
    analyseQuery(expression.query, context.scope, context.ctes),
  );
  const items = operand.kind === 'row' ? operand.items : [operand];
  if (items.length !== query.columns.length) {
    throw analyzeError(
      `subquery must return the same number of columns as provided by the IN predicate`,
      pos,
    );
  }
  const types = items.map((item, i) => {
    const column = present(query.columns[i], 'subquery column');
    const type = comparisonType(item.type, column.type);
    if (type !== undefined) return type;
    throw analyzeError(
      `IN cannot compare ${printSqlType(item.type)} with ${printSqlType(column.type)}`,
      pos,
    );
  });
  const converted = items.map((item, i) => coerce(item, types[i] ?? NULL_TYPE));
  return {
    kind: 'in_subquery',
    type: BOOLEAN,
    negated: expression.negated,
    operand:
      operand.kind === 'row' ? { ...operand, items: converted } : present(converted[0], 'operand'),
    query: retyped(query, types),
  };
}

/** The query with its columns' types changed; the generator converts where they differ. */
function retyped(query: QueryNode, types: readonly SqlType[]): QueryNode {
  const columns = query.columns.map((column, i) => {
    const type = types[i];
    return type === undefined ? column : { ...column, type };
  });
  return {
    ...query,
    ctes: [],
    recursive: false,
    orderBy: [],
    limit: null,
    body: {
      kind: 'converted',
      query,
      types: columns.map((column) => column.type),
    },
    columns,
  };
}

export function analyseLike(expression: ast.Like, context: ExpressionContext): TypedExpression {
  const operand = context.analyse(expression.operand, context);
  const pattern = context.analyse(expression.pattern, context);
  for (const side of [operand, pattern]) {
    if (implicitCastCost(side.type, STRING) === undefined) {
      throw analyzeError(`${expression.op} cannot take ${printSqlType(side.type)}`, expression.pos);
    }
  }
  return {
    kind: 'like',
    type: BOOLEAN,
    op: expression.op,
    negated: expression.negated,
    operand: coerce(operand, STRING),
    pattern: coerce(pattern, STRING),
  };
}
