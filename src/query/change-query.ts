// DELETE and UPDATE as a query over the table that they change and what is joined to it. Syntax trees only: nothing is
// resolved here, and no text is made.
import type { Assignment, ChangeStatement, Delete } from '../sql/ast/change.ts';
import type { Expression } from '../sql/ast/expression.ts';
import type { Position } from '../sql/ast/node.ts';
import type * as ast from '../sql/ast/query.ts';

/** What the rows of an AGGREGATE KEY table are called where they are merged ones. No user writes such a name. */
const MERGED = '__merged rows';

/**
 * The query whose rows a statement changes: its items are the new values in the order of `assignments`. The table
 * stands in it by its full name, so that no WITH table is taken for it.
 */
export function changeQuery(
  statement: ChangeStatement,
  database: string,
  assignments: readonly Assignment[],
): ast.Query {
  const { pos, table, where } = statement;
  const others = statement.kind === 'delete' ? statement.using : statement.from;
  const target: ast.TableReference = { ...reference(statement, database), changed: true };
  const from = others === null ? target : join(table.pos, target, others, null);
  const items = assignments.map(({ pos: at, column, value }) => item(at, value, column));
  const list = items.length === 0 ? [item(pos, { kind: 'integer', pos, text: '1' }, '1')] : items;
  return { ...whole(statement), body: select(pos, list, from, where, false) };
}

/** As `changeQuery`, with the rows as they are read: for a change that is written as rows with keys. */
export function changedRowsQuery(
  statement: ChangeStatement,
  database: string,
  assignments: readonly Assignment[],
): ast.Query {
  const { pos, table, where } = statement;
  const others = statement.kind === 'delete' ? statement.using : statement.from;
  const target = reference(statement, database);
  const from = others === null ? target : join(table.pos, target, others, null);
  const items = assignments.map(({ pos: at, column, value }) => item(at, value, column));
  return { ...whole(statement), body: select(pos, items, from, where, false) };
}

/** A column of the table that a statement changes, whatever is joined to it. */
export function ownColumn({ pos, table }: ChangeStatement, column: string): Expression {
  return { kind: 'column', pos, path: [table.name, column] };
}

/**
 * The query for a DELETE from an AGGREGATE KEY table: the condition looks at merged rows, and all rows of the files
 * that have their keys go. Where it looks at nothing but keys, every row can be judged by itself.
 */
export function mergedDeleteQuery(
  statement: Delete,
  database: string,
  keys: readonly string[],
): ast.Query {
  const { pos, table, where, using } = statement;
  if (using === null && where !== null && namesOnly(where, keys)) {
    return changeQuery(statement, database, []);
  }
  const own = (key: string): Expression => ({ kind: 'column', pos, path: [table.name, key] });
  const merged = reference(statement, database);
  const found = select(
    pos,
    keys.map((key) => item(pos, own(key), key)),
    using === null ? merged : join(table.pos, merged, using, null),
    where,
    true,
  );
  const gone: ast.DerivedTable = {
    kind: 'derived_table',
    pos,
    query: { ...whole(statement), recursive: false, ctes: [], body: found },
    alias: MERGED,
    columnAliases: [],
  };
  const same = keys
    .map((key): Expression => {
      const right: Expression = { kind: 'column', pos, path: [MERGED, key] };
      return { kind: 'binary', pos, op: '<=>', left: own(key), right };
    })
    .reduce((left, right): Expression => ({ kind: 'binary', pos, op: 'AND', left, right }));
  const target: ast.TableReference = { ...merged, changed: true };
  const from = join(table.pos, target, gone, { kind: 'on', expression: same });
  const one = item(pos, { kind: 'integer', pos, text: '1' }, '1');
  return { ...whole(statement), body: select(pos, [one], from, null, false) };
}

/** Does the condition look at these columns of the table and at nothing else? */
function namesOnly(where: Expression, keys: readonly string[]): boolean {
  const names = new Set(keys.map((key) => key.toLowerCase()));
  const check = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return true;
    if (Array.isArray(value)) return value.every(check);
    if ('kind' in value && value.kind === 'query') return false;
    if ('kind' in value && value.kind === 'column' && 'path' in value) {
      const path = value.path as readonly string[];
      return names.has((path.at(-1) ?? '').toLowerCase());
    }
    return Object.values(value).every(check);
  };
  return check(where);
}

function reference(statement: ChangeStatement, database: string): ast.TableReference {
  const { table } = statement;
  const name = { ...table, database };
  const partitions = statement.kind === 'delete' ? statement.partitions : null;
  return { kind: 'table', pos: table.pos, name, partitions, alias: null, columnAliases: [] };
}

function join(
  pos: Position,
  left: ast.Relation,
  right: ast.Relation,
  condition: ast.JoinCondition | null,
): ast.Join {
  const type = condition === null ? 'CROSS' : 'INNER';
  return { kind: 'join', pos, type, hint: null, lateral: false, left, right, condition };
}

function item(pos: Position, expression: Expression, alias: string): ast.ExpressionItem {
  return { kind: 'expression_item', pos, expression, alias, end: pos.start };
}

function select(
  pos: Position,
  items: readonly ast.SelectItem[],
  from: ast.Relation,
  where: Expression | null,
  distinct: boolean,
): ast.Select {
  const none = { groupBy: null, having: null, qualify: null };
  return { kind: 'select', pos, hints: [], distinct, items, from, where, ...none };
}

function whole({ pos, recursive, ctes }: ChangeStatement): Omit<ast.Query, 'body'> {
  return { kind: 'query', pos, recursive, ctes, orderBy: [], limit: null };
}
