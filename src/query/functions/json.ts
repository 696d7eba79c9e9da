// JSON functions. A JSON value is text in the engine; broken text is NULL, never an error.

import type { SqlType } from '../../model/sql-type.ts';
import { castSql } from '../cast-sql.ts';
import { quoteString } from '../literal.ts';
import { BIGINT, BOOLEAN, DOUBLE, JSON_TYPE, STRING } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';
import { constantJsonPath } from './json-path.ts';

const json = definer('scalar', 'json');
const own = { nulls: 'own' } as const;

/** The value at a path as JSON text; several of them as a JSON array. */
export function jsonQuerySql(site: CallSite, name: string): string {
  const path =
    site.args[1] === undefined ? { text: '$', many: false } : constantJsonPath(site.args[1], name);
  if (path === null) return 'CAST(NULL AS VARCHAR)';
  const extracted = `json_extract(TRY_CAST(${site.sql[0]} AS JSON), ${quoteString(path.text)})`;
  if (path.many)
    return `CASE WHEN len(${extracted}) > 0 THEN CAST(to_json(${extracted}) AS VARCHAR) END`;
  return `CAST(${extracted} AS VARCHAR)`;
}

const getter = (type: SqlType, name: string) => (site: CallSite) =>
  castSql(jsonQuerySql(site, name), JSON_TYPE, type);

/** Keys in their order (StarRocks sorts them) where they are constants; a key without a value gets null. */
const object = (site: CallSite): string => {
  const entries: { readonly order: string; readonly sql: string }[] = [];
  for (let i = 0; i < site.sql.length; i += 2) {
    const key = site.args[i];
    const value = site.sql[i + 1];
    const type = site.args[i + 1]?.type ?? STRING;
    const keySql = castSql(site.sql[i] ?? '', key?.type ?? STRING, STRING);
    const valueSql = value === undefined ? 'NULL' : jsonValue(value, type);
    const order = key?.kind === 'literal' ? (key.text ?? '') : '';
    entries.push({ order, sql: `${keySql}, ${valueSql}` });
  }
  if (site.args.every((arg, i) => i % 2 === 1 || arg.kind === 'literal')) {
    entries.sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  }
  return `CAST(json_object(${entries.map((entry) => entry.sql).join(', ')}) AS VARCHAR)`;
};

/** JSON text must be nested as JSON, not as a string. */
function jsonValue(sql: string, type: SqlType): string {
  return type.kind === 'JSON'
    ? `TRY_CAST(${sql} AS JSON)`
    : `CAST(${castSql(sql, type, JSON_TYPE)} AS JSON)`;
}

const pathOf = (site: CallSite, name: string): string => {
  const path =
    site.args[1] === undefined ? { text: '$', many: false } : constantJsonPath(site.args[1], name);
  return path === null ? 'CAST(NULL AS VARCHAR)' : quoteString(path.text);
};

