// Binary rows, the answer to COM_STMT_EXECUTE: `00 | null bitmap (2 bits offset) | values`. Made from the
// text form of each value, so that the processes that make rows need one encoder only.
// SOURCE: MySQL source docs, "Binary Protocol Resultset Row".
import { fail } from '../../base/errors.ts';
import type { MysqlColumn } from '../handler.ts';
import { PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';
import { writeDateTime, writeTime } from './temporal.ts';

const NULL_BITMAP_OFFSET = 2;
const TEXT_NULL = 0xfb;

/** The values of a text row's payload; views into it, null for NULL. */
export function readTextRow(payload: Buffer, columnCount: number): (Buffer | null)[] {
  const reader = new PayloadReader(payload);
  return Array.from({ length: columnCount }, () => {
    if (payload[reader.position] !== TEXT_NULL) return reader.lengthBytes();
    reader.skip(1);
    return null;
  });
}

/** One row's payload. A value whose text does not fit its column's type is an INTERNAL error. */
export function writeBinaryRow(
  columns: readonly MysqlColumn[],
  values: readonly (string | Buffer | null)[],
): Buffer {
  const nulls = Buffer.alloc((columns.length + 7 + NULL_BITMAP_OFFSET) >> 3);
  values.forEach((value, i) => {
    const bit = i + NULL_BITMAP_OFFSET;
    if (value === null) nulls[bit >> 3] = (nulls[bit >> 3] ?? 0) | (1 << (bit & 7));
  });
  const writer = new PayloadWriter(256).u8(0).bytes(nulls);
  columns.forEach((column, i) => {
    const value = values[i];
    if (value !== null && value !== undefined) writeValue(writer, column, value);
  });
  return writer.finish();
}

function writeValue(writer: PayloadWriter, column: MysqlColumn, value: string | Buffer): void {
  switch (column.type) {
    case 'null':
      throw mismatch(column, value);
    case 'char':
    case 'string':
    case 'json':
    case 'binary':
    case 'decimal':
      writer.lengthBytes(typeof value === 'string' ? Buffer.from(value, 'utf8') : value);
      return;
    case 'tinyint':
      writer.u8(integer(column, value) & 0xff);
      return;
    case 'smallint':
      writer.u16(integer(column, value) & 0xffff);
      return;
    case 'int':
      writer.u32(integer(column, value));
      return;
    case 'bigint':
      writer.u64(bigInteger(column, value));
      return;
    case 'float':
      writer.f32(float(column, value));
      return;
    case 'double':
      writer.f64(float(column, value));
      return;
    case 'date':
    case 'datetime':
      if (!writeDateTime(writer, value.toString())) throw mismatch(column, value);
      return;
    case 'time':
      if (!writeTime(writer, value.toString())) throw mismatch(column, value);
      return;
  }
}

function integer(column: MysqlColumn, value: string | Buffer): number {
  const result = Number(value.toString());
  if (!Number.isSafeInteger(result)) throw mismatch(column, value);
  return result;
}

function bigInteger(column: MysqlColumn, value: string | Buffer): bigint {
  const text = value.toString();
  if (!/^-?\d+$/.test(text)) throw mismatch(column, value);
  return BigInt(text);
}

function float(column: MysqlColumn, value: string | Buffer): number {
  const text = value.toString();
  const result = Number(text);
  if (!Number.isNaN(result)) return result;
  switch (text.toLowerCase().replace('infinity', 'inf')) {
    case 'nan':
      return Number.NaN;
    case 'inf':
      return Number.POSITIVE_INFINITY;
    case '-inf':
      return Number.NEGATIVE_INFINITY;
    default:
      throw mismatch(column, value);
  }
}

function mismatch(column: MysqlColumn, value: string | Buffer): Error {
  const shown = value.toString().slice(0, 40);
  return fail('INTERNAL', { detail: `column ${column.name} (${column.type}) holds '${shown}'` });
}
