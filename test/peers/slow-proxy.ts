// A TCP proxy in front of a server under test that can be slow, stand still, or cut connections in the middle.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class SlowProxy {
  /** Port that it forwards to; 0 = nobody yet. */
  targetPort = 0;
  /** Most bytes a second in either direction of a connection. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** Every piece waits so long before it goes on. */
  delayMs = 0;
  /** Connections are reset after so many bytes from the server. */
  cutAfterBytes = Number.POSITIVE_INFINITY;
  /** Connections that were cut. */
  cuts = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Resolved while bytes may pass. */
  #gate = Promise.resolve();
  #open: (() => void) | null = null;

  private constructor() {
    this.#server = createServer((client) => this.#accept(client));
  }

  static async listen(): Promise<SlowProxy> {
    const proxy = new SlowProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  /** Nothing passes any more; connections stay open, and new ones are taken. */
  stall(): void {
    if (this.#open !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#open = resolve;
  }

  goOn(): void {
    this.#open?.();
    this.#open = null;
  }

  close(): void {
    this.goOn();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(client: Socket): void {
    const server = connect(this.targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      // A reset of one side is one for the other.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    void this.#pass(client, server, false);
    void this.#pass(server, client, true);
  }

  /** Ends with the connection. */
  async #pass(from: Socket, to: Socket, cuts: boolean): Promise<void> {
    let passedBytes = 0;
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        await this.#gate;
        const waitMs = this.delayMs + (piece.length / this.bytesPerSecond) * 1000;
        if (waitMs >= 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
        passedBytes += piece.length;
        if (cuts && passedBytes > this.cutAfterBytes) {
          this.cuts += 1;
          to.resetAndDestroy();
          return;
        }
        if (to.destroyed) return;
        // The callback comes once it is sent: no more than a piece waits here.
        await new Promise((resolve) => to.write(piece, resolve));
      }
    } catch {
      // The connection broke: its 'close' ends the other side.
    }
    to.end();
  }
}
