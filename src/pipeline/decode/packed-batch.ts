// A batch packed for DuckDB: one JSON object or one CSV row per line, and for each line where it came from. Lines are
// numbered as DuckDB's row_number sees them, so nothing may be written here that DuckDB would skip,
// split or join: a line is `{...}` or a row as csv-raw.ts says, valid UTF-8, without a line break inside.
import { isUtf8 } from 'node:buffer';
import { assert, present } from '../../base/assert.ts';
import type { MessageRun, RawBatch } from '../types.ts';
import type { LineMetadata } from './line-metadata.ts';
import type { ScratchFile } from './scratch.ts';

/** A row that cannot go to DuckDB. The range is in its message's run. */
export interface DecodeReject {
  readonly record: number;
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

/** Is the line, or the row that packing rejects, that is made of `[start, end)` of its message's run wanted? */
export type WantsRow = (
  record: number,
  start: number,
  end: number,
  what: 'line' | 'reject',
) => boolean;

const NEWLINE = 0x0a;
const NEWLINE_BYTES = Buffer.from('\n');
/** Lines gather here before they are written to the scratch file; larger leaves the second-level cache. */
const BUFFER_BYTES = 256 * 1024;

export type LineForm = 'json' | 'csv';

/** Sees each line before it is added. */
export interface LineWatch {
  row(bytes: Buffer, start: number, end: number): void;
}

/** Collects lines. One per batch; give `buffer` on to the next batch's writer to save memory. */
export class PackedBatch {
  readonly raw: RawBatch;
  readonly file: ScratchFile;
  readonly rejects: DecodeReject[] = [];
  /** Messages without any value, by partition. */
  readonly empty = new Map<number, number>();
  /** Messages that say nothing about rows, by partition: they count as rows that were not selected. */
  readonly passed = new Map<number, number>();
  longestLineBytes = 0;
  lineCount = 0;
  /** What the lines are. */
  form: LineForm = 'json';
  /** Some of them were not looked at one by one. */
  hasBlocks = false;
  /** Of CSV rows: all of their typed fields are spelled plainly (see LineBlock). */
  arePlain = false;
  readonly #wants: WantsRow | null;
  readonly #runBase: Int32Array;
  readonly #buffer: Buffer;
  readonly #metadata: LineMetadata | null;
  readonly #watch: LineWatch | null;
  /** The message of each line; null while line n is message n. */
  #recordOfLine: Int32Array | null = null;
  /** Start and end of each line in its run, from the first line on that is only a part of its message. */
  #ranges: Int32Array | null = null;
  #filled = 0;
  /** First line that is still in the buffer. */
  #firstBuffered = 0;

  /** `metadata` adds to each line what the plan uses of its message; null = nothing. */
  constructor(
    raw: RawBatch,
    file: ScratchFile,
    buffer: Buffer,
    metadata: LineMetadata | null = null,
    wants: WantsRow | null = null,
    watch: LineWatch | null = null,
  ) {
    this.raw = raw;
    this.#wants = wants;
    this.file = file;
    this.#buffer = buffer;
    this.#metadata = metadata;
    this.#watch = watch;
    this.#runBase = new Int32Array(raw.runs.length);
    let base = 0;
    for (const [index, run] of raw.runs.entries()) {
      this.#runBase[index] = base;
      base += run.count;
    }
    assert(base === raw.messageCount, 'the runs hold as many messages as the batch says');
  }

  /** Whether lines are written as they come, each of them: then they may be added many at a time. */
  get takesBlocks(): boolean {
    return this.#wants === null && this.#metadata === null && this.#watch === null;
  }

  /** Forgets what was added, to begin anew with lines of another form. */
  restart(form: LineForm): void {
    this.form = form;
    this.hasBlocks = false;
    this.arePlain = false;
    this.rejects.length = 0;
    this.empty.clear();
    this.longestLineBytes = 0;
    this.lineCount = 0;
    this.#recordOfLine = null;
    this.#ranges = null;
    this.#filled = 0;
    this.#firstBuffered = 0;
    this.file.restart();
  }

