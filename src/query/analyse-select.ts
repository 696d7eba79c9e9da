// One SELECT: items and stars, GROUP BY (positions, aliases, ROLLUP), HAVING, windows, and the rule that
// what is not aggregated must be grouped.

import { present } from '../base/assert.ts';
import { fail } from '../base/errors.ts';
import { printSqlType } from '../model/sql-type.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Position } from '../sql/ast/node.ts';
import type * as ast from '../sql/ast/query.ts';
import { analyseRelation } from './analyse-relation.ts';
import type { Analysis } from './analysis.ts';
import { condition } from './condition.ts';
import { childrenOf, type TypedExpression } from './expression.ts';
import { resolveSignature } from './functions/resolve.ts';
import { expressionSql } from './generate-expression.ts';
import { checkJoined } from './limits.ts';
import { mapExpression } from './map-expression.ts';
import type { GroupNode, OutputColumn, SelectNode } from './query-node.ts';
import { type RelationContext, scopeOf } from './relation-scope.ts';
import { analyzeError, EMPTY_SCOPE, type Scope, type ScopeColumn, starColumns } from './scope.ts';
import { hasSqlMode } from './sql-mode.ts';
import { BOOLEAN, isGroupable } from './types.ts';
import { containsAggregate, containsWindow } from './walk.ts';

/** A SELECT with what ORDER BY behind it needs. */
export interface AnalysedSelect {
  readonly node: SelectNode;
  readonly columns: readonly OutputColumn[];
  readonly scope: Scope;
  /**
   * Throws where something is neither aggregated nor grouped; `ordered` are the expressions of ORDER BY,
   * whose aggregates make the SELECT an aggregation too.
   */
  readonly checkGrouped: (ordered: readonly OrderedExpression[]) => void;
  /** Without ONLY_FULL_GROUP_BY: an expression with any_value() around what is neither aggregated nor grouped. */
  readonly relax: (expression: TypedExpression) => TypedExpression;
}

export interface OrderedExpression {
  readonly expression: TypedExpression;
  readonly pos: Position;
}

interface Item {
  readonly expression: TypedExpression;
  readonly name: string;
  readonly pos: Position;
  /** Names that GROUP BY, HAVING and ORDER BY may use: the alias. */
  readonly alias: string | null;
}

export function analyseSelect(select: ast.Select, context: RelationContext): AnalysedSelect {
  const from = select.from === null ? null : analyseRelation(select.from, context, null);
  if (from !== null) checkJoined(from.node, context.analysis.cteWidths);
  const scope =
    from === null ? { ...EMPTY_SCOPE, parent: context.outer } : scopeOf(from, context.outer);
  const expressions = context.expressions(scope);
  const where =
    select.where === null
      ? null
      : condition(expressions.analyse(select.where, expressions), select.where.pos);
  if (where !== null && select.where !== null) refuse(where, 'WHERE', select.where.pos);
  const items = select.items.flatMap((item) => analyseItem(item, scope, context));
  const aliases = new Map<string, TypedExpression>();
  for (const item of items) {
    if (item.alias !== null && !aliases.has(item.alias.toLowerCase()))
      aliases.set(item.alias.toLowerCase(), item.expression);
  }
  const later: Scope = { ...scope, aliases };
  const groupBy =
    select.groupBy === null ? null : analyseGroupBy(select.groupBy, items, later, context);
  const filter = filterOf(select, items, later, context);
  const having = filter === null ? analyseCondition(select.having, later, context) : null;
  const qualify = analyseCondition(select.qualify, later, context);
  if (having !== null && select.having !== null && containsWindow(having)) {
    throw analyzeError('HAVING clause cannot contain window function', select.having.pos);
  }
  const isAggregate =
    groupBy !== null || having !== null || items.some((item) => containsAggregate(item.expression));
  const own = new Set(from?.relations.map((relation) => relation.alias) ?? []);
  const keys = groupKeys(groupBy, context);
  const strict = !isAggregate || hasSqlMode(context.analysis.session.sqlMode, 'ONLY_FULL_GROUP_BY');
  const relax = strict ? (same: TypedExpression) => same : relaxer(keys, own, context);
  const checkOne = groupChecker(keys, own);
  const checkGrouped = (ordered: readonly OrderedExpression[]): void => {
    if (!strict) return;
    if (!isAggregate && !ordered.some(({ expression }) => containsAggregate(expression))) return;
    for (const item of items) checkOne(item.expression, item.pos);
    for (const { expression, pos } of ordered) checkOne(expression, pos);
    if (having !== null && select.having !== null) checkOne(having, select.having.pos);
    if (qualify !== null && select.qualify !== null) checkOne(qualify, select.qualify.pos);
  };
  if (select.distinct) checkComparable(items);
  return {
    node: {
      kind: 'select',
      distinct: select.distinct,
      items: items.map((item) => relax(item.expression)),
      from: from?.node ?? null,
      where: bothOf(where, filter),
      groupBy,
      having: having === null ? null : relax(having),
      qualify: qualify === null ? null : relax(qualify),
    },
    columns: items.map((item) => ({ name: item.name, type: item.expression.type })),
    scope: { ...later, aliasesFirst: true },
    checkGrouped,
    relax,
  };
}

