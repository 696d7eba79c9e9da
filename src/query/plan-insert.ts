// The rows of INSERT: VALUES become data where they are constants (SQL text of thousands of rows is slow),
// everything else generated SQL. Synchronous, no I/O. What the table's columns make of them is not decided here.
import { present } from '../base/assert.ts';
import type { InsertPart, InsertPlan } from '../model/insert-plan.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { ColumnSchema } from '../model/table.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type * as ast from '../sql/ast/query.ts';
import { analyseExpression } from './analyse-expression.ts';
import { analyseQuery } from './analyse-query.ts';
import { Analysis } from './analysis.ts';
import type { QueryContext } from './catalog.ts';
import { coerce } from './coerce.ts';
import type { LiteralExpression, TypedExpression } from './expression.ts';
import type { ExpressionContext } from './expression-context.ts';
import { foldConstant } from './fold-constant.ts';
import { querySql } from './generate-query.ts';
import { constantDefault } from './insert-default.ts';
import { boundedSql } from './limits.ts';
import { analysePlan, planScans, planSources } from './plan-query.ts';
import type { QueryNode } from './query-node.ts';
import { analyzeError, EMPTY_SCOPE } from './scope.ts';
import { BIGINT, isInteger, isString, isTemporal, STRING, sameType } from './types.ts';
import { containsAggregate, containsWindow } from './walk.ts';

export type InsertSource = Pick<InsertPlan, 'parts' | 'scans' | 'inlineTables' | 'volumes'>;

export interface InsertContext extends QueryContext {
  readonly newUuid: () => string;
}

/** VALUES on its own, as INSERT has it; null for every other query. */
export function plainValues(query: ast.Query): ast.Values | null {
  const isPlain = query.ctes.length === 0 && query.orderBy.length === 0 && query.limit === null;
  return isPlain && query.body.kind === 'values' ? query.body : null;
}

/**
 * The rows of a SELECT with the names and types of its columns.
 * @throws as planQuery does.
 */
export function planSelectSource(
  query: ast.Query,
  text: string,
  context: QueryContext,
): InsertSource & { readonly columns: QueryNode['columns'] } {
  const { node, analysis, scans } = analysePlan(query, text, context);
  const types = node.columns.map((column) => column.type);
  const duckdbSql = bounded(querySql(node, context.session.timeZone));
  return {
    columns: node.columns,
    parts: [{ kind: 'query', duckdbSql, types, fromTable: fromTables(node, analysis) }],
    ...planSources(analysis, scans),
  };
}

/** Which outputs are columns of tables as they are. */
function fromTables({ body, columns }: QueryNode, { scans }: Analysis): readonly boolean[] {
  if (body.kind !== 'select') return columns.map(() => false);
  const aliases = new Set(scans.map((scan) => scan.alias));
  return body.items.map((item) => item.kind === 'column' && aliases.has(item.relation));
}

/**
 * The rows of VALUES; `targets` are the columns that they are for, in order. DEFAULT is the column's own.
 * @throws SQL_ANALYZE, SQL_ANALYZE_AT, NOT_SUPPORTED.
 */
export function planValuesSource(
  values: ast.Values,
  targets: readonly ColumnSchema[],
  text: string,
  context: InsertContext,
): InsertSource {
  const analysis = new Analysis({ ...context, text, evaluateLater: false });
  const expressions = expressionContext(analysis);
  const constants: (string | null)[][] = [];
  const ordinals: number[] = [];
  const others: OrderedRow[] = [];
  const kinds = targets.map(() => new ColumnKinds());
  for (const [ordinal, row] of values.rows.entries()) {
    const typed = row.map((item, index) =>
      analyseItem(item, present(targets[index], 'target column'), expressions, context),
    );
    const cells = typed.map((item, index) =>
      constantCell(item, present(targets[index]?.type, 'type')),
    );
    if (cells.every((cell) => cell !== null)) {
      constants.push(cells.map((cell) => cell.text));
      ordinals.push(ordinal);
      for (const [index, cell] of cells.entries()) kinds[index]?.add(cell);
    } else {
      others.push({ ordinal, items: typed });
    }
  }
  const groups = [...Map.groupBy(others, signature).values()];
  // With several parts the order of the rows is lost, unless each brings its place along.
  const isSplit = groups.length + Math.sign(constants.length) > 1;
  const parts: InsertPart[] = [];
  if (constants.length > 0) {
    const types = targets.map(({ type }, index) =>
      kinds[index]?.isExact === true ? type : STRING,
    );
    parts.push({ kind: 'rows', types, rows: constants, ...(isSplit ? { ordinals } : {}) });
  }
  for (const group of groups) {
    parts.push(expressionPart(group, context.session.timeZone, isSplit));
  }
  const rows = others.map(({ items }) => items);
  return { parts, ...planSources(analysis, planScans(analysis, valuesNode(rows))) };
}

function expressionContext(analysis: Analysis): ExpressionContext {
  return {
    analysis,
    scope: EMPTY_SCOPE,
    ctes: new Map(),
    parameters: new Map(),
    lambdaDepth: 0,
    analyse: analyseExpression,
    analyseQuery: (query, around, known) => analyseQuery(query, analysis, around, known),
  };
}

