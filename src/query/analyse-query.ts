// Whole queries: WITH, set operations, VALUES, ORDER BY and LIMIT around a body. Calls itself for
// subqueries through the expression context.

import { present } from '../base/assert.ts';
import { printSqlType, type SqlType } from '../model/sql-type.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type * as ast from '../sql/ast/query.ts';
import { NO_ORDER } from './analyse-arguments.ts';
import { analyseExpression } from './analyse-expression.ts';

import { type AnalysedSelect, analyseSelect, keyMaker } from './analyse-select.ts';
import type { Analysis } from './analysis.ts';
import { coerce } from './coerce.ts';
import { collectTableRefs } from './collect-table-refs.ts';
import type { ExpressionContext } from './expression-context.ts';
import { queryWidth } from './limits.ts';
import type {
  BodyNode,
  CteNode,
  OrderNode,
  OutputColumn,
  QueryNode,
  ValuesNode,
} from './query-node.ts';
import { outputColumn, type RelationContext } from './relation-scope.ts';
import { analyzeError, type CteBinding, type CteScope, EMPTY_SCOPE, type Scope } from './scope.ts';
import {
  BIGINT,
  commonType,
  isComparable,
  isInteger,
  isSortable,
  isString,
  NULL_TYPE,
  STRING,
} from './types.ts';

interface AnalysedBody {
  readonly node: BodyNode;
  readonly columns: readonly OutputColumn[];
  /** Only for a plain SELECT: ORDER BY may then use its FROM. */
  readonly select: AnalysedSelect | null;
}

/**
 * Resolves and types a query. `outer` is the scope around a subquery, null at the top.
 * @throws SQL_ANALYZE, SQL_ANALYZE_AT, UNKNOWN_TABLE, UNKNOWN_DATABASE, NO_DATABASE, NOT_SUPPORTED, LIMIT_EXCEEDED.
 */
export function analyseQuery(
  query: ast.Query,
  analysis: Analysis,
  outer: Scope | null,
  outerCtes: CteScope,
): QueryNode {
  refuseSameNames(query.ctes);
  const ctes = new Map<string, CteBinding>(outerCtes);
  const nodes = query.ctes.map((cte) =>
    query.recursive && namesItself(cte)
      ? analyseRecursive(cte, analysis, outer, ctes)
      : analyseCte(cte, analysis, outer, ctes),
  );
  const context = relationContext(analysis, outer, ctes);
  let body = analyseBody(query.body, context);
  if (
    query.orderBy.length > 0 &&
    body.select === null &&
    !query.orderBy.every((item) => isOutput(item, body))
  ) {
    body = wrapped(body, context);
  }
  const orderBy = query.orderBy.map((item) => analyseOrder(item, body, context));
  checkGrouping(body.select, orderBy, query.orderBy);
  return {
    ctes: nodes,
    recursive: query.recursive,
    body: body.node,
    columns: body.columns,
    orderBy,
    limit: query.limit === null ? null : analyseLimit(query.limit, context),
  };
}

function checkGrouping(
  select: AnalysedSelect | null,
  orderBy: readonly OrderNode[],
  items: readonly ast.OrderItem[],
): void {
  select?.checkGrouped(
    orderBy.flatMap((node, i) =>
      node.kind === 'output'
        ? []
        : [{ expression: node.key.expression, pos: present(items[i], 'ORDER BY item').pos }],
    ),
  );
}

function relationContext(analysis: Analysis, outer: Scope | null, ctes: CteScope): RelationContext {
  return {
    analysis,
    ctes,
    outer,
    expressions: (scope): ExpressionContext => ({
      analysis,
      scope,
      ctes,
      parameters: new Map(),
      lambdaDepth: 0,
      analyse: analyseExpression,
      analyseQuery: (query, around, known) => analyseQuery(query, analysis, around, known),
    }),
  };
}

function analyseCte(
  cte: ast.CommonTable,
  analysis: Analysis,
  outer: Scope | null,
  ctes: Map<string, CteBinding>,
): CteNode {
  const query = analyseQuery(cte.query, analysis, outer, ctes);
  if (cte.columns.length > 0 && cte.columns.length !== query.columns.length) {
    throw analyzeError(
      `WITH table ${cte.name} has ${cte.columns.length} column names for ${query.columns.length} columns`,
      cte.pos,
    );
  }
  const name = bindCte(cte, query.columns, analysis, ctes);
  analysis.cteWidths.set(name, queryWidth(query, analysis.cteWidths));
  return { name, label: cte.name, query };
}

/** SOURCE: MySQL's words for two tables of one name; otherwise the later one would hide the first in silence. */
function refuseSameNames(ctes: readonly ast.CommonTable[]): void {
  const names = new Set<string>();
  for (const cte of ctes) {
    const name = cte.name.toLowerCase();
    if (names.has(name)) throw analyzeError(`Not unique table/alias: '${cte.name}'`, cte.query.pos);
    names.add(name);
  }
}

