// Errors of the MySQL protocol.
import { type ErrorRow, row } from './row.ts';

export const MYSQL_ERRORS = {
  // -- mysql protocol
  MYSQL_TOO_MANY_CONNECTIONS: row(
    'retry',
    'Reach limit of connections',
    'close some connections; qe_max_connection is {limit}',
    1040,
    '08004',
  ),
  MYSQL_BAD_HANDSHAKE: row('user', 'Bad handshake: {detail}', '', 1043, '08S01'),
  MYSQL_INSECURE_TRANSPORT: row(
    'user',
    'Connections using insecure transport are prohibited while --require_secure_transport=ON.',
    'switch TLS on in the client; ssl_force_secure_transport in fe.conf asks for it',
    3159,
  ),
  LOCAL_INFILE: row(
    'user',
    'LOAD DATA INFILE is not supported: the server reads no files of its clients, nor its own',
    'use INSERT ... VALUES, or a load: docs/guide lists them',
    3948,
    '42000',
  ),
  MYSQL_INVALID_TEXT: row(
    'user',
    "Invalid utf8mb4 character string: '{bytes}' (hexadecimal) at byte {offset} of the statement",
    "send text as UTF-8, and bytes as X'...' or as parameters",
    1300,
  ),
  MYSQL_UNKNOWN_COMMAND: row('user', 'Unknown command {command}', '', 1047, '08S01'),
  MYSQL_SHUTDOWN: row('retry', 'Server shutdown in progress', '', 1053, '08S01'),
  MYSQL_PACKET_TOO_LARGE: row(
    'user',
    "Got a packet bigger than 'max_allowed_packet' bytes",
    'the limit is {limit} bytes',
    1153,
    '08S01',
  ),
  MYSQL_NO_CURSOR: row('user', 'The statement ({statementId}) has no open cursor.', '', 1421),
  MYSQL_UNKNOWN_STATEMENT: row(
    'user',
    'Unknown prepared statement handler ({statementId}) given to {command}',
    '',
    1243,
  ),
  NOT_PREPARABLE: row(
    'user',
    'This command is not supported in the prepared statement protocol yet',
    '',
    1295,
  ),
  TOO_MANY_PARAMETERS: row('user', 'Prepared statement contains too many placeholders', '', 1390),
  PARAMETER_COUNT: row(
    'user',
    'Incorrect arguments to EXECUTE: the statement has {expected} parameters, {actual} values came',
    '',
    1210,
  ),
  PARAMETER_VALUE: row('user', "Incorrect parameter value: '{value}' is not {type}", '', 1366),
  UNKNOWN_PREPARED: row(
    'user',
    'Unknown prepared statement handler ({name}) given to {command}',
    '',
    1243,
  ),
  TOO_MANY_STATEMENTS: row(
    'user',
    "Can't create more than max_prepared_stmt_count statements (current value: {limit})",
    'close statements that are done with, or SET GLOBAL max_prepared_stmt_count',
    1461,
    '42000',
  ),
  MYSQL_MALFORMED_PACKET: row('user', 'Malformed communication packet: {detail}', '', 1835),
} as const satisfies Record<string, ErrorRow>;
