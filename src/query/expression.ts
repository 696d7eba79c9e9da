// Typed expressions: what the analyser makes and the generator turns to DuckDB SQL. Names are resolved
// (every relation has its own alias), types are settled, implicit casts are explicit. Plain data.
import type { SqlType } from '../model/sql-type.ts';
import type { FunctionEntry, Signature } from './functions/entry.ts';
import type { QueryNode } from './query-node.ts';
import type { ArithmeticOperator } from './types.ts';

export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=' | '<=>';

export type TypedExpression =
  | LiteralExpression
  | ColumnExpression
  | ParameterExpression
  | CallExpression
  | AggregateExpression
  | WindowExpression
  | CastExpression
  | ArithmeticExpression
  | ComparisonExpression
  | LogicalExpression
  | NotExpression
  | IsNullExpression
  | LikeExpression
  | InListExpression
  | InSubqueryExpression
  | ExistsExpression
  | ScalarSubqueryExpression
  | CaseExpression
  | IntervalExpression
  | RowExpression
  | ArrayExpression
  | MapExpression
  | SubscriptExpression
  | FieldExpression
  | LambdaExpression;

/** `text` is what a client would see: `1`/`0` for BOOLEAN, `2020-01-01` for DATE, hex digits for VARBINARY; null = NULL. */
export interface LiteralExpression {
  readonly kind: 'literal';
  readonly type: SqlType;
  readonly text: string | null;
}

export interface ColumnExpression {
  readonly kind: 'column';
  readonly type: SqlType;
  /** Alias of its relation in the generated SQL (`t0`); '' = a bare column (load expressions). */
  readonly relation: string;
  /** Its name in that relation. */
  readonly column: string;
  /** As error texts show it: `t.uid`. */
  readonly display: string;
}

/** A lambda's own parameter: its generated name, with the way into it (`p0`, `p0[2]`, `p0.key`). */
export interface ParameterExpression {
  readonly kind: 'parameter';
  readonly type: SqlType;
  readonly name: string;
}

export interface CallExpression {
  readonly kind: 'call';
  readonly type: SqlType;
  readonly entry: FunctionEntry;
  readonly signature: Signature;
  readonly args: readonly TypedExpression[];
}

