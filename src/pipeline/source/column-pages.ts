// Memory for the columns of message runs, used again from batch to batch: new typed arrays for every
// batch cost more in garbage collection than all the copying into them.

/** Room for the columns of many runs, filled from the front. */
export interface ColumnPage {
  readonly valueStart: Int32Array;
  readonly valueLength: Int32Array;
  readonly offsetDelta: Int32Array;
  readonly timestampMs: Float64Array;
  /** Rows in use. */
  used: number;
}

/** Rows of a page: a few of them make a full batch, and the largest decoded run fits. 20 bytes a row. */
export const PAGE_ROWS = 131_072;
/** Pages kept for later: about three full batches. */
const KEPT_PAGES = 14;

export class ColumnPages {
  readonly #free: ColumnPage[] = [];

  /** An empty page with room for at least `rows`. */
  take(rows: number): ColumnPage {
    const size = Math.max(rows, PAGE_ROWS);
    const page = rows <= PAGE_ROWS ? this.#free.pop() : undefined;
    if (page !== undefined) {
      page.used = 0;
      return page;
    }
    return {
      valueStart: new Int32Array(size),
      valueLength: new Int32Array(size),
      offsetDelta: new Int32Array(size),
      timestampMs: new Float64Array(size),
      used: 0,
    };
  }

  /** Gives a page back: no run in it may be used any more. */
  give(page: ColumnPage): void {
    const isUsual = page.valueStart.length === PAGE_ROWS;
    if (isUsual && this.#free.length < KEPT_PAGES) this.#free.push(page);
  }
}
