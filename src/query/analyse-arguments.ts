// Arguments of calls, whatever kind of function it is: analysed in order, converted to what the chosen
// signature wants, and the keys of an ORDER BY.
import type * as ast from '../sql/ast/expression.ts';
import type { OrderItem } from '../sql/ast/query.ts';
import { analyseLambda, lambdaFirst } from './analyse-lambda.ts';
import { coerce } from './coerce.ts';
import type { SortKey, TypedExpression } from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { Resolved } from './functions/resolve.ts';
import { analyzeError } from './scope.ts';
import { isSortable, STRING } from './types.ts';

/** Arguments as the chosen signature wants them. */
export function convertArguments(
  args: readonly TypedExpression[],
  resolved: Resolved,
): readonly TypedExpression[] {
  return args.map((arg, i) => {
    const target = resolved.targets[i] ?? null;
    if (target === null) return arg;
    return arg.kind === 'lambda' ? { ...arg, body: coerce(arg.body, target) } : coerce(arg, target);
  });
}

/** Arguments in order, a lambda first: it sees the element types of what stands beside it. */
export function analyseArguments(
  call: ast.FunctionCall,
  context: ExpressionContext,
): readonly TypedExpression[] {
  const [first, ...rest] = lambdaFirst(call);
  if (first?.kind === 'lambda') {
    const others = rest.map((arg) => context.analyse(arg, context));
    return [analyseLambda(first, others, context), ...others];
  }
  const args = call.args.map((arg) => context.analyse(arg, context));
  if (call.unit === null) return args;
  return [{ kind: 'literal', type: STRING, text: call.unit.toLowerCase() }, ...args];
}

/** SOURCE: StarRocks 3.3. */
export const NO_ORDER = 'Type (nested) percentile/hll/bitmap/json/struct/map not support order-by';

/** ORDER BY keys; NULLs are the smallest values unless the statement says otherwise. */
export function analyseSortKeys(
  items: readonly OrderItem[],
  context: ExpressionContext,
): readonly SortKey[] {
  return items.map((item) => {
    const expression = context.analyse(item.expression, context);
    if (!isSortable(expression.type)) {
      throw analyzeError(NO_ORDER, item.pos);
    }
    return {
      expression,
      descending: item.descending,
      nullsFirst: item.nullsFirst ?? !item.descending,
    };
  });
}
