// String functions. Positions count characters from 1, lengths in bytes only where StarRocks says so
// (`length`); NULL arguments give NULL unless an entry says otherwise.
import { fail } from '../../base/errors.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';
import { joinListSql } from './join-list.ts';

const string = definer('scalar', 'string');
const own = { nulls: 'own' } as const;

/** DuckDB's greatest() would make 0 of NULL. */
const atLeastZero = (sql: string): string => `CASE WHEN ${sql} < 0 THEN 0 ELSE ${sql} END`;

/** MySQL's rule: position 0 gives '', a negative position counts from the end. */
const substring = (site: CallSite): string => {
  const [text = '', from = '', count] = site.sql;
  const start = site.args[1];
  const rest = count === undefined ? '' : `, ${atLeastZero(count)}`;
  if (start?.kind === 'literal' && start.text !== null && BigInt(start.text) > 0n) {
    return `substring(${text}, ${from}${rest})`;
  }
  return `CASE WHEN ${from} = 0 OR abs(${from}) > length(${text}) THEN CASE WHEN ${text} IS NOT NULL THEN '' END ELSE substring(${text}, ${from}${rest}) END`;
};

/** DuckDB's pad functions raise an error for an empty pad; StarRocks then only cuts. */
const pad =
  (name: 'lpad' | 'rpad') =>
  (site: CallSite): string => {
    const [text = '', length = '', fill = "' '"] = site.sql;
    return `CASE WHEN ${length} < 0 THEN NULL WHEN ${fill} = '' THEN left(${text}, ${length}) ELSE ${name}(${text}, ${length}, ${fill}) END`;
  };

const joined = (site: CallSite): string => `(${site.sql.join(' || ')})`;

const trimmed =
  (name: 'trim' | 'ltrim' | 'rtrim') =>
  (site: CallSite): string =>
    `${name}(${site.sql.join(', ')}${site.sql.length === 1 ? ", ' '" : ''})`;

/** StarRocks writes group references as `\1`, like RE2. */
const replaceAll = (site: CallSite): string =>
  `regexp_replace(${site.sql[0]}, ${site.sql[1]}, ${site.sql[2]}, 'g')`;

/** RE2 takes the group's number only as a constant. */
const extract = (site: CallSite): string => {
  const group = site.args[2];
  if (group?.kind !== 'literal' || group.text === null || !/^\d$/.test(group.text)) {
    throw fail('SQL_ANALYZE', {
      detail: 'regexp_extract needs a constant group number from 0 to 9',
    });
  }
  return `regexp_extract(${site.sql[0]}, ${site.sql[1]}, ${group.text})`;
};

const splitPart = (site: CallSite): string => {
  const [text = '', separator = '', index = ''] = site.sql;
  const parts = `string_split(${text}, ${separator})`;
  return `CASE WHEN ${separator} IS NOT NULL AND ${index} <> 0 THEN ${parts}[${index}] END`;
};

const substringIndex = (site: CallSite): string => {
  const [text = '', separator = '', count = ''] = site.sql;
  const parts = `string_split(${text}, ${separator})`;
  const slice = `CASE WHEN ${count} > 0 THEN ${parts}[1:${count}] ELSE ${parts}[greatest(len(${parts}) + ${count} + 1, 1):] END`;
  const joined = joinListSql(slice, separator, site.args[1]);
  return `CASE WHEN ${text} IS NULL OR ${separator} IS NULL OR ${count} IS NULL THEN NULL WHEN ${count} = 0 OR ${separator} = '' THEN '' ELSE ${joined} END`;
};

