// Mathematical and bit functions. Where DuckDB raises an error or gives infinity, StarRocks gives NULL:
// the forms here guard for that.
import type { SqlType } from '../../model/sql-type.ts';
import {
  arithmeticRule,
  asDecimal,
  BIGINT,
  DOUBLE,
  decimal,
  isInteger,
  MAX_DECIMAL_PRECISION,
} from '../types.ts';
import { definer } from './define.ts';
import type { ArgumentShape, CallSite, FunctionEntry } from './entry.ts';

const math = definer('scalar', 'math');

/** Infinity and NaN are NULL in StarRocks' results. */
const finite = (sql: string): string => `CASE WHEN isfinite(${sql}) THEN ${sql} END`;
const wholeDecimal = (types: readonly SqlType[]): SqlType => {
  const type = types[0];
  return type?.kind === 'DECIMAL'
    ? decimal(Math.min(38, type.precision - type.scale + 1), 0)
    : DOUBLE;
};
const sameAsFirst = (types: readonly SqlType[]): SqlType => types[0] ?? DOUBLE;
/** A constant number of digits is the scale of the answer; a computed one leaves the type as it is. */
const roundedType = (types: readonly SqlType[], args: readonly ArgumentShape[]): SqlType => {
  const type = asDecimal(types[0] ?? DOUBLE);
  const given = args[1]?.kind === 'literal' ? (args[1].text ?? '') : '';
  const digits = /^-?\d{1,3}$/.test(given) ? Number(given) : type.scale;
  return decimal(MAX_DECIMAL_PRECISION, Math.max(0, Math.min(digits, type.scale)));
};
/** DuckDB takes a computed number of digits only for DOUBLE. */
const decimalDigits =
  (name: 'round' | 'trunc') =>
  (s: CallSite): string => {
    const isConstant = s.args[1]?.kind === 'literal';
    const value = isConstant ? s.sql[0] : `CAST(${s.sql[0]} AS DOUBLE)`;
    return `CAST(${name}(${value}, ${s.sql[1]}) AS ${printDecimal(s.result)})`;
  };
const remainder = (types: readonly SqlType[]): SqlType =>
  arithmeticRule('%', types[0] ?? DOUBLE, types[1] ?? DOUBLE)?.result ?? DOUBLE;
const negated = (types: readonly SqlType[]): SqlType => {
  const type = types[0] ?? DOUBLE;
  return isInteger(type) && type.kind !== 'LARGEINT' ? BIGINT : type;
};

