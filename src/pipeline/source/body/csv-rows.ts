// The rows of a CSV body: ended by the row delimiter, the last one by the body's end as well. With `enclose` or
// `escape` a delimiter may be text, which only the scanner of fields knows.
import type { CsvFormatSpec } from '../../../model/load-plan.ts';
import { rawBytes } from '../../decode/csv-raw.ts';
import { CsvScanner } from '../../decode/csv-scan.ts';
import { type FieldKind, LineScan } from './line-scan.ts';
import type { BodySplitter, RowSink } from './splitter.ts';

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** The reader would take it for no part of a row. */
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/**
 * `skipHeader`: so many rows at the body's start are none. `kinds`: of the fields that a row should have, what they are
 * looked at for.
 */
export function csvSplitter(
  format: CsvFormatSpec,
  skipHeader: number,
  kinds: readonly FieldKind[],
): BodySplitter {
  if (format.rowDelimiter === '\n' && kinds.length > 0 && rawBytes(format) !== null)
    return new RawLines(format, skipHeader, kinds);
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

/** Lines for the engine's CSV reader, where it can take them and they have their fields; else rows to be looked at. */
class RawLines implements BodySplitter {
  readonly #header: HeaderRows;
  readonly #rows: PlainRows;
  readonly #scan: LineScan;

  constructor(format: CsvFormatSpec, skipHeader: number, kinds: readonly FieldKind[]) {
    this.#header = new HeaderRows(skipHeader);
    this.#rows = new PlainRows(format, this.#header);
    const [separator = 0] = Buffer.from(format.columnSeparator);
    this.#scan = new LineScan({ separator, kinds });
  }

  split(bytes: Buffer, start: number, end: number, isLast: boolean, sink: RowSink): number {
    const scan = this.#scan;
    for (let at = start; at < end; ) {
      scan.scan(bytes, at, end, isLast);
      const to = scan.count > 0 ? at + scan.consumed : endOfLine(bytes, at, end, isLast);
      if (to < 0) return at;
      if (scan.count > 0 && this.#areLines(bytes, at, to)) sink.addLines(scan, to);
      else this.#rows.split(bytes, at, to, isLast && to === end, sink);
      at = to;
    }
    return end;
  }

  #areLines(bytes: Buffer, start: number, end: number): boolean {
    const scan = this.#scan;
    if (!scan.areLines || this.#header.isLeft) return false;
    return scan.areAscii || !bytes.subarray(start, end).includes(BYTE_ORDER_MARK);
  }
}

/** Behind the line break of a row longer than a scan; -1 = it is not known to be whole. */
function endOfLine(bytes: Buffer, start: number, end: number, isLast: boolean): number {
  const found = bytes.subarray(start, end).indexOf(NEWLINE);
  if (found >= 0) return start + found + 1;
  return isLast ? end : -1;
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
