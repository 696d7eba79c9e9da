// Stream Load as a test asks for it: a PUT with headers and a body, and its answer; and the same over a bare
// socket, for bodies and heads that no HTTP client would send.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TestServer } from './start-server.ts';

export interface StreamLoadRequest {
  /** `database.table`. */
  readonly table: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | AsyncIterable<string | Buffer>;
  readonly user?: string;
  readonly password?: string;
}

export interface StreamLoadAnswer {
  readonly httpStatus: number;
  readonly text: string;
  /** The JSON; empty where the answer is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

function answerOf(httpStatus: number, text: string): StreamLoadAnswer {
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { httpStatus, text, json };
}

function loadPath(table: string): string {
  const [database = '', name = ''] = table.split('.');
  return `/api/${database}/${name}/_stream_load`;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** One PUT to the front end, whatever comes of it. */
export async function streamLoad(
  server: TestServer,
  { table, headers = {}, body = '', user = 'root', password = '' }: StreamLoadRequest,
): Promise<StreamLoadAnswer> {
  const isWhole = typeof body === 'string' || Buffer.isBuffer(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: server.ready.httpPort,
        method: 'PUT',
        path: loadPath(table),
        agent: false,
        headers: {
          authorization: basic(user, password),
          ...(isWhole ? { 'content-length': Buffer.byteLength(body) } : {}),
          ...headers,
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve(answerOf(response.statusCode ?? 0, Buffer.concat(parts).toString('utf8'))),
        );
      },
    );
    sent.on('error', reject);
    const write = async (): Promise<void> => {
      if (isWhole) {
        sent.end(body);
        return;
      }
      for await (const part of body) {
        if (sent.destroyed || sent.writableEnded) return;
        if (!sent.write(part)) await new Promise((drained) => sent.once('drain', drained));
      }
      sent.end();
    };
    void write().catch(reject);
  });
}

/** Loads and must succeed; the answer. */
export async function mustLoad(
  server: TestServer,
  load: StreamLoadRequest,
): Promise<StreamLoadAnswer> {
  const answer = await streamLoad(server, load);
  assert.equal(answer.json['Status'], 'Success', answer.text);
  return answer;
}

export interface RawRequest {
  /** `database.table` of a Stream Load, or a request of its own: `POST /api/transaction/begin`. */
  readonly table: string;
  /** Lines behind the request line; the log-in of root is there. */
  readonly head: readonly string[];
  readonly body?: readonly (string | Buffer)[];
  /** Behind the body: leave it open (default), end our side, or cut the connection. */
  readonly ending?: 'wait' | 'end' | 'cut';
}

/** Sends bytes as they are; all that came back until the server closed or `ending` cuts. */
export async function rawLoad(server: TestServer, raw: RawRequest): Promise<StreamLoadAnswer> {
  const socket = await openSocket(server.ready.httpPort);
  const parts: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
  });
  const head = [
    `${raw.table.includes(' ') ? raw.table : `PUT ${loadPath(raw.table)}`} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: close',
    `Authorization: ${basic('root', '')}`,
    ...raw.head,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  for (const part of raw.body ?? []) await write(socket, part);
  if (raw.ending === 'end') socket.end();
  if (raw.ending === 'cut') socket.destroy();
  await closed;
  const text = Buffer.concat(parts).toString('utf8');
  const [status = '', ...rest] = text
    .replace(/^HTTP\/1\.1 100 [\s\S]*?\r\n\r\n/, '')
    .split('\r\n\r\n');
  const chunks = rest.join('\r\n\r\n');
  const body = /transfer-encoding: chunked/i.test(status)
    ? chunks.replace(/^[0-9a-f]+\r\n/i, '').replace(/\r\n0\r\n\r\n$/, '')
    : chunks;
  return answerOf(Number(/^HTTP\/1\.1 (\d+)/.exec(status)?.[1] ?? 0), body);
}

function openSocket(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Until it is handed over, or the socket is gone. */
function write(socket: Socket, part: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.write(part, () => resolve());
  });
}
