// For the query tests: plans a statement over tables given as DuckDB SQL, runs the generated SQL in a
// real DuckDB and gives back the rows as a client would see them.
import assert from 'node:assert/strict';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBType,
} from '@duckdb/node-api';
import { asId } from '../../../src/base/ids.ts';
import { installJsFunctions } from '../../../src/engine/functions/registry.ts';
import { type ColumnEncoder, columnEncoder } from '../../../src/engine/value-encoders.ts';
import type { QueryPlan } from '../../../src/model/query-plan.ts';
import { duckdbType, type SqlType } from '../../../src/model/sql-type.ts';
import type { DataFile, TableInfo } from '../../../src/model/table.ts';
import { RowEncoder } from '../../../src/mysql/row-encoder.ts';
import type { QueryCatalog, QuerySession, QueryTable } from '../../../src/query/catalog.ts';
import { planQuery } from '../../../src/query/plan-query.ts';
import type { Query } from '../../../src/sql/ast/query.ts';
import { parseStatement } from '../../../src/sql/parse.ts';

export const NOW_MS = Date.UTC(2026, 10, 21, 3, 4, 5, 678);

export const SESSION: QuerySession = {
  currentDatabase: 'db',
  userName: 'root',
  userHost: '%',
  roles: ['root'],
  hasRole: (name) => name === 'root',
  connectionId: 7,
  serverVersion: '8.0.33',
  productVersion: '3.3.0',
  systemVariable: (name) =>
    name === 'version_comment' ? 'Millrace' : name === 'autocommit' ? true : undefined,
  nearVariables: () => ['autocommit'],
  userVariable: (name) => (name === 'x' ? { type: { kind: 'BIGINT' }, text: '5' } : undefined),
  timeZone: 'UTC',
  sqlMode: 'ONLY_FULL_GROUP_BY',
  nowMs: NOW_MS,
};

export type Columns = Readonly<Record<string, SqlType>>;

export function storedTable(
  name: string,
  columns: Columns,
  files: readonly DataFile[] = [],
): QueryTable {
  const info: TableInfo = {
    id: asId(10001),
    databaseId: asId(10002),
    databaseName: 'db',
    name,
    schema: {
      keysType: 'DUP_KEYS',
      columns: Object.entries(columns).map(([column, type], i) => ({
        fieldId: asId(i + 1),
        name: column,
        type,
        nullable: true,
        isKey: false,
        defaultValue: null,
        comment: '',
      })),
    },
    volumeId: asId(10003),
    prefix: 'p',
    comment: '',
    distributedBy: [],
    buckets: null,
    properties: {},
    createdMs: 0,
  };
  return { kind: 'stored', info, version: asId(1), files, volumes: [] };
}

export function catalogOf(tables: readonly QueryTable[]): QueryCatalog {
  return {
    hasDatabase: (database) => ['db', 'other', 'information_schema'].includes(database),
    table: (database, name) =>
      tables.find((table) =>
        table.kind === 'stored'
          ? database === 'db' && table.info.name === name
          : table.databaseName === database && table.name === name,
      ),
  };
}

export function parseQuery(sql: string): Query {
  const statement = parseStatement(sql);
  if (statement.kind === 'query') return statement;
  if (
    'query' in statement &&
    typeof statement.query === 'object' &&
    statement.query !== null &&
    'kind' in statement.query &&
    statement.query.kind === 'query'
  )
    return statement.query as Query;
  throw new Error(`no query: ${statement.kind}`);
}

export function plan(
  sql: string,
  tables: readonly QueryTable[] = [],
  session: QuerySession = SESSION,
): QueryPlan {
  return planQuery(parseQuery(sql), sql, {
    catalog: catalogOf(tables),
    session,
    limits: { timeoutMs: 1000, maxRows: null },
  });
}

/** The message of what a function throws. */
export function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'no error';
}

