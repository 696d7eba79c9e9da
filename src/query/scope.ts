// What names mean at a place in a query: relations in FROM, select aliases, lambda parameters, WITH
// tables, and the query around it (correlation). Looks up; never changes anything.
import { fail } from '../base/errors.ts';
import type { SqlType } from '../model/sql-type.ts';
import type { Position } from '../sql/ast/node.ts';
import type { TypedExpression } from './expression.ts';

export interface ScopeColumn {
  readonly name: string;
  readonly type: SqlType;
  readonly expression: TypedExpression;
}

/** One table of FROM under the name by which it can be qualified. */
export interface ScopeRelation {
  readonly database: string | null;
  /** null: cannot be qualified (a subquery without alias). */
  readonly name: string | null;
  /** Alias in the generated SQL. */
  readonly alias: string;
  readonly columns: readonly ScopeColumn[];
}

export interface Scope {
  readonly relations: readonly ScopeRelation[];
  /** Columns that JOIN ... USING merged: unqualified names and `*` see these instead of both sides. */
  readonly merged: readonly ScopeColumn[];
  readonly hidden: ReadonlySet<ScopeColumn>;
  /** Select aliases in lower case, for GROUP BY, HAVING and ORDER BY. */
  readonly aliases: ReadonlyMap<string, TypedExpression>;
  /** ORDER BY looks at aliases before columns; the others after them. */
  readonly aliasesFirst: boolean;
  readonly parent: Scope | null;
}

export const EMPTY_SCOPE: Scope = {
  relations: [],
  merged: [],
  hidden: new Set(),
  aliases: new Map(),
  aliasesFirst: false,
  parent: null,
};

/** A WITH table by its name in lower case. */
export interface CteBinding {
  readonly generated: string;
  readonly columns: readonly { readonly name: string; readonly type: SqlType }[];
}
export type CteScope = ReadonlyMap<string, CteBinding>;

/** An analysis error with its place; the place is left out where the text is not known (stored expressions). */
export function analyzeError(detail: string, pos: Position | null): Error {
  return pos === null
    ? fail('SQL_ANALYZE', { detail })
    : fail('SQL_ANALYZE_AT', { detail, line: pos.line, column: pos.column });
}

/** A column and how many parts of the path it took; the others are struct fields. */
export interface FoundColumn {
  readonly expression: TypedExpression;
  readonly used: number;
}

/**
 * Finds `c`, `t.c`, `db.t.c` (or `c.field`) in a scope or the ones around it.
 * @throws SQL_ANALYZE_AT `Column 'x' cannot be resolved` or `Column 'x' is ambiguous`.
 */
export function resolveColumn(scope: Scope, path: readonly string[], pos: Position): FoundColumn {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const found = resolveHere(at, path, pos);
    if (found !== undefined) return found;
  }
  const shown =
    path.length === 1 ? `'${path[0]}'` : `'${path.map((part) => `\`${part}\``).join('.')}'`;
  throw analyzeError(`Column ${shown} cannot be resolved`, pos);
}

function resolveHere(
  scope: Scope,
  path: readonly string[],
  pos: Position,
): FoundColumn | undefined {
  const [first = '', second, third, fourth] = path;
  if (path.length === 1 && scope.aliasesFirst) {
    const alias = scope.aliases.get(first.toLowerCase());
    if (alias !== undefined) return { expression: alias, used: 1 };
  }
  if (fourth !== undefined && first.toLowerCase() === 'default_catalog') {
    const found = resolveHere(scope, path.slice(1), pos);
    if (found !== undefined) return { ...found, used: found.used + 1 };
  }
  if (third !== undefined) {
    const found = pick(
      scope.relations
        .filter((r) => same(r.database, first) && same(r.name, second ?? ''))
        .flatMap((r) => columnsNamed(r.columns, third)),
      path,
      pos,
    );
    if (found !== undefined) return { expression: found.expression, used: 3 };
  }
  if (second !== undefined) {
    const found = pick(
      scope.relations
        .filter((r) => same(r.name, first))
        .flatMap((r) => columnsNamed(r.columns, second)),
      path,
      pos,
    );
    if (found !== undefined) return { expression: found.expression, used: 2 };
  }
  const merged = columnsNamed(scope.merged, first)[0];
  if (merged !== undefined) return { expression: merged.expression, used: 1 };
  const found = pick(
    scope.relations.flatMap((r) =>
      columnsNamed(r.columns, first).filter((c) => !scope.hidden.has(c)),
    ),
    path,
    pos,
  );
  if (found !== undefined) return { expression: found.expression, used: 1 };
  const alias = path.length === 1 ? scope.aliases.get(first.toLowerCase()) : undefined;
  return alias === undefined ? undefined : { expression: alias, used: 1 };
}

function columnsNamed(columns: readonly ScopeColumn[], name: string): readonly ScopeColumn[] {
  const lower = name.toLowerCase();
  return columns.filter((column) => column.name.toLowerCase() === lower);
}

function same(name: string | null, wanted: string): boolean {
  return name !== null && name.toLowerCase() === wanted.toLowerCase();
}

function pick(
  found: readonly ScopeColumn[],
  path: readonly string[],
  pos: Position,
): ScopeColumn | undefined {
  if (found.length > 1) throw analyzeError(`Column '${path.join('.')}' is ambiguous`, pos);
  return found[0];
}

/** The columns `*` stands for: merged ones first, then every relation's that are not hidden. */
export function starColumns(scope: Scope): readonly ScopeColumn[] {
  return [
    ...scope.merged,
    ...scope.relations.flatMap((relation) =>
      relation.columns.filter((column) => !scope.hidden.has(column)),
    ),
  ];
}
