// The rows of a CSV body: ended by the row delimiter, the last one by the body's end as well. With `enclose` or
// `escape` a delimiter may be text, which only the scanner of fields knows.
import type { CsvFormatSpec } from '../../../model/load-plan.ts';
import { CsvScanner } from '../../decode/csv-scan.ts';
import type { BodySplitter, RowSink } from './splitter.ts';

const CARRIAGE_RETURN = 0x0d;

/** `skipHeader`: so many rows at the body's start are none. */
export function csvSplitter(format: CsvFormatSpec, skipHeader: number): BodySplitter {
  return format.enclose === '' && format.escape === ''
    ? new PlainRows(format, skipHeader)
    : new ScannedRows(format, skipHeader);
}

class HeaderRows {
  #left: number;

  constructor(skipHeader: number) {
    this.#left = skipHeader;
  }

  add(sink: RowSink, start: number, end: number): void {
    if (this.#left === 0) {
      sink.add(start, end, false);
      return;
    }
    this.#left -= 1;
    sink.skip();
  }
}

/** Every delimiter ends a row. */
class PlainRows implements BodySplitter {
  readonly #header: HeaderRows;
  /** One byte is looked for faster as a number. */
  readonly #delimiter: Buffer | number;
  readonly #delimiterBytes: number;
  readonly #dropsCarriageReturn: boolean;

  constructor(format: CsvFormatSpec, skipHeader: number) {
    this.#header = new HeaderRows(skipHeader);
    const delimiter = Buffer.from(format.rowDelimiter);
    this.#delimiterBytes = delimiter.length;
    this.#delimiter = delimiter.length === 1 ? (delimiter[0] ?? 0) : delimiter;
    this.#dropsCarriageReturn = format.rowDelimiter === '\n';
  }

  split(bytes: Buffer, start: number, end: number, isLast: boolean, sink: RowSink): number {
    // What lies behind `end` is no data.
    const data = end === bytes.length ? bytes : bytes.subarray(0, end);
    const header = this.#header;
    const delimiter = this.#delimiter;
    const length = this.#delimiterBytes;
    const drops = this.#dropsCarriageReturn;
    let at = start;
    for (;;) {
      const found = data.indexOf(delimiter, at);
      if (found < 0) break;
      const hasReturn = drops && found > at && data[found - 1] === CARRIAGE_RETURN;
      header.add(sink, at, hasReturn ? found - 1 : found);
      at = found + length;
    }
    if (!isLast || at >= end) return at;
    const hasReturn = drops && data[end - 1] === CARRIAGE_RETURN;
    header.add(sink, at, hasReturn ? end - 1 : end);
    return end;
  }
}

/** Fields are read to see which delimiters are text. */
class ScannedRows implements BodySplitter {
  readonly #header: HeaderRows;
  readonly #scanner: CsvScanner;

  constructor(format: CsvFormatSpec, skipHeader: number) {
    this.#header = new HeaderRows(skipHeader);
    this.#scanner = new CsvScanner(format, 0);
  }

  split(bytes: Buffer, start: number, end: number, isLast: boolean, sink: RowSink): number {
    const scanner = this.#scanner;
    let at = start;
    while (at < end) {
      scanner.readRow(bytes, at, end);
      // More bytes might have made another row of it.
      if (!isLast && scanner.reach + scanner.lookBytes > end) return at;
      this.#header.add(sink, scanner.rowStart, scanner.rowEnd);
      at = scanner.next;
    }
    return at;
  }
}
