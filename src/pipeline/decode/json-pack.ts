// JSON messages -> packed lines. One object per message takes the fast way (find its ends, copy);
// everything else the exact one: arrays, json_root, line breaks, BOM, numbers to keep exact. What is
// not an object never reaches DuckDB, since its reader would skip it or spoil its neighbour.
import type { JsonFormatSpec } from '../../model/load-plan.ts';
import { type PathStep, parseJsonPath } from '../transform/json-path.ts';
import { parseJson } from '../transform/parse-json.ts';
import type { RawBatch } from '../types.ts';
import {
  type ByteRange,
  findKey,
  flattenLines,
  isJsonSpace,
  quoteNumbers,
  splitArray,
  splitDocuments,
} from './json-scan.ts';
import type { PackedBatch } from './packed-batch.ts';
import type { Packer } from './packer.ts';

const NEWLINE = 0x0a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;

/** Why a message is not a row; wording near StarRocks'. */
const REASON = {
  notJson: 'Failed to parse the message as JSON',
  array:
    'The value is array type in json document stream, you can set strip_outer_array=true to parse each element of the array as individual rows',
  notArray:
    'The value is not array type, set strip_outer_array=false to parse the message as one row',
  notObject: 'The value is not object type: a row must be a JSON object',
  noRoot: 'The message has no value at json_root',
  lineBreak: 'Failed to parse the message as JSON: unescaped line break in a string',
  tooLarge: 'The message is larger than the limit',
} as const;

export interface JsonPackOptions {
  readonly format: JsonFormatSpec;
  /** Keys whose numbers become text, null = none. */
  readonly exactNumberKeys: ReadonlySet<string> | null;
  readonly maxMessageBytes: number;
}

/** Packs batches of one job. */
export class JsonPacker implements Packer {
  readonly #strip: boolean;
  readonly #root: readonly PathStep[];
  readonly #exactKeys: readonly Buffer[] | null;
  readonly #maxMessageBytes: number;
  readonly #simple: boolean;
  /** Of elements that were taken out of their array before. */
  readonly #isSimpleElement: boolean;

  constructor(options: JsonPackOptions) {
    this.#strip = options.format.stripOuterArray;
    this.#root = options.format.jsonRoot === '' ? [] : parseJsonPath(options.format.jsonRoot);
    this.#exactKeys =
      options.exactNumberKeys === null
        ? null
        : [...options.exactNumberKeys].map((key) => Buffer.from(key));
    this.#maxMessageBytes = options.maxMessageBytes;
    this.#isSimpleElement = this.#root.length === 0 && this.#exactKeys === null;
    this.#simple = !this.#strip && this.#isSimpleElement;
  }

  async prepare(): Promise<void> {}

  lineOf(packed: PackedBatch, line: number): string {
    return packed.rawOfLine(line).toString('utf8');
  }

  /** Fills `packed` from its batch and flushes it. */
  pack(packed: PackedBatch): void {
    let firstRecord = 0;
    for (const run of packed.raw.runs) {
      const isBlock = this.#simple && run.lines !== undefined && packed.takesBlocks;
      if (!isBlock || this.#isTooLong(run) || !packed.addLines(firstRecord, run))
        this.#packRun(packed, run, firstRecord);
      firstRecord += run.count;
    }
    packed.flush();
  }

  #isTooLong({ lines }: RawBatch['runs'][number]): boolean {
    return (lines?.longestBytes ?? 0) > this.#maxMessageBytes;
  }

