// Kysely over the SQLite worker: one connection, handed out in the order asked. BEGIN travels with the
// first statement and a batch of statements is one hop, so that a commit costs few hops.
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { assert } from '../../base/assert.ts';
import { fail } from '../../base/errors.ts';
import type { BatchConnection } from './batch.ts';
import type { SqliteClient } from './sqlite-client.ts';
import type { SqlStatement, SqlValue, StatementResult } from './sqlite-messages.ts';

class SqliteConnection implements BatchConnection {
  readonly #client: SqliteClient;
  #state: 'none' | 'to begin' | 'begun' = 'none';

  constructor(client: SqliteClient) {
    this.#client = client;
  }

  begin(): void {
    assert(this.#state === 'none', 'one transaction at a time');
    this.#state = 'to begin';
  }

  async end(how: 'commit' | 'rollback'): Promise<void> {
    const begun = this.#state === 'begun';
    this.#state = 'none';
    if (begun) await this.#client.send({ begin: false, statements: [], end: how });
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const results = await this.#run([query], false);
    const result = results[0];
    assert(result !== undefined, 'one result per statement');
    return { rows: result.rows as R[], numAffectedRows: BigInt(result.changes) };
  }

  async executeBatch(
    queries: readonly CompiledQuery[],
  ): Promise<readonly (readonly Record<string, unknown>[])[]> {
    const results = await this.#run(queries, true);
    return results.map((result) => result.rows);
  }

  /** `whole`: outside a transaction the statements make one by themselves. */
  async #run(
    queries: readonly CompiledQuery[],
    whole: boolean,
  ): Promise<readonly StatementResult[]> {
    const statements = queries.map(toStatement);
    if (this.#state === 'none') {
      return await this.#client.send({ begin: whole, statements, end: whole ? 'commit' : null });
    }
    const begin = this.#state === 'to begin';
    this.#state = 'begun';
    return await this.#client.send({ begin, statements, end: null });
  }

  // biome-ignore lint/correctness/useYield: streaming is part of Kysely's interface and refused here
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw fail('NOT_SUPPORTED', { what: 'streaming from the metadata' });
  }
}

function toStatement(query: CompiledQuery): SqlStatement {
  // Kysely's parameters are unknown; ours are made by repositories from typed columns.
  return { sql: query.sql, parameters: query.parameters as readonly SqlValue[] };
}

class SqliteWorkerDriver implements Driver {
  readonly #client: SqliteClient;
  readonly #connection: SqliteConnection;
  readonly #waiting: Array<() => void> = [];
  #busy = false;
  /** Is set while the code that runs belongs to an open transaction: it would wait for itself. */
  readonly #inside: AsyncLocalStorage<{ open: boolean }>;

  constructor(client: SqliteClient, inside: AsyncLocalStorage<{ open: boolean }>) {
    this.#client = client;
    this.#connection = new SqliteConnection(client);
    this.#inside = inside;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    assert(
      this.#inside.getStore()?.open !== true,
      'inside a transaction only its own scope is used',
    );
    if (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#busy = true;
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy = false;
    else next();
  }

  async beginTransaction(): Promise<void> {
    this.#connection.begin();
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.end('commit');
  }

  async rollbackTransaction(): Promise<void> {
    await this.#connection.end('rollback');
  }

  async destroy(): Promise<void> {
    await this.#client.close();
  }
}

/** The driver serialises by itself, so Kysely need not (its lock would hide a transaction that waits for itself). */
class OneConnectionAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

export interface SqliteDialect extends Dialect {
  /** Runs `work` marked as being inside a transaction. */
  runInside<T>(work: () => Promise<T>): Promise<T>;
}

export function sqliteDialect(client: SqliteClient): SqliteDialect {
  const inside = new AsyncLocalStorage<{ open: boolean }>();
  return {
    createAdapter: () => new OneConnectionAdapter(),
    createDriver: () => new SqliteWorkerDriver(client, inside),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    async runInside(work) {
      const mark = { open: true };
      try {
        return await inside.run(mark, work);
      } finally {
        // Work that outlives the transaction may use the catalog again.
        mark.open = false;
      }
    },
  };
}
