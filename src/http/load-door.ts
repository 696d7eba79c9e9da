// The compute node's HTTP door: bodies of loads go from the socket to the loader, with the sender slowed down by not
// being read. A body is asked for (100-continue) only when its load was accepted. Holds no more of a body than the
// socket does. The front end decides what may be loaded, and makes every answer.
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { type AppError, fail, toAppError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import {
  type AcceptedLoad,
  type BodyLoadBegin,
  type BodyLoadHead,
  ERROR_LOG_PATH,
  type HttpAnswer,
} from '../model/body-load.ts';
import { answerEarly, BROKEN_REQUEST, jsonAnswer, listen, MAX_CONNECTIONS } from './answers.ts';
import {
  askByLabel,
  type BodyRoute,
  FORWARDED_HEADER,
  hasBody,
  type LabelServices,
  type LoadRoute,
  loadRoute,
  plainAddress,
  readBodyHead,
  readHead,
} from './load-routes.ts';
import { RequestBody } from './request-body.ts';

export interface LoadDoorServices extends LabelServices {
  /** May the load run, and how? Aborting gives it up. */
  begin(head: BodyLoadHead, signal: AbortSignal): Promise<BodyLoadBegin>;
  /** Loads the body and ends the load, whatever comes of it; the answer is for the client. Never throws. */
  run(
    load: AcceptedLoad,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<HttpAnswer>;
  /** A request that is merged with others; `accept` asks for its body. Never throws. */
  merge(
    head: BodyLoadHead,
    accept: () => AsyncIterable<Uint8Array>,
    gone: AbortSignal,
  ): Promise<HttpAnswer>;
  /** Lines of an error log by its file name. Throws UNKNOWN_ERROR_LOG. */
  errorLog(file: string): Promise<string>;
  /** The answer of a load that was refused before anything was asked. */
  refusal(label: string, error: AppError, ofTransaction: boolean): HttpAnswer;
}

export interface LoadDoorOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Who sends it may say for which client it asks. */
  readonly forwardToken: string;
  /** Most loads at once; more are refused. */
  readonly maxLoads: number;
  readonly services: LoadDoorServices;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LoadDoor {
  readonly port: number;
  /** Gives up the bodies of a transaction; false = there is none here. */
  stopBody(transactionId: number): boolean;
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 256 * 1024;
const HEADERS_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 30_000;

/** A load until its answer is out. Its connection may have others, whose requests wait behind it. */
interface ActiveLoad {
  readonly request: IncomingMessage;
  readonly stop: AbortController;
  transactionId: number | null;
}

/** Starts listening. Throws PORT_IN_USE, CANNOT_LISTEN. */
export async function startLoadDoor(options: LoadDoorOptions): Promise<LoadDoor> {
  const door = new Door(options);
  return await door.open();
}

class Door {
  readonly #options: LoadDoorOptions;
  readonly #server: Server;
  readonly #active = new Set<ActiveLoad>();

  constructor(options: LoadDoorOptions) {
    this.#options = options;
    this.#server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Bodies take as long as they take: each load has its own limits.
      requestTimeout: 0,
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.on('request', (request, response) => this.#serve(request, response, false));
    this.#server.on('checkContinue', (request, response) => this.#serve(request, response, true));
    this.#server.on('clientError', (_error, socket) => this.#onBrokenRequest(socket as Socket));
  }

  async open(): Promise<LoadDoor> {
    const { host, port } = this.#options;
    const listening = await listen(this.#server, { host, port, option: '--cn-http-port' });
    return {
      port: listening,
      stopBody: (transactionId) => this.#stopBody(transactionId),
      close: () => this.#close(),
    };
  }

  #stopBody(transactionId: number): boolean {
    // Of a transaction with channels there may be several.
    const own = [...this.#active].filter((load) => load.transactionId === transactionId);
    for (const load of own) load.stop.abort(fail('CANCELLED'));
    return own.length > 0;
  }

  async #close(): Promise<void> {
    for (const { stop } of this.#active) stop.abort(fail('CANCELLED'));
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** What the HTTP parser could not read; the end of a connection in the middle of a body is that, too. */
  #onBrokenRequest(socket: Socket): void {
    const loads = [...this.#active].filter(({ request }) => request.socket === socket);
    // Behind a whole body anything may come: its load goes on, and the connection ends with the answer.
    for (const { request, stop } of loads) if (!request.complete) stop.abort(fail('BODY_CUT'));
    if (loads.length === 0 && socket.writable) socket.end(BROKEN_REQUEST);
  }

  #serve(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    this.#answer(request, response, expectsContinue).catch((error: unknown) => {
      this.#options.log.error('http request failed', { url: request.url, error });
      response.destroy();
    });
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): Promise<void> {
    const { method = '', url = '' } = request;
    const route = loadRoute(method, url);
    if (route !== null && route !== 'malformed' && hasBody(route)) {
      const wish = String(request.headers['enable_merge_commit'] ?? '').toLowerCase();
      if (route.kind === 'load' && wish === 'true')
        await this.#merge(request, response, route, expectsContinue);
      else await this.#load(request, response, route, expectsContinue);
      return;
    }
    const answer =
      route === 'malformed'
        ? failed(400, 'the path has an escape that is none')
        : route === null
          ? await this.#small(method, url)
          : await askByLabel(this.#options.services, request, route, this.#clientOf(request));
    const { clock } = this.#options;
    answerEarly(request, response, answer, { clock, waits: expectsContinue });
  }

  async #small(method: string, url: string): Promise<HttpAnswer & { readonly type?: string }> {
    const { services } = this.#options;
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    if (method === 'GET' && pathname === '/api/health')
      return { status: 200, body: jsonAnswer({ status: 'ok' }) };
    if (method === 'GET' && pathname === ERROR_LOG_PATH) {
      try {
        const body = await services.errorLog(searchParams.get('file') ?? '');
        return { status: 200, body, type: 'text/plain; charset=utf-8' };
      } catch (thrown) {
        const error = toAppError(thrown);
        return failed(error.row.httpStatus, error.fullMessage);
      }
    }
    return failed(404, `no route ${method} ${pathname}`);
  }

  /** The address of the client itself, where a front end stands in between. */
  #clientOf(request: IncomingMessage): string {
    const [token = '', address = ''] = String(request.headers[FORWARDED_HEADER] ?? '').split(' ');
    const [given, wanted] = [Buffer.from(token), Buffer.from(this.#options.forwardToken)];
    const isOurs = given.length === wanted.length && timingSafeEqual(given, wanted);
    return isOurs ? address : plainAddress(request.socket.remoteAddress);
  }

  /** Many of these wait at once: they have a limit of their own. */
  async #merge(
    request: IncomingMessage,
    response: ServerResponse,
    route: Extract<LoadRoute, { kind: 'load' }>,
    expectsContinue: boolean,
  ): Promise<void> {
    const { services, clock } = this.#options;
    const { socket } = request;
    const gone = new AbortController();
    const onClose = (): void => gone.abort(fail('CLIENT_GONE'));
    socket.once('close', onClose);
    let body: RequestBody | null = null;
    const accept = (): RequestBody => {
      if (expectsContinue) response.writeContinue();
      body = new RequestBody(request);
      return body;
    };
    try {
      const head = readHead(request, route, this.#clientOf(request));
      const answer = await services.merge({ ...head, table: route.table }, accept, gone.signal);
      const waits = expectsContinue && body === null;
      leave(body);
      answerEarly(request, response, answer, { clock, waits });
    } finally {
      socket.off('close', onClose);
    }
  }

  async #load(
    request: IncomingMessage,
    response: ServerResponse,
    route: BodyRoute,
    expectsContinue: boolean,
  ): Promise<void> {
    const { services, clock, maxLoads } = this.#options;
    const early = { clock, waits: expectsContinue };
    const label = String(request.headers['label'] ?? '');
    if (this.#active.size >= maxLoads) {
      const answer = services.refusal(
        label,
        fail('BODY_LOADS_LIMIT', { limit: maxLoads }),
        route.kind === 'transaction_load',
      );
      answerEarly(request, response, answer, early);
      return;
    }
    const { socket } = request;
    const load: ActiveLoad = { request, stop: new AbortController(), transactionId: null };
    this.#active.add(load);
    // The client went away: nobody waits for the answer.
    const gone = new AbortController();
    const onClose = (): void => {
      gone.abort(fail('CLIENT_GONE'));
      load.stop.abort(fail('CLIENT_GONE'));
    };
    socket.once('close', onClose);
    try {
      const head = readBodyHead(request, route, this.#clientOf(request));
      const begun = await services.begin(head, gone.signal);
      if (begun.kind === 'answer') {
        answerEarly(request, response, begun.answer, early);
        return;
      }
      load.transactionId = begun.load.begun.transactionId;
      if (expectsContinue) response.writeContinue();
      const body = new RequestBody(request);
      const answer = await services.run(begun.load, body, load.stop.signal);
      body.leave();
      answerEarly(request, response, answer, { clock, waits: false });
    } catch (thrown) {
      if (gone.signal.aborted) return;
      const error = toAppError(thrown);
      this.#options.log.error('a load could not be answered', { url: request.url, error });
      // It may have been committed: only its label tells.
      if (load.transactionId !== null) response.destroy();
      else {
        const ofTransaction = route.kind === 'transaction_load';
        answerEarly(request, response, services.refusal(label, error, ofTransaction), early);
      }
    } finally {
      socket.off('close', onClose);
      this.#active.delete(load);
    }
  }
}

function leave(body: RequestBody | null): void {
  body?.leave();
}

function failed(status: number, message: string): HttpAnswer {
  return { status, body: jsonAnswer({ Status: 'Fail', Message: message }) };
}
