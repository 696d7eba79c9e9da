// Errors of the MySQL protocol.
import { type ErrorRow, row } from './row.ts';

export const MYSQL_ERRORS = {
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
