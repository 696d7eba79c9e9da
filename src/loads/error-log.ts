// Links to the rejected rows of a load (ErrorLogUrls, ErrorURL): whoever has such a link was shown it, so it
// needs no log-in; nobody can guess one. SOURCE: StarRocks, /api/_load_error_log.
import { timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Catalog } from '../catalog/catalog.ts';
import { ERROR_LOG_PATH } from '../model/body-load.ts';
import { REJECTED_RECORDS_TABLE, STATISTICS_DATABASE } from '../model/system-tables.ts';

/** Whose rejected rows a link shows: all of a job's, or one transaction's. */
export interface ErrorLogOf {
  readonly kind: 'job' | 'transaction';
  readonly id: number;
}

/** Most rows that a link shows, the newest; the table has them all. */
export const ERROR_LOG_ROWS = 1_000;

const FILE = /^error_log_(job|transaction)_([0-9a-f]{1,14})_([0-9a-f]{32})$/;

type Tokens = Pick<Catalog, 'token'>;

/** The link, on the FE's HTTP port. */
export function errorLogUrl(
  tokens: Tokens,
  at: { readonly host: string; readonly httpPort: number },
  of: ErrorLogOf,
): string {
  const host = isIPv6(at.host) ? `[${at.host}]` : at.host;
  return errorLogLink(`${host}:${at.httpPort}`, errorLogFile(tokens, of));
}

/** The link on the server of an address as clients write it, `host:port`. */
export function errorLogLink(host: string, file: string): string {
  return `http://${host}${ERROR_LOG_PATH}?file=${file}`;
}

/** What a link names. Nobody can guess it. */
export function errorLogFile(tokens: Tokens, { kind, id }: ErrorLogOf): string {
  const what = `${kind}_${id.toString(16)}`;
  return `error_log_${what}_${tokens.token(`error_log ${what}`)}`;
}

/** What a link's `file` names; null when Millrace never made it. */
export function readErrorLogFile(tokens: Tokens, file: string): ErrorLogOf | null {
  const [, kind, id] = FILE.exec(file) ?? [];
  if (id === undefined || (kind !== 'job' && kind !== 'transaction')) return null;
  const of: ErrorLogOf = { kind, id: Number.parseInt(id, 16) };
  const made = Buffer.from(errorLogFile(tokens, of));
  const given = Buffer.from(file);
  return made.length === given.length && timingSafeEqual(made, given) ? of : null;
}

/** A SELECT of the lines of an error log, newest first. Labels of tasks are `<job>-<job id>-<transaction id>`. */
export function errorLogSql({ kind, id }: ErrorLogOf): string {
  const which =
    kind === 'transaction'
      ? `txn_id = ${id}`
      : `load_type = 'ROUTINE_LOAD' AND regexp_extract(load_label, '-([0-9]+)-[0-9]+$', 1) = '${id}'`;
  return `SELECT concat('Error: ', error_message, '. Row: ', raw_record) FROM ${STATISTICS_DATABASE}.${REJECTED_RECORDS_TABLE} WHERE ${which} ORDER BY created_at DESC, txn_id DESC LIMIT ${ERROR_LOG_ROWS}`;
}
