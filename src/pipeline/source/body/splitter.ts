// What a body format does in the source: finds where rows (CSV rows, JSON documents) begin and end in a piece of a
// body. Pieces are large and hold whole rows but for the last one, which is looked at again with what follows it.

/** Rows one behind the other, each a line that the engine's reader takes as it is: the first `count` of the arrays. */
export interface FoundLines {
  /** Where each row starts in the bytes at hand. */
  readonly starts: Int32Array;
  /** Bytes of each row, without its line break. */
  readonly lengths: Int32Array;
  readonly count: number;
  readonly longestBytes: number;
  /** See LineBlock. */
  readonly arePlain: boolean;
  readonly areAscii: boolean;
}

/** Takes the rows that a splitter finds, in order. */
export interface RowSink {
  /** `[start, end)` of the bytes at hand; `isElement`: of an outer array that was taken apart. */
  add(start: number, end: number, isElement: boolean): void;
  /**
   * The same of a row that the engine's reader takes as it is: in the line `[lineStart, lineEnd)`, whose line break,
   * the last byte, only the last one of a body may lack.
   */
  addLine(start: number, end: number, lineStart: number, lineEnd: number): void;
  /** The same of many rows, at least one; `end`: behind the line break of the last one. */
  addLines(lines: FoundLines, end: number): void;
  /** A row that is not loaded, such as a header: it has a number all the same. */
  skip(): void;
}

export interface BodySplitter {
  /**
   * Finds the rows of `bytes[start, end)`, which goes on where the last call ended. Gives where the first row begins
   * that is not known to be whole, `end` when there is none. With `isLast` nothing follows: a rest is a row, or an
   * error. Throws BODY_* for what cannot be rows.
   */
  split(bytes: Buffer, start: number, end: number, isLast: boolean, sink: RowSink): number;
}
