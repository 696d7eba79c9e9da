// The inside of a hint comment: SET_VAR and SET_USER_VARIABLE; everything else is skipped.
import type { Expression } from '../ast/expression.ts';
import type { Cursor } from './cursor.ts';

interface Assignment {
  readonly kind: 'system' | 'user';
  readonly name: string;
  readonly value: Expression;
}

/** Reads to the end of the hint. Throws SQL_SYNTAX. */
export function parseHintRule(cursor: Cursor): readonly Assignment[] {
  const items: Assignment[] = [];
  while (cursor.token.type !== 'end') {
    const { word } = cursor.next();
    if (cursor.token.word !== '(') continue;
    if (word === 'SET_VAR') items.push(...cursor.parenthesised(() => parseSystem(cursor)));
    if (word === 'SET_USER_VARIABLE') items.push(...cursor.parenthesised(() => parseUser(cursor)));
  }
  return items;
}

function parseSystem(cursor: Cursor): Assignment {
  const { name } = cursor.identifierOrString();
  cursor.expect('=');
  return { kind: 'system', name: name.toLowerCase(), value: cursor.grammar.expression(cursor) };
}

function parseUser(cursor: Cursor): Assignment {
  cursor.expect('@');
  const { name } = cursor.identifierOrString();
  cursor.expect('=');
  return { kind: 'user', name: name.toLowerCase(), value: cursor.grammar.expression(cursor) };
}
