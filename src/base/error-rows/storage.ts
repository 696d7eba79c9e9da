// Errors of object stores and volumes.
import { type ErrorRow, row } from './row.ts';

export const STORAGE_ERRORS = {
  // -- storage
  STORAGE_ACCESS: row('user', 'cannot use storage {where}: {step} failed: {detail}', '{hint}'),
  STORAGE_UNAVAILABLE: row(
    'retry',
    'storage {where} did not answer in order: {step} failed: {detail}',
    'it is tried again; check that the endpoint is up and not overloaded',
  ),
  STORAGE_LOCATION: row('user', "invalid location '{location}': {detail}"),
  STORAGE_PROPERTY: row('user', "storage volume property '{key}' {detail}"),
  OBJECT_NOT_FOUND: row(
    'retry',
    'object {key} is not in storage {where}',
    'it was removed, or never written; a query that began long ago meets this after its file was compacted',
    1064,
    'HY000',
    404,
  ),
  DATA_FILE_UNREADABLE: row(
    'user',
    'a file of {table} cannot be read: {detail} ({where})',
    'other tables are not affected; CHECK TABLE {table} EXTENDED lists what is damaged; put the object back from a backup, or go back to a version without it with ALTER TABLE {table} ROLLBACK',
    1064,
    'HY000',
    500,
  ),
  CACHE_DISK_FULL: row(
    'retry',
    'the disk of the cache {path} is full: {sizeBytes} bytes are needed for one file',
    'free some space, or lower cache_max_bytes in cn.conf below what the disk has',
  ),
  OBJECT_SIZE_MISMATCH: row(
    'retry',
    'object {key} has {actual} bytes, {expected} were expected',
    'the transfer was cut short, or the object was changed from outside',
  ),
} as const satisfies Record<string, ErrorRow>;
