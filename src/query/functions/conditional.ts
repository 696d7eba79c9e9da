// Conditional and NULL functions. Only the arguments that are needed decide; NULL rules are their own.
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const conditional = definer('scalar', 'conditional');
const own = { nulls: 'own' } as const;

/** StarRocks gives NULL when any argument is NULL; DuckDB's functions leave NULLs out. */
const extreme =
  (name: 'greatest' | 'least') =>
  (site: CallSite): string =>
    `CASE WHEN ${site.sql.map((sql) => `${sql} IS NULL`).join(' OR ')} THEN NULL ELSE ${name}(${site.sql.join(', ')}) END`;

export const CONDITIONAL_FUNCTIONS: readonly FunctionEntry[] = [
  conditional(
    'if',
    ['(boolean, T, T) -> T', 'CASE WHEN {0} THEN {1} ELSE {2} END'],
    'The second argument when the first is true, else the third.',
    ["if(1 > 2, 'a', 'b')", 'b'],
    own,
  ),
  conditional(
    'ifnull, nvl',
    ['(T, T) -> T', 'coalesce({0}, {1})'],
    'The first argument, or the second where it is NULL.',
    ['ifnull(null, 3)', '3'],
    own,
  ),
  conditional(
    'nullif',
    ['(T, T) -> T', 'nullif({0}, {1})'],
    'NULL when both arguments are equal, else the first.',
    ["nullif('a', 'a')", null],
    own,
  ),
  conditional(
    'coalesce',
    ['(T...) -> T', 'coalesce({*})'],
    'The first argument that is not NULL.',
    ['coalesce(null, null, 5)', '5'],
    own,
  ),
  conditional(
    'isnull',
    ['(any) -> boolean', '({0} IS NULL)'],
    'Is it NULL?',
    ['isnull(null)', '1'],
    own,
  ),
  conditional(
    'isnotnull',
    ['(any) -> boolean', '({0} IS NOT NULL)'],
    'Is it not NULL?',
    ['isnotnull(null)', '0'],
    own,
  ),
  conditional(
    'nvl2',
    ['(any, T, T) -> T', 'CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END'],
    'The second argument where the first is not NULL, else the third.',
    ['nvl2(null, 1, 2)', '2'],
    own,
  ),
  conditional('greatest', ['(T...) -> T', extreme('greatest')], 'The largest argument.', [
    'greatest(1, 3, 2)',
    '3',
  ]),
  conditional('least', ['(T...) -> T', extreme('least')], 'The smallest argument.', [
    'least(1, 3, 2)',
    '1',
  ]),
];
