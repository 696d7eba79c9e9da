// A batch of a body while it is read: pages of bytes and the rows found in them, as runs of messages. A row's offset
// is its number in the body, from 1; a body is one partition.
import type { MessageRun, RawBatch } from '../../types.ts';
import type { BodyMemory } from './body-memory.ts';
import { type BodyPages, type RowColumns, RUN_ROWS } from './body-pages.ts';
import type { FoundLines, RowSink } from './splitter.ts';

/** Of a row in its run. */
const DELTAS = Int32Array.from({ length: RUN_ROWS }, (_, index) => index);
const NO_TIMES = new Float64Array(RUN_ROWS).fill(-1);
const NO_COLUMN = new Int32Array(0);
const COLUMN_BYTES = 8;
/** In one page. */
const MAX_CHANGES = 64;

export interface BatchMemory {
  readonly memory: BodyMemory;
  readonly pages: BodyPages;
}

export class BodyBatch implements RowSink {
  readonly #shared: BatchMemory;
  readonly #onLargeRow: (row: number, bytes: number) => void;
  readonly #maxRowBytes: number;
  readonly #firstRow: number;
  readonly #runs: MessageRun[] = [];
  readonly #pages: Buffer[] = [];
  readonly #usedColumns: RowColumns[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #columns: RowColumns | null = null;
  /** Rows of the columns that earlier runs take. */
  #runStart = 0;
  /** The same with those of the run at hand. */
  #used = 0;
  #isElement = false;
  /** Of the run at hand: the range of its lines, `#lineEnd` -1 = its rows are no lines. */
  #lineStart = 0;
  #lineEnd = -1;
  #longestLine = 0;
  #arePlain = true;
  #areAscii = true;
  /** How often rows of the page changed between lines and others. */
  #changes = 0;
  /** Number of the next row. */
  nextRow: number;
  rowCount = 0;
  /** Of pages and columns; counted in the shared memory. */
  heldBytes = 0;

  constructor(
    shared: BatchMemory,
    firstRow: number,
    maxRowBytes: number,
    onLargeRow: (row: number, bytes: number) => void,
  ) {
    this.#shared = shared;
    this.#firstRow = firstRow;
    this.nextRow = firstRow;
    this.#maxRowBytes = maxRowBytes;
    this.#onLargeRow = onLargeRow;
  }

  /** Rows that are added next lie in `page`. */
  openPage(page: Buffer): void {
    this.#endRun();
    this.#bytes = page;
    this.#changes = 0;
  }

  /** The page has rows of the batch, which holds it from now on. Its bytes are counted. */
  keepPage(page: Buffer): void {
    this.#pages.push(page);
    this.heldBytes += page.length;
  }

