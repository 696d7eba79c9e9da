// The ledger: what became of every message, per job and partition, for ever. Written by commits only.
import type { Ledger, LedgerRow } from './catalog.ts';
import type { CatalogContext } from './context.ts';

export class LedgerStore implements Ledger {
  readonly #context: CatalogContext;

  constructor(context: CatalogContext) {
    this.#context = context;
  }

  async list(jobId?: number): Promise<readonly LedgerRow[]> {
    let query = this.#context.db.selectFrom('load_ledger').selectAll();
    if (jobId !== undefined) query = query.where('job_id', '=', jobId);
    const rows = await query
      .orderBy('job_id')
      .orderBy('topic')
      .orderBy('partition_no')
      .orderBy('segment')
      .execute();
    return rows.map((row) => ({
      jobId: row.job_id,
      topic: row.topic,
      partition: row.partition_no,
      segment: row.segment,
      fromOffset: row.from_offset,
      toOffset: row.to_offset,
      received: row.received,
      consumed: row.consumed,
      skippedControl: row.skipped_control,
      skippedAborted: row.skipped_aborted,
      skippedEmpty: row.skipped_empty,
      skippedGap: row.skipped_gap,
      receivedBytes: row.received_bytes,
      rowsLoaded: row.rows_loaded,
      rowsFiltered: row.rows_filtered,
      rowsUnselected: row.rows_unselected,
      firstCommitMs: row.first_commit_ms,
      lastCommitMs: row.last_commit_ms,
    }));
  }
}
