// JSON functions. A JSON value is text in the engine; broken text is NULL, never an error.
// SOURCE of results: StarRocks' pages on JSON functions.
import { fail } from '../../base/errors.ts';
import { isMany } from '../../formats/json/path.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { castSql } from '../cast-sql.ts';
import { BIGINT, BOOLEAN, DOUBLE, isString, JSON_TYPE, STRING } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';
import { constantSteps, jsonAtPathSql } from './json-path.ts';

const json = definer('scalar', 'json');
const own = { nulls: 'own' } as const;

/** The value at a path as JSON text. */
const atPath = (site: CallSite): string =>
  jsonAtPathSql(site.sql[0] ?? '', site.sql[1] ?? "'$'", site.args[1]);

const getter = (type: SqlType) => (site: CallSite) => castSql(atPath(site), JSON_TYPE, type);
const getters = (type: SqlType, word: string) =>
  [
    [`(json, string) -> ${word}`, getter(type)],
    [`(string, string) -> ${word}`, getter(type)],
  ] as const;

/** A text is a JSON string, whatever is in it; JSON stays JSON. */
const exactValue = (sql: string, type: SqlType): string =>
  isString(type) ? `CAST(to_json(${sql}) AS VARCHAR)` : castSql(sql, type, JSON_TYPE);

/** JSON text must be nested as JSON, not as a string. */
function nestedValue(sql: string, type: SqlType): string {
  return type.kind === 'JSON'
    ? `TRY_CAST(${sql} AS JSON)`
    : `CAST(${castSql(sql, type, JSON_TYPE)} AS JSON)`;
}

const object = (site: CallSite): string => {
  const entries: string[] = [];
  for (let i = 0; i < site.sql.length; i += 2) {
    const value = site.sql[i + 1];
    const key = castSql(site.sql[i] ?? '', site.args[i]?.type ?? STRING, STRING);
    const nested =
      value === undefined ? 'NULL' : nestedValue(value, site.args[i + 1]?.type ?? STRING);
    entries.push(`${key}, ${nested}`);
  }
  return `CAST(json_object(${entries.join(', ')}) AS VARCHAR)`;
};

const array = (site: CallSite): string =>
  `CAST(json_array(${site.sql.map((sql, i) => nestedValue(sql, site.args[i]?.type ?? STRING)).join(', ')}) AS VARCHAR)`;

/** A path that names nothing, or may name several values, gives 0. */
const length = (site: CallSite): string => {
  const steps = constantSteps(site.args[1]);
  if (steps !== undefined && steps !== null && isMany(steps)) {
    return `CAST(CASE WHEN ${site.sql[0]} IS NOT NULL THEN 0 END AS INTEGER)`;
  }
  const whole = `TRY_CAST(${site.sql[0]} AS JSON)`;
  const value = `TRY_CAST(${atPath(site)} AS JSON)`;
  const size = `CASE json_type(${value}) WHEN 'OBJECT' THEN len(json_keys(${value})) WHEN 'ARRAY' THEN json_array_length(${value}) ELSE CASE WHEN ${value} IS NULL THEN 0 ELSE 1 END END`;
  const path = site.sql[1] === undefined ? '' : ` AND ${site.sql[1]} IS NOT NULL`;
  return `CAST(CASE WHEN ${whole} IS NOT NULL${path} THEN ${size} END AS INTEGER)`;
};

const keys = (site: CallSite): string => {
  const value = `TRY_CAST(${atPath(site)} AS JSON)`;
  return `CASE json_type(${value}) WHEN 'OBJECT' THEN CAST(to_json(list_sort(json_keys(${value}))) AS VARCHAR) END`;
};

function pathText(site: CallSite, index: number, name: string): string {
  const type = site.args[index]?.type;
  if (type === undefined || !(isString(type) || type.kind === 'NULL')) {
    throw fail('SQL_ANALYZE', { detail: `the paths of ${name} must be texts` });
  }
  return castSql(site.sql[index] ?? 'NULL', type, STRING);
}

/** Paths and values in turn, one after another. */
const changing = (name: string) => (site: CallSite) => {
  if (site.sql.length % 2 === 0) {
    throw fail('SQL_ANALYZE', { detail: `${name.slice(3)} needs paths and values in pairs` });
  }
  let document = site.sql[0] ?? '';
  for (let i = 1; i + 1 < site.sql.length; i += 2) {
    const value = exactValue(site.sql[i + 1] ?? '', site.args[i + 1]?.type ?? STRING);
    document = `${name}(${document}, ${pathText(site, i, name.slice(3))}, ${value})`;
  }
  return document;
};
const CHANGE = '(json, string, any, any...?) -> json';

