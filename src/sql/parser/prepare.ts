// PREPARE, EXECUTE and DEALLOCATE: prepared statements written as SQL.
import { fail } from '../../base/errors.ts';
import type { Position } from '../ast/node.ts';
import type { PrepareSource } from '../ast/session.ts';
import type { Statement } from '../ast/statement.ts';
import { parseExecuteAs } from './account.ts';
import type { Cursor } from './cursor.ts';

const NOT_PREPARABLE = ['PREPARE', 'EXECUTE', 'DEALLOCATE'];

/** At PREPARE. `statement` is the rule of whole statements, for `PREPARE name FROM SELECT ...`. */
export function parsePrepare(cursor: Cursor, statement: (cursor: Cursor) => Statement): Statement {
  const { pos } = cursor.expect('PREPARE');
  const name = cursor.identifier();
  cursor.expect('FROM');
  return { kind: 'prepare', pos, name, source: parseSource(cursor, statement) };
}

function parseSource(cursor: Cursor, statement: (cursor: Cursor) => Statement): PrepareSource {
  if (cursor.token.type === 'string') return { kind: 'text', text: cursor.string() };
  if (cursor.at('@')) return { kind: 'variable', name: userVariable(cursor) };
  // Also keeps a long chain of them from the end of the stack.
  if (NOT_PREPARABLE.includes(cursor.token.word)) throw fail('NOT_PREPARABLE');
  return { kind: 'statement', statement: statement(cursor) };
}

/** At EXECUTE: of a prepared statement, or AS another user. */
export function parseExecute(cursor: Cursor): Statement {
  const { pos } = cursor.expect('EXECUTE');
  // AS is reserved: no prepared statement has that name without backticks.
  if (cursor.at('AS')) return parseExecuteAs(cursor, pos);
  const name = cursor.identifier();
  const using = cursor.take('USING') ? cursor.list(() => userVariable(cursor)) : [];
  return { kind: 'execute', pos, name, using };
}

/** At DEALLOCATE. */
export function parseDeallocate(cursor: Cursor): Statement {
  const { pos } = cursor.expect('DEALLOCATE');
  return parseDeallocated(cursor, pos);
}

/** After DEALLOCATE or DROP, at PREPARE. */
export function parseDeallocated(cursor: Cursor, pos: Position): Statement {
  cursor.expect('PREPARE');
  return { kind: 'deallocate', pos, name: cursor.identifier() };
}

function userVariable(cursor: Cursor): string {
  cursor.expect('@');
  return cursor.identifierOrString().name.toLowerCase();
}
