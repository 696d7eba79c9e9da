// Stream Loads as clients send them: whole requests through fetch, and pieces of them on a bare socket.
import { connect, type Socket } from 'node:net';

/** Of the answer to a Stream Load that loaded all, in their order. SOURCE: StarRocks, stream_load_context. */
export const ANSWER_KEYS = [
  'TxnId',
  'Label',
  'Status',
  'Message',
  'NumberTotalRows',
  'NumberLoadedRows',
  'NumberFilteredRows',
  'NumberUnselectedRows',
  'LoadBytes',
  'LoadTimeMs',
  'BeginTxnTimeMs',
  'StreamLoadPlanTimeMs',
  'ReadDataTimeMs',
  'WriteDataTimeMs',
  'CommitAndPublishTimeMs',
];

export interface LoadReply {
  readonly status: number;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface LoadCall {
  readonly port: number;
  /** `database/table`. */
  readonly to: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly password?: string;
}

export function basic(user = 'root', password = ''): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** PUT .../_stream_load; redirects are followed with the password, as curl --location-trusted does. */
export async function load(
  { port, to, headers = {}, user = 'root', password = '' }: LoadCall,
  body: string | Uint8Array,
): Promise<LoadReply> {
  const url = `http://127.0.0.1:${port}/api/${to}/_stream_load`;
  const request = {
    method: 'PUT',
    headers: { authorization: basic(user, password), ...headers },
    body,
    redirect: 'manual' as const,
  };
  let reply = await fetch(url, request);
  const location = reply.headers.get('location');
  if (reply.status === 307 && location !== null) reply = await fetch(location, request);
  return readReply(reply);
}

export async function ask(
  port: number,
  method: 'GET' | 'POST',
  path: string,
  user = 'root',
): Promise<LoadReply> {
  const headers = { authorization: basic(user) };
  return readReply(await fetch(`http://127.0.0.1:${port}${path}`, { method, headers }));
}

async function readReply(reply: Response): Promise<LoadReply> {
  const text = await reply.text();
  const isJson = reply.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: reply.status, text, json: isJson && text !== '' ? JSON.parse(text) : {} };
}

export interface BareCall extends LoadCall {
  /** Further lines of the head, each with its end, in UTF-8. */
  readonly lines?: string;
  /** What is sent with the head in one piece. */
  readonly rest?: string;
}

/** A request that is sent by hand. What the server says is gathered until it closes. */
export class BareRequest {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #heard = '';
  #isEnded = false;
  #wake: (() => void) | null = null;

  constructor(call: BareCall) {
    const { port, to, headers = {}, user = 'root', password = '', lines = '', rest = '' } = call;
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.#socket.on('data', (data) => {
      this.#heard += data.toString('utf8');
      this.#wake?.();
    });
    this.#socket.on('error', () => this.#wake?.());
    this.#socket.on('end', () => {
      this.#isEnded = true;
      this.#wake?.();
    });
    this.#closed = new Promise((resolve) => this.#socket.on('close', () => resolve()));
    void this.#closed.then(() => this.#wake?.());
    const named = Object.entries({
      host: `127.0.0.1:${port}`,
      authorization: basic(user, password),
      ...headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `PUT /api/${to}/_stream_load HTTP/1.1\r\n${named.join('')}`;
    this.send(`${head}${lines}\r\n${rest}`);
  }

  get heard(): string {
    return this.#heard;
  }

  send(text: string | Uint8Array): void {
    this.#socket.write(text);
  }

  /** No more comes from here, but answers are heard. */
  end(): void {
    this.#socket.end();
  }

  /** The client is gone, from one moment to the next. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  /** Waits until the server has said something like it. Throws when it closes before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#heard)) {
      if (this.#socket.destroyed || this.#isEnded)
        throw new Error(`closed without ${pattern}, heard: ${this.#heard}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#heard;
  }

  /** The JSON of its answer, once it is whole. */
  async answer(): Promise<Record<string, unknown>> {
    const text = await this.until(/\r\n\r\n\{[\s\S]*\n\}\n$/);
    return JSON.parse(text.slice(text.lastIndexOf('\r\n\r\n{') + 4));
  }
}