export const STRING_FUNCTIONS: readonly FunctionEntry[] = [
  string(
    'concat',
    ['(string...) -> string', joined],
    'Joins texts; NULL when any of them is NULL.',
    ["concat('a', 'b', 3)", 'ab3'],
  ),
  string(
    'concat_ws',
    [
      ['(string, string...) -> string', 'concat_ws({*})'],
      [
        '(string, array<string>) -> string',
        (s) => joinListSql(s.sql[1] ?? '', s.sql[0] ?? '', s.args[0]),
      ],
    ],
    'Joins texts with a separator, leaving NULLs out; NULL when the separator is NULL.',
    ["concat_ws('-', 'a', null, 'b')", 'a-b'],
    own,
  ),
  string(
    'length',
    ['(string) -> int', 'CAST(strlen({0}) AS INTEGER)'],
    'Length in bytes of UTF-8.',
    ["length('héllo')", '6'],
  ),
  string(
    'char_length, character_length',
    ['(string) -> int', 'CAST(length({0}) AS INTEGER)'],
    'Length in characters.',
    ["char_length('héllo')", '5'],
  ),
  string('bit_length', ['(string) -> int', 'CAST(strlen({0}) * 8 AS INTEGER)'], 'Length in bits.', [
    "bit_length('ab')",
    '16',
  ]),
  string('lower, lcase', ['(string) -> string', 'lower({0})'], 'Lower case.', [
    "lower('AbC')",
    'abc',
  ]),
  string('upper, ucase', ['(string) -> string', 'upper({0})'], 'Upper case.', [
    "upper('AbC')",
    'ABC',
  ]),
  string(
    'initcap',
    [
      '(string) -> string',
      "array_to_string(list_transform(regexp_extract_all(lower({0}), '[a-z0-9]+|[^a-z0-9]+'), lambda w: upper(left(w, 1)) || substring(w, 2)), '')",
    ],
    'First letter of every word in upper case, the others in lower case.',
    ["initcap('hello wORLD')", 'Hello World'],
  ),
  string('reverse', ['(string) -> string', 'reverse({0})'], 'Characters in reverse order.', [
    "reverse('abc')",
    'cba',
  ]),
  string(
    'substring, substr, mid',
    ['(string, int, int?) -> string', substring],
    'Part of a text from a position on (negative: from the end), with an optional length.',
    ["substring('starrocks', -5, 3)", 'roc'],
  ),
  string(
    'left, strleft',
    ['(string, int) -> string', (s) => `left(${s.sql[0]}, ${atLeastZero(s.sql[1] ?? '')})`],
    'The first characters.',
    ["left('hello', 2)", 'he'],
  ),
  string(
    'right, strright',
    ['(string, int) -> string', (s) => `right(${s.sql[0]}, ${atLeastZero(s.sql[1] ?? '')})`],
    'The last characters.',
    ["right('hello', 2)", 'lo'],
  ),
  string(
    'trim',
    ['(string, string?) -> string', trimmed('trim')],
    'Without spaces (or the given characters) at both ends.',
    ["trim('  a b ')", 'a b'],
  ),
  string(
    'ltrim',
    ['(string, string?) -> string', trimmed('ltrim')],
    'Without spaces at the beginning.',
    ["concat(ltrim('  a '), '|')", 'a |'],
  ),
  string('rtrim', ['(string, string?) -> string', trimmed('rtrim')], 'Without spaces at the end.', [
    "concat(rtrim(' a  '), '|')",
    ' a|',
  ]),
  string(
    'lpad',
    ['(string, int, string?) -> string', pad('lpad')],
    'Filled up at the left, or cut, to a length in characters.',
    ["lpad('7', 3, '0')", '007'],
  ),
  string(
    'rpad',
    ['(string, int, string?) -> string', pad('rpad')],
    'Filled up at the right, or cut, to a length in characters.',
    ["rpad('7', 3, '')", '7'],
  ),
  string('repeat', ['(string, int) -> string', 'repeat({0}, {1})'], 'The text so many times.', [
    "repeat('ab', 2)",
    'abab',
  ]),
  string('space', ['(int) -> string', "repeat(' ', {0})"], 'So many spaces.', [
    "concat('a', space(2), 'b')",
    'a  b',
  ]),
  string(
    'replace',
    ['(string, string, string) -> string', 'replace({0}, {1}, {2})'],
    'Every occurrence of one text replaced with another.',
    ["replace('a.b.c', '.', '-')", 'a-b-c'],
  ),
  string(
    'translate',
    ['(string, string, string) -> string', 'translate({0}, {1}, {2})'],
    'Characters replaced one for one.',
    ["translate('abc', 'ab', 'x')", 'xc'],
  ),
  string(
    'locate',
    [
      ['(string, string) -> int', 'CAST(strpos({1}, {0}) AS INTEGER)'],
      [
        '(string, string, int) -> int',
        'CASE WHEN {2} <= 0 THEN 0 WHEN strpos(substring({1}, {2}), {0}) = 0 THEN 0 ELSE CAST(strpos(substring({1}, {2}), {0}) + {2} - 1 AS INTEGER) END',
      ],
    ],
    'Position of the first argument in the second, from an optional start; 0 when absent.',
    ["locate('b', 'abcb', 3)", '4'],
  ),
  string(
    'instr, position, strpos',
    ['(string, string) -> int', 'CAST(strpos({0}, {1}) AS INTEGER)'],
    'Position of the second argument in the first; 0 when absent.',
    ["instr('abc', 'c')", '3'],
  ),
  string(
    'find_in_set',
    [
      '(string, string) -> int',
      "CASE WHEN contains({0}, ',') THEN 0 ELSE coalesce(CAST(list_position(string_split({1}, ','), {0}) AS INTEGER), CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN 0 END) END",
    ],
    'Position of a text in a list separated by commas; 0 when absent.',
    ["find_in_set('b', 'a,b,c')", '2'],
  ),
  string(
    'field',
    [
      '(string, string...) -> int',
      (s) =>
        `coalesce(CAST(list_position([${s.sql.slice(1).join(', ')}], ${s.sql[0]}) AS INTEGER), 0)`,
    ],
    'Position of the first argument among the others; 0 when absent or NULL.',
    ["field('b', 'a', 'b')", '2'],
    own,
  ),
  string(
    'split',
    [
      '(string, string) -> array<string>',
      'CASE WHEN {1} IS NOT NULL THEN string_split({0}, {1}) END',
    ],
    'The parts between separators, as an array.',
    ["split('a,b', ',')", '["a","b"]'],
  ),
  string(
    'split_part',
    ['(string, string, int) -> string', splitPart],
    'One of the parts between separators, from 1 (negative: from the end); NULL when there is none.',
    ["split_part('a-b-c', '-', 2)", 'b'],
  ),
  string(
    'substring_index',
    ['(string, string, int) -> string', substringIndex],
    'The text before so many separators (negative: after, counted from the end).',
    ["substring_index('a.b.c', '.', 2)", 'a.b'],
  ),
  string(
    'starts_with',
    ['(string, string) -> boolean', 'starts_with({0}, {1})'],
    'Does it begin with the second argument?',
    ["starts_with('hello', 'he')", '1'],
  ),
  string(
    'ends_with',
    ['(string, string) -> boolean', 'ends_with({0}, {1})'],
    'Does it end with the second argument?',
    ["ends_with('hello', 'lo')", '1'],
  ),
  string(
    'append_trailing_char_if_absent',
    ['(string, string) -> string', 'CASE WHEN ends_with({0}, {1}) THEN {0} ELSE {0} || {1} END'],
    'The text with a character at its end, added when it is not there.',
    ["append_trailing_char_if_absent('a', 'c')", 'ac'],
  ),
  string(
    'null_or_empty',
    ['(string) -> boolean', "coalesce({0} = '', TRUE)"],
    'Is it NULL or empty?',
    ['null_or_empty(null)', '1'],
    own,
  ),
  string(
    'strcmp',
    [
      '(string, string) -> int',
      'CASE WHEN {0} = {1} THEN 0 WHEN {0} < {1} THEN -1 WHEN {0} > {1} THEN 1 END',
    ],
    '-1, 0 or 1 as the first text is before, equal to or behind the second.',
    ["strcmp('a', 'b')", '-1'],
  ),
  string(
    'ascii',
    [
      '(string) -> int',
      "CASE WHEN {0} = '' THEN 0 ELSE CAST('0x' || left(hex({0}), 2) AS INTEGER) END",
    ],
    'Value of the first byte.',
    ["ascii('a')", '97'],
  ),
  string('char', ['(int) -> string', 'chr({0})'], 'The character of a code point.', [
    'char(65)',
    'A',
  ]),
  string(
    'regexp, rlike, regexp_like',
    ['(string, string) -> boolean', 'regexp_matches({0}, {1})'],
    'Does a regular expression (RE2) match somewhere in the text?',
    ["regexp('abc123', '[0-9]+$')", '1'],
  ),
  string(
    'like',
    ['(string, string) -> boolean', "({0} LIKE {1} ESCAPE '\\')"],
    'LIKE as a function.',
    ["like('abc', 'a%')", '1'],
  ),
  string(
    'regexp_extract',
    ['(string, string, bigint) -> string', extract],
    'The given group of the first match; empty when nothing matches.',
    ["regexp_extract('ab12', '([a-z]+)([0-9]+)', 2)", '12'],
  ),
  string(
    'regexp_extract_all',
    [
      '(string, string, bigint) -> array<string>',
      (s) => extract(s).replace('regexp_extract', 'regexp_extract_all'),
    ],
    'The given group of every match.',
    ["regexp_extract_all('a1b2', '[a-z]([0-9])', 1)", '["1","2"]'],
  ),
  string(
    'regexp_replace',
    ['(string, string, string) -> string', replaceAll],
    'Every match replaced; `\\1` stands for the first group.',
    ["regexp_replace('a b c', '(b)', '<\\\\1>')", 'a <b> c'],
  ),
  string(
    'regexp_count',
    ['(string, string) -> bigint', 'CAST(len(regexp_extract_all({0}, {1})) AS BIGINT)'],
    'How many matches.',
    ["regexp_count('a1b22', '[0-9]+')", '2'],
  ),
  string('url_encode', ['(string) -> string', 'url_encode({0})'], 'Percent encoding.', [
    "url_encode('a b&c')",
    'a%20b%26c',
  ]),
  string('url_decode', ['(string) -> string', 'url_decode({0})'], 'Percent encoding undone.', [
    "url_decode('a%20b')",
    'a b',
  ]),
  string(
    'url_extract_host',
    [
      '(string) -> string',
      "nullif(regexp_extract({0}, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@?#]*@)?([^/:?#]+)', 1), '')",
    ],
    'Host of a URL.',
    ["url_extract_host('https://example.org:80/p')", 'example.org'],
  ),
  string(
    'url_extract_parameter',
    [
      '(string, string) -> string',
      "CASE WHEN contains({0}, '?') THEN url_decode(substring(list_filter(string_split(split_part(split_part({0}, '?', 2), '#', 1), '&'), lambda p: starts_with(p, {1} || '='))[1], length({1}) + 2)) END",
    ],
    'Value of a parameter in a URL; NULL when absent.',
    ["url_extract_parameter('http://h/p?a=1&b=x', 'b')", 'x'],
  ),
  string(
    'parse_url',
    ['(string, string) -> string', parseUrl],
    'Part of a URL: HOST, PATH, QUERY, PROTOCOL, REF, PORT.',
    ["parse_url('https://h/p?q=1', 'QUERY')", 'q=1'],
  ),
  string(
    'money_format',
    ['(double) -> string', "format('{:,.2f}', {0})"],
    'A number with thousands separators and two digits.',
    ['money_format(1234.5)', '1,234.50'],
  ),
  string(
    'ngram_search',
    ['(string, string, int) -> float', ngramSearch],
    'Share of common n-grams, 0 to 1.',
    ["ngram_search('abcd', 'abcd', 4)", '1'],
  ),
];

