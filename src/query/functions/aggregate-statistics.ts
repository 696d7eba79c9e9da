// Statistics: spread, correlation, percentiles, a rank test. NULLs do not count.
// SOURCE of results: StarRocks' pages on aggregate functions.
import { fail } from '../../base/errors.ts';
import { duckdbType } from '../../model/sql-type.ts';
import { quoteString } from '../literal.ts';
import { arrayOf, DOUBLE, JSON_TYPE } from '../types.ts';
import { constantNumber, over, plain } from './aggregate-form.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const aggregate = definer('aggregate', 'aggregate');
const once = { takesDistinct: false } as const;
/** Lists of all values: far too much for one in each row. */
const grouped = { takesDistinct: false, takesOver: false } as const;

const isFraction = (value: number): boolean => value >= 0 && value <= 1;
const fraction = (s: CallSite, index: number, name: string): number =>
  constantNumber(s, index, name, 'needs a constant between 0 and 1 as its percentile', isFraction);

/** Percentiles written as an array of constants. */
function fractions(s: CallSite, index: number, name: string): readonly number[] {
  const given = s.args[index];
  // [0.1, 0.5] is an array of DECIMALs, converted.
  const argument = given?.kind === 'cast' ? given.operand : given;
  const items = argument?.kind === 'array' ? argument.items : [];
  if (items.length === 0) {
    throw fail('SQL_ANALYZE', { detail: `${name} needs an array of constants as its percentiles` });
  }
  return items.map((_, i) => fraction({ ...s, args: items }, i, name));
}

const approx = (s: CallSite): string =>
  `approx_quantile(${s.sql[0]}, ${fraction(s, 1, 'percentile_approx')})${s.over}`;
const approxMany = (s: CallSite): string =>
  `CAST(approx_quantile(${s.sql[0]}, [${fractions(s, 1, 'percentile_approx').join(', ')}])${s.over} AS DOUBLE[])`;

const weighted = (s: CallSite): string =>
  `mr_weighted_percentile(list(${s.sql[0]})${s.over}, list(${s.sql[1]})${s.over}, CAST(${fraction(s, 2, 'percentile_approx_weighted')} AS DOUBLE))`;
const weightedMany = (s: CallSite): string => {
  const shares = fractions(s, 2, 'percentile_approx_weighted');
  const each = shares.map(
    (share) =>
      `mr_weighted_percentile(list(${s.sql[0]})${s.over}, list(${s.sql[1]})${s.over}, CAST(${share} AS DOUBLE))`,
  );
  return `[${each.join(', ')}]`;
};

const continuous = (s: CallSite): string =>
  `CAST(quantile_cont(${s.sql[0]}, ${fraction(s, 1, 'percentile_cont')})${s.over} AS ${duckdbType(s.result)})`;

/** Counted from 0, the value at place ceil((n - 1) * p): StarRocks rounds up where DuckDB takes the lower one. */
const discrete = (name: string) => (s: CallSite) => {
  const share = fraction(s, 1, name);
  const values = `list_filter(list(${s.sql[0]} ORDER BY ${s.sql[0]})${s.over}, lambda mr_x: mr_x IS NOT NULL)`;
  return `list_extract(${values}, CAST(ceil((count(${s.sql[0]})${s.over} - 1) * CAST(${share} AS DOUBLE)) AS BIGINT) + 1)`;
};

const mannWhitney = (s: CallSite): string => {
  const [values, groups] = s.sql;
  const alternative = s.args[2];
  const text = alternative === undefined ? 'two-sided' : literalText(alternative);
  if (!['two-sided', 'less', 'greater'].includes(text)) {
    throw fail('SQL_ANALYZE', {
      detail: `mann_whitney_u_test's third parameter should be one of ['two-sided', 'greater', 'less'], but get '${text}'.`,
    });
  }
  const isOn = (n: number): boolean => Number.isInteger(n) && n >= 0;
  const correction =
    s.args[3] === undefined
      ? 1
      : constantNumber(
          s,
          3,
          "mann_whitney_u_test's fourth parameter",
          'should be a non-negative int literal.',
          isOn,
        );
  return `mr_mann_whitney(list(${values})${s.over}, list(${groups})${s.over}, ${quoteString(text)}, ${correction !== 0})`;
};

