// Clauses of ALTER TABLE that change columns: ADD, DROP, MODIFY, RENAME COLUMN and ORDER BY.
import type { AlterColumnClause, ColumnPosition } from '../ast/ddl.ts';
import type { Property } from '../ast/node.ts';
import { notSupported, parseProperties } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseColumn } from './table.ts';
import { parseType } from './type.ts';

/** The clause that begins here; null when it is about something else than columns. Throws NOT_SUPPORTED. */
export function parseColumnClause(cursor: Cursor): AlterColumnClause | null {
  if (cursor.takeAll('ADD', 'COLUMN')) return parseAdd(cursor);
  if (cursor.takeAll('DROP', 'COLUMN')) {
    const { name } = cursor.identifier();
    return { kind: 'drop_column', name, properties: parseEnd(cursor) };
  }
  if (cursor.takeAll('MODIFY', 'COLUMN')) return parseModify(cursor);
  if (atRename(cursor) && cursor.takeAll('RENAME', 'COLUMN')) {
    const { name } = cursor.identifier();
    cursor.take('TO');
    return { kind: 'rename_column', name, to: cursor.identifier().name };
  }
  if (cursor.takeAll('ORDER', 'BY')) {
    const columns = cursor.parenthesised(() => cursor.identifier());
    return { kind: 'order_by', columns, properties: parseEnd(cursor) };
  }
  return null;
}

/** `RENAME COLUMN a TO b`, rather than `RENAME column`: a table may have that name. */
function atRename(cursor: Cursor): boolean {
  const after = cursor.peek(2);
  return after.type !== 'end' && ![',', ';'].includes(after.word);
}

/** After ADD COLUMN. */
function parseAdd(cursor: Cursor): AlterColumnClause {
  if (cursor.at('(')) {
    const columns = cursor.parenthesised(() => parseColumn(cursor));
    return { kind: 'add_columns', columns, properties: parseEnd(cursor) };
  }
  const column = parseColumn(cursor);
  const position = parsePosition(cursor);
  return { kind: 'add_column', column, position, properties: parseEnd(cursor) };
}

/** After MODIFY COLUMN. */
function parseModify(cursor: Cursor): AlterColumnClause {
  const next = cursor.peek(1).word;
  if (next === 'COMMENT') {
    const { name } = cursor.identifier();
    cursor.expect('COMMENT');
    return { kind: 'comment_column', name, comment: cursor.string() };
  }
  const third = cursor.peek(2).word;
  if ((next === 'ADD' || next === 'DROP') && third === 'FIELD') return parseField(cursor);
  const column = parseColumn(cursor);
  const position = parsePosition(cursor);
  return { kind: 'modify_column', column, position, properties: parseEnd(cursor) };
}

/** At the column's name. */
function parseField(cursor: Cursor): AlterColumnClause {
  const { name } = cursor.identifier();
  if (cursor.takeAll('DROP', 'FIELD')) {
    return { kind: 'drop_field', name, path: parsePath(cursor), properties: parseEnd(cursor) };
  }
  cursor.expectAll('ADD', 'FIELD');
  const path = parsePath(cursor);
  const type = parseType(cursor, 'column');
  const position = parsePosition(cursor);
  return { kind: 'add_field', name, path, type, position, properties: parseEnd(cursor) };
}

/** `a.[*].b`. */
function parsePath(cursor: Cursor): readonly string[] {
  const path: string[] = [];
  do {
    if (cursor.take('[')) {
      cursor.expectAll('*', ']');
      path.push('[*]');
    } else path.push(cursor.identifier().name);
  } while (cursor.take('.'));
  return path;
}

function parsePosition(cursor: Cursor): ColumnPosition | null {
  if (cursor.take('FIRST')) return { kind: 'first' };
  return cursor.take('AFTER') ? { kind: 'after', column: cursor.identifier().name } : null;
}

/** `[TO | FROM rollup] [PROPERTIES (...)]`. */
function parseEnd(cursor: Cursor): readonly Property[] {
  const { word } = cursor.token;
  if (word === 'TO' || word === 'FROM') throw notSupported('rollups of a table');
  return parseProperties(cursor);
}