function analyseItem(
  item: Expression,
  target: ColumnSchema,
  expressions: ExpressionContext,
  context: InsertContext,
): TypedExpression {
  if (target.autoIncrement === true) {
    // NULL is what gets the next value. SOURCE: StarRocks refuses to be given one.
    if (item.kind === 'default') return { kind: 'literal', type: BIGINT, text: null };
    if (item.kind === 'null') {
      throw analyzeError(
        `\`NULL\` value is not supported for an AUTO_INCREMENT column: ${target.name} You can use \`default\` for an AUTO_INCREMENT column`,
        item.pos,
      );
    }
  }
  if (item.kind === 'default') {
    const text = constantDefault(target, context.session, context.newUuid);
    return { kind: 'literal', type: STRING, text };
  }
  const typed = foldConstant(expressions.analyse(item, expressions));
  if (containsAggregate(typed) || containsWindow(typed)) {
    throw analyzeError('Values clause cannot contain aggregations or window functions', item.pos);
  }
  return typed;
}

/** A constant as the text of its column: `exact` where the text already is a value of the type. */
interface Cell {
  readonly text: string | null;
  readonly exact: boolean;
}

class ColumnKinds {
  #exact = true;
  /** Every text is a value of the column's type: it needs no reading as a string. */
  get isExact(): boolean {
    return this.#exact;
  }
  add(cell: Cell): void {
    if (!cell.exact && cell.text !== null) this.#exact = false;
  }
}

/**
 * The literal as a text that the column's type reads as the literal's own value would be cast; null where
 * no text does that, and SQL must. Texts are exact, or strings which CAST then converts.
 */
function constantCell(item: TypedExpression, to: SqlType): Cell | null {
  if (item.kind !== 'literal') return null;
  const { text, type } = item;
  if (text === null) return { text, exact: true };
  if (text.includes('\0')) return null;
  switch (to.kind) {
    case 'CHAR':
    case 'VARCHAR':
      return isString(type) ? { text, exact: true } : textCell(item);
    case 'TINYINT':
    case 'SMALLINT':
    case 'INT':
    case 'BIGINT':
    case 'LARGEINT': {
      if (isString(type)) return { text, exact: false };
      const whole = wholeNumber(item) ?? item;
      const isWhole = isInteger(whole.type) || type.kind === 'BOOLEAN';
      const folded = isWhole ? coerce(whole, to) : null;
      if (folded?.kind === 'literal' && sameType(folded.type, to)) return { text, exact: true };
      return folded === null ? null : { text, exact: false };
    }
    case 'DECIMAL':
    case 'FLOAT':
    case 'DOUBLE': {
      const isNumber = isInteger(type) || type.kind === 'DECIMAL' || isString(type);
      return isNumber || isSameFraction(item, to) ? { text, exact: false } : null;
    }
    case 'DATE':
    case 'DATETIME':
      return isTemporal(type) || isString(type) || isInteger(type) ? { text, exact: false } : null;
    case 'BOOLEAN':
      if (type.kind === 'BOOLEAN') return { text, exact: true };
      return isInteger(type) || isString(type) ? { text, exact: false } : null;
    case 'JSON':
      return isString(type) ? { text, exact: false } : null;
    default:
      return null;
  }
}

/** Digits of a decimal that a DOUBLE holds without a doubt. */
const DOUBLE_DIGITS = 15;

/** Drivers of JavaScript bind every number as a DOUBLE: one that is a whole number as such; else null. */
function wholeNumber({ type, text, kind }: LiteralExpression): LiteralExpression | null {
  if (type.kind !== 'DOUBLE' || text === null) return null;
  return /^-?\d{1,15}$/.test(text) ? { kind, type: BIGINT, text } : null;
}

/** Reads the column's type the text of a DOUBLE as it converts the DOUBLE itself? */
function isSameFraction({ type, text }: LiteralExpression, to: SqlType): boolean {
  if (type.kind !== 'DOUBLE' || text === null) return false;
  if (to.kind === 'DOUBLE') return Number.isFinite(Number(text));
  const [, whole = '', fraction = ''] = /^-?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const isShort = whole !== '' && whole.length + fraction.length <= DOUBLE_DIGITS;
  return to.kind === 'DECIMAL' && isShort && fraction.length <= to.scale;
}

/** What CAST(x AS STRING) gives, where that is the literal's own text. */
function textCell({ type, text }: LiteralExpression): Cell | null {
  const isPlain =
    isInteger(type) || type.kind === 'BOOLEAN' || type.kind === 'DECIMAL' || isTemporal(type);
  return isPlain ? { text, exact: true } : null;
}

/** A row of VALUES with its place among all of them. */
interface OrderedRow {
  readonly ordinal: number;
  readonly items: readonly TypedExpression[];
}

function signature({ items }: OrderedRow): string {
  return JSON.stringify(items.map((item) => item.type));
}

function expressionPart(
  group: readonly OrderedRow[],
  timeZone: string,
  hasOrdinal: boolean,
): InsertPart {
  const types = (group[0]?.items ?? []).map((item) => item.type);
  const rows = group.map(({ ordinal, items }) =>
    hasOrdinal
      ? [...items, { kind: 'literal', type: BIGINT, text: String(ordinal) } as const]
      : items,
  );
  return {
    kind: 'query',
    duckdbSql: bounded(querySql(valuesNode(rows), timeZone)),
    types,
    fromTable: types.map(() => false),
    ...(hasOrdinal ? { hasOrdinal } : {}),
  };
}

function valuesNode(rows: readonly (readonly TypedExpression[])[]): QueryNode {
  return {
    ctes: [],
    recursive: false,
    body: { kind: 'values', rows },
    columns: (rows[0] ?? []).map(({ type }, index) => ({ name: `column_${index}`, type })),
    orderBy: [],
    limit: null,
  };
}

function bounded(sql: string): string {
  return boundedSql(sql, 'insert fewer rows at once, or constants instead of expressions');
}
