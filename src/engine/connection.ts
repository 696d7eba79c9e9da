// One DuckDB connection: statements with admission, time limit and abort. Results come whole (`run`)
// or as a stream that the reader must check. Must never give a cut result as a whole one.
import {
  BIGINT,
  BIT,
  DuckDBBitValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBResult,
  type DuckDBType,
  INTEGER,
  type JS,
} from '@duckdb/node-api';
import { assert } from '../base/assert.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { fail } from '../base/errors.ts';
import type { Admission } from './admission.ts';
import {
  makeScalarFunction,
  makeTableFunction,
  type ScalarFunctionSpec,
  type TableFunctionSpec,
} from './functions.ts';
import { engineError } from './sql-errors.ts';
import { VectorWriter } from './vectors.ts';

/** Rows of a chunk at most. */
const CHUNK_ROWS = 2048;

/** How often a statement that shall stop is told so again: an interrupt before it began is lost. */
const INTERRUPT_AGAIN_MS = 20;

export interface StatementOptions {
  /** Aborting interrupts the statement within milliseconds; it then fails with CANCELLED, or the AppError given as reason. */
  readonly signal?: AbortSignal | undefined;
  /** Statement fails with TIMEOUT after this long, waiting included. Default: no limit. */
  readonly timeoutMs?: number | undefined;
}

/** A value as JavaScript sees it: BIGINT and wider as bigint, DECIMAL as number, DATE/TIMESTAMP as Date, BLOB as bytes. */
export type EngineValue = JS;
/** Up to 2048 rows by column. Read it with engine/vectors.ts. */
export type EngineChunk = DuckDBDataChunk;

/** A native streaming result. Its end proves nothing: a reader must know the row count (engine/query-runner.ts). */
export interface UncheckedStream {
  readonly types: readonly DuckDBType[];
  /** The next rows, or null at the end OR AFTER AN ERROR: the binding does not tell which. */
  fetch(): Promise<EngineChunk | null>;
}

/** One statement at a time. All methods fail with AppErrors. */
export interface Connection {
  /** Runs SQL (several statements allowed) and drops the result. Resolves when it is done. */
  run(sql: string, options?: StatementOptions): Promise<void>;
  /** Runs SQL and gives every row of the last statement: complete, in memory. For small results. */
  rows(sql: string, options?: StatementOptions): Promise<readonly (readonly EngineValue[])[]>;
  /** Like rows, as objects by column name. */
  objects(
    sql: string,
    options?: StatementOptions,
  ): Promise<readonly Readonly<Record<string, EngineValue>>[]>;
  /** Like rows, as chunks of vectors. */
  chunks(sql: string, options?: StatementOptions): Promise<readonly EngineChunk[]>;
  /**
   * Makes a temporary table of VARCHAR columns `c0`, `c1`, ... and fills it: far faster than VALUES in SQL.
   * `name` is an identifier of ours; the rows all have `columnCount` values.
   */
  fillTextTable(
    name: string,
    columnCount: number,
    rows: readonly (readonly (string | null)[])[],
  ): Promise<void>;
  /**
   * Makes (or makes anew) a temporary table `file`, `bits` BIT: the bytes' bits, from the highest on. `file` is a
   * UBIGINT as read_parquet's file_index: a join of the two needs no conversion of every row, and finds a file by
   * its number instead of by a hash.
   */
  fillBitmapTable(
    name: string,
    rows: readonly { readonly file: number; readonly bits: Uint8Array }[],
  ): Promise<void>;
  /** Adds rows to a table of the columns `__file` INTEGER and `__row` BIGINT: the same file for all of them. */
  addPositions(table: string, file: number, rows: Uint32Array): Promise<void>;
  /** A variable of this connection (`getvariable('name')`) of type BIT; `name` is an identifier of ours. */
  setBitmap(name: string, bits: Uint8Array): Promise<void>;
  /** Starts one SELECT as a native stream. See UncheckedStream. */
  stream(sql: string, options?: StatementOptions): Promise<UncheckedStream>;
  /** Visible to every connection of the instance: use a unique name, or replace the function behind one. */
  registerScalarFunction(spec: ScalarFunctionSpec): void;
  registerTableFunction(spec: TableFunctionSpec): void;
  /** Stops the running statement, if any. */
  interrupt(): void;
  /** Interrupts, waits until the native call has returned, and frees the connection. Idempotent. */
  close(): Promise<void>;
}

/** A BIT value as DuckDB holds it: how many bits of its first byte do not count, then the bytes. */
function bitValue(bytes: Uint8Array): DuckDBBitValue {
  const data = new Uint8Array(1 + bytes.byteLength);
  data.set(bytes, 1);
  return new DuckDBBitValue(data);
}

/** The engine ends a statement at a NUL: what comes after it would not count. */
function whole(sql: string): string {
  assert(!sql.includes('\0'), 'no NUL in SQL for the engine');
  return sql;
}

export class NativeConnection implements Connection {
  readonly #native: DuckDBConnection;
  readonly #admission: Admission;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  /** The native call in progress; settles, never rejects. */
  #busy: Promise<unknown> | null = null;
  #closing: Promise<void> | null = null;

  constructor(native: DuckDBConnection, admission: Admission, clock: Clock, onClose: () => void) {
    this.#native = native;
    this.#admission = admission;
    this.#clock = clock;
    this.#onClose = onClose;
  }

  async run(sql: string, options: StatementOptions = {}): Promise<void> {
    await this.#call(() => this.#native.run(whole(sql)), options);
  }

  async rows(sql: string, options: StatementOptions = {}): Promise<readonly EngineValue[][]> {
    return this.#call(async () => (await this.#native.run(whole(sql))).getRowsJS(), options);
  }

