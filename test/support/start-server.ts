// Starts the real `millrace start` as a child process, as a user would, and talks to it over the wire.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { type Connection, createConnection, type FieldPacket } from 'mysql2/promise';

export interface ServerReady {
  readonly queryPort: number;
  readonly httpPort: number;
  readonly cnHttpPort: number;
  readonly brokerPort: number | null;
  readonly dataDir: string;
  readonly pid: number;
}

export interface StartServerOptions {
  /** A new temporary directory, removed by stop(), when left out. */
  readonly dataDir?: string;
  readonly broker?: 'on' | 'off';
  readonly brokerPort?: number;
  readonly conf?: readonly string[];
  /** MILLRACE_FAILPOINTS. */
  readonly failpoints?: string;
  readonly args?: readonly string[];
  /** Gets the process before it is ready, to kill it while it starts. */
  readonly onSpawn?: (child: ChildProcess) => void;
}

export interface TextRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

const READY_MS = 60_000;

/** Servers that a test left running (it failed, or was told to end) end with it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class TestServer {
  readonly ready: ServerReady;
  readonly child: ChildProcess;
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly #removeDataDir: boolean;
  readonly #log: string[];
  readonly #lines: Interface;
  #connection: Connection | undefined;

  constructor(parts: {
    ready: ServerReady;
    child: ChildProcess;
    exited: TestServer['exited'];
    removeDataDir: boolean;
    log: string[];
    lines: Interface;
  }) {
    this.ready = parts.ready;
    this.child = parts.child;
    this.exited = parts.exited;
    this.#removeDataDir = parts.removeDataDir;
    this.#log = parts.log;
    this.#lines = parts.lines;
  }

  /** The last lines of the server's log, for failure messages. */
  get logTail(): string {
    return this.#log.slice(-40).join('\n');
  }

  /** Whether a line of the log so far holds the text. */
  hasLogged(text: string): boolean {
    return this.#log.some((line) => line.includes(text));
  }

  /** When so many lines of the log hold the text; what a process wrote before its end may come after that. */
  async logged(text: string, times = 1): Promise<void> {
    const isThere = (): boolean => this.#log.filter((line) => line.includes(text)).length >= times;
    while (!isThere()) await once(this.#lines, 'line');
  }

  get bootstrap(): string {
    return `127.0.0.1:${this.ready.brokerPort ?? 0}`;
  }

  async connect(
    as: { readonly user?: string; readonly password?: string; readonly database?: string } = {},
  ): Promise<Connection> {
    return createConnection({
      host: '127.0.0.1',
      port: this.ready.queryPort,
      user: 'root',
      multipleStatements: true,
      supportBigNumbers: true,
      bigNumberStrings: true,
      // Named in its other spelling: with the column's own encoding mysql2 warns about JSON columns.
      typeCast: (field) => field.string('utf-8'),
      ...as,
    });
  }

  /** One statement on a kept connection; every value as text. */
  async sql(text: string): Promise<TextRows> {
    this.#connection ??= await this.connect();
    const [rows, fields] = await this.#connection.query({ sql: text, rowsAsArray: true });
    if (!Array.isArray(rows) || fields === undefined) return { columns: [], rows: [] };
    return {
      columns: (fields as FieldPacket[]).map((field) => field.name),
      rows: rows as unknown as (string | null)[][],
    };
  }

  /** First cell of the first row. */
  async value(text: string): Promise<string | null> {
    return (await this.sql(text)).rows[0]?.[0] ?? null;
  }

  /** Polls until `done` holds for the first cell. */
  async until(
    text: string,
    done: (value: string | null) => boolean,
    timeoutMs = 30_000,
  ): Promise<string | null> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const value = await this.value(text);
      if (done(value)) return value;
      if (Date.now() > deadline) {
        throw new Error(`${text} is ${value} after ${timeoutMs} ms\n${this.logTail}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends the connection and the server as a user would (SIGTERM); the exit code. */
  async stop(): Promise<number | null> {
    this.#connection?.destroy();
    this.#connection = undefined;
    this.child.kill('SIGTERM');
    const { code } = await this.exited;
    if (this.#removeDataDir) rmSync(this.ready.dataDir, { recursive: true, force: true });
    return code;
  }

  /** kill -9 of the main process; its children end with their channel. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
    // Only now: a statement that waits gets the error of a lost connection.
    this.#connection?.destroy();
    this.#connection = undefined;
  }
}

export function newDataDir(): string {
  return mkdtempSync(join(tmpdir(), 'millrace-test-'));
}

export async function startServer(options: StartServerOptions = {}): Promise<TestServer> {
  const dataDir = options.dataDir ?? newDataDir();
  const broker = options.broker === 'off' ? 'off' : String(options.brokerPort ?? 0);
  const child = spawn(
    process.execPath,
    [
      'src/main.ts',
      'start',
      '--data-dir',
      dataDir,
      '--query-port',
      '0',
      '--http-port',
      '0',
      '--cn-http-port',
      '0',
      '--broker-port',
      broker,
      ...(options.conf === undefined ? [] : ['--conf', ...options.conf]),
      ...(options.args ?? []),
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, MILLRACE_FAILPOINTS: options.failpoints ?? '' },
    },
  );
  running.add(child);
  options.onSpawn?.(child);
  child.once('exit', () => running.delete(child));
  const log: string[] = [];
  const lines = createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    if (log.length > 2000) log.shift();
  });
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const ready = await firstLine(child, exited, log);
  return new TestServer({
    ready,
    child,
    exited,
    removeDataDir: options.dataDir === undefined,
    log,
    lines,
  });
}

function firstLine(
  child: ChildProcess,
  exited: TestServer['exited'],
  log: readonly string[],
): Promise<ServerReady> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`not ready after ${READY_MS} ms\n${log.slice(-40).join('\n')}`));
    }, READY_MS);
    void exited.then(({ code, signal }) => {
      clearTimeout(timer);
      reject(
        new Error(`ended before it was ready (${code} ${signal})\n${log.slice(-40).join('\n')}`),
      );
    });
    if (child.stdout === null) throw new Error('no standard output');
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line) as ServerReady);
    });
  });
}
