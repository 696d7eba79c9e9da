// Array functions without lambdas. Positions count from 1, and NULL is an element like any other.
// SOURCE of results: StarRocks' pages on array functions.
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
import { castSql } from '../cast-sql.ts';
import { decimalQuotientSql } from '../decimal-sql.ts';
import { wrappedBigintSql } from '../integer-sql.ts';
import { arrayOf, BIGINT, DOUBLE, decimal, isInteger, NULL_TYPE, quotientScale } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';
import { joinListSql } from './join-list.ts';

const array = definer('scalar', 'array');
const own = { nulls: 'own' } as const;

const elementOf = (types: readonly SqlType[]): SqlType =>
  types[0]?.kind === 'ARRAY' ? types[0].element : NULL_TYPE;
/** Integers add up as BIGINT, DECIMALs to 38 digits, everything else as DOUBLE. */
const wideOf = (types: readonly SqlType[]): SqlType => {
  const element = elementOf(types);
  if (element.kind === 'DECIMAL') return decimal(38, element.scale);
  if (element.kind === 'LARGEINT') return element;
  const isWhole = isInteger(element) || element.kind === 'BOOLEAN' || element.kind === 'NULL';
  return isWhole ? BIGINT : DOUBLE;
};
const averageOf = (types: readonly SqlType[]): SqlType => {
  const element = elementOf(types);
  return element.kind === 'DECIMAL' ? decimal(38, quotientScale(element.scale)) : DOUBLE;
};
const wideArray = (types: readonly SqlType[]): SqlType => arrayOf(wideOf(types));

/** Its elements as the result's, so that adding them does not overflow. */
const widened = (s: CallSite): string => {
  const from = s.args[0]?.type ?? NULL_TYPE;
  const to = s.result.kind === 'ARRAY' ? s.result : arrayOf(s.result);
  return `CAST(${castSql(s.sql[0] ?? '', from, from.kind === 'NULL' ? to : from)} AS ${duckdbType(to)})`;
};

/** The first of each group of equal elements, in order; comparing positions only where something repeats. */
export function distinctListSql(list: string): string {
  return `CASE WHEN len(list_distinct(${list})) = len(${list}) THEN ${list} ELSE list_filter(${list}, lambda mr_e, mr_i: list_position(${list}, mr_e) = mr_i) END`;
}

const average = (s: CallSite): string => {
  const element = elementOf(s.args.map((arg) => arg.type));
  const list = s.sql[0] ?? '';
  if (element.kind !== 'DECIMAL' || s.result.kind !== 'DECIMAL')
    return `list_avg(CAST(${list} AS DOUBLE[]))`;
  const total = `CAST(list_sum(${list}) AS DECIMAL(38,${element.scale}))`;
  return decimalQuotientSql(total, element.scale, `list_count(${list})`, 0, s.result.scale);
};

const bothThere = (sql: string): string =>
  `CASE WHEN {0} IS NOT NULL AND {1} IS NOT NULL THEN ${sql} END`;

const AGGREGATING: readonly FunctionEntry[] = [
  array(
    'array_length',
    ['(array<T>) -> int', 'CAST(len({0}) AS INTEGER)'],
    'Number of elements, NULLs included.',
    ['array_length([1, 2, NULL])', '3'],
  ),
  array(
    'array_sum',
    [
      '(array<number>) -> bigint',
      (s) => {
        const total = `list_sum(${widened(s)})`;
        return s.result.kind === 'BIGINT'
          ? wrappedBigintSql(total)
          : `CAST(${total} AS ${duckdbType(s.result)})`;
      },
      wideOf,
    ],
    'Sum of the elements, NULLs left out: BIGINT for integers, a DECIMAL of 38 digits for DECIMALs, else DOUBLE.',
    ['array_sum([11.33, 11.11, 12.324])', '34.764'],
  ),
  array(
    'array_avg',
    ['(array<number>) -> double', average, averageOf],
    'Mean of the elements, NULLs left out.',
    ['array_avg([1, 2, NULL])', '1.5'],
  ),
  array('array_min', ['(array<T>) -> T', 'list_min({0})'], 'Smallest element, NULLs left out.', [
    'array_min([3, NULL, 2])',
    '2',
  ]),
  array('array_max', ['(array<T>) -> T', 'list_max({0})'], 'Largest element, NULLs left out.', [
    'array_max([3, NULL, 2])',
    '3',
  ]),
  array(
    'array_cum_sum',
    [
      '(array<number>) -> array<bigint>',
      (s) => {
        const list = widened(s);
        return `CAST(list_transform(${list}, lambda mr_e, mr_i: CASE WHEN mr_e IS NOT NULL THEN list_sum((${list})[1:mr_i]) END) AS ${duckdbType(s.result)})`;
      },
      wideArray,
    ],
    'Running sums; NULL elements stay NULL.',
    ['array_cum_sum([NULL, 1, 2])', '[null,1,3]'],
  ),
  array(
    'array_difference',
    [
      '(array<number>) -> array<bigint>',
      (s) => {
        const list = widened(s);
        return `CAST(list_transform(${list}, lambda mr_e, mr_i: CASE WHEN mr_i = 1 THEN mr_e - mr_e ELSE mr_e - (${list})[mr_i - 1] END) AS ${duckdbType(s.result)})`;
      },
      wideArray,
    ],
    'Each element less the one before it; the first is 0.',
    ['array_difference([342, 32423, 213, NULL, 23432])', '[0,32081,-32210,null,null]'],
  ),
];

