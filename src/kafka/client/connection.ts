// One connection to one broker: requests go out with a correlation id, answers come back in order, each
// with a time limit. Opening includes version negotiation and authentication. A connection that failed
// once is of no more use; whoever holds it opens another.
import type { Socket } from 'node:net';
import { assert, present } from '../../base/assert.ts';
import type { Clock, Timer } from '../../base/clock.ts';
import { AppError, fail } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { APIS, type ApiName, type RequestInput, type ResponseBody } from '../protocol/apis.ts';
import { decodeResponse, encodeRequest, responseCorrelationId } from '../protocol/codec.ts';
import { type BrokerAddress, formatBrokerAddress } from './address.ts';
import { negotiateVersions, type VersionTable } from './api-versions.ts';
import { FrameReceiver } from './frame-receiver.ts';
import type { KafkaSettings } from './properties.ts';
import type { Frame, ReceiveBuffers } from './receive-buffers.ts';
import { authenticate, type Bearer } from './sasl.ts';
import { openSocket } from './socket.ts';
import type { TlsSettings } from './tls-files.ts';

export interface ConnectionOptions {
  readonly address: BrokerAddress;
  readonly settings: KafkaSettings;
  readonly tls: TlsSettings | null;
  readonly buffers: ReceiveBuffers;
  readonly clock: Clock;
  readonly random: Random;
  /** With sasl.mechanism OAUTHBEARER. */
  readonly bearer?: Bearer | null;
  /** Aborted when the client closes: an opening connection is given up with CANCELLED. */
  readonly closing: AbortSignal;
}

export interface Answer<Name extends ApiName> {
  readonly body: ResponseBody<Name>;
  readonly bytes: number;
  /** Gives the receive buffer back; byte fields of the body are views into it. */
  release(): void;
}

interface Pending {
  readonly api: ApiName;
  readonly settle: (outcome: Frame | AppError) => void;
}

/** Most requests under way on one connection; more is a bug of the caller. */
const PENDING_MAX = 64;
/** Part of a session's lifetime after which a new connection is opened in its place. */
const SESSION_USE = 0.8;

