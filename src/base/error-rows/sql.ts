// Errors of names and statements that clients send.
import { type ErrorRow, row } from './row.ts';

export const SQL_ERRORS = {
  // -- doors
  ACCESS_DENIED: row(
    'user',
    "Access denied for user '{user}'@'{host}' (using password: {usingPassword})",
    '',
    1045,
    '28000',
    401,
  ),
  NOT_AUTHORIZED: row(
    'user',
    'Access denied; you need (at least one of) the {privileges} privilege(s) on {object} for this operation. Please ask the admin to grant permission(s) or try activating existing roles using <set [default] role>. Current role(s): {active}. Inactivated role(s): {inactive}.',
    '',
    5203,
    '42000',
    403,
  ),
  USER_GONE: row(
    'user',
    'Access denied for user {user}: the user was dropped',
    'connect as another user',
    1045,
    '28000',
    401,
  ),
  TOO_MANY_LOGIN_FAILURES: row(
    'retry',
    "Access denied for user '{user}'@'{host}': too many failed log-ins, others wait already",
    'try again in a few seconds',
    1045,
    '28000',
    429,
  ),
  BAD_PASSWORD_HASH: row(
    'user',
    'Password hash should be a {digits}-digit hexadecimal number',
    '',
    5201,
    'HY000',
  ),
  TOO_MANY_USER_CONNECTIONS: row(
    'retry',
    "User {user} already has more than 'max_user_connections' active connections",
    'the limit is {limit}: see SHOW PROPERTY',
    1203,
    '42000',
    429,
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
  TASK_EXISTS: row(
    'user',
    'Task {task} already exists',
    'DROP TASK {task}, or choose another name',
  ),
  UNKNOWN_TASK: row('user', 'Task {task} does not exist', 'SHOW TASKS lists them'),
  UNKNOWN_VARIABLE: row(
    'user',
    "Unknown system variable '{name}', the most similar variables are {{nearest}}",
    'SHOW VARIABLES lists them',
    1193,
  ),
  STATEMENT_NOT_YET: row('user', '{what} is not supported yet', '{instead}'),
  STATEMENT_OUT_OF_SCOPE: row(
    'user',
    '{what} is not supported: it is out of scope of Millrace',
    '{instead}',
  ),
  VIEW_INVALID: row(
    'user',
    "View '{view}' references invalid table(s) or column(s) or function(s): {detail}",
    'mend what it reads, or ALTER VIEW',
  ),
  NOT_A_TABLE: row('user', "'{name}' is a view, not a table", 'use the statement for views'),
  NOT_A_VIEW: row('user', "'{name}' is not a view", 'DROP TABLE drops tables', 1347, 'HY000'),
  SQL_SYNTAX: row(
    'user',
    'Getting syntax error at line {line}, column {column}. Detail message: {detail}.',
  ),
  SQL_ANALYZE: row('user', 'Getting analyzing error. Detail message: {detail}.'),
  SQL_ANALYZE_AT: row(
    'user',
    'Getting analyzing error at line {line}, column {column}. Detail message: {detail}.',
  ),
  // SOURCE: StarRocks' assertion on the rows of a subquery used as a value.
  SUBQUERY_ROWS: row(
    'user',
    'Expected LE 1 to be returned by expression: a subquery used as a value gave more than one row',
    'add LIMIT 1, or an aggregate such as max()',
  ),
} as const satisfies Record<string, ErrorRow>;
