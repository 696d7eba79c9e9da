// Expression AST -> typed expression: resolves names, settles types, makes implicit conversions explicit.
// Operators and calls are in files of their own.
import { unreachable } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type * as ast from '../sql/ast/expression.ts';
import { analyseCall, analyseJsonArrow } from './analyse-call.ts';
import {
  analyseBetween,
  analyseBinary,
  analyseInList,
  analyseInSubquery,
  analyseLike,
  analyseUnary,
  requireComparable,
} from './analyse-operators.ts';
import { analyseWindow } from './analyse-window.ts';
import { coerce } from './coerce.ts';
import { condition } from './condition.ts';
import { datetimeOf, withoutZeros } from './datetime-text.ts';
import type { LiteralExpression, TypedExpression } from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import { checkTypeDepth, checkTypeRange } from './limits.ts';
import { analyzeError, resolveColumn } from './scope.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  commonType,
  DATE,
  DATETIME,
  DOUBLE,
  decimalLiteralType,
  implicitCastCost,
  integerLiteralType,
  isCastable,
  isInteger,
  NULL_TYPE,
  STRING,
  VARBINARY,
} from './types.ts';

/** @throws SQL_ANALYZE, SQL_ANALYZE_AT, NOT_SUPPORTED. */
export function analyseExpression(
  expression: ast.Expression,
  context: ExpressionContext,
): TypedExpression {
  switch (expression.kind) {
    case 'null':
    case 'boolean':
    case 'integer':
    case 'decimal':
    case 'float':
    case 'string':
    case 'binary_literal':
    case 'date_literal':
      return analyseLiteral(expression);
    case 'interval':
      return analyseInterval(expression, context);
    case 'column':
      return analyseColumn(expression, context);
    case 'field':
      return fieldOf(context.analyse(expression.operand, context), expression.name, expression);
    case 'subscript':
      return analyseSubscript(expression, context);
    case 'function':
      return analyseCall(expression, context);
    case 'window':
      return analyseWindow(expression, context);
    case 'json_arrow':
      return analyseJsonArrow(expression, context);
    case 'unary':
      return analyseUnary(expression, context);
    case 'binary':
      return analyseBinary(expression, context);
    case 'between':
      return analyseBetween(expression, context);
    case 'in_list':
      return analyseInList(expression, context);
    case 'in_subquery':
      return analyseInSubquery(expression, context);
    case 'like':
      return analyseLike(expression, context);
    case 'collate':
      return context.analyse(expression.operand, context);
    case 'exists':
    case 'subquery':
      return analyseSubquery(expression, context);
    case 'is_null':
      return analyseIsNull(expression, context);
    case 'case':
      return analyseCase(expression, context);
    case 'cast':
      return analyseCast(expression, context);
    case 'row':
      return {
        kind: 'row',
        type: NULL_TYPE,
        items: expression.items.map((item) => context.analyse(item, context)),
      };
    case 'array':
      return analyseArray(expression, context);
    case 'map':
      return analyseMap(expression, context);
    case 'user_variable':
    case 'system_variable':
      return analyseVariable(expression, context);
    case 'lambda':
      throw analyzeError('A lambda can only be an argument of a function', expression.pos);
    case 'default':
      throw analyzeError('DEFAULT can only stand in VALUES', expression.pos);
    case 'parameter':
      throw fail('NOT_SUPPORTED', { what: 'a ? parameter outside a prepared statement', hint: '' });
    default:
      return unreachable(expression, 'expression');
  }
}

function analyseInterval(
  expression: ast.IntervalLiteral,
  context: ExpressionContext,
): TypedExpression {
  const amount = coerce(context.analyse(expression.amount, context), BIGINT);
  return { kind: 'interval', type: NULL_TYPE, amount, unit: expression.unit };
}

function analyseIsNull(expression: ast.IsNull, context: ExpressionContext): TypedExpression {
  const operand = context.analyse(expression.operand, context);
  return { kind: 'is_null', type: BOOLEAN, negated: expression.negated, operand };
}

function literal(type: SqlType, text: string | null): LiteralExpression {
  return { kind: 'literal', type, text };
}

