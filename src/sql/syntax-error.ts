// Syntax errors in StarRocks' wording: which expected words to name, and in which order.
// SOURCE: StarRocks' parser error strategy (main, 2025): if an identifier would do, only that is named;
// otherwise the five words most similar by Jaro-Winkler distance, then all symbols in lexer order.
import { type AppError, fail } from '../base/errors.ts';
import type { Position } from './ast/node.ts';

/** Stands in an expected set for "any identifier". */
export const LEGAL_IDENTIFIER = 'a legal identifier';
/** How the end of the statement is shown. */
export const END_OF_INPUT = '<EOF>';
/** Token classes as StarRocks names them; they are shown bare. */
export const STRING_CLASSES = ['SINGLE_QUOTED_TEXT', 'DOUBLE_QUOTED_TEXT'] as const;
export const INTEGER_CLASS = 'INTEGER_VALUE';

const BARE: ReadonlySet<string> = new Set([
  LEGAL_IDENTIFIER,
  END_OF_INPUT,
  INTEGER_CLASS,
  ...STRING_CLASSES,
]);

const MAX_WORDS = 5;

/** Symbols come in this order; one that is not listed comes after. */
const SYMBOL_ORDER = [
  END_OF_INPUT,
  '.',
  '(',
  ',',
  ')',
  '[',
  ']',
  '{',
  '}',
  ':',
  '=',
  '*',
  '@',
  ';',
];

/** Makes SQL_SYNTAX for the token shown as `found` ('<EOF>' at the end) where one of `expected` could stand. */
export function syntaxError(pos: Position, found: string, expected: Iterable<string>): AppError {
  const shown = describeExpected(found, [...expected]);
  return fail('SQL_SYNTAX', {
    line: pos.line,
    column: pos.column,
    detail: `Unexpected input '${found}', the most similar input is {${shown.join(', ')}}`,
  });
}

/** The alternatives as shown, nearest first. */
export function describeExpected(found: string, expected: readonly string[]): string[] {
  if (expected.includes(LEGAL_IDENTIFIER)) return [LEGAL_IDENTIFIER];
  const upper = found.toUpperCase();
  const words = expected
    .filter(isWord)
    .map((word) => (BARE.has(word) ? word : `'${word}'`))
    .map((shown) => ({ shown, distance: 1 - jaroWinkler(shown, upper) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_WORDS)
    .map(({ shown }) => shown);
  const symbols = expected
    .filter((item) => !isWord(item))
    .sort((a, b) => symbolRank(a) - symbolRank(b))
    .map((symbol) => (symbol === END_OF_INPUT ? symbol : `'${symbol}'`));
  return [...words, ...symbols];
}

const isWord = (item: string): boolean => /^[A-Z]/.test(item);

function symbolRank(symbol: string): number {
  const index = SYMBOL_ORDER.indexOf(symbol);
  return index === -1 ? SYMBOL_ORDER.length : index;
}

/** Jaro-Winkler similarity in [0, 1], with the boost only from 0.7 on and a common prefix of up to 4. */
export function jaroWinkler(left: string, right: string): number {
  const jaro = jaroSimilarity(left, right);
  if (jaro < 0.7) return jaro;
  const longest = Math.max(left.length, right.length);
  let prefix = 0;
  while (prefix < 4 && prefix < right.length && left[prefix] === right[prefix]) prefix += 1;
  return jaro + Math.min(0.1, 1 / longest) * prefix * (1 - jaro);
}

function jaroSimilarity(left: string, right: string): number {
  const [short, long] = left.length <= right.length ? [left, right] : [right, left];
  const range = Math.max(Math.floor(long.length / 2) - 1, 0);
  const matchOfShort = new Array<number>(short.length).fill(-1);
  const taken = new Array<boolean>(long.length).fill(false);
  let matches = 0;
  for (let i = 0; i < short.length; i += 1) {
    const last = Math.min(i + range + 1, long.length);
    for (let j = Math.max(i - range, 0); j < last; j += 1) {
      if (taken[j] === true || short[i] !== long[j]) continue;
      matchOfShort[i] = j;
      taken[j] = true;
      matches += 1;
      break;
    }
  }
  if (matches === 0) return 0;
  const fromShort = matchOfShort.flatMap((j, i) => (j === -1 ? [] : [short[i]]));
  const fromLong = [...long].filter((_, j) => taken[j] === true);
  const halfTranspositions = fromShort.filter((char, i) => char !== fromLong[i]).length;
  const transposed = halfTranspositions / 2;
  return (matches / left.length + matches / right.length + (matches - transposed) / matches) / 3;
}
