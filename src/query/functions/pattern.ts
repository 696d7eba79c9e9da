// LIKE and regular expressions as functions. Expressions are RE2's, on both sides.
import { fail } from '../../base/errors.ts';
import { computedPatternSql } from '../like-pattern.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const pattern = definer('scalar', 'pattern');

/** Groups that a constant expression opens; undefined when it is no constant. */
const groupCount = (site: CallSite): number | undefined => {
  const expression = site.args[1];
  if (expression?.kind !== 'literal' || expression.text === null) return undefined;
  const plain = expression.text.replace(/\\./gs, '').replace(/\[\^?\]?[^\]]*\]/gs, '');
  return plain.match(/\((?!\?)|\(\?P?</g)?.length ?? 0;
};

const MAX_GROUP = 9;

/** DuckDB takes the group's number only as a constant, and refuses a group that is not there. */
const extract =
  (name: 'regexp_extract' | 'regexp_extract_all') =>
  (site: CallSite): string => {
    const [text = '', expression = '', computed = ''] = site.sql;
    const type = name === 'regexp_extract_all' ? 'VARCHAR[]' : 'VARCHAR';
    const nothing = type === 'VARCHAR' ? "''" : 'CAST([] AS VARCHAR[])';
    const group = site.args[2];
    if (group?.kind === 'literal' && group.text === null) return `CAST(NULL AS ${type})`;
    const count = Math.min(groupCount(site) ?? MAX_GROUP, MAX_GROUP);
    const take = (index: number): string => `${name}(${text}, ${expression}, ${index})`;
    if (group?.kind === 'literal') {
      const index = Number(group.text);
      if (index >= 0 && index <= count) return take(index);
      return `CASE WHEN ${text} IS NOT NULL AND ${expression} IS NOT NULL THEN ${nothing} END`;
    }
    if (groupCount(site) === undefined) {
      throw fail('SQL_ANALYZE', {
        detail: `${name} needs a constant group number when its expression is computed`,
      });
    }
    const branches = Array.from(
      { length: count + 1 },
      (_, index) => `WHEN ${computed} = ${index} THEN ${take(index)}`,
    );
    return `CASE ${branches.join(' ')} WHEN ${computed} IS NOT NULL AND ${text} IS NOT NULL THEN ${nothing} END`;
  };

/** StarRocks writes group references as `\1`, like RE2. */
const replaceAll = (site: CallSite): string =>
  `regexp_replace(${site.sql[0]}, ${site.sql[1]}, ${site.sql[2]}, 'g')`;

const splitBy = (site: CallSite): string => {
  const [text = '', expression = '', most] = site.sql;
  // An empty expression parts every character.
  const parts = `CASE WHEN ${text} IS NULL OR ${expression} IS NULL THEN NULL WHEN ${expression} = '' THEN string_split(${text}, '') ELSE string_split_regex(${text}, ${expression}) END`;
  if (most === undefined) return parts;
  const first = `regexp_extract(${text}, '^' || repeat('(?s:.*?)(?:' || ${expression} || ')', ${most} - 1))`;
  return `CASE WHEN ${most} IS NULL OR ${parts} IS NULL THEN NULL WHEN ${most} <= 0 OR len(${parts}) <= ${most} THEN ${parts} ELSE list_append((${parts})[1:${most} - 1], substring(${text}, length(${first}) + 1)) END`;
};

const positionOf = (site: CallSite): string => {
  const [text = '', expression = ''] = site.sql;
  return `CASE WHEN ${text} IS NULL OR ${expression} IS NULL THEN NULL WHEN regexp_matches(${text}, ${expression}) THEN CAST(length(string_split_regex(${text}, ${expression})[1]) + 1 AS INTEGER) ELSE 0 END`;
};

export const PATTERN_FUNCTIONS: readonly FunctionEntry[] = [
  pattern(
    'regexp, rlike, regexp_like',
    ['(string, string) -> boolean', 'regexp_matches({0}, {1})'],
    'Does a regular expression (RE2) match somewhere in the text?',
    ["regexp('abc123', '[0-9]+$')", '1'],
  ),
  pattern(
    'like',
    [
      '(string, string) -> boolean',
      (s) => `(${s.sql[0]} LIKE ${computedPatternSql(s.sql[1] ?? '')} ESCAPE '\\')`,
    ],
    'LIKE as a function.',
    ["like('abc', 'a%')", '1'],
  ),
  pattern(
    'regexp_extract',
    ['(string, string, bigint) -> string', extract('regexp_extract')],
    'The given group of the first match; empty when nothing matches.',
    ["regexp_extract('AbCdE', '([[:lower:]]+)C([[:lower:]]+)', 1)", 'b'],
  ),
  pattern(
    'regexp_extract_all',
    ['(string, string, bigint) -> array<string>', extract('regexp_extract_all')],
    'The given group of every match.',
    ["regexp_extract_all('AbCdE', '([[:lower:]]+)C([[:lower:]]+)', 1)", '["b"]'],
  ),
  pattern(
    'regexp_replace',
    ['(string, string, string) -> string', replaceAll],
    'Every match replaced; `\\1` stands for the first group.',
    ["regexp_replace('a b c', '(b)', '<\\\\1>')", 'a <b> c'],
  ),
  pattern(
    'regexp_count',
    ['(string, string) -> bigint', 'CAST(len(regexp_extract_all({0}, {1})) AS BIGINT)'],
    'How many matches.',
    ["regexp_count('a1b22', '[0-9]+')", '2'],
  ),
  pattern(
    'regexp_instr',
    ['(string, string) -> int', positionOf],
    'Position of the first match; 0 when nothing matches.',
    ["regexp_instr('AbCdE', '([[:lower:]]+)C([[:lower:]]+)')", '2'],
  ),
  pattern(
    'regexp_split',
    ['(string, string, int?) -> array<string>', splitBy],
    'The parts between matches, at most so many; an empty expression parts every character.',
    ["regexp_split('StarRocks', '[SR]', 2)", '["","tarRocks"]'],
  ),
];
