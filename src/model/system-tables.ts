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
 * `{"_raw_base64": ...}` (with the row as JSON in `_row` where it could be decoded). `source_info` is JSON with topic, partition, offset, timestamp and key
 * (`key_base64` when the key is not UTF-8). Partition and offset say which message; several rows of
 * one message share them.
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
  ]),
};
