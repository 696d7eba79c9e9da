// The name of a relation in FROM, and what looks like one but begins the next clause.
import type { Identifier } from '../ast/node.ts';
import { notSupported } from './clause.ts';
import { type Cursor, isIdentifier } from './cursor.ts';

/** Words that are not reserved but, after a table, begin something else than its alias. */
const NOT_AN_ALIAS: ReadonlySet<string> = new Set([
  'ANTI',
  'EXCEPT',
  'MINUS',
  'PARTITIONS',
  'PIVOT',
  'QUALIFY',
  'SEMI',
  'TABLET',
  'TABLETS',
  'TEMPORARY',
]);

/** Words that a join begins with. */
export const JOIN_WORDS: ReadonlySet<string> = new Set([
  'JOIN',
  'INNER',
  'CROSS',
  'LEFT',
  'RIGHT',
  'FULL',
]);

/** What a relation is called, and its columns. */
export interface Alias {
  readonly alias: string | null;
  readonly columnAliases: readonly Identifier[];
}

/** `[AS] t [(a, b)]` behind a relation. */
export function parseAlias(cursor: Cursor): Alias {
  const { token } = cursor;
  if (token.word === 'NATURAL' && JOIN_WORDS.has(cursor.peek(1).word)) {
    throw notSupported('NATURAL JOIN', 'name the columns with USING');
  }
  let alias: string | null = null;
  if (cursor.take('AS')) {
    alias = cursor.identifierOrString().name;
  } else if (isIdentifier(token) && !NOT_AN_ALIAS.has(token.word)) {
    alias = cursor.next().text;
  }
  cursor.settle();
  if (alias === null || cursor.token.word !== '(') return { alias, columnAliases: [] };
  return { alias, columnAliases: cursor.parenthesised(() => cursor.identifier()) };
}
