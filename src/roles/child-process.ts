// Child processes of a role: started with a private channel (an inherited socket, fd 3), started again
// with back-off when they end by themselves, ended when the parent goes. A child lives no longer than
// its channel: it exits when the channel closes.
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Deferred, deferred } from '../base/queue.ts';
import { type Handlers, RpcPeer } from '../cluster/rpc/peer.ts';
import { childEnvironment } from '../config/environment.ts';

type Api<T> = { [M in keyof T]: { params: unknown; result: unknown } };

/** What every child gets on its command line. Plain data without secrets. */
export interface ChildSettings {
  readonly role: ChildRole;
  readonly dataDir: string;
  readonly logLevel: string;
  readonly logFile: string | null;
  readonly failpoints: string;
  readonly rpcTimeoutMs: number;
  readonly memoryLimitBytes: number;
  readonly cacheMaxBytes: number;
  /** Address that the embedded broker listens on. */
  readonly bindHost: string;
  /** Of the metadata; part of every cache key. '' for the broker. */
  readonly incarnation: string;
}

export type ChildRole = 'query' | 'loader' | 'broker';

export interface ChildOptions<Serves extends Api<Serves>> {
  readonly settings: ChildSettings;
  readonly handlers: Handlers<Serves>;
  readonly clock: Clock;
  readonly log: Log;
  /** The V8 heap limit of the child in MB. */
  readonly heapMb: number;
  /** Called after each start once the child answers; the peer is valid until it closes. */
  readonly onStart: () => Promise<void>;
  readonly onRestart: () => void;
}

const CHANNEL_FD = 3;
const MAX_BACKOFF_MS = 10_000;
/** A child that lived this long starts the back-off anew. */
const STABLE_MS = 30_000;

/** One child kept running. `peer()` waits for a running one. */
export class SupervisedChild<Serves extends Api<Serves>, Calls extends Api<Calls>> {
  readonly #options: ChildOptions<Serves>;
  #process: ChildProcess | undefined;
  #peer: RpcPeer<Serves, Calls> | undefined;
  #ready: Deferred<RpcPeer<Serves, Calls>> = deferred();
  #stopping = false;
  #starts = 0;
  #backoffMs = 100;
  #exited: Promise<void> = Promise.resolve();

  constructor(options: ChildOptions<Serves>) {
    this.#options = options;
    this.#ready.promise.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts the child; resolves when its channel is up. */
  start(): Promise<void> {
    const { settings, clock, log } = this.#options;
    this.#starts += 1;
    const once: ChildSettings = this.#starts === 1 ? settings : { ...settings, failpoints: '' };
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        `--max-old-space-size=${this.#options.heapMb}`,
        fileURLToPath(new URL('../main.ts', import.meta.url)),
        'child',
        JSON.stringify(once),
      ],
      {
        // The library's thread pool must be sized before Node starts: each running DuckDB statement holds a thread.
        env: childEnvironment({ UV_THREADPOOL_SIZE: '32' }),
        stdio: ['ignore', 2, 2, 'pipe'],
      },
    );
    this.#process = child;
    const channel = child.stdio[CHANNEL_FD] as Duplex;
    const peer = new RpcPeer<Serves, Calls>(channel, this.#options.handlers, {
      clock,
      peerName: `${settings.role} process`,
      timeoutMs: settings.rpcTimeoutMs,
    });
    this.#peer = peer;
    const startedMs = clock.monotonicMs();
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        log.error('child process could not be started', { role: settings.role, error });
        resolve();
      });
      child.once('exit', (code, signal) => {
        peer.close();
        resolve();
        if (!this.#stopping) this.#scheduleRestart(startedMs, code, signal);
      });
    });
    return this.#announce(peer);
  }

  async #announce(peer: RpcPeer<Serves, Calls>): Promise<void> {
    this.#ready.resolve(peer);
    await this.#options.onStart();
  }

  #scheduleRestart(startedMs: number, code: number | null, signal: string | null): void {
    const { clock, log, settings } = this.#options;
    if (clock.monotonicMs() - startedMs > STABLE_MS) this.#backoffMs = 100;
    log.warn('child process ended, starting it again', {
      role: settings.role,
      exitCode: code,
      signal,
      inMs: this.#backoffMs,
    });
    this.#ready = deferred();
    this.#ready.promise.catch(() => undefined);
    this.#options.onRestart();
    clock.after(this.#backoffMs, () => {
      if (this.#stopping) return;
      this.start().catch((error: unknown) =>
        log.error('child process failed at start', { role: settings.role, error }),
      );
    });
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
  }

  /** The running child's channel; waits up to `waitMs` for a restart. Throws PEER_GONE. */
  async peer(waitMs = 5_000): Promise<RpcPeer<Serves, Calls>> {
    if (this.#peer !== undefined && !this.#peer.isClosed) return this.#peer;
    const { clock, settings } = this.#options;
    const gone = deferred<never>();
    const timer = clock.after(waitMs, () =>
      gone.reject(fail('PEER_GONE', { peer: `${settings.role} process` })),
    );
    try {
      return await Promise.race([this.#ready.promise, gone.promise]);
    } finally {
      timer.cancel();
    }
  }

  /** Closes the channel (the child then exits); kills it when it does not within `graceMs`. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#stopping = true;
    this.#peer?.close();
    const timer = this.#options.clock.after(graceMs, () => this.#process?.kill('SIGKILL'));
    await this.#exited;
    timer.cancel();
  }
}

/** The child's side: its channel to the parent. The process ends when the parent does. */
export function connectToParent<Serves extends Api<Serves>, Calls extends Api<Calls>>(
  handlers: Handlers<Serves>,
  options: { clock: Clock; rpcTimeoutMs: number },
): RpcPeer<Serves, Calls> {
  return new RpcPeer<Serves, Calls>(new Socket({ fd: CHANNEL_FD }), handlers, {
    clock: options.clock,
    peerName: 'FE process',
    timeoutMs: options.rpcTimeoutMs,
  });
}