/** The rows as the CN encodes them for the client, texts read back. */
async function encodedRows(
  result: DuckDBResult,
  types: readonly DuckDBType[],
): Promise<(string | null)[][]> {
  const rows: (string | null)[][] = [];
  const encoders = types.map((type, i) => columnEncoder(type, i));
  for (
    let chunk = await result.fetchChunk();
    chunk !== null && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (const encoder of encoders) encoder.load(chunk);
    for (let row = 0; row < chunk.rowCount; row++) {
      rows.push(encoders.map((encoder) => encodedCell(encoder, row)));
    }
  }
  return rows;
}

function encodedCell(encoder: ColumnEncoder, row: number): string | null {
  const chunks: Buffer[] = [];
  const out = new RowEncoder(0, (chunk) => chunks.push(Buffer.from(chunk)));
  out.startRow();
  encoder.write(row, out);
  out.endRow();
  out.flush();
  const packet = Buffer.concat(chunks).subarray(4);
  if (packet[0] === 0xfb) return null;
  const skip = packet[0] === 0xfc ? 3 : packet[0] === 0xfd ? 4 : 1;
  return packet.subarray(skip).toString('utf8');
}

export class Bench {
  readonly connection: DuckDBConnection;
  readonly tables: QueryTable[] = [];

  constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  static async open(): Promise<Bench> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    installJsFunctions(connection);
    return new Bench(connection);
  }

  close(): void {
    this.connection.closeSync();
  }

  /** A table with columns of these types; `values` is the body of a DuckDB VALUES list, '' = no rows. */
  async table(name: string, columns: Columns, values: string): Promise<void> {
    const list = Object.entries(columns).map(([column, type]) => `"${column}" ${duckdbType(type)}`);
    await this.connection.run(`CREATE TABLE "${name}" (${list.join(', ')})`);
    if (values !== '') await this.connection.run(`INSERT INTO "${name}" VALUES ${values}`);
    this.tables.push(storedTable(name, columns));
  }

  async run(sql: string, session: QuerySession = SESSION): Promise<(string | null)[][]> {
    const made = plan(sql, this.tables, session);
    return this.runPlan(made, this.scanNames(made));
  }

  /** Table name of each scan of a plan, by identity of its schema. */
  private scanNames(made: QueryPlan): string[] {
    return made.scans.map((scan) => {
      const table = this.tables.find((t) => t.kind === 'stored' && t.info.schema === scan.schema);
      return table?.kind === 'stored' ? table.info.name : '';
    });
  }

  async runPlan(made: QueryPlan, names: readonly string[]): Promise<(string | null)[][]> {
    const parts = [
      ...made.scans.map((scan, i) => {
        const columns = scan.columns.map((column) => `"${column.replaceAll('"', '""')}"`);
        return `${scan.placeholder} AS (SELECT ${columns.length === 0 ? '1 AS "_"' : columns.join(', ')} FROM "${names[i]}")`;
      }),
      ...made.inlineTables.map((table) => {
        const rows = table.rows.map(
          (row) =>
            `(${row.map((cell, i) => `CAST(${cell === null ? 'NULL' : `'${cell.replaceAll("'", "''")}'`} AS ${duckdbType(table.columns[i]?.type ?? { kind: 'NULL' })})`).join(', ')})`,
        );
        return `${table.placeholder}(${table.columns.map((c) => `"${c.name}"`).join(', ')}) AS (VALUES ${rows.join(', ')})`;
      }),
    ];
    const sql =
      parts.length === 0
        ? made.duckdbSql
        : `WITH ${parts.join(', ')} SELECT * FROM (${made.duckdbSql})`;
    const result = await this.connection.stream(sql);
    const types = result.columnTypes();
    for (const [i, column] of made.columns.entries()) {
      const wanted = { text: 'VARCHAR', bytes: 'BLOB', native: duckdbType(column.type) }[
        column.transport
      ];
      assert.equal(String(types[i]), wanted, `column ${i} of ${sql}`);
    }
    return encodedRows(result, types);
  }
}
