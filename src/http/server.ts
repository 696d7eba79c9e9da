// The HTTP door: health and metrics for now; load routes come with their issue. Fastify stays in here.
import fastify from 'fastify';
import { AppError, fail, toAppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';

export interface HealthReport {
  readonly status: 'ok' | 'degraded';
  /** One entry per part that a person would want to know about: child processes, metadata. */
  readonly parts: Readonly<Record<string, string>>;
}

export interface HttpServices {
  health(): Promise<HealthReport>;
  metricsText(): Promise<string>;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

const BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_CONNECTIONS = 1024;
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

/** Starts listening (port 0 = any free one). Throws PORT_IN_USE. */
export async function startHttpServer(options: {
  host: string;
  port: number;
  services: HttpServices;
  log: Log;
}): Promise<HttpServer> {
  const { host, port, services, log } = options;
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: true,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  app.get('/api/health', async (_request, reply) => {
    const report = await services.health();
    return reply.code(report.status === 'ok' ? 200 : 503).send(report);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await services.metricsText()),
  );
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
  return { port: address.port, close: () => app.close() };
}
