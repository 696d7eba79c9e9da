// Calls: functions from the table only (an unknown name is an error, never passed on), aggregates,
// windows, lambdas as arguments, and calls whose answer the session knows.
import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import type { SqlType } from '../model/sql-type.ts';
import type * as ast from '../sql/ast/expression.ts';
import type { OrderItem } from '../sql/ast/query.ts';
import { coerce } from './coerce.ts';
import { condition } from './condition.ts';
import type {
  AggregateExpression,
  CallExpression,
  FrameEdge,
  ParameterExpression,
  SortKey,
  TypedExpression,
} from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { FunctionEntry, Signature } from './functions/entry.ts';
import { type Resolved, resolveSignature, unknownFunction } from './functions/resolve.ts';
import { analyzeError } from './scope.ts';
import { BIGINT, isComparable, JSON_TYPE, NULL_TYPE, STRING } from './types.ts';
import { containsAggregate, containsWindow } from './walk.ts';

/** Aggregates that may ORDER their rows. */
const ORDERED_AGGREGATES = new Set(['group_concat', 'string_agg', 'array_agg']);

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
    throw analyzeError(`Analytic function '${call.name}' must be used with OVER`, call.pos);
  }
  if (entry.kind === 'aggregate') return analyseAggregate(call, entry, context);
  if (call.distinct || call.star || call.orderBy.length > 0 || call.filter !== null) {
    throw analyzeError(
      `${call.name} is no aggregate function: it takes no DISTINCT, *, ORDER BY or FILTER`,
      call.pos,
    );
  }
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
  if (isConstant && !context.analysis.evaluateLater) return constant(context.analysis.session);
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

function convertArguments(
  args: readonly TypedExpression[],
  resolved: Resolved,
): readonly TypedExpression[] {
  return args.map((arg, i) => {
    const target = resolved.targets[i];
    return target === null || target === undefined ? arg : coerce(arg, target);
  });
}

/** Arguments in order; lambdas see the element types of the arrays that stand beside them. */
function analyseArguments(
  call: ast.FunctionCall,
  context: ExpressionContext,
): readonly TypedExpression[] {
  const analysed = call.args.map((arg) =>
    arg.kind === 'lambda' ? null : context.analyse(arg, context),
  );
  const elements = analysed.flatMap((arg) =>
    arg?.type.kind === 'ARRAY' ? [arg.type.element] : [],
  );
  const args = call.args.map((arg, i) =>
    arg.kind === 'lambda'
      ? analyseLambda(arg, elements, context)
      : present(analysed[i], 'argument'),
  );
  if (call.unit === null) return args;
  return [{ kind: 'literal', type: STRING, text: call.unit.toLowerCase() }, ...args];
}

function analyseLambda(
  lambda: ast.Lambda,
  elements: readonly SqlType[],
  context: ExpressionContext,
): TypedExpression {
  const parameters = new Map(context.parameters);
  const names: string[] = [];
  for (const [i, parameter] of lambda.parameters.entries()) {
    const name = context.analysis.nextName('p');
    const typed: ParameterExpression = {
      kind: 'parameter',
      type: elements[i] ?? elements[0] ?? NULL_TYPE,
      name,
    };
    parameters.set(parameter.name.toLowerCase(), typed);
    names.push(name);
  }
  const body = context.analyse(lambda.body, { ...context, parameters });
  return { kind: 'lambda', type: body.type, parameters: names, body };
}

function analyseAggregate(
  call: ast.FunctionCall,
  entry: FunctionEntry,
  context: ExpressionContext,
): AggregateExpression {
  if (call.star && call.name !== 'count') {
    throw analyzeError(`${call.name}(*) is not possible, only count(*) is`, call.pos);
  }
  if (call.distinct && !entry.takesDistinct) {
    throw analyzeError(`${call.name} takes no DISTINCT`, call.pos);
  }
  let raw = analyseArguments(call, context);
  for (const arg of raw) {
    if (containsAggregate(arg)) {
      throw analyzeError(`aggregate function cannot contain aggregate parameters`, call.pos);
    }
    if (containsWindow(arg)) {
      throw analyzeError(`Window function cannot be an argument of ${call.name}`, call.pos);
    }
  }
  if (call.name === 'group_concat') raw = [...raw, separatorOf(call, context)];
  const resolved = resolveAt(entry, call, raw);
  refuseSketches(call, raw, resolved.signature);
  if (call.orderBy.length > 0 && !ORDERED_AGGREGATES.has(call.name)) {
    throw analyzeError(`${call.name} takes no ORDER BY`, call.pos);
  }
  return {
    kind: 'aggregate',
    type: resolved.result,
    entry,
    signature: resolved.signature,
    args: convertArguments(raw, resolved),
    distinct: call.distinct,
    orderBy: analyseSortKeys(call.orderBy, context),
    filter: analyseFilter(call, context),
  };
}

