// SELECT end to end: text -> parser -> plan -> a real DuckDB -> what a client sees.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, SESSION } from './harness.ts';

const INT = { kind: 'INT' } as const;
const BIGINT = { kind: 'BIGINT' } as const;
const STRING = { kind: 'VARCHAR', length: 65533 } as const;
const MONEY = { kind: 'DECIMAL', precision: 10, scale: 2 } as const;

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  await bench.table(
    'clicks',
    {
      uid: BIGINT,
      site: STRING,
      vtime: { kind: 'DATETIME' },
      price: MONEY,
      score: { kind: 'DOUBLE' },
    },
    `(1, 'a', '2020-01-01 10:00:00', 1.10, 0.5), (2, 'b', '2020-01-02 11:30:00.5', 2.20, 1.5),
     (3, 'a', NULL, NULL, NULL), (NULL, NULL, '2020-02-01 00:00:00', 3.30, 100)`,
  );
  await bench.table(
    'sites',
    { site: STRING, name: STRING, rank: INT },
    `('a', 'Alpha', 1), ('c', 'Gamma', 3)`,
  );
  await bench.table('empty', { x: INT }, '');
  await bench.table(
    'nested',
    { id: INT, tags: { kind: 'ARRAY', element: STRING }, j: { kind: 'JSON' } },
    `(1, ['x', 'y'], '{"a": {"b": [1, 2]}, "s": "t"}'), (2, [], NULL)`,
  );
});
after(() => bench.close());

