// The door to DuckDB: open instances (locked for queries, open for loads), connections, functions.
// Only files in engine/ import the binding. Must never let SQL that a user wrote reach an instance,
// and never be loaded in the FE process.
import { mkdir, rm } from 'node:fs/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Clock } from '../base/clock.ts';
import { quoteList } from '../model/duckdb-text.ts';
import { Admission } from './admission.ts';
import { type Connection, NativeConnection } from './connection.ts';
import { installJsFunctions } from './functions/registry.ts';

export type { Connection, StatementOptions } from './connection.ts';

export interface EngineOptions {
  /**
   * `query`: locked; reads files below `allowedDirectories` and nothing else. `loader`: full access to
   * local files for COPY and read_json; our own SQL only.
   */
  readonly role: 'query' | 'loader';
  /** Threads of the whole instance. A loader runs statements at threads=1 and several at once. */
  readonly threads: number;
  /** DuckDB's memory_limit; per instance, the sum over instances is the caller's to keep. */
  readonly memoryLimitBytes: number;
  /** Private directory for spilling; removed and made anew at open. Readable by SQL even in a locked instance. */
  readonly tempDirectory: string;
  /** Most bytes of spill files; a statement beyond it fails with ENGINE_OUT_OF_MEMORY. */
  readonly maxTempBytes: number;
  /** Absolute directories that a query instance may read. Ignored for loaders. */
  readonly allowedDirectories: readonly string[];
  /** Native calls at once: at most UV_THREADPOOL_SIZE - 8. The rest wait in order. */
  readonly statementsAtOnce: number;
  /** Callers that may wait; more get ENGINE_BUSY. */
  readonly maxWaiting: number;
  readonly clock: Clock;
}

export interface EngineLoad {
  readonly running: number;
  readonly waiting: number;
}

/** One DuckDB instance in memory. */
export interface Engine {
  /** A new connection; costs about 60 us. One statement at a time on each. Close it. */
  connect(): Promise<Connection>;
  /** Runs `work` with a connection of its own and closes it. */
  withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  /** Statements running and waiting now, for metrics. */
  load(): EngineLoad;
  /** Interrupts what runs, waits for it to stop, and frees the instance. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens an instance. The order of the settings is the one that works (allowed_directories cannot be a
 * create() option, and nothing can be set after lock_configuration). SOURCE: end-to-end-measurements.md part 5.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  await rm(options.tempDirectory, { recursive: true, force: true });
  await mkdir(options.tempDirectory, { recursive: true, mode: 0o700 });
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: `${Math.floor(options.memoryLimitBytes / 1024)}KiB`,
    temp_directory: options.tempDirectory,
    max_temp_directory_size: `${Math.floor(options.maxTempBytes / 1024)}KiB`,
    autoload_known_extensions: 'false',
    autoinstall_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
    custom_user_agent: 'millrace',
  });
  const setup = await instance.connect();
  try {
    // Text without a zone is read and shown in UTC; the analyser turns session zones into expressions.
    await setup.run("SET TimeZone='UTC'");
    installJsFunctions(setup);
    if (options.role === 'query') {
      await setup.run(
        `SET allowed_directories=${quoteList(options.allowedDirectories.map(withSlash))}`,
      );
      await setup.run('SET enable_external_access=false');
      await setup.run('SET lock_configuration=true');
    }
  } finally {
    setup.closeSync();
  }
  return new DuckdbEngine(instance, options);
}

function withSlash(directory: string): string {
  return directory.endsWith('/') ? directory : `${directory}/`;
}

class DuckdbEngine implements Engine {
  readonly #instance: DuckDBInstance;
  readonly #clock: Clock;
  readonly #admission: Admission;
  readonly #open = new Set<NativeConnection>();
  #closed: Promise<void> | null = null;

  constructor(instance: DuckDBInstance, options: EngineOptions) {
    this.#instance = instance;
    this.#clock = options.clock;
    this.#admission = new Admission(options.statementsAtOnce, options.maxWaiting);
  }

  async connect(): Promise<Connection> {
    const native = await this.#instance.connect();
    const connection = new NativeConnection(native, this.#admission, this.#clock, () =>
      this.#open.delete(connection),
    );
    this.#open.add(connection);
    return connection;
  }

  async withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.connect();
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }

  load(): EngineLoad {
    return { running: this.#admission.running, waiting: this.#admission.waiting };
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    await Promise.all([...this.#open].map((connection) => connection.close()));
    this.#instance.closeSync();
  }
}
