// Functions that StarRocks documents and Millrace has not got, each with the reason that its error tells.
// A test holds this list and the function table against StarRocks' pages.

const LATER = 'it is newer than StarRocks 3.5';
const SKETCHES =
  'sketches of DataSketches are not kept; approx_count_distinct, hll_union_agg and bitmap_union_count count';
const STATES =
  'states of aggregates are not stored; aggregate the rows, or use BITMAP, HLL and PERCENTILE';

const SPATIAL = 'spatial values are not supported';
const UNDOCUMENTED = 'StarRocks does not document what it hashes; xx_hash3_64 and sha2 hash texts';
const METADATA = 'it asks segment files of StarRocks; tables are Parquet files here';
const RENAMED = 'to_datetime and to_datetime_ntz are the names it was released under';

const SPATIAL_FUNCTIONS = [
  'st_astext',
  'st_aswkt',
  'st_circle',
  'st_contains',
  'st_distance_sphere',
  'st_geometryfromtext',
  'st_geomfromtext',
  'st_linefromtext',
  'st_linestringfromtext',
  'st_point',
  'st_polyfromtext',
  'st_polygon',
  'st_polygonfromtext',
  'st_x',
  'st_y',
];
const LATER_FUNCTIONS = [
  'is_nan',
  'compress',
  'uncompress',
  'format',
  'search',
  'lower_utf8',
  'upper_utf8',
  'from_iso8601_date',
  'blake3',
  'fpe_decrypt',
  'fpe_decrypt_num',
  'fpe_encrypt',
  'fpe_encrypt_num',
  'fpe_ff1_decrypt',
  'fpe_ff1_encrypt',
  'xx_hash32',
  'xx_hash3_32',
  'xx_hash64',
];

/** By lower-case name. */
export const MISSING_FUNCTIONS: Readonly<Record<string, string>> = {
  ds_hll_accumulate: SKETCHES,
  ds_hll_combine: SKETCHES,
  ds_hll_estimate: SKETCHES,
  ds_theta_accumulate: SKETCHES,
  ds_theta_combine: SKETCHES,
  ds_theta_estimate: SKETCHES,
  ds_theta_union: SKETCHES,
  ds_theta_intersect: SKETCHES,
  ds_theta_a_not_b: SKETCHES,
  ds_theta_intersect_cond_agg: SKETCHES,
  ds_frequent: LATER,
  ds_quantile: LATER,
  approx_count_distinct_hll_sketch: `${LATER}; approx_count_distinct counts`,
  min_n: `${LATER}; array_slice(array_sort(array_agg(x)), 1, n) gives the same values`,
  max_n: `${LATER}; array_top_n(array_agg(x), n) gives the same values`,
  sum_map: LATER,
  ols: LATER,
  ttest_1samp: LATER,
  get_json_scalar: `${LATER}; get_json_string gives the text`,
  json_update: `${LATER}; json_set does it`,
  zip: `${LATER}; arrays_zip does it`,
  session_number: 'StarRocks does not document it; sum over a lag() in a subquery numbers sessions',
  histogram:
    'it collects the statistics of StarRocks; approx_top_k and percentile_approx tell of values',
  list_rowsets:
    'tables have no tablets and rowsets; information_schema.partitions_meta tells of files',
  native_query: 'external catalogs are not supported',
  ...Object.fromEntries(SPATIAL_FUNCTIONS.map((name) => [name, SPATIAL])),
  ...Object.fromEntries(LATER_FUNCTIONS.map((name) => [name, LATER])),
  crc32_hash: UNDOCUMENTED,
  encode_fingerprint_sha256: UNDOCUMENTED,
  convert_interval: 'no release of StarRocks has it',
  unixtime_to_datetime: RENAMED,
  unixtime_to_datetime_ntz: RENAMED,
  column_compressed_size: METADATA,
  column_size: METADATA,
  index_size: METADATA,
  encode_sort_key: 'it serves generated sort columns, and StarRocks does not document its bytes',
};

/** Endings of the combinators that StarRocks 3.4 makes of every aggregate. */
const STATE_FORM = /_(state|state_union|state_merge|union|merge|combine)$/;

/** Why there is no such function; undefined for a name that nobody knows. */
export function missingReason(
  name: string,
  isAggregate: (name: string) => boolean,
): string | undefined {
  const known = Object.hasOwn(MISSING_FUNCTIONS, name) ? MISSING_FUNCTIONS[name] : undefined;
  if (known !== undefined) return known;
  const base = name.replace(STATE_FORM, '');
  return base !== name && isAggregate(base) ? STATES : undefined;
}
