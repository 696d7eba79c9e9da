// Which requests are alike, and the head of the load that they become.
import type { Random } from '../../base/random.ts';
import type { BodyLoadHead, MergeRules } from '../../model/body-load.ts';
import { COMPRESSIONS, STREAM_LOAD_HEADERS } from '../stream/properties.ts';

/** Longer windows are added to the time that the merged load has. */
const LONG_WINDOW_MS = 30_000;
/** Most that the header `timeout` may say. */
const MAX_TIMEOUT_SECONDS = 259_200;

/** Bodies come expanded, and each request has its own length and label. */
const OF_ONE_REQUEST: ReadonlySet<string> = new Set([
  'label',
  'compression',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'expect',
]);

/** The same for requests that may be merged: of one user into one table, with the same headers that mean something. */
export function mergeKey({ database, table, login, headers }: BodyLoadHead): string {
  const meant = Object.entries(headers)
    .filter(([name]) => name !== 'label' && Object.hasOwn(STREAM_LOAD_HEADERS, name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([database, table, login?.user ?? '', meant]);
}

/** The client's label says which request it is, and names no transaction. */
export function requestIdOf({ headers }: BodyLoadHead, random: Random): string {
  const { label = '' } = headers;
  return label === '' ? random.uuid() : label;
}

export function mergedHead(head: BodyLoadHead, rules: MergeRules, random: Random): BodyLoadHead {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(head.headers)) {
    if (!OF_ONE_REQUEST.has(name)) headers[name] = value;
  }
  headers['label'] = `merge_commit_${random.uuid()}`;
  const format = (headers['format'] ?? '').toLowerCase();
  // Formats that are CSV, compressed so.
  if (Object.hasOwn(COMPRESSIONS, format)) headers['format'] = 'csv';
  const { intervalMs, timeoutMs } = rules;
  if (intervalMs > LONG_WINDOW_MS) {
    const seconds = Math.ceil((timeoutMs + intervalMs) / 1000);
    headers['timeout'] = String(Math.min(seconds, MAX_TIMEOUT_SECONDS));
  }
  return { ...head, headers, repeated: [] };
}
