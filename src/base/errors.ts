// The one table of errors. Every failure a user can see has a row here; doors (MySQL, HTTP, CLI)
// translate rows, nothing else. Codes are never renamed or reused. Docs are generated from it.

import { BODY_ERRORS } from './error-rows/body.ts';
import { CATALOG_ERRORS } from './error-rows/catalog.ts';
import { GENERAL_ERRORS } from './error-rows/general.ts';
import { KAFKA_ERRORS } from './error-rows/kafka.ts';
import { LOAD_ERRORS } from './error-rows/load.ts';
import { MYSQL_ERRORS } from './error-rows/mysql.ts';
import { REGISTRY_ERRORS } from './error-rows/registry.ts';
import type { ErrorKind, ErrorRow } from './error-rows/row.ts';
import { SQL_ERRORS } from './error-rows/sql.ts';
import { STORAGE_ERRORS } from './error-rows/storage.ts';

export type { ErrorKind, ErrorRow } from './error-rows/row.ts';

export const ERRORS = {
  ...GENERAL_ERRORS,
  ...SQL_ERRORS,
  ...BODY_ERRORS,
  ...LOAD_ERRORS,
  ...KAFKA_ERRORS,
  ...REGISTRY_ERRORS,
  ...STORAGE_ERRORS,
  ...CATALOG_ERRORS,
  ...MYSQL_ERRORS,
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
