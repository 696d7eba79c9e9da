// Every scalar function that StarRocks 3.3 to 3.5 documents in these families is in the table, or in the
// list of what is missing with its reason (missing.ts). The lists are the pages of StarRocks' docs/en/sql-reference/sql-functions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MISSING_FUNCTIONS } from '../../../../src/query/functions/missing.ts';
import { FUNCTION_TABLE } from '../../../../src/query/functions/table.ts';

const DOCUMENTED: Readonly<Record<string, string>> = {
  'math-functions': `abs acos asin atan atan2 bin cbrt ceil dceil ceiling conv cos cosine_similarity
    cosine_similarity_norm cosh cot degrees divide e exp dexp floor dfloor fmod greatest l2_distance least ln
    dlog1 log log10 dlog10 log2 mod multiply negative pi pmod positive pow power dpow fpow radians rand random
    round dround sign sin sinh sqrt dsqrt square tan tanh truncate width_bucket is_nan`,
  'bit-functions': `bitand bitnot bitor bitxor bit_shift_left bit_shift_right bit_shift_right_logical`,
  'string-functions': `append_trailing_char_if_absent ascii char char_length character_length compress concat
    concat_ws crc32 ends_with field find_in_set format format_bytes hex hex_decode_binary hex_decode_string
    inet_aton initcap instr lcase left length locate lower lower_utf8 lpad ltrim money_format ngram_search
    ngram_search_case_insensitive null_or_empty parse_url regexp_split repeat replace reverse right rpad rtrim
    search space split split_part starts_with str_to_map strcmp strleft strpos strright substring substr
    substring_index tokenize translate trim ucase uncompress unhex upper upper_utf8 url_decode url_encode
    url_extract_host url_extract_parameter`,
  'like-predicate-functions': `like regexp regexp_count regexp_extract regexp_extract_all regexp_instr
    regexp_replace`,
  'date-time-functions': `add_months adddate convert_interval convert_tz curdate current_date
    current_timestamp current_timezone curtime current_time date date_add subdate date_diff date_format date_slice
    date_sub date_trunc datediff day dayofweek_iso dayname dayofmonth dayofweek dayofyear days_add days_diff
    days_sub from_days from_iso8601_date from_unixtime from_unixtime_ms hour hours_add hours_diff hours_sub
    hour_from_unixtime jodatime_format last_day localtime localtimestamp makedate microseconds_add
    microseconds_sub milliseconds_diff milliseconds_add milliseconds_sub minute minutes_add minutes_diff
    minutes_sub month monthname months_add months_diff months_sub next_day now previous_day quarter quarters_add
    quarters_sub sec_to_time second seconds_add seconds_diff seconds_sub str2date str_to_date str_to_jodatime
    time_format time_slice time_to_sec timediff timestamp timestampadd timestampdiff to_date to_datetime
    to_datetime_ntz to_days to_iso8601 to_tera_date to_tera_timestamp unix_timestamp unixtime_to_datetime
    unixtime_to_datetime_ntz utc_time utc_timestamp week week_iso weekday weekofyear weeks_add weeks_diff
    weeks_sub year years_add years_diff years_sub yearweek`,
  'condition-functions': `case coalesce if ifnull nullif`,
  'crytographic-functions': `aes_decrypt aes_encrypt base64_decode_binary base64_decode_string blake3
    fpe_decrypt fpe_decrypt_num fpe_encrypt fpe_encrypt_num fpe_ff1_decrypt fpe_ff1_encrypt from_base64 md5
    md5sum md5sum_numeric sha2 sm3 to_base64`,
  'binary-functions': `from_binary to_binary`,
  'hash-functions': `murmur_hash3_32 xx_hash32 xx_hash3_128 xx_hash3_32 xx_hash3_64 xx_hash64`,
  'spatial-functions': `st_astext st_aswkt st_circle st_contains st_distance_sphere st_geometryfromtext
    st_geomfromtext st_linefromtext st_linestringfromtext st_point st_polygon st_polyfromtext st_polygonfromtext
    st_x st_y`,
  'utility-functions': `bar catalog column_compressed_size column_size current_role current_version
    current_warehouse database encode_sort_key equiwidth_bucket get_query_profile host_name index_size
    is_role_in_session isnotnull isnull last_query_id materialize sleep uuid uuid_numeric uuid_v7 uuid_v7_numeric
    version user current_user session_user connection_id assert_true schema`,
};

/** What is no function but grammar. */
const GRAMMAR = new Set(['case']);

for (const [family, names] of Object.entries(DOCUMENTED)) {
  test(`${family}: what is documented is there, or it is known why not`, () => {
    const unknown = names
      .split(/\s+/)
      .filter(
        (name) =>
          !FUNCTION_TABLE.has(name) && !GRAMMAR.has(name) && MISSING_FUNCTIONS[name] === undefined,
      );
    assert.deepEqual(unknown, []);
  });
}

test('nothing that is there is listed as missing', () => {
  assert.deepEqual(
    Object.keys(MISSING_FUNCTIONS).filter((name) => FUNCTION_TABLE.has(name)),
    [],
  );
});
