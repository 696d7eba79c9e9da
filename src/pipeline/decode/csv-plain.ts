// The usual CSV message: one row, a separator of one byte, nothing enclosed or escaped. Split and written as JSON
// in one pass; at the first byte that is anything else it gives up, and the exact scanner does the message.
import type { LineWriter } from '../../formats/json/line-writer.ts';
import type { CsvFormatSpec } from '../../model/load-plan.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSE_OBJECT = 0x7d;
const CARRIAGE_RETURN = 0x0d;
/** First byte of a byte order mark. */
const BOM = 0xef;
const PLAIN = 0;
const SEPARATOR = 1;
const OTHER = 2;

export class PlainCsvRow {
  readonly #kinds = new Uint8Array(256);
  readonly #leads: readonly Uint8Array[];
  readonly #leadBytes: number;

  private constructor(format: CsvFormatSpec, leads: readonly Uint8Array[]) {
    const [separator = 0] = Buffer.from(format.columnSeparator);
    const [delimiter = 0] = Buffer.from(format.rowDelimiter);
    const [escaping = BACKSLASH] = Buffer.from(format.escape);
    this.#kinds.fill(OTHER, 0, 0x20);
    for (const byte of [QUOTE, BACKSLASH, CARRIAGE_RETURN, delimiter, escaping])
      this.#kinds[byte] = OTHER;
    this.#kinds[separator] = SEPARATOR;
    // Each lead ends with the quote that opens its field.
    this.#leads = leads.map((lead) => Buffer.concat([lead, Buffer.from('"')]));
    this.#leadBytes = this.#leads.reduce((sum, lead) => sum + lead.length + 1, 2);
  }

  /** Null for formats in which no row can be read so. `leads`: `{"0":`, `,"1":` and so on. */
  static for(format: CsvFormatSpec, leads: readonly Uint8Array[]): PlainCsvRow | null {
    const separator = Buffer.from(format.columnSeparator);
    const fits =
      separator.length === 1 &&
      !format.trimSpace &&
      format.enclose === '' &&
      !format.rowDelimiter.startsWith(format.columnSeparator) &&
      !separator.includes(format.escape === '' ? 0x100 : Buffer.from(format.escape)) &&
      separator[0] !== QUOTE &&
      separator[0] !== BACKSLASH;
    return fits ? new PlainCsvRow(format, leads) : null;
  }

  /** Writes the message as one object; false = it is not as plain as that. */
  write(bytes: Uint8Array, start: number, end: number, writer: LineWriter): boolean {
    if (bytes[start] === BOM) return false;
    writer.length = 0;
    writer.reserve(end - start + this.#leadBytes);
    const out = writer.bytes;
    const kinds = this.#kinds;
    const leads = this.#leads;
    let to = put(out, 0, leads[0]);
    let field = 1;
    for (let at = start; at < end; at += 1) {
      const byte = bytes[at] ?? 0;
      const kind = kinds[byte];
      if (kind === PLAIN) {
        out[to] = byte;
        to += 1;
      } else if (kind === SEPARATOR && field < leads.length) {
        out[to] = QUOTE;
        to = put(out, to + 1, leads[field]);
        field += 1;
      } else return false;
    }
    if (field !== leads.length) return false;
    out[to] = QUOTE;
    out[to + 1] = CLOSE_OBJECT;
    writer.length = to + 2;
    return true;
  }
}

function put(out: Uint8Array, from: number, piece: Uint8Array | undefined): number {
  if (piece === undefined) return from;
  for (let at = 0; at < piece.length; at += 1) out[from + at] = piece[at] ?? 0;
  return from + piece.length;
}
