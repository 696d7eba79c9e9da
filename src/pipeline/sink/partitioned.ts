// Writes rows to the files of a table: one, or one for each partition that they belong to. Rows of a
// partitioned table are kept in a temporary table meanwhile, which spills to disk; the number of partitions of
// one batch is bounded.
import { assert } from '../../base/assert.ts';
import { fail } from '../../base/errors.ts';
import type { PartitionId, TransactionId } from '../../base/ids.ts';
import { asId } from '../../base/ids.ts';
import type { Connection, StatementOptions } from '../../engine/duckdb.ts';
import { quoteLiteral } from '../../model/duckdb-text.ts';
import { parquetCopyOptions } from '../../model/parquet-layout.ts';
import type { StagedPartition } from '../../model/partition.ts';
import { type PartitionRouting, routeColumn, routeSqls } from '../../model/partition-routing.ts';
import type { StagedFile } from '../../model/table.ts';
import { OWN_FILE } from '../transform/copy-options.ts';
import { type AppendTarget, appendFile, type SinkServices } from './append.ts';

/** Most partitions that one batch or INSERT may bring. SOURCE: StarRocks, max_partitions_in_one_batch. */
export const MAX_BATCH_PARTITIONS = 4096;

/** Temporary table of the rows of a table with partitions. */
export const PARTITION_ROWS = '__staged_rows';

export interface AppendedRows {
  readonly rowCount: number;
  readonly files: readonly StagedFile[];
}

/**
 * Writes what `selectSql` gives: the table's columns in stored form and, where the target has partitions, those
 * that `routeSqls` says, named by `routeColumn`. `check` sees the number of all rows before a file of them gets
 * its name. Throws engine and storage errors, LIMIT_EXCEEDED; what it wrote then is without effect.
 */
export async function appendRows(
  to: AppendTarget,
  transactionId: TransactionId,
  services: SinkServices,
  connection: Connection,
  selectSql: string,
  check: (rowCount: number) => void,
  options: StatementOptions,
): Promise<AppendedRows> {
  const { routing } = to.target;
  if (routing === undefined) {
    const { rowCount, file } = await appendFile(
      to,
      transactionId,
      services,
      connection,
      (path) => copySql(to, selectSql, path),
      check,
      options,
    );
    return { rowCount, files: file === null ? [] : [file] };
  }
  try {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${PARTITION_ROWS} AS ${selectSql}`, options);
    return await appendRouted(to, routing, transactionId, services, connection, check, '', options);
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${PARTITION_ROWS}`);
  }
}

function copySql(to: AppendTarget, select: string, path: string): string {
  return `COPY (${select}) TO ${quoteLiteral(path)} (${parquetCopyOptions(to.schema, to.target.compression)}, ${OWN_FILE})`;
}

/** The same for rows that are in PARTITION_ROWS already. `orderBy`: of the rows of a file, '' = as they are there. */
export async function appendRouted(
  to: AppendTarget,
  routing: PartitionRouting,
  transactionId: TransactionId,
  services: SinkServices,
  connection: Connection,
  check: (rowCount: number) => void,
  orderBy: string,
  options: StatementOptions,
): Promise<AppendedRows> {
  const groups = await groupsOf(routing, connection, options);
  const rowCount = groups.reduce((sum, group) => sum + group.rowCount, 0);
  check(rowCount);
  const columns = routeSqls(routing).map((_, index) => routeColumn(index));
  const files: StagedFile[] = [];
  for (const group of groups) {
    const rows = `SELECT * EXCLUDE (${columns.join(', ')}) FROM ${PARTITION_ROWS} WHERE ${group.where}${orderBy}`;
    const { file } = await appendFile(
      to,
      transactionId,
      services,
      connection,
      (path) => copySql(to, rows, path),
      (written) => assert(written === group.rowCount, 'every row of a partition is written'),
      options,
    );
    if (file !== null) files.push({ ...file, partition: group.partition });
  }
  return { rowCount, files };
}

interface Group {
  readonly rowCount: number;
  readonly partition: StagedPartition;
  /** The condition for its rows. */
  readonly where: string;
}

async function groupsOf(
  routing: PartitionRouting,
  connection: Connection,
  options: StatementOptions,
): Promise<readonly Group[]> {
  const columns = routeSqls(routing).map((_, index) => routeColumn(index));
  const list = columns.join(', ');
  const rows = await connection.rows(
    `SELECT ${list}, count(*) FROM ${PARTITION_ROWS} GROUP BY ${list} ORDER BY ${list} LIMIT ${MAX_BATCH_PARTITIONS + 1}`,
    options,
  );
  if (rows.length > MAX_BATCH_PARTITIONS) {
    throw fail('LIMIT_EXCEEDED', {
      what: 'the number of partitions that one batch of rows belongs to',
      actual: `more than ${MAX_BATCH_PARTITIONS}`,
      limit: MAX_BATCH_PARTITIONS,
      hint: 'load less at once, or partition by longer times',
    });
  }
  return rows.map((row) => {
    const texts = columns.map((_, index) => {
      const value = row[index] ?? null;
      return value === null ? null : String(value);
    });
    const tests = texts.map((text, index) =>
      text === null ? `${columns[index]} IS NULL` : `${columns[index]} = ${quoteLiteral(text)}`,
    );
    const partition: StagedPartition =
      routing.kind === 'fixed'
        ? { kind: 'id', id: asId<PartitionId>(Number(texts[0])) }
        : { kind: 'key', key: texts };
    return { rowCount: Number(row[columns.length]), partition, where: tests.join(' AND ') };
  });
}
