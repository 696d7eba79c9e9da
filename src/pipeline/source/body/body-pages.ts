// Memory for bodies, used again from batch to batch: pages of bytes, and the places of their rows. Small loads take
// small pages.

/** The usual page of a large load. */
export const PAGE_BYTES = 4 * 1024 * 1024;
export const FIRST_PAGE_BYTES = 64 * 1024;
/** Rows of one run. */
export const RUN_ROWS = 8_192;
const FIRST_RUN_ROWS = 1024;
/** Kept for later while there are loads: what those have in memory at most. New memory costs more than filling it. */
const KEPT_PAGES = 24;
const KEPT_COLUMNS = 192;
/** Kept for the next load when there is none. */
const IDLE_PAGES = 4;
const IDLE_COLUMNS = 32;

/** Places of the rows of a run. */
export interface RowColumns {
  readonly start: Int32Array;
  readonly length: Int32Array;
}

export class BodyPages {
  readonly #bytes: Buffer[] = [];
  readonly #columns: RowColumns[] = [];

  takeBytes(bytes: number): Buffer {
    const page = bytes === PAGE_BYTES ? this.#bytes.pop() : undefined;
    return page ?? Buffer.allocUnsafeSlow(bytes);
  }

  giveBytes(page: Buffer): void {
    if (page.length === PAGE_BYTES && this.#bytes.length < KEPT_PAGES) this.#bytes.push(page);
  }

  /** @param isFirst of a load: it may have few rows. */
  takeColumns(isFirst: boolean): RowColumns {
    const rows = isFirst ? FIRST_RUN_ROWS : RUN_ROWS;
    const columns = isFirst ? undefined : this.#columns.pop();
    return columns ?? { start: new Int32Array(rows), length: new Int32Array(rows) };
  }

  giveColumns(columns: RowColumns): void {
    const isUsual = columns.start.length === RUN_ROWS;
    if (isUsual && this.#columns.length < KEPT_COLUMNS) this.#columns.push(columns);
  }

  /** No load is left: most of what was kept is given back to the system. */
  trim(): void {
    this.#bytes.length = Math.min(this.#bytes.length, IDLE_PAGES);
    this.#columns.length = Math.min(this.#columns.length, IDLE_COLUMNS);
  }
}
