// TPC-H's 22 queries: our generated SQL and DuckDB's own reading of the same text must agree on small
// made-up data, on which each query finds rows.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { SqlType } from '../../../src/model/sql-type.ts';
import { Bench, type Columns } from './harness.ts';
import { TPCH_QUERIES } from './tpch-queries.ts';

const INT: SqlType = { kind: 'INT' };
const TEXT: SqlType = { kind: 'VARCHAR', length: 200 };
const MONEY: SqlType = { kind: 'DECIMAL', precision: 15, scale: 2 };
const DATE: SqlType = { kind: 'DATE' };

const pick = (list: readonly string[], seed: string): string =>
  `[${list.map((item) => `'${item}'`).join(', ')}][1 + CAST(hash(${seed}) % ${list.length} AS BIGINT)]`;
const number = (seed: string, below: number): string => `CAST(hash(${seed}) % ${below} AS INTEGER)`;
const money = (seed: string, below: number): string =>
  `CAST(hash(${seed}) % ${below * 100} AS BIGINT) / 100`;
const day = (seed: string): string => `DATE '1993-01-01' + ${number(seed, 1800)}`;
const NATIONS = ['FRANCE', 'GERMANY', 'BRAZIL', 'CANADA', 'SAUDI ARABIA', 'CHINA', 'INDIA'];

const TABLES: readonly (readonly [string, Columns, string])[] = [
  [
    'region',
    { r_regionkey: INT, r_name: TEXT },
    `SELECT * FROM (VALUES (0, 'EUROPE'), (1, 'AMERICA'), (2, 'ASIA'))`,
  ],
  [
    'nation',
    { n_nationkey: INT, n_name: TEXT, n_regionkey: INT },
    `SELECT i, [${NATIONS.map((n) => `'${n}'`).join(', ')}][i + 1], [0, 0, 1, 1, 2, 2, 2][i + 1] FROM range(7) t(i)`,
  ],
  [
    'supplier',
    {
      s_suppkey: INT,
      s_name: TEXT,
      s_address: TEXT,
      s_nationkey: INT,
      s_phone: TEXT,
      s_acctbal: MONEY,
      s_comment: TEXT,
    },
    `SELECT i, 'Supplier#' || i, 'addr' || i, i % 7, 'p' || i, ${money('i + 1', 9000)}, ${pick(['ok', 'Customer bad Complaints', 'fine'], 'i * 7')} FROM range(30) t(i)`,
  ],
  [
    'customer',
    {
      c_custkey: INT,
      c_name: TEXT,
      c_address: TEXT,
      c_nationkey: INT,
      c_phone: TEXT,
      c_acctbal: MONEY,
      c_mktsegment: TEXT,
      c_comment: TEXT,
    },
    `SELECT i, 'Customer#' || i, 'addr' || i, i % 7, ${pick(['13', '31', '23', '40', '17'], 'i * 3')} || '-555', ${money('i + 5', 9000)} - 1000, ${pick(['BUILDING', 'MACHINERY'], 'i * 11')}, 'c' || i FROM range(120) t(i)`,
  ],
  [
    'part',
    {
      p_partkey: INT,
      p_name: TEXT,
      p_mfgr: TEXT,
      p_brand: TEXT,
      p_type: TEXT,
      p_size: INT,
      p_container: TEXT,
    },
    `SELECT i, ${pick(['forest green', 'dark green', 'red'], 'i * 13')}, 'M' || i, ${pick(['Brand#12', 'Brand#23', 'Brand#45'], 'i * 17')}, ${pick(['PROMO BRASS', 'STEEL', 'MEDIUM POLISHED TIN', 'ECONOMY STEEL'], 'i * 19')}, ${pick(['49', '14', '23', '3', '9'], 'i * 23')}::INTEGER, ${pick(['SM CASE', 'SM BOX', 'MED BAG', 'MED BOX'], 'i * 29')} FROM range(60) t(i)`,
  ],
  [
    'partsupp',
    { ps_partkey: INT, ps_suppkey: INT, ps_availqty: INT, ps_supplycost: MONEY },
    `SELECT p, (p + s * 7) % 30, ${number('p * 31 + s', 1000)}, ${money('p * 37 + s', 100)} FROM range(60) a(p), range(4) b(s)`,
  ],
  [
    'orders',
    {
      o_orderkey: INT,
      o_custkey: INT,
      o_orderstatus: TEXT,
      o_totalprice: MONEY,
      o_orderdate: DATE,
      o_orderpriority: TEXT,
      o_shippriority: INT,
      o_comment: TEXT,
    },
    `SELECT i, ${number('i * 41', 80)}, ${pick(['F', 'O'], 'i * 43')}, ${money('i * 47', 9000)}, ${day('i * 53')}, ${pick(['1-URGENT', '2-HIGH', '3-MEDIUM'], 'i * 59')}, 0, ${pick(['plain', 'special many requests'], 'i * 61')} FROM range(600) t(i)`,
  ],
  [
    'lineitem',
    {
      l_orderkey: INT,
      l_partkey: INT,
      l_suppkey: INT,
      l_quantity: MONEY,
      l_extendedprice: MONEY,
      l_discount: MONEY,
      l_tax: MONEY,
      l_returnflag: TEXT,
      l_linestatus: TEXT,
      l_shipdate: DATE,
      l_commitdate: DATE,
      l_receiptdate: DATE,
      l_shipmode: TEXT,
    },
    `SELECT o, p, (p + k * 7) % 30, 1 + ${number('o * 67 + k', 50)}, ${money('o * 71 + k', 900)}, ${number('o * 73 + k', 10)} / 100, ${number('o * 79 + k', 8)} / 100, ${pick(['R', 'A', 'N'], 'o * 83 + k')}, ${pick(['O', 'F'], 'o * 89 + k')}, d, d + ${number('o * 97 + k', 40)}, d + ${number('o * 101 + k', 40)}, ${pick(['MAIL', 'SHIP', 'AIR'], 'o * 103 + k')} FROM (SELECT o, k, ${number('o * 107 + k', 60)} AS p, ${day('o * 109 + k')} AS d FROM range(600) a(o), range(4) b(k))`,
  ],
];

let bench: Bench;
before(async () => {
  bench = await Bench.open();
  for (const [name, columns, select] of TABLES) {
    await bench.table(name, columns, '');
    await bench.connection.run(`INSERT INTO ${name} ${select}`);
  }
});
after(() => bench.close());

function near(ours: string | null, theirs: unknown): boolean {
  if (ours === null || theirs === null) return ours === theirs;
  const text = String(theirs);
  if (ours === text) return true;
  const [a, b] = [Number(ours), Number(text)];
  return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
}

for (const [i, sql] of TPCH_QUERIES.entries()) {
  test(`query ${i + 1}`, async () => {
    const ours = await bench.run(sql);
    const theirs = (await bench.connection.runAndReadAll(sql)).getRows();
    assert.equal(ours.length, theirs.length);
    for (const [r, row] of ours.entries()) {
      for (const [c, cell] of row.entries()) {
        assert.ok(
          near(cell, theirs[r]?.[c]),
          `row ${r} column ${c}: ${cell} and ${theirs[r]?.[c]}`,
        );
      }
    }
    assert.ok(
      ours.some((row) => row.some((cell) => cell !== null)),
      'the query finds rows',
    );
  });
}
