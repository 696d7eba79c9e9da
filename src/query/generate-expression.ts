// Typed expression -> DuckDB SQL. Every text comes from our own tables, every literal and identifier is
// quoted here. Parentheses around everything: no precedence is relied on.
import { assert, unreachable } from '../base/assert.ts';
import { quoteIdentifier } from '../model/duckdb-text.ts';
import { duckdbType } from '../model/sql-type.ts';
import { bindArguments, bindLong } from './bind-long.ts';
import { castSql } from './cast-sql.ts';
import { comparisonSql } from './comparison-sql.ts';
import {
  checkedProductSql,
  checkedSumSql,
  decimalFits,
  decimalQuotientSql,
  quotientFits,
} from './decimal-sql.ts';
import type {
  AggregateExpression,
  ArithmeticExpression,
  CallExpression,
  FrameEdge,
  LikeExpression,
  LiteralExpression,
  SortKey,
  TypedExpression,
  WindowExpression,
} from './expression.ts';
import { shiftLeftSql, shiftRightSql } from './functions/bit.ts';
import { integerSql } from './integer-sql.ts';
import { computedPatternSql, constantPatternSql } from './like-pattern.ts';
import { quoteString } from './literal.ts';
import { entrySql, mapFromEntriesSql } from './map-sql.ts';
import type { QueryNode } from './query-node.ts';
import { asDecimal, isInteger } from './types.ts';
import { mustRunOnce, refusesTry } from './walk.ts';

/** Digits of the widest DECIMAL that DuckDB keeps in 8 bytes. */
const INT64_DIGITS = 18;

export interface GenerateContext {
  /** Zone of functions between UTC and local time. */
  readonly timeZone: string;
  /** Makes the SQL of a subquery. */
  readonly query: (node: QueryNode) => string;
}

export function expressionSql(expression: TypedExpression, context: GenerateContext): string {
  const sql = (part: TypedExpression): string => expressionSql(part, context);
  switch (expression.kind) {
    case 'literal':
      return literalSql(expression);
    case 'column': {
      const column = quoteIdentifier(expression.column);
      return expression.relation === '' ? column : `${expression.relation}.${column}`;
    }
    case 'parameter':
      return expression.name;
    case 'call':
      return callSql(expression, context, SCALAR);
    case 'aggregate':
      return callSql(expression, context, {
        ...SCALAR,
        distinct: expression.distinct,
        orderBy: orderSql(expression.orderBy, context),
        over: filterSql(expression, context),
      });
    case 'window':
      return windowSql(expression, context);
    case 'cast':
      return bindLong([sql(expression.operand)], ([operand = '']) =>
        castSql(operand, expression.operand.type, expression.type),
      );
    case 'arithmetic':
      return arithmeticSql(expression, context);
    case 'comparison':
      return bindLong([sql(expression.left), sql(expression.right)], ([left = '', right = '']) =>
        comparisonSql(expression, left, right),
      );
    case 'logical':
      return `(${sql(expression.left)} ${expression.op === 'XOR' ? '<>' : expression.op} ${sql(expression.right)})`;
    case 'not':
      return `(NOT ${sql(expression.operand)})`;
    case 'is_null':
      return `(${sql(expression.operand)} IS ${expression.negated ? 'NOT ' : ''}NULL)`;
    case 'like':
      return likeSql(expression, context);
    case 'in_list':
      return `(${sql(expression.operand)} ${expression.negated ? 'NOT ' : ''}IN (${expression.items.map(sql).join(', ')}))`;
    case 'in_subquery':
      return inSubquerySql(expression, context);
    case 'exists':
      return `EXISTS (${context.query(expression.query)})`;
    case 'scalar_subquery':
      return `(${context.query(expression.query)})`;
    case 'case':
      return `CASE ${expression.branches.map(({ when, result }) => `WHEN ${sql(when)} THEN ${sql(result)}`).join(' ')}${expression.otherwise === null ? '' : ` ELSE ${sql(expression.otherwise)}`} END`;
    case 'interval':
      return sql(expression.amount);
    case 'row':
      return `(${expression.items.map(sql).join(', ')})`;
    case 'array':
    case 'map':
      return `CAST(${nestedSql(expression, context)} AS ${duckdbType(expression.type)})`;
    case 'subscript':
      return subscriptSql(expression, context);
    case 'field':
      return `struct_extract(${sql(expression.operand)}, ${quoteString(expression.name)})`;
    case 'lambda':
      return `lambda ${expression.parameters.join(', ')}: ${sql(expression.body)}`;
    default:
      return unreachable(expression, 'typed expression');
  }
}

