// Planning without an engine: error texts, constant answers, table references, scans, names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asId } from '../../../src/base/ids.ts';
import type { DataFile } from '../../../src/model/table.ts';
import { collectTableRefs } from '../../../src/query/collect-table-refs.ts';
import { tryConstantResult } from '../../../src/query/plan-query.ts';
import { errorOf, parseQuery, plan, SESSION, storedTable } from './harness.ts';

const T = storedTable('t', {
  id: { kind: 'BIGINT' },
  name: { kind: 'VARCHAR', length: 20 },
  d: { kind: 'DATE' },
  tags: { kind: 'ARRAY', element: { kind: 'INT' } },
  'we"ird': { kind: 'INT' },
  s: { kind: 'STRUCT', fields: [{ name: 'f', type: { kind: 'INT' } }] },
});
const U = storedTable('u', { id: { kind: 'INT' }, x: { kind: 'BITMAP' } });

const errors: readonly (readonly [sql: string, message: string])[] = [
  [
    'select nope from t',
    "Getting analyzing error at line 1, column 7. Detail message: Column 'nope' cannot be resolved.",
  ],
  [
    'select t.nope from t',
    "Getting analyzing error at line 1, column 7. Detail message: Column '`t`.`nope`' cannot be resolved.",
  ],
  [
    'select id from t join u on t.id = u.id',
    "Getting analyzing error at line 1, column 7. Detail message: Column 'id' is ambiguous.",
  ],
  ['select * from missing', "Getting analyzing error. Detail message: Unknown table 'db.missing'."],
  ['select * from nodb.t', "Unknown database 'nodb'"],
  ['select z.* from t', "Getting analyzing error. Detail message: Unknown table 'z'."],
  [
    'select foo(1, name) from t',
    'Getting analyzing error. Detail message: No matching function with signature: foo(tinyint(4), varchar(20)).',
  ],
  [
    'select lenght(name) from t',
    "Getting analyzing error. Detail message: No matching function with signature: lenght(varchar(20)), the nearest known function is 'length'.",
  ],
  [
    'select read_csv(name) from t',
    'Getting analyzing error. Detail message: No matching function with signature: read_csv(varchar(20)).',
  ],
  [
    'select length() from t',
    'Getting analyzing error. Detail message: No matching function with signature: length().',
  ],
  [
    'select array_sum(id) from t',
    'Getting analyzing error. Detail message: No matching function with signature: array_sum(bigint(20)).',
  ],
  [
    'select name, count(*) from t',
    "Getting analyzing error at line 1, column 7. Detail message: 'name' must be an aggregate expression or appear in GROUP BY clause.",
  ],
  [
    'select id + 1 from t group by id + 2',
    "Getting analyzing error at line 1, column 7. Detail message: 'id' must be an aggregate expression or appear in GROUP BY clause.",
  ],
  [
    'select id from t where count(*) > 1',
    'Getting analyzing error at line 1, column 23. Detail message: WHERE clause cannot contain aggregations.',
  ],
  [
    'select sum(max(id)) from t',
    'Getting analyzing error at line 1, column 7. Detail message: aggregate function cannot contain aggregate parameters.',
  ],
  [
    'select rank() from t',
    'Getting analyzing error at line 1, column 7. Detail message: rank only used in analytic function.',
  ],
  [
    'select 1 from t order by 2',
    'Getting analyzing error at line 1, column 25. Detail message: ORDER BY position 2 is not in select list.',
  ],
  [
    'select name from t group by 5',
    'Getting analyzing error at line 1, column 28. Detail message: Group by position 5 is not in select list.',
  ],
  [
    'select 1 union select 1, 2',
    'Getting analyzing error at line 1, column 0. Detail message: Operands have unequal number of columns.',
  ],
  [
    'select distinct name from t order by id',
    'Getting analyzing error at line 1, column 37. Detail message: for SELECT DISTINCT, ORDER BY expressions must appear in select list.',
  ],
  [
    'select (select id, name from t)',
    'Getting analyzing error at line 1, column 7. Detail message: Subquery must return a single column when used in expressions.',
  ],
  [
    'select tags = 1 from t',
    'Getting analyzing error at line 1, column 7. Detail message: Column type array<int(11)> does not support binary predicate operation with type tinyint(4).',
  ],
  [
    'select tags + 1 from t',
    'Getting analyzing error at line 1, column 7. Detail message: Arithmetic + cannot take array<int(11)> and tinyint(4).',
  ],
  [
    'select cast(tags as int) from t',
    'Getting analyzing error at line 1, column 7. Detail message: Invalid type cast from array<int(11)> to int(11) in sql.',
  ],
  [
    "select date '2020-02-30'",
    'Getting analyzing error at line 1, column 7. Detail message: Invalid date literal 2020-02-30.',
  ],
  [
    'select * from t, t',
    "Getting analyzing error at line 1, column 17. Detail message: Not unique table/alias: 't'.",
  ],
  [
    'select @@nosuch',
    "Getting analyzing error at line 1, column 7. Detail message: Unknown system variable 'nosuch', the most similar variables are {'autocommit'}.",
  ],
  [
    'select x from u order by x',
    'Getting analyzing error at line 1, column 25. Detail message: Type (nested) percentile/hll/bitmap/json/struct/map not support order-by.',
  ],
  [
    "select time_format('10:00:00', name) from t",
    'Getting analyzing error. Detail message: the format of time_format must be a constant.',
  ],
  [
    "select get_json_string(name, '$.a[') from t",
    "Getting analyzing error. Detail message: Invalid json path '$.a['.",
  ],
];