function analyseLiteral(
  expression:
    | ast.NullLiteral
    | ast.BooleanLiteral
    | ast.NumberLiteral
    | ast.StringLiteral
    | ast.BinaryLiteral
    | ast.DateLiteral,
): LiteralExpression {
  switch (expression.kind) {
    case 'null':
      return literal(NULL_TYPE, null);
    case 'boolean':
      return literal(BOOLEAN, expression.value ? '1' : '0');
    case 'integer': {
      const value = BigInt(expression.text);
      return literal(integerLiteralType(value), String(value));
    }
    case 'decimal': {
      const text = expression.text.startsWith('.') ? `0${expression.text}` : expression.text;
      return literal(decimalLiteralType(text), text);
    }
    case 'float':
      if (!Number.isFinite(Number(expression.text))) {
        throw analyzeError(`Invalid numeric literal ${expression.text}`, expression.pos);
      }
      return literal(DOUBLE, expression.text);
    case 'string':
      return literal(STRING, expression.value);
    case 'binary_literal':
      return literal(VARBINARY, expression.hex);
    case 'date_literal':
      return dateLiteral(expression);
  }
}

function dateLiteral({ type, text, pos }: ast.DateLiteral): LiteralExpression {
  const read = datetimeOf(text);
  if (read !== null && type === 'DATE') return literal(DATE, read.slice(0, 10));
  if (read !== null) return literal(DATETIME, withoutZeros(read));
  throw analyzeError(`Invalid date literal ${text}`, pos);
}

function analyseColumn(
  expression: ast.ColumnReference,
  context: ExpressionContext,
): TypedExpression {
  const [first = ''] = expression.path;
  const parameter = context.parameters.get(first.toLowerCase());
  if (parameter !== undefined) {
    return expression.path
      .slice(1)
      .reduce<TypedExpression>((operand, name) => fieldOf(operand, name, expression), parameter);
  }
  const found = resolveColumn(context.scope, expression.path, expression.pos);
  return expression.path
    .slice(found.used)
    .reduce((operand, name) => fieldOf(operand, name, expression), found.expression);
}

/** A field of a struct, or a key of a JSON object is left to `->`. */
function fieldOf(operand: TypedExpression, name: string, at: ast.Expression): TypedExpression {
  const type = operand.type;
  const field =
    type.kind === 'STRUCT'
      ? type.fields.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
      : undefined;
  if (field === undefined) throw analyzeError(`Column '${name}' cannot be resolved`, at.pos);
  return { kind: 'field', type: field.type, operand, name: field.name };
}

function analyseSubscript(expression: ast.Subscript, context: ExpressionContext): TypedExpression {
  const operand = context.analyse(expression.operand, context);
  const index = context.analyse(expression.index, context);
  if (operand.type.kind === 'ARRAY') {
    const at = subscriptIndex(index, BIGINT, expression);
    return { kind: 'subscript', type: operand.type.element, operand, index: at };
  }
  if (operand.type.kind === 'MAP') {
    const { key, value } = operand.type;
    const at = subscriptIndex(index, key, expression);
    return { kind: 'subscript', type: value, operand, index: at };
  }
  if (operand.type.kind === 'STRUCT') {
    return fieldOf(operand, fieldName(operand.type, index, expression), expression);
  }
  throw analyzeError(
    `cannot subscript type ${printSqlType(operand.type)} because it is not an array or a map or a struct`,
    expression.pos,
  );
}

function subscriptIndex(
  index: TypedExpression,
  wanted: SqlType,
  { pos }: ast.Subscript,
): TypedExpression {
  if (implicitCastCost(index.type, wanted) === undefined) {
    throw analyzeError(
      `A subscript of type ${printSqlType(index.type)} does not fit, ${printSqlType(wanted)} is needed`,
      pos,
    );
  }
  return coerce(index, wanted);
}

/** `s['name']`, or `s[1]` by position (`s[-1]` is the last). */
function fieldName(
  struct: Extract<SqlType, { kind: 'STRUCT' }>,
  index: TypedExpression,
  at: ast.Subscript,
): string {
  if (index.kind === 'literal' && index.text !== null) {
    if (index.type.kind === 'VARCHAR') return index.text;
    const position = Number(index.text);
    const field = struct.fields[position > 0 ? position - 1 : struct.fields.length + position];
    if (isInteger(index.type) && position !== 0 && field !== undefined) return field.name;
  }
  throw analyzeError(
    `Invalid subscript of a struct of ${struct.fields.length} fields: a constant name or position is needed`,
    at.pos,
  );
}

function analyseSubquery(
  expression: ast.Exists | ast.ScalarSubquery,
  context: ExpressionContext,
): TypedExpression {
  if (context.analyseQuery === null) {
    throw analyzeError('A subquery is not possible here', expression.pos);
  }
  const { analyseQuery } = context;
  const query = context.analysis.inSubquery(() =>
    analyseQuery(expression.query, context.scope, context.ctes),
  );
  if (expression.kind === 'exists') return { kind: 'exists', type: BOOLEAN, query };
  const [column, more] = query.columns;
  if (column === undefined || more !== undefined) {
    throw analyzeError(
      'Subquery must return a single column when used in expressions',
      expression.pos,
    );
  }
  return { kind: 'scalar_subquery', type: column.type, query };
}

