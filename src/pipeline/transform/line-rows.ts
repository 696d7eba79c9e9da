// Which rows of a running statement are from which line, where an UNNEST makes several of one: heard line by line.
import { assert } from '../../base/assert.ts';

/** Rows of one batch; more of them cannot be numbered. */
const MAX_ROWS = 2 ** 31 - 1;

export class LineRows {
  /** The ordinal of each line's first row, and behind the last line the number of rows. */
  #firsts = new Int32Array(1024);
  #lines = 0;

  get lineCount(): number {
    return this.#lines;
  }

  get rowCount(): number {
    return this.#firsts[this.#lines] ?? 0;
  }

  /** Adds the next line; gives the ordinal of its first row. */
  add(line: number, rows: number): number {
    assert(line === this.#lines, `line ${line} comes after ${this.#lines} lines`);
    const first = this.rowCount;
    assert(first + rows <= MAX_ROWS, `a batch of ${first + rows} rows is too large`);
    if (line + 1 === this.#firsts.length) this.#grow();
    this.#lines = line + 1;
    this.#firsts[this.#lines] = first + rows;
    return first;
  }

  /** Ordinal of the line's first row. */
  firstOf(line: number): number {
    return this.#firsts[line] ?? 0;
  }

  rowsOf(line: number): number {
    return (this.#firsts[line + 1] ?? 0) - (this.#firsts[line] ?? 0);
  }

  /** The line of a row, and the row's place in it. */
  locate(ordinal: number): { readonly line: number; readonly element: number } {
    let low = 0;
    let high = this.#lines - 1;
    // The last line that begins at or before the row: those without rows begin where the next one does.
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#firsts[middle] ?? 0) <= ordinal) low = middle;
      else high = middle - 1;
    }
    return { line: low, element: ordinal - (this.#firsts[low] ?? 0) };
  }

  #grow(): void {
    const larger = new Int32Array(this.#firsts.length * 4);
    larger.set(this.#firsts);
    this.#firsts = larger;
  }
}
