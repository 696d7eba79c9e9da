// FROM: tables, subqueries, table functions and joins -> relations with generated aliases, and the scope
// they make. SEMI and ANTI joins become DuckDB's (right ones with their sides swapped).
import { present } from '../base/assert.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { Identifier } from '../sql/ast/node.ts';
import type * as ast from '../sql/ast/query.ts';
import { requireComparable } from './analyse-operators.ts';
import { analysePivot } from './analyse-pivot.ts';
import { analyseTableFunction } from './analyse-table-function.ts';
import type { Analysis } from './analysis.ts';
import type { InlineTableSource, StoredTable } from './catalog.ts';
import { coerce } from './coerce.ts';
import { pointOf } from './collect-table-refs.ts';
import { condition } from './condition.ts';
import type { TypedExpression } from './expression.ts';
import { filesOf, partitionsNamed } from './partition-names.ts';
import type { JoinNode, RelationNode } from './query-node.ts';
import {
  type AnalysedRelation,
  outputColumn,
  type RelationContext,
  renamed,
  scopeOf,
  single,
} from './relation-scope.ts';
import {
  analyzeError,
  EMPTY_SCOPE,
  type Scope,
  type ScopeColumn,
  type ScopeRelation,
} from './scope.ts';
import { BOOLEAN, commonType } from './types.ts';

/** @throws UNKNOWN_TABLE, UNKNOWN_DATABASE, NO_DATABASE, SQL_ANALYZE_AT. */
export function analyseRelation(
  relation: ast.Relation,
  context: RelationContext,
  lateral: Scope | null,
): AnalysedRelation {
  switch (relation.kind) {
    case 'table':
      return analyseTable(relation, context);
    case 'derived_table':
      return analyseDerived(relation, context, lateral);
    case 'table_function':
      return analyseTableFunction(relation, context, lateral);
    case 'pivot':
      return analysePivot(
        relation,
        analyseRelation(relation.source, context, lateral),
        context,
        lateral ?? context.outer,
      );
    case 'join':
      return analyseJoin(relation, context, lateral);
  }
}

function analyseTable(relation: ast.TableReference, context: RelationContext): AnalysedRelation {
  const { analysis } = context;
  const { name } = relation;
  const alias = analysis.nextAlias();
  analysis.relationNames.set(alias, relation.alias ?? name.name);
  const cte = name.database === null ? context.ctes.get(name.name.toLowerCase()) : undefined;
  if (cte !== undefined) {
    if (relation.asOf !== undefined) refuseTravel(relation);
    const columns = cte.columns.map((column, i) =>
      outputColumn(alias, i, column.name, column.type),
    );
    return single(
      { kind: 'cte', name: cte.generated, alias },
      {
        database: null,
        name: relation.alias ?? name.name,
        alias,
        columns: renamed(columns, relation.columnAliases),
      },
    );
  }
  const { table, database } = analysis.lookUpTable(name, pointOf(relation));
  if (relation.asOf !== undefined && table.kind !== 'stored') refuseTravel(relation);
  const placeholder = `__scan${analysis.scans.length + analysis.inlineTables.length}`;
  analysis.tableNames.set(placeholder, `${database}.${name.name}`);
  const columns =
    table.kind === 'stored'
      ? storedColumns(
          table,
          { alias, placeholder, changed: relation.changed === true, names: relation.partitions },
          analysis,
        )
      : inlineColumns(table, alias, placeholder, analysis);
  const scope: ScopeRelation = {
    database: relation.alias === null ? database : null,
    name: relation.alias ?? name.name,
    alias,
    columns: renamed(columns, relation.columnAliases),
  };
  return single({ kind: 'scan', placeholder, alias }, scope);
}

function refuseTravel({ name, asOf }: ast.TableReference): never {
  throw analyzeError(
    `FOR ${asOf?.unit ?? ''} AS OF reads tables: '${name.name}' is none`,
    name.pos,
  );
}

