// Read-only cursors of prepared statements: the rows of a result, kept until COM_STMT_FETCH asks for them. What a
// connection keeps is bounded: a larger result is sent at once, as to a client that asked for no cursor.

/** Bytes of rows that one connection keeps in all its open cursors. */
export const MAX_CURSOR_BYTES = 16 * 1024 * 1024;

/** Where a result's rows may be kept. */
export interface CursorKeeper {
  /** Room left, in bytes. */
  readonly freeBytes: number;
  /** The whole result, as payloads of binary rows. */
  keep(rows: readonly Buffer[], bytes: number): void;
}

/** Rows that were kept. */
export class OpenCursor {
  readonly bytes: number;
  readonly #rows: readonly Buffer[];
  #next = 0;

  constructor(rows: readonly Buffer[], bytes: number) {
    this.#rows = rows;
    this.bytes = bytes;
  }

  /** The next row; undefined after the last. */
  take(): Buffer | undefined {
    const row = this.#rows[this.#next];
    if (row !== undefined) this.#next += 1;
    return row;
  }

  get isDone(): boolean {
    return this.#next >= this.#rows.length;
  }
}
