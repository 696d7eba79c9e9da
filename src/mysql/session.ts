// One connection from greeting to close: login, then commands one at a time, each with a signal that aborts
// on KILL, disconnect and shutdown. What a command does is in commands.ts; bytes are in packet-channel.ts.
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { present } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { type AppError, fail, toAppError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { login } from './auth/login.ts';
import { makeScramble } from './auth/scramble.ts';
import { CommandRunner, commandName } from './commands.ts';
import { type AuthPlugin, CAPABILITY, SERVER_CAPABILITIES } from './constants.ts';
import type { ConnectionInfo, MysqlHandler, MysqlSessionHandler } from './handler.ts';
import { PacketChannel, type TlsState, type Traffic } from './packet-channel.ts';
import { readChangeUser } from './packets/change-user.ts';
import { writeError } from './packets/error.ts';
import type { Packet } from './packets/framing.ts';
import { writeHandshake } from './packets/handshake.ts';
import {
  type HandshakeResponse,
  isTlsRequest,
  readHandshakeResponse,
} from './packets/handshake-response.ts';
import { writeOk } from './packets/ok.ts';
import { PayloadReader } from './packets/payload-reader.ts';
import { statusFlags } from './result-writer.ts';

/** Largest packet before login: user, database and 64 KB of attributes. */
const MAX_LOGIN_PACKET_BYTES = 128 * 1024;
/** How long a killed command may take to notice, before its connection is cut. */
const KILL_GRACE_MS = 1000;

/** Called with what a person should look into: never with a user's own mistake. */
export type MysqlLog = (
  message: string,
  fields: Readonly<Record<string, string | number>>,
  error: unknown,
) => void;

export interface SessionOptions {
  readonly handler: MysqlHandler;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: MysqlLog;
  readonly serverVersion: string;
  readonly authPlugin: AuthPlugin;
  readonly tls: SecureContext | null;
  readonly requireTls: boolean;
  readonly maxPacketBytes: number;
  readonly handshakeTimeoutMs: number;
}

export class Session {
  readonly connectionId: number;
  readonly #options: SessionOptions;
  readonly #channel: PacketChannel;
  readonly #host: string;
  readonly #port: number;
  #info: ConnectionInfo | null = null;
  #runner: CommandRunner | null = null;
  #session: MysqlSessionHandler | null = null;
  #command: AbortController | null = null;
  #commandName = '';
  #stateSinceMs: number;
  /** Set once the connection shall end after the running command. */
  #ending = false;
  #capabilities = 0;
  #tls: TlsState | null = null;

  constructor(options: SessionOptions, socket: Socket, connectionId: number) {
    this.#options = options;
    this.connectionId = connectionId;
    this.#host = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    this.#port = socket.remotePort ?? 0;
    this.#channel = new PacketChannel(socket, options.clock, MAX_LOGIN_PACKET_BYTES);
    this.#stateSinceMs = options.clock.nowMs();
    this.#channel.closed.addEventListener(
      'abort',
      () => this.#command?.abort(this.#channel.closed.reason),
      { once: true },
    );
  }

  get info(): ConnectionInfo | null {
    return this.#info;
  }

  /** Name of the running command, or `Sleep`; with the time it has lasted since, in ms since the epoch. */
  get state(): { readonly command: string; readonly sinceMs: number } {
    const command = this.#command === null ? 'Sleep' : this.#commandName;
    return { command, sinceMs: this.#stateSinceMs };
  }

  get traffic(): Traffic {
    return this.#channel.traffic;
  }

  get isCompressed(): boolean {
    return this.#channel.isCompressed;
  }

  /** Resolves when the connection is gone and the handler is closed. Never rejects. */
  async run(): Promise<void> {
    try {
      if (await this.#start()) await this.#commandLoop();
    } catch (thrown) {
      this.#refuse(thrown);
    } finally {
      this.#closeRunner();
      this.#channel.end();
    }
  }

  /** KILL QUERY: false when no command runs. */
  killQuery(): boolean {
    this.#command?.abort(fail('CANCELLED'));
    return this.#command !== null;
  }

  /** KILL [CONNECTION], and the end of a drain: aborts the command, and cuts the connection if that does not help. */
  kill(reason: AppError): void {
    this.#ending = true;
    if (this.#command === null) {
      this.#channel.end();
      return;
    }
    this.#command.abort(reason);
    const timer = this.#options.clock.after(KILL_GRACE_MS, () => this.#channel.destroy());
    this.#channel.closed.addEventListener('abort', () => timer.cancel(), { once: true });
  }

  /** Ends the connection as soon as no command runs. */
  drain(): void {
    this.#ending = true;
    if (this.#command === null) this.#channel.end();
  }

  /** Greets, upgrades to TLS, checks the login. False when the client left before that. */
  async #start(): Promise<boolean> {
    const { clock, random, handshakeTimeoutMs } = this.#options;
    const timer = clock.after(handshakeTimeoutMs, () => this.#channel.destroy());
    try {
      const scramble = makeScramble(random);
      const offered = SERVER_CAPABILITIES | (this.#options.tls === null ? 0 : CAPABILITY.tls);
      this.#channel.write(
        writeHandshake({
          serverVersion: this.#options.serverVersion,
          connectionId: this.connectionId,
          scramble,
          capabilities: offered,
          plugin: this.#options.authPlugin,
        }),
      );
      await this.#channel.flush();
      const response = await this.#readResponse();
      if (response === null) return false;
      this.#capabilities = response.capabilities & offered;
      await this.#login(response, scramble, false);
      return true;
    } finally {
      timer.cancel();
    }
  }

  async #readResponse(): Promise<HandshakeResponse | null> {
    let packet = await this.#channel.read();
    if (packet !== null && isTlsRequest(packet.payload)) {
      if (this.#options.tls === null) {
        throw fail('MYSQL_BAD_HANDSHAKE', { detail: 'this server has no TLS' });
      }
      this.#tls = await this.#channel.startTls(this.#options.tls);
      packet = await this.#channel.read();
    }
    if (packet !== null && this.#options.requireTls && this.#tls === null) {
      throw fail('MYSQL_INSECURE_TRANSPORT');
    }
    return packet === null ? null : readHandshakeResponse(new PayloadReader(packet.payload));
  }

  async #login(
    response: Pick<
      HandshakeResponse,
      'user' | 'authResponse' | 'database' | 'plugin' | 'attributes'
    >,
    scramble: Buffer,
    isChange: boolean,
  ): Promise<void> {
    const { handler, random } = this.#options;
    const request = {
      user: response.user,
      host: this.#host,
      authResponse: response.authResponse,
      plugin: response.plugin,
      scramble,
      offeredPlugin: this.#options.authPlugin,
      canSwitch: (this.#capabilities & CAPABILITY.pluginAuth) !== 0,
      mustSwitch: isChange,
    };
    await handler.authenticate(response.user, this.#host, (stored) =>
      login(this.#channel, request, stored, random),
    );
    this.#closeRunner();
    this.#info = {
      connectionId: this.connectionId,
      user: response.user,
      host: this.#host,
      port: this.#port,
      database: response.database,
      attributes: response.attributes,
      tls: this.#tls,
      interactive: (this.#capabilities & CAPABILITY.interactive) !== 0,
      foundRows: (this.#capabilities & CAPABILITY.foundRows) !== 0,
    };
    const session = await handler.connect(this.#info);
    this.#runner = new CommandRunner({
      connectionId: this.connectionId,
      channel: this.#channel,
      capabilities: this.#capabilities,
      handler: session,
      maxPacketBytes: this.#options.maxPacketBytes,
      log: this.#options.log,
    });
    this.#session = session;
    this.#channel.write(writeOk({}, statusFlags(session.status(), false)));
    await this.#channel.flush();
    this.#channel.loggedIn(this.#options.maxPacketBytes);
    this.#channel.stallLimits = () => session.limits();
    if (!isChange && this.#capabilities & CAPABILITY.compress) this.#channel.startCompression();
  }

  async #commandLoop(): Promise<void> {
    while (!this.#ending) {
      const packet = await this.#nextCommand();
      if (packet === null) return;
      const command = new AbortController();
      this.#command = command;
      this.#commandName = commandName(packet.payload);
      this.#stateSinceMs = this.#options.clock.nowMs();
      try {
        const next = await this.#openRunner().run(packet.payload, command.signal);
        if (next === 'quit' || this.#channel.closed.aborted) return;
        if (next === 'change-user') await this.#changeUser(packet.payload.subarray(1));
      } finally {
        this.#command = null;
        this.#stateSinceMs = this.#options.clock.nowMs();
      }
    }
  }

  /** Waits for a command, at most the idle time. */
  async #nextCommand(): Promise<Packet | null> {
    const { idleMs } = present(this.#session, 'the session of a login').limits();
    const idle: Timer = this.#options.clock.after(idleMs, () => this.#channel.end());
    try {
      return await this.#channel.read();
    } finally {
      idle.cancel();
    }
  }

  /** A failed change ends the connection, as in MySQL: the former user must not go on. */
  async #changeUser(body: Buffer): Promise<void> {
    const change = readChangeUser(new PayloadReader(body), this.#capabilities);
    await this.#login(change, makeScramble(this.#options.random), true);
  }

  #openRunner(): CommandRunner {
    return present(this.#runner, 'the command runner of a session that is logged in');
  }

  /** Tells the client why it is not let in, or why its connection ends. */
  #refuse(thrown: unknown): void {
    if (this.#channel.closed.aborted) return;
    const error = toAppError(thrown);
    if (error.kind === 'internal') {
      this.#options.log('mysql connection failed', { connection: this.connectionId }, thrown);
    }
    this.#channel.write(writeError(error));
  }

  #closeRunner(): void {
    const runner = this.#runner;
    this.#runner = null;
    runner?.close();
  }
}