function parseUrl(site: CallSite): string {
  const part = site.args[1];
  const patterns: Readonly<Record<string, string>> = {
    PROTOCOL: '^([a-zA-Z][a-zA-Z0-9+.-]*)://',
    HOST: '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/@?#]*@)?([^/:?#]+)',
    PORT: '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#:]*:([0-9]+)',
    PATH: '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*(/[^?#]*)',
    QUERY: '\\?([^#]*)',
    REF: '#(.*)$',
  };
  const name = part?.kind === 'literal' ? (part.text ?? '').toUpperCase() : '';
  const pattern = patterns[name];
  if (pattern === undefined) {
    throw fail('SQL_ANALYZE', {
      detail: `parse_url needs one of ${Object.keys(patterns).join(', ')} as a constant`,
    });
  }
  return `nullif(regexp_extract(${site.sql[0]}, '${pattern}', 1), '')`;
}

function ngramSearch(site: CallSite): string {
  const [text = '', needle = '', n = ''] = site.sql;
  const grams = (of: string): string =>
    `list_distinct(list_transform(range(1, greatest(length(${of}) - ${n} + 2, 1)), lambda i: substring(${of}, i, ${n})))`;
  return `CAST(CASE WHEN ${text} IS NULL OR ${needle} IS NULL OR ${n} IS NULL THEN NULL WHEN length(${needle}) < ${n} THEN 0 ELSE len(list_intersect(${grams(text)}, ${grams(needle)})) / len(${grams(needle)}) END AS FLOAT)`;
}
