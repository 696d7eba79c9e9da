// Statements that are known and refused: found by their first words, before any rule reads them.
import { type AppError, fail } from '../../base/errors.ts';
import { REFUSED_STATEMENTS, type RefusedStatement } from '../refused.ts';
import type { Cursor } from './cursor.ts';

interface Entry {
  readonly words: readonly string[];
  readonly row: RefusedStatement;
}

/** First word -> its statements, those with more words first. */
const BY_FIRST: ReadonlyMap<string, readonly Entry[]> = buildIndex();

function buildIndex(): ReadonlyMap<string, readonly Entry[]> {
  const index = new Map<string, Entry[]>();
  for (const row of REFUSED_STATEMENTS) {
    const words = row.words.split(' ');
    const [first = ''] = words;
    index.set(first, [...(index.get(first) ?? []), { words, row }]);
  }
  for (const entries of index.values()) entries.sort((a, b) => b.words.length - a.words.length);
  return index;
}

/** First words of refused statements, for the near misses of a wrong word. */
export const REFUSED_FIRST_WORDS: readonly string[] = [...BY_FIRST.keys()];

/** Second words of the refused statements that begin with this one. */
export function refusedAfter(first: string): readonly string[] {
  return (BY_FIRST.get(first) ?? []).flatMap(({ words }) => words.slice(1, 2));
}

/** Throws STATEMENT_NOT_YET or STATEMENT_OUT_OF_SCOPE when the statement that begins here is a refused one. */
export function checkNotRefused(cursor: Cursor): void {
  const found = BY_FIRST.get(cursor.token.word)?.find(({ words }) =>
    words.every((word, ahead) => cursor.peek(ahead).word === word),
  );
  if (found !== undefined) throw refusal(found.row);
}

function refusal({ words, state, instead }: RefusedStatement): AppError {
  return fail(state === 'later' ? 'STATEMENT_NOT_YET' : 'STATEMENT_OUT_OF_SCOPE', {
    what: words,
    instead,
  });
}
