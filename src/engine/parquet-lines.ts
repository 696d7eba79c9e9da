// Rows of a Parquet file -> lines of JSON. DuckDB reads the file and makes an exact text of every value; nothing of it
// may be lost on the way: whole numbers have all their digits, decimals and moments are texts.
import {
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
} from '@duckdb/node-api';
import { present } from '../base/assert.ts';
import { AppError } from '../base/errors.ts';
import type { FieldForm } from '../formats/avro/decode.ts';
import { shortFloat } from '../formats/byte-reader.ts';
import type { LineWriter } from '../formats/json/line-writer.ts';
import { LinePieces, type LinesOptions } from '../formats/lines/line-pieces.ts';
import { wantedColumns } from '../formats/lines/wanted.ts';
import { MalformedFile } from '../formats/malformed-file.ts';
import { quoteIdentifier, quoteLiteral } from '../model/duckdb-text.ts';
import { utcToLocalSql } from '../query/time-zone.ts';
import type { Connection, EngineChunk } from './connection.ts';
import { columnBytes, columnValidity, isValid, stringColumn } from './vectors.ts';

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const COMMA = 0x2c;

/** How a column of the SELECT is written: a text in quotes, JSON as it is, a number, bytes in base64. */
type ColumnKind = 'text' | 'json' | 'float' | 'double' | 'base64';

interface TextColumn {
  /** `"name":` */
  readonly key: Buffer;
  readonly sql: string;
  readonly kind: ColumnKind;
}

/**
 * Pieces of whole lines, in the file's order. `path` must never have named another file: the engine remembers parts of
 * files by their names. Throws MalformedFile, CANCELLED (or the signal's reason).
 */
export async function* parquetLines(
  connection: Connection,
  path: string,
  options: LinesOptions,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const source = `read_parquet(${quoteLiteral(path)})`;
  const { columns, rows } = await ask(path, async () => {
    const shape = await connection.stream(`SELECT * FROM ${source} LIMIT 0`, { signal });
    const described = await connection.rows(`DESCRIBE SELECT * FROM ${source}`, { signal });
    const names = described.map(([name]) => String(name));
    const counted = await connection.rows(
      `SELECT num_rows FROM parquet_file_metadata(${quoteLiteral(path)})`,
      { signal },
    );
    return { columns: textColumns(names, shape.types, options), rows: Number(counted[0]?.[0]) };
  });
  const select = `SELECT ${columns.map(({ sql }, index) => `${sql} AS c${index}`).join(', ')} FROM ${source}`;
  const stream = await ask(path, () => connection.stream(select, { signal }));
  const pieces = new LinePieces(options.maxLineBytes);
  let read = 0;
  for (;;) {
    const chunk = await ask(path, () => stream.fetch());
    if (chunk === null) break;
    const writers = columns.map((column, index) => columnWriter(column, chunk, index));
    for (let row = 0; row < chunk.rowCount; row += 1) {
      writeRow(columns, writers, row, pieces.out);
      const piece = pieces.endLine();
      if (piece !== null) yield piece;
    }
    read += chunk.rowCount;
  }
  if (read !== rows) await explainEnd(connection, path, { select, columns, read, rows, signal });
  const last = pieces.rest();
  if (last !== null) yield last;
}

/** A stream ends without saying why: the same statement run as a whole does say it. */
async function explainEnd(
  connection: Connection,
  path: string,
  {
    select,
    columns,
    read,
    rows,
    signal,
  }: {
    readonly select: string;
    readonly columns: readonly TextColumn[];
    readonly read: number;
    readonly rows: number;
    readonly signal: AbortSignal | undefined;
  },
): Promise<never> {
  signal?.throwIfAborted();
  const all = columns.map((_, index) => `c${index}`).join(', ');
  await ask(path, () =>
    connection.rows(`SELECT bit_xor(hash(${all})) FROM (${select})`, { signal }),
  );
  throw new MalformedFile(`it says that it has ${rows} rows and has ${read}`);
}

/** Errors of the engine that tell of the file become those of the file, which has no path for its sender. */
async function ask<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    if (thrown.code !== 'ENGINE_VALUE' && thrown.code !== 'INTERNAL') throw thrown;
    const told = String(thrown.fields['detail']).replaceAll(path, 'the body');
    throw new MalformedFile(told, { cause: thrown });
  }
}

function textColumns(
  names: readonly string[],
  types: readonly DuckDBType[],
  { wanted, timeZone }: LinesOptions,
): readonly TextColumn[] {
  return wantedColumns(names, wanted).map(({ index, key, form }): TextColumn => {
    const sql = quoteIdentifier(names[index] ?? '');
    const type = types[index];
    if (type === undefined) throw new MalformedFile(`its column ${key} has no type`);
    const column = formedColumn(type, sql, timeZone, form);
    return { key: Buffer.from(`${JSON.stringify(key)}:`), ...column };
  });
}

function formedColumn(
  type: DuckDBType,
  sql: string,
  timeZone: string,
  form: FieldForm,
): { sql: string; kind: ColumnKind } {
  if (form === 'base64') return bytesColumn(type, sql);
  // For a column of whole numbers.
  if (form === 'number' && type.typeId === DuckDBTypeId.BOOLEAN)
    return { sql: `CAST(CAST(${sql} AS TINYINT) AS VARCHAR)`, kind: 'json' };
  return textColumn(type, sql, timeZone);
}

