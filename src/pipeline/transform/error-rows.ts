// Rejected rows -> rows of `_statistics_.rejected_records`: what was wrong, and the row itself, byte for
// byte, with where it came from. Staged in the load's own transaction, so a filtered row and its
// record become visible together. Must keep what it is given, whatever its bytes.
import { isUtf8 } from 'node:buffer';
import { toAppError } from '../../base/errors.ts';
import type { JobId } from '../../base/ids.ts';
import { type RecordHeader, readRecordHeaders } from '../../kafka/protocol/record-headers.ts';
import { quoteIdentifier, quoteLiteral } from '../../model/duckdb-text.ts';
import { parquetCopyOptions, storeSelectList } from '../../model/parquet-layout.ts';
import { duckdbType } from '../../model/sql-type.ts';
import { REJECTED_RECORDS_SCHEMA } from '../../model/system-tables.ts';
import { OWN_FILE } from './copy-options.ts';
import { parseJson } from './parse-json.ts';

/** error_code of a rejected row. SOURCE: StarRocks' rejected_records, extended by NULL_VALUE and the last three. */
export type RejectCode =
  | 'PARSE_ERROR'
  | 'VALUE_OUT_OF_RANGE'
  | 'NULL_VALUE'
  | 'VALUE_TOO_LONG'
  | 'NO_PARTITION'
  | 'NO_TABLE'
  | 'NOT_REPLAYED';

/** So many rejected rows, and bytes of them, are kept of a load or statement that failed: the first ones. */
export const MOST_KEPT = { rows: 10_000, bytes: 16 * 1024 * 1024 } as const;

export interface RejectedRow {
  readonly raw: Buffer;
  /** The row as named values where it could be split but is no JSON object itself (CSV), else null. */
  readonly fields: Readonly<Record<string, string | null>> | null;
  /** Given for formats whose bytes are no text: the row as JSON; null where it cannot be decoded. */
  readonly decoded?: string | null;
  readonly code: RejectCode;
  readonly message: string;
  readonly column: string | null;
  /** Given where it is another table than that of the context. */
  readonly table?: string;
  /** Null where the row came from no message (INSERT). */
  readonly source: RowSource | null;
}

/** The message that a row is from. */
export interface RowSource {
  /** 'body': no message, but a row of a body, whose number is `offset`. */
  readonly origin?: 'body';
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** -1 = none. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  /** JSON text, see headersText. */
  readonly headers: string;
  readonly valueBytes: number;
  /** What is kept of the value; null where it is kept with another row of the message. */
  readonly kept: Buffer | null;
  /** The bytes of the value that the row is made of. */
  readonly rowStart: number;
  readonly rowEnd: number;
  /** Place of the row in the arrays that an UNNEST takes apart, from 0; absent = the row is none of them. */
  readonly element?: number;
}

/** What all rejected rows of a batch share. */
export interface RejectContext {
  readonly nowMs: number;
  readonly loadType: 'ROUTINE_LOAD' | 'INSERT' | 'STREAM_LOAD';
  readonly jobId: JobId | null;
  /** Of a row that was rejected again: by which transaction, and how often by now. */
  readonly replay?: { readonly transactionId: number; readonly count: number };
  readonly label: string;
  readonly transactionId: number;
  readonly userName: string;
  readonly database: string;
  readonly table: string;
}

/** One line of JSON whose values are the table's columns as text. */
export function rejectedLine(row: RejectedRow, context: RejectContext): string {
  return JSON.stringify(rejectedRecord(row, context));
}

/** The values as texts in the order of the table's columns. */
export function rejectedValues(row: RejectedRow, context: RejectContext): (string | null)[] {
  const record = rejectedRecord(row, context);
  return REJECTED_RECORDS_SCHEMA.columns.map(({ name }) => record[name] ?? null);
}

