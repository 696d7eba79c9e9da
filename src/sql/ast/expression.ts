// Expression nodes: a closed union by `kind`, readonly plain data. Names are not resolved and types
// not checked here; that is the analyser's work.
import type { SqlType } from '../../model/sql-type.ts';
import type { Identifier, Node } from './node.ts';
import type { OrderItem, Query } from './query.ts';

export type Expression =
  | NullLiteral
  | BooleanLiteral
  | NumberLiteral
  | StringLiteral
  | BinaryLiteral
  | DateLiteral
  | IntervalLiteral
  | DefaultValue
  | ColumnReference
  | FieldAccess
  | Subscript
  | FunctionCall
  | WindowCall
  | Unary
  | Binary
  | Between
  | InList
  | InSubquery
  | Exists
  | Like
  | IsNull
  | Case
  | Cast
  | Collate
  | ScalarSubquery
  | Row
  | ArrayLiteral
  | MapLiteral
  | JsonArrow
  | Lambda
  | UserVariable
  | SystemVariable
  | Parameter;

export interface NullLiteral extends Node {
  readonly kind: 'null';
}

export interface BooleanLiteral extends Node {
  readonly kind: 'boolean';
  readonly value: boolean;
}

/**
 * An unsigned number as written; the sign is a Unary. `integer`: digits only, of any length;
 * `decimal`: with a point and no exponent (StarRocks types it DECIMAL); `float`: with an exponent (DOUBLE).
 */
export interface NumberLiteral extends Node {
  readonly kind: 'integer' | 'decimal' | 'float';
  readonly text: string;
}

export interface StringLiteral extends Node {
  readonly kind: 'string';
  /** Escapes already undone. `\%` and `\_` stay two characters, as in MySQL, so that LIKE sees them. */
  readonly value: string;
}

/** `X'CAFE'`: an even count of hex digits in upper case. */
export interface BinaryLiteral extends Node {
  readonly kind: 'binary_literal';
  readonly hex: string;
}

/** `DATE '2024-01-31'` or `DATETIME '...'` / `TIMESTAMP '...'`; the text is not checked here. */
export interface DateLiteral extends Node {
  readonly kind: 'date_literal';
  readonly type: 'DATE' | 'DATETIME';
  readonly text: string;
}

export type TimeUnit =
  | 'YEAR'
  | 'QUARTER'
  | 'MONTH'
  | 'WEEK'
  | 'DAY'
  | 'HOUR'
  | 'MINUTE'
  | 'SECOND'
  | 'MILLISECOND'
  | 'MICROSECOND';

/** `INTERVAL 3 DAY`, `INTERVAL '3' MONTH`: only an operand of + and - or a function's argument. */
export interface IntervalLiteral extends Node {
  readonly kind: 'interval';
  readonly amount: Expression;
  readonly unit: TimeUnit;
}

/** The word DEFAULT in VALUES and SET. */
export interface DefaultValue extends Node {
  readonly kind: 'default';
}

/**
 * `c`, `t.c`, `db.t.c`, `catalog.db.t.c`, or a struct column followed by its fields (`t.c.f`):
 * which of them it is only the analyser can know. At least one part, as written, without quotes.
 */
export interface ColumnReference extends Node {
  readonly kind: 'column';
  readonly path: readonly string[];
}

/** `.name` after something that is not a plain name: `f(x).a`, `a[1].b`. */
export interface FieldAccess extends Node {
  readonly kind: 'field';
  readonly operand: Expression;
  readonly name: string;
}

/** `operand[index]` of an array or a map. */
export interface Subscript extends Node {
  readonly kind: 'subscript';
  readonly operand: Expression;
  readonly index: Expression;
}

/**
 * A call. Also made from forms without parentheses (CURRENT_DATE), from EXTRACT(YEAR FROM d) (a call
 * of `year`) and from MOD / REGEXP / LIKE written as functions.
 */
export interface FunctionCall extends Node {
  readonly kind: 'function';
  /** Lower case. */
  readonly name: string;
  readonly database: string | null;
  readonly args: readonly Expression[];
  /** `count(*)`: then `args` is empty. */
  readonly star: boolean;
  readonly distinct: boolean;
  /** ORDER BY inside the parentheses (group_concat, array_agg). */
  readonly orderBy: readonly OrderItem[];
  /** SEPARATOR of group_concat; null when not given. */
  readonly separator: Expression | null;
  readonly ignoreNulls: boolean;
  /** FILTER (WHERE ...) after an aggregate; null when not given. */
  readonly filter: Expression | null;
  /** First argument of TIMESTAMPADD / TIMESTAMPDIFF, which is a bare word; null elsewhere. */
  readonly unit: TimeUnit | null;
}

/** `f(...) OVER (...)`. */
export interface WindowCall extends Node {
  readonly kind: 'window';
  readonly call: FunctionCall;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly OrderItem[];
  readonly frame: WindowFrame | null;
}

