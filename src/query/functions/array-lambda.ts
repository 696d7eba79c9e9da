// Functions that take a lambda over arrays. Several arrays are zipped into one list; the lambda's
// parameters are then the parts of its elements (see analyse-lambda.ts).
// SOURCE of results: StarRocks' pages on array functions.
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { bindLong } from '../bind-long.ts';
import { arrayOf, BOOLEAN, NULL_TYPE } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const array = definer('scalar', 'array');
const own = { nulls: 'own' } as const;

/** Type of a lambda's body stands in the lambda's place. */
const mapped = (types: readonly SqlType[]): SqlType => arrayOf(types[0] ?? NULL_TYPE);

/** The list that the lambda walks: the array itself, or several of one length zipped; NULL where one is NULL. */
function walked(arrays: readonly string[], name: string): string {
  const [first = '', ...others] = arrays;
  if (others.length === 0) return first;
  const missing = arrays.map((sql) => `${sql} IS NULL`).join(' OR ');
  const unequal = others.map((sql) => `len(${sql}) <> len(${first})`).join(' OR ');
  // Not list_zip: over constant lists with a NULL its result makes list_filter fail inside DuckDB.
  const parts = arrays.map((sql) => `(${sql})[mr_i]`).join(', ');
  const zipped = `list_transform(range(1, len(${first}) + 1), lambda mr_i: row(${parts}))`;
  return `CASE WHEN ${missing} THEN NULL WHEN ${unequal} THEN error('Input array element''s size is not equal in ${name}().') ELSE ${zipped} END`;
}

const transformed = (s: CallSite, name: string): string =>
  bindLong(s.sql.slice(1), (arrays) => `list_transform(${walked(arrays, name)}, ${s.sql[0]})`);

const map = (s: CallSite): string =>
  `CAST(${transformed(s, 'array_map')} AS ${duckdbType(s.result)})`;

const filter = (s: CallSite): string =>
  bindLong(s.sql.slice(1), (arrays) => {
    const kept = `list_filter(${walked(arrays, 'array_filter')}, ${s.sql[0]})`;
    return arrays.length === 1 ? kept : `list_transform(${kept}, lambda mr_x: mr_x[1])`;
  });

/** true, else NULL where some answer is NULL, else false; for `all` the other way round. */
function matched(answers: string, every: boolean): string {
  const [first, last] = every ? ['FALSE', 'TRUE'] : ['TRUE', 'FALSE'];
  return bindLong(
    [answers],
    ([list = '']) =>
      `CASE WHEN ${list} IS NULL THEN NULL WHEN list_position(${list}, ${first}) > 0 THEN ${first} WHEN list_position(${list}, NULL) > 0 THEN NULL ELSE ${last} END`,
  );
}

const match = (name: string, every: boolean) => (s: CallSite) =>
  matched(transformed(s, name), every);
const matchArray = (every: boolean) => (s: CallSite) => matched(s.sql[0] ?? '', every);

/**
 * The first list in the order of the others, compared one after another, NULLs first, equal ones in their
 * old order. A key list that is NULL does not count.
 */
function sortedBy(list: string, keys: readonly string[]): string {
  const unequal = keys.map((sql) => `len(${sql}) <> len(${list})`).join(' OR ');
  const parts = keys.map((sql) => `(${sql})[mr_i] IS NOT NULL, (${sql})[mr_i]`).join(', ');
  const order = `list_sort(list_transform(range(1, len(${list}) + 1), lambda mr_i: row(${parts}, mr_i)))`;
  const sorted = `list_transform(${order}, lambda mr_r: (${list})[mr_r[${2 * keys.length + 1}]])`;
  return `CASE WHEN ${unequal} THEN error('Input arrays'' size are not equal in array_sortby.') ELSE ${sorted} END`;
}

const sortBy = (s: CallSite): string =>
  bindLong(s.sql, ([list = '', ...keys]) => sortedBy(list, keys));
const sortByLambda = (s: CallSite): string => {
  const key = `CASE WHEN ${s.sql
    .slice(1)
    .map((sql) => `${sql} IS NOT NULL`)
    .join(' AND ')} THEN ${transformed(s, 'array_sortby')} END`;
  return bindLong([s.sql[1] ?? '', key], ([list = '', keys = '']) => sortedBy(list, [keys]));
};

export const ARRAY_LAMBDA_FUNCTIONS: readonly FunctionEntry[] = [
  array(
    'array_map, transform',
    ['(lambda, array<any>...) -> array<any>', map, mapped],
    'The function of every element, or of the elements of several arrays at the same place.',
    ['array_map((x, y) -> x + y, [1, 2, 3], [11, 12, 13])', '[12,14,16]'],
  ),
  array(
    'array_filter',
    ['(predicate, array<T>, array<any>...?) -> array<T>', filter, (types) => types[1] ?? NULL_TYPE],
    'The elements of the first array for which the function is true.',
    ['array_filter((x, y) -> x < y, [1, 2, NULL], [4, 5, 6])', '[1,2]'],
    own,
  ),
  array(
    'any_match',
    [
      ['(predicate, array<any>...) -> boolean', match('any_match', false), () => BOOLEAN],
      ['(array<boolean>) -> boolean', matchArray(false), () => BOOLEAN],
    ],
    'Is the function true for some element? Else NULL where it is NULL for some, else false.',
    ['any_match(x -> x > 1, [1, 2])', '1'],
  ),
  array(
    'all_match',
    [
      ['(predicate, array<any>...) -> boolean', match('all_match', true), () => BOOLEAN],
      ['(array<boolean>) -> boolean', matchArray(true), () => BOOLEAN],
    ],
    'Is the function true for every element? False where it is false for some, else NULL where it is NULL.',
    ['all_match((x, y) -> x < y, [1, 2, -8], [4, 5, 6])', '1'],
  ),
  array(
    'none_match',
    [
      [
        '(predicate, array<any>...) -> boolean',
        (s) => `(NOT ${match('none_match', false)(s)})`,
        () => BOOLEAN,
      ],
    ],
    'Is the function true for no element?',
    ['none_match(x -> x > 5, [1, 2])', '1'],
  ),
  array(
    'array_sortby',
    [
      [
        '(lambda, array<T>, array<any>...?) -> array<T>',
        sortByLambda,
        (types) => types[1] ?? NULL_TYPE,
      ],
      ['(array<T>, array<any>...) -> array<T>', sortBy, (types) => types[0] ?? NULL_TYPE],
    ],
    'The first array in the order of the function, or of the other arrays one after another; NULLs first.',
    ['array_sortby([5, 4, NULL], [432, 21, 23])', '[4,null,5]'],
    own,
  ),
];