function rejectedRecord(
  row: RejectedRow,
  context: RejectContext,
): Readonly<Record<string, string | null>> {
  return {
    created_at: new Date(context.nowMs).toISOString().slice(0, 23).replace('T', ' '),
    raw_record: rawRecord(row),
    error_code: row.code,
    error_message: row.message,
    error_column: row.column,
    load_label: context.label,
    load_type: context.loadType,
    txn_id: String(context.transactionId),
    user_name: context.userName,
    target_database: context.database,
    target_table: row.table ?? context.table,
    source_info: row.source === null ? '{}' : sourceInfo(row.source),
    job_id: context.jobId === null ? null : String(context.jobId),
    ...(row.source === null || row.source.origin === 'body' ? {} : messageColumns(row.source)),
    replay_txn_id: context.replay === undefined ? null : String(context.replay.transactionId),
    replays: context.replay === undefined ? null : String(context.replay.count),
  };
}

/** What REPLAY goes by, and whoever wants the message as it was. Bytes are in base64 until they are stored. */
function messageColumns(source: RowSource): Readonly<Record<string, string | null>> {
  const { kept } = source;
  return {
    message_topic: source.topic,
    message_partition: String(source.partition),
    message_offset: String(source.offset),
    message_timestamp: timestampText(source.timestampMs),
    message_key: source.key?.toString('base64') ?? null,
    message_headers: source.headers,
    message_value: kept?.toString('base64') ?? null,
    message_kept: String(kept?.length ?? 0),
    message_size: String(source.valueBytes),
    row_start: String(source.rowStart),
    row_end: String(source.rowEnd),
    row_element: source.element === undefined ? null : String(source.element),
  };
}

/** The last millisecond that a DATETIME has: a producer may say whatever it likes. */
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function timestampText(epochMs: number): string | null {
  if (epochMs < 0 || epochMs > LAST_MS) return null;
  return new Date(epochMs).toISOString().slice(0, 23).replace('T', ' ');
}

/**
 * All headers in their order, repeated names too: `[{"name":"a","value":"text"},{"name":"b","value_base64":"/w=="}]`,
 * a value that is no UTF-8 in base64. A block that is damaged stays as bytes: `{"_raw_base64":"..."}`.
 */
export function headersText(data: Buffer, start: number, length: number): string {
  if (length <= 1) return '[]';
  const block = data.subarray(start, start + length);
  const headers = wholeHeaders(block);
  if (headers === null) return JSON.stringify({ _raw_base64: block.toString('base64') });
  return JSON.stringify(
    headers.map(({ key, value }) =>
      value === null || isUtf8(value)
        ? { name: key, value: value?.toString('utf8') ?? null }
        : { name: key, value_base64: value.toString('base64') },
    ),
  );
}

/** The headers of a block; null where it is damaged. */
export function wholeHeaders(block: Buffer): readonly RecordHeader[] | null {
  try {
    return readRecordHeaders(block, 0, block.length);
  } catch (thrown) {
    if (toAppError(thrown).code !== 'KAFKA_MALFORMED_HEADERS') throw thrown;
    return null;
  }
}

/** Of a larger row that came from a message only the start is in raw_record: the bytes are in message_value, once. */
const RAW_RECORD_BYTES = 1024 * 1024;

/** A JSON object stays as it came; anything else is wrapped. */
function rawRecord(row: RejectedRow): string {
  if (row.source !== null && row.raw.length > RAW_RECORD_BYTES) return startOf(row.raw);
  if (row.fields !== null) return JSON.stringify(row.fields);
  if (row.decoded !== undefined) return binaryRecord(row.raw, row.decoded);
  if (!isUtf8(row.raw)) return JSON.stringify({ _raw_base64: row.raw.toString('base64') });
  const text = row.raw.toString('utf8');
  return row.code !== 'PARSE_ERROR' && isJsonObject(text) ? text : JSON.stringify({ _raw: text });
}

/** `{"_raw": ..., "_raw_size": bytes in all}`, `_raw_base64` for what is no text. */
function startOf(raw: Buffer): string {
  const size = { _raw_size: raw.length };
  // A character may be cut: it has four bytes at most.
  for (let end = RAW_RECORD_BYTES; end > RAW_RECORD_BYTES - 4; end -= 1) {
    const start = raw.subarray(0, end);
    if (isUtf8(start)) return JSON.stringify({ _raw: start.toString('utf8'), ...size });
  }
  const start = raw.subarray(0, RAW_RECORD_BYTES);
  return JSON.stringify({ _raw_base64: start.toString('base64'), ...size });
}

