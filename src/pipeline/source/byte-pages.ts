// Memory for the bytes of expanded messages, used again from batch to batch. A fresh buffer for each run
// would stay in memory until a garbage collection far away.

export interface BytePage {
  readonly bytes: Buffer;
  used: number;
}

/** Holds several usual record batches; a larger run gets a page of its own size. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** Pages kept for later: more than one batch's. */
const KEPT_PAGES = 12;

export class BytePages {
  readonly #free: BytePage[] = [];

  /** An empty page with room for at least `bytes`. */
  take(bytes: number): BytePage {
    const page = bytes <= PAGE_BYTES ? this.#free.pop() : undefined;
    if (page === undefined)
      return { bytes: Buffer.allocUnsafeSlow(Math.max(bytes, PAGE_BYTES)), used: 0 };
    page.used = 0;
    return page;
  }

  /** Gives a page back: nothing in it may be used any more. */
  give(page: BytePage): void {
    if (page.bytes.length === PAGE_BYTES && this.#free.length < KEPT_PAGES) this.#free.push(page);
  }
}
