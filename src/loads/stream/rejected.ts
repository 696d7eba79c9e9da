// Rejected rows of a load that failed by its filter ratio: they become visible in a transaction of their own, in
// `_statistics_.rejected_records`, where its ErrorURL and TrackingSQL find them.
import { fail } from '../../base/errors.ts';
import type { DatabaseId, TableId, TransactionId } from '../../base/ids.ts';
import type { Random } from '../../base/random.ts';
import type { Committer } from '../../commit/types.ts';
import type { BegunTransaction, StagedTable } from '../../model/load-plan.ts';

export interface RejectedOptions {
  readonly committer: Pick<Committer, 'beginOther' | 'commitOther'>;
  readonly random: Random;
  readonly coordinator: string;
  /** The table of rejected rows. */
  readonly table: () => Promise<{ readonly id: TableId; readonly databaseId: DatabaseId }>;
}

export class RejectedOfFailed {
  readonly #options: RejectedOptions;

  constructor(options: RejectedOptions) {
    this.#options = options;
  }

  /** For the rejected rows of a transaction. */
  async begin(failed: TransactionId): Promise<BegunTransaction> {
    const { committer, random, coordinator, table } = this.#options;
    const { id, databaseId } = await table();
    return await committer.beginOther({
      label: `rejected_${failed}_${random.uuid()}`,
      databaseId,
      tableId: id,
      source: 'FRONTEND',
      coordinator,
    });
  }

  /** Throws REJECTED_STORE_FULL and what a commit throws. */
  async commit(transactionId: TransactionId, staged: StagedTable, rows: number): Promise<void> {
    const { id } = await this.#options.table();
    const { state } = await this.#options.committer.commitOther({
      transactionId,
      tableId: id,
      tables: [staged],
      rowsLoaded: rows,
      rowsFiltered: 0,
      errorSamples: [],
    });
    if (state === 'VISIBLE') return;
    throw fail('BODY_LOAD_ABORTED', { transactionId, detail: 'rejected rows were not kept' });
  }
}
