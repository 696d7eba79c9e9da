// Packets over one socket, both ways: sequence ids, bounded reading, back-pressured writing, compression,
// the upgrade to TLS, time limits for clients that stall half way. Goes on reading while a command runs, because only a reading socket notices that its client left.
// Never looks into a payload.
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../base/clock.ts';
import { type AppError, fail, toAppError } from '../base/errors.ts';
import { type Deferred, deferred } from '../base/queue.ts';
import { CompressedReader, compressLast, compressStream } from './packets/compressed.ts';
import { framePayload, type Packet, PacketSplitter } from './packets/framing.ts';

/** Input kept of commands sent ahead while another one runs; past it the socket is not read. */
const MAX_AHEAD_BYTES = 1024 * 1024;
/** Output packets are joined up to this size before they go to the socket. */
export const FLUSH_BYTES = 64 * 1024;
/** How long a closing connection waits for its client to take the last packet and close. */
const LINGER_MS = 2000;

/** How long a client may stall, in milliseconds; set once it is logged in. */
export interface StallLimits {
  /** net_read_timeout: between two pieces of one packet. */
  readonly readMs: number;
  /** net_write_timeout: to take what is in the socket's buffer. */
  readonly writeMs: number;
}

/** A place in the output that is not sent yet. */
export interface OutputMark {
  readonly parts: number;
  readonly outBytes: number;
  readonly sequence: number;
  readonly flushes: number;
}

/** Bytes that went through a connection: as the protocol makes them, compressed where it is, before TLS. */
export interface Traffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** How a connection is encrypted, in OpenSSL's words: `TLSv1.3`, `TLS_AES_256_GCM_SHA384`. */
export interface TlsState {
  readonly version: string;
  readonly cipher: string;
}

export class PacketChannel {
  /** Sequence id of the next packet written. */
  sequence = 0;
  /** Asked each time it counts. Before the login only the time limit of the login holds. */
  stallLimits: (() => StallLimits) | null = null;
  #socket: Socket;
  readonly #clock: Clock;
  readonly #splitter: PacketSplitter;
  readonly #closed = new AbortController();
  #queue: Packet[] = [];
  #queuedBytes = 0;
  #reader: Deferred<Packet | null> | null = null;
  #readError: AppError | null = null;
  /** True once nothing more is to be read: input is thrown away. */
  #discarding = false;
  #ending = false;
  #loggingIn = true;
  #out: Buffer[] = [];
  #outBytes = 0;
  #flushes = 0;
  /** Set once the connection is compressed. */
  #compressed: CompressedReader | null = null;
  #compressedSequence = 0;
  /** Runs while a packet is half read. */
  #stall: Timer | null = null;
  #lastDataMs = 0;
  #receivedBytes = 0;
  #sentBytes = 0;

  constructor(socket: Socket, clock: Clock, maxPayloadBytes: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#splitter = new PacketSplitter(maxPayloadBytes, (packet) => this.#take(packet));
    socket.setNoDelay(true);
    this.#listen(socket);
  }

  /** Aborts, with an AppError as reason, when the connection is gone. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Bytes of packets written and not yet flushed. */
  get unflushedBytes(): number {
    return this.#outBytes;
  }

