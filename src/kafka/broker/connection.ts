// One client connection: frames in, answers out, one request at a time and in order, as Kafka itself
// does. While a request is served nothing more is read, so a fast client is held back by TCP. Must
// never hold more of a frame than the shared budget allows.
import type { Socket } from 'node:net';
import { toAppError } from '../../base/errors.ts';
import { decodeRequestHeader } from '../protocol/codec.ts';
import type { ByteBudget } from './byte-budget.ts';
import { FrameReader } from './frame-reader.ts';
import type { Router } from './router.ts';
import type { BrokerServices, RequestContext } from './services.ts';

export interface ConnectionOptions {
  readonly services: BrokerServices;
  readonly router: Router;
  readonly requestBudget: ByteBudget;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  /** Aborted when the broker closes; whoever aborts it destroys the sockets too. */
  readonly closing: AbortSignal;
}

/** Serves the connection until it ends; never rejects. */
export async function serveConnection(socket: Socket, options: ConnectionOptions): Promise<void> {
  const { log } = options.services;
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, options.closing]);
  const client = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
  socket.on('close', () => gone.abort());
  // Errors of the socket end the reading below, which reports them.
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  try {
    await serveFrames(socket, options, signal);
  } catch (thrown) {
    if (!isDisconnect(thrown) && !options.closing.aborted) {
      const error = toAppError(thrown);
      log.warn('kafka connection closed after an error', {
        client,
        code: error.code,
        error: error.message,
      });
    }
  } finally {
    socket.destroy();
  }
}

async function serveFrames(
  socket: Socket,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<void> {
  const { services, requestBudget } = options;
  const frames = new FrameReader(socket, {
    maxFrameBytes: services.config.maxRequestBytes,
    stalledMs: services.config.stalledConnectionMs,
    clock: services.clock,
    budget: requestBudget,
  });
  for await (const { frame, release } of frames.frames()) {
    try {
      if (!(await serveFrame(socket, frame, options, signal))) return;
    } finally {
      release();
    }
  }
}

/** Serves one request. @returns false when the connection is to be closed */
async function serveFrame(
  socket: Socket,
  frame: Buffer,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { services } = options;
  const sent: (() => void)[] = [];
  try {
    const pending = decodeRequestHeader(frame);
    const context: RequestContext = {
      version: pending.version,
      clientId: pending.clientId ?? '',
      clientHost: `/${socket.remoteAddress ?? ''}`,
      advertisedHost: options.advertisedHost || localAddressOf(socket),
      advertisedPort: options.advertisedPort,
      signal,
      onSent: (action) => sent.push(action),
    };
    const answer = await options.router.serve(pending, context);
    if (answer === 'unsupported') {
      services.log.warn('kafka request of an unsupported kind', {
        apiKey: pending.apiKey,
        version: pending.version,
        clientId: context.clientId,
      });
      return false;
    }
    if (answer !== null) await send(socket, answer, services);
    return !signal.aborted;
  } finally {
    for (const action of sent) action();
  }
}

/** The address the client came to; an IPv4 one without its IPv6 wrapping. */
function localAddressOf(socket: Socket): string {
  return (socket.localAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
}

/** Resolves when the kernel has taken all of it; a client that does not read is cut off. */
async function send(
  socket: Socket,
  chunks: readonly Buffer[],
  services: BrokerServices,
): Promise<void> {
  if (socket.destroyed) return;
  const stalled = services.clock.after(services.config.stalledConnectionMs, () => {
    socket.destroy();
  });
  try {
    await new Promise<void>((resolve) => {
      const last = chunks.length - 1;
      socket.cork();
      for (const [index, chunk] of chunks.entries()) {
        if (index < last) socket.write(chunk);
        else socket.write(chunk, () => resolve());
      }
      socket.uncork();
    });
  } finally {
    stalled.cancel();
  }
}

const DISCONNECTS: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'ETIMEDOUT',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

function isDisconnect(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && DISCONNECTS.has(thrown.code);
}
