// URLs: percent encoding and the parts of an address.
import { fail } from '../../base/errors.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const url = definer('scalar', 'url');

const SCHEME = '^[a-zA-Z][a-zA-Z0-9+.-]*://';
const PART_PATTERNS: Readonly<Record<string, string>> = {
  PROTOCOL: '^([a-zA-Z][a-zA-Z0-9+.-]*)://',
  HOST: `${SCHEME}(?:[^/@?#]*@)?([^/:?#]+)`,
  PORT: `${SCHEME}(?:[^/@?#]*@)?[^/:?#]*:([0-9]+)`,
  AUTHORITY: `${SCHEME}([^/?#]*)`,
  USERINFO: `${SCHEME}([^/@?#]*)@`,
  PATH: `${SCHEME}[^/?#]*(/[^?#]*)`,
  FILE: `${SCHEME}[^/?#]*(/[^#]*)`,
  QUERY: '\\?([^#]*)',
  REF: '#(.*)$',
};

const partSql = (text: string, pattern: string): string =>
  `nullif(regexp_extract(${text}, '${pattern}', 1), '')`;

function parseUrl(site: CallSite): string {
  const [text = '', name = ''] = site.sql;
  const part = site.args[1];
  if (part?.kind !== 'literal') {
    const branches = Object.entries(PART_PATTERNS).map(
      ([word, pattern]) => `WHEN '${word}' THEN ${partSql(text, pattern)}`,
    );
    return `CASE ${name} ${branches.join(' ')} END`;
  }
  if (part.text === null) return 'CAST(NULL AS VARCHAR)';
  const pattern = PART_PATTERNS[part.text];
  if (pattern === undefined) {
    throw fail('SQL_ANALYZE', {
      detail: `parse_url has no part '${part.text}', only ${Object.keys(PART_PATTERNS).join(', ')} (in upper case)`,
    });
  }
  return partSql(text, pattern);
}

export const URL_FUNCTIONS: readonly FunctionEntry[] = [
  url('url_encode', ['(string) -> string', 'url_encode({0})'], 'Percent encoding.', [
    "url_encode('https://docs.starrocks.io/docs/introduction/StarRocks_intro/')",
    'https%3A%2F%2Fdocs.starrocks.io%2Fdocs%2Fintroduction%2FStarRocks_intro%2F',
  ]),
  url('url_decode', ['(string) -> string', 'TRY(url_decode({0}))'], 'Percent encoding undone.', [
    "url_decode('https%3A%2F%2Fdocs.starrocks.io')",
    'https://docs.starrocks.io',
  ]),
  url(
    'url_extract_host',
    ['(string) -> string', (s) => partSql(s.sql[0] ?? '', PART_PATTERNS['HOST'] ?? '')],
    'Host of a URL.',
    ["url_extract_host('https://docs.starrocks.io/docs/introduction/')", 'docs.starrocks.io'],
  ),
  url(
    'url_extract_parameter',
    [
      '(string, string) -> string',
      "CASE WHEN contains({0}, '?') THEN TRY(url_decode(substring(list_filter(string_split(split_part(split_part({0}, '?', 2), '#', 1), '&'), lambda p: starts_with(p, {1} || '='))[1], length({1}) + 2))) END",
    ],
    'Value of a parameter in a URL; NULL when absent.',
    ["url_extract_parameter('https://starrocks.com/doc?k1=10&k2=3', 'k2')", '3'],
  ),
  url(
    'parse_url',
    ['(string, string) -> string', parseUrl],
    'Part of a URL: PROTOCOL, HOST, PORT, AUTHORITY, USERINFO, PATH, FILE, QUERY, REF; NULL when it has none.',
    ["parse_url('http://facebook.com/path/p1.php?query=1', 'QUERY')", 'query=1'],
  ),
];