/** Constant keys that differ need no look at them while the query runs. */
/** Arrays and maps in one another need one cast, around the outermost; DuckDB binds what is cast twice. */
function nestedSql(expression: TypedExpression, context: GenerateContext): string {
  if (expression.kind === 'map') return mapLiteralSql(expression, context);
  if (expression.kind !== 'array') return expressionSql(expression, context);
  return `[${expression.items.map((item) => nestedSql(item, context)).join(', ')}]`;
}

function mapLiteralSql(
  { keys, values }: Extract<TypedExpression, { kind: 'map' }>,
  context: GenerateContext,
): string {
  const sql = (part: TypedExpression): string => nestedSql(part, context);
  const known = new Set(
    keys.flatMap((key) => (key.kind === 'literal' && key.text !== null ? [key.text] : [])),
  );
  return known.size === keys.length
    ? `MAP([${keys.map(sql).join(', ')}], [${values.map(sql).join(', ')}])`
    : mapFromEntriesSql(
        `[${keys.map((key, i) => entrySql(sql(key), sql(values[i] ?? key))).join(', ')}]`,
      );
}

function literalSql({ type, text }: LiteralExpression): string {
  if (text === null) return type.kind === 'NULL' ? 'NULL' : `CAST(NULL AS ${duckdbType(type)})`;
  switch (type.kind) {
    case 'BOOLEAN':
      return text === '1' ? 'TRUE' : 'FALSE';
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT': {
      const value = BigInt(text);
      return `CAST(${value} AS ${duckdbType(type)})`;
    }
    case 'LARGEINT':
    case 'DECIMAL':
    case 'FLOAT':
    case 'DOUBLE':
      return `CAST(${quoteString(text)} AS ${duckdbType(type)})`;
    case 'DATE':
      return `DATE ${quoteString(text)}`;
    case 'DATETIME':
      return `TIMESTAMP ${quoteString(text)}`;
    case 'VARBINARY':
      assert(/^[0-9A-Fa-f]*$/.test(text), 'a binary literal is hex digits');
      return `unhex('${text}')`;
    default:
      return quoteString(text);
  }
}

interface CallForm {
  readonly distinct: boolean;
  /** ` ORDER BY ...` inside the parentheses. */
  readonly orderBy: string;
  /** What stands behind the parentheses: ` FILTER (...)`, ` OVER (...)`, both, or ''. */
  readonly over: string;
  readonly ignoreNulls: boolean;
}

const SCALAR: CallForm = { distinct: false, orderBy: '', over: '', ignoreNulls: false };

function callSql(
  call: CallExpression | AggregateExpression,
  context: GenerateContext,
  form: CallForm,
): string {
  const { duckdb } = call.signature;
  const sql = call.args.map((arg) => expressionSql(arg, context));
  if (typeof duckdb === 'function') {
    const build = (names: readonly string[]): string =>
      duckdb({
        args: call.args,
        sql: names,
        result: call.type,
        timeZone: context.timeZone,
        ...form,
      });
    return bound(call, sql, build);
  }
  assert(duckdb !== '', `${call.entry.names[0]} is answered before SQL is made`);
  const fill = (names: readonly string[]): string =>
    duckdb.replace(/\{(\d*)(\*?)\}/g, (_, index: string, star: string) =>
      star === '' ? (names[Number(index)] ?? 'NULL') : names.slice(Number(index)).join(', '),
    );
  const filled = bound(call, sql, fill);
  const called = form.ignoreNulls ? filled.replace(/\)$/, ' IGNORE NULLS)') : filled;
  return `${called}${form.over}`;
}

/** Long arguments become names; so do those that DuckDB's TRY refuses inside it, where a form has a TRY. */
function bound(
  call: CallExpression | AggregateExpression,
  sql: readonly string[],
  build: (names: readonly string[]) => string,
): string {
  if (!isBindable(call)) return build(sql);
  const text = bindLong(sql, build);
  const refused = call.args.map((arg) => refusesTry(arg));
  if (!refused.includes(true)) return text;
  // The form's own TRY, not one inside an argument.
  const form = build(sql.map((_, i) => `\u0001${i}\u0001`));
  return form.includes('TRY(') ? bindArguments(sql, refused, build) : text;
}

