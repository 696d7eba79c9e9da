// `column = UNNEST(array)` in COLUMNS: one message into many rows. Which entries of COLUMNS it is, and its part of the plan.
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import type { LoadOutput, LoadUnnest } from '../../model/load-plan.ts';
import type { SqlType } from '../../model/sql-type.ts';
import type { ColumnSchema } from '../../model/table.ts';
import type { TypedExpression } from '../../query/expression.ts';
import {
  analyseLoadExpression,
  type LoadExpressionOptions,
  loadExpressionSql,
} from '../../query/load-expression.ts';
import { readsJson } from '../../query/nested-from-json.ts';
import { isString, STRING } from '../../query/types.ts';
import type { Expression, FunctionCall } from '../../sql/ast/expression.ts';
import { parseExpression } from '../../sql/parse.ts';
import { analysisError } from '../properties.ts';
import type { ColumnMapping } from './definition.ts';

/** An UNNEST of COLUMNS. */
export interface UnnestEntry {
  readonly name: string;
  readonly argument: Expression;
  /** How many entries of COLUMNS come before it. */
  readonly place: number;
}

/** What the UNNESTs of a job are, and of which type their elements. */
export interface Unnests {
  readonly sources: readonly LoadUnnest[];
  /** By lower-case name. */
  readonly types: ReadonlyMap<string, SqlType>;
}

const FUNCTION = 'unnest';

/** Is the expression of an entry of COLUMNS an UNNEST? */
export function isUnnest(expression: string): boolean {
  return unnestCall(expression) !== null;
}

function unnestCall(expression: string): FunctionCall | null {
  const call = parseExpression(expression);
  return call.kind === 'function' && call.name === FUNCTION ? call : null;
}

/** The UNNESTs of COLUMNS. Throws SQL_ANALYZE where one is not used as it can be. */
export function unnestEntries(mapping: readonly ColumnMapping[]): readonly UnnestEntry[] {
  return mapping.flatMap(({ name, expression }, place): readonly UnnestEntry[] => {
    if (expression === null) return [];
    const call = unnestCall(expression);
    if (call === null) {
      refuseInner(parseExpression(expression));
      return [];
    }
    for (const inner of call.args) refuseInner(inner);
    const [argument, ...others] = call.args;
    if (argument === undefined || others.length > 0 || call.star || call.distinct) {
      throw analysisError(
        `UNNEST of COLUMNS takes one array: ${name} = UNNEST(array); several of them are read side by side`,
      );
    }
    return [{ name, argument, place }];
  });
}

/** Throws SQL_ANALYZE for an expression that has an UNNEST as a part of it. */
export function refuseInner(expression: Expression): void {
  if (usesUnnest(expression))
    throw analysisError('UNNEST stands alone in COLUMNS: column = UNNEST(array)');
}

function usesUnnest(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if ('kind' in node && node.kind === 'function' && 'name' in node && node.name === FUNCTION)
    return true;
  return Object.values(node).some(usesUnnest);
}

/**
 * Arguments may name fields, metadata, and the columns that are computed before the first UNNEST. Throws SQL_ANALYZE,
 * SQL_ANALYZE_AT.
 */
export function compileUnnests(
  entries: readonly UnnestEntry[],
  fields: readonly string[],
  metadata: readonly string[],
  options: LoadExpressionOptions,
): Unnests {
  const names = [...fields, ...metadata];
  const types = new Map<string, SqlType>();
  const sources = entries.map(({ name, argument }): LoadUnnest => {
    const lower = name.toLowerCase();
    if (types.has(lower) || names.some((known) => known.toLowerCase() === lower))
      throw analysisError(`Duplicate column '${name}' in COLUMNS`);
    const typed = analyseLoadExpression(argument, names, options);
    const duckdbSql = loadExpressionSql(typed, options);
    if (typed.type.kind === 'ARRAY') {
      types.set(lower, typed.type.element);
      return { name, duckdbSql, of: 'list', field: null };
    }
    if (typed.type.kind !== 'JSON' && !isString(typed.type)) {
      throw analysisError(
        `UNNEST of column '${name}' needs an ARRAY or a JSON array, not a ${typed.type.kind}`,
      );
    }
    types.set(lower, STRING);
    return { name, duckdbSql, of: 'json', field: fieldOf(typed, fields) };
  });
  return { sources, types };
}

function fieldOf(typed: TypedExpression, fields: readonly string[]): string | null {
  return typed.kind === 'column' && fields.includes(typed.column) ? typed.column : null;
}

/** Where a column that is named by an UNNEST comes from; null where none is. Texts become its value as fields do. */
export function elementSource(
  { sources, types }: Unnests,
  column: Pick<ColumnSchema, 'name' | 'type'>,
): Extract<LoadOutput['from'], { kind: 'field' | 'expression' }> | null {
  const lower = column.name.toLowerCase();
  const type = types.get(lower);
  const source = sources.find((entry) => entry.name.toLowerCase() === lower);
  if (source === undefined || type === undefined) return null;
  if (source.of === 'json' || (isString(type) && !readsJson(column.type)))
    return { kind: 'field', field: source.name };
  return { kind: 'expression', duckdbSql: quoteIdentifier(source.name), type };
}