const SEARCHING: readonly FunctionEntry[] = [
  array(
    'array_contains',
    [
      '(array<T>, T) -> boolean',
      'CASE WHEN {0} IS NOT NULL THEN coalesce(list_position({0}, {1}), 0) > 0 END',
    ],
    'Is the value among the elements? NULL is found where there is a NULL.',
    ['array_contains([1, NULL], NULL)', '1'],
    own,
  ),
  array(
    'array_contains_all',
    [
      '(array<T>, array<T>) -> boolean',
      bothThere(
        'list_has_all({0}, {1}) AND (list_position({1}, NULL) IS NULL OR list_position({0}, NULL) IS NOT NULL)',
      ),
    ],
    'Does the first array hold every element of the second?',
    ['array_contains_all([1, 2, 3], [1, 2])', '1'],
  ),
  array(
    'array_contains_seq',
    [
      '(array<T>, array<T>) -> boolean',
      bothThere(
        'len({1}) = 0 OR list_contains(list_transform(range(1, len({0}) - len({1}) + 2), lambda mr_i: ({0})[mr_i:mr_i + len({1}) - 1]), {1})',
      ),
    ],
    'Do the elements of the second array follow one another in the first?',
    ['array_contains_seq([1, 2, NULL, 3, 4], [2, NULL, 3])', '1'],
  ),
  array(
    'array_position',
    [
      '(array<T>, T) -> int',
      'CASE WHEN {0} IS NOT NULL THEN coalesce(CAST(list_position({0}, {1}) AS INTEGER), 0) END',
    ],
    'Position of the first equal element; 0 when absent.',
    ['array_position([1, NULL], NULL)', '2'],
    own,
  ),
  array(
    'arrays_overlap',
    [
      '(array<T>, array<T>) -> boolean',
      bothThere(
        'list_has_any({0}, {1}) OR (list_position({0}, NULL) IS NOT NULL AND list_position({1}, NULL) IS NOT NULL)',
      ),
    ],
    'Have the arrays an element in common?',
    ['arrays_overlap([1, 2], [2, 3])', '1'],
  ),
  array(
    'array_intersect',
    [
      '(array<T>...) -> array<T>',
      (s) => {
        const [first = '', ...others] = s.sql;
        const there = s.sql.map((sql) => `${sql} IS NOT NULL`).join(' AND ');
        const inAll = others.map((sql) => `list_position(${sql}, mr_x) IS NOT NULL`);
        const kept =
          inAll.length === 0 ? first : `list_filter(${first}, lambda mr_x: ${inAll.join(' AND ')})`;
        return `CASE WHEN ${there} THEN ${distinctListSql(kept)} END`;
      },
    ],
    'Elements that are in all arrays, each once.',
    ["array_intersect(['SQL', NULL, 'storage'], ['mysql', NULL], [NULL])", '[null]'],
  ),
  array(
    'element_at',
    [
      ['(array<T>, bigint) -> T', '({0})[greatest({1}, 0)]'],
      [
        '(array<T>, bigint, boolean) -> T',
        "CASE WHEN {2} IS NULL THEN NULL WHEN {2} AND {1} > len({0}) THEN error('Array subscript must be less than or equal to array length') ELSE ({0})[greatest({1}, 0)] END",
      ],
    ],
    'The element at a position; NULL when there is none, or an error where the third argument is true.',
    ['element_at([5, 6], 2)', '6'],
  ),
];