/** Aggregates need their arguments in place, and a lambda is no value. */
function isBindable(call: CallExpression | AggregateExpression): boolean {
  return call.entry.kind === 'scalar' && call.args.every((arg) => arg.kind !== 'lambda');
}

function filterSql({ filter }: AggregateExpression, context: GenerateContext): string {
  return filter === null ? '' : ` FILTER (WHERE ${expressionSql(filter, context)})`;
}

function orderSql(keys: readonly SortKey[], context: GenerateContext): string {
  if (keys.length === 0) return '';
  return ` ORDER BY ${keys.map((key) => sortKeySql(key, context)).join(', ')}`;
}

export function sortKeySql(key: SortKey, context: GenerateContext): string {
  return `${expressionSql(key.expression, context)} ${directionSql(key)}`;
}

/** DuckDB's own default puts NULLs last, so that it is always written. */
export function directionSql(key: {
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}): string {
  return `${key.descending ? 'DESC' : 'ASC'} NULLS ${key.nullsFirst ? 'FIRST' : 'LAST'}`;
}

function windowSql(window: WindowExpression, context: GenerateContext): string {
  const { call } = window;
  const parts: string[] = [];
  if (window.partitionBy.length > 0) {
    parts.push(
      `PARTITION BY ${window.partitionBy.map((item) => expressionSql(item, context)).join(', ')}`,
    );
  }
  const order = orderSql(window.orderBy, context).trim();
  if (order !== '') parts.push(order);
  if (window.frame !== null) {
    const { unit, start, end } = window.frame;
    parts.push(`${unit} BETWEEN ${edgeSql(start, context)} AND ${edgeSql(end, context)}`);
  }
  return callSql(call, context, {
    distinct: call.kind === 'aggregate' && call.distinct,
    orderBy: '',
    over: `${call.kind === 'aggregate' ? filterSql(call, context) : ''} OVER (${parts.join(' ')})`,
    ignoreNulls: window.ignoreNulls,
  });
}

function edgeSql(edge: FrameEdge, context: GenerateContext): string {
  switch (edge.kind) {
    case 'unbounded_preceding':
      return 'UNBOUNDED PRECEDING';
    case 'unbounded_following':
      return 'UNBOUNDED FOLLOWING';
    case 'current_row':
      return 'CURRENT ROW';
    case 'preceding':
      return `${expressionSql(edge.rows, context)} PRECEDING`;
    case 'following':
      return `${expressionSql(edge.rows, context)} FOLLOWING`;
  }
}

function arithmeticSql(expression: ArithmeticExpression, context: GenerateContext): string {
  const left = expressionSql(expression.left, context);
  const right = expressionSql(expression.right, context);
  const { op, type } = expression;
  switch (op) {
    case '+':
    case '-':
    case '*':
      if (type.kind !== 'DECIMAL')
        return integerSql(expression, (part) => expressionSql(part, context));
      return decimalSql(op, left, right, expression);
    case '/': {
      const [a, b] = [expression.left.type, expression.right.type];
      if (type.kind !== 'DECIMAL' || a.kind !== 'DECIMAL' || b.kind !== 'DECIMAL')
        return `(${left} / nullif(${right}, 0))`;
      const fits = quotientFits(a, b, type.scale);
      if (fits) return decimalQuotientSql(left, a.scale, right, b.scale, type.scale);
      const width = repeats(expression) ? 'checked' : 'unchecked';
      return bindLong([left, right], ([x = '', y = '']) =>
        decimalQuotientSql(x, a.scale, y, b.scale, type.scale, width),
      );
    }
    case '%':
      return remainderSql(left, right, expression);
    case 'DIV':
      return `(${left} // nullif(${right}, 0))`;
    case '^':
      return `xor(${left}, ${right})`;
    case '<<':
      return shiftLeftSql(left, right, type);
    case '>>':
      return shiftRightSql(left, right, type);
    case '&':
    case '|':
      return `(${left} ${op} ${right})`;
  }
}

