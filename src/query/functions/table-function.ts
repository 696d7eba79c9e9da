// Table functions: what stands in FROM. Their result is a struct type whose fields are the columns; their
// DuckDB form is a relation, which may use columns of the relations before it.
// SOURCE of results: StarRocks' pages on unnest, json_each and generate_series.
import { fail } from '../../base/errors.ts';
import type { SqlType } from '../../model/sql-type.ts';
import { BIGINT, BITMAP, DATE, DATETIME, INT, JSON_TYPE, NULL_TYPE, STRING } from '../types.ts';
import { definer } from './define.ts';
import type { CallSite, FunctionEntry } from './entry.ts';

const table = definer('table', 'table');

const columns = (...fields: readonly (readonly [name: string, type: SqlType])[]): SqlType => ({
  kind: 'STRUCT',
  fields: fields.map(([name, type]) => ({ name, type })),
});

/** Side by side, the shorter arrays padded with NULL. */
const unnest = (s: CallSite): string => {
  // A bare NULL has no elements.
  const arrays = s.sql.map((sql, i) =>
    s.args[i]?.type.kind === 'NULL' ? 'CAST(NULL AS INTEGER[])' : sql,
  );
  return arrays.length === 1
    ? `unnest(${arrays[0]})`
    : `(SELECT ${arrays.map((array) => `unnest(${array})`).join(', ')})`;
};

const INTEGERS = ['INT', 'BIGINT', 'LARGEINT'];
/** At least INT. */
const widest = (types: readonly SqlType[]): SqlType =>
  types.reduce((a, b) => (INTEGERS.indexOf(b.kind) > INTEGERS.indexOf(a.kind) ? b : a), INT);

/** DuckDB counts in BIGINT: what does not fit is an error there. */
const series = (s: CallSite): string => {
  for (const [i, arg] of s.args.entries()) {
    if (arg.kind !== 'literal') continue;
    if (arg.text === null) {
      throw fail('SQL_ANALYZE', { detail: 'table function not support null parameter' });
    }
    if (i === 2 && Number(arg.text) === 0) {
      throw fail('SQL_ANALYZE', { detail: 'generate_series: the step must not be 0' });
    }
  }
  return `generate_series(${s.sql.map((sql) => `CAST(${sql} AS BIGINT)`).join(', ')})`;
};

const dates = (s: CallSite): string => {
  const [start, end] = s.sql;
  const step = s.args[2];
  const unit = step?.kind === 'interval' ? step.unit : '';
  return `generate_series(CAST(${start} AS TIMESTAMP), CAST(${end} AS TIMESTAMP), to_${unit.toLowerCase()}s(CAST(${s.sql[2]} AS ${unit === 'SECOND' ? 'DOUBLE' : unit === 'MICROSECOND' ? 'BIGINT' : 'INTEGER'})))`;
};

const NAMES = { parameterNames: ['start', 'end', 'step'] } as const;

export const TABLE_FUNCTIONS: readonly FunctionEntry[] = [
  table(
    'unnest',
    [
      '(array<any>...) -> rows',
      unnest,
      (types) =>
        columns(
          ...types.map((type): [string, SqlType] => [
            'unnest',
            type.kind === 'ARRAY' ? type.element : NULL_TYPE,
          ]),
        ),
    ],
    'A row for each element; of several arrays side by side, the shorter ones filled up with NULL. LEFT JOIN unnest(a) ON TRUE keeps rows without elements.',
    ['SELECT sum(x) FROM unnest([1, 2, 3]) AS t(x)', '6'],
  ),
  table(
    'unnest_bitmap',
    [
      '(bitmap) -> rows',
      'unnest(mr_bitmap_to_array({0}))',
      () => columns(['unnest_bitmap', BIGINT]),
    ],
    'A row for each value of a bitmap.',
    ["SELECT sum(x) FROM unnest_bitmap(bitmap_from_string('4,5')) AS t(x)", '9'],
  ),
  table(
    'subdivide_bitmap',
    [
      '(bitmap, bigint) -> rows',
      'unnest(list_transform(range(0, len(mr_bitmap_to_array({0})), greatest({1}, 0)), lambda mr_i: mr_bitmap_from_values(list_slice(mr_bitmap_to_array({0}), mr_i + 1, mr_i + {1}))))',
      () => columns(['subdivide_bitmap', BITMAP]),
    ],
    'A row for each part of a bitmap, so many of its values in order; none where the length is not positive.',
    [
      "SELECT group_concat(bitmap_to_string(p) ORDER BY bitmap_min(p) SEPARATOR ' ') FROM subdivide_bitmap(bitmap_from_string('1,2,3,4,5'), 2) AS t(p)",
      '1,2 3,4 5',
    ],
  ),
  table(
    'json_each',
    [
      '(json) -> rows',
      "(SELECT key, CAST(value AS VARCHAR) FROM json_each(CASE WHEN json_type(TRY_CAST({0} AS JSON)) = 'OBJECT' THEN TRY_CAST({0} AS JSON) END))",
      () => columns(['key', STRING], ['value', JSON_TYPE]),
    ],
    'A row of key and value for each pair of a JSON object; none for other JSON.',
    [`SELECT value FROM json_each(parse_json('{"a": [1, 2]}'))`, '[1, 2]'],
  ),
  table(
    'generate_series',
    [
      [
        '(integer, integer, integer?) -> rows',
        series,
        (types) => columns(['generate_series', widest(types)]),
      ],
      ['(date, date, interval) -> rows', dates, () => columns(['generate_series', DATE])],
      [
        '(datetime, datetime, interval) -> rows',
        dates,
        () => columns(['generate_series', DATETIME]),
      ],
    ],
    'The numbers (or dates) from start to end by a step, 1 when not given; the arguments can be named: `generate_series(start => 2, end => 5)`.',
    ['SELECT sum(generate_series) FROM TABLE(generate_series(2, 6, 2))', '12'],
    NAMES,
  ),
];