  #packRun(packed: PackedBatch, run: RawBatch['runs'][number], firstRecord: number): void {
    const { bytes, count, valueStart, valueLength, partition } = run;
    const isElements = run.isElements === true;
    const isSimple = this.#simple || (isElements && this.#isSimpleElement);
    // The next line break at or after the message at hand; found once for many messages.
    let nextBreak = -1;
    for (let index = 0; index < count; index += 1) {
      let start = valueStart[index] ?? 0;
      let end = start + (valueLength[index] ?? 0);
      while (start < end && isJsonSpace(bytes[start])) start += 1;
      while (start < end && isJsonSpace(bytes[end - 1])) end -= 1;
      if (start >= end) {
        packed.addEmpty(partition);
        continue;
      }
      if (nextBreak < start) {
        nextBreak = bytes.indexOf(NEWLINE, start);
        if (nextBreak < 0) nextBreak = bytes.length;
      }
      const plain =
        isSimple &&
        nextBreak >= end &&
        bytes[start] === OPEN_OBJECT &&
        bytes[end - 1] === CLOSE_OBJECT &&
        end - start <= this.#maxMessageBytes;
      if (plain) packed.addLine(firstRecord + index, bytes, start, end);
      else this.#packExact(packed, bytes, firstRecord + index, start, end, isElements);
    }
  }

  #packExact(
    packed: PackedBatch,
    bytes: Buffer,
    record: number,
    from: number,
    end: number,
    isElement: boolean,
  ): void {
    const start = skipBom(bytes, from, end);
    if (end - start > this.#maxMessageBytes) {
      const sizes = `${end - start} bytes, the limit is ${this.#maxMessageBytes}`;
      packed.reject(record, start, end, `${REASON.tooLarge}: ${sizes}`);
      return;
    }
    const out = (message: string): void => packed.reject(record, start, end, message);
    const whole: ByteRange = { start, end };
    // Several documents in one message are told apart only where a line break parts them.
    const hasBreak = bytes.subarray(start, end).includes(NEWLINE);
    const documents = hasBreak ? splitDocuments(bytes, whole) : [whole];
    if (documents === null || documents.length === 0) {
      out(REASON.notJson);
      return;
    }
    const rows: ByteRange[] = [];
    for (const document of documents) {
      const problem = this.#rowsOf(bytes, document, rows, isElement);
      if (problem === null) continue;
      // One bad document spoils its message: half a message must not be loaded.
      out(problem);
      return;
    }
    for (const row of rows) this.#addRow(packed, bytes, record, row);
  }

  /** Adds the document's rows; a text says why it has none. */
  #rowsOf(
    bytes: Buffer,
    document: ByteRange,
    rows: ByteRange[],
    isElement: boolean,
  ): string | null {
    const isArray = bytes[document.start] === OPEN_ARRAY && !isElement;
    if (this.#root.length > 0) {
      const outer = isArray ? splitArray(bytes, document) : [document];
      if (outer === null) return REASON.notJson;
      for (const element of outer) {
        const values = walk(bytes, element, this.#root);
        if (values === null) return REASON.noRoot;
        for (const value of values) {
          if (bytes[value.start] !== OPEN_ARRAY) rows.push(value);
          else if (!pushAll(rows, splitArray(bytes, value))) return REASON.notJson;
        }
      }
      return null;
    }
    if (this.#strip && !isElement) {
      if (!isArray) return REASON.notArray;
      return pushAll(rows, splitArray(bytes, document)) ? null : REASON.notJson;
    }
    if (isArray) return REASON.array;
    rows.push(document);
    return null;
  }

  #addRow(packed: PackedBatch, bytes: Buffer, record: number, row: ByteRange): void {
    const { start, end } = row;
    if (bytes[start] !== OPEN_OBJECT || bytes[end - 1] !== CLOSE_OBJECT) {
      packed.reject(record, start, end, whyNoObject(bytes.subarray(start, end)));
      return;
    }
    let text: Buffer = bytes.subarray(start, end);
    if (text.includes(NEWLINE)) {
      const flat = flattenLines(bytes, row);
      if (flat === null) {
        packed.reject(record, start, end, REASON.lineBreak);
        return;
      }
      text = flat;
    }
    if (this.#exactKeys !== null) text = quoteNumbers(text, this.#exactKeys);
    packed.addPart(record, text, start, end);
  }
}

/** JSON of another kind, or no JSON at all. */
function whyNoObject(bytes: Buffer): string {
  if (bytes[0] !== OPEN_OBJECT) {
    const parsed = parseJson(bytes.toString('utf8'));
    if (parsed.ok) return REASON.notObject;
    return `${REASON.notJson}: ${parsed.message}`;
  }
  return REASON.notJson;
}

function pushAll(rows: ByteRange[], more: readonly ByteRange[] | null): boolean {
  if (more === null) return false;
  for (const row of more) rows.push(row);
  return true;
}

/** Past a UTF-8 byte order mark and the space behind it. */
function skipBom(bytes: Buffer, start: number, end: number): number {
  const hasBom = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
  let at = hasBom ? start + 3 : start;
  while (at < end && isJsonSpace(bytes[at])) at += 1;
  return at;
}

/** The values at the path: several behind `[*]`; null where there is none. */
function walk(
  bytes: Buffer,
  root: ByteRange,
  steps: readonly PathStep[],
): readonly ByteRange[] | null {
  let values: readonly ByteRange[] = [root];
  for (const step of steps) {
    const next: ByteRange[] = [];
    // An empty array has no rows, which is no error.
    let isThere = values.length === 0;
    for (const value of values) {
      const found = step.kind === 'key' ? findKey(bytes, value, step.key) : null;
      if (found !== null) next.push(found);
      if (step.kind === 'key' || bytes[value.start] !== OPEN_ARRAY) continue;
      const elements = splitArray(bytes, value) ?? [];
      isThere ||= step.kind === 'all';
      next.push(...(step.kind === 'all' ? elements : elements.slice(step.index, step.index + 1)));
    }
    if (next.length === 0 && !isThere) return null;
    values = next;
  }
  return values;
}
