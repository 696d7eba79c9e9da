// Splits CSV text into rows and fields by StarRocks' rules: separators of several bytes, enclose (doubled
// inside means itself), escape, trim_space, `\N`. Finds positions only; `fieldBytes` gives a field's
// bytes. Must look at every byte of a row, since a separator inside an enclosed field is text.
import type { CsvFormatSpec } from '../../model/load-plan.ts';

const SPACE = 0x20;
const CARRIAGE_RETURN = 0x0d;
const NEWLINE = 0x0a;
const NO_BYTE = -1;

/** How a field is written. */
export const FIELD = {
  /** As it is. */
  plain: 0,
  /** `\N`. */
  null: 1,
  /** Has escapes or doubled enclose bytes to take out. */
  escaped: 2,
} as const;

export type RowEnd = 'row' | 'unclosed';

/** One row after another of a message. Fields of the row at hand are in the arrays, below `fieldCount`. */
export class CsvScanner {
  readonly #separator: Buffer;
  readonly #delimiter: Buffer;
  readonly #trim: boolean;
  readonly #enclose: number;
  readonly #escape: number;
  readonly #dropsCarriageReturn: boolean;
  readonly #maxFields: number;
  /** By byte: 1 = a separator, a delimiter or an escape may begin with it. */
  readonly #special = new Uint8Array(256);
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly kinds: Uint8Array;
  /** Fields of the row; may be more than the arrays hold. */
  fieldCount = 0;
  /** Range of the row without its delimiter. */
  rowStart = 0;
  rowEnd = 0;
  /** Where the next row begins. */
  next = 0;
  /** Last byte that the row's end depends on, and `lookBytes` behind it. */
  reach = 0;
  /** How far behind a byte its meaning may depend on. */
  readonly lookBytes: number;

  constructor(format: CsvFormatSpec, maxFields: number) {
    this.#separator = Buffer.from(format.columnSeparator);
    this.#delimiter = Buffer.from(format.rowDelimiter);
    this.#trim = format.trimSpace;
    this.#enclose = Buffer.from(format.enclose)[0] ?? NO_BYTE;
    this.#escape = Buffer.from(format.escape)[0] ?? NO_BYTE;
    this.#dropsCarriageReturn = format.rowDelimiter === '\n';
    this.#maxFields = maxFields;
    this.lookBytes = Math.max(2, this.#separator.length, this.#delimiter.length);
    const firsts = [this.#separator[0], this.#delimiter[0], this.#escape];
    if (this.#dropsCarriageReturn) firsts.push(CARRIAGE_RETURN);
    for (const byte of firsts) if (byte !== undefined && byte >= 0) this.#special[byte] = 1;
    this.starts = new Int32Array(maxFields);
    this.ends = new Int32Array(maxFields);
    this.kinds = new Uint8Array(maxFields);
  }

  /** Reads the row at `start` (below `end`). 'unclosed': an enclosed field has no end; the row is the rest. */
  readRow(bytes: Buffer, start: number, end: number): RowEnd {
    this.fieldCount = 0;
    this.rowStart = start;
    this.reach = start;
    let at = start;
    for (;;) {
      at = this.#readField(bytes, at, end);
      if (at < 0) {
        this.rowEnd = end;
        this.next = end;
        this.reach = end;
        return 'unclosed';
      }
      if (at < end && matches(bytes, at, end, this.#separator)) {
        at += this.#separator.length;
        continue;
      }
      this.rowEnd = at;
      if (at > this.reach) this.reach = at;
      const extra = at < end && bytes[at] === CARRIAGE_RETURN && this.#dropsCarriageReturn ? 1 : 0;
      this.next = Math.min(end, at + extra + this.#delimiter.length);
      return 'row';
    }
  }

  /** Reads a field; gives where its separator, delimiter or the end is, -1 when it is not closed. */
  #readField(bytes: Buffer, from: number, end: number): number {
    let start = from;
    if (this.#trim) while (start < end && bytes[start] === SPACE) start += 1;
    if (this.#enclose !== NO_BYTE && bytes[start] === this.#enclose && start < end) {
      const after = this.#readEnclosed(bytes, start, end);
      if (after !== 0) return after;
    }
    let at = start;
    let kind: number = FIELD.plain;
    const special = this.#special;
    while (at < end) {
      if (special[bytes[at] ?? 0] === 0) {
        at += 1;
        continue;
      }
      if (this.#endsField(bytes, at, end)) break;
      if (bytes[at] === this.#escape && at + 1 < end) {
        kind = FIELD.escaped;
        at += 1;
      }
      at += 1;
    }
    let last = at;
    if (this.#trim) while (last > start && bytes[last - 1] === SPACE) last -= 1;
    const isNull = last - start === 2 && bytes[start] === 0x5c && bytes[start + 1] === 0x4e;
    this.#addField(start, last, isNull ? FIELD.null : kind);
    return at;
  }

  /** As #readField, for a field that begins with enclose; 0 = it is not an enclosed field after all. */
  #readEnclosed(bytes: Buffer, start: number, end: number): number {
    let kind: number = FIELD.plain;
    for (let at = start + 1; at < end; at += 1) {
      if (bytes[at] === this.#escape && this.#escape !== this.#enclose) {
        kind = FIELD.escaped;
        at += 1;
      } else if (bytes[at] === this.#enclose) {
        if (bytes[at + 1] === this.#enclose && at + 1 < end) {
          kind = FIELD.escaped;
          at += 1;
          continue;
        }
        let after = at + 1;
        if (this.#trim) while (after < end && bytes[after] === SPACE) after += 1;
        if (after > this.reach) this.reach = after;
        if (after < end && !this.#endsField(bytes, after, end)) return 0;
        this.#addField(start + 1, at, kind);
        return after;
      }
    }
    return -1;
  }

  #endsField(bytes: Buffer, at: number, end: number): boolean {
    if (matches(bytes, at, end, this.#separator) || matches(bytes, at, end, this.#delimiter))
      return true;
    // `\r\n` ends a row as `\n` does, and so does `\r` at the message's end.
    if (!this.#dropsCarriageReturn || bytes[at] !== CARRIAGE_RETURN) return false;
    return at + 1 === end || bytes[at + 1] === NEWLINE;
  }

  #addField(start: number, end: number, kind: number): void {
    const index = this.fieldCount;
    this.fieldCount += 1;
    if (index >= this.#maxFields) return;
    this.starts[index] = start;
    this.ends[index] = end;
    this.kinds[index] = kind;
  }

  /** The bytes of a field with escapes taken out. */
  fieldBytes(bytes: Buffer, index: number): Buffer {
    const start = this.starts[index] ?? 0;
    const end = this.ends[index] ?? 0;
    if (this.kinds[index] !== FIELD.escaped) return bytes.subarray(start, end);
    const out = Buffer.allocUnsafe(end - start);
    let length = 0;
    for (let at = start; at < end; at += 1) {
      const doubled = bytes[at] === this.#enclose && bytes[at + 1] === this.#enclose;
      if ((bytes[at] === this.#escape || doubled) && at + 1 < end) at += 1;
      out[length] = bytes[at] ?? 0;
      length += 1;
    }
    return out.subarray(0, length);
  }
}

function matches(bytes: Buffer, at: number, end: number, pattern: Buffer): boolean {
  if (bytes[at] !== pattern[0]) return false;
  if (at + pattern.length > end) return false;
  for (let index = 1; index < pattern.length; index += 1)
    if (bytes[at + index] !== pattern[index]) return false;
  return true;
}
