// The one table of errors. Every failure a user can see has a row here; doors (MySQL, HTTP, CLI)
// translate rows, nothing else. Codes are never renamed or reused. Docs are generated from it.

/** What a job or a caller may do about an error: `user` = a person must act, `retry` = try again, `internal` = a bug. */
export type ErrorKind = 'user' | 'retry' | 'internal';

export interface ErrorRow {
  readonly mysqlErrno: number;
  readonly sqlState: string;
  readonly httpStatus: number;
  readonly kind: ErrorKind;
  /** Message with `{field}` placeholders. */
  readonly message: string;
  /** One line: how to fix it. May be empty where the message says it. */
  readonly hint: string;
}

const row = (
  kind: ErrorKind,
  message: string,
  hint = '',
  mysqlErrno = 1064,
  sqlState = 'HY000',
  httpStatus = kind === 'user' ? 400 : kind === 'retry' ? 503 : 500,
): ErrorRow => ({ mysqlErrno, sqlState, httpStatus, kind, message, hint });

export const ERRORS = {
  // -- general
  INTERNAL: row(
    'internal',
    'internal error: {detail}',
    'please report this with the log lines around it',
    1105,
  ),
  NOT_SUPPORTED: row('user', '{what} is not supported', '{hint}'),
  CANCELLED: row('user', 'Query execution was interrupted', '', 1317, '70100'),
  TIMEOUT: row('retry', '{what} took longer than {timeoutMs} ms', '{hint}', 1205),
  LIMIT_EXCEEDED: row('user', '{what} is {actual}, more than the limit of {limit}', '{hint}'),
  // -- processes
  PEER_GONE: row(
    'retry',
    '{peer} is not reachable: its process ended',
    'it is started again by itself; try again',
    1105,
  ),
  // -- doors
  ACCESS_DENIED: row(
    'user',
    "Access denied for user '{user}'@'{host}' (using password: {usingPassword})",
    '',
    1045,
    '28000',
    401,
  ),
  UNKNOWN_DATABASE: row(
    'user',
    "Unknown database '{database}'",
    'SHOW DATABASES lists what exists',
    1049,
    '42000',
    404,
  ),
  NO_DATABASE: row(
    'user',
    'No database selected',
    'USE a database first, or write database.table',
    1046,
    '3D000',
  ),
  UNKNOWN_TABLE: row(
    'user',
    "Getting analyzing error. Detail message: Unknown table '{table}'.",
    'SHOW TABLES lists what exists',
    5502,
    '42S02',
    404,
  ),
  UNKNOWN_CONNECTION: row('user', 'Unknown thread id: {id}', 'SHOW PROCESSLIST lists them', 1094),
  // -- sql
  SQL_SYNTAX: row(
    'user',
    'Getting syntax error at line {line}, column {column}. Detail message: {detail}.',
  ),
  SQL_ANALYZE: row('user', 'Getting analyzing error. Detail message: {detail}.'),
  SQL_ANALYZE_AT: row(
    'user',
    'Getting analyzing error at line {line}, column {column}. Detail message: {detail}.',
  ),
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
  JOB_STATE: row('user', 'Could not transform {from} to {to}, job: {job}', ''),
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
  LOAD_SCRATCH_FULL: row(
    'retry',
    'no space left for a batch of {sizeBytes} bytes in {path}',
    'free some space there',
  ),
  // -- start and configuration
  CONFIG_INVALID: row('user', '{where}: {detail}', '{hint}'),
  PORT_IN_USE: row(
    'user',
    '{what} port {port} is already in use',
    'stop the other program, or choose another port with {option} (0 = any free one)',
  ),
  CANNOT_LISTEN: row(
    'user',
    'cannot listen for {what} on {host} port {port}: {detail}',
    'choose a free port above 1023, and an address of this machine for bind_host',
  ),
  DATA_DIR_LOCKED: row(
    'user',
    'data directory {dataDir} is in use by another millrace process (pid {pid})',
    'stop that process, or start with another --data-dir',
  ),
  DISK_FULL: row(
    'user',
    'no space left on the disk that holds {path}',
    'free some space, then start or RESUME again; nothing acknowledged is lost',
  ),
  // -- kafka protocol and embedded broker
  KAFKA_MALFORMED: row(
    'retry',
    'malformed Kafka message: {detail}',
    'is the other side really a Kafka broker or client, and is TLS on or off on both sides?',
  ),
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
  // -- engine
  ENGINE_OUT_OF_MEMORY: row(
    'user',
    'the query needs more memory or spill space than it may have: {detail}',
    'narrow the query, or give the node more memory',
    1064,
  ),
  ENGINE_VALUE: row('user', '{detail}', ''),
  ENGINE_BUSY: row(
    'retry',
    'too many statements wait for the engine ({waiting})',
    'try again when some have ended',
    1203,
  ),
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
  UNKNOWN_VOLUME: row(
    'user',
    "Unknown storage volume '{volume}'",
    'SHOW STORAGE VOLUMES lists what exists',
    1064,
    'HY000',
    404,
  ),
  VOLUME_EXISTS: row('user', "Storage volume '{volume}' already exists", '', 1064, 'HY000', 409),
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
  // -- commit protocol
  LABEL_ALREADY_EXISTS: row(
    'user',
    'Label [{label}] has already been used, relate to txn [{transactionId}]',
    'use a new label; only the label of a failed load can be used again',
    1064,
    'HY000',
    409,
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
  COMPACTION_STALE: row(
    'retry',
    'compaction of table {tableId}: {detail}',
    'nothing is lost; it is planned anew',
  ),
  // -- kafka client and record batches, compression
  COMPRESSED_DATA_CORRUPT: row('user', '{codec} data does not expand: {detail}'),
  KAFKA_UNREACHABLE: row(
    'retry',
    'cannot reach Kafka at {brokers}: {reason}',
    'check the address, the network, security.protocol and that the broker runs',
  ),
  KAFKA_CONNECTION_LOST: row(
    'retry',
    'connection to Kafka broker {broker} was lost: {reason}',
    'where this happens at every try, check security.protocol',
  ),
  KAFKA_TIMEOUT: row('retry', 'Kafka broker {broker} did not answer {api} within {timeoutMs} ms'),
  KAFKA_TLS: row(
    'user',
    'TLS to Kafka broker {broker} failed: {reason}',
    'check security.protocol, ssl.ca.location and the client certificate',
  ),
  KAFKA_NOT_A_BROKER: row(
    'user',
    'what answers at {broker} does not speak the Kafka protocol as configured: {reason}',
    'check the port and security.protocol (PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL)',
  ),
  KAFKA_AUTHENTICATION: row(
    'user',
    "Kafka broker {broker} refused user '{user}' ({mechanism}): {reason}",
    'check sasl.mechanism, sasl.username and sasl.password',
  ),
  KAFKA_AUTHORIZATION: row(
    'user',
    'Kafka does not allow {operation} on {resource}',
    'grant it to the user that the job connects as',
  ),
  KAFKA_UNSUPPORTED_BROKER: row(
    'user',
    'Kafka broker {broker} serves {api} versions {brokerRange}, needed is one of {neededRange}',
    'Kafka 2.4 or newer is needed',
  ),
  KAFKA_PROPERTY_UNKNOWN: row('user', "unknown Kafka property '{name}'", 'known are: {known}'),
  KAFKA_PROPERTY_INVALID: row('user', "Kafka property '{name}' is '{value}', expected {expected}"),
  KAFKA_PROPERTY_CONFLICT: row('user', 'Kafka properties do not fit together: {detail}'),
  KAFKA_UNKNOWN_TOPIC: row(
    'user',
    "Kafka topic '{topic}' does not exist",
    'create it, or correct the name',
  ),
  KAFKA_UNKNOWN_PARTITION: row(
    'user',
    "Kafka topic '{topic}' has no partition {partition}: it has {partitionCount}",
  ),
  KAFKA_TOPIC_RECREATED: row(
    'user',
    "Kafka topic '{topic}' was deleted and created again (id {oldId}, now {newId})",
    'its offsets begin anew: set the offsets to start from, or create the job again',
  ),
  KAFKA_OFFSET_OUT_OF_RANGE: row(
    'user',
    "offset {offset} of Kafka topic '{topic}' partition {partition} is out of range: the partition holds {logStart} to {logEnd}",
    'the messages were removed by retention, or the topic was recreated; set the offsets to go on from',
  ),
  KAFKA_CORRUPT_MESSAGE: row(
    'retry',
    "Kafka topic '{topic}' partition {partition}: record batch at offset {offset} is corrupt: {detail}",
  ),
  KAFKA_MALFORMED_BATCH: row(
    'user',
    "Kafka topic '{topic}' partition {partition}: record batch at offset {offset} cannot be read: {detail}",
    'skip it by setting the offset after it',
  ),
  KAFKA_MALFORMED_HEADERS: row('user', 'the headers of a Kafka record cannot be read: {detail}'),
  KAFKA_UNSUPPORTED_FORMAT: row(
    'user',
    "Kafka topic '{topic}' partition {partition}: record batch at offset {offset} has {what}, which is not supported",
    'message format v2 (Kafka 0.11 and newer) with gzip, snappy, lz4 or zstd is',
  ),
  KAFKA_LEADER_CHANGED: row(
    'retry',
    "Kafka topic '{topic}' partition {partition} changes its leader: {reason}",
  ),
  KAFKA_BROKER_BUSY: row('retry', 'Kafka broker {broker} answered {api} with {error}'),
  KAFKA_REQUEST_REFUSED: row('user', 'Kafka broker {broker} refused {api}: {error}'),
  // -- mysql protocol
  MYSQL_TOO_MANY_CONNECTIONS: row(
    'retry',
    'Too many connections',
    'close some connections; the limit is {limit}',
    1040,
    '08004',
  ),
  MYSQL_BAD_HANDSHAKE: row('user', 'Bad handshake: {detail}', '', 1043, '08S01'),
  MYSQL_UNKNOWN_COMMAND: row('user', 'Unknown command {command}', '', 1047, '08S01'),
  MYSQL_SHUTDOWN: row('retry', 'Server shutdown in progress', '', 1053, '08S01'),
  MYSQL_PACKET_TOO_LARGE: row(
    'user',
    "Got a packet bigger than 'max_allowed_packet' bytes",
    'the limit is {limit} bytes',
    1153,
    '08S01',
  ),
  MYSQL_UNKNOWN_STATEMENT: row(
    'user',
    'Unknown prepared statement handler ({statementId}) given to {command}',
    '',
    1243,
  ),
  MYSQL_MALFORMED_PACKET: row('user', 'Malformed communication packet: {detail}', '', 1835),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;
export type ErrorFields = Readonly<Record<string, string | number | bigint | boolean>>;

/** The only error class that crosses a module border on purpose. `message` is already rendered. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, fields: ErrorFields, cause?: unknown) {
    super(render(ERRORS[code].message, fields), cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
    this.fields = fields;
  }

  get row(): ErrorRow {
    return ERRORS[this.code];
  }
  get kind(): ErrorKind {
    return this.row.kind;
  }
  /** The hint with its fields filled in, '' when there is none. */
  get hint(): string {
    return render(this.row.hint, this.fields);
  }
  /** Message and hint in one line, for doors that show one text. */
  get fullMessage(): string {
    return this.hint === '' ? this.message : `${this.message} (${this.hint})`;
  }
}

/** Makes an AppError; use as `throw fail('CODE', {...})`. */
export function fail(code: ErrorCode, fields: ErrorFields = {}, cause?: unknown): AppError {
  return new AppError(code, fields, cause);
}

/** Any thrown value as an AppError: our own unchanged, everything else as INTERNAL with its text. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new AppError('INTERNAL', { detail }, thrown);
}

function render(template: string, fields: ErrorFields): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = fields[name];
    return value === undefined ? (name === 'hint' ? '' : whole) : String(value);
  });
}

/** Plain-data form that crosses processes; `decodeError` restores it. */
export interface WireError {
  readonly code: ErrorCode;
  readonly fields: ErrorFields;
  readonly stack: string;
}

export function encodeError(thrown: unknown): WireError {
  const error = toAppError(thrown);
  const cause = error.cause instanceof Error ? error.cause.stack : undefined;
  return { code: error.code, fields: error.fields, stack: cause ?? error.stack ?? '' };
}

export function decodeError(wire: WireError): AppError {
  const error = new AppError(wire.code in ERRORS ? wire.code : 'INTERNAL', wire.fields);
  error.stack = `${error.message}\n  (in another process) ${wire.stack}`;
  return error;
}
