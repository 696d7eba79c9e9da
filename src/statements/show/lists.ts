// The table of SHOW lists and the one handler for all of them: rows, LIKE, WHERE, ORDER BY, LIMIT.
import type { Expression } from '../../sql/ast/expression.ts';
import type { ShowListWhat } from '../../sql/ast/show.ts';
import { databaseOf } from '../databases.ts';
import { viewContext } from '../information-schema/system-databases.ts';
import { filterRows } from '../show-filter.ts';
import { type Handler, textRows } from '../types.ts';
import { wantedColumns } from '../wanted.ts';
import { ABSENT_LISTS } from './absent-lists.ts';
import { ALTER_LISTS } from './alter-lists.ts';
import { DELETES } from './deletes.ts';
import type { ListContext, ListDefinition } from './list-definition.ts';
import { LOAD_LISTS } from './load-lists.ts';
import { NODE_LISTS } from './nodes.ts';
import { limitRows, orderRows, type Rows } from './order.ts';
import { SERVER_LISTS } from './server-lists.ts';

export const LISTS: Readonly<Record<ShowListWhat, ListDefinition>> = {
  ...SERVER_LISTS,
  ...NODE_LISTS,
  ...LOAD_LISTS,
  ...ALTER_LISTS,
  ...ABSENT_LISTS,
  DELETE: DELETES,
};

/** Rows of a list as text. */
export async function listRows(definition: ListDefinition, context: ListContext): Promise<Rows> {
  if (definition.rows === 'none') return [];
  const rows = await definition.rows(context);
  return rows.map((row) => row.map((cell) => (cell === null ? null : String(cell))));
}

/** The condition with the columns' own names in place of their aliases. */
function named(where: Expression | null, { aliases }: ListDefinition): Expression | null {
  if (where === null || aliases === undefined) return where;
  const visit = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(visit);
    if (node === null || typeof node !== 'object') return node;
    const copy = Object.entries(node).map(([key, value]) => [key, visit(value)]);
    const made: Record<string, unknown> = Object.fromEntries(copy);
    const path = made['path'];
    if (made['kind'] === 'column' && Array.isArray(path)) {
      const name = String(path.at(-1)).toLowerCase();
      if (Object.hasOwn(aliases, name)) made['path'] = [aliases[name]];
    }
    return made;
  };
  return visit(where) as Expression;
}

export const showList: Handler<'show_list'> = async (statement, context) => {
  const { what, like, where, orderBy, limit } = statement;
  const definition = LISTS[what];
  const { columns } = definition;
  const given = statement.database === null ? null : databaseOf(statement.database);
  // A database that does not exist is an error, also for an empty list.
  if (given !== null) await context.services.catalog.databases.get(given);
  const database = given ?? context.session.database;
  const condition = named(where, definition);
  const view = await viewContext(context, wantedColumns(condition));
  const rows = await listRows(definition, { ...view, database });
  const likeColumn = definition.like === undefined ? 0 : columns.indexOf(definition.like);
  const kept = filterRows(columns, rows, { like, where: condition }, likeColumn);
  const sorted = orderRows(`SHOW ${what}`, columns, kept, orderBy);
  return textRows(columns, limitRows(sorted, limit));
};