export const MATH_FUNCTIONS: readonly FunctionEntry[] = [
  math('abs', ['(number) -> number', (s) => `abs(${s.sql[0]})`, sameAsFirst], 'Absolute value.', [
    'abs(-3)',
    '3',
  ]),
  math('sign', ['(double) -> float', 'CAST(sign({0}) AS FLOAT)'], '-1, 0 or 1.', [
    'sign(-2.5)',
    '-1',
  ]),
  math(
    'ceil, ceiling, dceil',
    [
      ['(double) -> bigint', 'TRY_CAST(ceil({0}) AS BIGINT)'],
      ['(decimal) -> decimal', 'ceil({0})', wholeDecimal],
    ],
    'Smallest whole number that is not less.',
    ['ceil(1.2)', '2'],
  ),
  math(
    'floor, dfloor',
    [
      ['(double) -> bigint', 'TRY_CAST(floor({0}) AS BIGINT)'],
      ['(decimal) -> decimal', 'floor({0})', wholeDecimal],
    ],
    'Largest whole number that is not greater.',
    ['floor(-1.2)', '-2'],
  ),
  math(
    'round, dround',
    [
      ['(double) -> bigint', 'TRY_CAST(round({0}) AS BIGINT)'],
      ['(decimal) -> decimal', 'round({0})', wholeDecimal],
      ['(double, int) -> double', 'round({0}, {1})'],
      ['(decimal, int) -> decimal', decimalDigits('round'), roundedType],
    ],
    'Rounds half away from zero, to a whole number or to so many digits after the point.',
    ['round(2.456, 2)', '2.46'],
  ),
  math(
    'truncate',
    [
      ['(double, int) -> double', 'trunc({0}, {1})'],
      ['(decimal, int) -> decimal', decimalDigits('trunc'), roundedType],
    ],
    'Cuts to so many digits after the point.',
    ['truncate(cast(3.987 as double), 1)', '3.9'],
  ),
  math(
    'mod, fmod',
    ['(number, number) -> number', '({0} % nullif({1}, 0))', remainder],
    'Remainder of a division; NULL when the divisor is 0.',
    ['mod(10, 3)', '1'],
  ),
  math(
    'pmod',
    [
      ['(bigint, bigint) -> bigint', '((({0} % nullif({1}, 0)) + {1}) % nullif({1}, 0))'],
      ['(double, double) -> double', '((({0} % nullif({1}, 0)) + {1}) % nullif({1}, 0))'],
    ],
    'Remainder that has the sign of the divisor.',
    ['pmod(-7, 3)', '2'],
  ),
  math(
    'pow, power, dpow, fpow',
    ['(double, double) -> double', (s) => finite(`pow(${s.sql[0]}, ${s.sql[1]})`)],
    'First argument to the power of the second.',
    ['pow(2, 10)', '1024'],
  ),
  math(
    'sqrt, dsqrt',
    ['(double) -> double', 'CASE WHEN {0} >= 0 THEN sqrt({0}) END'],
    'Square root; NULL below 0.',
    ['sqrt(2.25)', '1.5'],
  ),
  math('cbrt', ['(double) -> double', 'cbrt({0})'], 'Cube root.', ['cbrt(8)', '2']),
  math('square', ['(double) -> double', '({0} * {0})'], 'Square.', ['square(3)', '9']),
  math(
    'exp, dexp',
    ['(double) -> double', (s) => finite(`exp(${s.sql[0]})`)],
    'e to the power of the argument.',
    ['exp(0)', '1'],
  ),
  math(
    'ln, dlog1',
    ['(double) -> double', 'CASE WHEN {0} > 0 THEN ln({0}) END'],
    'Natural logarithm; NULL for 0 and below.',
    ['ln(1)', '0'],
  ),
  math(
    'log',
    [
      ['(double) -> double', 'CASE WHEN {0} > 0 THEN ln({0}) END'],
      [
        '(double, double) -> double',
        'CASE WHEN {0} > 0 AND {0} <> 1 AND {1} > 0 THEN ln({1}) / ln({0}) END',
      ],
    ],
    'Natural logarithm, or the logarithm of the second argument to the base of the first.',
    ['log(2, 8)', '3'],
  ),
  math(
    'log2',
    ['(double) -> double', 'CASE WHEN {0} > 0 THEN log2({0}) END'],
    'Logarithm to the base 2.',
    ['log2(8)', '3'],
  ),
  math(
    'log10, dlog10',
    ['(double) -> double', 'CASE WHEN {0} > 0 THEN log10({0}) END'],
    'Logarithm to the base 10.',
    ['log10(1000)', '3'],
  ),
  ...['sin', 'cos', 'tan', 'cot', 'atan', 'sinh', 'cosh', 'tanh'].map((name) =>
    math(
      name,
      ['(double) -> double', (s) => finite(`${name}(${s.sql[0]})`)],
      `Trigonometric function ${name}, in radians.`,
      name === 'cos' || name === 'cosh'
        ? [`${name}(0)`, '1']
        : name === 'cot'
          ? ['round(cot(0.7853981633974483), 3)', '1']
          : [`${name}(0)`, '0'],
    ),
  ),
  ...['asin', 'acos'].map((name) =>
    math(
      name,
      ['(double) -> double', `CASE WHEN abs({0}) <= 1 THEN ${name}({0}) END`],
      `Inverse trigonometric function ${name}; NULL outside -1 to 1.`,
      [`${name}(2)`, null],
    ),
  ),
  math('atan2', ['(double, double) -> double', 'atan2({0}, {1})'], 'Angle of a point (y, x).', [
    'atan2(0, 1)',
    '0',
  ]),
  math('degrees', ['(double) -> double', 'degrees({0})'], 'Radians to degrees.', [
    'degrees(pi())',
    '180',
  ]),
  math('radians', ['(double) -> double', 'radians({0})'], 'Degrees to radians.', [
    'radians(0)',
    '0',
  ]),
  math('pi', ['() -> double', 'pi()'], 'The number pi.', ['pi()', '3.141592653589793']),
  math('e', ['() -> double', 'exp(1)'], "Euler's number.", ['e()', '2.718281828459045']),
  math('rand, random', ['() -> double', 'random()'], 'A random number, at least 0, below 1.', null),
  math(
    'negative',
    [
      '(number) -> number',
      (s) =>
        `(-CAST(${s.sql[0]} AS ${s.result.kind === 'BIGINT' ? 'BIGINT' : duckNumber(s.result)}))`,
      negated,
    ],
    'The argument with its sign changed.',
    ['negative(3)', '-3'],
  ),
  math('positive', ['(number) -> number', '{0}', sameAsFirst], 'The argument itself.', [
    'positive(3)',
    '3',
  ]),
  math(
    'bin',
    ['(bigint) -> string', 'CASE WHEN {0} >= 0 THEN bin({0}) ELSE bin({0}) END'],
    'Binary digits.',
    ['bin(5)', '101'],
  ),
  math(
    'conv',
    [
      [
        '(bigint, int, int) -> string',
        (s) => convertBase(`CAST(${s.sql[0]} AS VARCHAR)`, s.sql[1] ?? '', s.sql[2] ?? ''),
      ],
      [
        '(string, int, int) -> string',
        (s) => convertBase(s.sql[0] ?? '', s.sql[1] ?? '', s.sql[2] ?? ''),
      ],
    ],
    'Converts a non-negative number between bases 2 to 36.',
    ["conv('ff', 16, 10)", '255'],
  ),
  math('bitand', ['(bigint, bigint) -> bigint', '({0} & {1})'], 'Bitwise AND.', [
    'bitand(6, 3)',
    '2',
  ]),
  math('bitor', ['(bigint, bigint) -> bigint', '({0} | {1})'], 'Bitwise OR.', ['bitor(6, 3)', '7']),
  math('bitxor', ['(bigint, bigint) -> bigint', 'xor({0}, {1})'], 'Bitwise XOR.', [
    'bitxor(6, 3)',
    '5',
  ]),
  math('bitnot', ['(bigint) -> bigint', '(~{0})'], 'Bitwise NOT.', ['bitnot(5)', '-6']),
  math('bit_shift_left', ['(bigint, bigint) -> bigint', shiftLeft], 'Bits moved to the left.', [
    'bit_shift_left(2, 3)',
    '16',
  ]),
  math(
    'bit_shift_right',
    ['(bigint, bigint) -> bigint', '({0} >> {1})'],
    'Bits moved to the right, keeping the sign.',
    ['bit_shift_right(-16, 2)', '-4'],
  ),
];

