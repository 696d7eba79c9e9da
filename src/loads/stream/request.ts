// What the request of a load with a body says, checked as far as its headers and its table tell: shared by Stream Load
// and its transactions.
import { fail } from '../../base/errors.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { RequestHead } from '../../model/body-load.ts';
import type { TableInfo } from '../../model/table.ts';
import { defineStreamLoad, type StreamLoadDefinition } from './definition.ts';
import type { BodyLimits } from './plan.ts';
import { STREAM_LOAD_HEADERS } from './properties.ts';

export type RequestLimits = BodyLimits;

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

/** Throws UNKNOWN_DATABASE, UNKNOWN_TABLE, SYSTEM_OBJECT. */
export async function loadedTable(
  catalog: Pick<Catalog, 'databases' | 'tables'>,
  database: string,
  table: string,
): Promise<TableInfo> {
  const found = await catalog.databases.find(database);
  if (found === null) throw fail('UNKNOWN_DATABASE', { database });
  const info = await catalog.tables.find(database, table);
  if (info === null) throw fail('UNKNOWN_TABLE', { table: `${database}.${table}` });
  if (found.isSystem) throw fail('SYSTEM_OBJECT', { what: 'table', name: `${database}.${table}` });
  return info;
}
