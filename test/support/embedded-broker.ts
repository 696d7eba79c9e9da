// An embedded broker in a temporary directory, and a raw client that speaks the codec over a socket.
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { systemRandom } from '../../src/base/random.ts';
import { type Broker, startBroker } from '../../src/kafka/broker/broker.ts';
import type { BrokerConfig } from '../../src/kafka/broker/config.ts';
import type { Api } from '../../src/kafka/protocol/apis.ts';
import { decodeResponse, encodeRequest } from '../../src/kafka/protocol/codec.ts';

export function temporaryDirectory(): string {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-broker-'));
}

export function startTestBroker(
  dataDir: string,
  config: Partial<BrokerConfig> = {},
  port = 0,
): Promise<Broker> {
  return startBroker({
    dataDir,
    host: '127.0.0.1',
    port,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    config,
  });
}

/** One connection; answers are matched to requests by order, as the broker promises. */
export class RawClient {
  readonly socket: net.Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #closed = false;
  #nextId = 1;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = net.connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Sends a request. @returns its correlation id */
  send<RequestIn>(
    api: Api<unknown, RequestIn, unknown, never>,
    version: number,
    body: RequestIn,
  ): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.socket.write(encodeRequest(api, version, id, 'raw', body));
    return id;
  }

  /** The next frame without its size; null when the broker closed the connection. */
  async frame(): Promise<Buffer | null> {
    for (;;) {
      const size = this.#received.length >= 4 ? this.#received.readInt32BE(0) : -1;
      if (size >= 0 && this.#received.length >= 4 + size) {
        const frame = this.#received.subarray(4, 4 + size);
        this.#received = this.#received.subarray(4 + size);
        return frame;
      }
      if (this.#closed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async call<RequestIn, ResponseOut>(
    api: Api<unknown, RequestIn, ResponseOut, never>,
    version: number,
    body: RequestIn,
  ): Promise<ResponseOut> {
    const id = this.send(api, version, body);
    const frame = await this.frame();
    assert.ok(frame !== null, 'the broker closed the connection');
    assert.equal(frame.readInt32BE(0), id);
    return decodeResponse(api, version, frame);
  }

  close(): void {
    this.socket.destroy();
  }
}
