// A tiny product for protocol tests: understands a handful of texts, records what it was called with.

import { systemClock } from '../../../src/base/clock.ts';
import { fail } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { passwordDigests } from '../../../src/mysql/auth/digests.ts';
import type {
  ConnectionInfo,
  Credential,
  ExecuteRequest,
  MysqlColumn,
  MysqlHandler,
  MysqlParameter,
  MysqlSessionHandler,
  PreparedStatement,
  QueryRequest,
  ResultWriter,
  SessionLimits,
  SessionStatus,
} from '../../../src/mysql/handler.ts';
import { RowEncoder } from '../../../src/mysql/row-encoder.ts';
import { MysqlServer, type MysqlServerOptions } from '../../../src/mysql/server.ts';

export const ALL_TYPES: readonly MysqlColumn[] = [
  { name: 'b', type: 'tinyint', length: 1 },
  { name: 's', type: 'smallint' },
  { name: 'i', type: 'int' },
  { name: 'l', type: 'bigint' },
  { name: 'f', type: 'float' },
  { name: 'd', type: 'double' },
  { name: 'n', type: 'decimal', length: 20, decimals: 4 },
  { name: 'dt', type: 'date' },
  { name: 'ts', type: 'datetime', decimals: 6 },
  { name: 'ti', type: 'time' },
  { name: 'v', type: 'string', length: 100 },
  { name: 'x', type: 'binary' },
  { name: 'z', type: 'string' },
];
export const ALL_VALUES: readonly (string | Buffer | null)[] = [
  '1',
  '-300',
  '-70000',
  '-9223372036854775808',
  '1.5',
  '-2.25',
  '123.4500',
  '2026-02-28',
  '2026-02-28 13:14:15.000120',
  '-26:05:06',
  'grüße 👋',
  Buffer.from([0, 1, 254, 255]),
  null,
];

const BIG_COLUMNS: readonly MysqlColumn[] = [
  { name: 'id', type: 'bigint' },
  { name: 'url', type: 'string', length: 64 },
  { name: 'price', type: 'double' },
];

/** Rows of `big N`, as the other process would make them: awaited chunk by chunk. */
export async function writeBig(
  out: ResultWriter,
  count: number,
  onRow?: (n: number) => void,
): Promise<void> {
  const { firstSequence } = await out.beginRows(BIG_COLUMNS);
  const chunks: Buffer[] = [];
  const encoder = new RowEncoder(firstSequence, (chunk) => chunks.push(chunk));
  for (let i = 0; i < count; i++) {
    encoder.startRow();
    encoder.integer(i);
    encoder.ascii('https://site.test/p/000042');
    encoder.ascii('12.5');
    encoder.endRow();
    if (chunks.length > 0) {
      onRow?.(i);
      for (const chunk of chunks.splice(0)) await out.raw(chunk);
    }
  }
  encoder.flush();
  for (const chunk of chunks) await out.raw(chunk);
  await out.endRows({ nextSequence: encoder.sequence });
}

export class DemoSession implements MysqlSessionHandler {
  readonly info: ConnectionInfo;
  readonly product: DemoProduct;
  database: string | null;
  parameters: readonly MysqlParameter[] = [];
  closed = false;

  constructor(product: DemoProduct, info: ConnectionInfo) {
    this.product = product;
    this.info = info;
    this.database = info.database;
  }

  status(): SessionStatus {
    return { autocommit: true, inTransaction: false };
  }

  limits(): SessionLimits {
    return this.product.limits;
  }

  async query(request: QueryRequest, out: ResultWriter): Promise<void> {
    const parts = request.sql.split(';').map((part) => part.trim());
    const statements = parts.filter((part) => part !== '');
    if (statements.length > 1 && !request.multiStatements)
      throw fail('NOT_SUPPORTED', { what: 'multi' });
    for (const statement of statements) await this.#statement(statement, request, out);
  }

