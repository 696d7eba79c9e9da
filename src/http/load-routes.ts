// Paths of loads, as both doors know them (the front end's, which passes them on, and the compute node's), and what of
// a request they read. SOURCE: StarRocks docs, STREAM LOAD.
import type { IncomingMessage } from 'node:http';
import type {
  BodyLoadHead,
  HttpAnswer,
  LabelRequest,
  RequestHead,
  RequestLogin,
  TransactionOp,
  TransactionRequest,
} from '../model/body-load.ts';

/** From a front end that passes a request on: its token, and the client's address. */
export const FORWARDED_HEADER = 'x-millrace-forwarded';

export type LoadRoute =
  | { readonly kind: 'load'; readonly database: string; readonly table: string }
  | { readonly kind: 'state'; readonly database: string; readonly label: string }
  | { readonly kind: 'cancel'; readonly database: string; readonly label: string }
  /** Database and table are headers. */
  | { readonly kind: 'transaction'; readonly op: TransactionOp }
  | { readonly kind: 'transaction_load' };

export type BodyRoute = Extract<LoadRoute, { kind: 'load' | 'transaction_load' }>;
/** Of a load or transaction by its label: there is no body to read. */
export type LabelRoute = Exclude<LoadRoute, BodyRoute>;

/** What is known of labels: the front end's, whichever door asks. */
export interface LabelServices {
  ofLabel(request: LabelRequest): Promise<HttpAnswer>;
  ofTransaction(request: TransactionRequest): Promise<HttpAnswer>;
}

const TRANSACTION_OPS = ['begin', 'prepare', 'commit', 'rollback'] as const;

/** Null: the path is none of a load. 'malformed': it has an escape that is none. */
export function loadRoute(method: string, url: string): LoadRoute | 'malformed' | null {
  const [path = '', query = ''] = url.split('?', 2);
  const parts = path.split('/');
  if (parts[0] !== '' || parts[1] !== 'api') return null;
  const last = parts.at(-1);
  if (parts.length === 4 && parts[2] === 'transaction') {
    const route = transactionRoute(method, last ?? '');
    if (route !== null) return route;
  }
  const known =
    (parts.length === 5 && (last === '_stream_load' || last === '_cancel')) ||
    (parts.length === 4 && last === 'get_load_state');
  if (!known) return null;
  const [database, second] = [decoded(parts[2]), decoded(parts[3])];
  if (database === null || second === null) return 'malformed';
  const label = new URLSearchParams(query).get('label');
  if (last === '_stream_load' && method === 'PUT') return { kind: 'load', database, table: second };
  if (last === '_cancel' && method === 'POST')
    return { kind: 'cancel', database, label: label ?? second };
  if (last === 'get_load_state' && method === 'GET')
    return { kind: 'state', database, label: label ?? '' };
  return null;
}

/** SOURCE: StarRocks' FE takes POST and PUT for all of them. */
function transactionRoute(method: string, name: string): LoadRoute | null {
  if (method !== 'POST' && method !== 'PUT') return null;
  if (name === 'load') return { kind: 'transaction_load' };
  const op = TRANSACTION_OPS.find((known) => known === name);
  return op === undefined ? null : { kind: 'transaction', op };
}

/** What the front end is told of a request with a body. */
export function readBodyHead(
  request: IncomingMessage,
  route: BodyRoute,
  clientAddress: string,
): BodyLoadHead {
  if (route.kind === 'load')
    return { ...readHead(request, route, clientAddress), table: route.table };
  const head = readHead(request, { database: '' }, clientAddress);
  const { db: database = '', table = '' } = head.headers;
  return { ...head, database, table, ofTransaction: true };
}

/** Asks what a request without a body is about. */
export function askByLabel(
  services: LabelServices,
  request: IncomingMessage,
  route: LabelRoute,
  clientAddress: string,
): Promise<HttpAnswer> {
  if (route.kind === 'transaction') {
    const head = readHead(request, { database: '' }, clientAddress);
    const { db: database = '' } = head.headers;
    return services.ofTransaction({ ...head, database, op: route.op });
  }
  const head = readHead(request, route, clientAddress);
  return services.ofLabel({ ...head, kind: route.kind, label: route.label });
}

export function hasBody(route: LoadRoute): route is BodyRoute {
  return route.kind === 'load' || route.kind === 'transaction_load';
}

function decoded(part = ''): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** User and password of Basic authorization; null = there is none that can be read. */
export function basicLogin(authorization: string | undefined): RequestLogin {
  const [scheme, encoded = ''] = (authorization ?? '').split(' ');
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (scheme?.toLowerCase() !== 'basic' || colon < 0) return null;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Addresses of IPv4 as such, however the socket has them. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}

/** What of a request the front end is told. Values are UTF-8 where they are that. */
export function readHead(
  request: IncomingMessage,
  route: { readonly database: string },
  clientAddress: string,
): RequestHead {
  const headers: Record<string, string> = {};
  const repeated: string[] = [];
  const { rawHeaders } = request;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    if (name === 'authorization' || name === FORWARDED_HEADER) continue;
    if (Object.hasOwn(headers, name)) repeated.push(name);
    headers[name] = utf8(rawHeaders[i + 1] ?? '');
  }
  const login = basicLogin(request.headers.authorization);
  return { database: route.database, headers, repeated, login, clientAddress };
}

/** Node reads header values as Latin-1. */
function utf8(value: string): string {
  const bytes = Buffer.from(value, 'latin1');
  const text = bytes.toString('utf8');
  return text.includes('\u{fffd}') ? value : text;
}
