// Child processes of a role: started with a private channel (an inherited socket, fd 3), started again
// with back-off when they end by themselves, ended when the parent goes. A child lives no longer than
// its channel: it exits when the channel closes.
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock, Timer } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type Deferred, deferred } from '../base/queue.ts';
import { type Handlers, RpcPeer } from '../cluster/rpc/peer.ts';
import { childEnvironment } from '../config/environment.ts';
import { allocatorEnvironment, heapFlags } from './heaps.ts';
import { endPredecessor, forgetChild, rememberChild } from './predecessor.ts';

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
  /** Memory for rows of look-ups, beside the engine's. */
  readonly lookUpCacheBytes: number;
  readonly keyIndex: {
    /** On disk; 0 = none. */
    readonly maxBytes: number;
    readonly memoryBytes: number;
    /** Tables with fewer rows are read instead. */
    readonly minRows: number;
  };
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
  /** What the child runs; default: this program. */
  readonly program?: string;
  /** Called after each start, with `peer()` there; where it fails at a restart the child is started anew. */
  readonly onStart: () => Promise<void>;
  /** Called when the child ended by itself, before it is started again. */
  readonly onRestart: () => void;
}

const CHANNEL_FD = 3;
const MAX_BACKOFF_MS = 10_000;
/** A child that lived this long starts the back-off anew. */
const STABLE_MS = 30_000;
/** A child whose channel is closed ends itself; one that does not within this is killed. */
const LINGER_MS = 10_000;
/** The compiled package runs its compiled program; sources run as they are. */
const DEFAULT_PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url),
);

/** One child kept running. `peer()` waits for a running one. */
export class SupervisedChild<Serves extends Api<Serves>, Calls extends Api<Calls>> {
  readonly #options: ChildOptions<Serves>;
  #process: ChildProcess | undefined;
  #peer: RpcPeer<Serves, Calls> | undefined;
  #ready: Deferred<RpcPeer<Serves, Calls>> = quietDeferred();
  #restart: Timer | undefined;
  #stopping = false;
  #starts = 0;
  #backoffMs = 100;
  #exited: Promise<void> = Promise.resolve();

  constructor(options: ChildOptions<Serves>) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /**
   * Starts the child, once the one of an earlier life of the data directory is gone; resolves when its
   * channel is up and onStart is done. Throws what onStart throws.
   */
  async start(): Promise<void> {
    const { settings, clock, log, program = DEFAULT_PROGRAM } = this.#options;
    const { dataDir, role } = settings;
    if (this.#starts === 0) await endPredecessor({ dataDir, role, clock, log });
    if (this.#stopping) return;
    this.#starts += 1;
    const once: ChildSettings = this.#starts === 1 ? settings : { ...settings, failpoints: '' };
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        ...heapFlags(role),
        program,
        'child',
        JSON.stringify(once),
      ],
      {
        // The library's thread pool must be sized before Node starts: each running DuckDB statement holds a thread.
        env: childEnvironment({ UV_THREADPOOL_SIZE: '32', ...allocatorEnvironment(role) }),
        stdio: ['ignore', 2, 2, 'pipe'],
      },
    );
    this.#process = child;
    if (child.pid !== undefined) rememberChild(dataDir, role, child.pid);
    const peer = new RpcPeer<Serves, Calls>(
      child.stdio[CHANNEL_FD] as Duplex,
      this.#options.handlers,
      { clock, peerName: this.#name, timeoutMs: settings.rpcTimeoutMs },
    );
    this.#peer = peer;
    this.#watch(child, peer);
    this.#ready.resolve(peer);
    await this.#options.onStart();
  }

  get #name(): string {
    return `${this.#options.settings.role} process`;
  }

  /** Sees to it that the end of the process and the end of its channel come together, and starts it again. */
  #watch(child: ChildProcess, peer: RpcPeer<Serves, Calls>): void {
    const { clock, log, settings } = this.#options;
    const startedMs = clock.monotonicMs();
    const exited = deferred<void>();
    this.#exited = exited.promise;
    let linger: Timer | undefined;
    let isOver = false;
    const onEnd = (code: number | null, signal: string | null): void => {
      if (isOver) return;
      isOver = true;
      linger?.cancel();
      peer.close();
      forgetChild(settings.dataDir, settings.role);
      exited.resolve();
      if (!this.#stopping) this.#restartLater(clock.monotonicMs() - startedMs, code, signal);
    };
    child.on('error', (error) => {
      log.error('child process failed', { child: settings.role, error });
      // Without a pid it never ran, and no 'exit' follows.
      if (child.pid === undefined) onEnd(null, null);
    });
    child.once('exit', onEnd);
    void peer.closed.then(() => {
      // From here on callers wait for the next one.
      if (this.#peer === peer) this.#ready = quietDeferred();
      if (!isOver) linger = clock.after(LINGER_MS, () => child.kill('SIGKILL'));
    });
  }

  #restartLater(livedMs: number, code: number | null, signal: string | null): void {
    const { clock, log, settings } = this.#options;
    if (livedMs > STABLE_MS) this.#backoffMs = 100;
    log.warn('child process ended, starting it again', {
      child: settings.role,
      exitCode: code,
      signal,
      inMs: this.#backoffMs,
    });
    this.#options.onRestart();
    this.#restart = clock.after(this.#backoffMs, () => {
      const former = this.#process;
      this.start().catch((error: unknown) => {
        if (this.#stopping) return;
        log.error('child process failed at start', { child: settings.role, error });
        // Either there is none, or it runs and is of no use: then its end brings the next try.
        if (this.#process === former) this.#restartLater(0, null, null);
        else this.#process?.kill('SIGKILL');
      });
    });
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
  }

  /** The running child's channel; waits up to `waitMs` for a restart. Throws PEER_GONE. */
  async peer(waitMs = 5_000): Promise<RpcPeer<Serves, Calls>> {
    if (this.#peer !== undefined && !this.#peer.isClosed) return this.#peer;
    const gone = deferred<never>();
    const giveUp = (): void => gone.reject(fail('PEER_GONE', { peer: this.#name }));
    if (this.#stopping) giveUp();
    const timer = this.#options.clock.after(waitMs, giveUp);
    try {
      return await Promise.race([this.#ready.promise, gone.promise]);
    } finally {
      timer.cancel();
    }
  }

  /** Closes the channel (the child then exits); kills it when it does not within `graceMs`. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#stopping = true;
    this.#restart?.cancel();
    this.#ready.reject(fail('PEER_GONE', { peer: this.#name }));
    this.#peer?.close();
    const timer = this.#options.clock.after(graceMs, () => this.#process?.kill('SIGKILL'));
    await this.#exited;
    timer.cancel();
  }
}

/** One that nobody need be waiting for when it rejects. */
function quietDeferred<T>(): Deferred<T> {
  const made = deferred<T>();
  made.promise.catch(() => undefined);
  return made;
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