  get traffic(): Traffic {
    return { receivedBytes: this.#receivedBytes, sentBytes: this.#sentBytes };
  }

  get isCompressed(): boolean {
    return this.#compressed !== null;
  }

  /** The login is over: larger packets are taken, and commands may be sent ahead. */
  loggedIn(maxPayloadBytes: number): void {
    this.#loggingIn = false;
    this.#splitter.maxPayloadBytes = maxPayloadBytes;
  }

  /** Both directions are compressed from here on: right after the OK of the login, and only then. */
  startCompression(): void {
    const reader = new CompressedReader((bytes) => this.#splitter.push(bytes));
    this.#compressed = reader;
    const early = this.#splitter.takeRest();
    if (early.length > 0) this.#input(() => reader.push(early));
  }

  /**
   * The next packet, or null when the connection is gone. Sets `sequence` for the answer.
   * Throws MYSQL_PACKET_TOO_LARGE; nothing more can be read then.
   */
  async read(): Promise<Packet | null> {
    if (this.#ending || this.#closed.signal.aborted) return null;
    const queued = this.#queue.shift();
    if (queued !== undefined) {
      this.#queuedBytes -= queued.payload.length;
      return this.#received(queued);
    }
    if (this.#readError !== null) throw this.#readError;
    const reader = deferred<Packet | null>();
    this.#reader = reader;
    this.#input(() => this.#splitter.resume());
    this.#socket.resume();
    const packet = await reader.promise;
    return packet === null ? null : this.#received(packet);
  }

  #received(packet: Packet): Packet {
    this.sequence = (packet.sequence + 1) & 0xff;
    if (this.#compressed !== null) this.#compressedSequence = this.#compressed.nextSequence;
    return packet;
  }

  /** Queues one payload; nothing is sent before `flush`. Keeps the buffer. */
  write(payload: Buffer): void {
    const { parts, nextSequence } = framePayload(payload, this.sequence);
    this.sequence = nextSequence;
    for (const part of parts) this.writeRaw(part);
  }

  /** Queues bytes that are packets already; the caller sets `sequence`. Keeps the buffer. */
  writeRaw(bytes: Buffer): void {
    this.#out.push(bytes);
    this.#outBytes += bytes.length;
  }

  /** Where the output stands, for `takeBack`. */
  mark(): OutputMark {
    const { sequence } = this;
    return { parts: this.#out.length, outBytes: this.#outBytes, sequence, flushes: this.#flushes };
  }

  /** Forgets what was queued since the mark. False, and nothing changes, when it was flushed meanwhile. */
  takeBack(mark: OutputMark): boolean {
    if (mark.flushes !== this.#flushes) return false;
    this.#out.length = mark.parts;
    this.#outBytes = mark.outBytes;
    this.sequence = mark.sequence;
    return true;
  }

  /**
   * Hands what is queued to the socket and waits until the client has taken enough of it. Rejects with the
   * reason of `signal`, or of `closed`.
   */
  async flush(signal?: AbortSignal): Promise<void> {
    this.#closed.signal.throwIfAborted();
    const socket = this.#socket;
    if (this.#outBytes > 0) {
      const plain = this.#outBytes <= FLUSH_BYTES ? [Buffer.concat(this.#out)] : this.#out;
      this.#out = [];
      this.#outBytes = 0;
      this.#flushes += 1;
      const parts = this.#compressed === null ? plain : await this.#compress(plain);
      if (parts.length > 1) socket.cork();
      for (const part of parts) {
        this.#sentBytes += part.length;
        socket.write(part);
      }
      if (parts.length > 1) socket.uncork();
    }
    if (socket.writableNeedDrain) await this.#drained(socket, signal);
  }

  async #compress(plain: readonly Buffer[]): Promise<readonly Buffer[]> {
    const bytes = plain.length === 1 && plain[0] !== undefined ? plain[0] : Buffer.concat(plain);
    const { parts, nextSequence } = await compressStream(bytes, this.#compressedSequence);
    this.#compressedSequence = nextSequence;
    this.#closed.signal.throwIfAborted();
    // Ended meanwhile: nothing may follow the last packet.
    return this.#ending ? [] : parts;
  }

  /** Answers a TLS request: the same connection goes on encrypted. Only between packets. */
  async startTls(context: SecureContext): Promise<TlsState> {
    const raw = this.#socket;
    // Paused first: unshifting into a flowing socket loses the early hello of some clients (PyMySQL).
    raw.pause();
    raw.removeAllListeners('data');
    raw.removeAllListeners('end');
    const early = this.#splitter.takeRest();
    // Comes again, to be deciphered.
    this.#receivedBytes -= early.length;
    if (early.length > 0) raw.unshift(early);
    const secure = new TLSSocket(raw, { isServer: true, secureContext: context });
    this.#socket = secure;
    const ready = deferred<void>();
    const onClosed = (): void => ready.reject(this.#closed.signal.reason);
    this.#closed.signal.addEventListener('abort', onClosed, { once: true });
    secure.once('secure', () => ready.resolve());
    this.#listen(secure);
    await ready.promise;
    this.#closed.signal.removeEventListener('abort', onClosed);
    return { version: secure.getProtocol() ?? '', cipher: secure.getCipher().name };
  }

  /** Sends what is queued, then closes; a client that stays is cut off after two seconds. */
  end(): void {
    if (this.#ending || this.#closed.signal.aborted) return;
    this.#ending = true;
    this.#discarding = true;
    this.#queue = [];
    this.#answerReader(null);
    const last = Buffer.concat(this.#out);
    const bytes = this.#compressed === null ? last : compressLast(last, this.#compressedSequence);
    this.#sentBytes += bytes.length;
    this.#socket.end(bytes);
    this.#out = [];
    this.#outBytes = 0;
    // Goes on reading, since closing with unread input would reset the connection under the last packet.
    this.#socket.resume();
    const timer = this.#clock.after(LINGER_MS, () => this.destroy());
    this.#closed.signal.addEventListener('abort', () => timer.cancel(), { once: true });
  }

  /** Cuts the connection at once. */
  destroy(): void {
    this.#socket.destroy();
    this.#gone(null);
  }

  #listen(socket: Socket): void {
    socket.on('data', (data: Buffer) => this.#data(data));
    // MySQL clients never half-close: an end of input is a client that left, whatever runs for it.
    socket.on('end', () => this.destroy());
    socket.on('error', (error) => this.#gone(error));
    socket.on('close', () => this.#gone(null));
  }

  #data(data: Buffer): void {
    this.#receivedBytes += data.length;
    if (this.#discarding) return;
    const compressed = this.#compressed;
    this.#input(() => (compressed ?? this.#splitter).push(data));
    this.#watchStall();
    const aheadBytes = this.#queuedBytes + this.#pendingBytes;
    if (this.#reader === null && aheadBytes > MAX_AHEAD_BYTES) this.#socket.pause();
  }

  /** Bytes of packets that are not whole. */
  get #pendingBytes(): number {
    return this.#splitter.pendingBytes + (this.#compressed?.pendingBytes ?? 0);
  }

  /** Cuts off a client that began a packet and does not go on with it: half a packet holds memory. */
  #watchStall(): void {
    this.#lastDataMs = this.#clock.monotonicMs();
    if (this.#stall !== null || this.stallLimits === null || this.#pendingBytes === 0) return;
    const check = (waitMs: number): void => {
      this.#stall = this.#clock.after(waitMs, () => {
        this.#stall = null;
        const limitMs = this.stallLimits?.().readMs ?? 0;
        // Input that was not asked for waits for us, not for the client.
        if (this.#pendingBytes === 0 || this.#socket.isPaused()) return;
        const leftMs = limitMs - (this.#clock.monotonicMs() - this.#lastDataMs);
        if (leftMs > 0) check(leftMs);
        else this.destroy();
      });
    };
    check(this.stallLimits().readMs);
  }

  /** Runs the splitter; a packet that is too large ends all reading. */
  #input(split: () => void): void {
    try {
      split();
    } catch (thrown) {
      this.#discarding = true;
      this.#readError = toAppError(thrown);
      this.sequence = (this.#splitter.refusedSequence + 1) & 0xff;
      this.#reader?.reject(this.#readError);
      this.#reader = null;
    }
  }

  /** False while logging in: what follows a packet is looked at only when it is asked for. */
  #take(packet: Packet): boolean {
    if (this.#reader !== null) {
      this.#answerReader(packet);
    } else {
      this.#queue.push(packet);
      this.#queuedBytes += packet.payload.length;
    }
    return !this.#loggingIn;
  }

  #answerReader(packet: Packet | null): void {
    this.#reader?.resolve(packet);
    this.#reader = null;
  }

  #gone(cause: Error | null): void {
    if (this.#closed.signal.aborted) return;
    this.#queue = [];
    this.#out = [];
    this.#outBytes = 0;
    this.#stall?.cancel();
    this.#closed.abort(fail('CLIENT_GONE', {}, cause ?? undefined));
    this.#answerReader(null);
  }

  async #drained(socket: Socket, signal: AbortSignal | undefined): Promise<void> {
    const waiting = deferred<void>();
    const closed = this.#closed.signal;
    const onDrain = (): void => waiting.resolve();
    const onClosed = (): void => waiting.reject(closed.reason);
    const onAbort = (): void => waiting.reject(signal?.reason);
    signal?.throwIfAborted();
    socket.once('drain', onDrain);
    closed.addEventListener('abort', onClosed, { once: true });
    signal?.addEventListener('abort', onAbort, { once: true });
    const limits = this.stallLimits?.();
    const timer = limits && this.#clock.after(limits.writeMs, () => this.destroy());
    try {
      await waiting.promise;
    } finally {
      timer?.cancel();
      socket.off('drain', onDrain);
      closed.removeEventListener('abort', onClosed);
      signal?.removeEventListener('abort', onAbort);
    }
  }
}
