// What one row of the error table says, and how rows are written.

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

/** One row; the number, state and status follow the kind unless they are given. */
export const row = (
  kind: ErrorKind,
  message: string,
  hint = '',
  mysqlErrno = 1064,
  sqlState = 'HY000',
  httpStatus = kind === 'user' ? 400 : kind === 'retry' ? 503 : 500,
): ErrorRow => ({ mysqlErrno, sqlState, httpStatus, kind, message, hint });