const CHANGING: readonly FunctionEntry[] = [
  array(
    'array_distinct',
    ['(array<T>) -> array<T>', (s) => distinctListSql(s.sql[0] ?? '')],
    'Elements without repeats; the first of equal ones stays.',
    ['array_distinct([1, NULL, 1, NULL, 2])', '[1,null,2]'],
  ),
  array(
    'array_sort',
    ['(array<T>) -> array<T>', "list_sort({0}, 'ASC', 'NULLS FIRST')"],
    'Elements in ascending order, NULLs first.',
    ['array_sort([3, NULL, 2])', '[null,2,3]'],
  ),
  array(
    'array_top_n',
    [
      '(array<T>, int) -> array<T>',
      "CASE WHEN {1} IS NOT NULL THEN list_slice(list_sort({0}, 'DESC', 'NULLS LAST'), 1, greatest({1}, 0)) END",
    ],
    'So many of the largest elements, in descending order.',
    ['array_top_n([1, 100, 2, 5, 3], 3)', '[100,5,3]'],
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
          `CASE WHEN ${s.sql[2]} IS NOT NULL THEN ${joinListSql(`list_transform(${s.sql[0]}, lambda mr_x: coalesce(mr_x, ${s.sql[2]}))`, s.sql[1] ?? '', s.args[1])} END`,
      ],
    ],
    'Elements joined with a separator; NULLs left out, or replaced with the third argument.',
    ["array_join([1, 3, NULL], '_', 'NULL')", '1_3_NULL'],
  ),
  array(
    'array_concat',
    [
      '(array<T>...) -> array<T>',
      (s) =>
        `CASE WHEN ${s.sql.map((sql) => `${sql} IS NOT NULL`).join(' AND ')} THEN ${s.sql.reduce((a, b) => `list_concat(${a}, ${b})`)} END`,
    ],
    'Arrays one behind another.',
    ['array_concat([1], [2, 3])', '[1,2,3]'],
  ),
  array(
    'array_append',
    ['(array<T>, T) -> array<T>', 'CASE WHEN {0} IS NOT NULL THEN list_append({0}, {1}) END'],
    'The array with one more element.',
    ['array_append([1], NULL)', '[1,null]'],
    own,
  ),
  array(
    'array_remove',
    ['(array<T>, T) -> array<T>', 'list_filter({0}, lambda mr_x: mr_x IS DISTINCT FROM {1})'],
    'The array without the elements that equal the value.',
    ['array_remove([1, 2, NULL], NULL)', '[1,2]'],
    own,
  ),
  array(
    'array_slice',
    [
      '(array<T>, bigint, bigint?) -> array<T>',
      (s) => {
        const [list, offset, length] = s.sql;
        const from = `CASE WHEN ${offset} >= 0 THEN ${offset} ELSE greatest(len(${list}) + ${offset} + 1, 1) END`;
        if (length === undefined)
          return `CASE WHEN ${offset} IS NOT NULL THEN list_slice(${list}, greatest(${from}, 1), len(${list})) END`;
        return `CASE WHEN ${offset} IS NULL OR ${length} IS NULL THEN NULL WHEN ${offset} = 0 THEN list_slice(${list}, 1, 0) ELSE list_slice(${list}, ${from}, ${from} + greatest(${length}, 0) - 1) END`;
      },
    ],
    'So many elements from a position on; a negative position counts from the end.',
    ['array_slice([57.73, 97.32, 128.55, NULL, 324.2], 3, 5)', '[128.55,null,324.20]'],
  ),
  array(
    'array_flatten',
    ['(array<array<T>>) -> array<T>', 'flatten({0})'],
    'One level of nesting removed.',
    ['array_flatten([[1], NULL, [2, 3]])', '[1,2,3]'],
  ),
  array(
    'array_filter',
    [
      '(array<T>, array<boolean>) -> array<T>',
      'CASE WHEN {0} IS NULL THEN NULL WHEN {1} IS NULL THEN list_slice({0}, 1, 0) ELSE list_filter({0}, lambda mr_e, mr_i: coalesce(({1})[mr_i], FALSE)) END',
    ],
    'The elements beside which the second array is true.',
    ['array_filter([1, 2, 3], [NULL, 1, 0])', '[2]'],
    own,
  ),
];

const zipped = (types: readonly SqlType[]): SqlType =>
  arrayOf({
    kind: 'STRUCT',
    fields: types.map((type, i) => ({
      name: `col${i + 1}`,
      type: type.kind === 'ARRAY' ? type.element : NULL_TYPE,
    })),
  });

