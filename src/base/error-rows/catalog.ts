// Errors of the metadata.
import { type ErrorRow, row } from './row.ts';

export const CATALOG_ERRORS = {
  // -- catalog: names and metadata
  DATABASE_EXISTS: row(
    'user',
    "Can't create database '{database}'; database exists",
    '',
    1007,
    'HY000',
    409,
  ),
  DATABASE_DOES_NOT_EXIST: row(
    'user',
    "Can't drop database '{database}'; database doesn't exist",
    'SHOW DATABASES lists what exists',
    1008,
    'HY000',
    404,
  ),
  TABLE_EXISTS: row('user', "Table '{table}' already exists", '', 1050, '42S01', 409),
  SYSTEM_OBJECT: row(
    'user',
    "{what} '{name}' is built in and cannot be changed",
    '',
    1044,
    '42000',
    403,
  ),
  NOT_IN_RECYCLE_BIN: row(
    'user',
    "There is no dropped {what} '{name}' that can be recovered",
    'information_schema.recyclebin_catalogs lists what can; catalog_trash_expire_second says for how long',
    1064,
    'HY000',
    404,
  ),
  UNKNOWN_VERSION: row(
    'user',
    "Table '{table}' has no version {version}: {oldest} to {head} are kept",
    'SHOW SNAPSHOTS FROM {table} lists them; the table property version_retention_second says for how long',
    1064,
    'HY000',
    404,
  ),
  NO_VERSION_THEN: row(
    'user',
    "Table '{table}' has no version of {time}: it is no longer kept, or the table is younger",
    'SHOW SNAPSHOTS FROM {table} lists those that are kept',
    1064,
    'HY000',
    404,
  ),
  UNKNOWN_VOLUME: row(
    'user',
    "Unknown storage volume '{volume}'",
    'SHOW STORAGE VOLUMES lists what exists',
    1064,
    'HY000',
    404,
  ),
  VOLUME_EXISTS: row('user', "Storage volume '{volume}' already exists", '', 1064, 'HY000', 409),
  PARTITION_EXISTS: row('user', 'Duplicate partition name: {partition}'),
  ALTER_RUNNING: row(
    'user',
    'Table {table} is under SCHEMA_CHANGE: one change of its columns at a time',
    'SHOW ALTER TABLE COLUMN shows how far it is, CANCEL ALTER TABLE COLUMN FROM {table} ends it',
  ),
  ALTER_VALUE: row(
    'user',
    "column {column}: the value '{value}' cannot be changed from {from} to {to}",
    'change or delete the rows that have such values, then ALTER TABLE again',
  ),
  TABLE_REWRITTEN: row(
    'retry',
    'The columns of table {table} were changed meanwhile, and its files written anew',
    'run it again',
  ),
  VERSION_REWRITTEN: row(
    'user',
    '{what} of table {table} cannot come back: its files are of before version {version}, at which values of columns were written anew',
    'SELECT ... FOR VERSION AS OF still reads it: INSERT INTO ... SELECT with a CAST',
  ),
  PARTITION_OVERLAPS: row(
    'user',
    'Partition {partition} cannot come back: partition {other} has some of its values by now',
    'SELECT ... FOR VERSION AS OF still reads it; or DROP PARTITION {other} first',
  ),
  PARTITION_GONE: row(
    'retry',
    'A partition of table {table} that rows were made for was dropped meanwhile',
    'run it again',
  ),
  VOLUME_IN_USE: row('user', "Storage volume '{volume}' cannot be dropped: {detail}"),
  VOLUME_DISABLED: row(
    'user',
    "Storage volume '{volume}' is disabled",
    'ALTER STORAGE VOLUME {volume} SET ("enabled" = "true")',
  ),
  NO_DEFAULT_VOLUME: row(
    'user',
    'The default storage volume does not exist',
    'CREATE STORAGE VOLUME, then SET <name> AS DEFAULT STORAGE VOLUME',
  ),
  JOB_NAME_USED: row('user', 'Name {job} already used in db {database}'),
  UNKNOWN_LOAD_JOB: row('user', 'There is no running routine load job {job}'),
  DATA_DIR_UNUSABLE: row(
    'user',
    'data directory {dataDir} cannot be used: {detail}',
    'choose another with --data-dir, or mend its permissions',
  ),
  METADATA_TOO_NEW: row(
    'user',
    'the metadata in {path} has schema {found}, this version knows up to {known}',
    'start the newer version of millrace that wrote it',
  ),
  METADATA_DAMAGED: row(
    'user',
    'the metadata in {path} cannot be read: {detail}',
    'restore the data directory from a backup, or start with another --data-dir',
  ),
  METADATA_UNAVAILABLE: row('retry', 'the metadata store does not answer: {detail}'),
  METADATA_KEY_MISSING: row(
    'user',
    'the key file {path} is missing, but the metadata beside it holds encrypted secrets',
    'put the key file back from your backup',
  ),
  METADATA_KEY_WRONG: row(
    'user',
    'the key file {path} does not fit the metadata beside it',
    'put back the key file that was made with this data directory',
  ),
} as const satisfies Record<string, ErrorRow>;
