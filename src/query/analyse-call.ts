// Calls: functions from the table only (an unknown name is an error, never passed on), aggregates with
// DISTINCT, ORDER BY and FILTER, and calls whose answer the session knows. Windows and lambdas: own files.
import { present } from '../base/assert.ts';
import type * as ast from '../sql/ast/expression.ts';
import { analyseAggregate } from './analyse-aggregate.ts';
import { analyseArguments, convertArguments } from './analyse-arguments.ts';
import { coerce } from './coerce.ts';
import type { TypedExpression } from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { FunctionEntry } from './functions/entry.ts';
import { type Resolved, resolveSignature, unknownFunction } from './functions/resolve.ts';
import { analyzeError } from './scope.ts';
import { JSON_TYPE, NULL_TYPE, STRING } from './types.ts';

export function analyseCall(call: ast.FunctionCall, context: ExpressionContext): TypedExpression {
  const entry = context.analysis.functions.get(call.name);
  if (call.database !== null || entry === undefined) {
    const name = call.database === null ? call.name : `${call.database}.${call.name}`;
    const types = call.args.map((arg) =>
      arg.kind === 'lambda' ? NULL_TYPE : context.analyse(arg, context).type,
    );
    throw unknownFunction(context.analysis.functions, name, types);
  }
  if (entry.kind === 'window') {
    throw analyzeError(`${call.name} only used in analytic function`, call.pos);
  }
  if (entry.kind === 'table') {
    throw analyzeError('Table function cannot be used in expression', call.pos);
  }
  if (entry.kind === 'aggregate') return analyseAggregate(call, entry, context, false);
  if (call.distinct || call.star || call.orderBy.length > 0 || call.filter !== null) {
    throw analyzeError(
      `${call.name} is no aggregate function: it takes no DISTINCT, *, ORDER BY or FILTER`,
      call.pos,
    );
  }
  if (call.ignoreNulls) throw analyzeError(`${call.name} takes no IGNORE NULLS`, call.pos);
  return scalarCall(call, entry, context);
}

function scalarCall(
  call: ast.FunctionCall,
  entry: FunctionEntry,
  context: ExpressionContext,
): TypedExpression {
  const raw = analyseArguments(call, context);
  const resolved = resolveAt(entry, call, raw);
  const args = convertArguments(raw, resolved);
  const constant = entry.constant;
  // Only the first signature of such an entry is the constant one: unix_timestamp() but not unix_timestamp(x).
  const isConstant = constant !== null && resolved.signature === entry.signatures[0];
  if (isConstant && !context.analysis.evaluateLater)
    return constant(context.analysis.session, args);
  if (resolved.signature.duckdb === '') {
    throw analyzeError(`${call.name}() has no session to answer from in a load`, call.pos);
  }
  return { kind: 'call', type: resolved.result, entry, signature: resolved.signature, args };
}

function resolveAt(
  entry: FunctionEntry,
  call: ast.FunctionCall,
  args: readonly TypedExpression[],
): Resolved {
  return resolveSignature(entry, call.name, args);
}

/** `j -> 'path'` is json_query; text on the left is read as JSON. */
export function analyseJsonArrow(
  arrow: ast.JsonArrow,
  context: ExpressionContext,
): TypedExpression {
  const operand = context.analyse(arrow.operand, context);
  const path = context.analyse(arrow.path, context);
  const entry = present(context.analysis.functions.get('json_query'), 'json_query');
  const json = operand.type.kind === 'JSON' ? operand : coerce(operand, JSON_TYPE);
  const resolved = resolveSignature(entry, 'json_query', [json, path]);
  return {
    kind: 'call',
    type: resolved.result,
    entry,
    signature: resolved.signature,
    args: [json, coerce(path, STRING)],
  };
}