function literalText(argument: CallSite['args'][number]): string {
  if (argument.kind === 'literal' && argument.text !== null) return argument.text;
  throw fail('SQL_ANALYZE', {
    detail: "mann_whitney_u_test's third parameter should be a string literal.",
  });
}

/** With a single row the sample forms are NULL in DuckDB; StarRocks agrees. */
const doubles = (
  names: string,
  duckdb: string,
  doc: string,
  example: readonly [string, string | null],
) => aggregate(names, ['(double) -> double', plain(duckdb)], doc, example);

export const STATISTICS_AGGREGATES: readonly FunctionEntry[] = [
  doubles('stddev, std, stddev_pop', 'stddev_pop', 'Standard deviation of all.', [
    over('round(stddev(x), 4)'),
    '1.2472',
  ]),
  doubles('stddev_samp', 'stddev_samp', 'Standard deviation of a sample.', [
    over('round(stddev_samp(x), 4)'),
    '1.5275',
  ]),
  doubles('variance, var_pop, variance_pop', 'var_pop', 'Variance of all.', [
    over('round(variance(x), 4)'),
    '1.5556',
  ]),
  doubles('var_samp, variance_samp', 'var_samp', 'Variance of a sample.', [
    over('round(var_samp(x), 4)'),
    '2.3333',
  ]),
  ...(['corr', 'covar_pop', 'covar_samp'] as const).map((name) =>
    aggregate(
      name,
      ['(double, double) -> double', plain(name)],
      `Statistics of two columns: ${name}.`,
      [
        over(`round(${name}(x, x), 4)`),
        name === 'corr' ? '1' : name === 'covar_pop' ? '1.5556' : '2.3333',
      ],
      once,
    ),
  ),
  aggregate(
    'percentile_approx',
    [
      ['(double, double, double?) -> double', approx],
      ['(double, array<double>, double?) -> array<double>', approxMany, () => arrayOf(DOUBLE)],
    ],
    'About the value below which a share of the rows lies, or of several shares. The third argument, the compression, changes nothing.',
    [over('percentile_approx(x, 0.5)'), '2'],
    once,
  ),
  aggregate(
    'percentile_approx_weighted, percentile_approx_weight',
    [
      ['(double, double, double, double?) -> double', weighted],
      [
        '(double, double, array<double>, double?) -> array<double>',
        weightedMany,
        () => arrayOf(DOUBLE),
      ],
    ],
    'The percentile of values that count as often as their weight says; exact here. The compression changes nothing.',
    [over('percentile_approx_weighted(x, x, 0.5)'), '4'],
    grouped,
  ),
  aggregate(
    'percentile_cont',
    [
      ['(double, double) -> double', continuous],
      ['(date, double) -> date', continuous],
      ['(datetime, double) -> datetime', continuous],
    ],
    'The exact percentile, between two values where needed.',
    [over('percentile_cont(x, 0.75)'), '3'],
    once,
  ),
  aggregate(
    'percentile_disc',
    ['(T, double) -> T', discrete('percentile_disc')],
    'The exact percentile, always one of the values.',
    [over('percentile_disc(x, 0.6)'), '4'],
    grouped,
  ),
  aggregate(
    'percentile_disc_lc',
    ['(T, double) -> T', discrete('percentile_disc_lc')],
    'The same as percentile_disc.',
    [over('percentile_disc_lc(x, 0.5)'), '2'],
    grouped,
  ),
  aggregate('median', ['(double) -> double', plain('median')], 'The value in the middle.', [
    over('median(x)'),
    '2',
  ]),
  aggregate(
    'mann_whitney_u_test',
    ['(double, boolean, string?, int?) -> json', mannWhitney, () => JSON_TYPE],
    "The Mann-Whitney U statistic of two samples (the second argument tells which) and its p-value, as a JSON array. Third argument: 'two-sided', 'less' or 'greater'; fourth: 0 for no continuity correction.",
    [over("get_json_int(mann_whitney_u_test(x, x > 1), '$[0]')"), '0'],
    grouped,
  ),
];
