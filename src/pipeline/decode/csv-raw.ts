// CSV rows that the engine's own CSV reader can take as they are, which is far cheaper than making JSON of them: a
// separator of one byte, nothing enclosed, escaped or trimmed, and no byte in them that the reader has a meaning for.
// Quotes and backslashes are text to it, `\\N` alone is NULL.
import type { CsvFormatSpec } from '../../model/load-plan.ts';

export const RAW_BYTE = { text: 0, separator: 1, lineBreak: 2, other: 3 } as const;

const NUL = 0x00;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** First byte of a byte order mark. */
const BOM = 0xef;
/** Bytes of `\\N`: the reader wants a separator that is none of them. */
const NULL_BYTES: readonly number[] = [...Buffer.from('\\N')];

/** What each byte means in rows of the format, a RAW_BYTE; null: the reader cannot take any of its rows. */
export function rawBytes(format: CsvFormatSpec): Uint8Array | null {
  const separator = Buffer.from(format.columnSeparator);
  const [byte = NUL] = separator;
  const fits =
    separator.length === 1 &&
    format.enclose === '' &&
    format.escape === '' &&
    !format.trimSpace &&
    ![NUL, NEWLINE, CARRIAGE_RETURN, ...NULL_BYTES].includes(byte);
  if (!fits) return null;
  const kinds = new Uint8Array(256);
  kinds[NUL] = RAW_BYTE.other;
  kinds[CARRIAGE_RETURN] = RAW_BYTE.other;
  kinds[NEWLINE] = RAW_BYTE.lineBreak;
  kinds[byte] = RAW_BYTE.separator;
  return kinds;
}

/** The byte order mark is no part of a row, but the reader would take it for one. */
export function mayBeginWithMark(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === BOM;
}

/** The number of fields in the row; -1 = the reader cannot take it. */
export function rawFields(
  kinds: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (mayBeginWithMark(bytes, start)) return -1;
  let fields = 1;
  for (let at = start; at < end; at += 1) {
    const kind = kinds[bytes[at] ?? 0];
    if (kind === RAW_BYTE.text) continue;
    if (kind !== RAW_BYTE.separator) return -1;
    fields += 1;
  }
  return fields;
}
