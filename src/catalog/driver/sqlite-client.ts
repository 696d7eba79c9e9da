// The owner's side of the SQLite worker: sends requests, matches answers, turns SQLite's failures into
// errors of the table. One client per file and process.
import { Worker } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { type AppError, fail } from '../../base/errors.ts';
import { type Deferred, deferred } from '../../base/queue.ts';
import { mayChangeDefinitions } from './definition-writes.ts';
import type {
  SqliteFailure,
  SqliteRequest,
  SqliteResponse,
  StatementResult,
} from './sqlite-messages.ts';
import { UniqueViolation } from './unique-violation.ts';

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
const SQLITE_CORRUPT = 11;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

export interface SqliteClientOptions {
  /** Called once when the worker ends by itself; every request fails from then on. */
  readonly onLost?: (error: AppError) => void;
  /** The worker's program; a test may give its own. */
  readonly workerFile?: URL;
}

export class SqliteClient {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #onLost: (error: AppError) => void;
  readonly #waiting = new Map<number, Deferred<readonly StatementResult[]>>();
  #nextId = 0;
  #writesSent = 0;
  #definitionWritesSent = 0;
  /** Set once the worker is gone; every later request fails with it. */
  #ended: AppError | null = null;
  /** From open() to close(): outside of it the end of the worker is no loss. */
  #isOpen = false;

  private constructor(path: string, worker: Worker, onLost: (error: AppError) => void) {
    this.#path = path;
    this.#worker = worker;
    this.#onLost = onLost;
  }

  /**
   * Opens (or makes) the file and takes its lock for this process. Throws SqliteLocked when another
   * process holds it, METADATA_DAMAGED, DISK_FULL.
   */
  static async open(path: string, options: SqliteClientOptions = {}): Promise<SqliteClient> {
    // The compiled package runs the compiled worker; sources run as they are.
    const file = import.meta.url.endsWith('.ts') ? './sqlite-worker.ts' : './sqlite-worker.js';
    const program = options.workerFile ?? new URL(file, import.meta.url);
    const worker = new Worker(program, { workerData: { path } });
    const client = new SqliteClient(path, worker, options.onLost ?? (() => undefined));
    const opened = deferred<readonly StatementResult[]>();
    client.#waiting.set(-1, opened);
    worker.on('message', (response: SqliteResponse) => client.#onResponse(response));
    worker.on('error', (error) => client.#onEnd(error.message, error));
    worker.on('exit', (code) => client.#onEnd(`its thread ended with code ${code}`));
    try {
      await opened.promise;
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    client.#isOpen = true;
    return client;
  }

  /** Requests sent so far that may change something. Goes up before they are sent. */
  get writesSent(): number {
    return this.#writesSent;
  }

  /** Of those, the ones that may change what databases, tables, partitions, volumes, views and users are. */
  get definitionWritesSent(): number {
    return this.#definitionWritesSent;
  }

  /** One hop. Answers come in the order of the requests. */
  send(request: Omit<SqliteRequest, 'id'>): Promise<readonly StatementResult[]> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    this.#nextId += 1;
    const id = this.#nextId;
    if (mayWrite(request)) {
      this.#writesSent += 1;
      const { statements } = request;
      if (statements.some(({ sql }) => mayChangeDefinitions(sql))) this.#definitionWritesSent += 1;
    }
    const answer = deferred<readonly StatementResult[]>();
    this.#waiting.set(id, answer);
    this.#worker.postMessage({ id, ...request } satisfies SqliteRequest);
    return answer.promise;
  }

  /** Checkpoints, closes the file and ends the thread. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    this.#isOpen = false;
    const exited = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    await this.send({ begin: false, statements: [], end: 'close' });
    await exited;
  }

  #onResponse(response: SqliteResponse): void {
    const answer = this.#waiting.get(response.id);
    assert(answer !== undefined, `an answer to a request of ours (${response.id})`);
    this.#waiting.delete(response.id);
    if ('results' in response) answer.resolve(response.results);
    else answer.reject(translate(response.failure, this.#path));
  }

  #onEnd(detail: string, cause?: unknown): void {
    this.#ended ??= fail('METADATA_UNAVAILABLE', { detail }, cause);
    for (const answer of this.#waiting.values()) answer.reject(this.#ended);
    this.#waiting.clear();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onLost(this.#ended);
  }
}

/** Another process has the file; the caller knows whose directory it is and says so. */
export class SqliteLocked extends Error {
  constructor() {
    super('database is locked');
    this.name = 'SqliteLocked';
  }
}

function translate(failure: SqliteFailure, path: string): Error {
  const cause = new Error(`SQLite: ${failure.message} (${failure.errcode ?? 'no code'})`);
  if (failure.errcode === null) return cause;
  switch (failure.errcode) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
      return new UniqueViolation(failure.message);
  }
  // The low byte is the primary result code.
  switch (failure.errcode & 0xff) {
    case SQLITE_BUSY:
      return new SqliteLocked();
    case SQLITE_FULL:
      return fail('DISK_FULL', { path }, cause);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
      return fail('METADATA_DAMAGED', { path, detail: failure.message }, cause);
    default:
      return cause;
  }
}

/** Everything but statements that begin as a SELECT; the end of a transaction of several requests, too. */
function mayWrite({ statements, end }: Omit<SqliteRequest, 'id'>): boolean {
  if (statements.length === 0) return end !== null;
  return !statements.every(({ sql }) => /^select\b/i.test(sql));
}