const cases: readonly (readonly [sql: string, rows: readonly (readonly (string | null)[])[]])[] = [
  ['select 1', [['1']]],
  ['select count(*) from clicks', [['4']]],
  ['select count(uid), count(distinct site) from clicks', [['3', '2']]],
  ['select uid from clicks order by uid', [[null], ['1'], ['2'], ['3']]],
  ['select uid from clicks order by uid desc', [['3'], ['2'], ['1'], [null]]],
  ['select uid from clicks order by uid desc nulls first limit 1', [[null]]],
  ['select uid from clicks order by 1 limit 1, 2', [['1'], ['2']]],
  ['select uid u from clicks where u.uid is null'.replace('u.uid', 'clicks.uid'), [[null]]],
  [
    'select c.uid, s.name from clicks c join sites s on c.site = s.site order by 1',
    [
      ['1', 'Alpha'],
      ['3', 'Alpha'],
    ],
  ],
  [
    'select c.uid, s.name from clicks c left join sites s using (site) order by c.uid',
    [
      [null, null],
      ['1', 'Alpha'],
      ['2', null],
      ['3', 'Alpha'],
    ],
  ],
  [
    'select * from sites join (select site, count(*) n from clicks group by site) q using (site)',
    [['a', 'Alpha', '1', '2']],
  ],
  [
    'select site from clicks c right join sites s using (site) group by site order by site',
    [['a'], ['c']],
  ],
  [
    'select site from (select distinct site from clicks) c full join sites s using (site) order by 1',
    [[null], ['a'], ['b'], ['c']],
  ],
  [
    'select uid from clicks left semi join sites on clicks.site = sites.site order by uid',
    [['1'], ['3']],
  ],
  [
    'select uid from clicks left anti join sites on clicks.site = sites.site order by uid',
    [[null], ['2']],
  ],
  ['select name from clicks right anti join sites on clicks.site = sites.site', [['Gamma']]],
  ['select name from clicks right semi join sites on clicks.site = sites.site', [['Alpha']]],
  [
    'select a.uid, b.uid from clicks a, clicks b where a.uid < b.uid order by 1, 2',
    [
      ['1', '2'],
      ['1', '3'],
      ['2', '3'],
    ],
  ],
  ['select uid from clicks where site in (select site from sites)  order by uid', [['1'], ['3']]],
  ['select uid from clicks where (site, uid) in (select site, rank from sites)', [['1']]],
  ['select uid from clicks where uid not in (1, 2) order by 1', [['3']]],
  [
    'select name from sites s where exists (select 1 from clicks c where c.site = s.site)',
    [['Alpha']],
  ],
  [
    'select name, (select max(uid) from clicks c where c.site = s.site) m from sites s order by name',
    [
      ['Alpha', '3'],
      ['Gamma', null],
    ],
  ],
  [
    'select site, count(*) as n, sum(price) from clicks group by site order by n desc, site',
    [
      ['a', '2', '1.10'],
      [null, '1', '3.30'],
      ['b', '1', '2.20'],
    ],
  ],
  [
    'select upper(site) s, count(*) from clicks group by s having s is not null and count(*) > 1',
    [['A', '2']],
  ],
  [
    'select upper(site), count(*) from clicks group by 1 order by 1',
    [
      [null, '1'],
      ['A', '2'],
      ['B', '1'],
    ],
  ],
  [
    'select site, count(*) from clicks group by rollup(site) order by 1, 2',
    [
      [null, '1'],
      [null, '4'],
      ['a', '2'],
      ['b', '1'],
    ],
  ],
  [
    'select grouping(site) g, count(*) from clicks group by grouping sets ((site), ()) order by g desc, 2 limit 1',
    [['1', '4']],
  ],
  ['select count(*) + 1 from clicks having count(*) > 10', []],
  [
    'select site, uid, row_number() over (partition by site order by uid desc) rn from clicks where site is not null order by 1, 2',
    [
      ['a', '1', '2'],
      ['a', '3', '1'],
      ['b', '2', '1'],
    ],
  ],
  [
    'select uid, sum(uid) over (order by uid rows between unbounded preceding and current row) from clicks where uid is not null order by uid',
    [
      ['1', '1'],
      ['2', '3'],
      ['3', '6'],
    ],
  ],
  [
    'select site, sum(count(*)) over () from clicks group by site order by 1',
    [
      [null, '4'],
      ['a', '4'],
      ['b', '4'],
    ],
  ],
  [
    'select uid, lag(uid, 1) over (order by uid) from clicks where uid > 0 qualify row_number() over (order by uid) <= 2 order by uid',
    [
      ['1', null],
      ['2', '1'],
    ],
  ],
  [
    'with t as (select site, count(*) n from clicks group by site), u as (select * from t where n > 1) select * from u',
    [['a', '2']],
  ],
  ['with t(a, b) as (select 1, 2) select b, a from t', [['2', '1']]],
  ['select 1 union all select 2.5 order by 1 desc', [['2.5'], ['1.0']]],
  ["select 'a' x union select 1 order by x", [['1'], ['a']]],
  ['select uid from clicks intersect select rank from sites order by 1', [['1'], ['3']]],
  ['select uid from clicks except select rank from sites order by uid', [[null], ['2']]],
  [
    '(select uid from clicks order by uid desc limit 1) union all (select 9) order by uid + 0',
    [['3'], ['9']],
  ],
  ['select x from (values (1), (2)) as v(x) order by x desc', [['2'], ['1']]],
  ['select distinct site from clicks order by site', [[null], ['a'], ['b']]],
  ['select sum(x), max(x), count(x) from empty', [[null, null, '0']]],
  ['select site from clicks group by site order by count(*) desc, site limit 1', [['a']]],
  ['select max(uid) from clicks having max(uid) > 2', [['3']]],
  ['select count(distinct site, uid) from clicks', [['3']]],
  [
    "select group_concat(distinct site order by site separator '+'), group_concat(site, uid) from clicks where uid > 1",
    [['a+b', 'b2,a3']],
  ],
  ['select uid from clicks order by row_number() over (order by uid desc) limit 1', [['3']]],
  [
    'select avg(price) over (partition by site) a, count(*) over () from clicks where uid = 1',
    [['1.10000000', '4']].map(() => ['1.10000000', '1']),
  ],
  [
    'select last_value(uid ignore nulls) over (order by uid rows between unbounded preceding and unbounded following) v from clicks limit 1',
    [['3']].map(() => ['3']),
  ],
  [
    'select q.n from (select 1 n union select 2) q, lateral (select q.n + 1 m) r where m = 3',
    [['2']],
  ],
  [
    'select (select count(*) from clicks b where b.uid < a.uid and exists (select 1 from sites s where s.rank = a.uid)) from sites a(site, name, uid) order by 1',
    [['0'], ['2']],
  ],
  [
    'select * from (with w as (select 5 x) select * from w) a join (with w as (select 5 x) select x y from w) b on a.x = b.y',
    [['5', '5']],
  ],
  ['select site, uid from clicks where uid = (select max(uid) from clicks)', [['a', '3']]],
  ['select s.* exclude (rank) from sites s order by 1 limit 1', [['a', 'Alpha']]],
  ['select db.sites.name from db.sites where `default_catalog`.db.sites.rank = 3', [['Gamma']]],
  ['select uid from clicks limit 2 offset 10', []],
  ['select all_match(x -> x > 0, [1, 2]), cardinality([1])', [['1', '1']]],
  // types
  ["select uid from clicks where uid = '2'", [['2']]],
  ['select uid from clicks where site = 0 order by 1', []],
  ["select '12' = 12, '1.0' = 1, 'abc' = 0, '10' < '9', '10' < 9", [['1', '1', null, '1', '0']]],
  [
    'select 7 / 2, 7 div 2, 7 % 2, -7 div 2, 1 / 0, 5 % 0, 5 div 0',
    [['3.5', '3', '1', '-3', null, null, null]],
  ],
  ['select 1.10 + 2.205, 1.5 * 2, 10.00 / 3, 1e3 + 1', [['3.305', '3.0', '3.33333333', '1001']]],
  ['select avg(price), avg(uid), sum(score) from clicks', [['2.20000000', '2', '102']]],
  [
    "select cast(1.9 as int), cast(-1.9 as int), cast('1.5' as int), cast(300 as tinyint), cast(' 12 ' as int), cast('1e2' as double)",
    [['1', '-1', null, null, '12', '100']],
  ],
  [
    "select cast('2020-1-5' as date), cast('20200105' as datetime), cast('x' as date), cast('epoch' as datetime), cast('2020-02-30' as date), cast(20200105 as date)",
    [['2020-01-05', '2020-01-05 00:00:00', null, null, null, '2020-01-05']],
  ],
  [
    "select cast('true' as boolean), cast('0' as boolean), cast(2 as boolean), true, cast(true as string)",
    [['1', '0', '1', '1', '1']],
  ],
  [
    "select cast(date '2020-01-05' as int), cast(1.50 as string), cast(1e20 as string), cast(12345678901234567890 as string)",
    [['20200105', '1.50', '1e+20', '12345678901234567890']],
  ],
  ["select uid from clicks where vtime >= '2020-01-02' and vtime < date '2020-02-01'", [['2']]],
  [
    "select vtime from clicks where vtime between '2020-01-01' and '2020-01-31' order by 1",
    [['2020-01-01 10:00:00'], ['2020-01-02 11:30:00.500000']],
  ],
  [
    "select date '2020-01-31' + interval 1 month, interval 1 day + date '2020-01-31', date '2020-03-01' - interval 1 day",
    [['2020-02-29 00:00:00', '2020-02-01 00:00:00', '2020-02-29 00:00:00']],
  ],
  [
    'select null = null, null <=> null, 1 <=> null, not null, null and false, null or true',
    [[null, '1', '0', null, '0', '1']],
  ],
  [
    'select true xor false, 5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 4, -16 >> 2',
    [['1', '1', '7', '6', '-6', '16', '-4']],
  ],
  [
    'select 127 + 1, 2147483647 + 1, 9223372036854775807, 9223372036854775808, -9223372036854775808',
    [['128', '2147483648', '9223372036854775807', '9223372036854775808', '-9223372036854775808']],
  ],
  ['select 99999999999999999999999999999999999999.0 * 10', [[null]].map(() => ['1e+39'])],
  ['select cast(9999999999 as decimal(38, 10)) * cast(9999999999 as decimal(38, 10))', [[null]]],
  [
    'select cast(12345678.90 as decimal(10, 2)) * cast(12345678.90 as decimal(10, 2))',
    [['152415787501905.2100']],
  ],
  [
    'select cast(9999999999999999.99 as decimal(18, 2)) + cast(9999999999999999.99 as decimal(18, 2))',
    [['19999999999999999.98']],
  ],
  [
    "select case site when 'a' then 1 else 2.5 end from clicks order by uid",
    [['2.5'], ['1.0'], ['2.5'], ['1.0']],
  ],
  ['select if(uid > 1, price, 0) from clicks order by uid', [['0.00'], ['0.00'], ['2.20'], [null]]],
  [
    "select 'a%b' like 'a\\%b', 'axb' like 'a\\%b', 'abc' not like 'A%', 'abc' regexp '^a', 'a' like 'a\\\\'",
    [['1', '0', '1', '1', '0']],
  ],
  [
    "select 'it''s', \"q\\\"q\", 'a\\\\b', '__scan0', 'x;--'",
    [["it's", 'q"q', 'a\\b', '__scan0', 'x;--']],
  ],
  // dates. SOURCE of the week numbers: MySQL manual, WEEK and YEARWEEK
  [
    "select week('2008-02-20'), week('2008-02-20', 0), week('2008-02-20', 1), week('2008-12-31', 1), week('2000-01-01'), week('2000-01-01', 2)",
    [['7', '7', '8', '53', '0', '52']],
  ],
  [
    "select yearweek('1987-01-01'), yearweek('2000-01-01', 2), yearweek('2008-12-31', 3), week('2008-12-31', 3), weekofyear('2008-12-31')",
    [['198652', '199952', '200901', '1', '1']],
  ],
  [
    "select date_format('1999-01-01', '%X %V'), date_format('1900-10-04 22:23:00', '%D %y %a %d %m %b %j'), date_format('1997-10-04 22:23:00', '%H %k %I %r %T %S %w')",
    [['1998 52', '4th 00 Thu 04 10 Oct 277', '22 22 10 10:23:00 PM 22:23:00 00 6']],
  ],
  [
    "select date_format('2020-01-05', 'yyyyMMdd'), date_format(null, '%Y'), date_format('2020-01-05 01:02:03.5', '%f|%%|%e|%c|%x')",
    [['20200105', null, '500000|%|5|1|2020']],
  ],
  [
    "select str_to_date('2020-1-5', '%Y-%m-%d'), str_to_date('x', '%Y'), str_to_date('20200105 10:20', '%Y%m%d %H:%i'), str2date('01/02/2020', '%m/%d/%Y')",
    [['2020-01-05', null, '2020-01-05 10:20:00', '2020-01-02']],
  ],
  [
    "select timestampdiff(day, '2020-01-01', '2020-01-02 23:00:00'), months_diff('2020-03-30', '2020-01-31'), datediff('2020-01-01', '2020-01-02')",
    [['1', '1', '-1']],
  ],
  [
    "select dayofweek('2020-01-05'), weekday('2020-01-05'), extract(month from '2020-02-05'), date_trunc('week', date '2020-01-05'), last_day('2020-02-05', 'year')",
    [['1', '6', '2', '2019-12-30', '2020-12-31']],
  ],
  // nested and JSON
  [
    'select id, t from nested, unnest(tags) as u(t) order by t',
    [
      ['1', 'x'],
      ['1', 'y'],
    ],
  ],
  [
    'select id, t from nested left join unnest(tags) as u(t) on true order by 1, 2',
    [
      ['1', 'x'],
      ['1', 'y'],
      ['2', null],
    ],
  ],
  [
    'select tags, tags[1], tags[9], tags[-1], array_length(tags) from nested order by id',
    [
      ['["x","y"]', 'x', null, null, '2'],
      ['[]', null, null, null, '0'],
    ],
  ],
  [
    "select j, j->'a'->'b', j->'$.a.b[1]', j->'$.s', get_json_string(j, '$.s'), j->'$.none' from nested where id = 1",
    [['{"a": {"b": [1, 2]}, "s": "t"}', '[1, 2]', '2', '"t"', 't', null]],
  ],
  [
    "select cast(j->'a.b[0]' as int) + 1, cast(j->'s' as string), get_json_int('{bad', '$.a') from nested where id = 1",
    [['2', 't', null]],
  ],
  [
    "select map{'k': 1, 'l': null}, map{'k': 1}['k'], row(1, 'a').col2, [1.5, null], [date '2020-01-01']",
    [['{"k":1,"l":null}', '1', 'a', '[1.5,null]', '["2020-01-01"]']],
  ],
  ['select array_map(x -> x + 1, array_filter(y -> y > 1, [1, 2, 3]))', [['[3,4]']]],
  ['select sum(generate_series) from table(generate_series(1, 4))', [['10']]],
  // text of values
  [
    'select 1e15, 1e16, 1.5e300, 0.1 + 0.2, cast(0.1 as double) + cast(0.2 as double), -0.5, 1e-7, cast(1 as float)',
    [['1000000000000000', '1e+16', '1.5e+300', '0.3', '0.30000000000000004', '-0.5', '1e-07', '1']],
  ],
  ["select x'414243', hex(x'00FF')", [['ABC', '00FF']]],
  // session
  [
    'select database(), connection_id(), @x + 1, @nosuch, @@version_comment, user()',
    [['db', '7', '6', null, 'Millrace', "'root'@'%'"]],
  ],
  [
    'select now(), current_date, curdate() = date(now()), unix_timestamp()',
    [['2026-11-21 03:04:05', '2026-11-21', '1', '1795230245']],
  ],
];

for (const [sql, rows] of cases) {
  test(sql, async () => {
    assert.deepEqual(await bench.run(sql), rows);
  });
}

test('time zones: now, from_unixtime and unix_timestamp follow the session', async () => {
  for (const timeZone of ['Asia/Shanghai', '+08:00']) {
    const rows = await bench.run(
      "select now(), from_unixtime(0), unix_timestamp('1970-01-01 08:00:10')",
      { ...SESSION, timeZone },
    );
    assert.deepEqual(rows, [['2026-11-21 11:04:05', '1970-01-01 08:00:00', '10']]);
  }
});

test('information_schema tables come inline', async () => {
  bench.tables.push({
    kind: 'inline',
    databaseName: 'information_schema',
    name: 'schemata',
    columns: [
      { name: 'SCHEMA_NAME', type: STRING },
      { name: 'N', type: BIGINT },
    ],
    rows: [
      ['db', '1'],
      ["o'x", null],
    ],
  });
  assert.deepEqual(
    await bench.run('select schema_name, n + 1 from information_schema.schemata order by 1 desc'),
    [
      ["o'x", null],
      ['db', '2'],
    ],
  );
});
