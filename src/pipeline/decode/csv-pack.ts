// CSV messages -> packed lines: each row becomes `{"0":"first field",...}`, so that CSV and JSON share the
// rest of the path. Rows are split here, since DuckDB's CSV reader cannot keep rows and messages
// together. A row with the wrong number of fields is rejected, blank rows are passed over.
import type { CsvFormatSpec } from '../../model/load-plan.ts';
import { CsvScanner, FIELD } from './csv-scan.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Packer } from './packer.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The longest a byte gets inside a JSON string: `\u001f`. */
const MAX_ESCAPE_BYTES = 6;
const NULL_TEXT = Buffer.from('null');

export interface CsvPackOptions {
  readonly format: CsvFormatSpec;
  /** Fields that a row must have. */
  readonly fieldCount: number;
  readonly maxMessageBytes: number;
}

/** Packs batches of one job. */
export class CsvPacker implements Packer {
  readonly #scanner: CsvScanner;
  readonly #fieldCount: number;
  readonly #maxMessageBytes: number;
  readonly #shape: string;
  /** `{"0":`, `,"1":` and so on. */
  readonly #leads: readonly Buffer[];
  readonly #leadBytes: number;
  #line = Buffer.allocUnsafe(4096);
  #length = 0;

  constructor(options: CsvPackOptions) {
    this.#scanner = new CsvScanner(options.format, options.fieldCount);
    this.#fieldCount = options.fieldCount;
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#leads = Array.from({ length: options.fieldCount }, (_, index) =>
      Buffer.from(`${index === 0 ? '{' : ','}"${index}":`),
    );
    this.#leadBytes = this.#leads.reduce((sum, lead) => sum + lead.length + 4, 2);
    const { columnSeparator, rowDelimiter } = options.format;
    this.#shape = `Column delimiter: ${JSON.stringify(columnSeparator)}, Row delimiter: ${JSON.stringify(rowDelimiter)}`;
  }

  async prepare(): Promise<void> {}

  /** A row's fields are read again from its own bytes. */
  lineOf(): null {
    return null;
  }

  /** Fills `packed` from its batch and flushes it. */
  pack(packed: PackedBatch): void {
    let record = 0;
    for (const run of packed.raw.runs) {
      for (let index = 0; index < run.count; index += 1) {
        const start = run.valueStart[index] ?? 0;
        const length = run.valueLength[index] ?? 0;
        if (length <= 0) packed.addEmpty(run.partition);
        else this.#packMessage(packed, run.bytes, record, start, start + length);
        record += 1;
      }
    }
    packed.flush();
  }

  #packMessage(
    packed: PackedBatch,
    bytes: Buffer,
    record: number,
    start: number,
    end: number,
  ): void {
    if (end - start > this.#maxMessageBytes) {
      const sizes = `${end - start} bytes, the limit is ${this.#maxMessageBytes}`;
      packed.reject(record, start, end, `The message is larger than the limit: ${sizes}`);
      return;
    }
    const scanner = this.#scanner;
    const hasBom = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    for (let at = hasBom ? start + 3 : start; at < end; at = scanner.next) {
      const found = scanner.readRow(bytes, at, end);
      const { rowStart, rowEnd, fieldCount } = scanner;
      if (rowStart === rowEnd) continue;
      if (found === 'unclosed')
        packed.reject(record, rowStart, rowEnd, 'The enclosed field is not closed');
      else if (fieldCount !== this.#fieldCount)
        packed.reject(record, rowStart, rowEnd, this.#countMismatch(fieldCount));
      else {
        this.#encode(bytes, rowEnd - rowStart);
        packed.addPart(record, this.#line.subarray(0, this.#length), rowStart, rowEnd);
      }
    }
  }

  /** SOURCE: StarRocks' CSV scanner. */
  #countMismatch(fieldCount: number): string {
    return `Value count does not match column count. Expect ${this.#fieldCount}, but got ${fieldCount}. ${this.#shape}`;
  }

  /** The scanner's row as a JSON object in `#line`. */
  #encode(bytes: Buffer, rowBytes: number): void {
    const scanner = this.#scanner;
    const most = rowBytes * MAX_ESCAPE_BYTES + this.#leadBytes;
    if (this.#line.length < most) this.#line = Buffer.allocUnsafe(most * 2);
    const line = this.#line;
    let to = 0;
    for (const [index, lead] of this.#leads.entries()) {
      to += lead.copy(line, to);
      if (scanner.kinds[index] === FIELD.null) {
        to += NULL_TEXT.copy(line, to);
        continue;
      }
      line[to] = QUOTE;
      to += 1;
      to = appendEscaped(line, to, scanner.fieldBytes(bytes, index));
      line[to] = QUOTE;
      to += 1;
    }
    line[to] = 0x7d;
    this.#length = to + 1;
  }
}

const HEX = Buffer.from('0123456789abcdef');

function appendEscaped(line: Buffer, from: number, field: Buffer): number {
  let to = from;
  for (let at = 0; at < field.length; at += 1) {
    const byte = field[at] ?? 0;
    if (byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH) {
      line[to] = byte;
      to += 1;
      continue;
    }
    line[to] = BACKSLASH;
    if (byte === QUOTE || byte === BACKSLASH) {
      line[to + 1] = byte;
      to += 2;
      continue;
    }
    line.write('u00', to + 1, 'latin1');
    line[to + 4] = HEX[byte >> 4] ?? 0;
    line[to + 5] = HEX[byte & 15] ?? 0;
    to += 6;
  }
  return to;
}