  /**
   * Appends the lines that are all values of a run, whose first message is `record`; only where `takesBlocks`. False:
   * some of them are no UTF-8, and nothing was added.
   */
  addLines(record: number, { bytes, count, lines }: MessageRun): boolean {
    const { start, end, longestBytes, areAscii } = present(lines, 'lines of a run');
    const block = bytes.subarray(start, end);
    if (areAscii !== true && !isUtf8(block)) return false;
    this.#writeBuffered();
    this.hasBlocks = true;
    this.file.write(block);
    if (block[block.length - 1] !== NEWLINE) this.file.write(NEWLINE_BYTES);
    const line = this.lineCount;
    if (record !== line || this.#recordOfLine !== null)
      for (let index = 0; index < count; index += 1) this.#noteRecord(line + index, record + index);
    this.lineCount = line + count;
    if (longestBytes > this.longestLineBytes) this.longestLineBytes = longestBytes;
    this.#firstBuffered = this.lineCount;
    return true;
  }

  static newBuffer(): Buffer {
    return Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** Appends a line that is a whole message: `bytes[start, end)`, without line break. */
  addLine(record: number, bytes: Buffer, start: number, end: number): void {
    if (this.#wants !== null && !this.#isWanted(record, 'line')) return;
    this.#addLine(record, bytes, start, end);
  }

  #addLine(record: number, bytes: Buffer, start: number, end: number): void {
    this.#watch?.row(bytes, start, end);
    if (this.#metadata === null) {
      this.#append(record, bytes, start, end);
      return;
    }
    const { run, index } = this.locate(record);
    const line = this.#metadata.lineOf(this.raw.topic, run, index, bytes, start, end);
    this.#append(record, line, 0, line.length);
  }

  #append(record: number, bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.#filled + length + 1 > BUFFER_BYTES) this.#writeBuffered();
    const line = this.lineCount;
    if (record !== line || this.#recordOfLine !== null) this.#noteRecord(line, record);
    this.lineCount = line + 1;
    if (length > this.longestLineBytes) this.longestLineBytes = length;
    if (length >= BUFFER_BYTES) {
      this.#writeLong(bytes.subarray(start, end));
      return;
    }
    bytes.copy(this.#buffer, this.#filled, start, end);
    this.#filled += length + 1;
    this.#buffer[this.#filled - 1] = NEWLINE;
  }

  /** Appends a line that was made from a part of a message: `[rawStart, rawEnd)` of its run. */
  addPart(record: number, line: Buffer, rawStart: number, rawEnd: number): void {
    if (this.#wants !== null && !this.#isWanted(record, 'line', rawStart, rawEnd)) return;
    // Lines before this one keep zeros, which stand for their whole message.
    this.#ranges ??= new Int32Array(this.raw.messageCount * 2);
    const index = this.lineCount * 2;
    if (index >= this.#ranges.length) this.#ranges = grown(this.#ranges, index * 2 + 1024);
    this.#ranges[index] = rawStart;
    this.#ranges[index + 1] = rawEnd;
    this.#addLine(record, line, 0, line.length);
  }

  /** Without a range: the whole message. */
  #isWanted(record: number, what: 'line' | 'reject', start?: number, end?: number): boolean {
    const { run, index } = this.locate(record);
    const from = start ?? run.valueStart[index] ?? 0;
    const to = end ?? from + Math.max(0, run.valueLength[index] ?? 0);
    return this.#wants?.(record, from, to, what) !== false;
  }

  addEmpty(partition: number): void {
    this.empty.set(partition, (this.empty.get(partition) ?? 0) + 1);
  }

  /** A message that is none of the table's business. */
  passOver(record: number): void {
    const { partition } = this.locate(record).run;
    this.passed.set(partition, (this.passed.get(partition) ?? 0) + 1);
  }

  reject(record: number, start: number, end: number, message: string): void {
    if (this.#wants !== null && !this.#isWanted(record, 'reject', start, end)) return;
    this.rejects.push({ record, start, end, message });
  }

  /** Writes what is buffered. Lines that are not UTF-8 become rejects; call before `lineCount` is trusted. */
  flush(): void {
    this.#writeBuffered();
    this.file.finish();
  }

  #writeBuffered(): void {
    const chunk = this.#buffer.subarray(0, this.#filled);
    if (chunk.length > 0) this.file.write(isUtf8(chunk) ? chunk : this.#withoutInvalid(chunk));
    this.#filled = 0;
    this.#firstBuffered = this.lineCount;
  }

  /** The message that a line is from, as an index over all runs. */
  recordOfLine(line: number): number {
    return this.#recordOfLine === null ? line : present(this.#recordOfLine[line], 'line');
  }

  /** The bytes of a line as received. */
  rawOfLine(line: number): Buffer {
    const { run } = this.locate(this.recordOfLine(line));
    const { start, end } = this.rangeOfLine(line);
    return run.bytes.subarray(start, end);
  }

  /** The run of a message and its index there. */
  locate(record: number): { readonly run: MessageRun; readonly index: number } {
    let low = 0;
    let high = this.#runBase.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#runBase[middle] ?? 0) <= record) low = middle;
      else high = middle - 1;
    }
    const run = present(this.raw.runs[low], 'run of a message');
    return { run, index: record - (this.#runBase[low] ?? 0) };
  }

  /** How many lines a message became. */
  linesOf(record: number): number {
    const from = this.#firstLineAt(record, 0);
    return this.#firstLineAt(record + 1, from) - from;
  }

  /** Lines per partition, for the ledger. */
  linesByPartition(): Map<number, number> {
    const counts = new Map<number, number>();
    let line = 0;
    for (const [index, run] of this.raw.runs.entries()) {
      const next = this.#runBase[index + 1] ?? this.raw.messageCount;
      const from = line;
      line = this.#firstLineAt(next, line);
      if (line > from) counts.set(run.partition, (counts.get(run.partition) ?? 0) + line - from);
    }
    return counts;
  }

  /** First line at or after `from` whose message is `record` or later (lines are in message order). */
  #firstLineAt(record: number, from: number): number {
    let low = from;
    let high = this.lineCount;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.recordOfLine(middle) < record) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** A line longer than the buffer; the buffer is empty here. */
  #writeLong(bytes: Buffer): void {
    if (isUtf8(bytes)) {
      this.file.write(bytes);
      this.file.write(NEWLINE_BYTES);
    } else {
      this.lineCount -= 1;
      this.#rejectLine(this.lineCount);
    }
    this.#firstBuffered = this.lineCount;
  }

  #rejectLine(line: number): void {
    const { start, end } = this.rangeOfLine(line);
    this.reject(this.recordOfLine(line), start, end, 'Invalid UTF-8 in the message');
  }

  /** The buffered lines that are UTF-8; the others are taken out of the numbering. */
  #withoutInvalid(chunk: Buffer): Buffer {
    const kept: Buffer[] = [];
    let to = this.#firstBuffered;
    let at = 0;
    for (let line = this.#firstBuffered; line < this.lineCount; line += 1) {
      const end = chunk.indexOf(NEWLINE, at) + 1;
      const bytes = chunk.subarray(at, end);
      at = end;
      if (!isUtf8(bytes)) {
        this.#rejectLine(line);
        continue;
      }
      kept.push(bytes);
      if (to < line) this.#noteRecord(to, this.recordOfLine(line));
      this.#ranges?.copyWithin(to * 2, line * 2, line * 2 + 2);
      to += 1;
    }
    this.lineCount = to;
    return Buffer.concat(kept);
  }

  #noteRecord(line: number, record: number): void {
    if (this.#recordOfLine === null) {
      this.#recordOfLine = new Int32Array(Math.max(this.raw.messageCount, this.lineCount));
      for (let index = 0; index < this.lineCount; index += 1) this.#recordOfLine[index] = index;
    }
    if (line === this.#recordOfLine.length)
      this.#recordOfLine = grown(this.#recordOfLine, Math.max(1024, line * 2));
    this.#recordOfLine[line] = record;
  }

  /** Where a line lies in its run: noted for parts, else the whole message. */
  rangeOfLine(line: number): { readonly start: number; readonly end: number } {
    const start = this.#ranges?.[line * 2];
    const end = this.#ranges?.[line * 2 + 1];
    if (start !== undefined && end !== undefined && end > 0) return { start, end };
    const { run, index } = this.locate(this.recordOfLine(line));
    const from = present(run.valueStart[index], 'message');
    return { start: from, end: from + present(run.valueLength[index], 'message') };
  }
}

function grown(array: Int32Array, capacity: number): Int32Array {
  const larger = new Int32Array(capacity);
  larger.set(array);
  return larger;
}