export const JSON_FUNCTIONS: readonly FunctionEntry[] = [
  json(
    'parse_json',
    ['(string) -> json', 'CAST(TRY_CAST({0} AS JSON) AS VARCHAR)'],
    'Text to JSON; NULL when it is none.',
    [`parse_json('{"a": 1}')`, '{"a": 1}'],
  ),
  json(
    'json_query',
    ['(json, string) -> json', (s) => jsonQuerySql(s, 'json_query')],
    'The value at a path, as JSON; the same as the operator ->.',
    [`json_query(parse_json('{"a": {"b": 1}}'), '$.a')`, '{"b": 1}'],
  ),
  json(
    'get_json_string, get_json_object',
    [
      ['(json, string) -> string', getter(STRING, 'get_json_string')],
      ['(string, string) -> string', getter(STRING, 'get_json_string')],
    ],
    'The value at a path as text; strings without their quotes.',
    [`get_json_string('{"k1": "v1"}', '$.k1')`, 'v1'],
  ),
  json(
    'get_json_int',
    [
      ['(json, string) -> bigint', getter(BIGINT, 'get_json_int')],
      ['(string, string) -> bigint', getter(BIGINT, 'get_json_int')],
    ],
    'The whole number at a path.',
    [`get_json_int('{"k1": [1, 2]}', '$.k1[1]')`, '2'],
  ),
  json(
    'get_json_double',
    [
      ['(json, string) -> double', getter(DOUBLE, 'get_json_double')],
      ['(string, string) -> double', getter(DOUBLE, 'get_json_double')],
    ],
    'The number at a path.',
    [`get_json_double('{"k1": 1.5}', '$.k1')`, '1.5'],
  ),
  json(
    'get_json_bool',
    [
      ['(json, string) -> boolean', getter(BOOLEAN, 'get_json_bool')],
      ['(string, string) -> boolean', getter(BOOLEAN, 'get_json_bool')],
    ],
    'The truth value at a path.',
    [`get_json_bool('{"k1": true}', '$.k1')`, '1'],
  ),
  json(
    'json_exists',
    [
      '(json, string) -> boolean',
      (s) => `json_exists(TRY_CAST(${s.sql[0]} AS JSON), ${pathOf(s, 'json_exists')})`,
    ],
    'Is there a value at the path?',
    [`json_exists(parse_json('{"a": 1}'), '$.b')`, '0'],
  ),
  json(
    'json_length',
    [
      '(json, string?) -> int',
      (s) => {
        const value = jsonQuerySql(s, 'json_length');
        return `CAST(CASE json_type(TRY_CAST(${value} AS JSON)) WHEN 'OBJECT' THEN len(json_keys(TRY_CAST(${value} AS JSON))) WHEN 'ARRAY' THEN json_array_length(TRY_CAST(${value} AS JSON)) ELSE CASE WHEN ${value} IS NOT NULL THEN 1 END END AS INTEGER)`;
      },
    ],
    'Elements of an array or keys of an object; 1 for other values.',
    [`json_length(parse_json('[1, 2]'))`, '2'],
  ),
  json(
    'json_keys',
    [
      '(json, string?) -> json',
      (s) => {
        const value = `TRY_CAST(${jsonQuerySql(s, 'json_keys')} AS JSON)`;
        return `CASE json_type(${value}) WHEN 'OBJECT' THEN CAST(to_json(json_keys(${value})) AS VARCHAR) END`;
      },
    ],
    'Keys of an object as a JSON array.',
    [`json_keys(parse_json('{"a": 1, "b": 2}'))`, '["a", "b"]'],
  ),
  json(
    'json_string, to_json_string',
    ['(json) -> string', (s) => castSql(s.sql[0] ?? '', JSON_TYPE, STRING)],
    'JSON as text.',
    [`json_string(parse_json('{"a": 1}'))`, '{"a": 1}'],
  ),
  json(
    'to_json',
    ['(any) -> json', (s) => castSql(s.sql[0] ?? '', s.args[0]?.type ?? STRING, JSON_TYPE)],
    'Any value as JSON.',
    ['to_json(5)', '5'],
  ),
  json(
    'json_array',
    [
      ['() -> json', "'[]'"],
      [
        '(any...) -> json',
        (s) =>
          `CAST(json_array(${s.sql.map((sql, i) => jsonValue(sql, s.args[i]?.type ?? STRING)).join(', ')}) AS VARCHAR)`,
      ],
    ],
    'A JSON array of the arguments.',
    ["json_array(1, 'a', null)", '[1, "a", null]'],
    own,
  ),
  json(
    'json_object',
    [
      ['() -> json', "'{}'"],
      ['(any...) -> json', object],
    ],
    'A JSON object of keys and values in turn; constant keys are sorted.',
    ["json_object('b', 'x', 'a', 1, 'c')", '{"a": 1, "b": "x", "c": null}'],
    own,
  ),
  json('json_valid, is_json', ['(string) -> boolean', 'json_valid({0})'], 'Is the text JSON?', [
    "json_valid('{')",
    '0',
  ]),
  json(
    'json_contains',
    ['(json, json) -> boolean', 'json_contains(TRY_CAST({0} AS JSON), TRY_CAST({1} AS JSON))'],
    'Does the first value contain the second?',
    [`json_contains(parse_json('{"a": 1}'), parse_json('1'))`, '1'],
  ),
];
