// `millrace doctor`: asks a running Millrace whether every table is whole, table by table with CHECK TABLE, and what
// the sweep would take. A client of the wire like any other.
import type { Connection } from 'mysql2/promise';
import { openConnection, type SqlOptions } from './sql.ts';

export interface DoctorOptions extends Omit<SqlOptions, 'format' | 'database'> {
  /** Reads every file again. */
  readonly deep: boolean;
  /** `database.table`, .. only; empty = all. */
  readonly tables: readonly string[];
  readonly write: (line: string) => void;
}

type Rows = readonly (readonly (string | null)[])[];

/** Prints one line for each table and each problem; true when all is well. */
export async function runDoctor(options: DoctorOptions): Promise<boolean> {
  const connection = await openConnection({ ...options, database: undefined });
  try {
    const names = options.tables.length > 0 ? options.tables : await allTables(connection);
    let broken = 0;
    for (const name of names) {
      const rows = await query(connection, `CHECK TABLE ${name}${options.deep ? ' EXTENDED' : ''}`);
      const ofType = (type: string): string[] =>
        rows.filter((row) => row[2] === type).map((row) => row[3] ?? '');
      const isWhole = ofType('status').every((status) => status === 'OK');
      if (!isWhole) broken += 1;
      options.write(`${isWhole ? 'ok     ' : 'BROKEN '} ${name}: ${ofType('note').join('; ')}`);
      for (const problem of ofType('error')) options.write(`        ${problem}`);
    }
    const swept = await query(connection, 'ADMIN SWEEP DRY RUN');
    options.write(
      `sweep   ${swept.length === 0 ? 'nothing to do' : `${swept.length} things to do`}`,
    );
    options.write(
      broken === 0
        ? `all ${names.length} tables are whole${options.deep ? '' : ' by name, size and count'}`
        : `${broken} of ${names.length} tables are broken`,
    );
    return broken === 0;
  } finally {
    await connection.end();
  }
}

async function allTables(connection: Connection): Promise<readonly string[]> {
  const rows = await query(
    connection,
    "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.tables WHERE TABLE_TYPE = 'BASE TABLE' ORDER BY 1, 2",
  );
  return rows.map((row) =>
    row.map((name) => `\`${(name ?? '').replaceAll('`', '``')}\``).join('.'),
  );
}

async function query(connection: Connection, text: string): Promise<Rows> {
  const [rows] = await connection.query(text);
  return rows as unknown as Rows;
}
