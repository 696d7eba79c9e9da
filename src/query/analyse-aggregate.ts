// Aggregates: DISTINCT, ORDER BY and FILTER inside and behind the parentheses, and the arguments that
// group_concat gets without their being written (its separator and the length limit of the session).
// SOURCE of rules and texts: StarRocks' answers.
import { printSqlType } from '../model/sql-type.ts';
import type * as ast from '../sql/ast/expression.ts';
import type { OrderItem } from '../sql/ast/query.ts';
import { printExpression } from '../sql/print.ts';
import { analyseArguments, analyseSortKeys, convertArguments } from './analyse-arguments.ts';

import { coerce } from './coerce.ts';
import { condition } from './condition.ts';
import type {
  AggregateExpression,
  LiteralExpression,
  SortKey,
  TypedExpression,
} from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { FunctionEntry, Signature } from './functions/entry.ts';
import { resolveSignature } from './functions/resolve.ts';
import { analyzeError } from './scope.ts';
import { BIGINT, isComparable, isGroupable, STRING } from './types.ts';
import { containsAggregate, containsWindow } from './walk.ts';

/** Characters of a group_concat when the session says nothing. SOURCE: StarRocks' group_concat_max_len. */
const GROUP_CONCAT_MAX_LEN = 1024n;
/** The least that group_concat_max_len can be set to. */
const LEAST_GROUP_CONCAT_LEN = 4n;

/**
 * `over`: the aggregate stands before OVER, where its arguments may be aggregates of the same SELECT
 * (`sum(sum(x)) OVER ()`). @throws SQL_ANALYZE, SQL_ANALYZE_AT.
 */
export function analyseAggregate(
  call: ast.FunctionCall,
  entry: FunctionEntry,
  context: ExpressionContext,
  over: boolean,
): AggregateExpression {
  checkForm(call, entry);
  const written = analyseArguments(call, context);
  if (!over) checkNesting(call, written);
  const raw = call.name === 'group_concat' ? [...written, ...hidden(call, context)] : written;
  const resolved = resolveSignature(entry, call.name, raw);
  refuseSketches(call, raw, resolved.signature);
  return {
    kind: 'aggregate',
    type: resolved.result,
    entry,
    signature: resolved.signature,
    args: convertArguments(raw, resolved),
    distinct: call.distinct,
    orderBy: sortKeys(call.orderBy, written, context),
    filter: filterOf(call, context),
  };
}

function checkForm(call: ast.FunctionCall, entry: FunctionEntry): void {
  const { name, pos } = call;
  if (call.star && name !== 'count') {
    throw analyzeError(
      `'*' can only be used in conjunction with COUNT: ${printExpression(call)}`,
      pos,
    );
  }
  if (call.distinct && !entry.takesDistinct) {
    throw analyzeError(`${name.toUpperCase()} does not support DISTINCT`, pos);
  }
  if (name === 'count' && call.args.length > 1 && !call.distinct) {
    throw analyzeError(
      `COUNT must have DISTINCT for multiple arguments: ${printExpression(call)}`,
      pos,
    );
  }
  if (call.orderBy.length > 0 && !entry.takesOrder) {
    throw analyzeError(`${name} takes no ORDER BY`, pos);
  }
  if (call.ignoreNulls) throw analyzeError(`${name} takes no IGNORE NULLS`, pos);
}

/** BITMAP, HLL and PERCENTILE have no order: only functions that name these types take them, and count. */
function refuseSketches(
  call: ast.FunctionCall,
  args: readonly TypedExpression[],
  { parameters }: Signature,
): void {
  if (call.name === 'count' && !call.distinct) return;
  for (const [i, arg] of args.entries()) {
    if (call.distinct && isComparable(arg.type) && !isGroupable(arg.type)) {
      const type = printSqlType(arg.type);
      throw analyzeError(`DISTINCT can only be applied to comparable types : ${type}`, call.pos);
    }
    const wanted = parameters[Math.min(i, parameters.length - 1)];
    if (isComparable(arg.type) || wanted?.kind === 'type') continue;
    throw analyzeError(`${call.name} cannot take a value of type ${arg.type.kind}`, call.pos);
  }
}

/** FILTER (WHERE ...). */
function filterOf(
  { filter, name }: ast.FunctionCall,
  context: ExpressionContext,
): TypedExpression | null {
  if (filter === null) return null;
  const where = condition(context.analyse(filter, context), filter.pos);
  if (containsAggregate(where) || containsWindow(where)) {
    throw analyzeError(`FILTER of ${name} cannot contain aggregates or windows`, filter.pos);
  }
  return where;
}

function checkNesting(call: ast.FunctionCall, parts: readonly TypedExpression[]): void {
  for (const part of parts) {
    if (containsAggregate(part)) {
      throw analyzeError('aggregate function cannot contain aggregate parameters', call.pos);
    }
    if (containsWindow(part)) {
      throw analyzeError(`Window function cannot be an argument of ${call.name}`, call.pos);
    }
  }
}

/** ORDER BY keys; a whole number is the argument at that place. */
function sortKeys(
  items: readonly OrderItem[],
  args: readonly TypedExpression[],
  context: ExpressionContext,
): readonly SortKey[] {
  const keys = analyseSortKeys(items, context);
  return keys.map((key, i) => {
    const written = items[i]?.expression;
    if (written?.kind !== 'integer') return key;
    const expression = args[Number(written.text) - 1];
    if (expression === undefined || !isComparable(expression.type)) {
      throw analyzeError(
        `ORDER BY position ${written.text} is not in the arguments of the function`,
        written.pos,
      );
    }
    return { ...key, expression };
  });
}

function hidden(call: ast.FunctionCall, context: ExpressionContext): readonly TypedExpression[] {
  const separator: TypedExpression =
    call.separator === null
      ? { kind: 'literal', type: STRING, text: ',' }
      : coerce(context.analyse(call.separator, context), STRING);
  if (separator.kind !== 'literal') {
    throw analyzeError('the separator of group_concat must be a constant', call.pos);
  }
  const value = context.analysis.session.systemVariable('group_concat_max_len', 'session');
  const asked =
    typeof value === 'number' || /^\d+$/.test(String(value)) ? BigInt(String(value)) : null;
  const limit = asked ?? GROUP_CONCAT_MAX_LEN;
  const text = String(limit < LEAST_GROUP_CONCAT_LEN ? LEAST_GROUP_CONCAT_LEN : limit);
  const length: LiteralExpression = { kind: 'literal', type: BIGINT, text };
  return [separator, length];
}
