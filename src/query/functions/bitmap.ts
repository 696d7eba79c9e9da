// BITMAP functions and aggregates, over the engine's mr_bitmap_* functions. SOURCE: StarRocks' pages on
// bitmap functions (the examples are theirs) and how its answers treat NULL.
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const bitmap = definer('scalar', 'bitmap');
const aggregate = definer('aggregate', 'bitmap');
const own = { nulls: 'own' } as const;
const noDistinct = { takesDistinct: false } as const;

/** The empty bitmap in Roaring64 format: no 32-bit bitmaps in it. */
export const EMPTY_BITMAP_SQL = `CAST('${'\\x00'.repeat(8)}' AS BLOB)`;

/** A HUGEINT from 0 to 2^64-1 as the BIGINT of the same bits; NULL outside. */
const bitsOf = (huge: string): string =>
  `CASE WHEN ${huge} BETWEEN 0 AND 9223372036854775807 THEN CAST(${huge} AS BIGINT) WHEN ${huge} BETWEEN 9223372036854775808 AND 18446744073709551615 THEN CAST(${huge} - 18446744073709551616 AS BIGINT) END`;
const integerBits = ({ args, sql: [value = ''] }: CallSite): string =>
  args[0]?.type.kind === 'LARGEINT'
    ? bitsOf(value)
    : `CASE WHEN ${value} >= 0 THEN CAST(${value} AS BIGINT) END`;
const textBits = ({ sql: [text = ''] }: CallSite): string =>
  `CASE WHEN regexp_full_match(${text}, '\\s*\\+?[0-9]{1,20}\\s*') THEN ${bitsOf(`CAST(${text} AS HUGEINT)`)} END`;

/** The values as a list for the engine's functions, which leave NULLs out. NULL where there are no rows. */
const listed = (value: string, over: string): string => `list(${value})${over}`;

/** The union of a column. One of values that were made to bitmaps for it goes without those bitmaps. */
const union = ({ args, sql: [value = ''], over }: CallSite): string => {
  const arg = args[0];
  const made = /^mr_bitmap_of\(([\s\S]*)\)$/.exec(value);
  if (made !== null && arg?.kind === 'call' && arg.entry.names[0] === 'to_bitmap') {
    return `mr_bitmap_agg(${listed(made[1] ?? '', over)})`;
  }
  return `mr_bitmap_union(${listed(value, over)})`;
};
const counted = (bitmapSql: string): string => `coalesce(mr_bitmap_count(${bitmapSql}), 0)`;

const intersectCount = ({
  sql: [value = '', dimension = '', ...wanted],
  over,
}: CallSite): string => {
  const unions = wanted.map((one) => {
    const list = listed(`CASE WHEN ${dimension} = ${one} THEN ${value} END`, over);
    return `coalesce(mr_bitmap_union(${list}), ${EMPTY_BITMAP_SQL})`;
  });
  return `mr_bitmap_count(mr_bitmap_and([${unions.join(', ')}]))`;
};

const several =
  (name: string) =>
  (s: CallSite): string =>
    `${name}([${s.sql.join(', ')}])`;
const TEN = "bitmap_from_string('1,1,3,1,5,3,5,7,7,9')";
const text = (call: string): string => `bitmap_to_string(${call})`;
const over = (call: string): string =>
  `SELECT ${call} FROM (SELECT 1 AS x, 'a' AS d UNION ALL SELECT 2, 'a' UNION ALL SELECT 2, 'b') AS t`;