for (const [sql, message] of errors) {
  test(`error: ${sql}`, () => {
    assert.equal(
      errorOf(() => plan(sql, [T, U])),
      message,
    );
  });
}

test('no database selected', () => {
  assert.equal(
    errorOf(() => plan('select * from t', [T], { ...SESSION, currentDatabase: null })),
    'No database selected',
  );
});

test('column names: alias, column, text as written', () => {
  const { columns } = plan(
    "select id, t.name, id  +  1, count( * ) over () as `c x`, 'it''s', S.f from t as t where 1",
    [T],
  );
  assert.deepEqual(
    columns.map((column) => column.name),
    ['id', 'name', 'id  +  1', 'c x', "'it's'", 'f'],
  );
});

test('scans: placeholders once each, only the columns read, stars all', () => {
  const made = plan('select a.id from t a join t b on a.d = b.d where b.`we"ird` > 1', [T]);
  assert.deepEqual(
    made.scans.map((scan) => [scan.placeholder, scan.columns]),
    [
      ['__scan0', ['id', 'd']],
      ['__scan1', ['d', 'we"ird']],
    ],
  );
  for (const scan of made.scans) assert.equal(made.duckdbSql.split(scan.placeholder).length, 2);
  assert.match(made.duckdbSql, /t1\."we""ird"/);
  assert.deepEqual(plan('select count(*) from t', [T]).scans[0]?.columns, []);
  assert.equal(plan('select * from t', [T]).scans[0]?.columns.length, 6);
});

test('transports follow the types', () => {
  const { columns } = plan("select true, 1, id, cast(1 as largeint), 1.5, name, d, x'00' from t", [
    T,
  ]);
  assert.deepEqual(
    columns.map((column) => column.transport),
    ['native', 'native', 'native', 'native', 'native', 'text', 'native', 'bytes'],
  );
});

function file(id: number, min: string | null, max: string | null, nullCount = 0): DataFile {
  return {
    id: asId(id),
    transactionId: asId(1),
    volumeId: asId(1),
    key: `f${id}`,
    sizeBytes: 1,
    rowCount: 10,
    deletes: [],
    deletedRows: 0,
    columnStats: {
      id: { min, max, nullCount },
      d: { min: '2020-01-01', max: '2020-01-31', nullCount: 0 },
    },
  };
}

test('a file whose rows are all deleted is not read', () => {
  const files = [
    file(1, '1', '9'),
    { ...file(2, '1', '9'), deletedRows: 9 },
    { ...file(3, '1', '9'), deletedRows: 10 },
  ];
  const table = storedTable('t', { id: { kind: 'BIGINT' } }, files);
  for (const where of ['true', 'id = 5', 'id + 1 = 2']) {
    const { scans } = plan(`select count(*) from t where ${where}`, [table]);
    assert.deepEqual(
      scans[0]?.files.map(({ id }) => Number(id)),
      [1, 2],
      where,
    );
  }
});

