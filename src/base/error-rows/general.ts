// Errors of processes, configuration and the engine.
import { type ErrorRow, row } from './row.ts';

export const GENERAL_ERRORS = {
  // -- general
  INTERNAL: row(
    'internal',
    'internal error: {detail}',
    'please report this with the log lines around it',
    1105,
  ),
  NOT_SUPPORTED: row('user', '{what} is not supported', '{hint}'),
  CANCELLED: row('user', 'Query execution was interrupted', '', 1317, '70100'),
  CLIENT_GONE: row('user', 'the client closed the connection', '', 1317, '70100'),
  TIMEOUT: row('retry', '{what} took longer than {timeoutMs} ms', '{hint}', 1205),
  LIMIT_EXCEEDED: row('user', '{what} is {actual}, more than the limit of {limit}', '{hint}'),
  // -- processes
  PEER_GONE: row(
    'retry',
    '{peer} is not reachable: its process ended',
    'it is started again by itself; try again',
    1105,
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
} as const satisfies Record<string, ErrorRow>;
