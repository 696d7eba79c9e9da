// CSV messages -> packed lines. A batch whose rows DuckDB's CSV reader can take goes as it is, checked here since that
// reader cannot keep rows and messages together; else each row becomes `{"0":"first field",...}`, so that CSV and
// JSON share the rest of the path. A row with the wrong number of fields is rejected, blank rows are passed over.
import { LineWriter } from '../../formats/json/line-writer.ts';
import type { CsvFormatSpec } from '../../model/load-plan.ts';
import type { MessageRun } from '../types.ts';
import { PlainCsvRow } from './csv-plain.ts';
import { rawBytes, rawFields } from './csv-raw.ts';
import { CsvScanner, FIELD } from './csv-scan.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Packer } from './packer.ts';

const CLOSE_OBJECT = 0x7d;
const NO_BYTES = Buffer.alloc(0);
/** Of a line for the engine's CSV reader, whose buffer is a few times as large. */
const MAX_RAW_BYTES = 1024 * 1024;
/** The longest a byte gets inside a JSON string: `\u001f`. */
const MAX_ESCAPE_BYTES = 6;

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
  readonly #maxRawBytes: number;
  readonly #shape: string;
  /** `{"0":`, `,"1":` and so on. */
  readonly #leads: readonly Buffer[];
  readonly #writer: LineWriter;
  readonly #plain: PlainCsvRow | null;
  /** Null: the engine's CSV reader can take no row. */
  readonly #rawKinds: Uint8Array | null;

  constructor(options: CsvPackOptions) {
    this.#scanner = new CsvScanner(options.format, options.fieldCount);
    this.#fieldCount = options.fieldCount;
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#leads = Array.from({ length: options.fieldCount }, (_, index) =>
      Buffer.from(`${index === 0 ? '{' : ','}"${index}":`),
    );
    const leadBytes = this.#leads.reduce((sum, lead) => sum + lead.length + 4, 2);
    this.#rawKinds = options.fieldCount === 0 ? null : rawBytes(options.format);
    this.#plain = PlainCsvRow.for(options.format, this.#leads);
    this.#writer = new LineWriter(options.maxMessageBytes * MAX_ESCAPE_BYTES + leadBytes);
    const { columnSeparator, rowDelimiter } = options.format;
    this.#maxRawBytes = Math.min(options.maxMessageBytes, MAX_RAW_BYTES);
    this.#shape = `Column delimiter: ${JSON.stringify(columnSeparator)}, Row delimiter: ${JSON.stringify(rowDelimiter)}`;
  }

  async prepare(): Promise<void> {}

  /** A row's fields are read again from its own bytes. */
  lineOf(): null {
    return null;
  }

  /** Fills `packed` from its batch and flushes it. */
  pack(packed: PackedBatch): void {
    this.#pack(packed, false);
  }

  packChecked(packed: PackedBatch): void {
    packed.restart('csv');
    this.#pack(packed, true);
  }

  #pack(packed: PackedBatch, checks: boolean): void {
    const kinds = this.#rawKinds;
    if (kinds === null || !packed.takesBlocks || !this.#packRaw(packed, kinds, checks)) {
      packed.restart('json');
      this.#packAll(packed);
    }
    packed.flush();
  }

  #packAll(packed: PackedBatch): void {
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
  }

  /** False: some row needs more than the engine's CSV reader. */
  #packRaw(packed: PackedBatch, kinds: Uint8Array, checks: boolean): boolean {
    packed.form = 'csv';
    packed.arePlain = true;
    let first = 0;
    for (const run of packed.raw.runs) {
      const { lines } = run;
      const isBlock = !checks && lines !== undefined && lines.longestBytes <= this.#maxRawBytes;
      if (!isBlock || lines.arePlain !== true) packed.arePlain = false;
      if (isBlock ? !packed.addLines(first, run) : !this.#packRawRun(packed, run, first, kinds))
        return false;
      first += run.count;
    }
    return true;
  }

  #packRawRun(packed: PackedBatch, run: MessageRun, first: number, kinds: Uint8Array): boolean {
    const { bytes, count } = run;
    for (let index = 0; index < count; index += 1) {
      const start = run.valueStart[index] ?? 0;
      const length = run.valueLength[index] ?? 0;
      if (length <= 0) {
        packed.addEmpty(run.partition);
        continue;
      }
      if (length > this.#maxRawBytes) return false;
      const fields = rawFields(kinds, bytes, start, start + length);
      if (fields < 0) return false;
      const end = start + length;
      if (fields === this.#fieldCount) packed.addLine(first + index, bytes, start, end);
      else packed.reject(first + index, start, end, this.#countMismatch(fields));
    }
    return true;
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
    if (this.#plain?.write(bytes, start, end, this.#writer) === true) {
      packed.addLine(record, this.#writer.bytes, 0, this.#writer.length);
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
        this.#encode(bytes);
        const { bytes: line, length } = this.#writer;
        // A row that is its whole message needs no note of where it lies.
        if (rowStart === start && rowEnd === end) packed.addLine(record, line, 0, length);
        else packed.addPart(record, line.subarray(0, length), rowStart, rowEnd);
      }
    }
  }

  /** SOURCE: StarRocks' CSV scanner. */
  #countMismatch(fieldCount: number): string {
    return `Value count does not match column count. Expect ${this.#fieldCount}, but got ${fieldCount}. ${this.#shape}`;
  }

  /** The scanner's row as a JSON object in the writer. */
  #encode(bytes: Buffer): void {
    const scanner = this.#scanner;
    const writer = this.#writer;
    const leads = this.#leads;
    writer.length = 0;
    for (let index = 0; index < leads.length; index += 1) {
      writer.piece(leads[index] ?? NO_BYTES);
      const kind = scanner.kinds[index];
      if (kind === FIELD.null) writer.null();
      else if (kind === FIELD.escaped) {
        const field = scanner.fieldBytes(bytes, index);
        writer.utf8(field, 0, field.length);
      } else writer.utf8(bytes, scanner.starts[index] ?? 0, scanner.ends[index] ?? 0);
    }
    writer.byte(CLOSE_OBJECT);
  }
}