/** BITMAP, HLL and PERCENTILE have no order: only functions that name these types take them, and count. */
function refuseSketches(
  call: ast.FunctionCall,
  args: readonly TypedExpression[],
  { parameters }: Signature,
): void {
  if (call.name === 'count' && !call.distinct) return;
  for (const [i, arg] of args.entries()) {
    const wanted = parameters[Math.min(i, parameters.length - 1)];
    if (isComparable(arg.type) || wanted?.kind === 'type') continue;
    throw analyzeError(`${call.name} cannot take a value of type ${arg.type.kind}`, call.pos);
  }
}

/** FILTER (WHERE ...). @throws SQL_ANALYZE_AT for an aggregate or a window in it. */
function analyseFilter(
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

function separatorOf(call: ast.FunctionCall, context: ExpressionContext): TypedExpression {
  if (call.separator !== null) return coerce(context.analyse(call.separator, context), STRING);
  return { kind: 'literal', type: STRING, text: ',' };
}

/** ORDER BY keys; NULLs are the smallest values unless the statement says otherwise. */
export function analyseSortKeys(
  items: readonly OrderItem[],
  context: ExpressionContext,
): readonly SortKey[] {
  return items.map((item) => {
    const expression = context.analyse(item.expression, context);
    if (!isComparable(expression.type)) {
      throw analyzeError('Values of this type have no order', item.pos);
    }
    return {
      expression,
      descending: item.descending,
      nullsFirst: item.nullsFirst ?? !item.descending,
    };
  });
}

export function analyseWindow(window: ast.WindowCall, context: ExpressionContext): TypedExpression {
  const { call, pos } = window;
  const entry = context.analysis.functions.get(call.name);
  if (entry === undefined) {
    throw unknownFunction(
      context.analysis.functions,
      call.name,
      call.args.map((arg) => context.analyse(arg, context).type),
    );
  }
  if (entry.kind !== 'window' && entry.kind !== 'aggregate') {
    throw analyzeError(
      `Function '${call.name}' is no analytic function: OVER is not possible`,
      pos,
    );
  }
  const inner =
    entry.kind === 'window'
      ? windowCall(call, entry, context)
      : analyseOverAggregate(call, entry, context);
  if (inner.kind === 'aggregate' && inner.orderBy.length > 0) {
    throw analyzeError(`ORDER BY inside ${call.name} is not possible with OVER`, pos);
  }
  const partitionBy = window.partitionBy.map((item) => context.analyse(item, context));
  return {
    kind: 'window',
    type: inner.type,
    call: inner,
    ignoreNulls: call.ignoreNulls,
    partitionBy,
    orderBy: analyseSortKeys(window.orderBy, context),
    frame: window.frame === null ? null : analyseFrame(window.frame, context),
  };
}

/** `sum(sum(x)) OVER ()`: the argument may be an aggregate of the same SELECT. */
function analyseOverAggregate(
  call: ast.FunctionCall,
  entry: FunctionEntry,
  context: ExpressionContext,
): AggregateExpression {
  const raw = analyseArguments(call, context);
  const args = call.name === 'group_concat' ? [...raw, separatorOf(call, context)] : raw;
  const resolved = resolveAt(entry, call, args);
  return {
    kind: 'aggregate',
    type: resolved.result,
    entry,
    signature: resolved.signature,
    args: convertArguments(args, resolved),
    distinct: call.distinct,
    orderBy: analyseSortKeys(call.orderBy, context),
    filter: analyseFilter(call, context),
  };
}

function windowCall(
  call: ast.FunctionCall,
  entry: FunctionEntry,
  context: ExpressionContext,
): CallExpression {
  const raw = analyseArguments(call, context);
  const resolved = resolveAt(entry, call, raw);
  return {
    kind: 'call',
    type: resolved.result,
    entry,
    signature: resolved.signature,
    args: convertArguments(raw, resolved),
  };
}

function analyseFrame(frame: ast.WindowFrame, context: ExpressionContext) {
  const edge = (bound: ast.FrameBound): FrameEdge => {
    if (bound.kind !== 'preceding' && bound.kind !== 'following') return { kind: bound.kind };
    const rows = coerce(context.analyse(bound.amount, context), BIGINT);
    if (rows.kind !== 'literal' || rows.text === null || rows.text.startsWith('-')) {
      throw fail('SQL_ANALYZE', {
        detail: 'the bounds of a window must be non-negative constants',
      });
    }
    return { kind: bound.kind, rows };
  };
  return {
    unit: frame.unit,
    start: edge(frame.start),
    end: frame.end === null ? ({ kind: 'current_row' } as const) : edge(frame.end),
  };
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