/**
 * HAVING where nothing is grouped or aggregated only filters rows, and knows the aliases first, as in MySQL:
 * JDBC's getTables asks so. Null where HAVING is about groups.
 */
function filterOf(
  select: ast.Select,
  items: readonly { readonly expression: TypedExpression }[],
  later: Scope,
  context: RelationContext,
): TypedExpression | null {
  if (select.having === null || select.groupBy !== null || select.from === null) return null;
  const computed = items.map(({ expression }) => expression);
  if (computed.some((item) => containsAggregate(item) || containsWindow(item))) return null;
  const filter = analyseCondition(select.having, { ...later, aliasesFirst: true }, context);
  if (filter === null || containsAggregate(filter) || containsWindow(filter)) return null;
  return filter;
}

function bothOf(
  left: TypedExpression | null,
  right: TypedExpression | null,
): TypedExpression | null {
  if (left === null || right === null) return left ?? right;
  return { kind: 'logical', type: BOOLEAN, op: 'AND', left, right };
}

function analyseCondition(
  expression: Expression | null,
  scope: Scope,
  context: RelationContext,
): TypedExpression | null {
  if (expression === null) return null;
  const expressions = context.expressions(scope);
  return condition(expressions.analyse(expression, expressions), expression.pos);
}

function refuse(expression: TypedExpression, clause: string, pos: Position): void {
  if (containsAggregate(expression)) {
    throw analyzeError(`${clause} clause cannot contain aggregations`, pos);
  }
  if (containsWindow(expression)) {
    throw analyzeError(`${clause} clause cannot contain window function`, pos);
  }
}

function checkComparable(items: readonly Item[]): void {
  for (const item of items) {
    const { type } = item.expression;
    if (!isGroupable(type)) {
      throw analyzeError(
        `DISTINCT can only be applied to comparable types : ${printSqlType(type)}`,
        item.pos,
      );
    }
  }
}

function analyseItem(
  item: ast.SelectItem,
  scope: Scope,
  context: RelationContext,
): readonly Item[] {
  if (item.kind === 'star_item') return expandStar(item, scope, context.analysis);
  const expressions = context.expressions(scope);
  const expression = expressions.analyse(item.expression, expressions);
  if (expression.kind === 'row' || expression.kind === 'interval') {
    throw analyzeError('A row or an interval is no value to select', item.pos);
  }
  return [{ expression, name: itemName(item, context), pos: item.pos, alias: item.alias }];
}

/** The alias, the column's own name, or the expression as it was written. */
function itemName(item: ast.ExpressionItem, context: RelationContext): string {
  if (item.alias !== null) return item.alias;
  const { expression } = item;
  if (expression.kind === 'column') return expression.path.at(-1) ?? '';
  const text = context.analysis.text.slice(item.pos.start, item.end).trim();
  if (expression.kind === 'string') return `'${expression.value}'`;
  return text === '' ? expression.kind : text;
}

function expandStar(item: ast.StarItem, scope: Scope, analysis: Analysis): readonly Item[] {
  const columns = item.qualifier === null ? starColumns(scope) : qualifiedStar(item, scope);
  if (columns.length === 0) throw analyzeError('SELECT * needs a FROM', item.pos);
  const excluded = new Set(item.exclude.map((name) => name.name.toLowerCase()));
  for (const name of item.exclude) {
    if (!columns.some((column) => column.name.toLowerCase() === name.name.toLowerCase())) {
      throw analyzeError(`Column '${name.name}' cannot be resolved`, name.pos);
    }
  }
  const wanted = columns.filter((column) => !excluded.has(column.name.toLowerCase()));
  analysis.stars.set(
    item,
    wanted.map((column) => pathOf(column, scope)),
  );
  return wanted.map((column) => ({
    expression: column.expression,
    name: column.name,
    pos: item.pos,
    alias: column.name,
  }));
}

/** The column's name with as much before it as it can have. */
function pathOf(column: ScopeColumn, scope: Scope): readonly string[] {
  const relation = scope.relations.find(({ columns }) => columns.includes(column));
  if (relation === undefined || relation.name === null) return [column.name];
  const { database, name } = relation;
  return database === null ? [name, column.name] : [database, name, column.name];
}

