// Shape of the function table: one entry per function with its signatures, how DuckDB computes it, one
// line of documentation and one tested example. docs/reference/functions.md is made from it.
import type { SqlType } from '../../model/sql-type.ts';
import type { QuerySession } from '../catalog.ts';
import type { LiteralExpression, TypedExpression } from '../expression.ts';

export type FunctionKind = 'scalar' | 'aggregate' | 'window' | 'table';

export type FunctionCategory =
  | 'math'
  | 'bit'
  | 'string'
  | 'pattern'
  | 'url'
  | 'date'
  | 'conditional'
  | 'json'
  | 'array'
  | 'map'
  | 'struct'
  | 'crypto'
  | 'hash'
  | 'bitmap'
  | 'hll'
  | 'percentile'
  | 'utility'
  | 'aggregate'
  | 'window'
  | 'table';

/** `propagate`: any NULL argument gives NULL; `own`: the function has its own rule, told in `doc`. */
export type NullRule = 'propagate' | 'own';

/** One call while SQL is made: arguments as typed expressions and as their SQL, already converted. */
export interface CallSite {
  readonly args: readonly TypedExpression[];
  readonly sql: readonly string[];
  readonly result: SqlType;
  /** IANA name or offset; for functions between UTC seconds and local time. */
  readonly timeZone: string;
  readonly distinct: boolean;
  /** ` ORDER BY ...` of an aggregate, or ''. */
  readonly orderBy: string;
  /** ` FILTER (...)` and ` OVER (...)`, to put behind each aggregate's closing parenthesis, or ''. */
  readonly over: string;
  readonly ignoreNulls: boolean;
}

/** A template (`lower({0})`, `{*}` = all, `{1*}` = from the second on) or a generator for what templates cannot say. */
export type DuckdbForm = string | ((site: CallSite) => string);

/** A parameter: a fixed type, a family, a type variable, or something that is no value. */
export type ParameterSpec =
  | { readonly kind: 'type'; readonly type: SqlType }
  | {
      readonly kind: 'family';
      readonly family: 'number' | 'integer' | 'decimal' | 'temporal' | 'any' | 'struct';
    }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'array'; readonly element: ParameterSpec }
  | { readonly kind: 'map'; readonly key: ParameterSpec; readonly value: ParameterSpec }
  | { readonly kind: 'interval' }
  | { readonly kind: 'lambda'; readonly body: 'any' | 'boolean' };

/** An argument as signatures see it. */
export interface ArgumentShape {
  /** `literal`, `lambda`, `interval` or another kind of typed expression. */
  readonly kind: string;
  readonly type: SqlType;
  /** Of a literal only. */
  readonly text?: string | null;
}

/** A function gets the types after conversion, and the arguments for rules that look at constants. */
export type ResultRule =
  | ParameterSpec
  | ((types: readonly SqlType[], args: readonly ArgumentShape[]) => SqlType);

export interface Signature {
  /** As written in the table: `(string, int?) -> string`. */
  readonly text: string;
  readonly parameters: readonly ParameterSpec[];
  /** How many of `parameters` must be given; the others may be left out from the right. */
  readonly required: number;
  /** The last parameter repeats: once or more (`T...`), or any number of times (`T...?`). */
  readonly variadic: boolean;
  readonly result: ResultRule;
  readonly duckdb: DuckdbForm;
}

export interface FunctionExample {
  /** An expression (`lower('A')`), or a whole SELECT of one column. */
  readonly sql: string;
  /** The answer as a client sees it; null = NULL. */
  readonly result: string | null;
}

export interface FunctionEntry {
  /** The first is the documented one. All lower case. */
  readonly names: readonly string[];
  readonly kind: FunctionKind;
  readonly category: FunctionCategory;
  readonly signatures: readonly Signature[];
  readonly nulls: NullRule;
  readonly doc: string;
  /** Null only where the answer differs with each call (rand, uuid, now). */
  readonly example: FunctionExample | null;
  /** The value where it depends on the session alone: the call becomes this literal, unless the caller evaluates later. */
  readonly constant:
    | ((session: QuerySession, args: readonly TypedExpression[]) => LiteralExpression)
    | null;
  /** May DISTINCT stand before the arguments (aggregates)? */
  readonly takesDistinct: boolean;
  /** May ORDER BY stand behind the arguments (aggregates)? */
  readonly takesOrder: boolean;
  /** May OVER stand behind it (aggregates and window functions)? */
  readonly takesOver: boolean;
  /** Names of the parameters, where arguments may be given by name (table functions); else empty. */
  readonly parameterNames: readonly string[];
}

/** The function table: names in lower case, aliases included. */
export type FunctionTable = ReadonlyMap<string, FunctionEntry>;