/** Makes the WITH table known to what follows; gives its name in the generated SQL. */
function bindCte(
  cte: ast.CommonTable,
  columns: readonly OutputColumn[],
  analysis: Analysis,
  ctes: Map<string, CteBinding>,
): string {
  const generated = analysis.nextName('w');
  ctes.set(cte.name.toLowerCase(), {
    generated,
    columns: columns.map((column, i) => ({
      name: cte.columns[i]?.name ?? column.name,
      type: column.type,
    })),
  });
  return generated;
}

function namesItself(cte: ast.CommonTable): boolean {
  const name = cte.name.toLowerCase();
  return collectTableRefs(cte.query).some(
    (ref) => ref.database === null && ref.name.toLowerCase() === name,
  );
}

/**
 * `anchor UNION [ALL] step`, where only the step reads the table itself. The anchor settles the types;
 * integers become BIGINT and texts STRING, so that `n + 1` has room to grow.
 */
function analyseRecursive(
  cte: ast.CommonTable,
  analysis: Analysis,
  outer: Scope | null,
  ctes: Map<string, CteBinding>,
): CteNode {
  const { body } = cte.query;
  const plain =
    cte.query.ctes.length === 0 && cte.query.orderBy.length === 0 && cte.query.limit === null;
  if (!plain || body.kind !== 'set_operation' || body.op !== 'UNION') {
    throw analyzeError(`The recursive WITH table ${cte.name} must be a plain UNION`, cte.pos);
  }
  const anchor = analyseBody(body.left, relationContext(analysis, outer, ctes));
  anchor.select?.checkGrouped([]);
  if (cte.columns.length > 0 && cte.columns.length !== anchor.columns.length) {
    throw analyzeError(
      `WITH table ${cte.name} has ${cte.columns.length} column names for ${anchor.columns.length} columns`,
      cte.pos,
    );
  }
  const columns = anchor.columns.map(({ name, type }) => ({ name, type: roomy(type) }));
  const name = bindCte(cte, columns, analysis, ctes);
  const step = analyseBody(body.right, relationContext(analysis, outer, ctes));
  step.select?.checkGrouped([]);
  if (step.columns.length !== columns.length) {
    throw analyzeError('Operands have unequal number of columns', body.pos);
  }
  const typesOf = (side: AnalysedBody): readonly SqlType[] => side.columns.map((c) => c.type);
  const node: BodyNode = {
    kind: 'set',
    op: 'UNION',
    all: body.all,
    left: { body: anchor.node, types: typesOf(anchor) },
    right: { body: step.node, types: typesOf(step) },
    types: columns.map((column) => column.type),
  };
  const query = { ctes: [], recursive: false, body: node, columns, orderBy: [], limit: null };
  return { name, label: cte.name, query };
}

function roomy(type: SqlType): SqlType {
  if (isInteger(type) && type.kind !== 'LARGEINT') return BIGINT;
  return isString(type) || type.kind === 'NULL' ? STRING : type;
}

function analyseBody(body: ast.QueryBody, context: RelationContext): AnalysedBody {
  switch (body.kind) {
    case 'select': {
      const select = analyseSelect(body, context);
      return { node: select.node, columns: select.columns, select };
    }
    case 'values':
      return analyseValues(body, context);
    case 'query': {
      const query = analyseQuery(body, context.analysis, context.outer, context.ctes);
      return { node: { kind: 'nested', query }, columns: query.columns, select: null };
    }
    case 'set_operation':
      return analyseSet(body, context);
  }
}

function analyseSet(set: ast.SetOperation, context: RelationContext): AnalysedBody {
  const left = analyseBody(set.left, context);
  const right = analyseBody(set.right, context);
  left.select?.checkGrouped([]);
  right.select?.checkGrouped([]);
  if (left.columns.length !== right.columns.length) {
    throw analyzeError('Operands have unequal number of columns', set.pos);
  }
  const columns = left.columns.map((column, i): OutputColumn => {
    const other = present(right.columns[i], 'column of a set operation');
    const type = commonType(column.type, other.type);
    if (type === undefined) {
      throw analyzeError(
        `${set.op} mixes ${printSqlType(column.type)} and ${printSqlType(other.type)} in column ${i + 1}`,
        set.pos,
      );
    }
    if (!set.all && !isComparable(type)) {
      throw analyzeError(`${set.op} not support column ${column.name} of this type`, set.pos);
    }
    return { name: column.name, type };
  });
  const typesOf = (body: AnalysedBody): readonly SqlType[] => body.columns.map((c) => c.type);
  return {
    node: {
      kind: 'set',
      op: set.op,
      all: set.all,
      left: { body: left.node, types: typesOf(left) },
      right: { body: right.node, types: typesOf(right) },
      types: columns.map((column) => column.type),
    },
    columns,
    select: null,
  };
}

