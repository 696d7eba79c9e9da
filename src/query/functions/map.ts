// Map functions. Of equal keys the last one counts; a map is shown in the order of its entries.
// SOURCE of results: StarRocks' pages on map functions.
import { fail } from '../../base/errors.ts';
import { duckdbType, printSqlType, type SqlType } from '../../model/sql-type.ts';
import { castSql } from '../cast-sql.ts';
import { entrySql, mapFromEntriesSql } from '../map-sql.ts';
import { commonType, NULL_TYPE } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const map = definer('scalar', 'map');
const own = { nulls: 'own' } as const;

type MapType = Extract<SqlType, { kind: 'MAP' }>;
const NOTHING: MapType = { kind: 'MAP', key: NULL_TYPE, value: NULL_TYPE };

const asMap = (type: SqlType | undefined): MapType => (type?.kind === 'MAP' ? type : NOTHING);
const mapOfArrays = ([keys, values]: readonly SqlType[]): SqlType => ({
  kind: 'MAP',
  key: keys?.kind === 'ARRAY' ? keys.element : NULL_TYPE,
  value: values?.kind === 'ARRAY' ? values.element : NULL_TYPE,
});
const mapOfStructs = ([entries]: readonly SqlType[]): SqlType => {
  const struct = entries?.kind === 'ARRAY' ? entries.element : NULL_TYPE;
  const fields = struct.kind === 'STRUCT' ? struct.fields : [];
  return { kind: 'MAP', key: fields[0]?.type ?? NULL_TYPE, value: fields[1]?.type ?? NULL_TYPE };
};
const mapOfPairs = (types: readonly SqlType[]): SqlType => {
  if (types.length % 2 !== 0) {
    throw fail('SQL_ANALYZE', { detail: 'map() needs keys and values in pairs' });
  }
  const join = (from: number): SqlType =>
    types
      .filter((_, i) => i % 2 === from)
      .reduce((a, b) => {
        const joined = commonType(a, b);
        if (joined !== undefined) return joined;
        const what = from === 0 ? 'keys' : 'values';
        throw fail('SQL_ANALYZE', {
          detail: `The ${what} of map() have no common type: ${printSqlType(a)} and ${printSqlType(b)}`,
        });
      }, NULL_TYPE);
  return { kind: 'MAP', key: join(0), value: join(1) };
};
/** A lambda's body is the new key and value (`(k, v) -> (k + 1, v)`). */
const mapOfBody = ([body]: readonly SqlType[]): SqlType => {
  const fields = body?.kind === 'STRUCT' ? body.fields : [];
  if (fields.length !== 2) {
    throw fail('SQL_ANALYZE', {
      detail: 'the lambda of map_apply must give a pair, as (k, v) -> (k, v) does',
    });
  }
  return { kind: 'MAP', key: fields[0]?.type ?? NULL_TYPE, value: fields[1]?.type ?? NULL_TYPE };
};

/** Entries as a map of the result's type. */
const made = (s: CallSite, entries: string): string =>
  `CAST(${mapFromEntriesSql(entries)} AS ${duckdbType(s.result)})`;

const pairs = (s: CallSite): string => {
  const type = asMap(s.result);
  const entries: string[] = [];
  for (let i = 0; i < s.sql.length; i += 2) {
    const key = castSql(s.sql[i] ?? 'NULL', s.args[i]?.type ?? NULL_TYPE, type.key);
    const value = castSql(s.sql[i + 1] ?? 'NULL', s.args[i + 1]?.type ?? NULL_TYPE, type.value);
    entries.push(entrySql(key, value));
  }
  return made(s, `[${entries.join(', ')}]`);
};

const fromArrays = (s: CallSite): string => {
  const [keys, values] = s.sql;
  const zip = `list_transform(range(1, len(${keys}) + 1), lambda mr_i: ${entrySql(`(${keys})[mr_i]`, `(${values})[mr_i]`)})`;
  const entries = `CASE WHEN ${keys} IS NULL OR ${values} IS NULL THEN NULL WHEN len(${keys}) <> len(${values}) THEN error('Key and value arrays must be the same length') ELSE ${zip} END`;
  return made(s, entries);
};

/** Entries of the walked map, each changed by the lambda's SQL. */
const changed = (s: CallSite, entry: (body: string) => string): string => {
  const lambda = s.sql[0] ?? '';
  const colon = lambda.indexOf(':');
  const body = lambda.slice(colon + 1).trim();
  return made(
    s,
    `list_transform(map_entries(${s.sql[1]}), ${lambda.slice(0, colon)}: ${entry(body)})`,
  );
};
const parameterOf = (s: CallSite): string => {
  const lambda = s.args[0];
  return lambda?.kind === 'lambda' ? (lambda.parameters[0] ?? '') : '';
};

