// Puts TPC-H tables into a data directory while no server has it: Parquet files in the tables' own layout,
// made visible through the commit path. Source: Parquet files of tpchgen-cli (PyPI), in one folder.
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { systemClock } from '../src/base/clock.ts';
import { systemRandom } from '../src/base/random.ts';
import type { Catalog } from '../src/catalog/catalog.ts';
import { openCatalog } from '../src/catalog/open.ts';
import { CatalogCommitter } from '../src/commit/committer.ts';
import { DEFAULT_COMMIT_LIMITS } from '../src/commit/types.ts';
import { quoteIdentifier } from '../src/model/duckdb-text.ts';
import { dataFileKey } from '../src/model/file-key.ts';
import {
  parquetCopyOptions,
  stagedFileFromStats,
  storeSelectList,
} from '../src/model/parquet-layout.ts';
import { duckdbType } from '../src/model/sql-type.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../src/model/system-tables.ts';

const money = 'decimal(15, 2)';

/** Columns of each table. SOURCE: TPC-H specification. */
export const TPCH_COLUMNS: Readonly<Record<string, string>> = {
  region: 'r_regionkey int, r_name varchar(25), r_comment varchar(152)',
  nation: 'n_nationkey int, n_name varchar(25), n_regionkey int, n_comment varchar(152)',
  supplier: `s_suppkey bigint, s_name varchar(25), s_address varchar(40), s_nationkey int, s_phone varchar(15),
    s_acctbal ${money}, s_comment varchar(101)`,
  customer: `c_custkey bigint, c_name varchar(25), c_address varchar(40), c_nationkey int, c_phone varchar(15),
    c_acctbal ${money}, c_mktsegment varchar(10), c_comment varchar(117)`,
  part: `p_partkey bigint, p_name varchar(55), p_mfgr varchar(25), p_brand varchar(10), p_type varchar(25),
    p_size int, p_container varchar(10), p_retailprice ${money}, p_comment varchar(23)`,
  partsupp: `ps_partkey bigint, ps_suppkey bigint, ps_availqty int, ps_supplycost ${money}, ps_comment varchar(199)`,
  orders: `o_orderkey bigint, o_custkey bigint, o_orderstatus varchar(1), o_totalprice ${money}, o_orderdate date,
    o_orderpriority varchar(15), o_clerk varchar(15), o_shippriority int, o_comment varchar(79)`,
  lineitem: `l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber int, l_quantity ${money},
    l_extendedprice ${money}, l_discount ${money}, l_tax ${money}, l_returnflag varchar(1), l_linestatus varchar(1),
    l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct varchar(25), l_shipmode varchar(10),
    l_comment varchar(44)`,
};

/** Rows of one file: several files a table, as loads make them. */
const FILE_ROWS = 1_000_000;

/** Fills the tables of database `tpch`, which exist already. Gives the paths of the files by table. */
export async function fillTpch(
  dataDir: string,
  source: string,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const catalog = await openCatalog({
    dataDir,
    clock: systemClock,
    random: systemRandom,
    onLost: (error) => {
      throw error;
    },
  });
  try {
    const paths: Record<string, readonly string[]> = {};
    for (const table of Object.keys(TPCH_COLUMNS)) {
      paths[table] = await fillTable(catalog, table, join(source, `${table}.parquet`));
    }
    return paths;
  } finally {
    await catalog.close();
  }
}

async function fillTable(
  catalog: Catalog,
  name: string,
  input: string,
): Promise<readonly string[]> {
  const table = await catalog.tables.get('tpch', name);
  const rejected = await catalog.tables.get(STATISTICS_DATABASE, REJECTED_RECORDS_TABLE);
  const volume = await catalog.volumes.byId(table.volumeId);
  const committer = new CatalogCommitter({
    catalog,
    limits: DEFAULT_COMMIT_LIMITS,
    rejectedTable: rejected.id,
  });
  const { transactionId } = await committer.beginOther({
    label: `tpch_${name}`,
    databaseId: table.databaseId,
    tableId: table.id,
    source: 'INSERT_STREAMING',
    coordinator: 'bench',
  });
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const cast = table.schema.columns
    .map(
      ({ name: column, type }) =>
        `CAST(${quoteIdentifier(column)} AS ${duckdbType(type)}) AS ${quoteIdentifier(column)}`,
    )
    .join(', ');
  const total = Number(
    (await connection.runAndReadAll(`SELECT count(*) FROM '${input}'`)).getRows()[0]?.[0],
  );
  const paths: string[] = [];
  const files = [];
  for (let from = 0; from < total; from += FILE_ROWS) {
    const key = dataFileKey(table.prefix, transactionId, systemRandom.uuid());
    const path = join(fileURLToPath(volume.location), key);
    await mkdir(dirname(path), { recursive: true });
    const rows = `SELECT ${cast} FROM read_parquet('${input}', file_row_number = true)
      WHERE file_row_number >= ${from} AND file_row_number < ${from + FILE_ROWS}`;
    const answer = await connection.runAndReadAll(
      `COPY (SELECT ${storeSelectList(table.schema)} FROM (${rows})) TO '${path}' (${parquetCopyOptions(table.schema)})`,
    );
    const [stats] = answer.getRowObjectsJS();
    if (stats === undefined) throw new Error('COPY gave no statistics');
    files.push(stagedFileFromStats(stats, { volumeId: volume.id, key, schema: table.schema }));
    paths.push(path);
  }
  connection.closeSync();
  const result = await committer.commitOther({
    transactionId,
    tableId: table.id,
    tables: [{ tableId: table.id, files }],
    rowsLoaded: total,
    rowsFiltered: 0,
    errorSamples: [],
  });
  if (result.state !== 'VISIBLE') throw new Error(`${name}: ${result.state}`);
  return paths;
}
