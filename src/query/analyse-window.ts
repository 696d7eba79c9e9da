// f(...) OVER (...): StarRocks' rules about frames, offsets and IGNORE NULLS, checked before SQL is made.
// SOURCE of rules and texts: StarRocks' answers and its Window_function page.
import type * as ast from '../sql/ast/expression.ts';
import { printExpression } from '../sql/print.ts';
import { analyseAggregate } from './analyse-aggregate.ts';
import { analyseArguments, analyseSortKeys, convertArguments } from './analyse-arguments.ts';
import { coerce } from './coerce.ts';
import type {
  CallExpression,
  FrameEdge,
  LiteralExpression,
  TypedExpression,
  WindowFrame,
} from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { FunctionEntry } from './functions/entry.ts';
import { resolveSignature, unknownFunction } from './functions/resolve.ts';
import { analyzeError } from './scope.ts';
import { BIGINT, isInteger } from './types.ts';
import { containsWindow } from './walk.ts';

/** Functions of the whole partition's order: a frame is not possible. */
const FRAMELESS = new Set([
  'row_number',
  'rank',
  'dense_rank',
  'percent_rank',
  'cume_dist',
  'ntile',
  'lag',
  'lead',
]);
const TAKES_IGNORE_NULLS = new Set(['lag', 'lead', 'first_value', 'last_value']);

/** @throws SQL_ANALYZE_AT. */
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
  if (!entry.takesOver) {
    throw analyzeError(`Function '${printExpression(call)}' not supported with OVER clause.`, pos);
  }
  if (call.ignoreNulls && !TAKES_IGNORE_NULLS.has(call.name)) {
    throw analyzeError(`${call.name} takes no IGNORE NULLS`, pos);
  }
  const inner =
    entry.kind === 'window'
      ? windowCall(call, entry, context)
      : analyseAggregate(call, entry, context, true);
  if (inner.kind === 'aggregate' && inner.orderBy.length > 0) {
    throw analyzeError(`ORDER BY inside ${call.name} is not possible with OVER`, pos);
  }
  const partitionBy = window.partitionBy.map((item) => context.analyse(item, context));
  const orderBy = analyseSortKeys(window.orderBy, context);
  const parts = [...inner.args, ...partitionBy, ...orderBy.map((key) => key.expression)];
  if (parts.some(containsWindow)) {
    throw analyzeError(`Nesting of analytic expressions is not allowed: ${shown(call)}`, pos);
  }
  return {
    kind: 'window',
    type: inner.type,
    call: inner,
    ignoreNulls: call.ignoreNulls,
    partitionBy,
    orderBy,
    frame: frameOf(window, context),
  };
}

const shown = (call: ast.FunctionCall): string => printExpression(call);

function windowCall(
  call: ast.FunctionCall,
  entry: FunctionEntry,
  context: ExpressionContext,
): CallExpression {
  if (call.star || call.distinct || call.orderBy.length > 0 || call.filter !== null) {
    throw analyzeError(`${call.name} takes no DISTINCT, *, ORDER BY or FILTER`, call.pos);
  }
  const raw = analyseArguments(call, context);
  const resolved = resolveSignature(entry, call.name, raw);
  const args = convertArguments(raw, resolved);
  checkConstants(call, args);
  return {
    kind: 'call',
    type: resolved.result,
    entry,
    signature: resolved.signature,
    args,
  };
}

function checkConstants(call: ast.FunctionCall, args: readonly TypedExpression[]): void {
  const isOffset = call.name === 'lag' || call.name === 'lead';
  if (isOffset && args[1] !== undefined && !isPositive(args[1])) {
    throw analyzeError(
      `The offset parameter of LEAD/LAG must be a constant positive integer: ${shown(call)}`,
      call.pos,
    );
  }
  if (call.name === 'ntile' && !isPositive(args[0])) {
    throw analyzeError(
      `The num_buckets parameter of NTILE must be a constant positive integer: ${shown(call)}`,
      call.pos,
    );
  }
}

function isPositive(expression: TypedExpression | undefined): expression is LiteralExpression {
  return (
    expression?.kind === 'literal' &&
    expression.text !== null &&
    isInteger(expression.type) &&
    BigInt(expression.text) > 0n
  );
}

