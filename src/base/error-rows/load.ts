// Errors of loads and their commits.
import { type ErrorRow, row } from './row.ts';

export const LOAD_ERRORS = {
  // -- routine load
  LOAD_TOO_MANY_FILTERED: row(
    'user',
    'too many filtered rows: {filtered} of {rows}, max_filter_ratio is {ratio}. {samples}',
    'the batch was not loaded and the position stays; mend the data or raise max_filter_ratio, then RESUME ROUTINE LOAD',
  ),
  UNKNOWN_JOB: row(
    'user',
    'There is no running job named {job} in database {database}',
    'SHOW ALL ROUTINE LOAD lists the jobs',
  ),
  LOAD_PARSE_ERROR: row(
    'user',
    'Data parse error, {count} messages: {samples}',
    'the batch was not loaded and the position stays (pause_on_fatal_parse_error); mend the data, move the position with ALTER ROUTINE LOAD, or set pause_on_fatal_parse_error to false, then RESUME ROUTINE LOAD',
  ),
  LOAD_SCHEMA_CHANGED: row(
    'retry',
    'messages have fields or values that table {table} has no room for yet',
  ),
  LOAD_SCHEMA_CONFLICT: row(
    'user',
    'the messages no longer fit table {table}: {reason}. What would make it fit: {statement}',
    'nothing of these messages was loaded and the position stays; run the statement, or make it fit another way, then RESUME ROUTINE LOAD',
  ),
  UNKNOWN_ERROR_LOG: row(
    'user',
    'there is no such error log',
    'use the whole link, as ErrorURL of a Stream Load or ErrorLogUrls of SHOW ROUTINE LOAD prints it',
    1064,
    'HY000',
    404,
  ),
  ERROR_LOG_GONE: row(
    'user',
    'the rejected rows of this load are not, or no longer, kept',
    'they are kept for rejected_records_retained_days, unless a REPLAY loads them or their store is full; SHOW LOAD WARNINGS has the first reasons for as long as the label is kept',
    1064,
    'HY000',
    404,
  ),
  JOB_STATE: row('user', 'Could not transform {from} to {to}, job: {job}', ''),
  // -- insert
  INSERT_FILTERED: row(
    'user',
    'Insert has filtered data{mode}, txn_id = {transactionId}, tracking sql = select tracking_log from information_schema.load_tracking_logs where job_id={transactionId}: {filtered} of {rows} rows. {samples}',
    'nothing was inserted; mend the data, or SET enable_insert_strict = false to go on without such rows',
  ),
  INSERT_ABORTED: row(
    'user',
    'INSERT was aborted, txn_id = {transactionId}: {detail}',
    'nothing was inserted; the label can be used again',
  ),
  CHANGE_ABORTED: row(
    'user',
    '{what} was aborted, txn_id = {transactionId}: {detail}',
    'no row was changed',
  ),
  // -- stream load
  // SOURCE: StarRocks FE, beginning of a load and get_load_state.
  BODY_UNKNOWN_DATABASE: row('user', 'unknown database, database={database}'),
  BODY_UNKNOWN_TABLE: row('user', 'unknown table "{table}"'),
  BODY_NO_LABEL: row('user', 'No label selected.'),
  BODY_LOGIN_MISSING: row('user', 'no valid Basic authorization', '', 1045, '28000', 401),
  BODY_CUT: row('user', "receive body don't equal with body bytes"),
  BODY_HEADER_TWICE: row('user', 'the header {header} is there twice'),
  BODY_LENGTH: row(
    'user',
    'body size {sizeBytes} exceed limit: {limitBytes}. You can increase the limit by setting streaming_load_max_mb in be.conf.',
  ),
  BODY_LOADS_LIMIT: row(
    'retry',
    'Stream Load exceed http cuncurrent limit {limit}, please try again later',
  ),
  BODY_SHUTDOWN: row('retry', 'Service is shutting down, please retry later!'),
  BODY_NO_ROWS: row(
    'user',
    'No partitions have data available for loading. If you are sure there may be no data to be loaded, you can use `ADMIN SET FRONTEND CONFIG ("empty_load_as_error" = "false")` to ensure such load jobs can succeed',
  ),
  BODY_LOAD_ABORTED: row(
    'user',
    'the load was aborted, txn_id = {transactionId}: {detail}',
    'nothing was loaded; the label can be used again',
  ),
  FILTER_DEMANDED: row(
    'user',
    '{view} must specify label or job_id',
    'as in WHERE job_id = 10001; TRACKING_SQL of information_schema.loads has the query of a load',
  ),
  UNKNOWN_LABEL: row(
    'user',
    'there is no load of label {label}',
    'labels are kept for label_keep_max_second',
    1064,
    'HY000',
    404,
  ),
  TRANSACTION_FINAL: row('user', "transaction's state is already {state}, could not abort"),
  // -- load pipeline
  LOAD_JSONPATH: row(
    'user',
    "Invalid json path: '{path}' ({detail})",
    'write paths as in ["$.a", "$.b.c", "$.list[0]"]',
  ),
  LOAD_SQL: row('user', 'cannot compile the load of {table}: {detail}', 'check COLUMNS and WHERE'),
  LOAD_ABORTED: row(
    'retry',
    'transaction {transactionId} of the load ended as ABORTED; its messages are read again',
  ),
  TABLE_TOO_MANY_FILES: row(
    'retry',
    'too many small files in table {table}, current/limit: {files}/{limit}: its loads wait for compaction',
    "load larger batches less often; SHOW PROC '/compactions' shows what is being merged",
  ),
  LOAD_SCRATCH_FULL: row(
    'retry',
    'no space left for a batch of {sizeBytes} bytes in {path}',
    'free some space there',
  ),
  // -- commit protocol
  LABEL_ALREADY_EXISTS: row(
    'user',
    'Label [{label}] has already been used, relate to txn [{transactionId}]',
    'use a new label; only the label of a failed load can be used again',
    1064,
    'HY000',
    409,
  ),
  // SOURCE: StarRocks FE, loadTxnBegin and checkRunningTxnExceedLimit: their words.
  TXN_LIMIT_OF_NODE: row(
    'retry',
    'streamload txn num per be exceeds limit, be: {node}, txn_num: {count}, limit: {limit}',
  ),
  TXN_LIMIT_OF_DATABASE: row(
    'retry',
    'current running txns on db {databaseId} is {count}, larger than limit {limit}',
  ),
  UNKNOWN_TRANSACTION: row('user', 'transaction {transactionId} not found', '', 1064, 'HY000', 404),
  TRANSACTION_STATE: row(
    'user',
    'transaction {transactionId} is {state}, it cannot become {wanted}',
    '',
    1064,
    'HY000',
    409,
  ),
  TRANSACTION_ABORTED: row(
    'user',
    'transaction {transactionId} was aborted: {detail}',
    'nothing of it is visible; its label can be used again',
    1064,
    'HY000',
    409,
  ),
  TRANSACTION_EMPTY: row(
    'user',
    'transaction {transactionId} has no load',
    'it was rolled back, and its label can be used again: load into it before it is prepared or committed',
  ),
  TRANSACTION_MIXED: row(
    'user',
    'the loads of table {table} in transaction {transactionId} change {actual} times between whole rows, columns and merge_condition, more than {limit}',
    'send loads of one kind one after the other, or load in several transactions',
  ),
  CONDITION_COLUMN_GONE: row(
    'user',
    'column {column}, which merge_condition named, was dropped before the load was committed',
    'load again without merge_condition, or with a column that the table has',
  ),
  TRANSACTION_BUSY: row(
    'retry',
    'a load of transaction {transactionId} is under way',
    'the loads of a transaction come one after the other: try again when it is over',
    1064,
    'HY000',
    409,
  ),
  // SOURCE: StarRocks, ErrorCode 5303 to 5305 of SQL transactions.
  TRANSACTION_WRITTEN: row(
    'user',
    'NOT allowed to read or write tables that have been subjected to DML operations before: {table}',
    'what a transaction wrote can be read when it is committed; UPDATE and DELETE of a table come before its INSERTs',
    5303,
    '25P01',
  ),
  TRANSACTION_DATABASES: row(
    'user',
    'Cannot execute cross-database transactions. All DML target tables must belong to the same db: {database} and {other}',
    '',
    5304,
    '25P01',
  ),
  TRANSACTION_STATEMENT: row(
    'user',
    'Explicit transaction only support begin/commit/rollback/insert/update/delete/set/select/show statements: {what}',
    'COMMIT or ROLLBACK first',
    5305,
    '25P01',
  ),
  LEASE_LOST: row(
    'retry',
    'task {taskId} lost its lease (epoch {epoch}): another task took its partitions over, or its job ended',
  ),
  LEADER_LOST: row(
    'retry',
    'this front end is no longer the leader (epoch {epoch}, now {current})',
    'another front end took over on the same metadata',
  ),
  POSITION_MISMATCH: row(
    'retry',
    'partition {partition} of topic {topic} stands at offset {stored}, the batch begins at {fromOffset}',
  ),
  COMMIT_REQUEST_INVALID: row(
    'internal',
    'commit of transaction {transactionId} does not add up: {detail}',
  ),
  REJECTED_STORE_FULL: row(
    'user',
    'the store of rejected rows holds {sizeBytes} bytes, the limit is {limitBytes}; the batch with {addedBytes} more was not loaded',
    'look at _statistics_.rejected_records, mend the data or the job, let old rows expire or raise the limit, then RESUME ROUTINE LOAD',
  ),
  VOLUME_TAKEN: row(
    'user',
    "the location of storage volume '{volume}' belongs to another millrace (metadata {found}, ours is {expected})",
    'use another bucket or path; two metadata stores must not share one',
  ),
  TURN_LOST: row('retry', 'the turn on table {tableId} was lost by {holder}'),
  RESOLVE_FAILED: row(
    'retry',
    'the keys of a batch for table {tableId} could not be looked up: {detail}',
    'nothing is lost; it is tried again',
  ),
  RESOLVE_STALE: row(
    'retry',
    'table {tableId} changed while a change of it was being worked out: {detail}',
    'nothing is lost; it is worked out anew',
  ),
  SMALL_FILE_EXISTS: row('user', 'File {file} already exist'),
  SMALL_FILE_MISSING: row(
    'user',
    "no file '{file}' in the catalog kafka of the job's database",
    'SHOW FILE lists those there are; CREATE FILE makes one',
  ),
  SMALL_FILE_IN_USE: row(
    'user',
    "file '{file}' cannot be dropped: Routine Load '{job}' names it",
    'STOP the job, or ALTER it to name another file, first',
  ),
  SMALL_FILE_FETCH: row(
    'user',
    'Failed to download file from url: {url}, {reason}',
    'a file of CREATE FILE has 1 byte to max_small_file_size_bytes',
  ),
  COMPACTION_STALE: row(
    'retry',
    'compaction of table {tableId}: {detail}',
    'nothing is lost; it is planned anew',
  ),
} as const satisfies Record<string, ErrorRow>;
