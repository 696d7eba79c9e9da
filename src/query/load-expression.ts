// COLUMNS(x = expr) and WHERE of loads: one expression over a message's fields, which are all texts, as
// DuckDB SQL. No tables, no subqueries, no aggregates.
import { fail } from '../base/errors.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { Expression } from '../sql/ast/expression.ts';
import { analyseExpression } from './analyse-expression.ts';
import { Analysis } from './analysis.ts';
import type { QuerySession } from './catalog.ts';
import { coerce } from './coerce.ts';
import type { TypedExpression } from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import { expressionSql } from './generate-expression.ts';
import { EMPTY_SCOPE, type ScopeColumn } from './scope.ts';
import { BOOLEAN, implicitCastCost, STRING } from './types.ts';
import { containsAggregate, containsWindow } from './walk.ts';

export interface LoadExpressionOptions {
  /** The job's time zone: IANA name or offset. */
  readonly timeZone: string;
  /**
   * Types by lower-case name of what is no text any more: WHERE sees the table's columns, converted.
   * A field that is not named here is a VARCHAR.
   */
  readonly fieldTypes?: ReadonlyMap<string, SqlType>;
  /** Derived columns by lower-case name: a reference stands for their expression. */
  readonly derived?: ReadonlyMap<string, Expression>;
}

export interface CompiledLoadExpression {
  /** Over columns named by the quoted field names, each VARCHAR unless `fieldTypes` says otherwise. */
  readonly duckdbSql: string;
  readonly type: SqlType;
}

/**
 * Compiles one expression of a load. `now()` and its kin are read when the batch is loaded.
 * @throws SQL_ANALYZE, SQL_ANALYZE_AT for unknown fields and functions, aggregates and subqueries.
 */
export function compileLoadExpression(
  expression: Expression,
  fields: readonly string[],
  options: LoadExpressionOptions,
): CompiledLoadExpression {
  const typed = analyseLoad(expression, fields, options);
  return { duckdbSql: generate(typed, options), type: typed.type };
}

/** WHERE of a load: as above, and the answer is a condition. */
export function compileLoadFilter(
  expression: Expression,
  fields: readonly string[],
  options: LoadExpressionOptions,
): CompiledLoadExpression {
  const typed = analyseLoad(expression, fields, options);
  if (implicitCastCost(typed.type, BOOLEAN) === undefined) {
    throw fail('SQL_ANALYZE', { detail: 'WHERE of a load must be a condition' });
  }
  return { duckdbSql: generate(coerce(typed, BOOLEAN), options), type: BOOLEAN };
}

/** One expression of a load as a tree, for those who look at its parts. Throws as compileLoadExpression does. */
export function analyseLoadExpression(
  expression: Expression,
  fields: readonly string[],
  options: LoadExpressionOptions,
): TypedExpression {
  return analyseLoad(expression, fields, options);
}

/** The DuckDB SQL of such a tree. */
export function loadExpressionSql(typed: TypedExpression, options: LoadExpressionOptions): string {
  return generate(typed, options);
}

function generate(typed: TypedExpression, options: LoadExpressionOptions): string {
  return expressionSql(typed, {
    timeZone: options.timeZone,
    query: () => {
      throw fail('SQL_ANALYZE', { detail: 'A subquery is not possible in a load' });
    },
  });
}

function analyseLoad(
  expression: Expression,
  fields: readonly string[],
  options: LoadExpressionOptions,
): TypedExpression {
  const analysis = new Analysis({
    catalog: { hasDatabase: () => false, table: () => undefined },
    session: loadSession(options.timeZone),
    text: '',
    evaluateLater: true,
  });
  const columns = fields.map((name): ScopeColumn => {
    const type = options.fieldTypes?.get(name.toLowerCase()) ?? STRING;
    const expression: TypedExpression = {
      kind: 'column',
      type,
      relation: '',
      column: name,
      display: name,
    };
    return { name, type, expression };
  });
  const base: ExpressionContext = {
    analysis,
    scope: {
      ...EMPTY_SCOPE,
      relations: [{ database: null, name: null, alias: '', columns }],
    },
    ctes: new Map(),
    parameters: new Map(),
    lambdaDepth: 0,
    analyse: analyseExpression,
    analyseQuery: null,
  };
  const aliases = analyseDerived(base, options.derived ?? new Map());
  const typed = analyseExpression(expression, { ...base, scope: { ...base.scope, aliases } });
  refuseAggregates(typed);
  return typed;
}

/** Derived columns may use fields and the derived columns before them. */
function analyseDerived(
  base: ExpressionContext,
  derived: ReadonlyMap<string, Expression>,
): ReadonlyMap<string, TypedExpression> {
  const aliases = new Map<string, TypedExpression>();
  for (const [name, expression] of derived) {
    aliases.set(
      name,
      analyseExpression(expression, {
        ...base,
        scope: { ...base.scope, aliases: new Map(aliases) },
      }),
    );
  }
  return aliases;
}

function refuseAggregates(typed: TypedExpression): void {
  if (containsAggregate(typed) || containsWindow(typed)) {
    throw fail('SQL_ANALYZE', { detail: 'aggregates and windows are not possible in a load' });
  }
}

/** A load has no session: session functions and variables are refused by having no value. */
function loadSession(timeZone: string): QuerySession {
  return {
    currentDatabase: null,
    userName: '',
    userHost: '%',
    roles: [],
    hasRole: () => false,
    connectionId: 0,
    serverVersion: '',
    productVersion: '',
    systemVariable: () => undefined,
    nearVariables: () => [],
    userVariable: () => undefined,
    timeZone,
    sqlMode: '',
    nowMs: 0,
  };
}
