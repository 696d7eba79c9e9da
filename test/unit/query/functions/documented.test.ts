// The nested, aggregate, window and table functions that StarRocks' documentation has pages for (3.3 to 3.5
// and the development branch): each is in the function table, or in the list of missing ones with a reason.
// SOURCE: docs/en/sql-reference/sql-functions/{json,array,map,struct,aggregate,table}-functions and
// Window_function.md of the StarRocks repository.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FunctionKind } from '../../../../src/query/functions/entry.ts';
import { MISSING_FUNCTIONS } from '../../../../src/query/functions/missing.ts';
import { FUNCTION_TABLE } from '../../../../src/query/functions/table.ts';
import { errorOf, plan } from '../harness.ts';

interface Family {
  readonly kind: FunctionKind;
  readonly names: string;
}

const DOCUMENTED: Readonly<Record<string, Family>> = {
  JSON: {
    kind: 'scalar',
    names: `is_json_scalar json_array json_object parse_json get_json_bool get_json_double get_json_int
      get_json_scalar get_json_string get_json_object json_contains json_exists json_keys json_length
      json_pretty json_query json_remove json_set json_string json_update to_json json_insert json_replace`,
  },
  arrays: {
    kind: 'scalar',
    names: `all_match any_match none_match array_append array_avg array_concat array_contains
      array_contains_all array_contains_seq array_cum_sum array_difference array_distinct array_filter
      array_flatten array_generate array_intersect array_join array_length array_map transform array_max
      array_min array_position array_remove array_repeat array_slice array_sort array_sortby array_sum
      array_to_bitmap array_top_n arrays_overlap arrays_zip cardinality element_at reverse zip`,
  },
  maps: {
    kind: 'scalar',
    names: `cardinality distinct_map_keys element_at map_apply map_concat map_filter map_from_arrays
      map_from_entries map_keys map_size map_values transform_keys transform_values map`,
  },
  structs: { kind: 'scalar', names: 'named_struct row struct' },
  aggregates: {
    kind: 'aggregate',
    names: `any_value approx_count_distinct approx_count_distinct_hll_sketch approx_top_k avg bool_or
      boolor_agg bool_and booland_agg every corr count count_if covar_pop covar_samp ds_frequent
      ds_hll_accumulate ds_hll_combine ds_hll_count_distinct ds_hll_estimate ds_quantile ds_theta_a_not_b
      ds_theta_accumulate ds_theta_combine ds_theta_count_distinct ds_theta_estimate ds_theta_intersect
      ds_theta_intersect_cond_agg ds_theta_union group_concat grouping grouping_id hll_raw_agg hll_union
      hll_union_agg mann_whitney_u_test max max_by max_n min min_by min_n multi_distinct_count
      multi_distinct_sum ndv ols percentile_approx percentile_approx_weighted percentile_cont
      percentile_disc percentile_disc_lc retention std stddev stddev_pop stddev_samp string_agg sum sum_map
      ttest_1samp var_pop variance variance_pop var_samp variance_samp window_funnel array_agg
      array_agg_distinct array_unique_agg map_agg histogram bitmap_union bitmap_agg bitmap_intersect
      bitmap_union_count bitmap_union_int intersect_count percentile_union`,
  },
  'aggregates with a condition': {
    kind: 'aggregate',
    names: `sum_if avg_if min_if max_if any_value_if array_agg_if approx_count_distinct_if max_by_if
      min_by_if stddev_if variance_if bool_or_if percentile_cont_if`,
  },
  windows: {
    kind: 'window',
    names: `cume_dist dense_rank first_value last_value lag lead ntile percent_rank rank row_number
      session_number`,
  },
  tables: {
    kind: 'table',
    names:
      'unnest json_each generate_series unnest_bitmap subdivide_bitmap list_rowsets native_query',
  },
};

for (const [family, { kind, names }] of Object.entries(DOCUMENTED)) {
  test(`${family}: every documented function is there, or missing for a reason`, () => {
    const lost: string[] = [];
    for (const name of names.trim().split(/\s+/)) {
      const entry = FUNCTION_TABLE.get(name);
      const reason = MISSING_FUNCTIONS[name];
      assert.ok(entry === undefined || reason === undefined, `${name} is both there and missing`);
      if (entry === undefined && reason === undefined) lost.push(name);
      if (entry !== undefined) assert.equal(entry.kind, kind, name);
    }
    assert.deepEqual(lost, []);
  });
}

test('a missing function says why', () => {
  for (const [sql, text] of [
    ['SELECT sum_map(map{1: 2})', /sum_map\(.*\): not supported, it is newer than StarRocks 3\.5/],
    ['SELECT sum_state(1)', /sum_state\(.*\): not supported, states of aggregates are not stored/],
    ['SELECT max_merge(1)', /states of aggregates are not stored/],
    [
      'SELECT constructor(1)',
      /No matching function with signature: constructor\(tinyint\(4\)\)\.$/,
    ],
    ['SELECT lower_state(1)', /signature: lower_state\(tinyint\(4\)\)\.$/],
    ['SELECT * FROM list_rowsets(1, 2)', /Unknown table function .*not supported, tables have no/],
  ] as const) {
    assert.match(
      errorOf(() => plan(sql)),
      text,
    );
  }
});

test('every _if form is the aggregate with FILTER', () => {
  for (const [name, entry] of FUNCTION_TABLE) {
    if (entry.kind !== 'aggregate' || !name.endsWith('_if') || name === 'count_if') continue;
    const base = FUNCTION_TABLE.get(name.slice(0, -3));
    assert.ok(base !== undefined && base.kind === 'aggregate', name);
    assert.equal(entry.signatures.length, base.signatures.length, name);
  }
});
