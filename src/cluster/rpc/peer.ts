// One end of the FE <-> CN channel: typed calls both ways, streamed chunks with credit, cancel, time
// limits. A call whose answer does not come ends with TIMEOUT: the caller then asks for the state of
// what it wanted, it never assumes. Must never hold more than the credit window of chunks in memory.
import type { Duplex } from 'node:stream';
import { deserialize, serialize } from 'node:v8';
import type { Clock, Timer } from '../../base/clock.ts';
import { AppError, decodeError, encodeError, fail, type WireError } from '../../base/errors.ts';
import { failpoint } from '../../base/failpoints.ts';
import { type Deferred, deferred } from '../../base/queue.ts';
import { FRAME_KINDS, type FrameKind, FrameReader, writeFrame } from './frames.ts';

type Method = { params: unknown; result: unknown };
type Api<T> = { [M in keyof T]: Method };

export interface CallContext {
  /** Aborted when the caller cancels, with its reason, or the channel closes. */
  readonly signal: AbortSignal;
  /** Sends result bytes ahead of the result; resolves when the caller can take more. */
  push(chunk: Uint8Array): Promise<void>;
}

export type Handlers<T extends Api<T>> = {
  [M in keyof T]: (params: T[M]['params'], context: CallContext) => Promise<T[M]['result']>;
};

export interface CallOptions<Result = unknown> {
  readonly signal?: AbortSignal;
  /** The other side had done it before it heard that nobody waits any more: undo what the result says. */
  readonly onLate?: (result: Result) => void;
  /** Receives streamed chunks in order; the sender waits for its promise. */
  readonly onChunk?: (chunk: Buffer) => Promise<void>;
  /** Milliseconds until the call fails with TIMEOUT; default of the peer. */
  readonly timeoutMs?: number;
}

export interface PeerOptions {
  readonly clock: Clock;
  /** Name of the other side, for messages. */
  readonly peerName: string;
  readonly timeoutMs: number;
}

/** Bytes of chunks that may be under way for one call. */
const CREDIT_BYTES = 4 * 1024 * 1024;
/** Credit is given back in pieces of at least this much: the answer of a small query needs none. */
const CREDIT_STEP_BYTES = 1024 * 1024;

interface Outgoing {
  readonly method: string;
  readonly answer: Deferred<unknown>;
  readonly onChunk: ((chunk: Buffer) => Promise<void>) | undefined;
  chunkChain: Promise<void>;
  /** Bytes taken that no credit was given back for yet. */
  owedBytes: number;
  timer: Timer | undefined;
}

interface Incoming {
  readonly abort: AbortController;
  creditBytes: number;
  wake: (() => void) | undefined;
}

export class RpcPeer<Serves extends Api<Serves>, Calls extends Api<Calls>> {
  readonly #stream: Duplex;
  readonly #handlers: Handlers<Serves>;
  readonly #options: PeerOptions;
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #incoming = new Map<number, Incoming>();
  /** Calls that were given up: each still gets one answer, unless the channel closes. */
  readonly #late = new Map<number, (result: unknown) => void>();
  readonly #closed = deferred<void>();
  #nextId = 1;
  #isClosed = false;

