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
  const present = [text, ...(count === undefined ? [] : [count])].map(
    (sql) => `${sql} IS NOT NULL`,
  );
  return `CASE WHEN ${from} = 0 OR ${from} > length(${text}) OR ${from} < -length(${text}) THEN CASE WHEN ${present.join(' AND ')} THEN '' END ELSE substring(${text}, ${from}${rest}) END`;
};

/** Longest text that repeat, space and the pad functions make: longer ones are NULL. SOURCE: StarRocks' olap_string_max_length. */
const MAX_BYTES = 1_048_576;

/** DuckDB's pad functions raise an error for an empty pad; StarRocks then only cuts. */
const pad =
  (name: 'lpad' | 'rpad') =>
  (site: CallSite): string => {
    const [text = '', length = '', fill = "' '"] = site.sql;
    return `CASE WHEN ${length} < 0 OR ${length} > ${MAX_BYTES} THEN NULL WHEN ${fill} = '' THEN left(${text}, ${length}) ELSE ${name}(${text}, ${length}, ${fill}) END`;
  };

const joined = (site: CallSite): string => `(${site.sql.join(' || ')})`;

const trimmed =
  (name: 'trim' | 'ltrim' | 'rtrim') =>
  (site: CallSite): string =>
    `${name}(${site.sql.join(', ')}${site.sql.length === 1 ? ", ' '" : ''})`;

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
  string(
    'repeat',
    [
      '(string, int) -> string',
      `CASE WHEN strlen({0}) * {1} <= ${MAX_BYTES} THEN repeat({0}, {1}) END`,
    ],
    'The text so many times; NULL beyond 1 MiB.',
    ["repeat('ab', 2)", 'abab'],
  ),
  string(
    'space',
    ['(int) -> string', `CASE WHEN {0} <= ${MAX_BYTES} THEN repeat(' ', {0}) END`],
    'So many spaces; NULL beyond 1 MiB.',
    ["concat('a', space(2), 'b')", 'a  b'],
  ),
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
    [
      ['(string) -> boolean', "coalesce({0} = '', TRUE)"],
      ['(array<T>) -> boolean', 'coalesce(len({0}) = 0, TRUE)'],
    ],
    'Is it NULL or empty?',
    ['null_or_empty(null)', '1'],
    own,
  ),
  string(
    'char',
    [
      '(int) -> string',
      'CASE WHEN {0} BETWEEN 0 AND 55295 OR {0} BETWEEN 57344 AND 1114111 THEN chr({0}) END',
    ],
    'The character of a code point; NULL where there is none.',
    ['char(65)', 'A'],
  ),
  string(
    'initcap',
    ['(string) -> string', initcap],
    'First letter of every word in upper case, the others in lower case; words are runs of letters and digits.',
    ["initcap('1st place, in-the-world!')", '1st Place, In-The-World!'],
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
    ["ascii('2')", '50'],
  ),
  string(
    'money_format',
    [
      ['(bigint) -> string', "(format('{:,}', {0}) || '.00')"],
      ['(largeint) -> string', "(format('{:,}', {0}) || '.00')"],
      ['(decimal) -> string', moneyOfDecimal],
      ['(double) -> string', "format('{:,.2f}', {0})"],
    ],
    'A number with thousands separators and two digits after the point.',
    ['money_format(1123.456)', '1,123.46'],
  ),
  string(
    'format_bytes',
    ['(bigint) -> string', formatBytes],
    'A number of bytes with a unit, in steps of 1024; NULL below 0.',
    ['format_bytes(123456789)', '117.74 MB'],
  ),
  string(
    'inet_aton',
    ['(string) -> bigint', inetAton],
    'The number of an IPv4 address; NULL when it is none.',
    ["inet_aton('192.168.1.1')", '3232235777'],
  ),
  string(
    'str_to_map',
    ['(string, string?, string?) -> map<string, string>', strToMap],
    'Pairs of a text as a map; pairs are parted by `,`, keys and values by `:` unless said otherwise. The first of equal keys wins.',
    ["str_to_map('a:1|b:2|c:3', '|', ':')", '{"a":"1","b":"2","c":"3"}'],
  ),
  string(
    'tokenize',
    ['(string, string) -> array<string>', tokenize],
    "Words of a text in lower case; the tokenizer must be the constant 'english'.",
    ["tokenize('english', 'Today is saturday')", '["today","is","saturday"]'],
  ),
];

