// Transactions of several loads: which of them runs, what each staged. Only commit/ writes; what is staged here is
// invisible until the transaction commits.
import { asId, type TableId, type TransactionId } from '../base/ids.ts';
import type { StagedPart } from '../model/staged-part.ts';
import type { CatalogContext } from './context.ts';

export interface TransactionLoad {
  /** 1.., in the order in which the loads ended. */
  readonly ordinal: number;
  readonly staged: StagedPart;
}

export class TransactionLoadStore {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  /**
   * A load begins. False where the transaction is not open for loads, or one runs already, unless they come side by
   * side.
   */
  async start(id: TransactionId, sideBySide: boolean): Promise<boolean> {
    let update = this.#context.db
      .updateTable('transactions')
      .set(({ eb }) => ({ busy: eb('busy', '+', 1), active_ms: this.#context.nowMs() }))
      .where('id', '=', id)
      .where('state', '=', 'PREPARE')
      .where('scope', '<>', '');
    if (!sideBySide) update = update.where('busy', '=', 0);
    return (await update.returning('id').executeTakeFirst()) !== undefined;
  }

  /** A running load is over, whatever became of it. False where the transaction is no longer open for loads. */
  async end(id: TransactionId, sideBySide: boolean): Promise<boolean> {
    const row = await this.#context.db
      .updateTable('transactions')
      .set(({ eb }) => ({
        busy: sideBySide ? eb('busy', '-', 1) : eb.lit(0),
        active_ms: this.#context.nowMs(),
      }))
      .where('id', '=', id)
      .where('state', '=', 'PREPARE')
      .returning('id')
      .executeTakeFirst();
    return row !== undefined;
  }

  /** No load runs after a restart. */
  async forgetRunning(): Promise<void> {
    const { db, nowMs } = this.#context;
    await db
      .updateTable('transactions')
      .set({ busy: 0, active_ms: nowMs() })
      .where('finish_ms', 'is', null)
      .where('busy', '>', 0)
      .execute();
  }

  async add(id: TransactionId, { ordinal, staged }: TransactionLoad): Promise<void> {
    await this.#context.db
      .insertInto('transaction_loads')
      .values({
        transaction_id: id,
        ordinal,
        table_id: staged.targetId,
        staged_json: JSON.stringify(staged),
      })
      .execute();
  }

  /** Takes a load out again. */
  async remove(id: TransactionId, ordinal: number): Promise<void> {
    await this.#context.db
      .deleteFrom('transaction_loads')
      .where('transaction_id', '=', id)
      .where('ordinal', '=', ordinal)
      .execute();
  }

  /** The tables that have loads, each once, and how many loads there are. */
  async shape(id: TransactionId): Promise<{
    readonly tableIds: readonly TableId[];
    readonly loads: number;
    readonly last: number;
  }> {
    const rows = await this.#context.db
      .selectFrom('transaction_loads')
      .select(['table_id', (eb) => eb.fn.countAll<number>().as('loads')])
      .select((eb) => eb.fn.max('ordinal').as('last'))
      .where('transaction_id', '=', id)
      .groupBy('table_id')
      .orderBy('table_id')
      .execute();
    return {
      tableIds: rows.map((row) => asId<TableId>(row.table_id)),
      loads: rows.reduce((sum, row) => sum + Number(row.loads), 0),
      last: rows.reduce((last, row) => Math.max(last, row.last), 0),
    };
  }

  /** In order. */
  async list(id: TransactionId): Promise<readonly TransactionLoad[]> {
    const rows = await this.#context.db
      .selectFrom('transaction_loads')
      .select(['ordinal', 'staged_json'])
      .where('transaction_id', '=', id)
      .orderBy('ordinal')
      .execute();
    return rows.map((row) => ({
      ordinal: row.ordinal,
      staged: JSON.parse(row.staged_json) as StagedPart,
    }));
  }

  /** Tables of the transactions that have loads. */
  async tablesOf(
    ids: readonly TransactionId[],
  ): Promise<ReadonlyMap<TransactionId, readonly TableId[]>> {
    const rows =
      ids.length === 0
        ? []
        : await this.#context.db
            .selectFrom('transaction_loads')
            .select(['transaction_id', 'table_id'])
            .distinct()
            .where('transaction_id', 'in', ids)
            .orderBy('table_id')
            .execute();
    const found = new Map<TransactionId, TableId[]>();
    for (const row of rows) {
      const id = asId<TransactionId>(row.transaction_id);
      found.set(id, [...(found.get(id) ?? []), asId<TableId>(row.table_id)]);
    }
    return found;
  }
}
