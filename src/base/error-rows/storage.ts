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
  OBJECT_SIZE_MISMATCH: row(
    'retry',
    'object {key} has {actual} bytes, {expected} were expected',
    'the transfer was cut short, or the object was changed from outside',
  ),
} as const satisfies Record<string, ErrorRow>;