interface StoredReference {
  readonly alias: string;
  readonly placeholder: string;
  readonly changed: boolean;
  readonly names: ast.PartitionNames | null;
}

function storedColumns(
  { info, files, volumes, partitions: known }: StoredTable,
  { alias, placeholder, changed, names }: StoredReference,
  analysis: Analysis,
): readonly ScopeColumn[] {
  const { schema, partitioning, name: tableName } = info;
  const partitions = known ?? null;
  const list =
    names === null
      ? (partitions?.filter(({ isTemporary }) => !isTemporary) ?? null)
      : partitionsNamed(
          { tableName, partitions },
          names.names.map(({ name }) => name),
          names.temporary,
        );
  analysis.scans.push({
    placeholder,
    alias,
    schema,
    files: filesOf(list, files),
    volumes,
    ...(partitioning === undefined || list === null ? {} : { partitions: { partitioning, list } }),
    ...(changed ? { positions: true } : {}),
  });
  return schema.columns.map((column) => physicalColumn(alias, column.name, column.type));
}

function inlineColumns(
  table: InlineTableSource,
  alias: string,
  placeholder: string,
  analysis: Analysis,
): readonly ScopeColumn[] {
  analysis.inlineTables.push({ placeholder, columns: table.columns, rows: table.rows });
  return table.columns.map((column) => physicalColumn(alias, column.name, column.type));
}

function physicalColumn(relation: string, name: string, type: SqlType): ScopeColumn {
  return {
    name,
    type,
    expression: { kind: 'column', type, relation, column: name, display: name },
  };
}

function analyseDerived(
  relation: ast.DerivedTable,
  context: RelationContext,
  lateral: Scope | null,
): AnalysedRelation {
  const alias = context.analysis.nextAlias();
  const analyseQuery = context.expressions(EMPTY_SCOPE).analyseQuery;
  const outer = lateral ?? context.outer ?? EMPTY_SCOPE;
  const query = present(analyseQuery, 'query analyser')(relation.query, outer, context.ctes);
  if (relation.alias !== null) context.analysis.relationNames.set(alias, relation.alias);
  const columns = query.columns.map((column, i) =>
    outputColumn(alias, i, column.name, column.type),
  );
  return single(
    { kind: 'derived', query, alias },
    {
      database: relation.viewDatabase ?? null,
      name: relation.alias,
      alias,
      columns: renamed(columns, relation.columnAliases),
    },
  );
}

function analyseJoin(
  join: ast.Join,
  context: RelationContext,
  lateral: Scope | null,
): AnalysedRelation {
  const left = analyseRelation(join.left, context, lateral);
  // What stands on the right of LATERAL, and every table function, sees the relations before it.
  const sees = join.lateral || join.right.kind === 'table_function';
  const leftScope = scopeOf(left, lateral ?? context.outer);
  const right = analyseRelation(join.right, context, sees ? leftScope : lateral);
  checkAliases(left, right, join);
  const both: AnalysedRelation = {
    node: left.node,
    relations: [...left.relations, ...right.relations],
    merged: [...left.merged, ...right.merged],
    hidden: new Set([...left.hidden, ...right.hidden]),
  };
  if (join.condition?.kind === 'using') return joinUsing(join, join.condition.columns, left, right);
  const on = analyseOn(join, scopeOf(both, lateral ?? context.outer), context);
  return finishJoin(join, left, right, both, on);
}

function analyseOn(join: ast.Join, scope: Scope, context: RelationContext): TypedExpression | null {
  if (join.condition?.kind !== 'on') return null;
  const expressions = context.expressions(scope);
  const on = expressions.analyse(join.condition.expression, expressions);
  return condition(on, join.condition.expression.pos);
}

function checkAliases(left: AnalysedRelation, right: AnalysedRelation, join: ast.Join): void {
  const names = new Set(left.relations.map(qualifiedName));
  for (const relation of right.relations) {
    if (relation.name !== null && names.has(qualifiedName(relation))) {
      throw analyzeError(`Not unique table/alias: '${relation.name}'`, join.right.pos);
    }
  }
}

