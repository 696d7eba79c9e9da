// Tables that Millrace itself keeps in database `_statistics_`, defined once as data: the catalog
// creates them from this, the pipeline writes their files, queries read them like any other table.
import { asId, type FieldId } from '../base/ids.ts';
import { MAX_VARCHAR_LENGTH, type SqlType } from './sql-type.ts';
import type { ColumnSchema, TableSchema } from './table.ts';

/** Database of the system tables (SOURCE: StarRocks, `_statistics_`). */
export const STATISTICS_DATABASE = '_statistics_';
/** The queryable store of rejected rows (SOURCE: StarRocks main 2026, `_statistics_.rejected_records`). */
export const REJECTED_RECORDS_TABLE = 'rejected_records';

const NAME: SqlType = { kind: 'VARCHAR', length: 1024 };
const TEXT: SqlType = { kind: 'VARCHAR', length: MAX_VARCHAR_LENGTH };
const BYTES: SqlType = { kind: 'VARBINARY', length: MAX_VARCHAR_LENGTH };

function columns(
  rows: readonly (readonly [name: string, type: SqlType, nullable: boolean, comment: string])[],
): readonly ColumnSchema[] {
  return rows.map(([name, type, nullable, comment], index) => ({
    fieldId: asId<FieldId>(index + 1),
    name,
    type,
    nullable,
    isKey: index === 0,
    defaultValue: null,
    comment,
  }));
}

/**
 * Schema of `_statistics_.rejected_records`. `created_at` is UTC. `raw_record` is the row as JSON: the
 * row itself when it is an object, else `{"_raw": text}` or, for bytes that are not UTF-8 and for Avro,
 * `{"_raw_base64": ...}` (with the row as JSON in `_row` where it could be decoded); of a row of a message above 1 MiB
 * the start, with `_raw_size`. `source_info` is JSON with topic, partition, offset, timestamp and key
 * (`key_base64` when the key is not UTF-8). Partition and offset say which message; several rows of
 * one message share them.
 *
 * What follows is ours, NULL for rows of INSERT and UPDATE and for records of versions that did not keep it: the
 * message, for REPLAY. Its value is kept once for each message of a transaction, with the first of its rows that was
 * rejected (`message_kept` > 0), and cut where it is larger than `rejected_message_max_bytes` (`message_kept` <
 * `message_size`). `row_start` and `row_end` say which bytes of the value the row is made of,
 * `row_element` which of the rows that an UNNEST made of them. `replayed_at` says that
 * REPLAY loaded the row; one that failed again has its new error and no `replayed_at`.
 */
export const REJECTED_RECORDS_SCHEMA: TableSchema = {
  keysType: 'DUP_KEYS',
  columns: columns([
    ['created_at', { kind: 'DATETIME' }, false, 'when the row was rejected, UTC'],
    ['raw_record', { kind: 'JSON' }, true, 'the row as it came'],
    ['error_code', NAME, false, 'PARSE_ERROR, NULL_VALUE, VALUE_OUT_OF_RANGE, ...'],
    ['error_message', TEXT, false, 'what is wrong with it'],
    ['error_column', NAME, true, 'the column, where one is to blame'],
    ['load_label', NAME, false, 'label of the transaction'],
    ['load_type', NAME, false, 'ROUTINE_LOAD'],
    ['txn_id', { kind: 'BIGINT' }, false, 'transaction that skipped the row'],
    ['user_name', NAME, false, 'owner of the load'],
    ['target_database', NAME, false, 'database of the target table'],
    ['target_table', NAME, false, 'target table'],
    ['source_info', { kind: 'JSON' }, false, 'where the row came from'],
    ['job_id', { kind: 'BIGINT' }, true, 'the Routine Load job'],
    ['message_topic', NAME, true, 'topic of the message'],
    ['message_partition', { kind: 'INT' }, true, 'its partition'],
    ['message_offset', { kind: 'BIGINT' }, true, 'its offset'],
    ['message_timestamp', { kind: 'DATETIME' }, true, 'its time, UTC'],
    ['message_key', BYTES, true, 'the bytes of its key'],
    ['message_headers', { kind: 'JSON' }, true, 'a list of its headers, each with name and value'],
    ['message_value', BYTES, true, 'the bytes of its value, with the first rejected row of it'],
    ['message_kept', { kind: 'INT' }, true, 'how many bytes of the value are kept here'],
    ['message_size', { kind: 'INT' }, true, 'how many bytes the value has'],
    ['row_start', { kind: 'INT' }, true, 'first byte of the row in the value'],
    ['row_end', { kind: 'INT' }, true, 'the byte behind the row'],
    ['row_element', { kind: 'INT' }, true, 'its place among the rows of an UNNEST'],
    ['replayed_at', { kind: 'DATETIME' }, true, 'when REPLAY loaded it, UTC'],
    ['replay_txn_id', { kind: 'BIGINT' }, true, 'transaction of its last REPLAY'],
    ['replays', { kind: 'INT' }, true, 'how often it was replayed'],
  ]),
};
