// DuckDB vectors -> values of MySQL text rows, one encoder per result column, chosen by the vector's own
// type. Must print what StarRocks prints, and must never make an object per value where it can be helped.
import { type DuckDBDataChunk, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api';
import { fail } from '../base/errors.ts';
import type { RowEncoder } from '../mysql/row-encoder.ts';
import {
  dateText,
  decimalText,
  doubleText,
  floatText,
  TimestampText,
  timeText,
} from './text-forms.ts';
import { columnBytes, columnValidity, type StringColumn, stringColumn } from './vectors.ts';

/** Writes one column: `load` once for each chunk, then `write` for each of its rows in any order. */
export interface ColumnEncoder {
  load(chunk: DuckDBDataChunk): void;
  write(row: number, out: RowEncoder): void;
}

/** Reads a value at a row of the loaded words; not called for NULL. */
type Print = (words: Int32Array, row: number, out: RowEncoder) => void;

/** The encoder for result column `column` (0-based). Nested types must have been made text by the SQL. */
export function columnEncoder(type: DuckDBType, column: number): ColumnEncoder {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
      return new NarrowColumn(column, 1, (bytes, row) => bytes.readUInt8(row));
    case DuckDBTypeId.TINYINT:
      return new NarrowColumn(column, 1, (bytes, row) => bytes.readInt8(row));
    case DuckDBTypeId.UTINYINT:
      return new NarrowColumn(column, 1, (bytes, row) => bytes.readUInt8(row));
    case DuckDBTypeId.SMALLINT:
      return new NarrowColumn(column, 2, (bytes, row) => bytes.readInt16LE(row * 2));
    case DuckDBTypeId.USMALLINT:
      return new NarrowColumn(column, 2, (bytes, row) => bytes.readUInt16LE(row * 2));
    case DuckDBTypeId.INTEGER:
      return new WordColumn(column, 4, (words, row, out) => out.integer(words[row] ?? 0));
    case DuckDBTypeId.UINTEGER:
      return new WordColumn(column, 4, (words, row, out) => out.integer((words[row] ?? 0) >>> 0));
    case DuckDBTypeId.BIGINT:
      return new WordColumn(column, 8, (words, row, out) =>
        out.int64(words[row * 2] ?? 0, words[row * 2 + 1] ?? 0),
      );
    case DuckDBTypeId.UBIGINT:
      return new WordColumn(column, 8, (words, row, out) =>
        out.ascii(unsigned64(words, row * 2).toString()),
      );
    case DuckDBTypeId.HUGEINT:
      return new WordColumn(column, 16, (words, row, out) =>
        out.ascii(signed128(words, row * 4).toString()),
      );
    case DuckDBTypeId.UHUGEINT:
      return new WordColumn(column, 16, (words, row, out) =>
        out.ascii(
          ((unsigned64(words, row * 4 + 2) << 64n) + unsigned64(words, row * 4)).toString(),
        ),
      );
    case DuckDBTypeId.FLOAT:
      return new FloatColumn(column);
    case DuckDBTypeId.DOUBLE:
      return new DoubleColumn(column);
    case DuckDBTypeId.DECIMAL:
      return decimalColumn(column, type.width, type.scale);
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.BLOB:
      return new BytesColumn(column);
    default:
      return temporalColumn(type, column);
  }
}

function temporalColumn(type: DuckDBType, column: number): ColumnEncoder {
  const timestamps = new TimestampText();
  switch (type.typeId) {
    case DuckDBTypeId.DATE:
      return new WordColumn(column, 4, (words, row, out) => out.ascii(dateText(words[row] ?? 0)));
    case DuckDBTypeId.TIMESTAMP:
    // The session's zone was applied by the SQL: an instant that is left prints as UTC.
    case DuckDBTypeId.TIMESTAMP_TZ:
      return new WordColumn(column, 8, (words, row, out) =>
        out.ascii(timestamps.fromWords(words[row * 2] ?? 0, words[row * 2 + 1] ?? 0)),
      );
    case DuckDBTypeId.TIME:
      return new WordColumn(column, 8, (words, row, out) =>
        out.ascii(timeText(Number(signed64(words, row * 2)))),
      );
    case DuckDBTypeId.SQLNULL:
      return { load: () => undefined, write: (_row, out) => out.nullValue() };
    default:
      throw fail('INTERNAL', { detail: `no text form for a result column of type ${type}` });
  }
}

/** DuckDB keeps a DECIMAL in the smallest integer that holds its width. */
function decimalColumn(column: number, width: number, scale: number): ColumnEncoder {
  if (width <= 4)
    return new NarrowColumn(
      column,
      2,
      (bytes, row) => bytes.readInt16LE(row * 2),
      (value, out) => out.ascii(decimalText(String(value), scale)),
    );
  if (width <= 9)
    return new WordColumn(column, 4, (words, row, out) =>
      out.ascii(decimalText(String(words[row] ?? 0), scale)),
    );
  if (width <= 18)
    return new WordColumn(column, 8, (words, row, out) =>
      out.ascii(decimalText(int64Text(words, row * 2), scale)),
    );
  return new WordColumn(column, 16, (words, row, out) =>
    out.ascii(decimalText(signed128(words, row * 4).toString(), scale)),
  );
}

