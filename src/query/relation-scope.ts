// What the files that analyse FROM share: a relation with what it adds to the scope, and how outputs of
// subqueries become columns.
import { present } from '../base/assert.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { Identifier } from '../sql/ast/node.ts';
import type { Analysis } from './analysis.ts';
import type { ExpressionContext } from './expression-context.ts';
import type { RelationNode } from './query-node.ts';
import {
  analyzeError,
  type CteScope,
  EMPTY_SCOPE,
  type Scope,
  type ScopeColumn,
  type ScopeRelation,
} from './scope.ts';

/** A relation and what it adds to the scope. */
export interface AnalysedRelation {
  readonly node: RelationNode;
  readonly relations: readonly ScopeRelation[];
  readonly merged: readonly ScopeColumn[];
  readonly hidden: ReadonlySet<ScopeColumn>;
}

/** What the relation analyser needs from the query analyser. */
export interface RelationContext {
  readonly analysis: Analysis;
  readonly ctes: CteScope;
  /** The query around this one. */
  readonly outer: Scope | null;
  readonly expressions: (scope: Scope) => ExpressionContext;
}

/** The scope of a relation, inside the query around it. */
export function scopeOf(analysed: AnalysedRelation, outer: Scope | null): Scope {
  return {
    ...EMPTY_SCOPE,
    relations: analysed.relations,
    merged: analysed.merged,
    hidden: analysed.hidden,
    parent: outer,
  };
}

/** A relation on its own. */
export function single(node: RelationNode, relation: ScopeRelation): AnalysedRelation {
  return { node, relations: [relation], merged: [], hidden: new Set() };
}

/** The i-th output of a subquery. */
export function outputColumn(
  relation: string,
  i: number,
  name: string,
  type: SqlType,
): ScopeColumn {
  return {
    name,
    type,
    expression: { kind: 'column', type, relation, column: `c${i}`, display: name },
  };
}

/** The columns under the names of an alias list. */
export function renamed(
  columns: readonly ScopeColumn[],
  aliases: readonly Identifier[],
): readonly ScopeColumn[] {
  if (aliases.length === 0) return columns;
  if (aliases.length !== columns.length) {
    throw analyzeError(
      `Column alias list has ${aliases.length} names, but the table has ${columns.length} columns`,
      present(aliases[0], 'column alias').pos,
    );
  }
  return columns.map((column, i) => {
    const { name } = present(aliases[i], 'alias');
    const { expression } = column;
    const shown = expression.kind === 'column' ? { ...expression, display: name } : expression;
    return { ...column, name, expression: shown };
  });
}
