// COM_STMT_EXECUTE after its command byte: `u32 statement id | u8 flags | u32 1 | null bitmap | u8 types
// follow | [type, flag per parameter] | values`. Without types, those of the last execute hold. With query
// attributes negotiated a count comes before the bitmap and a name after each type; the attributes are the
// parameters after the statement's own, and COM_QUERY has the same list before its text.
// SOURCE: MySQL source docs, "COM_STMT_EXECUTE", "COM_QUERY".
import { isUtf8 } from 'node:buffer';
import { TYPE } from '../constants.ts';
import type { MysqlParameter } from '../handler.ts';
import { malformed, PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';
import { readDateTime, readTime, writeDateTime, writeTime } from './temporal.ts';

export interface ParameterType {
  readonly code: number;
  readonly unsigned: boolean;
}

const UNSIGNED_FLAG = 0x80;
/** Parameters and attributes in one packet; the protocol counts parameters in 16 bits. */
const MAX_VALUES = 2 * 65_535;
/** In the flags: a parameter count follows even when the statement has none of its own. */
const PARAMETER_COUNT_FLAG = 8;
/** In the flags: the rows are fetched by COM_STMT_FETCH. Other kinds of cursor are not asked for by anybody. */
const CURSOR_READ_ONLY_FLAG = 1;

/** The statement id that every COM_STMT_* packet starts with. */
export function readStatementId(body: Buffer): number {
  return new PayloadReader(body).u32();
}

export interface ExecuteInput {
  /** The statement's own parameters. */
  readonly parameterCount: number;
  /** Types of the last execute, or null. */
  readonly knownTypes: readonly ParameterType[] | null;
  /** What came by COM_STMT_SEND_LONG_DATA, which takes the place of a value in the packet. */
  readonly longData: ReadonlyMap<number, Buffer>;
  /** CLIENT_QUERY_ATTRIBUTES was negotiated. */
  readonly attributes: boolean;
}

/** Decodes the parameters; query attributes are read over. */
export function readStmtExecute(
  body: Buffer,
  { parameterCount, knownTypes, longData, attributes }: ExecuteInput,
): {
  parameters: MysqlParameter[];
  types: readonly ParameterType[];
  /** CURSOR_TYPE_READ_ONLY. */
  wantsCursor: boolean;
} {
  const reader = new PayloadReader(body);
  reader.skip(4);
  const flags = reader.u8();
  reader.skip(4);
  const withCount = attributes && (parameterCount > 0 || (flags & PARAMETER_COUNT_FLAG) !== 0);
  const count = withCount ? reader.lengthInteger() : parameterCount;
  if (count < parameterCount) throw malformed('too few parameters');
  const wantsCursor = (flags & CURSOR_READ_ONLY_FLAG) !== 0;
  if (count === 0) return { parameters: [], types: [], wantsCursor };
  const { values, types } = readValues(reader, count, { knownTypes, longData, names: attributes });
  return {
    parameters: values.slice(0, parameterCount),
    types: types.slice(0, parameterCount),
    wantsCursor,
  };
}

/** The text of COM_QUERY where query attributes are negotiated; they are read over. */
export function readQueryText(body: Buffer, attributes: boolean): Buffer {
  if (!attributes) return body;
  const reader = new PayloadReader(body);
  const count = reader.lengthInteger();
  reader.lengthInteger();
  if (count > 0) {
    readValues(reader, count, { knownTypes: null, longData: new Map(), names: true });
  }
  return reader.rest();
}

function readValues(
  reader: PayloadReader,
  count: number,
  {
    knownTypes,
    longData,
    names,
  }: Pick<ExecuteInput, 'knownTypes' | 'longData'> & { readonly names: boolean },
): { values: MysqlParameter[]; types: readonly ParameterType[] } {
  if (count > MAX_VALUES) throw malformed('too many parameters');
  const nulls = reader.bytes(Math.ceil(count / 8));
  let types = knownTypes;
  if (reader.u8() === 1) {
    types = Array.from({ length: count }, () => {
      const code = reader.u8();
      const unsigned = (reader.u8() & UNSIGNED_FLAG) !== 0;
      if (names) reader.lengthBytes();
      return { code, unsigned };
    });
  }
  if (types === null || types.length < count) throw malformed('parameter types are missing');
  const values = types.slice(0, count).map((type, i): MysqlParameter => {
    const long = longData.get(i);
    if (long !== undefined) return longParameter(type, long);
    const isNull = (nulls.readUInt8(i >> 3) & (1 << (i & 7))) !== 0;
    return isNull ? { kind: 'null' } : readParameter(reader, type);
  });
  return { values, types };
}

function longParameter(type: ParameterType, value: Buffer): MysqlParameter {
  return isBlob(type.code) ? { kind: 'bytes', value } : textOrBytes(value);
}

function isBlob(code: number): boolean {
  return code >= TYPE.tinyBlob && code <= TYPE.blob;
}

function readParameter(reader: PayloadReader, { code, unsigned }: ParameterType): MysqlParameter {
  switch (code) {
    case TYPE.null:
      return { kind: 'null' };
    case TYPE.tiny:
      return { kind: 'integer', value: BigInt(unsigned ? reader.u8() : reader.i8()) };
    case TYPE.short:
    case TYPE.year:
      return { kind: 'integer', value: BigInt(unsigned ? reader.u16() : reader.i16()) };
    case TYPE.long:
    case TYPE.int24:
      return { kind: 'integer', value: BigInt(unsigned ? reader.u32() : reader.i32()) };
    case TYPE.longlong:
      return { kind: 'integer', value: unsigned ? reader.u64() : reader.i64() };
    case TYPE.float:
      return { kind: 'double', value: reader.f32() };
    case TYPE.double:
      return { kind: 'double', value: reader.f64() };
    case TYPE.decimal:
    case TYPE.newDecimal:
      return { kind: 'decimal', value: reader.lengthText() };
    case TYPE.date:
      return { kind: 'date', value: readDateTime(reader, true) };
    case TYPE.datetime:
    case TYPE.timestamp:
      return { kind: 'datetime', value: readDateTime(reader, false) };
    case TYPE.time:
      return { kind: 'time', value: readTime(reader) };
    default:
      // A copy, since the packet's memory may be large and the value may live longer.
      if (isBlob(code)) return { kind: 'bytes', value: Buffer.from(reader.lengthBytes()) };
      return textOrBytes(reader.lengthBytes());
  }
}

/** Python's and Go's drivers send bytes with the type of text: what is no UTF-8 is kept as bytes. */
function textOrBytes(value: Buffer): MysqlParameter {
  return isUtf8(value)
    ? { kind: 'string', value: value.toString('utf8') }
    : { kind: 'bytes', value: Buffer.from(value) };
}

const WRITE_TYPES: Readonly<Record<MysqlParameter['kind'], number>> = {
  null: TYPE.null,
  integer: TYPE.longlong,
  double: TYPE.double,
  decimal: TYPE.newDecimal,
  string: TYPE.varString,
  bytes: TYPE.blob,
  date: TYPE.date,
  datetime: TYPE.datetime,
  time: TYPE.time,
};

/** The client's side: with types, integers as signed 64-bit ones. */
export function writeStmtExecute(
  statementId: number,
  parameters: readonly MysqlParameter[],
): Buffer {
  const writer = new PayloadWriter(128).u32(statementId).u8(0).u32(1);
  if (parameters.length === 0) return writer.finish();
  const nulls = Buffer.alloc((parameters.length + 7) >> 3);
  parameters.forEach((parameter, i) => {
    if (parameter.kind === 'null') nulls[i >> 3] = (nulls[i >> 3] ?? 0) | (1 << (i & 7));
  });
  writer.bytes(nulls).u8(1);
  for (const parameter of parameters) writer.u8(WRITE_TYPES[parameter.kind]).u8(0);
  for (const parameter of parameters) writeParameter(writer, parameter);
  return writer.finish();
}

function writeParameter(writer: PayloadWriter, parameter: MysqlParameter): void {
  switch (parameter.kind) {
    case 'null':
      return;
    case 'integer':
      writer.u64(parameter.value);
      return;
    case 'double':
      writer.f64(parameter.value);
      return;
    case 'decimal':
    case 'string':
      writer.lengthText(parameter.value);
      return;
    case 'bytes':
      writer.lengthBytes(parameter.value);
      return;
    case 'date':
    case 'datetime':
      if (!writeDateTime(writer, parameter.value)) throw malformed('date parameter');
      return;
    case 'time':
      if (!writeTime(writer, parameter.value)) throw malformed('time parameter');
      return;
  }
}

/** COM_STMT_FETCH after its command byte: `u32 statement id | u32 rows`. */
export function readStmtFetch(body: Buffer): { statementId: number; rowCount: number } {
  const reader = new PayloadReader(body);
  return { statementId: reader.u32(), rowCount: reader.u32() };
}
