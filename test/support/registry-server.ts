// A schema registry of its own that speaks Confluent's REST API, for tests and benchmarks: schemas are
// registered by a call or over HTTP; it can ask for a password, and be made to fail.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface NewSchema {
  readonly schema: string;
  readonly schemaType?: 'AVRO' | 'PROTOBUF' | 'JSON';
  readonly references?: readonly { name: string; subject: string; version: number }[];
}

export class RegistryServer {
  /** Paths asked for, in order. */
  readonly asked: string[] = [];
  /** Answers everything with this status while it is set. */
  failing: number | null = null;
  readonly #server: Server;
  readonly #authorization: string | null;
  readonly #byId = new Map<number, NewSchema>();
  readonly #bySubject = new Map<string, number[]>();

  private constructor(credentials: string | null) {
    this.#authorization =
      credentials === null ? null : `Basic ${Buffer.from(credentials).toString('base64')}`;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) =>
        response.writeHead(500).end(String(error)),
      );
    });
  }

  /** `credentials`: `key:secret` that every request must give. */
  static async start(credentials: string | null = null): Promise<RegistryServer> {
    const registry = new RegistryServer(credentials);
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** Gives the id. The same schema again has the same id. */
  register(subject: string, schema: NewSchema): number {
    const known = [...this.#byId].find(([, one]) => JSON.stringify(one) === JSON.stringify(schema));
    const id = known?.[0] ?? this.#byId.size + 1;
    this.#byId.set(id, schema);
    const versions = this.#bySubject.get(subject) ?? [];
    if (!versions.includes(id)) versions.push(id);
    this.#bySubject.set(subject, versions);
    return id;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
      response.end(JSON.stringify(body));
    };
    const path = request.url ?? '';
    this.asked.push(path);
    if (this.failing !== null) return send(this.failing, { message: 'made to fail' });
    if (this.#authorization !== null && request.headers.authorization !== this.#authorization)
      return send(401, { error_code: 401, message: 'Unauthorized' });
    const byId = /^\/schemas\/ids\/(\d+)/.exec(path);
    if (byId !== null) {
      const found = this.#byId.get(Number(byId[1]));
      if (found === undefined) return send(404, { error_code: 40403, message: 'Schema not found' });
      return send(200, found);
    }
    const subject = /^\/subjects\/([^/]+)\/versions(?:\/(\d+))?/.exec(path);
    if (subject === null) return send(404, { error_code: 404, message: 'HTTP 404 Not Found' });
    const [, encoded = '', version] = subject;
    const name = decodeURIComponent(encoded);
    if (request.method === 'POST') {
      const schema = JSON.parse(await bodyOf(request)) as NewSchema;
      return send(200, { id: this.register(name, schema) });
    }
    const id = this.#bySubject.get(name)?.[Number(version) - 1];
    const found = id === undefined ? undefined : this.#byId.get(id);
    if (found === undefined) return send(404, { error_code: 40401, message: 'Subject not found' });
    send(200, { subject: name, version: Number(version), id, ...found });
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
