// Mathematical functions. Where DuckDB raises an error or gives infinity, StarRocks gives NULL:
// the forms here guard for that.
import { duckdbType, type SqlType } from '../../model/sql-type.ts';
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
/** DuckDB raises an error for cot(0), and for infinity. */
const trigonometric = (name: string, sql: string): string => {
  const called = name === 'cot' ? `(1 / nullif(tan(${sql}), 0))` : `${name}(${sql})`;
  return `CASE WHEN isfinite(${sql}) THEN ${called} END`;
};
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
/** DuckDB takes the number of digits of a DECIMAL only as a constant: a computed one picks among all that matter. */
const decimalDigits =
  (name: 'round' | 'trunc') =>
  (s: CallSite): string => {
    const [given = '', digits = ''] = s.sql;
    const type = asDecimal(s.args[0]?.type ?? DOUBLE);
    const result = printDecimal(s.result);
    // All 38 digits: rounding 7.0 to tens needs one more than it has.
    const value = `CAST(${given} AS DECIMAL(${MAX_DECIMAL_PRECISION},${type.scale}))`;
    const cut = (count: number | string): string =>
      `TRY_CAST(${name}(${value}, ${count}) AS ${result})`;
    if (s.args[1]?.kind === 'literal') return cut(digits);
    const least = type.scale - type.precision - 1;
    const branches = Array.from(
      { length: type.scale - least },
      (_, i) => `WHEN ${digits} = ${least + i} THEN ${cut(least + i)}`,
    );
    return `CASE WHEN ${digits} >= ${type.scale} THEN CAST(${value} AS ${result}) ${branches.join(' ')} WHEN ${digits} IS NOT NULL AND ${given} IS NOT NULL THEN CAST(0 AS ${result}) END`;
  };
const remainder = (types: readonly SqlType[]): SqlType =>
  arithmeticRule('%', types[0] ?? DOUBLE, types[1] ?? DOUBLE)?.result ?? DOUBLE;
/** The integer type one step up, which holds the absolute value of the smallest number too. */
const stepWider = (types: readonly SqlType[]): SqlType => {
  const type = types[0] ?? DOUBLE;
  switch (type.kind) {
    case 'TINYINT':
      return { kind: 'SMALLINT' };
    case 'SMALLINT':
      return { kind: 'INT' };
    case 'INT':
      return BIGINT;
    case 'BIGINT':
      return { kind: 'LARGEINT' };
    default:
      return type;
  }
};
const negated = (types: readonly SqlType[]): SqlType => {
  const type = types[0] ?? DOUBLE;
  return isInteger(type) && type.kind !== 'LARGEINT' ? BIGINT : type;
};