function analyseCase(expression: ast.Case, context: ExpressionContext): TypedExpression {
  const operand = expression.operand === null ? null : context.analyse(expression.operand, context);
  const branches = expression.branches.map(({ when, result }) => {
    const tested = context.analyse(when, context);
    return {
      when:
        operand === null
          ? condition(tested, when.pos)
          : requireComparable('=', operand, tested, when.pos),
      result: context.analyse(result, context),
    };
  });
  const otherwise =
    expression.otherwise === null ? null : context.analyse(expression.otherwise, context);
  const results = [
    ...branches.map((branch) => branch.result),
    ...(otherwise === null ? [] : [otherwise]),
  ];
  const type = commonOf(results, expression, 'CASE');
  return {
    kind: 'case',
    type,
    branches: branches.map(({ when, result }) => ({ when, result: coerce(result, type) })),
    otherwise: otherwise === null ? null : coerce(otherwise, type),
  };
}

function commonOf(values: readonly TypedExpression[], at: ast.Expression, what: string): SqlType {
  let type: SqlType = NULL_TYPE;
  for (const value of values) {
    const joined = commonType(type, value.type);
    if (joined === undefined) {
      throw analyzeError(
        `${what} mixes ${printSqlType(type)} and ${printSqlType(value.type)}, which have no common type`,
        at.pos,
      );
    }
    type = joined;
  }
  return type;
}

function analyseCast(expression: ast.Cast, context: ExpressionContext): TypedExpression {
  checkTypeDepth(expression.type);
  checkTypeRange(expression.type);
  const operand = context.analyse(expression.operand, context);
  if (!isCastable(operand.type, expression.type)) {
    throw analyzeError(
      `Invalid type cast from ${printSqlType(operand.type)} to ${printSqlType(expression.type)} in sql`,
      expression.pos,
    );
  }
  const cast = coerce(operand, expression.type);
  // CAST(x AS VARCHAR(5)) of a text keeps the expression but not its type.
  return cast === operand && operand.type !== expression.type && operand.kind !== 'lambda'
    ? { kind: 'cast', type: expression.type, operand }
    : cast;
}

function analyseArray(expression: ast.ArrayLiteral, context: ExpressionContext): TypedExpression {
  const items = expression.items.map((item) => context.analyse(item, context));
  const element = expression.elementType ?? commonOf(items, expression, 'the array');
  checkTypeDepth(arrayOf(element));
  checkTypeRange(element);
  return {
    kind: 'array',
    type: arrayOf(element),
    items: items.map((item) => coerce(item, element)),
  };
}

function analyseMap(expression: ast.MapLiteral, context: ExpressionContext): TypedExpression {
  const keys = expression.entries.map((entry) => context.analyse(entry.key, context));
  const values = expression.entries.map((entry) => context.analyse(entry.value, context));
  const key = expression.type?.key ?? commonOf(keys, expression, 'the map');
  const value = expression.type?.value ?? commonOf(values, expression, 'the map');
  checkTypeDepth({ kind: 'MAP', key, value });
  return {
    kind: 'map',
    type: { kind: 'MAP', key, value },
    keys: keys.map((item) => coerce(item, key)),
    values: values.map((item) => coerce(item, value)),
  };
}

function analyseVariable(
  expression: ast.UserVariable | ast.SystemVariable,
  context: ExpressionContext,
): LiteralExpression {
  const { session } = context.analysis;
  if (expression.kind === 'user_variable') {
    const known = session.userVariable(expression.name);
    return known === undefined ? literal(STRING, null) : literal(known.type, known.text);
  }
  const scope = expression.scope === 'GLOBAL' ? 'global' : 'session';
  const value = session.systemVariable(expression.name, scope);
  if (value === undefined) {
    const near = session.nearVariables(expression.name).map((name) => `'${name}'`);
    const known = `the most similar variables are {${near.join(', ')}}`;
    throw analyzeError(`Unknown system variable '${expression.name}', ${known}`, expression.pos);
  }
  if (value === null || typeof value === 'string') return literal(STRING, value);
  if (typeof value === 'boolean') return literal(BOOLEAN, value ? '1' : '0');
  return literal(Number.isInteger(Number(value)) ? BIGINT : DOUBLE, String(value));
}