export interface WindowFrame {
  readonly unit: 'ROWS' | 'RANGE';
  readonly start: FrameBound;
  /** null: only one bound was written, the end is CURRENT ROW. */
  readonly end: FrameBound | null;
}

export type FrameBound =
  | { readonly kind: 'unbounded_preceding' }
  | { readonly kind: 'unbounded_following' }
  | { readonly kind: 'current_row' }
  | { readonly kind: 'preceding'; readonly amount: Expression }
  | { readonly kind: 'following'; readonly amount: Expression };

/** `!x` and `NOT x` are both NOT (they differ only in how strongly they bind). */
export type UnaryOperator = '-' | '+' | '~' | 'NOT';

export interface Unary extends Node {
  readonly kind: 'unary';
  readonly op: UnaryOperator;
  readonly operand: Expression;
}

/** `!=` is kept as `<>`, `||` as OR (CONCAT under PIPES_AS_CONCAT becomes a call), `&&` as AND, MOD as %. */
export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | 'DIV'
  | '%'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>'
  | '='
  | '<>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '<=>'
  | 'AND'
  | 'OR'
  | 'XOR';

export interface Binary extends Node {
  readonly kind: 'binary';
  readonly op: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
}

export interface Between extends Node {
  readonly kind: 'between';
  readonly negated: boolean;
  readonly operand: Expression;
  readonly low: Expression;
  readonly high: Expression;
}

export interface InList extends Node {
  readonly kind: 'in_list';
  readonly negated: boolean;
  readonly operand: Expression;
  readonly items: readonly Expression[];
}

/** `operand` is a Row for `(a, b) IN (SELECT ...)`. */
export interface InSubquery extends Node {
  readonly kind: 'in_subquery';
  readonly negated: boolean;
  readonly operand: Expression;
  readonly query: Query;
}

/** NOT EXISTS is a Unary NOT around it. */
export interface Exists extends Node {
  readonly kind: 'exists';
  readonly query: Query;
}

/** RLIKE is kept as REGEXP. */
export interface Like extends Node {
  readonly kind: 'like';
  readonly op: 'LIKE' | 'REGEXP';
  readonly negated: boolean;
  readonly operand: Expression;
  readonly pattern: Expression;
}

export interface IsNull extends Node {
  readonly kind: 'is_null';
  readonly negated: boolean;
  readonly operand: Expression;
}

export interface Case extends Node {
  readonly kind: 'case';
  /** The value compared in `CASE x WHEN ...`; null in the searched form. */
  readonly operand: Expression | null;
  readonly branches: readonly { readonly when: Expression; readonly result: Expression }[];
  readonly otherwise: Expression | null;
}

/** CAST, TRY_CAST and CONVERT(x, type). */
export interface Cast extends Node {
  readonly kind: 'cast';
  readonly operand: Expression;
  readonly type: SqlType;
  readonly tryCast: boolean;
}

export interface Collate extends Node {
  readonly kind: 'collate';
  readonly operand: Expression;
  readonly collation: string;
}

export interface ScalarSubquery extends Node {
  readonly kind: 'subquery';
  readonly query: Query;
}

/** `(a, b)`: two or more items. */
export interface Row extends Node {
  readonly kind: 'row';
  readonly items: readonly Expression[];
}

export interface ArrayLiteral extends Node {
  readonly kind: 'array';
  /** From `ARRAY<INT>[...]`; null when not written. */
  readonly elementType: SqlType | null;
  readonly items: readonly Expression[];
}

export interface MapLiteral extends Node {
  readonly kind: 'map';
  /** From `MAP<K, V>{...}`; null when not written. */
  readonly type: { readonly key: SqlType; readonly value: SqlType } | null;
  readonly entries: readonly { readonly key: Expression; readonly value: Expression }[];
}

/** `json -> '$.path'`. */
export interface JsonArrow extends Node {
  readonly kind: 'json_arrow';
  readonly operand: Expression;
  readonly path: Expression;
}

/** `x -> x + 1`, `(k, v) -> k`: an argument of a higher-order function. */
export interface Lambda extends Node {
  readonly kind: 'lambda';
  readonly parameters: readonly Identifier[];
  readonly body: Expression;
}

/** `@name`, without the @, lower case. */
export interface UserVariable extends Node {
  readonly kind: 'user_variable';
  readonly name: string;
}

export type VariableScope = 'SESSION' | 'GLOBAL';

/** `@@name`, `@@global.name`; name in lower case. `scope` null when not written (reads as session). */
export interface SystemVariable extends Node {
  readonly kind: 'system_variable';
  readonly scope: VariableScope | null;
  readonly name: string;
}

/** `?` of a prepared statement. */
export interface Parameter extends Node {
  readonly kind: 'parameter';
  /** 0 for the first `?` of the statement. */
  readonly index: number;
}
