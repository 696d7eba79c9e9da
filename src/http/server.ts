// The HTTP door: health, metrics, error logs; loads are passed on before Fastify sees them. Fastify stays in here.
// Every route but the open ones wants a user and a password (Basic); which one is on the request then.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Principal } from '../access/access-view.ts';
import type { Clock } from '../base/clock.ts';
import { AppError, fail, toAppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { BROKEN_REQUEST, MAX_CONNECTIONS } from './answers.ts';
import type { LoadProxy } from './load-proxy.ts';
import { basicLogin, plainAddress } from './load-routes.ts';

export interface HealthReport {
  readonly status: 'ok' | 'degraded';
  /** One entry per part that a person would want to know about: child processes, metadata. */
  readonly parts: Readonly<Record<string, string>>;
}

export interface HttpServices {
  health(): Promise<HealthReport>;
  metricsText(): Promise<string>;
  /** Lines of an error log by its file name. Throws UNKNOWN_ERROR_LOG. */
  errorLog(file: string): Promise<string>;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; null on open routes. */
    principal: Principal | null;
  }
}

export interface HttpLogin {
  readonly user: string;
  readonly password: string;
  /** IP address of the client. */
  readonly address: string;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 256 * 1024;
/** A client has this long to send its whole request. */
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 5_000;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The status of an error that the HTTP layer itself found in a request, null for any other. */
function clientMistake(error: unknown): number | null {
  if (!(error instanceof Error) || error instanceof AppError) return null;
  const status = 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}

/** Asks for user and password before anything else of a request is looked at, its body included. */
function guard(
  app: FastifyInstance,
  {
    authenticate,
    openRoutes,
  }: {
    readonly authenticate: (login: HttpLogin) => Promise<Principal>;
    readonly openRoutes: readonly string[];
  },
): void {
  const open = new Set(openRoutes);
  app.decorateRequest('principal', null);
  app.addHook('onRequest', async (request) => {
    const path = request.url.split('?')[0] ?? '';
    // Only what the router itself would find under that very path is open.
    if (open.has(path) && request.routeOptions.url === path) return;
    request.principal = await authenticate(loginOf(request));
  });
}

/** The user and password of the header. Throws ACCESS_DENIED when there is none. */
function loginOf(request: FastifyRequest): HttpLogin {
  const address = plainAddress(request.ip);
  const login = basicLogin(request.headers.authorization);
  if (login === null) throw fail('ACCESS_DENIED', { user: '', host: address, usingPassword: 'NO' });
  return { ...login, address };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Requests of loads go to the proxy, as they are; the others to `handler`, within the time for a whole request. */
function splitServer(loads: LoadProxy, clock: Clock, handler: Handler): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Bodies of loads take as long as they take.
    requestTimeout: 0,
  });
  const serve = (request: IncomingMessage, response: ServerResponse, waits: boolean): void => {
    if (loads.serve(request, response, waits)) return;
    const late = clock.after(REQUEST_TIMEOUT_MS, () => {
      if (!request.complete) request.socket.destroy();
    });
    response.once('close', () => late.cancel());
    if (waits) response.writeContinue();
    handler(request, response);
  };
  server.on('request', (request, response) => serve(request, response, false));
  server.on('checkContinue', (request, response) => serve(request, response, true));
  return server;
}

/** Starts listening (port 0 = any free one). Throws PORT_IN_USE. */
export async function startHttpServer(options: {
  host: string;
  port: number;
  services: HttpServices;
  log: Log;
  /** Throws ACCESS_DENIED, TOO_MANY_LOGIN_FAILURES. */
  authenticate: (login: HttpLogin) => Promise<Principal>;
  /** Paths that anybody may ask. */
  openRoutes: readonly string[];
  readonly loads: LoadProxy;
  readonly clock: Clock;
}): Promise<HttpServer> {
  const { host, port, services, log, loads, clock } = options;
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    serverFactory: (handler) => splitServer(loads, clock, handler),
    clientErrorHandler: (_error, socket) => {
      if (loads.onBroken(socket)) return;
      if (socket.writable) socket.end(BROKEN_REQUEST);
    },
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  guard(app, options);
  app.get('/api/health', async (_request, reply) => {
    const report = await services.health();
    return reply.code(report.status === 'ok' ? 200 : 503).send(report);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await services.metricsText()),
  );
  app.get<{ Querystring: { file?: unknown } }>('/api/_load_error_log', async (request, reply) => {
    const { file } = request.query;
    const lines = await services.errorLog(typeof file === 'string' ? file : '');
    return reply.type('text/plain; charset=utf-8').send(lines);
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      Status: 'Fail',
      Message: `no route ${request.method} ${request.url.split('?')[0] ?? ''}`,
    }),
  );
  app.setErrorHandler((error, request, reply) => {
    const status = clientMistake(error);
    if (status !== null) {
      return reply.code(status).send({ Status: 'Fail', Message: messageOf(error) });
    }
    const known = error instanceof AppError ? error : toAppError(error);
    if (known.kind === 'internal') {
      log.error('http request failed', { method: request.method, url: request.url, error });
    }
    if (known.row.httpStatus === 401) {
      reply.header('www-authenticate', 'Basic realm="millrace", charset="UTF-8"');
    }
    return reply.code(known.row.httpStatus).send({ Status: 'Fail', Message: known.fullMessage });
  });
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
      throw fail('PORT_IN_USE', { what: 'HTTP', port, option: '--http-port' }, error);
    }
    throw fail('CANNOT_LISTEN', { what: 'HTTP', host, port, detail: messageOf(error) }, error);
  }
  const address = app.server.address();
  if (address === null || typeof address === 'string') {
    throw fail('INTERNAL', { detail: 'the HTTP server has no port' });
  }
  return {
    port: address.port,
    close: async () => {
      await loads.close();
      await app.close();
    },
  };
}
