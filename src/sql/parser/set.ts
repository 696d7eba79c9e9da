// SET: system and user variables, NAMES, CHARACTER SET, TRANSACTION, and the default storage volume.
// What is about users and roles is in account.ts.
import type { Expression, VariableScope } from '../ast/expression.ts';
import type { Position } from '../ast/node.ts';
import type { IsolationLevel, SetItem } from '../ast/session.ts';
import type { Statement } from '../ast/statement.ts';
import { parseSetAccount } from './account.ts';
import type { Cursor } from './cursor.ts';
import { parseVariable } from './primary.ts';

/** At SET. */
export function parseSet(cursor: Cursor): Statement {
  const { pos } = cursor.expect('SET');
  if (cursor.token.word === 'CATALOG' && !['=', ':='].includes(cursor.peek(1).word)) {
    cursor.next();
    return { kind: 'set_catalog', pos, name: cursor.identifierOrString().name };
  }
  if (cursor.peek(1).word === 'AS') {
    const name = cursor.identifierOrString();
    cursor.expectAll('AS', 'DEFAULT', 'STORAGE', 'VOLUME');
    return { kind: 'set_default_storage_volume', pos, name };
  }
  const account = parseSetAccount(cursor, pos);
  if (account !== null) return account;
  return { kind: 'set_variables', pos, items: cursor.list(() => parseItem(cursor)) };
}

function parseItem(cursor: Cursor): SetItem {
  const { pos, word } = cursor.token;
  if (word === '@') return parseAtVariable(cursor);
  const isAssignment = ['=', ':='].includes(cursor.peek(1).word);
  if (!isAssignment) {
    const special = parseSpecial(cursor, pos);
    if (special !== null) return special;
  }
  const scope = isScope(cursor) ? parseScope(cursor) : null;
  if (cursor.token.word === 'TRANSACTION' && !isAssignment)
    return parseTransaction(cursor, pos, scope);
  const name = cursor.identifier().name.toLowerCase();
  return { kind: 'system', pos, scope, name, value: parseValue(cursor) };
}

/** Forms that are not `name = value`, null when the next words are none of them. */
function parseSpecial(cursor: Cursor, pos: Position): SetItem | null {
  if (cursor.take('NAMES')) {
    const charset = parseNameOrDefault(cursor);
    const collation = cursor.take('COLLATE') ? parseNameOrDefault(cursor) : null;
    return { kind: 'names', pos, charset, collation };
  }
  if (
    cursor.take('CHARSET') ||
    cursor.takeAll('CHARACTER', 'SET') ||
    cursor.takeAll('CHAR', 'SET')
  ) {
    return { kind: 'character_set', pos, charset: parseNameOrDefault(cursor) };
  }
  return null;
}

function parseNameOrDefault(cursor: Cursor): string | null {
  return cursor.take('DEFAULT') ? null : cursor.identifierOrString().name;
}

const isScope = (cursor: Cursor): boolean =>
  ['GLOBAL', 'SESSION', 'LOCAL'].includes(cursor.token.word) &&
  !['=', ':='].includes(cursor.peek(1).word);

function parseScope(cursor: Cursor): VariableScope {
  return cursor.next().word === 'GLOBAL' ? 'GLOBAL' : 'SESSION';
}

function parseAtVariable(cursor: Cursor): SetItem {
  const variable = parseVariable(cursor);
  const { pos } = variable;
  const value = parseValue(cursor);
  if (variable.kind === 'system_variable') {
    return { kind: 'system', pos, scope: variable.scope, name: variable.name, value };
  }
  const name = variable.kind === 'user_variable' ? variable.name : '';
  return { kind: 'user', pos, name, value };
}

/** `= value`, where a bare word, ON and ALL are strings. */
function parseValue(cursor: Cursor): Expression {
  if (cursor.token.word === ':=') cursor.next();
  else cursor.expect('=');
  const { pos, word, text } = cursor.token;
  if (word === 'DEFAULT') {
    cursor.next();
    return { kind: 'default', pos };
  }
  if (word === 'ON' || word === 'ALL') {
    cursor.next();
    return { kind: 'string', pos, value: text };
  }
  const value = cursor.grammar.expression(cursor);
  const [only] = value.kind === 'column' && value.path.length === 1 ? value.path : [];
  return only === undefined ? value : { kind: 'string', pos, value: only };
}

function parseTransaction(cursor: Cursor, pos: Position, scope: VariableScope | null): SetItem {
  cursor.expect('TRANSACTION');
  let isolation: IsolationLevel | null = null;
  let access: 'READ ONLY' | 'READ WRITE' | null = null;
  do {
    if (cursor.take('ISOLATION')) {
      cursor.expect('LEVEL');
      isolation = parseIsolation(cursor);
    } else {
      cursor.expect('READ');
      access = cursor.expectOneOf(['ONLY', 'WRITE']) === 'ONLY' ? 'READ ONLY' : 'READ WRITE';
    }
  } while (cursor.take(','));
  return { kind: 'transaction', pos, scope, isolation, access };
}

function parseIsolation(cursor: Cursor): IsolationLevel {
  const first = cursor.expectOneOf(['READ', 'REPEATABLE', 'SERIALIZABLE'] as const);
  switch (first) {
    case 'SERIALIZABLE':
      return 'SERIALIZABLE';
    case 'REPEATABLE':
      cursor.expect('READ');
      return 'REPEATABLE READ';
    case 'READ': {
      const second = cursor.expectOneOf(['UNCOMMITTED', 'COMMITTED'] as const);
      return second === 'COMMITTED' ? 'READ COMMITTED' : 'READ UNCOMMITTED';
    }
  }
}