function qualifiedName(relation: ScopeRelation): string {
  return `${relation.database ?? ''}.${relation.name ?? ''}`.toLowerCase();
}

function finishJoin(
  join: ast.Join,
  left: AnalysedRelation,
  right: AnalysedRelation,
  both: AnalysedRelation,
  on: TypedExpression | null,
): AnalysedRelation {
  const node = (type: JoinNode['type'], a: RelationNode, b: RelationNode): JoinNode => ({
    kind: 'join',
    type,
    left: a,
    right: b,
    on,
  });
  switch (join.type) {
    case 'LEFT SEMI':
      return { ...left, node: node('SEMI', left.node, right.node) };
    case 'LEFT ANTI':
      return { ...left, node: node('ANTI', left.node, right.node) };
    case 'RIGHT SEMI':
      return { ...right, node: node('SEMI', right.node, left.node) };
    case 'RIGHT ANTI':
      return { ...right, node: node('ANTI', right.node, left.node) };
    case 'INNER':
    case 'CROSS':
      return { ...both, node: node(on === null ? 'CROSS' : 'INNER', left.node, right.node) };
    case 'LEFT':
    case 'RIGHT':
    case 'FULL':
      if (on === null && join.right.kind !== 'table_function') {
        throw analyzeError(`${join.type} JOIN needs ON or USING`, join.pos);
      }
      return { ...both, node: node(join.type, left.node, right.node) };
  }
}

/** USING: equality of the named columns; outside they appear once, from the side that is never NULL. */
function joinUsing(
  join: ast.Join,
  names: readonly Identifier[],
  left: AnalysedRelation,
  right: AnalysedRelation,
): AnalysedRelation {
  const hidden = new Set([...left.hidden, ...right.hidden]);
  const merged: ScopeColumn[] = [];
  let on: TypedExpression | null = null;
  for (const name of names) {
    const a = usingColumn(left, name);
    const b = usingColumn(right, name);
    const equal = requireComparable('=', a.expression, b.expression, name.pos);
    on =
      on === null ? equal : { kind: 'logical', type: BOOLEAN, op: 'AND', left: on, right: equal };
    hidden.add(a);
    hidden.add(b);
    merged.push(mergedColumn(join.type, a, b));
  }
  const taken = new Set(names.map((name) => name.name.toLowerCase()));
  const rest = [...left.merged, ...right.merged].filter(
    (column) => !taken.has(column.name.toLowerCase()),
  );
  const both: AnalysedRelation = {
    node: left.node,
    relations: [...left.relations, ...right.relations],
    merged: [...merged, ...rest],
    hidden,
  };
  return finishJoin(join, left, right, both, on);
}

function usingColumn(side: AnalysedRelation, name: Identifier): ScopeColumn {
  const lower = name.name.toLowerCase();
  const merged = side.merged.find((column) => column.name.toLowerCase() === lower);
  if (merged !== undefined) return merged;
  const found = side.relations
    .flatMap((relation) => relation.columns)
    .filter((column) => column.name.toLowerCase() === lower && !side.hidden.has(column));
  const [column, more] = found;
  if (column === undefined)
    throw analyzeError(`Column '${name.name}' cannot be resolved`, name.pos);
  if (more !== undefined) throw analyzeError(`Column '${name.name}' is ambiguous`, name.pos);
  return column;
}

function mergedColumn(type: ast.JoinType, a: ScopeColumn, b: ScopeColumn): ScopeColumn {
  if (type === 'RIGHT') return { ...b, name: a.name };
  if (type !== 'FULL') return { ...a };
  const common = commonType(a.type, b.type) ?? a.type;
  const isLeft: TypedExpression = {
    kind: 'is_null',
    type: BOOLEAN,
    negated: true,
    operand: a.expression,
  };
  return {
    name: a.name,
    type: common,
    expression: {
      kind: 'case',
      type: common,
      branches: [{ when: isLeft, result: coerce(a.expression, common) }],
      otherwise: coerce(b.expression, common),
    },
  };
}
