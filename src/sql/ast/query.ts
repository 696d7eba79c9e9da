// Query nodes: WITH, SELECT, set operations, relations. Readonly plain data, nothing resolved.
import type { Expression } from './expression.ts';
import type { Identifier, Node, QualifiedName } from './node.ts';

/** A whole query, at the top of a statement, in a subquery, or in parentheses inside a set operation. */
export interface Query extends Node {
  readonly kind: 'query';
  /** WITH RECURSIVE was written. */
  readonly recursive: boolean;
  readonly ctes: readonly CommonTable[];
  readonly body: QueryBody;
  readonly orderBy: readonly OrderItem[];
  readonly limit: Limit | null;
}

export interface CommonTable extends Node {
  readonly name: string;
  /** Column names after the name; empty when not given. */
  readonly columns: readonly Identifier[];
  readonly query: Query;
}

/** A `Query` stands here only when it was in parentheses and has its own WITH, ORDER BY or LIMIT. */
export type QueryBody = Select | SetOperation | Values | Query;

export interface Select extends Node {
  readonly kind: 'select';
  /** Text inside each hint comment after SELECT, e.g. `SET_VAR(query_timeout=1)`, trimmed. */
  readonly hints: readonly string[];
  readonly distinct: boolean;
  readonly items: readonly SelectItem[];
  /** null: no FROM (or FROM DUAL). */
  readonly from: Relation | null;
  readonly where: Expression | null;
  readonly groupBy: GroupBy | null;
  readonly having: Expression | null;
  readonly qualify: Expression | null;
}

export type SelectItem = ExpressionItem | StarItem;

export interface ExpressionItem extends Node {
  readonly kind: 'expression_item';
  readonly expression: Expression;
  readonly alias: string | null;
  /** Where the expression's text ends (exclusive), so that `text.slice(pos.start, end)` is what the user wrote. */
  readonly end: number;
}

/** `*`, `t.*`, `db.t.*`, `* EXCLUDE (a, b)`. */
export interface StarItem extends Node {
  readonly kind: 'star_item';
  readonly qualifier: QualifiedName | null;
  readonly exclude: readonly Identifier[];
}

/** `simple` expressions may be ordinals (integer literals). GROUPING SETS lists the sets; ROLLUP and CUBE their expressions. */
export type GroupBy =
  | { readonly kind: 'simple' | 'rollup' | 'cube'; readonly items: readonly Expression[] }
  | { readonly kind: 'grouping_sets'; readonly sets: readonly (readonly Expression[])[] };

export interface OrderItem extends Node {
  readonly expression: Expression;
  readonly descending: boolean;
  /** null: not written (StarRocks: NULLs first when ascending, last when descending). */
  readonly nullsFirst: boolean | null;
}

/** Integer literals or parameters. `LIMIT a, b` is count b, offset a. */
export interface Limit {
  readonly count: Expression;
  readonly offset: Expression | null;
}

export interface SetOperation extends Node {
  readonly kind: 'set_operation';
  readonly op: 'UNION' | 'INTERSECT' | 'EXCEPT';
  /** False: DISTINCT, written or not. */
  readonly all: boolean;
  readonly left: QueryBody;
  readonly right: QueryBody;
}

export interface Values extends Node {
  readonly kind: 'values';
  /** At least one row; rows may differ in length here. */
  readonly rows: readonly (readonly Expression[])[];
}

export type Relation = TableReference | DerivedTable | TableFunction | Pivot | Join;

export interface TableReference extends Node {
  readonly kind: 'table';
  readonly name: QualifiedName;
  /** The table as it was; absent: as it is. */
  readonly asOf?: TimeTravel;
  readonly partitions: PartitionNames | null;
  readonly alias: string | null;
  readonly columnAliases: readonly Identifier[];
  /** The table whose rows DELETE or UPDATE changes: where each row lies is asked for. Never written by the parser. */
  readonly changed?: true;
}

/** `[FOR] VERSION AS OF n`, `[FOR] {TIMESTAMP | SYSTEM_TIME} AS OF time`. */
export interface TimeTravel extends Node {
  readonly unit: 'VERSION' | 'TIMESTAMP';
  readonly expression: Expression;
  /** What the expression came to: a version, or milliseconds since the epoch. Never written by the parser. */
  readonly point?: number;
}

/** `[TEMPORARY] PARTITION[S] (p, ...)`. */
export interface PartitionNames extends Node {
  readonly temporary: boolean;
  readonly names: readonly Identifier[];
}

/** `(SELECT ...) [AS] t (a, b)`; also VALUES in parentheses. */
export interface DerivedTable extends Node {
  readonly kind: 'derived_table';
  readonly query: Query;
  readonly alias: string | null;
  readonly columnAliases: readonly Identifier[];
  /** Where it stands for a view without an alias: the view's database. Never written by the parser. */
  readonly viewDatabase?: string;
}

/** `unnest(a) AS t(x)` or `TABLE(generate_series(1, 9))`. */
export interface TableFunction extends Node {
  readonly kind: 'table_function';
  /** Lower case. */
  readonly name: string;
  readonly args: readonly TableFunctionArgument[];
  readonly alias: string | null;
  readonly columnAliases: readonly Identifier[];
}

export interface TableFunctionArgument {
  /** From `name => value`; null for a positional argument. */
  readonly name: string | null;
  readonly value: Expression;
}

/**
 * `relation PIVOT (agg [AS a], ... FOR column | (column, ...) IN (value [AS v], ...)) [AS t (a, b)]`: a column for
 * each pair of a value and an aggregate, one row for each combination of all other columns.
 */
export interface Pivot extends Node {
  readonly kind: 'pivot';
  readonly source: Relation;
  readonly aggregates: readonly PivotAggregate[];
  readonly columns: readonly Identifier[];
  readonly values: readonly PivotValue[];
  readonly alias: string | null;
  readonly columnAliases: readonly Identifier[];
}

export interface PivotAggregate {
  readonly expression: Expression;
  readonly alias: string | null;
  /** Where the expression's text ends (exclusive). */
  readonly end: number;
}

export interface PivotValue {
  /** One literal for each of the pivot's columns. */
  readonly items: readonly Expression[];
  readonly alias: string | null;
}

export type JoinType =
  | 'INNER'
  | 'CROSS'
  | 'LEFT'
  | 'RIGHT'
  | 'FULL'
  | 'LEFT SEMI'
  | 'RIGHT SEMI'
  | 'LEFT ANTI'
  | 'RIGHT ANTI';

/** A comma is a CROSS join that binds weaker than JOIN. `INNER` without a condition is possible (a cross join). */
export interface Join extends Node {
  readonly kind: 'join';
  readonly type: JoinType;
  /** `BROADCAST`, `SHUFFLE`, `COLOCATE`... from `JOIN [hint]`; null when not written. Upper case. */
  readonly hint: string | null;
  readonly lateral: boolean;
  readonly left: Relation;
  readonly right: Relation;
  readonly condition: JoinCondition | null;
}

export type JoinCondition =
  | { readonly kind: 'on'; readonly expression: Expression }
  | { readonly kind: 'using'; readonly columns: readonly Identifier[] };