/** Lower case, then the first letter of each word raised: words are told apart by a mark before them. */
function initcap(site: CallSite): string {
  const words = `regexp_extract_all(lower(${site.sql[0]}), '[\\p{L}\\p{N}]+|[^\\p{L}\\p{N}]+')`;
  return `array_to_string(list_transform(${words}, lambda w: upper(left(w, 1)) || substring(w, 2)), '')`;
}

/** Rounded in its own type: DOUBLE would lose digits. */
function moneyOfDecimal(site: CallSite): string {
  const cents = `CAST(round(CAST(${site.sql[0]} AS DECIMAL(38,${scaleOf(site)})), 2) * 100 AS HUGEINT)`;
  const sign = `CASE WHEN ${cents} < 0 THEN '-' ELSE '' END`;
  return `(${sign} || format('{:,}', abs(${cents}) // 100) || '.' || lpad(CAST(abs(${cents}) % 100 AS VARCHAR), 2, '0'))`;
}

function scaleOf(site: CallSite): number {
  const type = site.args[0]?.type;
  return type?.kind === 'DECIMAL' ? type.scale : 0;
}

const BYTE_UNITS = ['KB', 'MB', 'GB', 'TB', 'PB', 'EB'];

function formatBytes(site: CallSite): string {
  const bytes = site.sql[0] ?? '';
  const branches = BYTE_UNITS.map((unit, i) => {
    const size = 1024 ** (i + 1);
    const shown = `format('{:.2f} ${unit}', ${bytes} / ${size})`;
    return i + 1 < BYTE_UNITS.length
      ? `WHEN ${bytes} < ${size * 1024} THEN ${shown}`
      : `ELSE ${shown}`;
  });
  return `CASE WHEN ${bytes} IS NULL OR ${bytes} < 0 THEN NULL WHEN ${bytes} < 1024 THEN ${bytes} || ' B' ${branches.join(' ')} END`;
}

/** Four numbers up to 255, or fewer: then the last one fills what is left, as in MySQL. */
function inetAton(site: CallSite): string {
  const address = site.sql[0] ?? '';
  const octets = `list_transform(string_split(${address}, '.'), lambda o: CAST(o AS BIGINT))`;
  const value = (count: number): string => {
    const head = Array.from(
      { length: count - 1 },
      (_, i) => `${octets}[${i + 1}] * ${256 ** (3 - i)}`,
    );
    return [...head, `${octets}[${count}]`].join(' + ');
  };
  const form = (count: number): string =>
    `regexp_full_match(${address}, '${Array(count).fill('[0-9]{1,3}').join('[.]')}') AND len(list_filter(${octets}, lambda o: o > 255)) = 0`;
  const branches = [4, 3, 2, 1].map((count) => `WHEN ${form(count)} THEN ${value(count)}`);
  return `CASE ${branches.join(' ')} END`;
}

function strToMap(site: CallSite): string {
  const [text = '', pairs = "','", parts = "':'"] = site.sql;
  const entry = `lambda p: row(CASE WHEN strpos(p, ${parts}) = 0 THEN p ELSE left(p, strpos(p, ${parts}) - 1) END, CASE WHEN strpos(p, ${parts}) > 0 THEN substring(p, strpos(p, ${parts}) + length(${parts})) END)`;
  const all = `list_transform(string_split(${text}, ${pairs}), ${entry})`;
  const first = `list_filter(${all}, lambda e, i: list_position(list_transform(${all}, lambda x: x[1]), e[1]) = i)`;
  return `CASE WHEN ${text} IS NOT NULL AND ${pairs} IS NOT NULL AND ${parts} IS NOT NULL THEN map_from_entries(${first}) END`;
}

function tokenize(site: CallSite): string {
  const tokenizer = site.args[0];
  if (tokenizer?.kind === 'literal' && tokenizer.text === null) return 'CAST(NULL AS VARCHAR[])';
  if (tokenizer?.kind === 'literal' && tokenizer.text?.toLowerCase() === 'english') {
    return `regexp_extract_all(lower(${site.sql[1]}), '[\\p{L}\\p{N}]+')`;
  }
  throw fail('NOT_SUPPORTED', {
    what: "a tokenizer other than the constant 'english'",
    hint: "'standard' and 'chinese' need word lists that are not there",
  });
}
