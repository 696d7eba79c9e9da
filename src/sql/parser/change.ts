// DELETE and UPDATE, and which statement it is that begins with WITH.
import type { Assignment, Delete, Update } from '../ast/change.ts';
import type { Query } from '../ast/query.ts';
import type { Cursor } from './cursor.ts';
import {
  NO_WITH,
  parseQueryAfterWith,
  parseValueOrDefault,
  parseWith,
  type With,
} from './query.ts';
import { parsePartitionNames, parseRelations } from './relation.ts';

/** At WITH: a query, DELETE or UPDATE. */
export function parseWithStatement(cursor: Cursor): Query | Delete | Update {
  const outer = cursor.open();
  const head = parseWith(cursor);
  let statement: Query | Delete | Update;
  if (cursor.at('UPDATE')) statement = parseUpdate(cursor, head);
  else if (cursor.at('DELETE')) statement = parseDelete(cursor, head);
  else statement = parseQueryAfterWith(cursor, head);
  cursor.grow(1);
  cursor.close(outer);
  return statement;
}

/** At DELETE. */
export function parseDelete(cursor: Cursor, head: With = NO_WITH): Delete {
  const pos = head.pos ?? cursor.pos;
  const { recursive, ctes } = head;
  cursor.expect('DELETE');
  const hints = cursor.hints();
  cursor.expect('FROM');
  const table = cursor.qualifiedName();
  const partitions = parsePartitionNames(cursor);
  const using = cursor.take('USING') ? parseRelations(cursor) : null;
  const where = cursor.take('WHERE') ? cursor.grammar.expression(cursor) : null;
  return { kind: 'delete', pos, hints, recursive, ctes, table, partitions, using, where };
}

/** At UPDATE. */
export function parseUpdate(cursor: Cursor, head: With = NO_WITH): Update {
  const pos = head.pos ?? cursor.pos;
  const { recursive, ctes } = head;
  cursor.expect('UPDATE');
  const hints = cursor.hints();
  const table = cursor.qualifiedName();
  // SOURCE: MySQL, the multiple-table UPDATE: dbt's snapshots are written so. The first table is the one that changes.
  const others = cursor.take(',') ? parseRelations(cursor) : null;
  cursor.expect('SET');
  const assignments = cursor.list(() => parseAssignment(cursor));
  const from = others ?? (cursor.take('FROM') ? parseRelations(cursor) : null);
  const where = cursor.take('WHERE') ? cursor.grammar.expression(cursor) : null;
  return { kind: 'update', pos, hints, recursive, ctes, table, assignments, from, where };
}

function parseAssignment(cursor: Cursor): Assignment {
  const first = cursor.identifier();
  const path = [first.name];
  while (path.length < 4 && cursor.take('.')) path.push(cursor.nameAfterPoint());
  cursor.expect('=');
  const value = parseValueOrDefault(cursor);
  return { pos: first.pos, qualifier: path.slice(0, -1), column: path.at(-1) ?? '', value };
}
