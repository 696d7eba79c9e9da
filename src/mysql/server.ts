// The listening side: accepts connections up to a limit, gives them ids, knows the open ones, ends them.
// Knows nothing of SQL or of the product; everything it needs is passed in.
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { AuthPlugin } from './constants.ts';
import type { ConnectionInfo, MysqlHandler } from './handler.ts';
import type { Traffic } from './packet-channel.ts';
import { writeError } from './packets/error.ts';
import { framePayload } from './packets/framing.ts';
import { type MysqlLog, Session, type SessionOptions } from './session.ts';

/** What the socket layer keeps for a slow client before writers wait. */
const SOCKET_BUFFER_BYTES = 256 * 1024;
const KEEP_ALIVE_MS = 60_000;
/** Sockets turned away by the connection limit that may linger at once; above, they are cut unanswered. */
const MAX_REFUSALS = 64;

export interface MysqlServerOptions {
  readonly handler: MysqlHandler;
  readonly clock: Clock;
  /** Makes scrambles: must be unpredictable outside tests. */
  readonly random: Random;
  /** Told of internal errors only. */
  readonly log: MysqlLog;
  /** Shown to clients, such as `8.0.33`; drivers choose features by it. */
  readonly serverVersion: string;
  /** Offered first; either is accepted. Default mysql_native_password. */
  readonly authPlugin?: AuthPlugin;
  /** Key and certificate; without them no TLS is offered. */
  readonly tls?: SecureContextOptions | null;
  /** Refuse logins without TLS. */
  readonly requireTls?: boolean;
  /** Default 4096. */
  readonly maxConnections?: number;
  /** max_allowed_packet in bytes, default 64 MB. */
  readonly maxPacketBytes?: number;
  /** From the connection to the end of the login, default 10 s. */
  readonly handshakeTimeoutMs?: number;
}

/** An open connection for SHOW PROCESSLIST. `info` is null until its user is authenticated. */
export interface OpenConnection {
  readonly connectionId: number;
  readonly info: ConnectionInfo | null;
  /** The running command, or `Sleep`. */
  readonly command: string;
  /** Since when, in ms since the epoch. */
  readonly sinceMs: number;
  readonly traffic: Traffic;
  readonly isCompressed: boolean;
}

/** Since the server was made. */
export interface ServerTotals {
  /** Clients that came, those that were turned away or failed to log in too. */
  readonly connections: number;
  /** Most connections that were open at once. */
  readonly maxUsed: number;
  readonly traffic: Traffic;
}

function openOf(session: Session): OpenConnection {
  const { connectionId, info, state, traffic, isCompressed } = session;
  return { connectionId, info, ...state, traffic, isCompressed };
}

function sum(a: Traffic, b: Traffic): Traffic {
  return {
    receivedBytes: a.receivedBytes + b.receivedBytes,
    sentBytes: a.sentBytes + b.sentBytes,
  };
}

export class MysqlServer {
  readonly #options: SessionOptions;
  readonly #maxConnections: number;
  readonly #server: Server;
  readonly #sessions = new Map<number, { session: Session; done: Promise<void> }>();
  readonly #refusals = new Set<Socket>();
  #lastId = 0;
  #connections = 0;
  #maxUsed = 0;
  /** Of connections that are gone. */
  #closedTraffic: Traffic = { receivedBytes: 0, sentBytes: 0 };

  constructor(options: MysqlServerOptions) {
    this.#maxConnections = options.maxConnections ?? 4096;
    this.#options = {
      handler: options.handler,
      clock: options.clock,
      random: options.random,
      log: options.log,
      serverVersion: options.serverVersion,
      authPlugin: options.authPlugin ?? 'mysql_native_password',
      tls: options.tls ? createSecureContext({ minVersion: 'TLSv1.2', ...options.tls }) : null,
      requireTls: options.requireTls ?? false,
      maxPacketBytes: options.maxPacketBytes ?? 64 * 1024 * 1024,
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    };
    this.#server = createServer(
      { highWaterMark: SOCKET_BUFFER_BYTES, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      (socket) => this.#accept(socket),
    );
  }

  /** Starts listening and gives the port (useful with port 0). Rejects with Node's error, `code` EADDRINUSE and the like. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: address.host, port: address.port }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.log('mysql listener failed', {}, error));
        const bound = this.#server.address();
        resolve({ port: bound !== null && typeof bound === 'object' ? bound.port : address.port });
      });
    });
  }

  get connectionCount(): number {
    return this.#sessions.size;
  }

  /** The open connections, by id. */
  connections(): OpenConnection[] {
    return Array.from(this.#sessions.values(), ({ session }) => openOf(session));
  }

  /** Null when there is no such connection. */
  connection(connectionId: number): OpenConnection | null {
    const found = this.#sessions.get(connectionId);
    return found === undefined ? null : openOf(found.session);
  }

  totals(): ServerTotals {
    let traffic = this.#closedTraffic;
    for (const { session } of this.#sessions.values()) traffic = sum(traffic, session.traffic);
    return { connections: this.#connections, maxUsed: this.#maxUsed, traffic };
  }

  /**
   * KILL QUERY (`queryOnly`) or KILL CONNECTION. The command's signal aborts with CANCELLED at once.
   * False when there is no such connection. Rights are the caller's business.
   */
  kill(connectionId: number, queryOnly: boolean): boolean {
    const found = this.#sessions.get(connectionId);
    if (found === undefined) return false;
    if (queryOnly) found.session.killQuery();
    else found.session.kill(fail('CANCELLED'));
    return true;
  }

  /**
   * Stops listening, ends idle connections, lets running commands finish for up to `drainMs`, then aborts
   * them with MYSQL_SHUTDOWN. Resolves when every connection is gone and its handler closed.
   */
  async close(drainMs: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#refusals) socket.destroy();
    for (const { session } of this.#sessions.values()) session.drain();
    const timer = this.#options.clock.after(drainMs, () => {
      for (const { session } of this.#sessions.values()) session.kill(fail('MYSQL_SHUTDOWN'));
    });
    await Promise.all(Array.from(this.#sessions.values(), ({ done }) => done));
    timer.cancel();
    await stopped;
  }

  #accept(socket: Socket): void {
    this.#connections += 1;
    if (this.#sessions.size >= this.#maxConnections) {
      this.#refuse(socket);
      return;
    }
    const connectionId = this.#nextId();
    const session = new Session(this.#options, socket, connectionId);
    const done = session.run().finally(() => {
      this.#closedTraffic = sum(this.#closedTraffic, session.traffic);
      this.#sessions.delete(connectionId);
    });
    this.#sessions.set(connectionId, { session, done });
    this.#maxUsed = Math.max(this.#maxUsed, this.#sessions.size);
  }

  /** ERR 1040 in place of a greeting. */
  #refuse(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#refusals.size >= MAX_REFUSALS) {
      socket.destroy();
      return;
    }
    this.#refusals.add(socket);
    socket.once('close', () => this.#refusals.delete(socket));
    const error = fail('MYSQL_TOO_MANY_CONNECTIONS', { limit: this.#maxConnections });
    socket.resume();
    socket.end(Buffer.concat(framePayload(writeError(error), 0).parts));
    const timer = this.#options.clock.after(1000, () => socket.destroy());
    socket.once('close', () => timer.cancel());
  }

  #nextId(): number {
    do {
      this.#lastId = this.#lastId >= 0xffffffff ? 1 : this.#lastId + 1;
    } while (this.#sessions.has(this.#lastId));
    return this.#lastId;
  }
}
