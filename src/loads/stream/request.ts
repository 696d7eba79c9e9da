// What the request of a load with a body says, checked as far as its headers and its table tell: shared by Stream Load
// and its transactions.
import type { AccessControl } from '../../access/access-control.ts';
import type { Principal } from '../../access/access-view.ts';
import type { Clock } from '../../base/clock.ts';
import { fail } from '../../base/errors.ts';
import type { TransactionId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Catalog, DatabaseRecord } from '../../catalog/catalog.ts';
import type { RequestHead } from '../../model/body-load.ts';
import type { TableInfo } from '../../model/table.ts';
import { defineStreamLoad, type StreamLoadDefinition } from './definition.ts';
import type { BodyLimits } from './plan.ts';
import { STREAM_LOAD_HEADERS } from './properties.ts';

export type RequestLimits = BodyLimits;

/** What every request of a load with a body needs. */
export interface RequestServices {
  readonly catalog: Catalog;
  readonly access: Pick<AccessControl, 'checkLoad'>;
  /** Throws ACCESS_DENIED, TOO_MANY_LOGIN_FAILURES. */
  readonly authenticate: (user: string, address: string, password: string) => Promise<Principal>;
  readonly clock: Clock;
  readonly log: Log;
  /** As SHOW TRANSACTION prints it. */
  readonly coordinator: string;
  /** The global variable time_zone. */
  readonly timeZone: () => string;
  /** Tells the CN to give up a body; what it is sent of it then goes nowhere. */
  readonly stopBody: (transactionId: TransactionId) => Promise<void>;
}

/** Who asks. Throws BODY_LOGIN_MISSING, and see `authenticate`. */
export async function loginOf(
  { authenticate }: Pick<RequestServices, 'authenticate'>,
  { login, clientAddress }: Pick<RequestHead, 'login' | 'clientAddress'>,
): Promise<Principal> {
  if (login === null) throw fail('BODY_LOGIN_MISSING');
  return await authenticate(login.user, clientAddress, login.password);
}

/** Throws SQL_ANALYZE, BODY_HEADER_TWICE, BODY_LENGTH, BODY_JSON_TOO_LARGE, and see defineStreamLoad. */
export function defineRequest(
  { headers, repeated }: Pick<RequestHead, 'headers' | 'repeated'>,
  timeZone: string,
  { maxBytes, maxJsonBytes }: RequestLimits,
): StreamLoadDefinition {
  const twice = repeated.find((name) => Object.hasOwn(STREAM_LOAD_HEADERS, name));
  if (twice !== undefined) throw fail('BODY_HEADER_TWICE', { header: twice });
  const definition = defineStreamLoad(headers, timeZone);
  const sizeBytes = Number(headers['content-length'] ?? 0);
  if (sizeBytes > maxBytes) throw fail('BODY_LENGTH', { sizeBytes, limitBytes: maxBytes });
  const isJson = definition.properties['format'] === 'json';
  if (isJson && !definition.ignoreJsonSize && sizeBytes > maxJsonBytes)
    throw fail('BODY_JSON_TOO_LARGE', { size: sizeBytes, limit: maxJsonBytes });
  return definition;
}

/** Throws BODY_UNKNOWN_DATABASE. */
export async function loadedDatabase(
  { databases }: Pick<Catalog, 'databases'>,
  database: string,
): Promise<DatabaseRecord> {
  const found = await databases.find(database);
  if (found === null) throw fail('BODY_UNKNOWN_DATABASE', { database });
  return found;
}

/** Throws BODY_UNKNOWN_DATABASE, BODY_UNKNOWN_TABLE, SYSTEM_OBJECT. */
export async function loadedTable(
  catalog: Pick<Catalog, 'databases' | 'tables'>,
  database: string,
  table: string,
): Promise<TableInfo> {
  const found = await loadedDatabase(catalog, database);
  const info = await catalog.tables.find(database, table);
  if (info === null) throw fail('BODY_UNKNOWN_TABLE', { table: `${database}.${table}` });
  if (found.isSystem) throw fail('SYSTEM_OBJECT', { what: 'table', name: `${database}.${table}` });
  return info;
}
