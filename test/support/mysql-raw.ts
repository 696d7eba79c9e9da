// A MySQL client by hand: logs in properly, then sends and reads what a test wants, right or wrong.
import { connect, type Socket } from 'node:net';
import { nativePasswordToken } from '../../src/mysql/auth/native-password.ts';
import { CAPABILITY, SERVER_CAPABILITIES } from '../../src/mysql/constants.ts';
import { readAuthSwitch } from '../../src/mysql/packets/auth-switch.ts';
import { framePayload, type Packet, PacketSplitter } from '../../src/mysql/packets/framing.ts';
import { readHandshake } from '../../src/mysql/packets/handshake.ts';
import { writeHandshakeResponse } from '../../src/mysql/packets/handshake-response.ts';
import { PayloadReader } from '../../src/mysql/packets/payload-reader.ts';

/** What a plain client of ours speaks: neither TLS nor compression nor query attributes. */
export const PLAIN_CAPABILITIES =
  SERVER_CAPABILITIES &
  ~(CAPABILITY.compress | CAPABILITY.queryAttributes | CAPABILITY.connectWithDatabase);

export interface RawOptions {
  readonly user?: string;
  readonly password?: string;
  readonly capabilities?: number;
}

export class RawClient {
  readonly socket: Socket;
  /** Payloads that came and were not read yet; null where the connection ended. */
  readonly #arrived: (Packet | null)[] = [];
  #wake: (() => void) | null = null;
  /** The server's scramble, once the greeting was read. */
  scramble = Buffer.alloc(20);

  private constructor(socket: Socket) {
    this.socket = socket;
    const splitter = new PacketSplitter(1 << 28, (packet) => this.#take(packet));
    socket.on('error', () => undefined);
    socket.on('close', () => this.#take(null));
    socket.on('data', (data) => splitter.push(data));
  }

  /** Connects and reads the greeting. */
  static async greeted(port: number): Promise<RawClient> {
    const client = new RawClient(connect(port, '127.0.0.1'));
    const greeting = await client.read();
    if (greeting === null) throw new Error('no greeting');
    client.scramble = Buffer.from(readHandshake(new PayloadReader(greeting)).scramble);
    return client;
  }

  /** Connects and logs in. Throws when the server refuses. */
  static async loggedIn(port: number, options: RawOptions = {}): Promise<RawClient> {
    const client = await RawClient.greeted(port);
    client.send(client.login(options), 1);
    for (;;) {
      const packet = await client.readPacket();
      if (packet === null) throw new Error('closed while logging in');
      if (packet.payload[0] === 0) return client;
      if (packet.payload[0] !== 0xfe) throw new Error(`refused: ${packet.payload.toString()}`);
      const { scramble } = readAuthSwitch(new PayloadReader(packet.payload));
      client.send(nativePasswordToken(options.password ?? '', scramble), packet.sequence + 1);
    }
  }

  /** The payload of a right login. */
  login({ user = 'root', password = '', capabilities = PLAIN_CAPABILITIES }: RawOptions): Buffer {
    return writeHandshakeResponse({
      capabilities,
      maxPacketBytes: 1 << 24,
      charset: 45,
      user,
      authResponse: nativePasswordToken(password, this.scramble),
      database: null,
      plugin: 'mysql_native_password',
      attributes: new Map([['program_name', 'raw']]),
    });
  }

  /** Sends one payload as packets. */
  send(payload: Buffer, sequence = 0): void {
    this.socket.write(Buffer.concat(framePayload(payload, sequence).parts));
  }

  /** Sends one command. */
  command(code: number, body: Buffer | string = ''): void {
    this.send(Buffer.concat([Buffer.of(code), Buffer.from(body)]));
  }

  /** The next payload; null when the connection ended. */
  async read(): Promise<Buffer | null> {
    return (await this.readPacket())?.payload ?? null;
  }

  async readPacket(): Promise<Packet | null> {
    while (this.#arrived.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const packet = this.#arrived[0] ?? null;
    // The end stays: every later read meets it, too.
    if (packet !== null) this.#arrived.shift();
    return packet;
  }

  async closed(): Promise<void> {
    if (this.socket.closed) return;
    // Not events.once: it rejects when the server resets the connection, which closes it as well.
    await new Promise<void>((resolve) => {
      this.socket.resume().once('close', () => resolve());
    });
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(packet: Packet | null): void {
    this.#arrived.push(packet);
    this.#wake?.();
    this.#wake = null;
  }
}
