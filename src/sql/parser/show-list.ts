// SHOW statements that are plain lists: `SHOW <words> [FROM db] [LIKE|WHERE] [ORDER BY] [LIMIT]`. Which
// words there are is SHOW_LISTS of the tree, plus other spellings of the same.
import type { Position } from '../ast/node.ts';
import { SHOW_LISTS, type ShowList, type ShowListWhat, type ShowOrder } from '../ast/show.ts';
import { END_OF_INPUT } from '../syntax-error.ts';
import { parseFromDatabase, parseShowFilter } from './clause.ts';
import type { Cursor } from './cursor.ts';
import { parseLimit, parseOrderBy } from './order.ts';

/** Other spellings. */
const ALIASES: Readonly<Record<string, ShowListWhat>> = {
  ANALYZE: 'ANALYZE STATUS',
  'CHAR SET': 'CHARSET',
  'CHARACTER SET': 'CHARSET',
  'RESOURCE GROUPS ALL': 'RESOURCE GROUPS',
  'STORAGE ENGINES': 'ENGINES',
  'VERBOSE RESOURCE GROUPS': 'RESOURCE GROUPS',
};

interface Entry {
  readonly words: readonly string[];
  readonly what: ShowListWhat;
}

/** First word -> lists, those with more words first. */
const BY_FIRST: ReadonlyMap<string, readonly Entry[]> = buildIndex();

function buildIndex(): ReadonlyMap<string, readonly Entry[]> {
  const spellings: [string, ShowListWhat][] = [
    ...SHOW_LISTS.map((what): [string, ShowListWhat] => [what, what]),
    ...Object.entries(ALIASES),
  ];
  const index = new Map<string, Entry[]>();
  for (const [spelling, what] of spellings) {
    const words = spelling.split(' ');
    const [first = ''] = words;
    index.set(first, [...(index.get(first) ?? []), { words, what }]);
  }
  for (const entries of index.values()) entries.sort((a, b) => b.words.length - a.words.length);
  return index;
}

/** For the near misses of a wrong word after SHOW. */
export const LIST_FIRST_WORDS: readonly string[] = [...BY_FIRST.keys()];

/** Words that follow this first word in some list. */
export function listWordsAfter(first: string): readonly string[] {
  return (BY_FIRST.get(first) ?? []).flatMap(({ words }) => words.slice(1, 2));
}

/** After SHOW: the list, or null when the words are those of another statement. */
export function parseShowList(cursor: Cursor, pos: Position): ShowList | null {
  const found = BY_FIRST.get(cursor.token.word)?.find(({ words }) => cursor.takeAll(...words));
  if (found === undefined) return null;
  const database = parseFromDatabase(cursor);
  const filter = parseShowFilter(cursor);
  const order = parseShowOrder(cursor);
  return { kind: 'show_list', pos, what: found.what, database, ...filter, ...order };
}

/** At the first word of a list whose later words are wrong: the error names what could stand there. */
export function unknownList(cursor: Cursor): Error {
  let entries = BY_FIRST.get(cursor.next().word) ?? [];
  for (let at = 1; ; at += 1) {
    const fitting = entries.filter(({ words }) => words[at] === cursor.token.word);
    if (fitting.length === 0) {
      for (const { words } of entries) cursor.note(words[at] ?? END_OF_INPUT);
      return cursor.unexpected();
    }
    entries = fitting;
    cursor.next();
  }
}

/** `[ORDER BY ...] [LIMIT ...]`. */
export function parseShowOrder(cursor: Cursor): ShowOrder {
  return { orderBy: parseOrderBy(cursor), limit: parseLimit(cursor) };
}
