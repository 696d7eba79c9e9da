// PIVOT: a grouped subquery with one conditional aggregate for each pair of a value and an aggregate.
// Groups are the columns that neither the aggregates nor FOR name. SOURCE: StarRocks' SELECT, PIVOT.
import { present } from '../base/assert.ts';
import type { Expression, FunctionCall } from '../sql/ast/expression.ts';
import type { Identifier } from '../sql/ast/node.ts';
import type { Pivot, PivotAggregate, PivotValue } from '../sql/ast/query.ts';
import { printExpression } from '../sql/print.ts';
import type { TypedExpression } from './expression.ts';
import type { OutputColumn, QueryNode } from './query-node.ts';
import {
  type AnalysedRelation,
  outputColumn,
  type RelationContext,
  renamed,
  scopeOf,
  single,
} from './relation-scope.ts';
import { analyzeError, resolveColumn, type Scope, starColumns } from './scope.ts';

interface Item extends OutputColumn {
  readonly expression: TypedExpression;
}

/** @throws SQL_ANALYZE_AT when something that is no plain aggregate is aggregated, or values do not fit the columns. */
export function analysePivot(
  pivot: Pivot,
  source: AnalysedRelation,
  context: RelationContext,
  outer: Scope | null,
): AnalysedRelation {
  const scope = scopeOf(source, outer);
  const groups = groupItems(pivot, scope);
  const items = [...groups, ...pivotItems(pivot, scope, context)];
  const query: QueryNode = {
    ctes: [],
    recursive: false,
    body: {
      kind: 'select',
      distinct: false,
      items: items.map((item) => item.expression),
      from: source.node,
      where: null,
      groupBy:
        groups.length === 0
          ? null
          : { kind: 'simple', items: groups.map((item) => item.expression) },
      having: null,
      qualify: null,
    },
    columns: items.map(({ name, type }) => ({ name, type })),
    orderBy: [],
    limit: null,
  };
  const alias = context.analysis.nextAlias();
  const columns = items.map(({ name, type }, i) => outputColumn(alias, i, name, type));
  const relation = {
    database: null,
    name: pivot.alias,
    alias,
    columns: renamed(columns, pivot.columnAliases),
  };
  return single({ kind: 'derived', query, alias }, relation);
}

function groupItems(pivot: Pivot, scope: Scope): readonly Item[] {
  const keyOf = (expression: TypedExpression): string =>
    expression.kind === 'column' ? `${expression.relation}.${expression.column}` : '';
  const used = new Set<string>();
  for (const name of pivot.columns) {
    used.add(keyOf(resolveColumn(scope, [name.name], name.pos).expression));
  }
  for (const { expression } of pivot.aggregates) {
    for (const { path, pos } of columnsIn(expression)) {
      used.add(keyOf(resolveColumn(scope, path, pos).expression));
    }
  }
  return starColumns(scope).filter(({ expression }) => !used.has(keyOf(expression)));
}

type Reference = Extract<Expression, { kind: 'column' }>;

/** Every column reference below a node, subqueries included. */
function columnsIn(node: unknown): readonly Reference[] {
  if (typeof node !== 'object' || node === null) return [];
  if (isReference(node)) return [node];
  return Object.values(node).flatMap(columnsIn);
}

function isReference(node: object): node is Reference {
  return 'kind' in node && node.kind === 'column' && 'path' in node;
}

function pivotItems(pivot: Pivot, scope: Scope, context: RelationContext): readonly Item[] {
  const expressions = context.expressions(scope);
  return pivot.values.flatMap((value) => {
    const condition = matches(pivot.columns, value);
    return pivot.aggregates.map((aggregate): Item => {
      const call = conditional(aggregate, condition);
      const expression = expressions.analyse(call, expressions);
      if (expression.kind !== 'aggregate') {
        throw analyzeError(
          'PIVOT takes calls of aggregate functions only',
          aggregate.expression.pos,
        );
      }
      const name = itemName(pivot, aggregate, value, context);
      return { name, type: expression.type, expression };
    });
  });
}

function matches(columns: readonly Identifier[], value: PivotValue): Expression {
  const pos = present(value.items[0], 'pivot value').pos;
  if (value.items.length !== columns.length) {
    throw analyzeError(
      `PIVOT has ${columns.length} columns, but this value has ${value.items.length} parts`,
      pos,
    );
  }
  const tests = columns.map((column, i): Expression => {
    const left: Expression = { kind: 'column', pos: column.pos, path: [column.name] };
    const right = present(value.items[i], 'pivot value');
    return { kind: 'binary', pos, op: '=', left, right };
  });
  return tests.reduce((left, right) => ({ kind: 'binary', pos, op: 'AND', left, right }));
}

/** `sum(x)` -> `sum(CASE WHEN condition THEN x END)`, `count(*)` -> `count(CASE WHEN condition THEN 1 END)`. */
function conditional({ expression }: PivotAggregate, when: Expression): FunctionCall {
  const { pos } = expression;
  if (expression.kind !== 'function') {
    throw analyzeError('PIVOT takes calls of aggregate functions only', pos);
  }
  const only = (result: Expression): Expression => ({
    kind: 'case',
    pos,
    operand: null,
    branches: [{ when, result }],
    otherwise: null,
  });
  const [first, ...rest] = expression.args;
  if (first === undefined) {
    return { ...expression, star: false, args: [only({ kind: 'integer', pos, text: '1' })] };
  }
  return { ...expression, args: [only(first), ...rest] };
}

/** `alias_value`; the value alone where there is one aggregate without a name. */
function itemName(
  { aggregates }: Pivot,
  { expression, alias, end }: PivotAggregate,
  value: PivotValue,
  { analysis }: RelationContext,
): string {
  const shown = value.alias ?? value.items.map(valueText).join('_');
  if (alias !== null) return `${alias}_${shown}`;
  if (aggregates.length === 1) return shown;
  const text = analysis.text.slice(expression.pos.start, end).trim();
  return `${text === '' ? printExpression(expression) : text}_${shown}`;
}

function valueText(value: Expression): string {
  return value.kind === 'string' ? value.value : printExpression(value);
}