export const MATH_FUNCTIONS: readonly FunctionEntry[] = [
  math(
    'abs',
    ['(number) -> number', (s) => `abs(CAST(${s.sql[0]} AS ${duckNumber(s.result)}))`, stepWider],
    'Absolute value; integers get the next wider type.',
    ['abs(-127)', '127'],
  ),
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
    'mod',
    ['(number, number) -> number', remainderForm, remainder],
    'Remainder of a division; NULL when the divisor is 0.',
    ['mod(10, 3)', '1'],
  ),
  math(
    'fmod',
    ['(double, double) -> double', '({0} % nullif({1}, 0))'],
    'Remainder of a division of floating-point numbers; NULL when the divisor is 0.',
    ['fmod(3.14, 3.14)', '0'],
  ),
  math(
    'divide',
    ['(double, double) -> double', '({0} / nullif({1}, 0))'],
    'Quotient; NULL when the divisor is 0.',
    ['divide(3, 2)', '1.5'],
  ),
  math(
    'multiply',
    [
      ['(bigint, bigint) -> bigint', 'TRY_CAST(CAST({0} AS HUGEINT) * {1} AS BIGINT)'],
      ['(double, double) -> double', '({0} * {1})'],
    ],
    'Product.',
    ['multiply(10, 2)', '20'],
  ),
  math(
    'pmod',
    [
      ['(bigint, bigint) -> bigint', pmod],
      ['(double, double) -> double', pmod],
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
      ['(double) -> double', (s) => finite(trigonometric(name, s.sql[0] ?? ''))],
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
  math(
    'rand, random',
    [
      ['() -> double', 'random()'],
      // The upper 53 bits of a hash: as many as a DOUBLE holds.
      ['(bigint) -> double', '(CAST(hash({0}) >> 11 AS DOUBLE) / 9007199254740992)'],
    ],
    'A random number, at least 0, below 1; with a seed, a number that the seed alone decides.',
    null,
    { nulls: 'own' },
  ),
  math(
    'negative',
    ['(number) -> number', negative, negated],
    'The argument with its sign changed.',
    ['negative(3)', '-3'],
  ),
  math('positive', ['(number) -> number', '{0}', sameAsFirst], 'The argument itself.', [
    'positive(3)',
    '3',
  ]),
  math(
    'bin',
    ['(bigint) -> string', 'bin({0})'],
    "Binary digits; negative numbers in two's complement of 64 bits.",
    ['bin(5)', '101'],
  ),
  math(
    'conv',
    [
      ['(bigint, int, int) -> string', 'mr_conv(CAST({0} AS VARCHAR), {1}, {2})'],
      ['(string, int, int) -> string', 'mr_conv({0}, {1}, {2})'],
    ],
    'A number of 64 bits in another base, 2 to 36; a negative base means a signed number.',
    ['conv(8, 10, 2)', '1000'],
  ),
  math(
    'width_bucket',
    ['(double, double, double, bigint) -> bigint', widthBucket],
    'Number of the bucket, of so many equal ones between two bounds; 0 below them, one more above.',
    ['width_bucket(5.35, 0.024, 10.06, 5)', '3'],
  ),
];

function printDecimal(type: SqlType): string {
  return type.kind === 'DECIMAL' ? `DECIMAL(${type.precision},${type.scale})` : 'DOUBLE';
}

function duckNumber(type: SqlType): string {
  if (type.kind === 'LARGEINT') return 'HUGEINT';
  return type.kind === 'FLOAT' ? 'FLOAT' : printDecimal(type);
}

/** The smallest integer by -1 is an overflow for DuckDB, though its remainder is 0. */
function remainderForm(site: CallSite): string {
  const [value = '', divisor = ''] = site.sql;
  if (!isInteger(site.result)) return `(${value} % nullif(${divisor}, 0))`;
  return `CAST(${value} % nullif(CASE WHEN ${divisor} = -1 THEN 1 ELSE ${divisor} END, 0) AS ${duckdbType(site.result)})`;
}

/** The remainder moved to the sign of the divisor, without a sum that overflows. */
function pmod(site: CallSite): string {
  const [value = '', divisor = ''] = site.sql;
  const rest = `(${value} % nullif(CASE WHEN ${divisor} = -1 THEN 1 ELSE ${divisor} END, 0))`;
  return `CASE WHEN ${rest} <> 0 AND (${rest} < 0) <> (${divisor} < 0) THEN ${rest} + ${divisor} ELSE ${rest} END`;
}

function widthBucket(site: CallSite): string {
  const [value = '', low = '', high = '', count = ''] = site.sql;
  return `CASE WHEN ${count} > 0 AND ${high} > ${low} THEN CASE WHEN ${value} < ${low} THEN 0 WHEN ${value} >= ${high} THEN ${count} + 1 ELSE CAST(floor((${value} - ${low}) / (${high} - ${low}) * ${count}) AS BIGINT) + 1 END END`;
}

/** The smallest integer has no opposite: NULL. */
function negative(site: CallSite): string {
  const value = site.sql[0] ?? '';
  if (site.result.kind === 'LARGEINT') {
    return `CASE WHEN ${value} > CAST('-170141183460469231731687303715884105728' AS HUGEINT) THEN -${value} END`;
  }
  if (isInteger(site.result)) return `TRY_CAST(-CAST(${value} AS HUGEINT) AS BIGINT)`;
  return `(-CAST(${value} AS ${duckNumber(site.result)}))`;
}
