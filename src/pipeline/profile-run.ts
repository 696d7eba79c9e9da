// EXPLAIN ANALYZE of INSERT, UPDATE and DELETE on the CN: the same statements as when they run for good, with DuckDB's
// profile of each. Rows are written to a file that is dropped at once: nothing reaches the volume.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { present } from '../base/assert.ts';
import type { Random } from '../base/random.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import { profileLines } from '../engine/profile.ts';
import { quoteLiteral } from '../model/duckdb-text.ts';
import type { LoadTarget } from '../model/load-plan.ts';
import { parquetCopyOptions } from '../model/parquet-layout.ts';
import type { TableSchema } from '../model/table.ts';
import { OWN_FILE } from './transform/copy-options.ts';

interface ProfileServices {
  readonly random: Random;
  readonly tempDirectory: string;
}

/** Runs a statement for what it does, and gives its profile in lines of text. */
export async function profiled(
  connection: Connection,
  statement: string,
  options: StatementOptions,
): Promise<readonly string[]> {
  const [row] = await connection.rows(`EXPLAIN (ANALYZE, FORMAT JSON) ${statement}`, options);
  return profileLines(String(present(row?.[1], 'profile')));
}

/** Writes the rows of a SELECT as its sink would, in one file, and counts them. Throws engine errors. */
export async function profiledWrite(
  { random, tempDirectory }: ProfileServices,
  connection: Connection,
  { rowsSql, schema, target: { compression } }: RowsToWrite,
  options: StatementOptions,
): Promise<{ readonly lines: readonly string[]; readonly rowCount: number }> {
  await mkdir(tempDirectory, { recursive: true });
  const path = join(tempDirectory, `${random.uuid()}.parquet`);
  try {
    const copy = `COPY (${rowsSql}) TO ${quoteLiteral(path)} (${parquetCopyOptions(schema, compression)}, ${OWN_FILE})`;
    const lines = await profiled(connection, copy, options);
    const count = `SELECT count(*) FROM read_parquet(${quoteLiteral(path)})`;
    const [row] = await connection.rows(count, options);
    return { lines, rowCount: Number(row?.[0] ?? 0) };
  } finally {
    await rm(path, { force: true });
  }
}

export interface RowsToWrite {
  readonly rowsSql: string;
  /** Columns of the SELECT; it may have others, of the routing. */
  readonly schema: TableSchema;
  readonly target: Pick<LoadTarget, 'compression'>;
}