/** NULL for a divisor of 0. The smallest integer by -1 is an overflow for DuckDB, though its remainder is 0. */
function remainderSql(left: string, right: string, expression: ArithmeticExpression): string {
  const { type, right: divisor } = expression;
  const isSafe = !isInteger(type) || (divisor.kind === 'literal' && divisor.text !== '-1');
  if (isSafe) return `(${left} % nullif(${right}, 0))`;
  const other = `CAST(CASE WHEN ${right} = -1 THEN 1 ELSE ${right} END AS ${duckdbType(type)})`;
  return `(${left} % nullif(${other}, 0))`;
}

/** DuckDB gives two operands of up to 18 digits a result of 18, and an error beyond: a wider left one avoids that. */
function widened(sql: string, { left, type }: ArithmeticExpression): string {
  const isNarrow = left.type.kind === 'DECIMAL' && left.type.precision <= INT64_DIGITS;
  if (!isNarrow || type.kind !== 'DECIMAL' || type.precision <= INT64_DIGITS) return sql;
  return `CAST(${sql} AS DECIMAL(${INT64_DIGITS + 1},${left.type.scale}))`;
}

/** `+`, `-` and `*` of decimals. */
function decimalSql(
  op: '+' | '-' | '*',
  left: string,
  right: string,
  expression: ArithmeticExpression,
): string {
  const { type } = expression;
  const [a, b] = [asDecimal(expression.left.type), asDecimal(expression.right.type)];
  assert(type.kind === 'DECIMAL', 'an operation on decimals gives a decimal');
  const fits = decimalFits(op, a, b, type.precision);
  if (fits || !repeats(expression)) {
    const plain = `(${widened(left, expression)} ${op} ${right})`;
    // A product that fits has DuckDB's type with as many digits or more, and the same scale: narrowing it costs
    // as much as making it, and the outputs of a statement are cast to their own types anyway.
    return op === '*' && fits ? plain : `CAST(${plain} AS ${duckdbType(type)})`;
  }
  return bindLong([left, right], ([x = '', y = '']) =>
    op === '*' ? checkedProductSql(x, y, a, b) : checkedSumSql(op, x, y, type.scale),
  );
}

/**
 * May the operands be written more than once? Where not, a result that is too long is an error, not NULL:
 * DuckDB refuses subqueries in lambdas, so that a name for one is no way out.
 */
function repeats({ left, right }: ArithmeticExpression): boolean {
  return !mustRunOnce(left) && !mustRunOnce(right);
}

function likeSql(like: LikeExpression, context: GenerateContext): string {
  const operand = expressionSql(like.operand, context);
  const not = like.negated ? 'NOT ' : '';
  if (like.op === 'REGEXP') {
    return `(${not}regexp_matches(${operand}, ${expressionSql(like.pattern, context)}))`;
  }
  const { pattern } = like;
  const text = pattern.kind === 'literal' ? pattern.text : null;
  // Without escapes DuckDB has its fast forms (prefix, suffix, contains).
  if (text !== null && !text.includes('\\')) return `(${operand} ${not}LIKE ${quoteString(text)})`;
  const sql =
    text !== null
      ? constantPatternSql(text)
      : bindLong([expressionSql(pattern, context)], ([given = '']) => computedPatternSql(given));
  return `(${operand} ${not}LIKE ${sql} ESCAPE '\\')`;
}

function inSubquerySql(
  expression: Extract<TypedExpression, { kind: 'in_subquery' }>,
  context: GenerateContext,
): string {
  const operand = expressionSql(expression.operand, context);
  const query = context.query(expression.query);
  const not = expression.negated ? 'NOT ' : '';
  if (expression.operand.kind !== 'row') return `(${operand} ${not}IN (${query}))`;
  const columns = expression.query.columns.map((_, i) => `c${i}`).join(', ');
  return `(${operand} ${not}IN (SELECT row(${columns}) FROM (${query})))`;
}

function subscriptSql(
  expression: Extract<TypedExpression, { kind: 'subscript' }>,
  context: GenerateContext,
): string {
  const operand = expressionSql(expression.operand, context);
  const index = expressionSql(expression.index, context);
  if (expression.operand.type.kind === 'MAP') return `(${operand})[${index}]`;
  // DuckDB counts negative positions from the end; StarRocks has nothing there, and neither has anything at 0.
  return `(${operand})[greatest(${index}, 0)]`;
}