  async #statement(sql: string, { signal }: QueryRequest, out: ResultWriter): Promise<void> {
    const text = async (name: string, value: string | null): Promise<void> => {
      await out.beginRows([{ name, type: 'string' }]);
      await out.row([value]);
      await out.endRows();
    };
    const [word = '', argument = ''] = sql.split(' ');
    switch (word.toLowerCase()) {
      case 'echo':
        return text('echo', sql.slice(5));
      case 'length':
        return text('length', String(sql.length));
      case 'who':
        return text(
          'who',
          `${this.info.user}@${this.info.host} db=${this.database} tls=${this.info.tls?.version ?? 'none'}`,
        );
      case 'attributes':
        return text('a', JSON.stringify(Object.fromEntries(this.info.attributes)));
      case 'types':
        await out.beginRows(ALL_TYPES);
        await out.row(ALL_VALUES);
        await out.row(ALL_VALUES.map(() => null));
        return out.endRows({ warnings: 3 });
      case 'big':
        return writeBig(out, Number(argument), (n) => {
          this.product.rowsMade = n;
        });
      case 'rows':
        await out.beginRows([{ name: 'n', type: 'int' }]);
        for (let i = 0; i < Number(argument); i++) {
          this.product.rowsMade = i;
          await out.row([String(i)]);
        }
        return out.endRows();
      case 'wide':
        return text('wide', 'w'.repeat(Number(argument)));
      case 'half':
        await out.beginRows([{ name: 'n', type: 'int' }]);
        await out.row(['1']);
        throw fail('SQL_ANALYZE', { detail: 'half way' });
      case 'begun':
        await out.beginRows([{ name: 'n', type: 'int' }]);
        throw fail('SQL_ANALYZE', { detail: 'before any row' });
      case 'crash':
        throw new TypeError('boom');
      case 'nothing':
        return;
      case 'sleep': {
        const done = systemClock.sleep(Number(argument), signal);
        this.product.sleeping.add(this.info.connectionId);
        try {
          await done;
        } catch (error) {
          this.product.aborted.push(this.info.connectionId);
          throw error;
        } finally {
          this.product.sleeping.delete(this.info.connectionId);
        }
        return text('sleep', '0');
      }
      case 'update':
        return out.ok({
          affectedRows: 3,
          warnings: 1,
          info: 'Rows matched: 3  Changed: 3  Warnings: 1',
        });
      case 'set':
      case 'rollback':
      case 'commit':
        return out.ok();
      case 'select':
        await out.beginRows([{ name: sql.slice(7), type: 'bigint' }]);
        await out.row([/^\d+$/.test(argument) ? argument : null]);
        return out.endRows();
      case 'kill':
        this.product.server?.kill(Number(argument), false);
        return out.ok();
      case 'killquery':
        this.product.server?.kill(Number(argument), true);
        return out.ok();
      default:
        throw fail('SQL_SYNTAX', { line: 1, column: 0, detail: `Unexpected input '${word}'` });
    }
  }

  async initDb(database: string): Promise<void> {
    if (database === 'nowhere') throw fail('UNKNOWN_DATABASE', { database });
    this.database = database;
  }

  async reset(): Promise<void> {
    this.database = this.info.database;
  }

  async kill(connectionId: number): Promise<void> {
    this.product.server?.kill(connectionId, false);
  }

  async fieldList(table: string): Promise<readonly MysqlColumn[]> {
    return [{ name: 'a', type: 'int', table }];
  }

  async statistics(): Promise<string> {
    return 'Uptime: 1  Threads: 1';
  }

  async prepare(sql: string): Promise<PreparedStatement> {
    if (sql === 'refuse') throw fail('NOT_SUPPORTED', { what: 'this' });
    const parameterCount = sql.split('?').length - 1;
    return {
      parameterCount,
      columns: [],
      execute: async (request: ExecuteRequest, out: ResultWriter) => {
        this.parameters = request.parameters;
        this.product.parameters = request.parameters;
        if (sql.startsWith('params')) {
          await out.beginRows(
            request.parameters.map((_, i) => ({ name: `p${i}`, type: 'string' })),
          );
          await out.row(
            request.parameters.map((p) => (p.kind === 'null' ? null : `${p.kind}:${p.value}`)),
          );
          return out.endRows();
        }
        return this.query({ sql, multiStatements: false, signal: request.signal }, out);
      },
      close: () => {
        this.product.statementsClosed += 1;
      },
    };
  }

  close(): void {
    this.closed = true;
    this.product.sessionsClosed += 1;
  }
}

export class DemoProduct implements MysqlHandler {
  server: MysqlServer | null = null;
  limits: SessionLimits = { idleMs: 3_600_000, readMs: 60_000, writeMs: 60_000 };
  readonly users = new Map<string, Credential>([
    ['root', passwordDigests('')],
    ['ann', passwordDigests('sécret')],
  ]);
  readonly sleeping = new Set<number>();
  readonly aborted: number[] = [];
  readonly problems: string[] = [];
  parameters: readonly MysqlParameter[] = [];
  rowsMade = 0;
  statementsClosed = 0;
  sessionsClosed = 0;

  constructor() {
    const ann = passwordDigests('sécret');
    if (ann.kind === 'digests') this.users.set('old', { ...ann, sha256sha256: null });
  }

  async authenticate(
    user: string,
    _host: string,
    prove: (stored: Credential | null) => Promise<void>,
  ): Promise<void> {
    await prove(this.users.get(user) ?? null);
  }

  async connect(info: ConnectionInfo): Promise<MysqlSessionHandler> {
    if (info.database === 'nowhere') throw fail('UNKNOWN_DATABASE', { database: 'nowhere' });
    return new DemoSession(this, info);
  }
}

/** A listening server on a free port of 127.0.0.1. */
export async function startDemo(
  options: Partial<MysqlServerOptions> = {},
): Promise<{ product: DemoProduct; server: MysqlServer; port: number; close(): Promise<void> }> {
  const product = new DemoProduct();
  const server = new MysqlServer({
    handler: product,
    clock: systemClock,
    random: systemRandom,
    log: (message, fields, error) =>
      product.problems.push(`${message} ${JSON.stringify(fields)} ${error}`),
    serverVersion: '8.0.33',
    ...options,
  });
  product.server = server;
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { product, server, port, close: () => server.close(0) };
}

/** Waits until `condition` holds, at most five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (condition()) return;
    await systemClock.sleep(10);
  }
  throw new Error(`not within 5 s: ${what}`);
}
