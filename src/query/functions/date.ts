// Date functions that take a date apart: parts, names, weeks.
import { fail } from '../../base/errors.ts';
import { weekSql, yearWeekSql } from './date-format.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const date = definer('scalar', 'date');

/** StarRocks' narrow types of the parts: a year is a SMALLINT, an hour a TINYINT. */
const PART_TYPES = { smallint: 'SMALLINT', tinyint: 'TINYINT', int: 'INTEGER' } as const;

const part = (
  names: string,
  type: keyof typeof PART_TYPES,
  sql: string,
  doc: string,
  example: readonly [string, string],
) => date(names, [`(datetime) -> ${type}`, `CAST(${sql} AS ${PART_TYPES[type]})`], doc, example);

const MODES = [0, 1, 2, 3, 4, 5, 6, 7];

/** WEEK and YEARWEEK by their mode; a computed one picks among all eight. */
const byMode =
  (name: string, make: (timestamp: string, mode: number) => string) =>
  (site: CallSite): string => {
    const [timestamp = '', computed = ''] = site.sql;
    const mode = site.args[1];
    if (mode === undefined) return `CAST(${make(timestamp, 0)} AS INTEGER)`;
    if (mode.kind !== 'literal') {
      const branches = MODES.map((each) => `WHEN ${each} THEN ${make(timestamp, each)}`);
      return `CAST(CASE ${computed} ${branches.join(' ')} END AS INTEGER)`;
    }
    if (mode.text === null) return 'CAST(NULL AS INTEGER)';
    if (/^[0-7]$/.test(mode.text)) {
      return `CAST(${make(timestamp, Number(mode.text))} AS INTEGER)`;
    }
    throw fail('SQL_ANALYZE', { detail: `${name} needs a mode from 0 to 7` });
  };

export const DATE_FUNCTIONS: readonly FunctionEntry[] = [
  part('year', 'smallint', 'year({0})', 'Year.', ["year('1987-01-01')", '1987']),
  part('quarter', 'int', 'quarter({0})', 'Quarter, 1 to 4.', [
    "quarter('2022-10-09 15:59:33')",
    '4',
  ]),
  part('month', 'tinyint', 'month({0})', 'Month, 1 to 12.', ["month('1987-01-01')", '1']),
  part('day, dayofmonth', 'tinyint', 'day({0})', 'Day of the month.', ["day('1987-01-31')", '31']),
  part('hour', 'tinyint', 'hour({0})', 'Hour, 0 to 23.', ["hour('2018-12-31 23:59:59')", '23']),
  part('minute', 'tinyint', 'minute({0})', 'Minute.', ["minute('2018-12-31 23:59:59')", '59']),
  part('second', 'tinyint', 'floor(second({0}))', 'Second.', [
    "second('2018-12-31 23:59:59')",
    '59',
  ]),
  part('microsecond', 'int', 'microsecond({0}) % 1000000', 'Microseconds of the second.', [
    "microsecond('2020-05-17 10:20:30.000012')",
    '12',
  ]),
  part('dayofweek', 'int', 'dayofweek({0}) + 1', 'Day of the week, 1 = Sunday to 7 = Saturday.', [
    "dayofweek('2019-06-25')",
    '3',
  ]),
  part(
    'dayofweek_iso, day_of_week_iso',
    'int',
    'isodow({0})',
    'Day of the week, 1 = Monday to 7 = Sunday.',
    ["dayofweek_iso('2023-01-01')", '7'],
  ),
  part('weekday', 'int', 'isodow({0}) - 1', 'Day of the week, 0 = Monday to 6 = Sunday.', [
    "weekday('2023-01-01')",
    '6',
  ]),
  part('dayofyear', 'int', 'dayofyear({0})', 'Day of the year.', [
    "dayofyear('2007-02-03 00:00:00')",
    '34',
  ]),
  part('weekofyear, week_iso', 'int', 'weekofyear({0})', 'ISO week, 1 to 53.', [
    "weekofyear('2008-02-20 00:00:00')",
    '8',
  ]),
  date(
    'week',
    ['(datetime, int?) -> int', byMode('week', weekSql)],
    'Week of the year by one of the modes 0 to 7 of MySQL, 0 when not given.',
    ["week('2007-01-01', 1)", '1'],
  ),
  date(
    'yearweek',
    ['(datetime, int?) -> int', byMode('yearweek', yearWeekSql)],
    'Year and week by one of the modes 0 to 7 of MySQL, such as 202001; 0 when not given.',
    ["yearweek('1987-01-01', 0)", '198652'],
  ),
  date('dayname', ['(datetime) -> string', 'dayname({0})'], 'Name of the day.', [
    "dayname('2007-02-03 00:00:00')",
    'Saturday',
  ]),
  date('monthname', ['(datetime) -> string', 'monthname({0})'], 'Name of the month.', [
    "monthname('2008-02-03 00:00:00')",
    'February',
  ]),
];
