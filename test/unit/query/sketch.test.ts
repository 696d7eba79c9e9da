// Sketches in queries: aggregates over rows, groups and windows, NULLs, limits, what is refused.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, errorOf, plan } from './harness.ts';

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  await bench.table(
    'v',
    {
      id: { kind: 'INT' },
      page: { kind: 'VARCHAR', length: 10 },
      u: { kind: 'BIGINT' },
      b: { kind: 'BITMAP' },
    },
    "(1, 'a', 10, mr_bitmap_of(10)), (2, 'a', 20, mr_bitmap_of(20)), (3, 'b', 20, mr_bitmap_of(20)), (4, 'c', NULL, NULL)",
  );
});
after(() => bench.close());

const row = async (list: string, rest = 'FROM v'): Promise<(string | null)[]> =>
  (await bench.run(`SELECT ${list} ${rest}`))[0] ?? [];

test('unions of stored and of made bitmaps are the same; NULLs are left out; no rows', async () => {
  const lists =
    'bitmap_to_string(bitmap_union(b)), bitmap_to_string(bitmap_union(to_bitmap(u))), bitmap_union_count(b), bitmap_union_count(to_bitmap(u)), bitmap_union_int(u), bitmap_to_string(bitmap_agg(u)), bitmap_count(bitmap_intersect(b))';
  assert.deepEqual(await row(lists), ['10,20', '10,20', '2', '2', '2', '10,20', '0']);
  assert.deepEqual(await row(lists, 'FROM v WHERE id > 9'), [null, null, '0', '0', '0', null, '0']);
  assert.deepEqual(await row(lists, 'FROM v WHERE id = 4'), [null, null, '0', '0', '0', null, '0']);
});

test('groups, FILTER and windows', async () => {
  assert.deepEqual(
    await bench.run('SELECT page, bitmap_union_count(b) AS n FROM v GROUP BY page ORDER BY page'),
    [
      ['a', '2'],
      ['b', '1'],
      ['c', '0'],
    ],
  );
  assert.deepEqual(await row("bitmap_union_count(b) FILTER (WHERE page = 'b')"), ['1']);
  assert.deepEqual(
    await bench.run(
      'SELECT id, bitmap_count(bitmap_union(b) OVER (ORDER BY id)) FROM v ORDER BY id',
    ),
    [
      ['1', '1'],
      ['2', '2'],
      ['3', '2'],
      ['4', '2'],
    ],
  );
  assert.deepEqual(await row("intersect_count(b, page, 'a', 'b'), intersect_count(b, page, 'c')"), [
    '1',
    '0',
  ]);
  assert.deepEqual(
    await row(
      'hll_union_agg(hll_hash(u)), hll_cardinality(hll_raw(u)), ndv(u), percentile_approx_raw(percentile_union(percentile_hash(u)), 0.99)',
    ),
    ['2', '2', '2', '20'],
  );
});

test('unnest_bitmap gives the values as rows', async () => {
  assert.deepEqual(
    await bench.run('SELECT id, unnest_bitmap FROM v, unnest_bitmap(b) ORDER BY 1, 2'),
    [
      ['1', '10'],
      ['2', '20'],
      ['3', '20'],
    ],
  );
  assert.deepEqual(
    await bench.run("SELECT t.x FROM unnest_bitmap(bitmap_from_string('5,4')) AS t(x) ORDER BY 1"),
    [['4'], ['5']],
  );
  assert.match(
    errorOf(() => plan('SELECT * FROM unnest_bitmap(1)')),
    /unnest_bitmap\(tinyint/,
  );
});

test('sketches are shown as NULL, and have no order and no equality', async () => {
  assert.deepEqual(await row('b, hll_hash(1), percentile_hash(1)', 'FROM v WHERE id = 1'), [
    null,
    null,
    null,
  ]);
  assert.deepEqual(await row('count(b), count(*)'), ['3', '4']);
  for (const sql of [
    'SELECT b FROM v ORDER BY b',
    'SELECT count(*) FROM v GROUP BY b',
    'SELECT DISTINCT b FROM v',
    'SELECT b = b FROM v',
    'SELECT max(b) FROM v',
    'SELECT count(DISTINCT b) FROM v',
    'SELECT b IN (b) FROM v',
    'SELECT cast(b AS string) FROM v',
    'SELECT cast(1 AS bitmap)',
    'SELECT bitmap_union(DISTINCT b) FROM v',
    'SELECT hll_cardinality(b) FROM v',
  ]) {
    assert.match(
      errorOf(() => plan(sql, bench.tables)),
      /Detail message|No matching function/,
      sql,
    );
  }
});

test('edges of the subset functions, as their pages tell', async () => {
  const of = "bitmap_from_string('1,1,3,1,5,3,5,7,7,9')";
  for (const [call, expected] of [
    ['sub_bitmap(X, 0, 2)', '1,3'],
    ['sub_bitmap(X, 0, 100)', '1,3,5,7,9'],
    ['sub_bitmap(X, -3, 100)', '5,7,9'],
    ['sub_bitmap(X, 0, -10)', null],
    ['sub_bitmap(X, 5, 1)', null],
    ['sub_bitmap(X, -2, 5)', '7,9'],
    ['sub_bitmap(X, -6, 1)', null],
    ['bitmap_subset_limit(X, 1, 4)', '1,3,5,7'],
    ['bitmap_subset_limit(X, 2, 2)', '3,5'],
    ['bitmap_subset_limit(X, 5, -2)', '3,5'],
    ['bitmap_subset_limit(X, 6, -2)', '3,5'],
    ['bitmap_subset_limit(X, 10, 1)', null],
    ['bitmap_subset_in_range(X, 10, 15)', null],
    ['bitmap_subset_in_range(X, -5, 4)', '1,3'],
    ['bitmap_subset_in_range(X, 4, 4)', null],
    ["bitmap_from_string('-1, 0, 1, 2')", null],
    ["bitmap_from_string('')", ''],
    ["bitmap_from_string('18446744073709551616')", null],
    ['to_bitmap(-1)', null],
    ["to_bitmap('1.5')", null],
    ['to_bitmap(18446744073709551615)', '18446744073709551615'],
    ["base64_to_bitmap('no base64')", null],
    ["base64_to_bitmap('AQ==')", null],
    ["bitmap_from_binary(to_binary('ff', 'hex'))", null],
    ['bitmap_hash(NULL)', ''],
    ['bitmap_remove(X, 4)', '1,3,5,7,9'],
  ] as const) {
    assert.deepEqual(await row(`bitmap_to_string(${call.replace('X', of)})`, ''), [expected], call);
  }
});

test('a million values are the most that become text', async () => {
  await assert.rejects(
    row('bitmap_to_string(bitmap_agg(x))', 'FROM TABLE(generate_series(1, 1000001)) AS t(x)'),
    /bitmap_to_string not supported size > 1000000/,
  );
});