test('files that cannot hold a wanted row are left out', () => {
  const files = [
    file(1, '-5', '9'),
    file(2, '10', '100'),
    file(3, null, null),
    file(4, null, null, 10),
  ];
  const table = storedTable(
    't',
    { id: { kind: 'BIGINT' }, d: { kind: 'DATE' }, n: { kind: 'DOUBLE' } },
    files,
  );
  const kept = (where: string): (number | undefined)[] =>
    plan(`select n from t where ${where}`, [table]).scans[0]?.files.map((f) => Number(f.id)) ?? [];
  assert.deepEqual(kept('id = 9'), [1, 3]);
  assert.deepEqual(kept("id = '9'"), [1, 3]);
  assert.deepEqual(kept('id > 9 and n = 1'), [2, 3]);
  assert.deepEqual(kept('10 <= id'), [2, 3]);
  assert.deepEqual(kept('id < -5 or n = 1'), [1, 2, 3, 4]);
  assert.deepEqual(kept("d >= '2020-02-01'"), []);
  assert.deepEqual(kept("d >= '2020-01-31 00:00:00'"), [1, 2, 3, 4]);
  const outer = plan('select n from t where not exists (select 1 from t b where t.id = 9)', [
    table,
  ]);
  assert.deepEqual(
    outer.scans.map((scan) => scan.files.length),
    [4, 4],
  );
});

const constants: readonly (readonly [
  sql: string,
  names: readonly string[],
  row: readonly (string | null)[],
])[] = [
  ['select @@version_comment limit 1', ['@@version_comment'], ['Millrace']],
  ['SELECT DATABASE()', ['DATABASE()'], ['db']],
  ['select USER(), current_user', ['USER()', 'current_user'], ["'root'@'%'", "'root'@'%'"]],
  ['select @@session.autocommit as a', ['a'], ['1']],
  [
    "select 1, -2, null, true, 'x'",
    ['1', '-2', 'null', 'true', "'x'"],
    ['1', '-2', null, '1', 'x'],
  ],
  [
    'select connection_id(), version(), current_version()',
    ['connection_id()', 'version()', 'current_version()'],
    ['7', '8.0.33', '3.3.0'],
  ],
  ['select 1 + 1, 7 div 2', ['1 + 1', '7 div 2'], ['2', '3']],
  ['select now()', ['now()'], ['2026-11-21 03:04:05']],
  ['select @x, @none', ['@x', '@none'], ['5', null]],
];
for (const [sql, names, row] of constants) {
  test(`answered on the FE: ${sql}`, () => {
    const result = tryConstantResult(parseQuery(sql), sql, SESSION);
    assert.deepEqual(
      result?.columns.map((column) => column.name),
      names,
    );
    assert.deepEqual(result?.rows, [row]);
  });
}

test('not answered on the FE: tables, functions of the engine, floats', () => {
  for (const sql of [
    'select id from t',
    "select upper('a')",
    'select 1e0',
    'select 1 where 1 = 0',
    'select rand()',
  ]) {
    assert.equal(tryConstantResult(parseQuery(sql), sql, SESSION), null);
  }
  const none = tryConstantResult(parseQuery('select 1 limit 0'), 'select 1 limit 0', SESSION);
  assert.deepEqual(none?.rows, []);
});

test('table references: every place, WITH names in force left out', () => {
  const refs = collectTableRefs(
    parseQuery(`with w as (select * from a), v as (select * from w join x.b on 1)
      select (select max(i) from c) from v, (select * from d where i in (select i from e)) q
      where exists (select 1 from w) union select * from other.w order by (select 1 from g)`),
  );
  assert.deepEqual(refs.map((ref) => `${ref.database ?? ''}.${ref.name}`).sort(), [
    '.a',
    '.c',
    '.d',
    '.e',
    '.g',
    'other.w',
    'x.b',
  ]);
});