const MAKING: readonly FunctionEntry[] = [
  bitmap(
    'to_bitmap',
    [
      ['(integer) -> bitmap', (s) => `mr_bitmap_of(${integerBits(s)})`],
      ['(string) -> bitmap', (s) => `mr_bitmap_of(${textBits(s)})`],
    ],
    'A bitmap of one value from 0 to 18446744073709551615; NULL for any other.',
    [text("to_bitmap('18446744073709551615')"), '18446744073709551615'],
  ),
  bitmap(
    'bitmap_hash',
    [
      '(string) -> bitmap',
      `CASE WHEN {0} IS NULL THEN ${EMPTY_BITMAP_SQL} ELSE mr_bitmap_hash(encode({0})) END`,
    ],
    'A bitmap of the 32-bit Murmur3 hash; of NULL the empty one.',
    [text("bitmap_hash('hello')"), '1321743225'],
    own,
  ),
  bitmap(
    'bitmap_hash64',
    [
      '(string) -> bitmap',
      `CASE WHEN {0} IS NULL THEN ${EMPTY_BITMAP_SQL} ELSE mr_bitmap_hash64(encode({0})) END`,
    ],
    'A bitmap of the 64-bit XXH3 hash; of NULL the empty one.',
    [text("bitmap_hash64('hello')"), '10760762337991515389'],
    own,
  ),
  bitmap('bitmap_empty', ['() -> bitmap', EMPTY_BITMAP_SQL], 'The empty bitmap.', [
    'bitmap_count(bitmap_empty())',
    '0',
  ]),
  bitmap(
    'bitmap_from_string',
    ['(string) -> bitmap', 'mr_bitmap_from_string({0})'],
    'A bitmap of numbers with commas between them; NULL when one is none.',
    [text("bitmap_from_string('0, 1, 1')"), '0,1'],
  ),
  bitmap(
    'array_to_bitmap',
    ['(array<bigint>) -> bitmap', 'mr_bitmap_from_values(list_filter({0}, lambda __x: __x >= 0))'],
    'A bitmap of the elements; NULL and negative ones are left out.',
    [text('array_to_bitmap([5, 3, null, 3])'), '3,5'],
  ),
  bitmap(
    'base64_to_bitmap',
    ['(string) -> bitmap', 'mr_bitmap_from_starrocks(TRY(from_base64({0})))'],
    "A bitmap from what StarRocks' bitmap_to_base64 wrote; NULL when it is none.",
    [text("base64_to_bitmap('CgMAAAANAAAAAAAAABcAAAAAAAAAIQAAAAAAAAA=')"), '13,23,33'],
  ),
  bitmap(
    'bitmap_from_binary',
    ['(varbinary) -> bitmap', 'mr_bitmap_from_starrocks({0})'],
    "A bitmap from StarRocks' bytes; NULL when it is none.",
    [text('bitmap_from_binary(bitmap_to_binary(to_bitmap(7)))'), '7'],
  ),
];

const ASKING: readonly FunctionEntry[] = [
  bitmap(
    'bitmap_count',
    ['(bitmap) -> bigint', 'coalesce(mr_bitmap_count({0}), 0)'],
    'How many values; 0 for NULL.',
    [`bitmap_count(${TEN})`, '5'],
    own,
  ),
  bitmap(
    'bitmap_contains',
    ['(bitmap, bigint) -> boolean', 'mr_bitmap_contains({0}, {1})'],
    'Is the number in it?',
    [`bitmap_contains(${TEN}, 7)`, '1'],
  ),
  bitmap(
    'bitmap_has_any',
    ['(bitmap, bitmap) -> boolean', 'mr_bitmap_has_any({0}, {1})'],
    'Have both a value in common?',
    ['bitmap_has_any(to_bitmap(1), to_bitmap(2))', '0'],
  ),
  bitmap(
    'bitmap_min',
    ['(bitmap) -> largeint', 'CAST(mr_bitmap_min({0}) AS HUGEINT)'],
    'The smallest value; NULL when there is none.',
    [`bitmap_min(${TEN})`, '1'],
  ),
  bitmap(
    'bitmap_max',
    ['(bitmap) -> largeint', 'CAST(mr_bitmap_max({0}) AS HUGEINT)'],
    'The largest value; NULL when there is none.',
    [`bitmap_max(${TEN})`, '9'],
  ),
  bitmap(
    'bitmap_to_string',
    ['(bitmap) -> string', 'mr_bitmap_to_string({0})'],
    'The values with commas between them; an error for more than a million.',
    [text('bitmap_or(to_bitmap(2), to_bitmap(1))'), '1,2'],
  ),
  bitmap(
    'bitmap_to_array',
    ['(bitmap) -> array<bigint>', 'mr_bitmap_to_array({0})'],
    'The values in order; an error for more than a million.',
    [`bitmap_to_array(${TEN})`, '[1,3,5,7,9]'],
  ),
  bitmap(
    'bitmap_to_base64',
    ['(bitmap) -> string', 'to_base64(mr_bitmap_to_starrocks({0}))'],
    "Base64 of StarRocks' bytes of the bitmap.",
    ["bitmap_to_base64(bitmap_from_string('0, 1, 2, 3'))", 'AjowAAABAAAAAAADABAAAAAAAAEAAgADAA=='],
  ),
  bitmap(
    'bitmap_to_binary',
    ['(bitmap) -> varbinary', 'mr_bitmap_to_starrocks({0})'],
    "StarRocks' bytes of the bitmap.",
    ['bitmap_to_string(bitmap_from_binary(bitmap_to_binary(to_bitmap(1))))', '1'],
  ),
];

