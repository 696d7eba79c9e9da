// Every scalar function over the edges of its argument types: the smallest and largest numbers, zero,
// infinitely many digits, empty and strange texts, the first and last days, NULL, in all rows at once. An
// answer or NULL must come out: an error would end a whole query for one odd row.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SqlType } from '../../../../src/model/sql-type.ts';
import type { FunctionEntry, Signature } from '../../../../src/query/functions/entry.ts';
import { FUNCTION_ENTRIES } from '../../../../src/query/functions/table.ts';
import { Bench } from '../harness.ts';

/** Functions whose errors are what they are for, or whose arguments are only meaningful together. */
const MAY_FAIL = new Set([
  'assert_true',
  'bar',
  'equiwidth_bucket',
  'sleep',
  'aes_encrypt',
  'aes_decrypt',
  'jodatime_format',
  'str_to_jodatime',
  'to_tera_date',
  'to_tera_timestamp',
  'cosine_similarity',
  'cosine_similarity_norm',
  'inner_product',
  'l2_distance',
  'now',
]);
/** Families of this file; the others have tests of their own. */
const CATEGORIES = new Set([
  'math',
  'bit',
  'string',
  'pattern',
  'url',
  'date',
  'conditional',
  'crypto',
  'hash',
  'utility',
]);

const COLUMNS: Readonly<Record<string, SqlType>> = {
  boolean: { kind: 'BOOLEAN' },
  tinyint: { kind: 'TINYINT' },
  smallint: { kind: 'SMALLINT' },
  int: { kind: 'INT' },
  bigint: { kind: 'BIGINT' },
  largeint: { kind: 'LARGEINT' },
  float: { kind: 'FLOAT' },
  double: { kind: 'DOUBLE' },
  decimal: { kind: 'DECIMAL', precision: 38, scale: 9 },
  string: { kind: 'VARCHAR', length: 65533 },
  date: { kind: 'DATE' },
  datetime: { kind: 'DATETIME' },
  varbinary: { kind: 'VARBINARY', length: 0 },
};
const VALUES: Readonly<Record<string, readonly string[]>> = {
  boolean: ['true', 'false', 'NULL'],
  tinyint: ['-128', '127', '0', '1', '-1', 'NULL'],
  smallint: ['-32768', '32767', '0', '2', 'NULL'],
  int: ['-2147483648', '2147483647', '0', '1', '-1', '3', '40', 'NULL'],
  bigint: ['-9223372036854775808', '9223372036854775807', '0', '-1', '7', '1700000000', 'NULL'],
  largeint: [
    "'-170141183460469231731687303715884105728'",
    "'170141183460469231731687303715884105727'",
    '0',
    'NULL',
  ],
  float: ['-3.4e38', '3.4e38', '0', '1e-30', '0.5', 'NULL'],
  double: ['-1.7e308', '1.7e308', '0', '-0.5', '1e-300', "'Infinity'", "'NaN'", 'NULL'],
  decimal: ['99999999999999999999999999999.999999999', '-0.000000001', '0', '1.5', 'NULL'],
  string: [
    "''",
    "'a'",
    "'日本語 😀'",
    "'2020-02-30'",
    "'-1'",
    "'(['",
    "'%Y\\\\'",
    'chr(0)',
    'NULL',
  ],
  date: ["'0001-01-01'", "'9999-12-31'", "'2020-02-29'", "'1970-01-01'", 'NULL'],
  datetime: [
    "'0001-01-01 00:00:00'",
    "'9999-12-31 23:59:59.999999'",
    "'2020-02-29 12:00:00.000001'",
    'NULL',
  ],
  varbinary: ["'\\x00\\xFF'", "''", 'NULL'],
};
const ROWS = 36;

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  for (const suffix of ['1', '2', '3']) {
    const columns = Object.fromEntries(
      Object.entries(COLUMNS).map(([name, type]) => [`${name}_${suffix}`, type]),
    );
    // Rows pair each value of a column with others of the next: the steps have no common divisor.
    const rows = Array.from({ length: ROWS }, (_, row) => {
      const cells = Object.keys(COLUMNS).map((name) => {
        const pool = VALUES[name] ?? [];
        return pool[(row * Number(suffix) + Math.floor(row / 7) + Number(suffix)) % pool.length];
      });
      return `(${cells.join(', ')})`;
    });
    await bench.table(`t${suffix}`, columns, rows.join(', '));
  }
});
after(() => bench.close());

/** A column, or a constant, for a parameter's word; undefined for what no column can be. */
function argument(word: string, index: number): string | undefined {
  const plain = word.replace(/(\?|\.\.\.)$/, '');
  const column = (name: string): string => `${name}_${(index % 3) + 1}`;
  if (COLUMNS[plain] !== undefined) return column(plain);
  if (plain === 'number' || plain === 'integer') return column('bigint');
  if (plain === 'temporal') return column('datetime');
  if (plain === 'interval') return `INTERVAL ${column('int')} DAY`;
  if (plain === 'any' || /^[A-Z]$/.test(plain)) return column('string');
  return undefined;
}

const wordsOf = (signature: Signature): readonly string[] => {
  const inside = signature.text.slice(1, signature.text.indexOf(') ->'));
  return inside === '' ? [] : inside.split(/,(?![^<]*>)/).map((word) => word.trim());
};

function callOf(entry: FunctionEntry, signature: Signature): string | undefined {
  const args = wordsOf(signature).map(argument);
  if (args.includes(undefined)) return undefined;
  return `\`${entry.names[0]}\`(${args.join(', ')})`;
}

/** A constant argument is missing: told when the statement is analysed, for every row. */
const ANALYSED = /Getting analyzing error|not supported|syntax error/;
/** DuckDB's regular expressions refuse what RE2 refuses, as StarRocks' do. */
const BAD_PATTERN =
  /missing \]|missing \)|no argument for repetition|trailing \\|Invalid (regular )?expression|bad escape|unexpected \)/i;

for (const entry of FUNCTION_ENTRIES) {
  const name = entry.names[0] ?? '';
  if (entry.kind !== 'scalar' || !CATEGORIES.has(entry.category) || MAY_FAIL.has(name)) continue;
  test(`${name} over the edges of its types`, async () => {
    for (const signature of entry.signatures) {
      const call = callOf(entry, signature);
      if (call === undefined) continue;
      const tables = ['t1', 't2', 't3'].map(
        (table) =>
          `(SELECT *, row_number() OVER (ORDER BY string_${table[1]}, int_${table[1]}, date_${table[1]}) AS n_${table} FROM ${table}) ${table}`,
      );
      const sql = `SELECT ${call} FROM ${tables[0]} JOIN ${tables[1]} ON n_t1 = n_t2 JOIN ${tables[2]} ON n_t1 = n_t3`;
      const error = await bench.run(sql).then(
        (rows) => (rows.length === ROWS ? '' : `${rows.length} rows`),
        (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
      );
      if (ANALYSED.test(error) || BAD_PATTERN.test(error)) continue;
      assert.equal(error.slice(0, 300), '', call);
    }
  });
}