function int64Text(words: Int32Array, at: number): string {
  const value = (words[at + 1] ?? 0) * 2 ** 32 + ((words[at] ?? 0) >>> 0);
  return Number.isSafeInteger(value) ? String(value) : signed64(words, at).toString();
}

function unsigned64(words: Int32Array, at: number): bigint {
  return (BigInt((words[at + 1] ?? 0) >>> 0) << 32n) | BigInt((words[at] ?? 0) >>> 0);
}

function signed64(words: Int32Array, at: number): bigint {
  return BigInt.asIntN(64, unsigned64(words, at));
}

function signed128(words: Int32Array, at: number): bigint {
  return (signed64(words, at + 2) << 64n) + unsigned64(words, at);
}

function isNull(validity: Uint8Array | null, row: number): boolean {
  return validity !== null && (((validity[row >> 3] ?? 0) >> (row & 7)) & 1) === 0;
}

/** Values of 4, 8 or 16 bytes, read as 32-bit words: no BigInt is made unless its value needs one. */
class WordColumn implements ColumnEncoder {
  readonly #column: number;
  readonly #widthBytes: number;
  readonly #print: Print;
  #words: Int32Array = new Int32Array(0);
  #validity: Uint8Array | null = null;

  constructor(column: number, widthBytes: number, print: Print) {
    this.#column = column;
    this.#widthBytes = widthBytes;
    this.#print = print;
  }

  load(chunk: DuckDBDataChunk): void {
    const bytes = columnBytes(chunk, this.#column, this.#widthBytes);
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    this.#validity = columnValidity(chunk, this.#column);
  }

  write(row: number, out: RowEncoder): void {
    if (isNull(this.#validity, row)) out.nullValue();
    else this.#print(this.#words, row, out);
  }
}

/** Values of 1 or 2 bytes. */
class NarrowColumn implements ColumnEncoder {
  readonly #column: number;
  readonly #widthBytes: number;
  readonly #read: (bytes: Buffer, row: number) => number;
  readonly #print: (value: number, out: RowEncoder) => void;
  #bytes: Buffer = Buffer.alloc(0);
  #validity: Uint8Array | null = null;

  constructor(
    column: number,
    widthBytes: number,
    read: (bytes: Buffer, row: number) => number,
    print: (value: number, out: RowEncoder) => void = (value, out) => out.integer(value),
  ) {
    this.#column = column;
    this.#widthBytes = widthBytes;
    this.#read = read;
    this.#print = print;
  }

  load(chunk: DuckDBDataChunk): void {
    this.#bytes = columnBytes(chunk, this.#column, this.#widthBytes);
    this.#validity = columnValidity(chunk, this.#column);
  }

  write(row: number, out: RowEncoder): void {
    if (isNull(this.#validity, row)) out.nullValue();
    else this.#print(this.#read(this.#bytes, row), out);
  }
}

class FloatColumn implements ColumnEncoder {
  readonly #column: number;
  #values: Float32Array = new Float32Array(0);
  #validity: Uint8Array | null = null;

  constructor(column: number) {
    this.#column = column;
  }

  load(chunk: DuckDBDataChunk): void {
    const bytes = columnBytes(chunk, this.#column, 4);
    this.#values = new Float32Array(bytes.buffer, bytes.byteOffset, chunk.rowCount);
    this.#validity = columnValidity(chunk, this.#column);
  }

  write(row: number, out: RowEncoder): void {
    if (isNull(this.#validity, row)) out.nullValue();
    else out.ascii(floatText(this.#values[row] ?? 0));
  }
}

class DoubleColumn implements ColumnEncoder {
  readonly #column: number;
  #values: Float64Array = new Float64Array(0);
  #validity: Uint8Array | null = null;

  constructor(column: number) {
    this.#column = column;
  }

  load(chunk: DuckDBDataChunk): void {
    const bytes = columnBytes(chunk, this.#column, 8);
    this.#values = new Float64Array(bytes.buffer, bytes.byteOffset, chunk.rowCount);
    this.#validity = columnValidity(chunk, this.#column);
  }

  write(row: number, out: RowEncoder): void {
    if (isNull(this.#validity, row)) {
      out.nullValue();
      return;
    }
    const value = this.#values[row] ?? 0;
    // Whole numbers are common and need no search for the shortest digits. -0 has its own text.
    if (Number.isSafeInteger(value) && value !== 0) out.integer(value);
    else out.ascii(doubleText(value));
  }
}

/** VARCHAR and BLOB: the bytes as they are. */
class BytesColumn implements ColumnEncoder {
  readonly #column: number;
  #strings: StringColumn | null = null;
  #validity: Uint8Array | null = null;

  constructor(column: number) {
    this.#column = column;
  }

  load(chunk: DuckDBDataChunk): void {
    this.#strings = stringColumn(chunk, this.#column);
    this.#validity = columnValidity(chunk, this.#column);
  }

  write(row: number, out: RowEncoder): void {
    const strings = this.#strings;
    if (strings === null || isNull(this.#validity, row)) {
      out.nullValue();
      return;
    }
    const start = strings.start[row] ?? 0;
    out.utf8(strings.source(row), start, start + (strings.length[row] ?? 0));
  }
}