const MAKING: readonly FunctionEntry[] = [
  array(
    'arrays_zip',
    [
      '(array<any>...) -> array<any>',
      (s) => {
        const there = s.sql.map((sql) => `${sql} IS NOT NULL`).join(' AND ');
        const longest = `greatest(${s.sql.map((sql) => `len(${sql})`).join(', ')}, 0)`;
        const fields = s.sql.map((sql, i) => `col${i + 1} := (${sql})[mr_i]`).join(', ');
        const rows = `list_transform(range(1, ${longest} + 1), lambda mr_i: struct_pack(${fields}))`;
        return `CASE WHEN ${there} THEN CAST(${rows} AS ${duckdbType(s.result)}) END`;
      },
      zipped,
    ],
    'An array of structs col1, col2, ... of the elements at the same place; shorter arrays are filled up with NULL.',
    [
      "arrays_zip([1, 2], ['a', NULL, 'c'])",
      '[{"col1":1,"col2":"a"},{"col1":2,"col2":null},{"col1":null,"col2":"c"}]',
    ],
  ),
  array(
    'array_generate',
    [
      ['(integer) -> array<bigint>', (s) => generated(s, '1', s.sql[0] ?? '', ''), arrayOfWidest],
      [
        '(integer, integer) -> array<bigint>',
        (s) => generated(s, s.sql[0] ?? '', s.sql[1] ?? '', ''),
        arrayOfWidest,
      ],
      [
        '(integer, integer, integer) -> array<bigint>',
        (s) => generated(s, s.sql[0] ?? '', s.sql[1] ?? '', s.sql[2] ?? ''),
        arrayOfWidest,
      ],
    ],
    'The numbers from one (1 when left out) to another; a step of 0 gives an empty array. 1,000,000 numbers at most.',
    ['array_generate(9, 6)', '[9,8,7,6]'],
  ),
  array(
    'array_repeat',
    ['(T, int) -> array<T>', repeated],
    'The value so many times: 1,000,000 elements or 64 MB of text at most, those of arrays counted.',
    ['array_repeat([1, 2], 2)', '[[1,2],[1,2]]'],
    own,
  ),
];

function arrayOfWidest(types: readonly SqlType[]): SqlType {
  const order = ['TINYINT', 'SMALLINT', 'INT', 'BIGINT', 'LARGEINT'];
  const rank = (type: SqlType): number => order.indexOf(type.kind);
  return arrayOf(types.reduce((a, b) => (rank(b) > rank(a) ? b : a), types[0] ?? BIGINT));
}

/**
 * Most elements that one call makes: it cannot be interrupted, and the engine's range() does not keep to
 * its memory limit. StarRocks has no bound of its own.
 */
const MAX_MADE = 1_000_000;
/** Most bytes of text that array_repeat makes. */
const MAX_TEXT_BYTES = 64_000_000;

function tooLong(name: string): string {
  return `error('${name} makes at most ${MAX_MADE} elements, or 64 MB of text: use TABLE(generate_series(...)) for more')`;
}

function repeated(s: CallSite): string {
  const [value = '', times = ''] = s.sql;
  const kind = s.args[0]?.type.kind;
  const size =
    kind === 'ARRAY'
      ? `greatest(len(${value}), 1)`
      : kind === 'CHAR' || kind === 'VARCHAR'
        ? `greatest(strlen(${value}) / ${MAX_TEXT_BYTES / MAX_MADE}, 1)`
        : '1';
  const isTooLong = `CAST(${times} AS DOUBLE) * coalesce(${size}, 1) > ${MAX_MADE}`;
  // Bounded before the engine counts, whether it looks at the other branch or not.
  const count = `CAST(CASE WHEN ${isTooLong} THEN 0 ELSE greatest(${times}, 0) END AS BIGINT)`;
  const made = `CAST(list_transform(range(${count}), lambda mr_i: ${value}) AS ${duckdbType(s.result)})`;
  return `CASE WHEN ${isTooLong} THEN ${tooLong('array_repeat')} WHEN ${times} IS NOT NULL THEN ${made} END`;
}

/** DuckDB counts in BIGINT; with no step it goes towards the end, up or down. */
function generated(s: CallSite, start: string, end: string, step: string): string {
  const [from, to] = [start, end].map((sql) => `CAST(${sql} AS BIGINT)`);
  const by =
    step === '' ? `CASE WHEN ${from} <= ${to} THEN 1 ELSE -1 END` : `CAST(${step} AS BIGINT)`;
  // In DOUBLE: the difference of two BIGINTs may be none, and the bound need not be exact.
  const count = `(CAST(${to} AS DOUBLE) - ${from}) / nullif(${by}, 0)`;
  // Bounded before the engine counts, whether it looks at the other branch or not.
  const last = `CASE WHEN ${count} >= ${MAX_MADE} THEN ${from} ELSE ${to} END`;
  const made = `CAST(generate_series(${from}, ${last}, ${by}) AS ${duckdbType(s.result)})`;
  return `CASE WHEN ${count} >= ${MAX_MADE} THEN ${tooLong('array_generate')} ELSE ${made} END`;
}

export const ARRAY_FUNCTIONS: readonly FunctionEntry[] = [
  ...AGGREGATING,
  ...SEARCHING,
  ...CHANGING,
  ...MAKING,
];
