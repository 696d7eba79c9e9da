// SQL transactions: what a session keeps between BEGIN and COMMIT or ROLLBACK, and its statements as loads of one
// transaction. The transaction gets its label and its row in the metadata with the first statement that writes.
import { fail, toAppError } from '../../base/errors.ts';
import type { DatabaseId, TableId, TransactionId } from '../../base/ids.ts';
import { orAborted } from '../../base/queue.ts';
import type { Random } from '../../base/random.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { InsertPlan } from '../../model/insert-plan.ts';
import type { StagedPart } from '../../model/staged-part.ts';
import type { TableInfo } from '../../model/table.ts';
import type { StageInsert } from '../insert/service.ts';
import { namedTimeout } from '../own-transaction.ts';
import type { ExplicitTransactions } from './explicit.ts';

/** An open transaction of one session. */
export interface SqlTransaction {
  readonly transactionId: TransactionId;
  readonly label: string;
  readonly userName: string;
  readonly timeoutMs: number;
  /** That of the tables; null before anything was written. */
  database: { readonly id: DatabaseId; readonly name: string } | null;
  /** Tables that have loads. */
  readonly written: Set<TableId>;
  /** Settles with the statement that runs now, or ran last, whatever became of it. */
  running: Promise<unknown>;
}

export interface SqlTransactionsOptions {
  readonly transactions: Pick<
    ExplicitTransactions,
    'reserveId' | 'begin' | 'load' | 'commit' | 'rollback'
  >;
  readonly catalog: Catalog;
  readonly stage: StageInsert;
  readonly random: Random;
  /** As SHOW TRANSACTION prints it. */
  readonly coordinator: string;
}

/** Rows of one statement of a transaction. */
export interface SqlLoad {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly table: TableInfo;
  readonly plan: InsertPlan;
  readonly signal: AbortSignal;
}

export class SqlTransactions {
  readonly #options: SqlTransactionsOptions;

  constructor(options: SqlTransactionsOptions) {
    this.#options = options;
  }

  /**
   * `label` null: a new one. Throws LABEL_ALREADY_EXISTS, UNKNOWN_DATABASE. The label is taken with the first
   * statement that writes, in the database of its table; here it is looked up in `database` (null: nowhere), so that
   * most learn of a used one before they begin.
   */
  async begin(
    label: string | null,
    database: string | null,
    { userName, timeoutMs }: Pick<SqlTransaction, 'userName' | 'timeoutMs'>,
  ): Promise<SqlTransaction> {
    const { transactions, random, catalog } = this.#options;
    if (label !== null && database !== null) {
      const { id } = await catalog.databases.get(database);
      const used = await catalog.transactions.byLabel(id, label);
      if (used !== null && used.state !== 'ABORTED') {
        throw fail('LABEL_ALREADY_EXISTS', { label, transactionId: used.id });
      }
    }
    return {
      transactionId: await transactions.reserveId(),
      label: label ?? random.uuid(),
      userName,
      timeoutMs,
      database: null,
      written: new Set(),
      running: Promise.resolve(),
    };
  }

  /**
   * Stages the rows of a statement; they are visible after `commit`. Where it fails the transaction is as it was.
   * Throws TRANSACTION_DATABASES, TRANSACTION_ABORTED when it timed out, LABEL_ALREADY_EXISTS,
   * INSERT_FILTERED, TIMEOUT, LIMIT_EXCEEDED, engine and storage errors.
   */
  load(transaction: SqlTransaction, load: SqlLoad): Promise<StagedPart> {
    // A statement that was killed goes on for a moment after its client was told.
    const loading = transaction.running.then(() => this.#load(transaction, load));
    transaction.running = loading.catch(() => undefined);
    return loading;
  }

  async #load(transaction: SqlTransaction, load: SqlLoad): Promise<StagedPart> {
    const { table, signal } = load;
    signal.throwIfAborted();
    await this.#inDatabase(transaction, table);
    const staged = await this.#stage(transaction, load);
    transaction.written.add(table.id);
    return staged;
  }

  async #inDatabase(transaction: SqlTransaction, table: TableInfo): Promise<void> {
    const { transactions, coordinator } = this.#options;
    const { database, transactionId, label, userName, timeoutMs } = transaction;
    if (database !== null) {
      if (database.id === table.databaseId) return;
      const other = table.databaseName;
      throw fail('TRANSACTION_DATABASES', { database: database.name, other });
    }
    await transactions.begin({
      transactionId,
      label,
      databaseId: table.databaseId,
      tableId: table.id,
      source: 'INSERT_STREAMING',
      scope: 'SESSION',
      coordinator,
      userName,
      timeoutMs,
      // The session's own wait_timeout says how long it may idle.
      idleTimeoutMs: null,
      channels: 0,
    });
    transaction.database = { id: table.databaseId, name: table.databaseName };
  }

  #stage(
    { transactionId, label }: SqlTransaction,
    { kind, table, plan, signal }: SqlLoad,
  ): Promise<StagedPart> {
    const { timeoutMs } = plan;
    return this.#options.transactions.load({
      transactionId,
      tableId: table.id,
      signal,
      stage: async () => {
        try {
          const staging = this.#options.stage(
            { plan, transactionId, label },
            { signal, timeoutMs },
          );
          const { tables, rowsLoaded, rowsFiltered, errorSamples } = await orAborted(
            staging,
            signal,
          );
          return {
            tables,
            rowsLoaded,
            rowsFiltered,
            errorSamples,
            targetId: table.id,
            rewrittenVersion: plan.target.rewrittenVersion ?? 0,
            rowsUnselected: 0,
            bodyBytes: 0,
          };
        } catch (thrown) {
          throw namedTimeout(toAppError(thrown), kind, timeoutMs);
        }
      },
    });
  }

  /**
   * Everything becomes visible, or the transaction is rolled back. Throws what ExplicitTransactions.commit throws:
   * nothing is visible then, except after METADATA_UNAVAILABLE and LEADER_LOST, where the state of the label tells.
   */
  async commit(transaction: SqlTransaction): Promise<void> {
    await transaction.running;
    const { transactionId, database, written } = transaction;
    if (database === null) return;
    // All of its statements failed.
    if (written.size === 0) return this.rollback(transaction, 'nothing was written');
    try {
      await this.#options.transactions.commit(transactionId);
    } catch (thrown) {
      const error = toAppError(thrown);
      const ended = await this.#options.transactions.rollback(transactionId, error.message);
      if (ended?.state !== 'VISIBLE') throw error;
    }
  }

  /** Waits for the statement that runs; what cannot be aborted now times out. */
  async rollback(transaction: SqlTransaction, reason: string): Promise<void> {
    await transaction.running;
    if (transaction.database === null) return;
    await this.#options.transactions.rollback(transaction.transactionId, reason);
  }
}
