// A broker for tests whose answers are scripted: a function per API. Listens on a free loopback port.
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { APIS, type ApiName, type RequestBody } from '../../../../src/kafka/protocol/apis.ts';
import {
  decodeRequestBody,
  decodeRequestHeader,
  encodeResponse,
} from '../../../../src/kafka/protocol/codec.ts';

export interface ScriptedRequest<Name extends ApiName> {
  readonly version: number;
  readonly body: RequestBody<Name>;
  readonly socket: Socket;
  /** Connections so far, this one included. */
  readonly connections: number;
}

/** Response body, or null for no answer at all. */
type Handler<Name extends ApiName> = (
  request: ScriptedRequest<Name>,
) => object | null | Promise<object | null>;

export type Script = { [Name in ApiName]?: Handler<Name> };

export interface ScriptedBroker {
  readonly port: number;
  /** Names of the APIs asked for, in order. */
  readonly asked: ApiName[];
  /** Replaces handlers. */
  script: Script;
  /** Answers go out in pieces of so many bytes, one every so many milliseconds. */
  pace: { readonly bytes: number; readonly everyMs: number } | null;
  close(): Promise<void>;
}

const BY_KEY = new Map<number, ApiName>(
  Object.keys(APIS).map((name) => [APIS[name as ApiName].key, name as ApiName]),
);

/** Versions of each API that the scripted broker claims; the codec's own where not given. */
export type Claims = Partial<Record<ApiName, [min: number, max: number]>>;

export function apiVersions(claims: Claims = {}): object {
  const apiKeys = Object.entries(APIS).map(([name, api]) => {
    const [minVersion, maxVersion] = claims[name as ApiName] ?? [api.minVersion, api.maxVersion];
    return { apiKey: api.key, minVersion, maxVersion };
  });
  return { errorCode: 0, apiKeys };
}

export async function startScriptedBroker(
  script: Script,
  tls: TlsOptions | null = null,
): Promise<ScriptedBroker> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const broker: AnswerParts = { asked: [], script, pace: null };
  const onConnection = (socket: Socket): void => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let have = Buffer.alloc(0);
    let turn = Promise.resolve();
    socket.on('data', (chunk: Buffer) => {
      have = Buffer.concat([have, chunk]);
      while (have.length >= 4 && have.length >= 4 + have.readInt32BE(0)) {
        const end = 4 + have.readInt32BE(0);
        const frame = Buffer.from(have.subarray(4, end));
        have = have.subarray(end);
        turn = turn.then(() => answer(broker, socket, frame, connections));
      }
    });
  };
  const server: Server =
    tls === null ? createServer(onConnection) : createTlsServer(tls, onConnection);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return Object.assign(broker, {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

type AnswerParts = Pick<ScriptedBroker, 'asked' | 'script' | 'pace'>;

async function answer(
  broker: AnswerParts,
  socket: Socket,
  frame: Buffer,
  connections: number,
): Promise<void> {
  const header = decodeRequestHeader(frame);
  const name = BY_KEY.get(header.apiKey);
  if (name === undefined) throw new Error(`unknown API ${header.apiKey}`);
  broker.asked.push(name);
  const { version } = header;
  const body = decodeRequestBody(APIS[name] as never, header);
  const handler = broker.script[name] as Handler<never> | undefined;
  const request = { version, body, socket, connections } as never;
  const response =
    name === 'ApiVersions' && handler === undefined
      ? apiVersions()
      : await (handler?.(request) ?? null);
  if (response === null || socket.destroyed) return;
  // A broker answers an ApiVersions version that it does not know in version 0.
  const refused = name === 'ApiVersions' && 'errorCode' in response && response.errorCode === 35;
  const { correlationId } = header;
  const row = APIS[name] as never;
  const bytes = encodeResponse(row, refused ? 0 : version, correlationId, response as never);
  const { bytes: pieceBytes, everyMs } = broker.pace ?? { bytes: bytes.length, everyMs: 0 };
  for (let at = 0; at < bytes.length && !socket.destroyed; at += pieceBytes) {
    if (at > 0) await new Promise((resolve) => setTimeout(resolve, everyMs));
    socket.write(bytes.subarray(at, at + pieceBytes));
  }
}