  add(start: number, end: number, isElement: boolean): void {
    if (isElement !== this.#isElement || this.#lineEnd >= 0) this.#endRun();
    this.#isElement = isElement;
    this.#addRow(start, end);
  }

  addLine(start: number, end: number, lineStart: number, lineEnd: number): void {
    if (!this.#continuesLines(lineStart)) {
      this.add(start, end, false);
      return;
    }
    this.#addRow(start, end);
    // A run that is full ends here.
    if (this.#lineEnd < 0) this.#lineStart = lineStart;
    this.#extendLines(lineEnd, lineEnd - lineStart, false, false);
  }

  addLines(lines: FoundLines, end: number): void {
    const { starts, lengths, count, longestBytes, arePlain, areAscii } = lines;
    if (longestBytes > this.#maxRowBytes || !this.#continuesLines(starts[0] ?? 0)) {
      for (let row = 0; row < count; row += 1) {
        const start = starts[row] ?? 0;
        this.add(start, start + (lengths[row] ?? 0), false);
      }
      return;
    }
    for (let done = 0; done < count; ) {
      const columns = this.#columnsWithRoom();
      const used = this.#used;
      if (this.#lineEnd < 0) this.#lineStart = starts[done] ?? 0;
      const next = Math.min(count, done + columns.start.length - used);
      columns.start.set(starts.subarray(done, next), used);
      columns.length.set(lengths.subarray(done, next), used);
      const added = next - done;
      this.#used = used + added;
      this.nextRow += added;
      this.rowCount += added;
      done = next;
      const lineEnd = done < count ? (starts[done] ?? 0) : end;
      this.#extendLines(lineEnd, longestBytes, arePlain, areAscii);
    }
  }

  /** Rows from there on are lines; false: they are to be added one by one, since runs of a row or two cost too much. */
  #continuesLines(lineStart: number): boolean {
    if (lineStart === this.#lineEnd && !this.#isElement) return true;
    if (this.#changes > MAX_CHANGES) return false;
    this.#changes += 1;
    this.#endRun();
    this.#isElement = false;
    this.#lineStart = lineStart;
    return true;
  }

  #extendLines(end: number, longest: number, arePlain: boolean, areAscii: boolean): void {
    this.#lineEnd = end;
    if (longest > this.#longestLine) this.#longestLine = longest;
    if (!arePlain) this.#arePlain = false;
    if (!areAscii) this.#areAscii = false;
  }

  #addRow(start: number, end: number): void {
    const length = end - start;
    if (length > this.#maxRowBytes) this.#onLargeRow(this.nextRow, length);
    const columns = this.#columnsWithRoom();
    columns.start[this.#used] = start;
    columns.length[this.#used] = length;
    this.#used += 1;
    this.nextRow += 1;
    this.rowCount += 1;
  }

  skip(): void {
    this.#endRun();
    this.nextRow += 1;
  }

  #columnsWithRoom(): RowColumns {
    const columns = this.#columns;
    if (columns !== null && this.#used < columns.start.length) return columns;
    this.#endRun();
    const isFirst = this.#firstRow === 1 && this.#usedColumns.length === 0;
    const next = this.#shared.pages.takeColumns(isFirst);
    const bytes = next.start.length * COLUMN_BYTES;
    this.#shared.memory.force(bytes);
    this.heldBytes += bytes;
    this.#usedColumns.push(next);
    this.#columns = next;
    this.#runStart = 0;
    this.#used = 0;
    return next;
  }

  #endRun(): void {
    const columns = this.#columns;
    const [from, to] = [this.#runStart, this.#used];
    this.#runStart = to;
    const lines =
      this.#lineEnd < 0
        ? null
        : {
            start: this.#lineStart,
            end: this.#lineEnd,
            longestBytes: this.#longestLine,
            arePlain: this.#arePlain,
            areAscii: this.#areAscii,
          };
    this.#lineEnd = -1;
    this.#longestLine = 0;
    this.#arePlain = true;
    this.#areAscii = true;
    if (columns === null || from === to) return;
    const count = to - from;
    this.#runs.push({
      partition: 0,
      bytes: this.#bytes,
      count,
      valueStart: columns.start.subarray(from, to),
      valueLength: columns.length.subarray(from, to),
      keyStart: NO_COLUMN,
      keyLength: NO_COLUMN,
      headersStart: NO_COLUMN,
      headersLength: NO_COLUMN,
      baseOffset: BigInt(this.nextRow - count),
      offsetDelta: DELTAS,
      timestampMs: NO_TIMES,
      ...(lines === null ? {} : { lines }),
      ...(this.#isElement ? { isElements: true as const } : {}),
    });
  }

  /** The batch as the stages behind take it. Its memory counts as staged until it is released. */
  build(): RawBatch {
    this.#endRun();
    const { rowCount, nextRow } = this;
    const fromOffset = BigInt(nextRow - rowCount);
    const toOffset = BigInt(nextRow);
    const none = { control: 0, aborted: 0, gap: 0 };
    const givenBack = this.#shared.memory.stage(this.heldBytes);
    return {
      origin: 'body',
      topic: '',
      runs: this.#runs,
      ranges: [{ partition: 0, fromOffset, toOffset, ...none, latestOffset: toOffset }],
      messageCount: rowCount,
      heldBytes: this.heldBytes,
      release: () => {
        this.#givePages();
        givenBack();
      },
    };
  }

  /** Gives the memory back without a batch made from it. */
  discard(): void {
    this.#shared.memory.give(this.heldBytes);
    this.heldBytes = 0;
    this.#givePages();
  }

  #givePages(): void {
    const { pages } = this.#shared;
    for (const page of this.#pages.splice(0)) pages.giveBytes(page);
    for (const columns of this.#usedColumns.splice(0)) pages.giveColumns(columns);
  }
}
