// `millrace sql`: runs statements against a running Millrace (or any MySQL-protocol server) and prints
// the rows. A client of the wire like any other: it shares nothing with the server's process.
import {
  type Connection,
  createConnection,
  type FieldPacket,
  type RowDataPacket,
} from 'mysql2/promise';
import { printRows, type RowFormat, type TextResult } from './print-rows.ts';

export interface SqlOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string | undefined;
  readonly format: RowFormat;
}

/** A connection whose rows are arrays of texts. */
export function openConnection(options: Omit<SqlOptions, 'format'>): Promise<Connection> {
  return createConnection({
    host: options.host,
    port: options.port,
    user: options.user,
    password: options.password,
    ...(options.database === undefined ? {} : { database: options.database }),
    multipleStatements: true,
    rowsAsArray: true,
    // Named in its other spelling: with the column's own encoding mysql2 warns about JSON columns.
    typeCast: (field) => field.string('utf-8'),
  });
}

/** Runs one text (several statements are fine) and returns what to print, one block per result set. */
export async function runSql(text: string, options: SqlOptions): Promise<string> {
  const connection = await openConnection(options);
  try {
    const [result, fields] = await connection.query(text);
    return toResults(result, fields)
      .map((one) => printRows(one, options.format))
      .join('\n');
  } finally {
    await connection.end();
  }
}

function toResults(result: unknown, fields: unknown): TextResult[] {
  const several =
    Array.isArray(fields) && fields.some((entry) => Array.isArray(entry) || entry === undefined);
  const pairs: [unknown, unknown][] =
    several && Array.isArray(result) && Array.isArray(fields)
      ? fields.map((entry, index): [unknown, unknown] => [result[index], entry])
      : [[result, fields]];
  return pairs.flatMap(([rows, columns]) => {
    if (!Array.isArray(rows) || !Array.isArray(columns)) return [];
    return [
      {
        columns: (columns as FieldPacket[]).map((column) => column.name),
        rows: (rows as RowDataPacket[]).map((row) =>
          Array.from(row as unknown as ArrayLike<unknown>, (cell) =>
            cell === null || cell === undefined ? null : String(cell),
          ),
        ),
      },
    ];
  });
}
