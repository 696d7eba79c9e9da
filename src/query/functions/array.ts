// Array, map and struct functions, higher-order ones included. Positions count from 1.
import type { SqlType } from '../../model/sql-type.ts';
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  DOUBLE,
  decimal,
  isFloating,
  isInteger,
  NULL_TYPE,
} from '../types.ts';
import { definer } from './define.ts';
import type { FunctionEntry } from './entry.ts';
import { joinListSql } from './join-list.ts';

const array = definer('scalar', 'array');
const own = { nulls: 'own' } as const;

const elementOf = (types: readonly SqlType[]): SqlType =>
  types[0]?.kind === 'ARRAY' ? types[0].element : NULL_TYPE;
const sumOf = (types: readonly SqlType[]): SqlType => {
  const element = elementOf(types);
  if (element.kind === 'DECIMAL') return decimal(38, element.scale);
  if (element.kind === 'LARGEINT') return element;
  return isInteger(element) || element.kind === 'BOOLEAN' ? BIGINT : DOUBLE;
};
/** Type of a lambda's body stands in the lambda's place. */
const mapped = (types: readonly SqlType[]): SqlType => arrayOf(types[0] ?? NULL_TYPE);

export const ARRAY_FUNCTIONS: readonly FunctionEntry[] = [
  array(
    'array_length, cardinality',
    [
      ['(array<T>) -> int', 'CAST(len({0}) AS INTEGER)'],
      ['(map<K, V>) -> int', 'CAST(cardinality({0}) AS INTEGER)'],
    ],
    'Number of elements.',
    ['array_length([1, 2, 3])', '3'],
  ),
  array(
    'array_contains',
    [
      '(array<T>, T) -> boolean',
      'CASE WHEN {0} IS NOT NULL THEN CASE WHEN {1} IS NULL THEN len({0}) > len(list_filter({0}, lambda x: x IS NOT NULL)) ELSE list_contains({0}, {1}) END END',
    ],
    'Is the value among the elements?',
    ['array_contains([1, 2], 2)', '1'],
    own,
  ),
  array(
    'array_position',
    [
      '(array<T>, T) -> int',
      'CASE WHEN {0} IS NOT NULL THEN coalesce(CAST(list_position({0}, {1}) AS INTEGER), 0) END',
    ],
    'Position of the value; 0 when absent.',
    ['array_position([5, 6], 6)', '2'],
    own,
  ),
  array(
    'array_sum',
    ['(array<T>) -> bigint', (s) => `CAST(list_sum(${s.sql[0]}) AS ${duckSum(s.result)})`, sumOf],
    'Sum of the elements.',
    ['array_sum([1, 2, 3])', '6'],
  ),
  array('array_avg', ['(array<double>) -> double', 'list_avg({0})'], 'Mean of the elements.', [
    'array_avg([1, 2])',
    '1.5',
  ]),
  array('array_min', ['(array<T>) -> T', 'list_min({0})'], 'Smallest element.', [
    'array_min([3, 1, 2])',
    '1',
  ]),
  array('array_max', ['(array<T>) -> T', 'list_max({0})'], 'Largest element.', [
    'array_max([3, 1, 2])',
    '3',
  ]),
  array(
    'array_distinct',
    ['(array<T>) -> array<T>', 'list_distinct({0})'],
    'Elements without repeats, in no order.',
    ['array_length(array_distinct([1, 1, 2]))', '2'],
  ),
  array(
    'array_sort',
    ['(array<T>) -> array<T>', "list_sort({0}, 'ASC', 'NULLS FIRST')"],
    'Elements in ascending order, NULLs first.',
    ['array_sort([3, 1, 2])', '[1,2,3]'],
  ),
  array('reverse', ['(array<T>) -> array<T>', 'list_reverse({0})'], 'Elements in reverse order.', [
    'reverse([1, 2])',
    '[2,1]',
  ]),
  array(
    'array_join',
    [
      [
        '(array<string>, string) -> string',
        (s) => joinListSql(s.sql[0] ?? '', s.sql[1] ?? '', s.args[1]),
      ],
      [
        '(array<string>, string, string) -> string',
        (s) =>
          `CASE WHEN ${s.sql[2]} IS NOT NULL THEN ${joinListSql(`list_transform(${s.sql[0]}, lambda x: coalesce(x, ${s.sql[2]}))`, s.sql[1] ?? '', s.args[1])} END`,
      ],
    ],
    'Elements joined with a separator; NULLs left out, or replaced with the third argument.',
    ["array_join(['a', 'b'], '-')", 'a-b'],
  ),
  array(
    'array_concat',
    ['(array<T>...) -> array<T>', (s) => s.sql.reduce((a, b) => `list_concat(${a}, ${b})`)],
    'Arrays one behind another.',
    ['array_concat([1], [2, 3])', '[1,2,3]'],
  ),
  array(
    'array_append',
    ['(array<T>, T) -> array<T>', 'list_append({0}, {1})'],
    'The array with one more element.',
    ['array_append([1], 2)', '[1,2]'],
    own,
  ),
  array(
    'array_remove',
    ['(array<T>, T) -> array<T>', 'list_filter({0}, lambda x: x IS DISTINCT FROM {1})'],
    'The array without the elements that equal the value.',
    ['array_remove([1, 2, 1], 1)', '[2]'],
    own,
  ),
  array(
    'array_slice',
    [
      '(array<T>, bigint, bigint?) -> array<T>',
      (s) =>
        s.sql[2] === undefined
          ? `(${s.sql[0]})[${s.sql[1]}:]`
          : `(${s.sql[0]})[${s.sql[1]}:${s.sql[1]} + ${s.sql[2]} - 1]`,
    ],
    'So many elements from a position on.',
    ['array_slice([1, 2, 3], 2, 2)', '[2,3]'],
  ),
  array(
    'array_intersect',
    [
      '(array<T>, array<T>) -> array<T>',
      'CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN list_intersect({0}, {1}) END',
    ],
    'Elements of both arrays.',
    ['array_intersect([1, 2], [2, 3])', '[2]'],
  ),
  array(
    'arrays_overlap',
    ['(array<T>, array<T>) -> boolean', 'list_has_any({0}, {1})'],
    'Have the arrays an element in common?',
    ['arrays_overlap([1, 2], [2, 3])', '1'],
  ),
  array(
    'array_contains_all',
    ['(array<T>, array<T>) -> boolean', 'list_has_all({0}, {1})'],
    'Does the first array hold every element of the second?',
    ['array_contains_all([1, 2, 3], [1, 2])', '1'],
  ),
  array(
    'array_flatten',
    ['(array<array<T>>) -> array<T>', 'flatten({0})'],
    'One level of nesting removed.',
    ['array_flatten([[1], [2, 3]])', '[1,2,3]'],
  ),
  array(
    'array_generate',
    [
      ['(bigint) -> array<bigint>', 'generate_series(1, {0})'],
      [
        '(bigint, bigint) -> array<bigint>',
        'CASE WHEN {0} <= {1} THEN generate_series({0}, {1}) ELSE generate_series({0}, {1}, -1) END',
      ],
      ['(bigint, bigint, bigint) -> array<bigint>', 'generate_series({0}, {1}, {2})'],
    ],
    'The numbers from one to another.',
    ['array_generate(1, 3)', '[1,2,3]'],
  ),
  array(
    'array_repeat',
    ['(T, int) -> array<T>', 'list_transform(range({1}), lambda i: {0})'],
    'The value so many times.',
    ['array_repeat(7, 2)', '[7,7]'],
    own,
  ),
  array(
    'array_map, transform',
    [['(lambda, array<T>) -> array<T>', 'list_transform({1}, {0})', mapped]],
    'The function of every element.',
    ['array_map(x -> x + 1, [1, 2])', '[2,3]'],
  ),
  array(
    'array_filter',
    ['(lambda, array<T>) -> array<T>', 'list_filter({1}, {0})'],
    'The elements for which the function is true.',
    ['array_filter(x -> x > 1, [1, 2])', '[2]'],
  ),
  array(
    'any_match',
    ['(lambda, array<T>) -> boolean', 'list_bool_or(list_transform({1}, {0}))', () => BOOLEAN],
    'Is the function true for some element?',
    ['any_match(x -> x > 1, [1, 2])', '1'],
  ),
  array(
    'all_match',
    ['(lambda, array<T>) -> boolean', 'list_bool_and(list_transform({1}, {0}))', () => BOOLEAN],
    'Is the function true for every element?',
    ['all_match(x -> x > 1, [1, 2])', '0'],
  ),
  array('map_keys', ['(map<K, V>) -> array<K>', 'map_keys({0})'], 'Keys of a map.', [
    "map_keys(map{'a': 1})",
    '["a"]',
  ]),
  array('map_values', ['(map<K, V>) -> array<V>', 'map_values({0})'], 'Values of a map.', [
    "map_values(map{'a': 1})",
    '[1]',
  ]),
  array(
    'map_size',
    ['(map<K, V>) -> int', 'CAST(cardinality({0}) AS INTEGER)'],
    'Number of entries.',
    ["map_size(map{'a': 1})", '1'],
  ),
  array(
    'map_contains_key',
    ['(map<K, V>, K) -> boolean', 'map_contains({0}, {1})'],
    'Has the map this key?',
    ["map_contains_key(map{'a': 1}, 'b')", '0'],
  ),
  array(
    'element_at',
    [
      ['(array<T>, int) -> T', '({0})[{1}]'],
      ['(map<K, V>, K) -> V', '({0})[{1}]'],
    ],
    'The element at a position, or the value of a key; NULL when there is none.',
    ['element_at([5, 6], 2)', '6'],
  ),
  array(
    'row, struct',
    [
      '(any...) -> any',
      (s) => `struct_pack(${s.sql.map((sql, i) => `col${i + 1} := ${sql}`).join(', ')})`,
      (types) => ({
        kind: 'STRUCT',
        fields: types.map((type, i) => ({ name: `col${i + 1}`, type })),
      }),
    ],
    'A struct with fields col1, col2, ...',
    ["row(1, 'a')", '{"col1":1,"col2":"a"}'],
    own,
  ),
];

function duckSum(type: SqlType): string {
  if (type.kind === 'DECIMAL') return `DECIMAL(38,${type.scale})`;
  if (type.kind === 'LARGEINT') return 'HUGEINT';
  return isFloating(type) ? 'DOUBLE' : 'BIGINT';
}
