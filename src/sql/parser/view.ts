// CREATE, ALTER and DROP VIEW.
import type { AlterView, CreateView, DropView, ViewColumnName } from '../ast/ddl.ts';
import type { Position } from '../ast/node.ts';
import { parseComment, parseIfExists, parseIfNotExists } from './clause.ts';
import type { Cursor } from './cursor.ts';

/** After CREATE [OR REPLACE] VIEW. */
export function parseCreateView(cursor: Cursor, pos: Position, orReplace: boolean): CreateView {
  const ifNotExists = parseIfNotExists(cursor);
  const name = cursor.qualifiedName();
  const columns = parseColumns(cursor);
  const comment = parseComment(cursor);
  const security = cursor.take('SECURITY') ? cursor.expectOneOf(['NONE', 'INVOKER']) : null;
  cursor.expect('AS');
  const query = cursor.grammar.query(cursor);
  const kind = 'create_view';
  return { kind, pos, orReplace, ifNotExists, name, columns, comment, security, query };
}

/** After ALTER VIEW. */
export function parseAlterView(cursor: Cursor, pos: Position): AlterView {
  const name = cursor.qualifiedName();
  if (cursor.takeAll('SET', 'SECURITY')) {
    const security = cursor.expectOneOf(['NONE', 'INVOKER']);
    return { kind: 'alter_view', pos, name, columns: [], query: null, security };
  }
  const columns = parseColumns(cursor);
  cursor.expect('AS');
  const query = cursor.grammar.query(cursor);
  return { kind: 'alter_view', pos, name, columns, query, security: null };
}

/** After DROP VIEW. */
export function parseDropView(cursor: Cursor, pos: Position): DropView {
  const ifExists = parseIfExists(cursor);
  return { kind: 'drop_view', pos, ifExists, name: cursor.qualifiedName() };
}

/** `[(a, b COMMENT 'text', ...)]`. */
function parseColumns(cursor: Cursor): readonly ViewColumnName[] {
  if (cursor.token.word !== '(') return [];
  return cursor.parenthesised(() => {
    const { pos, name } = cursor.identifier();
    return { pos, name, comment: parseComment(cursor) };
  });
}
