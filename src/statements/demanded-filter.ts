// System views that answer only a question about certain loads: each SELECT that names one must say which ones. Rows
// that nobody asked for would be looked for in all that was ever rejected.
import { fail } from '../base/errors.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Query, Relation, Select, TableReference } from '../sql/ast/query.ts';

/** By table reference of the query: columns in lower case, one of which must be filtered by. */
export type Demands = ReadonlyMap<TableReference, readonly string[]>;

/** A condition, and the columns that a join's USING names. */
interface Conditions {
  readonly expressions: Expression[];
  readonly using: string[];
}

/**
 * Each table of `demands` has, in the WHERE or in a join of the SELECT that names it, one of its columns equal to
 * something else. Throws FILTER_DEMANDED.
 * SOURCE: StarRocks FE, PlanFragmentBuilder, which takes constants only; columns of joined tables will do here.
 */
export function checkDemandedFilters(query: Query, demands: Demands): void {
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if (isSelect(node)) checkSelect(node, demands);
    for (const part of Object.values(node)) visit(part);
  };
  if (demands.size > 0) visit(query);
}

function checkSelect({ from, where }: Select, demands: Demands): void {
  if (from === null) return;
  const tables: TableReference[] = [];
  const conditions: Conditions = { expressions: where === null ? [] : [where], using: [] };
  gather(from, tables, conditions);
  for (const table of tables) {
    const columns = demands.get(table);
    if (columns === undefined || isFiltered(table, columns, conditions)) continue;
    throw fail('FILTER_DEMANDED', { view: table.name.name.toLowerCase() });
  }
}

function gather(from: Relation, tables: TableReference[], conditions: Conditions): void {
  if (from.kind === 'table') tables.push(from);
  if (from.kind === 'pivot') gather(from.source, tables, conditions);
  if (from.kind !== 'join') return;
  gather(from.left, tables, conditions);
  gather(from.right, tables, conditions);
  const { condition } = from;
  if (condition?.kind === 'on') conditions.expressions.push(condition.expression);
  if (condition?.kind === 'using')
    conditions.using.push(...condition.columns.map(({ name }) => name.toLowerCase()));
}

function isFiltered(
  { name, alias }: TableReference,
  columns: readonly string[],
  { expressions, using }: Conditions,
): boolean {
  const own = (alias ?? name.name).toLowerCase();
  /** Is it a column of this table? One without a table's name may be. */
  const isOwn = (expression: Expression): boolean =>
    expression.kind === 'column' &&
    (expression.path.length === 1 || expression.path.at(-2)?.toLowerCase() === own);
  const isKey = (expression: Expression): boolean =>
    expression.kind === 'column' &&
    isOwn(expression) &&
    columns.includes((expression.path.at(-1) ?? '').toLowerCase());
  const filters = (condition: Expression): boolean => {
    if (condition.kind === 'in_list' || condition.kind === 'in_subquery')
      return !condition.negated && isKey(condition.operand);
    if (condition.kind !== 'binary') return false;
    const { op, left, right } = condition;
    if (op === 'AND') return filters(left) || filters(right);
    if (op === 'OR') return filters(left) && filters(right);
    if (op !== '=' && op !== '<=>') return false;
    return (isKey(left) && !isOwn(right)) || (isKey(right) && !isOwn(left));
  };
  return using.some((column) => columns.includes(column)) || expressions.some(filters);
}

function isSelect(node: object): node is Select {
  return 'kind' in node && node.kind === 'select' && 'qualify' in node;
}
