// The rows of a CSV body: ended by the row delimiter, the last one by the body's end as well. With `enclose` or
// `escape` a delimiter may be text, which only the scanner of fields knows.
import type { CsvFormatSpec } from '../../../model/load-plan.ts';
import { rawBytes } from '../../decode/csv-raw.ts';
import { CsvScanner } from '../../decode/csv-scan.ts';
import type { BodySplitter, RowSink } from './splitter.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** What the engine's reader has a meaning for, beside separators and line breaks. */
const NO_TEXT = [CARRIAGE_RETURN, 0, Buffer.from('\ufeff')];

/** `skipHeader`: so many rows at the body's start are none. */
export function csvSplitter(format: CsvFormatSpec, skipHeader: number): BodySplitter {
  if (format.rowDelimiter === '\n' && rawBytes(format) !== null)
    return new RawLines(format, skipHeader);
  return format.enclose === '' && format.escape === ''
    ? new PlainRows(format, new HeaderRows(skipHeader))
    : new ScannedRows(format, skipHeader);
}

class HeaderRows {
  #left: number;

  constructor(skipHeader: number) {
    this.#left = skipHeader;
  }

  get isLeft(): boolean {
    return this.#left > 0;
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

/**
 * Lines for the engine's CSV reader. Only bytes that it would take for something else are looked for, in whole pages;
 * whether rows have their fields the reader says itself.
 */
class RawLines implements BodySplitter {
  readonly #header: HeaderRows;
  /** For pages with such bytes. */
  readonly #rows: PlainRows;

  constructor(format: CsvFormatSpec, skipHeader: number) {
    this.#header = new HeaderRows(skipHeader);
    this.#rows = new PlainRows(format, this.#header);
  }

  split(bytes: Buffer, start: number, end: number, isLast: boolean, sink: RowSink): number {
    const data = start === 0 && end === bytes.length ? bytes : bytes.subarray(0, end);
    if (NO_TEXT.some((bytes) => data.indexOf(bytes, start) >= 0))
      return this.#rows.split(bytes, start, end, isLast, sink);
    let at = start;
    for (;;) {
      const found = data.indexOf(NEWLINE, at);
      if (found < 0) break;
      this.#add(at, found, found + 1, sink);
      at = found + 1;
    }
    if (!isLast || at >= end) return at;
    this.#add(at, end, end, sink);
    return end;
  }

  #add(start: number, end: number, lineEnd: number, sink: RowSink): void {
    if (end > start && !this.#header.isLeft) sink.addLine(start, end, start, lineEnd);
    else this.#header.add(sink, start, end);
  }
}

/** Every delimiter ends a row. */
class PlainRows implements BodySplitter {
  readonly #header: HeaderRows;
  /** One byte is looked for faster as a number. */
  readonly #delimiter: Buffer | number;
  readonly #delimiterBytes: number;
  readonly #dropsCarriageReturn: boolean;

  constructor(format: CsvFormatSpec, header: HeaderRows) {
    this.#header = header;
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