  async objects(
    sql: string,
    options: StatementOptions = {},
  ): Promise<readonly Record<string, EngineValue>[]> {
    return this.#call(async () => (await this.#native.run(whole(sql))).getRowObjectsJS(), options);
  }

  async chunks(sql: string, options: StatementOptions = {}): Promise<readonly EngineChunk[]> {
    return this.#call(async () => (await this.#native.run(whole(sql))).fetchAllChunks(), options);
  }

  async fillTextTable(
    name: string,
    columnCount: number,
    rows: readonly (readonly (string | null)[])[],
  ): Promise<void> {
    const columns = Array.from({ length: columnCount }, (_, index) => `c${index} VARCHAR`);
    await this.run(`CREATE TEMP TABLE ${name} (${columns.join(', ')})`);
    await this.#call(async () => {
      const appender = await this.#native.createAppender(name);
      try {
        for (const row of rows) {
          assert(row.length === columnCount, 'a row of constants has all columns');
          for (const value of row) {
            if (value === null) appender.appendNull();
            else appender.appendVarchar(value);
          }
          appender.endRow();
        }
        appender.flushSync();
      } finally {
        appender.closeSync();
      }
    }, {});
  }

  async fillBitmapTable(
    name: string,
    rows: readonly { readonly file: number; readonly bits: Uint8Array }[],
  ): Promise<void> {
    await this.run(`CREATE OR REPLACE TEMP TABLE ${name} (file UBIGINT, bits BIT)`);
    await this.#call(async () => {
      const appender = await this.#native.createAppender(name);
      try {
        for (const { file, bits } of rows) {
          appender.appendUBigInt(BigInt(file));
          appender.appendBit(bitValue(bits));
          appender.endRow();
        }
        appender.flushSync();
      } finally {
        appender.closeSync();
      }
    }, {});
  }

  async setBitmap(name: string, bits: Uint8Array): Promise<void> {
    await this.#call(
      () => this.#native.run(`SET VARIABLE ${name} = $1`, [bitValue(bits)], [BIT]),
      {},
    );
  }

  async addPositions(table: string, file: number, rows: Uint32Array): Promise<void> {
    await this.#call(async () => {
      const appender = await this.#native.createAppender(table);
      try {
        for (let from = 0; from < rows.length; from += CHUNK_ROWS) {
          const part = rows.subarray(from, from + CHUNK_ROWS);
          const chunk = DuckDBDataChunk.create([INTEGER, BIGINT], part.length);
          const writer = new VectorWriter(chunk.chunk);
          writer.setIntegers(0, new Int32Array(part.length).fill(file));
          writer.setBigints(1, BigInt64Array.from(part, BigInt));
          appender.appendDataChunk(chunk);
        }
        appender.flushSync();
      } finally {
        appender.closeSync();
      }
    }, {});
  }

  async stream(sql: string, options: StatementOptions = {}): Promise<UncheckedStream> {
    const until = this.#deadline(options);
    const result: DuckDBResult = await this.#call(() => this.#native.stream(whole(sql)), until);
    return {
      types: result.columnTypes(),
      fetch: () =>
        this.#call(async () => {
          const chunk = await result.fetchChunk();
          return chunk === null || chunk.rowCount === 0 ? null : chunk;
        }, this.#remaining(until)),
    };
  }

  registerScalarFunction(spec: ScalarFunctionSpec): void {
    this.#native.registerScalarFunction(makeScalarFunction(spec));
  }

  registerTableFunction(spec: TableFunctionSpec): void {
    this.#native.registerTableFunction(makeTableFunction(spec));
  }

  interrupt(): void {
    if (this.#busy !== null) this.#native.interrupt();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const again = this.#clock.every(INTERRUPT_AGAIN_MS, () => this.interrupt());
    this.interrupt();
    while (this.#busy !== null) await this.#busy;
    again.cancel();
    this.#native.closeSync();
    this.#onClose();
  }

  #deadline(options: StatementOptions): StatementOptions & { readonly endMs?: number } {
    return options.timeoutMs === undefined
      ? options
      : { ...options, endMs: this.#clock.monotonicMs() + options.timeoutMs };
  }

  #remaining(until: StatementOptions & { readonly endMs?: number }): StatementOptions {
    return until.endMs === undefined
      ? until
      : { ...until, timeoutMs: Math.max(1, until.endMs - this.#clock.monotonicMs()) };
  }

  async #call<T>(work: () => Promise<T>, options: StatementOptions): Promise<T> {
    if (this.#closing !== null) throw fail('CANCELLED');
    const stop = new AbortController();
    const timers: Timer[] = [];
    const onAbort = (): void => stop.abort(options.signal?.reason ?? fail('CANCELLED'));
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const { timeoutMs } = options;
    if (timeoutMs !== undefined)
      timers.push(
        this.#clock.after(timeoutMs, () =>
          stop.abort(fail('TIMEOUT', { what: 'the statement', timeoutMs, hint: '' })),
        ),
      );
    stop.signal.addEventListener(
      'abort',
      () => {
        this.interrupt();
        timers.push(this.#clock.every(INTERRUPT_AGAIN_MS, () => this.interrupt()));
      },
      { once: true },
    );
    try {
      return await this.#admission.run(() => this.#exclusive(work), stop.signal);
    } catch (thrown) {
      throw engineError(thrown, stop.signal.aborted ? stop.signal.reason : undefined);
    } finally {
      for (const timer of timers) timer.cancel();
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  /** One native call at a time: a second statement would silently end the first one's stream. */
  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    while (this.#busy !== null) await this.#busy;
    if (this.#closing !== null) throw fail('CANCELLED');
    const running = work();
    this.#busy = running.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await running;
    } finally {
      this.#busy = null;
    }
  }
}
