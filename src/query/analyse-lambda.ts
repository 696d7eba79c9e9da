// Lambdas as arguments: what their parameters stand for, and the element types they see. One list is
// walked by the generated SQL: several arrays are zipped first, a map is walked by its entries.
import { fail } from '../base/errors.ts';
import type { SqlType } from '../model/sql-type.ts';
import type * as ast from '../sql/ast/expression.ts';
import type { LambdaExpression, ParameterExpression, TypedExpression } from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import { MAX_LAMBDA_DEPTH } from './limits.ts';
import { analyzeError } from './scope.ts';
import { NULL_TYPE } from './types.ts';
import { findExpression } from './walk.ts';

/** What one lambda parameter is: its type, and how it is reached from the element of the walked list. */
interface Element {
  readonly type: SqlType;
  /** '' for the element itself, `[2]` for the second of zipped arrays, `.key` and `.value` for a map. */
  readonly path: string;
}

/** Arguments with the lambda first: StarRocks takes it in the first or the last place. */
export function lambdaFirst(call: ast.FunctionCall): readonly ast.Expression[] {
  const at = call.args.findIndex((arg) => arg.kind === 'lambda');
  if (at <= 0) return call.args;
  if (at !== call.args.length - 1) {
    throw analyzeError(
      'Lambda functions can only be the first or the last argument of a function',
      call.args[at]?.pos ?? call.pos,
    );
  }
  return [...call.args.slice(at), ...call.args.slice(0, at)];
}

/**
 * A lambda beside `others`, the other arguments of its call. The same lambda written twice becomes the
 * same SQL (names count nesting, not occurrences): GROUP BY compares expressions by their SQL.
 * @throws SQL_ANALYZE_AT for the wrong number of parameters, a subquery, an aggregate or a window inside.
 */
export function analyseLambda(
  lambda: ast.Lambda,
  others: readonly TypedExpression[],
  context: ExpressionContext,
): LambdaExpression {
  const elements = elementsOf(others, lambda.parameters.length);
  if (elements.length !== lambda.parameters.length) {
    throw analyzeError('Lambda arguments should equal to lambda input arrays.', lambda.pos);
  }
  const depth = context.lambdaDepth;
  if (depth >= MAX_LAMBDA_DEPTH) {
    throw fail('LIMIT_EXCEEDED', {
      what: 'the nesting depth of lambdas',
      actual: depth + 1,
      limit: MAX_LAMBDA_DEPTH,
      hint: '',
    });
  }
  const name = `p${depth}`;
  const parameters = new Map(context.parameters);
  for (const [i, parameter] of lambda.parameters.entries()) {
    const { type, path } = elements[i] ?? { type: NULL_TYPE, path: '' };
    const typed: ParameterExpression = { kind: 'parameter', type, name: `${name}${path}` };
    parameters.set(parameter.name.toLowerCase(), typed);
  }
  const inner = { ...context, parameters, lambdaDepth: depth + 1 };
  const body =
    lambda.body.kind === 'row' ? pairOf(lambda.body, inner) : inner.analyse(lambda.body, inner);
  refuse(body, lambda);
  return { kind: 'lambda', type: body.type, parameters: [name], body };
}

function elementsOf(others: readonly TypedExpression[], wanted: number): readonly Element[] {
  const [first, second] = others;
  if (first !== undefined && second === undefined) {
    if (first.type.kind === 'MAP') {
      return [
        { type: first.type.key, path: '.key' },
        { type: first.type.value, path: '.value' },
      ];
    }
    // A bare NULL can be an array or a map: the lambda tells.
    if (first.type.kind === 'NULL' && wanted === 2) {
      return [
        { type: NULL_TYPE, path: '.key' },
        { type: NULL_TYPE, path: '.value' },
      ];
    }
  }
  const arrays = others.filter(({ type }) => type.kind === 'ARRAY' || type.kind === 'NULL');
  return arrays.map(({ type }, i) => ({
    type: type.kind === 'ARRAY' ? type.element : NULL_TYPE,
    path: arrays.length === 1 ? '' : `[${i + 1}]`,
  }));
}

/** `(k, v) -> (k + 1, v)`: the new key and value of a map's entry. */
function pairOf(row: ast.Row, context: ExpressionContext): TypedExpression {
  const items = row.items.map((item) => context.analyse(item, context));
  return {
    kind: 'row',
    type: {
      kind: 'STRUCT',
      fields: items.map((item, i) => ({ name: `col${i + 1}`, type: item.type })),
    },
    items,
  };
}

function refuse(body: TypedExpression, lambda: ast.Lambda): void {
  const found = findExpression(body, (part) => {
    switch (part.kind) {
      case 'aggregate':
      case 'window':
      case 'scalar_subquery':
      case 'in_subquery':
      case 'exists':
        return true;
      default:
        return false;
    }
  });
  if (found === undefined) return;
  const what =
    found.kind === 'aggregate'
      ? 'aggregations'
      : found.kind === 'window'
        ? 'window functions'
        : 'subqueries';
  throw analyzeError(`Lambda functions cannot contain ${what}`, lambda.pos);
}