const READING: readonly FunctionEntry[] = [
  json(
    'json_query',
    ['(json, string) -> json', atPath],
    'The value at a path, as JSON; the same as the operator ->. With [*] or [from:to] in the path an array of what is found.',
    [`json_query(parse_json('{"a": {"b": 1}}'), '$.a')`, '{"b": 1}'],
  ),
  json(
    'get_json_string, get_json_object',
    getters(STRING, 'string'),
    'The value at a path as text; strings without their quotes.',
    [`get_json_string('{"k1": "v1"}', '$.k1')`, 'v1'],
  ),
  json('get_json_int', getters(BIGINT, 'bigint'), 'The whole number at a path.', [
    `get_json_int('{"k1": [1, 2]}', '$.k1[1]')`,
    '2',
  ]),
  json('get_json_double', getters(DOUBLE, 'double'), 'The number at a path.', [
    `get_json_double('{"k1": 1.5}', '$.k1')`,
    '1.5',
  ]),
  json('get_json_bool', getters(BOOLEAN, 'boolean'), 'The truth value at a path.', [
    `get_json_bool('{"k1": true}', '$.k1')`,
    '1',
  ]),
  json(
    'json_exists',
    [
      '(json, string) -> boolean',
      (s) =>
        `CASE WHEN TRY_CAST(${s.sql[0]} AS JSON) IS NOT NULL AND ${s.sql[1]} IS NOT NULL THEN ${atPath(s)} IS NOT NULL END`,
    ],
    'Is there a value at the path?',
    [`json_exists(parse_json('{"a": 1}'), '$.b')`, '0'],
  ),
  json(
    'json_length',
    ['(json, string?) -> int', length],
    'Elements of an array or keys of an object, at a path where one is given; 1 for other values, 0 where there is none.',
    [`json_length(parse_json('[1, 2]'))`, '2'],
  ),
  json(
    'json_keys',
    ['(json, string?) -> json', keys],
    'Keys of an object as a JSON array; NULL where there is no object.',
    [`json_keys(parse_json('{"b": 1, "a": 2}'))`, '["a", "b"]'],
  ),
  json(
    'json_contains',
    ['(json, json) -> boolean', 'mr_json_contains({0}, {1})'],
    'Does the first value hold the second: every pair of an object, every element of an array, or the same scalar?',
    [`json_contains(parse_json('{"a": 1, "b": 2}'), parse_json('{"a": 1}'))`, '1'],
  ),
  json(
    'is_json_scalar',
    [
      '(json) -> boolean',
      "(json_type(TRY_CAST({0} AS JSON)) <> 'OBJECT' AND json_type(TRY_CAST({0} AS JSON)) <> 'ARRAY')",
    ],
    'Is it neither an object nor an array?',
    [`is_json_scalar(parse_json('[1]'))`, '0'],
  ),
  json('json_valid, is_json', ['(string) -> boolean', 'json_valid({0})'], 'Is the text JSON?', [
    "json_valid('{')",
    '0',
  ]),
];

const MAKING: readonly FunctionEntry[] = [
  json(
    'parse_json',
    ['(string) -> json', 'CAST(TRY_CAST({0} AS JSON) AS VARCHAR)'],
    'Text to JSON; NULL when it is none.',
    [`parse_json('{"a": 1}')`, '{"a": 1}'],
  ),
  json(
    'json_string, to_json_string',
    ['(json) -> string', 'mr_json_text({0})'],
    'JSON as text, JSON strings in their quotes.',
    [`json_string(parse_json('{"a": 1}'))`, '{"a": 1}'],
  ),
  json(
    'json_pretty',
    ['(json) -> string', 'mr_json_pretty({0})'],
    'JSON as text over several lines, keys in order.',
    [`json_pretty(parse_json('{"b": [], "a": 1}'))`, '{\n  "a": 1,\n  "b": []\n}'],
  ),
  json(
    'to_json',
    ['(any) -> json', (s) => castSql(s.sql[0] ?? '', s.args[0]?.type ?? STRING, JSON_TYPE)],
    'Any value as JSON.',
    ["to_json(map{1: 'a', 2: 'b'})", '{"1": "a", "2": "b"}'],
  ),
  json(
    'json_array',
    [
      ['() -> json', "'[]'"],
      ['(any...) -> json', array],
    ],
    'A JSON array of the arguments.',
    ["json_array(1, 'a', null)", '[1, "a", null]'],
    own,
  ),
  json(
    'json_object',
    [
      ['() -> json', 'CAST(json_object() AS VARCHAR)'],
      ['(any...) -> json', object],
    ],
    'A JSON object of keys and values in turn; a key without a value gets null.',
    ["json_object('b', 'x', 'a', 1, 'c')", '{"a": 1, "b": "x", "c": null}'],
    own,
  ),
  json(
    'json_set',
    [CHANGE, changing('mr_json_set')],
    'The JSON with values put at paths (pairs of path and value): what is there is replaced, what is missing added, at the end of an array. A path with a wildcard changes nothing.',
    [`json_set(parse_json('{"a": 1, "b": 2}'), '$.a', 10, '$.c', 3)`, '{"a": 10, "b": 2, "c": 3}'],
  ),
  json(
    'json_insert',
    [CHANGE, changing('mr_json_insert')],
    'As json_set, but what is there stays.',
    [`json_insert(parse_json('{"a": 1}'), '$.a', 10, '$.c', 3)`, '{"a": 1, "c": 3}'],
  ),
  json(
    'json_replace',
    [CHANGE, changing('mr_json_replace')],
    'As json_set, but nothing is added.',
    [`json_replace(parse_json('{"a": 1}'), '$.a', 10, '$.c', 3)`, '{"a": 10}'],
  ),
  json(
    'json_remove',
    [
      '(json, string...) -> json',
      (s) => s.sql.slice(1).reduce((a, path) => `mr_json_remove(${a}, ${path})`, s.sql[0] ?? ''),
    ],
    'The JSON without what is at the paths; a path that names nothing changes nothing.',
    [`json_remove(parse_json('{"a": 1, "b": [10, 20, 30]}'), '$.b[1]')`, '{"a": 1, "b": [10, 30]}'],
  ),
];

export const JSON_FUNCTIONS: readonly FunctionEntry[] = [...READING, ...MAKING];