const COMBINING: readonly FunctionEntry[] = [
  bitmap(
    'bitmap_and',
    ['(bitmap, bitmap...) -> bitmap', several('mr_bitmap_and')],
    'What is in all of them.',
    [text(`bitmap_and(${TEN}, bitmap_from_string('3,4,5'))`), '3,5'],
  ),
  bitmap(
    'bitmap_or',
    ['(bitmap, bitmap...) -> bitmap', several('mr_bitmap_or')],
    'What is in any of them.',
    [text('bitmap_or(to_bitmap(1), to_bitmap(2), to_bitmap(1))'), '1,2'],
  ),
  bitmap(
    'bitmap_xor',
    ['(bitmap, bitmap) -> bitmap', 'mr_bitmap_xor({0}, {1})'],
    'What is in one of them, not in both.',
    [text("bitmap_xor(bitmap_from_string('2,3'), bitmap_from_string('3,4'))"), '2,4'],
  ),
  bitmap(
    'bitmap_andnot',
    ['(bitmap, bitmap) -> bitmap', 'mr_bitmap_andnot({0}, {1})'],
    'What is in the first, not in the second.',
    [text("bitmap_andnot(bitmap_from_string('1,3'), bitmap_from_string('3,5'))"), '1'],
  ),
  bitmap(
    'bitmap_remove',
    ['(bitmap, bigint) -> bitmap', 'mr_bitmap_remove({0}, {1})'],
    'Without that value.',
    [text("bitmap_remove(bitmap_from_string('1,3'), 3)"), '1'],
  ),
  bitmap(
    'sub_bitmap',
    ['(bitmap, bigint, bigint) -> bitmap', 'mr_sub_bitmap({0}, {1}, {2})'],
    'So many values from a position on, counted from 0, or from the end when negative; NULL when there are none.',
    [text(`sub_bitmap(${TEN}, -3, 2)`), '5,7'],
  ),
  bitmap(
    'bitmap_subset_limit',
    ['(bitmap, bigint, bigint) -> bitmap', 'mr_bitmap_subset_limit({0}, {1}, {2})'],
    'So many values from a value on, downwards when negative; NULL when there are none.',
    [text(`bitmap_subset_limit(${TEN}, 5, -2)`), '3,5'],
  ),
  bitmap(
    'bitmap_subset_in_range',
    ['(bitmap, bigint, bigint) -> bitmap', 'mr_bitmap_subset_in_range({0}, {1}, {2})'],
    'The values from one to below another; NULL when there are none.',
    [text(`bitmap_subset_in_range(${TEN}, 3, 9)`), '3,5,7'],
  ),
];

export const BITMAP_FUNCTIONS: readonly FunctionEntry[] = [...MAKING, ...ASKING, ...COMBINING];

export const BITMAP_AGGREGATES: readonly FunctionEntry[] = [
  aggregate(
    'bitmap_union',
    ['(bitmap) -> bitmap', union],
    'What is in any of the bitmaps; NULL where there are none.',
    [over(text('bitmap_union(to_bitmap(x))')), '1,2'],
    noDistinct,
  ),
  aggregate(
    'bitmap_intersect',
    ['(bitmap) -> bitmap', (s) => `mr_bitmap_intersect(${listed(s.sql[0] ?? '', s.over)})`],
    'What is in all of the bitmaps.',
    [over(text("bitmap_intersect(bitmap_from_string('2,3'))")), '2,3'],
    noDistinct,
  ),
  aggregate(
    'bitmap_union_count',
    ['(bitmap) -> bigint', (s) => counted(union(s))],
    'How many values are in any of the bitmaps.',
    [over('bitmap_union_count(to_bitmap(x))'), '2'],
    noDistinct,
  ),
  aggregate(
    'bitmap_union_int',
    ['(bigint) -> bigint', (s) => `count(DISTINCT ${s.sql[0]})${s.over}`],
    'How many different numbers.',
    [over('bitmap_union_int(x)'), '2'],
    noDistinct,
  ),
  aggregate(
    'bitmap_agg',
    [
      ['(integer) -> bitmap', (s) => `mr_bitmap_agg(${listed(integerBits(s), s.over)})`],
      ['(string) -> bitmap', (s) => `mr_bitmap_agg(${listed(textBits(s), s.over)})`],
    ],
    'A bitmap of the numbers of a column; what is no number from 0 to 18446744073709551615 is left out.',
    [over(text('bitmap_agg(x)')), '1,2'],
    noDistinct,
  ),
  aggregate(
    'intersect_count',
    ['(bitmap, T, T...) -> bigint', intersectCount],
    'How many values the unions of the bitmaps under each of the given values of a column have in common.',
    [over("intersect_count(to_bitmap(x), d, 'a', 'b')"), '1'],
    noDistinct,
  ),
];
