// Typed queries: a resolved SELECT as a tree, between the analyser and the generator. Relations carry
// generated aliases, outputs generated names (`c0`), so no user text decides what DuckDB resolves.
import type { SqlType } from '../model/sql-type.ts';
import type { CallExpression, SortKey, TypedExpression } from './expression.ts';

export interface OutputColumn {
  /** As the client sees it. */
  readonly name: string;
  readonly type: SqlType;
}

/** Its i-th output is called `c<i>` in the generated SQL. */
export interface QueryNode {
  readonly ctes: readonly CteNode[];
  readonly recursive: boolean;
  readonly body: BodyNode;
  readonly columns: readonly OutputColumn[];
  readonly orderBy: readonly OrderNode[];
  readonly limit: { readonly count: bigint; readonly offset: bigint } | null;
}

export interface CteNode {
  /** Generated name. */
  readonly name: string;
  /** As the statement calls it. */
  readonly label: string;
  readonly query: QueryNode;
}

/** By output position (0-based), or by an expression over the body's own FROM. */
export type OrderNode =
  | {
      readonly kind: 'output';
      readonly index: number;
      readonly descending: boolean;
      readonly nullsFirst: boolean;
    }
  | { readonly kind: 'expression'; readonly key: SortKey };

export type BodyNode = SelectNode | SetNode | ValuesNode | NestedNode | ConvertedNode;

export interface SelectNode {
  readonly kind: 'select';
  readonly distinct: boolean;
  readonly items: readonly TypedExpression[];
  readonly from: RelationNode | null;
  readonly where: TypedExpression | null;
  readonly groupBy: GroupNode | null;
  readonly having: TypedExpression | null;
  readonly qualify: TypedExpression | null;
}

export type GroupNode =
  | {
      readonly kind: 'simple' | 'rollup' | 'cube';
      readonly items: readonly TypedExpression[];
    }
  | { readonly kind: 'grouping_sets'; readonly sets: readonly (readonly TypedExpression[])[] };

/** Operands are converted to the common types of `types` where theirs differ. */
export interface SetNode {
  readonly kind: 'set';
  readonly op: 'UNION' | 'INTERSECT' | 'EXCEPT';
  readonly all: boolean;
  readonly left: SetOperand;
  readonly right: SetOperand;
  readonly types: readonly SqlType[];
}

export interface SetOperand {
  readonly body: BodyNode;
  readonly types: readonly SqlType[];
}

export interface ValuesNode {
  readonly kind: 'values';
  readonly rows: readonly (readonly TypedExpression[])[];
}

export interface NestedNode {
  readonly kind: 'nested';
  readonly query: QueryNode;
}

/** A query with its columns converted to other types. */
export interface ConvertedNode {
  readonly kind: 'converted';
  readonly query: QueryNode;
  readonly types: readonly SqlType[];
}

export type RelationNode =
  | { readonly kind: 'scan'; readonly placeholder: string; readonly alias: string }
  | { readonly kind: 'cte'; readonly name: string; readonly alias: string }
  | { readonly kind: 'derived'; readonly query: QueryNode; readonly alias: string }
  | TableFunctionNode
  | JoinNode;

/** Outputs `c0`, `c1`, ... like a query. */
export interface TableFunctionNode {
  readonly kind: 'table_function';
  /** Of an entry of kind `table`: its SQL is a relation. */
  readonly call: CallExpression;
  /** How many columns it has. */
  readonly columns: number;
  readonly alias: string;
}

export interface JoinNode {
  readonly kind: 'join';
  readonly type: 'INNER' | 'CROSS' | 'LEFT' | 'RIGHT' | 'FULL' | 'SEMI' | 'ANTI';
  readonly left: RelationNode;
  readonly right: RelationNode;
  readonly on: TypedExpression | null;
}
