// Functions that look for text in text, by position, in lists, by likeness.
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';
import { joinListSql } from './join-list.ts';

const string = definer('scalar', 'string');
const own = { nulls: 'own' } as const;

/** Position from a start on; nothing is found from a start outside the text. */
const locateFrom = (site: CallSite): string => {
  const [needle = '', text = '', from = ''] = site.sql;
  const found = `strpos(substring(${text}, ${from}), ${needle})`;
  return `CASE WHEN ${from} < 1 OR ${from} > length(${text}) + 1 THEN CASE WHEN ${needle} IS NOT NULL AND ${text} IS NOT NULL THEN 0 END WHEN ${found} = 0 THEN 0 ELSE CAST(${found} + ${from} - 1 AS INTEGER) END`;
};

/** The n-th occurrence, from the end for negative n. The parts between the occurrences tell where they are. */
const nthPosition = (site: CallSite): string => {
  const [text = '', needle = '', n = ''] = site.sql;
  const parts = `string_split(${text}, ${needle})`;
  const before = (count: string): string =>
    `CAST(length(${joinListSql(`${parts}[1:${count}]`, needle, site.args[1])}) + 1 AS BIGINT)`;
  const fromEnd = `len(${parts}) + ${n}`;
  return `CASE WHEN ${n} IS NULL OR ${needle} IS NULL OR ${text} IS NULL THEN NULL WHEN ${needle} = '' THEN CASE WHEN ${n} = 1 THEN 1 ELSE 0 END WHEN ${n} = 0 OR ${n} >= len(${parts}) OR ${n} <= -len(${parts}) THEN 0 WHEN ${n} > 0 THEN ${before(n)} ELSE ${before(fromEnd)} END`;
};

/** The share of the needle's n-grams that the text has too. */
const ngramSearch =
  (isCaseSensitive: boolean) =>
  (site: CallSite): string => {
    const [rawText = '', rawNeedle = '', n = ''] = site.sql;
    const [text, needle] = isCaseSensitive
      ? [rawText, rawNeedle]
      : [`lower(${rawText})`, `lower(${rawNeedle})`];
    const grams = (of: string): string =>
      `list_distinct(list_transform(range(1, greatest(length(${of}) - ${n} + 2, 1)), lambda i: substring(${of}, i, ${n})))`;
    const score = `len(list_intersect(${grams(text)}, ${grams(needle)})) / len(${grams(needle)})`;
    return `CASE WHEN ${text} IS NULL OR ${needle} IS NULL OR ${n} IS NULL THEN NULL WHEN ${n} < 1 OR length(${needle}) < ${n} OR length(${text}) < ${n} OR length(${text}) > 32768 THEN 0 ELSE ${score} END`;
  };

export const SEARCH_FUNCTIONS: readonly FunctionEntry[] = [
  string(
    'locate',
    [
      ['(string, string) -> int', 'CAST(strpos({1}, {0}) AS INTEGER)'],
      ['(string, string, int) -> int', locateFrom],
    ],
    'Position of the first argument in the second, from an optional start; 0 when absent.',
    ["locate('bar', 'foobarbar', 5)", '7'],
  ),
  string(
    'instr, position',
    ['(string, string) -> int', 'CAST(strpos({0}, {1}) AS INTEGER)'],
    'Position of the second argument in the first; 0 when absent.',
    ["instr('foobarbar', 'bar')", '4'],
  ),
  string(
    'strpos',
    [
      ['(string, string) -> bigint', 'strpos({0}, {1})'],
      ['(string, string, int) -> bigint', nthPosition],
    ],
    'Position of the n-th occurrence of the second argument in the first (negative n: from the end); 0 when absent.',
    ["strpos('hello world hello', 'hello', 2)", '13'],
  ),
  string(
    'find_in_set',
    [
      '(string, string) -> int',
      "CASE WHEN {0} IS NULL OR {1} IS NULL THEN NULL WHEN contains({0}, ',') OR {1} = '' THEN 0 ELSE coalesce(CAST(list_position(string_split({1}, ','), {0}) AS INTEGER), 0) END",
    ],
    'Position of a text in a list separated by commas; 0 when absent.',
    ["find_in_set('b', 'a,b,c')", '2'],
  ),
  string(
    'field',
    [
      '(string, string...) -> int',
      (s) =>
        `CASE WHEN ${s.sql[0]} IS NULL THEN 0 ELSE coalesce(CAST(list_position([${s.sql.slice(1).join(', ')}], ${s.sql[0]}) AS INTEGER), 0) END`,
    ],
    'Position of the first argument among the others; 0 when absent or NULL.',
    ["field('b', 'a', 'b', 'd')", '2'],
    own,
  ),
  string(
    'ngram_search',
    ['(string, string, int) -> double', ngramSearch(true)],
    "Share of the second text's runs of n characters that the first has, 0 to 1.",
    ["ngram_search('English', 'England', 4)", '0.25'],
  ),
  string(
    'ngram_search_case_insensitive',
    ['(string, string, int) -> double', ngramSearch(false)],
    'The same, whatever the case.',
    ["ngram_search_case_insensitive('ENGLISH', 'england', 4)", '0.25'],
  ),
];