/** DuckDB's << raises an error for negative numbers and overflow; a product with a power of two does not for those that fit. */
function shiftLeft(site: { readonly sql: readonly string[] }): string {
  return `CAST(CAST(${site.sql[0]} AS HUGEINT) * CAST(pow(2, ${site.sql[1]}) AS HUGEINT) AS BIGINT)`;
}

function printDecimal(type: SqlType): string {
  return type.kind === 'DECIMAL' ? `DECIMAL(${type.precision},${type.scale})` : 'DOUBLE';
}

function duckNumber(type: SqlType): string {
  if (type.kind === 'LARGEINT') return 'HUGEINT';
  return type.kind === 'FLOAT' ? 'FLOAT' : printDecimal(type);
}

/** Sums digit values by position; NULL for digits outside the base. */
function convertBase(text: string, from: string, to: string): string {
  const digits = "'0123456789abcdefghijklmnopqrstuvwxyz'";
  const value = `list_reduce(list_transform(string_split(lower(trim(${text})), ''), lambda d: CAST(strpos(${digits}, d) - 1 AS HUGEINT)), lambda a, b: a * ${from} + b)`;
  return `CASE WHEN ${from} BETWEEN 2 AND 36 AND ${to} BETWEEN 2 AND 36 AND regexp_full_match(lower(trim(${text})), '[0-9a-z]+') THEN to_base(CAST(${value} AS BIGINT), ${to}) END`;
}
