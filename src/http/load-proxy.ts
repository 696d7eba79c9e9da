// Loads that come to the front end's HTTP port: passed on to a compute node as bytes, with backpressure both ways and
// nothing held, or answered 307 with its address. What the compute node answers is the answer. Where it ends in the
// middle the connection is cut: whether the load was committed only its label tells. What has no body (a label's state,
// the steps of a transaction) is answered here, whether there is a compute node or not: clients do not try that again.
import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
  request as send,
} from 'node:http';
import { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { type Deferred, deferred, settledWithin } from '../base/queue.ts';
import type { BodyLoadHead, HttpAnswer } from '../model/body-load.ts';
import { answerEarly, jsonAnswer } from './answers.ts';
import {
  askByLabel,
  FORWARDED_HEADER,
  hasBody,
  type LabelRoute,
  type LabelServices,
  type LoadRoute,
  loadRoute,
  plainAddress,
  readHead,
} from './load-routes.ts';

export interface LoadProxyOptions {
  /** Where the compute node listens, on this machine. */
  readonly upstream: () => { readonly host: string; readonly port: number };
  readonly forwardToken: string;
  /** Redirect all loads, whatever their headers say. */
  readonly redirects: () => boolean;
  /** May the client load there? Null, or the answer that it gets. */
  readonly check: (head: BodyLoadHead) => Promise<HttpAnswer | null>;
  readonly labels: LabelServices;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LoadProxy {
  /** Takes the request when it is one of a load; false = it is another's. */
  serve(request: IncomingMessage, response: ServerResponse, waits: boolean): boolean;
  /** What the HTTP parser could not read of a connection; false = no load is on it. */
  onBroken(socket: Socket): boolean;
  /** Answers that are on their way come to their end; what takes longer than a moment is cut. */
  close(): Promise<void>;
}

/** A request, and what becomes of it at the compute node. */
interface PassedOn {
  readonly request: IncomingMessage;
  readonly out: ClientRequest;
  /** It was answered, or cut. */
  readonly done: Deferred<void>;
}

/** A load waits so long for a compute node that is being started: clients give up a transaction at an error. */
const START_WAIT_MS = 10_000;
const START_POLL_MS = 100;
/** Answers may take this long when the server ends. */
const ANSWERS_MS = 500;

const SERVICE_UNAVAILABLE: HttpAnswer = {
  status: 503,
  body: jsonAnswer({
    Status: 'Fail',
    Message: 'the process that loads is being started, please retry later!',
  }),
};

/**
 * Node writes a head that comes before its body (`Expect: 100-continue`) in the encoding of the socket, UTF-8 if nobody
 * says otherwise; headers are Latin-1 to it, so that each character is a byte of the client's.
 */
class BytesAgent extends Agent {
  override createConnection(
    ...[options, onCreated]: Parameters<Agent['createConnection']>
  ): ReturnType<Agent['createConnection']> {
    const socket = super.createConnection(options, onCreated);
    if (socket instanceof Socket) socket.setDefaultEncoding('latin1');
    return socket;
  }
}

export function openLoadProxy(options: LoadProxyOptions): LoadProxy {
  return new LoadPipe(options);
}

class LoadPipe implements LoadProxy {
  readonly #options: LoadProxyOptions;
  readonly #agent = new BytesAgent({ keepAlive: true });
  /** A connection may have several, one behind the other. */
  readonly #active = new Set<PassedOn>();

  constructor(options: LoadProxyOptions) {
    this.#options = options;
  }

  serve(request: IncomingMessage, response: ServerResponse, waits: boolean): boolean {
    const route = loadRoute(request.method ?? '', request.url ?? '');
    if (route === null || route === 'malformed') return false;
    const wants = (value: string | string[] | undefined): boolean =>
      String(value ?? '').toLowerCase() === 'true';
    const redirects = this.#options.redirects() || wants(request.headers['redirect']);
    if (route.kind === 'load' && redirects)
      this.#redirect(request, response, route, waits).catch((error: unknown) =>
        this.#onFailed(request, response, error),
      );
    else if (redirects && (route.kind === 'transaction' || route.kind === 'transaction_load'))
      this.#sendAway(request, response, waits);
    else if (hasBody(route)) {
      const untilMs = this.#options.clock.monotonicMs() + START_WAIT_MS;
      this.#pass(request, response, waits, untilMs);
    } else
      this.#ask(request, response, route, waits).catch((error: unknown) =>
        this.#onFailed(request, response, error),
      );
    return true;
  }

  onBroken(socket: Socket): boolean {
    const active = [...this.#active].filter(({ request }) => request.socket === socket);
    // The end of the client's side is passed on: the compute node says what it makes of the cut body.
    for (const { request, out } of active) if (!request.complete) endSide(out);
    return active.length > 0;
  }

  async close(): Promise<void> {
    const answered = Promise.all([...this.#active].map(({ done }) => done.promise));
    await settledWithin(this.#options.clock, answered, ANSWERS_MS);
    for (const { out } of this.#active) out.destroy();
    this.#agent.destroy();
  }

  /** The client finds out by the label. */
  #onFailed(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    this.#options.log.error('http request failed', { url: request.url, error });
    response.destroy();
  }

  async #ask(
    request: IncomingMessage,
    response: ServerResponse,
    route: LabelRoute,
    waits: boolean,
  ): Promise<void> {
    const { labels, clock } = this.#options;
    const client = plainAddress(request.socket.remoteAddress);
    const answer = await askByLabel(labels, request, route, client);
    answerEarly(request, response, answer, { clock, waits });
  }

  async #redirect(
    request: IncomingMessage,
    response: ServerResponse,
    route: Extract<LoadRoute, { kind: 'load' }>,
    waits: boolean,
  ): Promise<void> {
    const { check, clock } = this.#options;
    const head = readHead(request, route, plainAddress(request.socket.remoteAddress));
    const refusal = await check({ ...head, table: route.table });
    if (refusal !== null) {
      answerEarly(request, response, refusal, { clock, waits });
      return;
    }
    this.#sendAway(request, response, waits);
  }

  #sendAway(request: IncomingMessage, response: ServerResponse, waits: boolean): void {
    const { upstream, clock } = this.#options;
    // The name by which the client reached this machine.
    const named = /^(\[[\da-f:.]+\]|[\w.-]+)(:\d+)?$/i.exec(request.headers.host ?? '')?.[1];
    const { host, port } = upstream();
    response.setHeader('location', `http://${named ?? host}:${port}${request.url ?? ''}`);
    answerEarly(request, response, { status: 307, body: '' }, { clock, waits });
  }

  /** `untilMs` (monotonic): how long nobody need be there. */
  #pass(request: IncomingMessage, response: ServerResponse, waits: boolean, untilMs: number): void {
    const { upstream, forwardToken, clock } = this.#options;
    const { socket } = request;
    const rawHeaders = withoutHop(request.rawHeaders);
    rawHeaders.push(FORWARDED_HEADER, `${forwardToken} ${plainAddress(socket.remoteAddress)}`);
    const out = send({
      ...upstream(),
      method: request.method,
      path: request.url,
      headers: rawHeaders,
      setHost: false,
      agent: this.#agent,
    });
    const passed: PassedOn = { request, out, done: deferred() };
    this.#active.add(passed);
    const onGone = (): void => void out.destroy();
    socket.once('close', onGone);
    const done = (): void => {
      socket.off('close', onGone);
      this.#active.delete(passed);
      passed.done.resolve();
    };
    const passBody = (): void => void request.pipe(out);
    let isSending = !waits;
    out.on('continue', () => {
      isSending = true;
      response.writeContinue();
      passBody();
    });
    out.on('response', (answer) => {
      answer.on('error', () => response.destroy());
      answer.on('close', done);
      const isEarly = !request.complete;
      if (isEarly && !isSending) response.shouldKeepAlive = false;
      response.writeHead(answer.statusCode ?? 502, withoutHop(answer.rawHeaders));
      answer.pipe(response);
      if (!isEarly) return;
      request.unpipe(out);
      request.resume();
    });
    out.on('error', (error) => {
      done();
      // Nothing reached the compute node.
      const isUnsent = 'code' in error && error.code === 'ECONNREFUSED';
      if (!isUnsent || response.headersSent) response.destroy();
      else if (clock.monotonicMs() < untilMs)
        clock.after(START_POLL_MS, () => {
          if (!socket.destroyed) this.#pass(request, response, waits, untilMs);
        });
      else answerEarly(request, response, SERVICE_UNAVAILABLE, { clock, waits: !isSending });
    });
    // No byte of the body is taken before there is a connection.
    out.once('socket', (to) => {
      const begin = (): void => {
        if (isSending) passBody();
      };
      if (to.connecting) to.once('connect', begin);
      else begin();
    });
    if (!isSending) out.flushHeaders();
  }
}

/** No more comes, behind all that was passed on so far, its head at the least. */
function endSide(out: ClientRequest): void {
  out.flushHeaders();
  if (out.socket !== null) out.socket.end();
  // What was written before it had a socket is written in this turn.
  else out.once('socket', (socket) => process.nextTick(() => socket.end()));
}

const HOP = new Set(['connection', 'keep-alive', 'proxy-connection', FORWARDED_HEADER]);

/** Without what is of one connection only, and without what a client may not say. */
function withoutHop(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!HOP.has(name.toLowerCase())) kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}
