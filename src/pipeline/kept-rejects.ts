// The first rejected rows of a load, kept in a file until its end: a load that fails by its filter ratio shows them
// in a transaction of its own. Bounded in rows and bytes; none of them is in memory.
import { assert } from '../base/assert.ts';
import type { TransactionId } from '../base/ids.ts';
import type { Connection, StatementOptions } from '../engine/duckdb.ts';
import type { StagedTable } from '../model/load-plan.ts';
import type { ScratchFile, ScratchSpace } from './decode/scratch.ts';
import { type AppendTarget, appendFile, type SinkServices } from './sink/append.ts';
import {
  MOST_KEPT,
  type RejectContext,
  rejectedCopySql,
  rejectedLine,
} from './transform/error-rows.ts';
import type { RejectedRows } from './transform/rejected-rows.ts';

/** Where it is: most loads have few. */
const EXPECTED_BYTES = 64 * 1024;

export class KeptRejects {
  readonly #scratch: ScratchSpace;
  #file: ScratchFile | null = null;
  #bytes = 0;
  #longestBytes = 0;
  #isFull = false;
  rowCount = 0;

  constructor(scratch: ScratchSpace) {
    this.#scratch = scratch;
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** Adds those of the next batch, as far as there is room. Throws LOAD_SCRATCH_FULL. */
  add(rejected: RejectedRows, context: RejectContext): void {
    if (this.#isFull || rejected.count === 0) return;
    for (const row of rejected.rows()) {
      const line = Buffer.from(`${rejectedLine(row, context)}\n`);
      this.#isFull = this.rowCount >= MOST_KEPT.rows || this.#bytes + line.length > MOST_KEPT.bytes;
      if (this.#isFull) return;
      this.#file ??= this.#scratch.create(EXPECTED_BYTES);
      this.#file.write(line);
      this.#bytes += line.length;
      this.#longestBytes = Math.max(this.#longestBytes, line.length);
      this.rowCount += 1;
    }
  }

  /** Writes them into a file of the transaction; null when there are none. Throws engine and storage errors. */
  async stage(
    target: AppendTarget,
    transactionId: TransactionId,
    services: SinkServices,
    connection: Connection,
    options: StatementOptions,
  ): Promise<StagedTable | null> {
    const input = this.#file;
    if (input === null) return null;
    input.finish();
    const { file } = await appendFile(
      target,
      transactionId,
      services,
      connection,
      (outputPath) => rejectedCopySql(input.path, outputPath, this.#longestBytes),
      (rowCount) => assert(rowCount === this.rowCount, 'every rejected row is kept'),
      options,
    );
    return file === null ? null : { tableId: target.target.tableId, files: [file] };
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }
}
