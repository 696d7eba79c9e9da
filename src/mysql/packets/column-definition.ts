// ColumnDefinition41: catalog, schema, table, original table, name, original name (length-encoded), then
// `0c | u16 charset | u32 length | u8 type | u16 flags | u8 decimals | 2 zeros [| default]`.
// SOURCE: MySQL source docs, "Protocol::ColumnDefinition41", "Column Definition Flags".
import { CHARSET_BINARY, CHARSET_UTF8MB4, TYPE } from '../constants.ts';
import type { MysqlColumn, MysqlColumnType } from '../handler.ts';
import type { PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

const FLAG_NOT_NULL = 1;
const FLAG_BLOB = 16;
const FLAG_UNSIGNED = 32;
const FLAG_BINARY = 128;
/** `decimals` of a float whose number of digits is not fixed. */
const DECIMALS_FLOATING = 31;
const BYTES_PER_CHARACTER = 4;

interface TypeRow {
  readonly code: number;
  /** Default length: characters for text, display width otherwise. */
  readonly length: number;
  readonly decimals: number;
  readonly text: boolean;
}

const numeric = (code: number, length: number, decimals = 0): TypeRow => ({
  code,
  length,
  decimals,
  text: false,
});

const TYPES: Readonly<Record<MysqlColumnType, TypeRow>> = {
  null: numeric(TYPE.null, 0),
  tinyint: numeric(TYPE.tiny, 4),
  smallint: numeric(TYPE.short, 6),
  int: numeric(TYPE.long, 11),
  bigint: numeric(TYPE.longlong, 20),
  float: numeric(TYPE.float, 12, DECIMALS_FLOATING),
  double: numeric(TYPE.double, 22, DECIMALS_FLOATING),
  decimal: numeric(TYPE.newDecimal, 40),
  date: numeric(TYPE.date, 10),
  datetime: numeric(TYPE.datetime, 26),
  time: numeric(TYPE.time, 17),
  char: { code: TYPE.string, length: 65_535 / 3, decimals: 0, text: true },
  string: { code: TYPE.varString, length: 65_535 / 3, decimals: 0, text: true },
  json: { code: TYPE.json, length: 0xffffffff, decimals: 0, text: true },
  binary: numeric(TYPE.blob, 0xffff),
};

/** Type code of a column, as in the definition and in binary rows. */
export function typeCode(type: MysqlColumnType): number {
  return TYPES[type].code;
}

export function writeColumnDefinition(column: MysqlColumn, withDefault = false): Buffer {
  const type = TYPES[column.type];
  const length = column.length ?? type.length;
  const table = column.table ?? '';
  let flags = type.text ? 0 : FLAG_BINARY;
  if (column.nullable === false) flags |= FLAG_NOT_NULL;
  if (column.unsigned === true) flags |= FLAG_UNSIGNED;
  if (column.type === 'binary' || column.type === 'json') flags |= FLAG_BLOB;
  const writer = new PayloadWriter(96)
    .lengthText('def')
    .lengthText(column.database ?? '')
    .lengthText(table)
    .lengthText(table)
    .lengthText(column.name)
    .lengthText(column.name)
    .u8(0x0c)
    .u16(type.text ? CHARSET_UTF8MB4 : CHARSET_BINARY)
    .u32(Math.min(type.text ? length * BYTES_PER_CHARACTER : length, 0xffffffff))
    .u8(type.code)
    .u16(flags)
    .u8(column.decimals ?? type.decimals)
    .zeros(2);
  if (withDefault) writer.u8(0xfb);
  return writer.finish();
}

/** The parts of a definition that a client looks at. */
export interface ColumnDefinition {
  readonly database: string;
  readonly table: string;
  readonly name: string;
  readonly charset: number;
  readonly lengthBytes: number;
  readonly typeCode: number;
  readonly flags: number;
  readonly decimals: number;
}

export function readColumnDefinition(reader: PayloadReader): ColumnDefinition {
  reader.lengthBytes();
  const database = reader.lengthText();
  const table = reader.lengthText();
  reader.lengthBytes();
  const name = reader.lengthText();
  reader.lengthBytes();
  reader.skip(1);
  return {
    database,
    table,
    name,
    charset: reader.u16(),
    lengthBytes: reader.u32(),
    typeCode: reader.u8(),
    flags: reader.u16(),
    decimals: reader.u8(),
  };
}