function qualifiedStar(item: ast.StarItem, scope: Scope): readonly ScopeColumn[] {
  const wanted = item.qualifier;
  const relation = scope.relations.find(
    (candidate) =>
      candidate.name?.toLowerCase() === wanted?.name.toLowerCase() &&
      (wanted?.database === null ||
        candidate.database?.toLowerCase() === wanted?.database.toLowerCase()),
  );
  if (relation === undefined) throw fail('UNKNOWN_TABLE', { table: wanted?.name ?? '' });
  return relation.columns;
}

function analyseGroupBy(
  groupBy: ast.GroupBy,
  items: readonly Item[],
  scope: Scope,
  context: RelationContext,
): GroupNode {
  const one = (expression: Expression): TypedExpression => {
    const grouped = groupExpression(expression, items, scope, context);
    refuse(grouped, 'GROUP BY', expression.pos);
    if (!isGroupable(grouped.type)) {
      throw analyzeError(
        'Type (nested) percentile/hll/bitmap/json not support group-by',
        expression.pos,
      );
    }
    return grouped;
  };
  if (groupBy.kind === 'grouping_sets') {
    return { kind: 'grouping_sets', sets: groupBy.sets.map((set) => set.map(one)) };
  }
  return { kind: groupBy.kind, items: groupBy.items.map(one) };
}

function groupExpression(
  expression: Expression,
  items: readonly Item[],
  scope: Scope,
  context: RelationContext,
): TypedExpression {
  if (expression.kind === 'integer') {
    const item = items[Number(expression.text) - 1];
    if (item === undefined) {
      throw analyzeError(
        `Group by position ${expression.text} is not in select list`,
        expression.pos,
      );
    }
    return item.expression;
  }
  const expressions = context.expressions(scope);
  return expressions.analyse(expression, expressions);
}

interface GroupKeys {
  /** Is this expression one of those grouped by? */
  readonly has: (expression: TypedExpression) => boolean;
}

function groupKeys(groupBy: GroupNode | null, context: RelationContext): GroupKeys {
  const sqlOf = keyMaker(context);
  const grouped =
    groupBy === null ? [] : groupBy.kind === 'grouping_sets' ? groupBy.sets.flat() : groupBy.items;
  const keys = new Set(grouped.map(sqlOf));
  return { has: (expression) => keys.size > 0 && keys.has(sqlOf(expression)) };
}

/** Columns of this SELECT's own relations must be inside an aggregate or a grouped expression. */
function groupChecker(
  keys: GroupKeys,
  own: ReadonlySet<string>,
): (expression: TypedExpression, pos: Position) => void {
  const checkGrouping = (args: readonly TypedExpression[], pos: Position): void => {
    if (args.every((arg) => keys.has(arg))) return;
    throw analyzeError('The arguments of grouping and grouping_id must appear in GROUP BY', pos);
  };
  const visit = (expression: TypedExpression, pos: Position): void => {
    if (expression.kind === 'literal') return;
    if (expression.kind === 'aggregate') {
      if (expression.entry.names[0] === 'grouping') checkGrouping(expression.args, pos);
      return;
    }
    if (keys.has(expression)) return;
    if (expression.kind === 'column' && own.has(expression.relation)) {
      throw analyzeError(
        `'${expression.display}' must be an aggregate expression or appear in GROUP BY clause`,
        pos,
      );
    }
    for (const child of childrenOf(expression)) visit(child, pos);
  };
  return visit;
}

/** What ONLY_FULL_GROUP_BY would refuse gets any_value() around it. SOURCE: StarRocks without that mode. */
function relaxer(
  keys: GroupKeys,
  own: ReadonlySet<string>,
  { analysis }: RelationContext,
): (expression: TypedExpression) => TypedExpression {
  const entry = present(analysis.functions.get('any_value'), 'any_value');
  const change = (part: TypedExpression): TypedExpression | undefined => {
    if (part.kind === 'literal' || part.kind === 'aggregate' || keys.has(part)) return part;
    if (part.kind !== 'column' || !own.has(part.relation)) return undefined;
    const { signature, result } = resolveSignature(entry, 'any_value', [part]);
    return {
      kind: 'aggregate',
      type: result,
      entry,
      signature,
      args: [part],
      distinct: false,
      orderBy: [],
      filter: null,
    };
  };
  return (expression) => mapExpression(expression, change);
}

/** Equal expressions have equal keys. Subqueries are told apart by identity: each gets its own number. */
export function keyMaker(context: RelationContext): (expression: TypedExpression) => string {
  const numbers = new Map<object, number>();
  return (expression) =>
    expressionSql(expression, {
      timeZone: context.analysis.session.timeZone,
      query: (node) => {
        const known = numbers.get(node) ?? numbers.size;
        numbers.set(node, known);
        return `query ${known}`;
      },
    });
}