function analyseValues(values: ast.Values, context: RelationContext): AnalysedBody {
  const expressions = context.expressions(EMPTY_SCOPE);
  const rows = values.rows.map((row) => row.map((item) => expressions.analyse(item, expressions)));
  const width = rows[0]?.length ?? 0;
  const types: SqlType[] = Array.from({ length: width }, () => NULL_TYPE);
  for (const row of rows) {
    if (row.length !== width) {
      throw analyzeError('Values have unequal number of columns', values.pos);
    }
    for (const [i, item] of row.entries()) {
      const type = commonType(types[i] ?? NULL_TYPE, item.type);
      if (type === undefined) {
        throw analyzeError(`Values of column ${i + 1} have no common type`, values.pos);
      }
      types[i] = type;
    }
  }
  const node: ValuesNode = {
    kind: 'values',
    rows: rows.map((row) => row.map((item, i) => coerce(item, types[i] ?? NULL_TYPE))),
  };
  return { node, columns: types.map((type, i) => ({ name: `column_${i}`, type })), select: null };
}

/** The body as a subquery, so that ORDER BY can compute with its columns. */
function wrapped(body: AnalysedBody, context: RelationContext): AnalysedBody {
  const alias = context.analysis.nextAlias();
  const columns = body.columns.map((column, i) => outputColumn(alias, i, column.name, column.type));
  const inner: QueryNode = {
    ctes: [],
    recursive: false,
    body: body.node,
    columns: body.columns,
    orderBy: [],
    limit: null,
  };
  const scope: Scope = {
    ...EMPTY_SCOPE,
    relations: [{ database: null, name: null, alias, columns }],
    parent: context.outer,
  };
  const select: AnalysedSelect = {
    node: {
      kind: 'select',
      distinct: false,
      items: columns.map((column) => column.expression),
      from: { kind: 'derived', query: inner, alias },
      where: null,
      groupBy: null,
      having: null,
      qualify: null,
    },
    columns: body.columns,
    scope,
    checkGrouped: () => undefined,
    relax: (expression) => expression,
  };
  return { node: select.node, columns: body.columns, select };
}

function isOutput(item: ast.OrderItem, body: AnalysedBody): boolean {
  return outputIndex(item.expression, body) !== undefined;
}

/** The output that an ORDER BY item names by position or name. @throws SQL_ANALYZE_AT for a position out of range. */
function outputIndex(expression: Expression, body: AnalysedBody): number | undefined {
  if (expression.kind === 'integer') {
    const index = Number(expression.text) - 1;
    if (body.columns[index] !== undefined) return index;
    throw analyzeError(
      `ORDER BY position ${expression.text} is not in select list`,
      expression.pos,
    );
  }
  if (expression.kind !== 'column' || expression.path.length !== 1) return undefined;
  const name = expression.path[0]?.toLowerCase();
  const index = body.columns.findIndex((column) => column.name.toLowerCase() === name);
  return index < 0 ? undefined : index;
}

function analyseOrder(
  item: ast.OrderItem,
  body: AnalysedBody,
  context: RelationContext,
): OrderNode {
  const direction = {
    descending: item.descending,
    nullsFirst: item.nullsFirst ?? !item.descending,
  };
  const named = outputIndex(item.expression, body);
  if (named !== undefined) {
    checkOrdered(present(body.columns[named], 'output').type, item);
    return { kind: 'output', index: named, ...direction };
  }
  const select = present(body.select, 'SELECT before ORDER BY');
  const expressions = context.expressions(select.scope);
  const expression = select.relax(expressions.analyse(item.expression, expressions));
  checkOrdered(expression.type, item);
  const keyOf = keyMaker(context);
  const key = keyOf(expression);
  const same = select.node.items.findIndex((candidate) => keyOf(candidate) === key);
  if (same >= 0) return { kind: 'output', index: same, ...direction };
  if (select.node.distinct) {
    throw analyzeError(
      'for SELECT DISTINCT, ORDER BY expressions must appear in select list',
      item.pos,
    );
  }
  return { kind: 'expression', key: { expression, ...direction } };
}

function checkOrdered(type: SqlType, item: ast.OrderItem): void {
  if (!isSortable(type)) {
    throw analyzeError(NO_ORDER, item.pos);
  }
}

function analyseLimit(
  limit: ast.Limit,
  context: RelationContext,
): { count: bigint; offset: bigint } {
  const value = (expression: Expression): bigint => {
    const expressions = context.expressions(EMPTY_SCOPE);
    const typed = expressions.analyse(expression, expressions);
    if (
      typed.kind !== 'literal' ||
      typed.text === null ||
      !isInteger(typed.type) ||
      typed.text.startsWith('-')
    ) {
      throw analyzeError('LIMIT and OFFSET must be non-negative integers', expression.pos);
    }
    const number = BigInt(typed.text);
    if (number >= 1n << 63n) {
      throw analyzeError(`LIMIT and OFFSET must fit ${printSqlType(BIGINT)}`, expression.pos);
    }
    return number;
  };
  return { count: value(limit.count), offset: limit.offset === null ? 0n : value(limit.offset) };
}