/** All bytes, and what they say. */
function binaryRecord(raw: Buffer, decoded: string | null): string {
  const bytes = JSON.stringify(raw.toString('base64'));
  return `{"_raw_base64":${bytes}${decoded === null ? '' : `,"_row":${decoded}`}}`;
}

/** False also for what DuckDB took though it is no JSON by the letter (NaN, trailing comma): kept as plain text. */
function isJsonObject(text: string): boolean {
  return text.trimStart().startsWith('{') && parseJson(text).ok;
}

function sourceInfo(source: RowSource): string {
  const { key, offset, element } = source;
  if (source.origin === 'body')
    return JSON.stringify({ row: Number(offset), ...(element === undefined ? {} : { element }) });
  const keyInfo =
    key === null || isUtf8(key)
      ? { key: key === null ? null : key.toString('utf8') }
      : { key_base64: key.toString('base64') };
  return JSON.stringify({
    topic: source.topic,
    partition: source.partition,
    // Offsets beyond 2^53 do not occur in practice, but must not be rounded: then as text.
    offset: offset <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(offset) : String(offset),
    timestamp: source.timestampMs,
    ...(source.element === undefined ? {} : { element: source.element }),
    ...keyInfo,
  });
}

/** COPY of a file of such lines into the table's Parquet form. */
export function rejectedCopySql(
  inputPath: string,
  outputPath: string,
  longestLineBytes: number,
): string {
  return recordsCopySql(rejectedLinesSql(inputPath, longestLineBytes), outputPath);
}

/** SELECT of the records that a file of such lines holds. */
export function rejectedLinesSql(inputPath: string, longestLineBytes: number): string {
  const types = REJECTED_RECORDS_SCHEMA.columns.map(
    ({ name }) => `${quoteLiteral(name)}: '${READ_TYPES[name] ?? 'VARCHAR'}'`,
  );
  return `SELECT ${BYTES_READ} FROM read_json(${quoteLiteral(inputPath)}, format='newline_delimited', columns={${types.join(', ')}}, compression='uncompressed', maximum_object_size=${Math.max(1024 * 1024, longestLineBytes + 16)})`;
}

/** COPY of a SELECT of whole records into the table's Parquet form. */
export function recordsCopySql(recordsSql: string, outputPath: string): string {
  return `COPY (SELECT ${storeSelectList(REJECTED_RECORDS_SCHEMA)} FROM (${recordsSql})) TO ${quoteLiteral(outputPath)} (${parquetCopyOptions(REJECTED_RECORDS_SCHEMA)}, ${OWN_FILE})`;
}

/** COPY of a table of such values (columns `c0`, `c1`, ... in the order of the table's) into its Parquet form. */
export function rejectedTableCopySql(table: string, outputPath: string): string {
  const columns = REJECTED_RECORDS_SCHEMA.columns.map(
    ({ name }, index) =>
      `CAST(c${index} AS ${READ_TYPES[name] ?? 'VARCHAR'}) AS ${quoteIdentifier(name)}`,
  );
  const named = `SELECT ${columns.join(', ')} FROM ${table}`;
  return recordsCopySql(`SELECT ${BYTES_READ} FROM (${named})`, outputPath);
}

/** All columns, those of bytes made of base64. */
const BYTES_READ = `* REPLACE (${REJECTED_RECORDS_SCHEMA.columns
  .filter(({ type }) => type.kind === 'VARBINARY')
  .map(({ name }) => `from_base64(${quoteIdentifier(name)}) AS ${quoteIdentifier(name)}`)
  .join(', ')})`;

/** What is read of the texts; bytes and JSON stay text. */
const READ_TYPES: Readonly<Record<string, string>> = Object.fromEntries(
  REJECTED_RECORDS_SCHEMA.columns.flatMap(({ name, type }) =>
    ['DATETIME', 'BIGINT', 'INT'].includes(type.kind) ? [[name, duckdbType(type)]] : [],
  ),
);