export interface SortKey {
  readonly expression: TypedExpression;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface AggregateExpression {
  readonly kind: 'aggregate';
  readonly type: SqlType;
  readonly entry: FunctionEntry;
  readonly signature: Signature;
  readonly args: readonly TypedExpression[];
  readonly distinct: boolean;
  readonly orderBy: readonly SortKey[];
  /** FILTER (WHERE ...): rows for which it is not true are left out; null = all rows. */
  readonly filter: TypedExpression | null;
}

export type FrameEdge =
  | { readonly kind: 'unbounded_preceding' | 'unbounded_following' | 'current_row' }
  | { readonly kind: 'preceding' | 'following'; readonly rows: TypedExpression };

export interface WindowExpression {
  readonly kind: 'window';
  readonly type: SqlType;
  readonly call: CallExpression | AggregateExpression;
  readonly ignoreNulls: boolean;
  readonly partitionBy: readonly TypedExpression[];
  readonly orderBy: readonly SortKey[];
  readonly frame: WindowFrame | null;
}

export interface WindowFrame {
  readonly unit: 'ROWS' | 'RANGE';
  readonly start: FrameEdge;
  readonly end: FrameEdge;
}

export interface CastExpression {
  readonly kind: 'cast';
  readonly type: SqlType;
  readonly operand: TypedExpression;
}

/** Operands already have the rule's operand types. */
export interface ArithmeticExpression {
  readonly kind: 'arithmetic';
  readonly type: SqlType;
  readonly op: ArithmeticOperator;
  readonly left: TypedExpression;
  readonly right: TypedExpression;
}

export interface ComparisonExpression {
  readonly kind: 'comparison';
  readonly type: SqlType;
  readonly op: ComparisonOperator;
  readonly left: TypedExpression;
  readonly right: TypedExpression;
}

export interface LogicalExpression {
  readonly kind: 'logical';
  readonly type: SqlType;
  readonly op: 'AND' | 'OR' | 'XOR';
  readonly left: TypedExpression;
  readonly right: TypedExpression;
}

export interface NotExpression {
  readonly kind: 'not';
  readonly type: SqlType;
  readonly operand: TypedExpression;
}

export interface IsNullExpression {
  readonly kind: 'is_null';
  readonly type: SqlType;
  readonly negated: boolean;
  readonly operand: TypedExpression;
}

export interface LikeExpression {
  readonly kind: 'like';
  readonly type: SqlType;
  readonly op: 'LIKE' | 'REGEXP';
  readonly negated: boolean;
  readonly operand: TypedExpression;
  readonly pattern: TypedExpression;
}

export interface InListExpression {
  readonly kind: 'in_list';
  readonly type: SqlType;
  readonly negated: boolean;
  readonly operand: TypedExpression;
  readonly items: readonly TypedExpression[];
}

export interface InSubqueryExpression {
  readonly kind: 'in_subquery';
  readonly type: SqlType;
  readonly negated: boolean;
  readonly operand: TypedExpression;
  readonly query: QueryNode;
}

export interface ExistsExpression {
  readonly kind: 'exists';
  readonly type: SqlType;
  readonly query: QueryNode;
}

export interface ScalarSubqueryExpression {
  readonly kind: 'scalar_subquery';
  readonly type: SqlType;
  readonly query: QueryNode;
}

export interface CaseExpression {
  readonly kind: 'case';
  readonly type: SqlType;
  readonly branches: readonly {
    readonly when: TypedExpression;
    readonly result: TypedExpression;
  }[];
  readonly otherwise: TypedExpression | null;
}

/** An argument of date functions only; its type is never looked at. */
export interface IntervalExpression {
  readonly kind: 'interval';
  readonly type: SqlType;
  readonly amount: TypedExpression;
  readonly unit: string;
}

/** `(a, b)` of a comparison or IN. */
export interface RowExpression {
  readonly kind: 'row';
  readonly type: SqlType;
  readonly items: readonly TypedExpression[];
}

export interface ArrayExpression {
  readonly kind: 'array';
  readonly type: SqlType;
  readonly items: readonly TypedExpression[];
}

export interface MapExpression {
  readonly kind: 'map';
  readonly type: SqlType;
  readonly keys: readonly TypedExpression[];
  readonly values: readonly TypedExpression[];
}

export interface SubscriptExpression {
  readonly kind: 'subscript';
  readonly type: SqlType;
  readonly operand: TypedExpression;
  readonly index: TypedExpression;
}

export interface FieldExpression {
  readonly kind: 'field';
  readonly type: SqlType;
  readonly operand: TypedExpression;
  readonly name: string;
}

export interface LambdaExpression {
  readonly kind: 'lambda';
  /** Type of the body. */
  readonly type: SqlType;
  readonly parameters: readonly string[];
  readonly body: TypedExpression;
}

/** The direct parts of an expression; the queries inside subqueries are not entered. */
export function childrenOf(expression: TypedExpression): readonly TypedExpression[] {
  switch (expression.kind) {
    case 'literal':
    case 'column':
    case 'parameter':
    case 'exists':
    case 'scalar_subquery':
      return [];
    case 'call':
      return expression.args;
    case 'aggregate':
      return [
        ...expression.args,
        ...expression.orderBy.map((key) => key.expression),
        ...(expression.filter === null ? [] : [expression.filter]),
      ];
    case 'window':
      return [
        ...childrenOf(expression.call),
        ...expression.partitionBy,
        ...expression.orderBy.map((key) => key.expression),
      ];
    case 'cast':
    case 'not':
    case 'is_null':
    case 'field':
    case 'in_subquery':
      return [expression.operand];
    case 'arithmetic':
    case 'comparison':
    case 'logical':
      return [expression.left, expression.right];
    case 'like':
      return [expression.operand, expression.pattern];
    case 'in_list':
      return [expression.operand, ...expression.items];
    case 'case':
      return [
        ...expression.branches.flatMap((branch) => [branch.when, branch.result]),
        ...(expression.otherwise === null ? [] : [expression.otherwise]),
      ];
    case 'interval':
      return [expression.amount];
    case 'row':
    case 'array':
      return expression.items;
    case 'map':
      return [...expression.keys, ...expression.values];
    case 'subscript':
      return [expression.operand, expression.index];
    case 'lambda':
      return [expression.body];
  }
}
