// Object keys of data files, in one place: the loader makes them, the sweep reads them back. The
// transaction's id is in the path, so that a file without a metadata row still says whose it was.
import { assert } from '../base/assert.ts';
import { asId, type TransactionId } from '../base/ids.ts';

/** The key of one data file: `<prefix>/t<transactionId>/<uuid>.parquet`. `prefix` has no slash at its end. */
export function dataFileKey(prefix: string, transactionId: TransactionId, uuid: string): string {
  assert(prefix !== '' && !prefix.endsWith('/') && !prefix.startsWith('/'), 'a bare key prefix');
  assert(Number.isSafeInteger(transactionId) && transactionId > 0, 'a transaction id');
  return `${prefix}/t${transactionId}/${uuid}.parquet`;
}

/** The key of a position-delete object beside the data files: `<prefix>/t<transactionId>/<uuid>-deletes.parquet`. */
export function deleteFileKey(prefix: string, transactionId: TransactionId, uuid: string): string {
  return dataFileKey(prefix, transactionId, uuid).replace(/\.parquet$/, '-deletes.parquet');
}

/** The key of a staged list of keys to delete, which never becomes part of a table: `...-keys.parquet`. */
export function keyFileKey(prefix: string, transactionId: TransactionId, uuid: string): string {
  return dataFileKey(prefix, transactionId, uuid).replace(/\.parquet$/, '-keys.parquet');
}

/** The key of staged rows that depend on older ones, which never become part of the table: `...-rows.parquet`. */
export function draftFileKey(prefix: string, transactionId: TransactionId, uuid: string): string {
  return dataFileKey(prefix, transactionId, uuid).replace(/\.parquet$/, '-rows.parquet');
}

/** A name stays well below what file systems take (255 bytes). */
const MAX_FIELDS_LENGTH = 120;

/**
 * The key of a data file in which each key of an AGGREGATE KEY table has one row: `...-merged-1-2.parquet`, by the field
 * ids of the key columns. What is in a file never changes, so that its name can say it. With very many keys it does not.
 */
export function mergedFileKey(
  prefix: string,
  transactionId: TransactionId,
  uuid: string,
  keys: readonly number[],
): string {
  const plain = dataFileKey(prefix, transactionId, uuid);
  const fields = keys.join('-');
  if (keys.length === 0 || fields.length > MAX_FIELDS_LENGTH) return plain;
  return plain.replace(/\.parquet$/, `-merged-${fields}.parquet`);
}

/** By which columns each key has one row in the file; null = it may have several. */
export function mergedKeysOf(key: string): readonly number[] | null {
  const fields = /-merged-(\d+(?:-\d+)*)\.parquet$/.exec(key)?.[1];
  return fields === undefined ? null : fields.split('-').map(Number);
}

/** The key of an object with newer values of some columns, beside the data files: `...-overlay.parquet`. */
export function overlayFileKey(prefix: string, transactionId: TransactionId, uuid: string): string {
  return dataFileKey(prefix, transactionId, uuid).replace(/\.parquet$/, '-overlay.parquet');
}

/** What the keys of all files of a transaction below a table's prefix begin with. */
export function transactionPrefix(prefix: string, transactionId: TransactionId): string {
  return `${prefix}/t${transactionId}/`;
}

/** The transaction that a file's key names, null when the key is no file of ours. */
export function transactionOfKey(key: string): TransactionId | null {
  const match =
    /\/t([1-9]\d{0,15})\/[0-9a-f-]{36}(?:-deletes|-keys|-rows|-overlay|-merged-[\d-]+)?\.parquet$/.exec(
      key,
    );
  return match === null ? null : asId<TransactionId>(Number(match[1]));
}

/**
 * The key prefix of a new table's files: `<database>/<table>-<id>/data`. Characters that object
 * stores or shells dislike become `_`; the id keeps prefixes apart.
 */
export function tablePrefix(databaseName: string, tableName: string, tableId: number): string {
  const plain = (name: string): string => name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 64);
  return `${plain(databaseName)}/${plain(tableName)}-${tableId}/data`;
}