  constructor(stream: Duplex, handlers: Handlers<Serves>, options: PeerOptions) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#options = options;
    const reader = new FrameReader((kind, id, payload) => this.#onFrame(kind, id, payload));
    stream.on('data', (data: Buffer) => {
      try {
        reader.push(data);
      } catch (error) {
        stream.destroy(error instanceof Error ? error : undefined);
      }
    });
    stream.on('error', () => this.#onClose());
    stream.on('end', () => this.#onClose());
    stream.on('close', () => this.#onClose());
  }

  /** Resolves when the channel is gone, for whatever reason. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  close(): void {
    this.#stream.destroy();
    this.#onClose();
  }

  /** Calls the other side. Throws what it threw, TIMEOUT, CANCELLED, or PEER_GONE when the channel closes. */
  async call<M extends keyof Calls & string>(
    method: M,
    params: Calls[M]['params'],
    options: CallOptions<Calls[M]['result']> = {},
  ): Promise<Calls[M]['result']> {
    if (this.#isClosed) throw fail('PEER_GONE', { peer: this.#options.peerName });
    if (options.signal?.aborted) throw fail('CANCELLED');
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 0xfffffffe) + 1;
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs;
    const out: Outgoing = {
      method,
      answer: deferred<unknown>(),
      onChunk: options.onChunk,
      chunkChain: Promise.resolve(),
      owedBytes: 0,
      timer: undefined,
    };
    this.#outgoing.set(id, out);
    const cancel = (error: AppError, told: AppError = fail('CANCELLED')): void => {
      if (!this.#outgoing.delete(id)) return;
      if (options.onLate !== undefined) this.#late.set(id, options.onLate);
      void this.#send(FRAME_KINDS.cancel, id, serialize(encodeError(told)));
      out.answer.reject(error);
    };
    // Over there it becomes the reason of what ends: a client that went is not one that cancelled.
    const onAbort = (): void => {
      const reason: unknown = options.signal?.reason;
      cancel(fail('CANCELLED'), reason instanceof AppError ? reason : undefined);
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    out.timer = this.#options.clock.after(timeoutMs, () =>
      cancel(fail('TIMEOUT', { what: `${method} on ${this.#options.peerName}`, timeoutMs })),
    );
    try {
      const call = serialize({ method, params });
      const [answer] = await Promise.all([
        out.answer.promise,
        this.#send(FRAME_KINDS.call, id, call),
      ]);
      await out.chunkChain;
      return answer;
    } finally {
      out.timer.cancel();
      options.signal?.removeEventListener('abort', onAbort);
      this.#outgoing.delete(id);
    }
  }

  #send(kind: FrameKind, id: number, payload: Uint8Array): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return writeFrame(this.#stream, kind, id, payload);
  }

  #onFrame(kind: number, id: number, payload: Buffer): void {
    switch (kind) {
      case FRAME_KINDS.call:
        void this.#serve(id, payload);
        return;
      case FRAME_KINDS.result:
        this.#outgoing.get(id)?.answer.resolve(deserialize(payload));
        this.#onLate(id, payload);
        return;
      case FRAME_KINDS.error:
        this.#outgoing.get(id)?.answer.reject(decodeError(deserialize(payload) as WireError));
        this.#late.delete(id);
        return;
      case FRAME_KINDS.chunk:
        this.#onChunk(id, payload);
        return;
      case FRAME_KINDS.cancel:
        this.#incoming.get(id)?.abort.abort(decodeError(deserialize(payload) as WireError));
        this.#incoming.get(id)?.wake?.();
        return;
      case FRAME_KINDS.credit: {
        const incoming = this.#incoming.get(id);
        if (incoming === undefined) return;
        incoming.creditBytes += payload.readUInt32LE(0);
        incoming.wake?.();
        return;
      }
      default:
        throw fail('INTERNAL', { detail: `frame of unknown kind ${kind}` });
    }
  }

  #onLate(id: number, payload: Buffer): void {
    const onLate = this.#late.get(id);
    if (onLate === undefined) return;
    this.#late.delete(id);
    onLate(deserialize(payload));
  }

  #onChunk(id: number, payload: Buffer): void {
    const out = this.#outgoing.get(id);
    if (out === undefined) return;
    const length = payload.length;
    out.chunkChain = out.chunkChain.then(async () => {
      await out.onChunk?.(payload);
      out.owedBytes += length;
      if (out.owedBytes < CREDIT_STEP_BYTES) return;
      const credit = Buffer.allocUnsafe(4);
      credit.writeUInt32LE(out.owedBytes, 0);
      out.owedBytes = 0;
      await this.#send(FRAME_KINDS.credit, id, credit);
    });
    // A failing consumer fails the call; the rejection is also awaited by call().
    out.chunkChain.catch((error: unknown) => {
      if (this.#outgoing.delete(id)) {
        void this.#send(FRAME_KINDS.cancel, id, serialize(encodeError(fail('CANCELLED'))));
        out.answer.reject(error);
      }
    });
  }

  async #serve(id: number, payload: Buffer): Promise<void> {
    const incoming: Incoming = {
      abort: new AbortController(),
      creditBytes: CREDIT_BYTES,
      wake: undefined,
    };
    this.#incoming.set(id, incoming);
    let method = '?';
    try {
      const call = deserialize(payload) as { method: keyof Serves & string; params: never };
      method = call.method;
      const handler = Object.hasOwn(this.#handlers, method)
        ? this.#handlers[call.method]
        : undefined;
      if (handler === undefined) throw fail('INTERNAL', { detail: `no method '${method}'` });
      const context: CallContext = {
        signal: incoming.abort.signal,
        push: (chunk) => this.#push(id, incoming, chunk),
      };
      // Fault tests: the call fails, or gets lost, before it has an effect.
      if (failpoint(`rpc.call:${method}`) === 'lose') return;
      const result = await handler(call.params, context);
      // Fault tests: the effect has happened, its answer gets lost.
      if (failpoint(`rpc.answer:${method}`) === 'lose') return;
      await this.#send(FRAME_KINDS.result, id, serialize(result));
    } catch (error) {
      if (failpoint(`rpc.answer:${method}`) === 'lose') return;
      await this.#send(FRAME_KINDS.error, id, serialize(encodeError(error)));
    } finally {
      this.#incoming.delete(id);
    }
  }

  async #push(id: number, incoming: Incoming, chunk: Uint8Array): Promise<void> {
    while (incoming.creditBytes <= 0 && !incoming.abort.signal.aborted) {
      await new Promise<void>((resolve) => {
        incoming.wake = resolve;
      });
      incoming.wake = undefined;
    }
    incoming.abort.signal.throwIfAborted();
    incoming.creditBytes -= chunk.length;
    await this.#send(FRAME_KINDS.chunk, id, chunk);
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const gone = fail('PEER_GONE', { peer: this.#options.peerName });
    for (const out of this.#outgoing.values()) out.answer.reject(gone);
    this.#outgoing.clear();
    this.#late.clear();
    for (const incoming of this.#incoming.values()) {
      incoming.abort.abort(gone);
      incoming.wake?.();
    }
    this.#closed.resolve();
  }
}
