// What the parts of the expression analyser share. The functions are passed in, so that expressions and
// queries, which contain each other, need not import each other.
import type { Expression } from '../sql/ast/expression.ts';
import type { Query } from '../sql/ast/query.ts';
import type { Analysis } from './analysis.ts';
import type { ParameterExpression, TypedExpression } from './expression.ts';
import type { QueryNode } from './query-node.ts';
import type { CteScope, Scope } from './scope.ts';

export interface ExpressionContext {
  readonly analysis: Analysis;
  readonly scope: Scope;
  readonly ctes: CteScope;
  /** Lambda parameters in force, by lower-case name. */
  readonly parameters: ReadonlyMap<string, ParameterExpression>;
  /** How many lambdas are around this place. */
  readonly lambdaDepth: number;
  readonly analyse: (expression: Expression, context: ExpressionContext) => TypedExpression;
  /** Analyses a subquery with `scope` around it; null where subqueries are not possible (loads). */
  readonly analyseQuery: ((query: Query, scope: Scope, ctes: CteScope) => QueryNode) | null;
}