export const MAP_FUNCTIONS: readonly FunctionEntry[] = [
  map(
    'map',
    [
      ['() -> map<any, any>', (s) => `CAST(MAP([], []) AS ${duckdbType(s.result)})`, () => NOTHING],
      ['(any, any, any...?) -> map<any, any>', pairs, mapOfPairs],
    ],
    'A map of keys and values in turn.',
    ["map('a', 1, 'b', 2)", '{"a":1,"b":2}'],
    own,
  ),
  map(
    'map_from_arrays',
    ['(array<any>, array<any>) -> map<any, any>', fromArrays, mapOfArrays],
    'A map of an array of keys and an array of values of the same length.',
    ["map_from_arrays([1, 2], ['Star', 'Rocks'])", '{1:"Star",2:"Rocks"}'],
  ),
  map(
    'map_from_entries',
    [
      '(array<struct>) -> map<any, any>',
      (s) =>
        made(
          s,
          `list_transform(${s.sql[0]}, lambda mr_x: ${entrySql('struct_extract_at(mr_x, 1)', 'struct_extract_at(mr_x, 2)')})`,
        ),
      mapOfStructs,
    ],
    'A map of an array of structs of two fields.',
    ["map_from_entries([row(1, 'a'), row(2, 'b')])", '{1:"a",2:"b"}'],
  ),
  map('map_keys', ['(map<K, V>) -> array<K>', 'map_keys({0})'], 'Keys of a map.', [
    "map_keys(map{'a': 1, 'b': 2})",
    '["a","b"]',
  ]),
  map('map_values', ['(map<K, V>) -> array<V>', 'map_values({0})'], 'Values of a map.', [
    "map_values(map{'a': 1, 'b': NULL})",
    '[1,null]',
  ]),
  map(
    'map_entries',
    [
      '(map<K, V>) -> array<struct>',
      'map_entries({0})',
      ([type]) => ({
        kind: 'ARRAY',
        element: {
          kind: 'STRUCT',
          fields: [
            { name: 'key', type: asMap(type).key },
            { name: 'value', type: asMap(type).value },
          ],
        },
      }),
    ],
    'Entries of a map as structs key, value.',
    ["map_entries(map{'a': 1})", '[{"key":"a","value":1}]'],
  ),
  map(
    'map_size, cardinality',
    ['(map<K, V>) -> int', 'CAST(cardinality({0}) AS INTEGER)'],
    'Number of entries; of an array, of elements.',
    ["map_size(map{'a': 1, 'b': 2})", '2'],
  ),
  map(
    'cardinality',
    ['(array<T>) -> int', 'CAST(len({0}) AS INTEGER)'],
    'Number of elements of an array or entries of a map.',
    ['cardinality([1, 2, 3])', '3'],
  ),
  map(
    'map_contains_key',
    ['(map<K, V>, K) -> boolean', 'map_contains({0}, {1})'],
    'Has the map this key?',
    ["map_contains_key(map{'a': 1}, 'b')", '0'],
  ),
  map(
    'element_at',
    ['(map<K, V>, K) -> V', '({0})[{1}]'],
    'The value of a key; NULL when absent.',
    ["element_at(map{'a': 1, 'b': 2}, 'b')", '2'],
  ),
  map(
    'map_concat',
    ['(map<K, V>...) -> map<K, V>', (s) => s.sql.reduce((a, b) => `map_concat(${a}, ${b})`)],
    'The entries of all maps; of equal keys the last counts, NULL maps do not.',
    ["map_concat(map{'a': 1, 'b': 2}, map{'b': 3})", '{"a":1,"b":3}'],
    own,
  ),
  map(
    'distinct_map_keys',
    ['(map<K, V>) -> map<K, V>', '{0}'],
    'The map with the last of equal keys; maps have no others here.',
    ["distinct_map_keys(map{'a': 1, 'a': 2})", '{"a":2}'],
  ),
  map(
    'map_filter',
    [
      [
        '(predicate, map<K, V>) -> map<K, V>',
        (s) => `map_from_entries(list_filter(map_entries(${s.sql[1]}), ${s.sql[0]}))`,
      ],
      [
        '(map<K, V>, array<boolean>) -> map<K, V>',
        'CASE WHEN {0} IS NOT NULL THEN map_from_entries(list_filter(map_entries({0}), lambda mr_e, mr_i: coalesce(({1})[mr_i], FALSE))) END',
      ],
    ],
    'The entries for which the function, or the array beside them, is true.',
    ["map_filter((k, v) -> v > 1, map{'a': 1, 'b': 2})", '{"b":2}'],
    own,
  ),
  map(
    'map_apply',
    [
      '(lambda, map<K, V>) -> map<any, any>',
      // The body is `(key, value)`: an unnamed struct.
      (s) =>
        made(
          s,
          `list_transform(list_transform(map_entries(${s.sql[1]}), ${s.sql[0]}), lambda mr_x: ${entrySql('struct_extract_at(mr_x, 1)', 'struct_extract_at(mr_x, 2)')})`,
        ),
      mapOfBody,
    ],
    'A map of what the function gives for each entry, a pair of key and value.',
    ["map_apply((k, v) -> (k + 1, length(v)), map{1: 'ab', 3: 'cd'})", '{2:2,4:2}'],
  ),
  map(
    'transform_keys',
    [
      '(lambda, map<K, V>) -> map<any, V>',
      (s) => changed(s, (body) => entrySql(body, `${parameterOf(s)}.value`)),
      ([key, type]) => ({ kind: 'MAP', key: key ?? NULL_TYPE, value: asMap(type).value }),
    ],
    'The map with its keys changed by a function of key and value.',
    ["transform_keys((k, v) -> k + 1, map{1: 'ab', 3: 'cdd'})", '{2:"ab",4:"cdd"}'],
  ),
  map(
    'transform_values',
    [
      '(lambda, map<K, V>) -> map<K, any>',
      (s) => changed(s, (body) => entrySql(`${parameterOf(s)}.key`, body)),
      ([value, type]) => ({ kind: 'MAP', key: asMap(type).key, value: value ?? NULL_TYPE }),
    ],
    'The map with its values changed by a function of key and value.',
    ["transform_values((k, v) -> v * 10, map{'a': 1, 'b': 2})", '{"a":10,"b":20}'],
  ),
];
