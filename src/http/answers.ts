// How HTTP answers of loads are written, also those to a client that still sends its body; and listening, for so many
// connections.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { HttpAnswer } from '../model/body-load.ts';

/** Of a port, the front end's and the compute node's alike: so many clients may wait for a merge commit. */
export const MAX_CONNECTIONS = 8192;
/** A client that still sends what nobody wants has this long to see its answer before the connection is cut. */
const LINGER_MS = 10_000;

export interface TypedAnswer extends HttpAnswer {
  /** Default: JSON. */
  readonly type?: string;
}

export function jsonAnswer(fields: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(fields)}\n`;
}

const UNREADABLE = jsonAnswer({ Status: 'Fail', Message: 'the HTTP request cannot be read' });

/** What a connection gets whose request the parser could not make out, before it ends. */
export const BROKEN_REQUEST = [
  'HTTP/1.1 400 Bad Request',
  'content-type: application/json; charset=utf-8',
  `content-length: ${Buffer.byteLength(UNREADABLE)}`,
  'connection: close',
  '',
  UNREADABLE,
].join('\r\n');

export function writeAnswer(response: ServerResponse, { status, body, type }: TypedAnswer): void {
  if (response.destroyed || response.headersSent) return;
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'content-type': type ?? 'application/json; charset=utf-8',
    'content-length': bytes.length,
    ...(status === 401 ? { 'www-authenticate': 'Basic realm="millrace", charset="UTF-8"' } : {}),
  });
  response.end(bytes);
}

/**
 * Answers a request whose body is not, or not wholly, read. What still comes of it is thrown away for a while, since a
 * connection that is cut while the client sends would take the answer with it. A client that waits for 100-continue
 * sends nothing: its connection ends.
 */
export function answerEarly(
  request: IncomingMessage,
  response: ServerResponse,
  answer: TypedAnswer,
  { clock, waits }: { readonly clock: Clock; readonly waits: boolean },
): void {
  if (waits) response.shouldKeepAlive = false;
  writeAnswer(response, answer);
  request.resume();
  if (request.complete) return;
  const { socket } = request;
  const timer = clock.after(LINGER_MS, () => socket.destroy());
  const done = (): void => timer.cancel();
  socket.once('close', done);
  request.once('end', done);
}

/** The port. Throws PORT_IN_USE (with the option that gives another one), CANNOT_LISTEN. */
export async function listen(
  server: Server,
  at: { readonly host: string; readonly port: number; readonly option: string },
): Promise<number> {
  const { host, port, option } = at;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (isTaken) throw fail('PORT_IN_USE', { what: 'HTTP', port, option }, error);
    const detail = error instanceof Error ? error.message : String(error);
    throw fail('CANNOT_LISTEN', { what: 'HTTP', host, port, detail }, error);
  }
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw fail('INTERNAL', { detail: 'the HTTP server has no port' });
  return address.port;
}