/** first_value and last_value count rows, not peers, where no frame says otherwise; the others RANGE. */
function frameOf(window: ast.WindowCall, context: ExpressionContext): WindowFrame | null {
  const { call, frame } = window;
  const countsRows = call.name === 'first_value' || call.name === 'last_value';
  if (frame === null) {
    if (!countsRows || window.orderBy.length === 0) return null;
    return { unit: 'ROWS', start: { kind: 'unbounded_preceding' }, end: { kind: 'current_row' } };
  }
  if (FRAMELESS.has(call.name)) {
    throw analyzeError(`Windowing clause not allowed with '${shown(call)}'`, window.pos);
  }
  if (window.orderBy.length === 0) {
    throw analyzeError(
      `Windowing clause requires ORDER BY clause: ${printExpression(window)}`,
      window.pos,
    );
  }
  checkEdges(frame, window);
  const typed: WindowFrame = {
    unit: countsRows ? 'ROWS' : frame.unit,
    start: edgeOf(frame.start, context, window),
    end: frame.end === null ? { kind: 'current_row' } : edgeOf(frame.end, context, window),
  };
  checkOrder(typed, window);
  return typed;
}

function checkEdges({ unit, start, end }: ast.WindowFrame, { pos }: ast.WindowCall): void {
  if (start.kind === 'unbounded_following') {
    throw analyzeError('UNBOUNDED FOLLOWING is only allowed for upper bound of BETWEEN', pos);
  }
  if (end?.kind === 'unbounded_preceding') {
    throw analyzeError('UNBOUNDED PRECEDING is only allowed for lower bound of BETWEEN', pos);
  }
  if (end === null && start.kind === 'following') {
    throw analyzeError('FOLLOWING requires a BETWEEN clause', pos);
  }
  const last = end?.kind ?? 'current_row';
  const isOffset = (kind: ast.FrameBound['kind']): boolean =>
    kind === 'preceding' || kind === 'following';
  const bothCurrent = start.kind === 'current_row' && last === 'current_row';
  if (unit === 'RANGE' && (isOffset(start.kind) || isOffset(last) || bothCurrent)) {
    throw analyzeError(
      'RANGE is only supported with both the lower and upper bounds UNBOUNDED or one UNBOUNDED and the other CURRENT ROW.',
      pos,
    );
  }
  if (start.kind === 'following' && last !== 'following' && last !== 'unbounded_following') {
    throw analyzeError(
      'A lower window bound of FOLLOWING requires that the upper bound also be FOLLOWING',
      pos,
    );
  }
  if (last === 'preceding' && start.kind !== 'preceding' && start.kind !== 'unbounded_preceding') {
    throw analyzeError(
      'An upper window bound of PRECEDING requires that the lower bound also be PRECEDING',
      pos,
    );
  }
}

function edgeOf(
  bound: ast.FrameBound,
  context: ExpressionContext,
  window: ast.WindowCall,
): FrameEdge {
  if (bound.kind !== 'preceding' && bound.kind !== 'following') return { kind: bound.kind };
  const amount = context.analyse(bound.amount, context);
  if (!isPositive(amount)) {
    throw analyzeError(
      `For ROWS window, the value of a PRECEDING/FOLLOWING offset must be a constant positive integer: ${printExpression(bound.amount)} ${bound.kind.toUpperCase()}`,
      window.pos,
    );
  }
  return { kind: bound.kind, rows: coerce(amount, BIGINT) };
}

/** `3 FOLLOWING AND 1 FOLLOWING` and `1 PRECEDING AND 3 PRECEDING` hold no row. */
function checkOrder({ start, end }: WindowFrame, { pos }: ast.WindowCall): void {
  const far = (edge: FrameEdge): bigint | null =>
    'rows' in edge && edge.rows.kind === 'literal' ? BigInt(edge.rows.text ?? '0') : null;
  const [from, to] = [far(start), far(end)];
  if (from === null || to === null || start.kind !== end.kind) return;
  const [first, last] = start.kind === 'following' ? [from, to] : [to, from];
  if (first > last) {
    throw analyzeError(
      `Offset boundaries are in the wrong order: ROWS between ${from} ${start.kind.toUpperCase()} and ${to} ${end.kind.toUpperCase()}`,
      pos,
    );
  }
}