export class BrokerConnection {
  readonly #options: ConnectionOptions;
  readonly broker: string;
  readonly #receiver: FrameReceiver;
  readonly #pending = new Map<number, Pending>();
  #socket: Socket | null = null;
  #nextCorrelationId = 1;
  #failure: AppError | null = null;
  #versions: VersionTable | null = null;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #retired = false;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.broker = formatBrokerAddress(options.address);
    this.#receiver = new FrameReceiver(
      options.buffers,
      options.settings['receive.message.max.bytes'],
      (frame) => this.#onFrame(frame),
    );
  }

  /**
   * Connects, negotiates versions and logs in, all within socket.connection.setup.timeout.ms. Rejects with
   * KAFKA_UNREACHABLE (retry), KAFKA_TLS, KAFKA_NOT_A_BROKER, KAFKA_AUTHENTICATION (user).
   */
  static async open(options: ConnectionOptions): Promise<BrokerConnection> {
    const connection = new BrokerConnection(options);
    const { clock, settings, address, tls, closing } = options;
    const timeoutMs = settings['socket.connection.setup.timeout.ms'];
    const stop = new AbortController();
    const giveUp = (error: AppError): void => {
      stop.abort(error);
      connection.close(error);
    };
    const timer = clock.after(timeoutMs, () => {
      const reason = `no connection within ${timeoutMs} ms`;
      giveUp(fail('KAFKA_UNREACHABLE', { brokers: connection.broker, reason }));
    });
    const onClosing = (): void => giveUp(fail('CANCELLED'));
    closing.addEventListener('abort', onClosing, { once: true });
    try {
      connection.#socket = await openSocket({
        address,
        tls,
        tcp: settings,
        receiver: connection.#receiver,
        onLost: (error) => connection.close(error),
        signal: stop.signal,
      });
      await connection.#setUp();
    } catch (thrown) {
      const error = connection.#failure ?? thrown;
      connection.close(setUpFailure(connection.broker, error));
      throw setUpFailure(connection.broker, error);
    } finally {
      timer.cancel();
      closing.removeEventListener('abort', onClosing);
    }
    return connection;
  }

  async #setUp(): Promise<void> {
    const { settings, random, clock } = this.#options;
    this.#versions = await negotiateVersions(this);
    const sessionMs = await authenticate(this, settings, random, this.#options.bearer ?? null);
    if (sessionMs !== null) this.#expiresAtMs = clock.monotonicMs() + sessionMs * SESSION_USE;
  }

  /** False once it failed, or when its login is about to run out. */
  get usable(): boolean {
    return this.#failure === null && this.#options.clock.monotonicMs() < this.#expiresAtMs;
  }

  /** Closes as soon as no answer is awaited any more. */
  retire(): void {
    this.#retired = true;
    if (this.#pending.size === 0) this.close();
  }

  /** Version in use for an API. Throws KAFKA_UNSUPPORTED_BROKER (user) when there is none in common. */
  version(api: ApiName): number {
    return present(this.#versions, 'the version table of an open connection').version(api);
  }

  /**
   * Sends a request and waits for its answer. @param waitMs time the broker may wait on purpose (Fetch).
   * Rejects with KAFKA_TIMEOUT, KAFKA_CONNECTION_LOST, KAFKA_MALFORMED (retry), CANCELLED at once when the
   * signal aborts; the late answer is then dropped.
   */
  async request<Name extends ApiName>(
    api: Name,
    body: RequestInput<Name>,
    more: { waitMs?: number; signal?: AbortSignal | undefined; version?: number } = {},
  ): Promise<Answer<Name>> {
    const version = more.version ?? this.version(api);
    const frame = await this.#exchange(api, version, body, more.waitMs ?? 0, more.signal);
    try {
      const row = APIS[api];
      // The table ties each name to its own types; TypeScript cannot follow the index.
      const decoded = decodeResponse(row as never, version, frame.bytes) as ResponseBody<Name>;
      return { body: decoded, bytes: frame.bytes.length, release: () => frame.release() };
    } catch (thrown) {
      frame.release();
      const error = thrown instanceof AppError ? thrown : fail('INTERNAL', { detail: api }, thrown);
      this.close(error);
      throw error;
    }
  }

  #exchange<Name extends ApiName>(
    api: Name,
    version: number,
    body: RequestInput<Name>,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Frame> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (signal?.aborted === true) return Promise.reject(fail('CANCELLED'));
    assert(this.#pending.size < PENDING_MAX, `at most ${PENDING_MAX} requests on a connection`);
    const { settings } = this.#options;
    const correlationId = this.#nextCorrelationId;
    this.#nextCorrelationId = correlationId === 0x7fffffff ? 1 : correlationId + 1;
    const { promise, resolve, reject } = Promise.withResolvers<Frame>();
    const timeoutMs = settings['socket.timeout.ms'] + waitMs;
    let waiting = true;
    const onAbort = (): void => {
      waiting = false;
      reject(fail('CANCELLED'));
    };
    const settle = (outcome: Frame | AppError): void => {
      signal?.removeEventListener('abort', onAbort);
      stopTimer();
      if (outcome instanceof AppError) reject(outcome);
      else if (waiting) resolve(outcome);
      else outcome.release();
    };
    const stopTimer = this.#whenSilent(timeoutMs, () => {
      this.close(fail('KAFKA_TIMEOUT', { broker: this.broker, api, timeoutMs }));
    });
    this.#pending.set(correlationId, { api, settle });
    signal?.addEventListener('abort', onAbort, { once: true });
    const clientId = settings['client.id'] ?? 'millrace';
    const bytes = encodeRequest(
      APIS[api] as never,
      version,
      correlationId,
      clientId,
      body as never,
    );
    present(this.#socket, 'the socket of an open connection').write(bytes);
    return promise;
  }

  /**
   * Calls back when nothing has arrived for the time: a large answer over a slow line may take longer, and asking for
   * it again would never come to an end. Gives what ends it.
   */
  #whenSilent(timeoutMs: number, onSilent: () => void): () => void {
    const { clock } = this.#options;
    const arm = (): Timer => {
      const { receivedBytes } = this.#receiver;
      return clock.after(timeoutMs, () => {
        if (this.#receiver.receivedBytes === receivedBytes) onSilent();
        else timer = arm();
      });
    };
    let timer = arm();
    return () => timer.cancel();
  }

  #onFrame(frame: Frame): void {
    const correlationId = responseCorrelationId(frame.bytes);
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) {
      frame.release();
      const reason = `it answered request ${correlationId}, which was never sent`;
      this.close(fail('KAFKA_NOT_A_BROKER', { broker: this.broker, reason }));
      return;
    }
    this.#pending.delete(correlationId);
    pending.settle(frame);
    if (this.#retired && this.#pending.size === 0) this.close();
  }

  /** Ends the connection; requests under way fail with the error. */
  close(error: AppError = fail('CANCELLED')): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#socket?.destroy();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const one of pending) one.settle(error);
  }
}

/** A connection lost while logging in is one that could not be made. */
function setUpFailure(broker: string, thrown: unknown): AppError {
  if (!(thrown instanceof AppError))
    return fail('KAFKA_UNREACHABLE', { brokers: broker, reason: String(thrown) }, thrown);
  if (thrown.code === 'KAFKA_MALFORMED')
    return fail('KAFKA_NOT_A_BROKER', { broker, reason: thrown.message }, thrown);
  if (thrown.code !== 'KAFKA_CONNECTION_LOST' && thrown.code !== 'KAFKA_TIMEOUT') return thrown;
  const reason = `${String(thrown.fields['reason'] ?? 'no answer')} before the first answer`;
  return fail('KAFKA_UNREACHABLE', { brokers: broker, reason }, thrown);
}