/** For a column of bytes: bytes as they are, texts as their UTF-8, all else as the bytes of its text. */
function bytesColumn(type: DuckDBType, sql: string): { sql: string; kind: ColumnKind } {
  const isBytes = type.typeId === DuckDBTypeId.BLOB || type.typeId === DuckDBTypeId.VARCHAR;
  return { sql: isBytes ? sql : `CAST(${sql} AS VARCHAR)`, kind: 'base64' };
}

function textColumn(
  type: DuckDBType,
  sql: string,
  timeZone: string,
): { sql: string; kind: ColumnKind } {
  switch (type.typeId) {
    case DuckDBTypeId.BOOLEAN:
    case DuckDBTypeId.TINYINT:
    case DuckDBTypeId.SMALLINT:
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.UTINYINT:
    case DuckDBTypeId.USMALLINT:
    case DuckDBTypeId.UINTEGER:
    case DuckDBTypeId.UBIGINT:
      return { sql: `CAST(${sql} AS VARCHAR)`, kind: 'json' };
    case DuckDBTypeId.FLOAT:
      return { sql, kind: 'float' };
    case DuckDBTypeId.DOUBLE:
      return { sql, kind: 'double' };
    case DuckDBTypeId.BLOB:
      return { sql, kind: 'text' };
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY:
    case DuckDBTypeId.STRUCT:
    case DuckDBTypeId.MAP:
      return { sql: `CAST(to_json(${nested(type, sql, timeZone)}) AS VARCHAR)`, kind: 'json' };
    default:
      return { sql: scalarText(type, sql, timeZone), kind: 'text' };
  }
}

function scalarText(type: DuckDBType, sql: string, timeZone: string): string {
  switch (type.typeId) {
    // Nanoseconds below the microsecond are cut off: no type of a table has them.
    case DuckDBTypeId.TIMESTAMP_S:
    case DuckDBTypeId.TIMESTAMP_MS:
    case DuckDBTypeId.TIMESTAMP_NS:
      return `CAST(CAST(${sql} AS TIMESTAMP) AS VARCHAR)`;
    case DuckDBTypeId.TIMESTAMP_TZ:
      return `CAST(${utcToLocalSql(timeZone, `CAST(${sql} AS TIMESTAMP)`)} AS VARCHAR)`;
    default:
      return `CAST(${sql} AS VARCHAR)`;
  }
}

/** What `to_json` makes the same of as is made of values that are not nested. */
function nested(type: DuckDBType, sql: string, timeZone: string, depth = 0): string {
  const inner = (of: DuckDBType, value: string): string => nested(of, value, timeZone, depth + 1);
  const element = `x${depth}`;
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY: {
      const { valueType } = type as DuckDBListType;
      return `list_transform(${sql}, lambda ${element}: ${inner(valueType, element)})`;
    }
    case DuckDBTypeId.STRUCT: {
      const { entryNames, entryTypes } = type as DuckDBStructType;
      const parts = entryNames.map((name, index) => {
        const value = `struct_extract(${sql}, ${quoteLiteral(name)})`;
        return `${quoteIdentifier(name)} := ${inner(present(entryTypes[index], 'type of a field'), value)}`;
      });
      return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${parts.join(', ')}) END`;
    }
    case DuckDBTypeId.MAP: {
      const { keyType, valueType } = type as DuckDBMapType;
      const key = scalarText(keyType, `${element}.key`, timeZone);
      const entry = `{'k': ${key}, 'v': ${inner(valueType, `${element}.value`)}}`;
      return `map_from_entries(list_transform(map_entries(${sql}), lambda ${element}: ${entry}))`;
    }
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return `CASE WHEN isfinite(${sql}) THEN to_json(${sql}) ELSE to_json(CAST(${sql} AS VARCHAR)) END`;
    case DuckDBTypeId.BLOB:
      return `decode(${sql})`;
    default:
      return textColumn(type, sql, timeZone).kind === 'json'
        ? sql
        : scalarText(type, sql, timeZone);
  }
}

type ValueWriter = (row: number, out: LineWriter) => void;

function writeRow(
  columns: readonly TextColumn[],
  writers: readonly ValueWriter[],
  row: number,
  out: LineWriter,
): void {
  out.byte(OPEN_OBJECT);
  for (let index = 0; index < columns.length; index += 1) {
    const column = columns[index];
    if (column === undefined) continue;
    if (index > 0) out.byte(COMMA);
    out.piece(column.key);
    writers[index]?.(row, out);
  }
  out.byte(CLOSE_OBJECT);
}

function columnWriter({ kind }: TextColumn, chunk: EngineChunk, index: number): ValueWriter {
  const validity = columnValidity(chunk, index);
  const value = valueWriter(kind, chunk, index);
  if (validity === null) return value;
  return (row, out) => {
    if (isValid(validity, row)) value(row, out);
    else out.null();
  };
}

function valueWriter(kind: ColumnKind, chunk: EngineChunk, index: number): ValueWriter {
  switch (kind) {
    case 'float': {
      const bytes = columnBytes(chunk, index, 4);
      return (row, out) => out.number(shortFloat(bytes.readFloatLE(row * 4)));
    }
    case 'double': {
      const bytes = columnBytes(chunk, index, 8);
      return (row, out) => out.number(bytes.readDoubleLE(row * 8));
    }
    case 'text':
    case 'json':
    case 'base64': {
      const { source, start, length } = stringColumn(chunk, index);
      const write =
        kind === 'text' ? 'utf8' : kind === 'json' ? ('copy' as const) : ('base64' as const);
      return (row, out) => {
        const from = start[row] ?? 0;
        out[write](source(row), from, from + (length[row] ?? 0));
      };
    }
  }
}
