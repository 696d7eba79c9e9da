// A body as it comes -> batches of whole rows. Bytes are copied into pages, and a page is split when it is full, so
// that a row is looked at as a whole; what is left of it moves on to the next page. Reads on only while there is
// room: the sender is slowed down by not being read. One reader at a time.
import type { Clock } from '../../../base/clock.ts';
import { type AppError, fail } from '../../../base/errors.ts';
import { orAborted } from '../../../base/queue.ts';
import { bodyTooLarge } from '../../../formats/compression/expand-body.ts';
import type { RawBatch } from '../../types.ts';
import { type BatchMemory, BodyBatch } from './body-batch.ts';
import type { BodyHolder } from './body-memory.ts';
import { FIRST_PAGE_BYTES, PAGE_BYTES } from './body-pages.ts';
import type { BodySplitter } from './splitter.ts';

export interface BodySourceOptions extends BatchMemory {
  readonly body: AsyncIterable<Uint8Array>;
  readonly splitter: BodySplitter;
  readonly clock: Clock;
  /** Most bytes of the body; more throw BODY_TOO_LARGE. */
  readonly maxBytes: number;
  readonly maxRowBytes: number;
  /** What is thrown for a larger row. */
  readonly largeRow: (row: number, bytes: number, limitBytes: number) => AppError;
  readonly idleTimeoutMs: number;
}

/** A batch ends at the page with so many rows, or bytes. */
const BATCH_ROWS = 500_000;
const MAX_BATCH_BYTES = 32 * 1024 * 1024;
/** The next batch of a load is expected to be large, too. */
const LARGE_BATCH_BYTES = 2 * PAGE_BYTES;
/** So many bytes are looked at while they are in the processor's cache. */
const SPLIT_BYTES = 128 * 1024;
/** From so many bytes on a batch needs a turn to go on. */
const TURN_BYTES = 128 * 1024;
/** A sender that pauses for longer gives its turn away. */
const PAUSE_MS = 20;
/** Positions in a page are 32-bit, and a page may be twice as long as its row. */
const MAX_ROW_BYTES = 1024 ** 3 - 1;
const NO_BYTES = Buffer.alloc(0);
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

type Next = IteratorResult<Uint8Array, unknown>;

export class BodySource implements BodyHolder {
  readonly #options: BodySourceOptions;
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #leave: () => void;
  readonly #maxRowBytes: number;
  #pending: Promise<Next> | null = null;
  /** Of a chunk: what did not fit into the page. */
  #rest: Uint8Array | null = null;
  #page: Buffer | null = null;
  #used = 0;
  /** Rows of the page before this byte are in the batch. */
  #from = 0;
  /** The page is split when it holds so many bytes. */
  #splitAt = SPLIT_BYTES;
  #batch: BodyBatch | null = null;
  #turn: { readonly ready: Promise<void>; leave(): void } | null = null;
  #nextRow = 1;
  #isWaiting = false;
  /** A flush found no whole row: nothing came since. */
  #isBarren = false;
  #onFlush: (() => void) | null = null;
  #isAtStart = true;
  /** The first bytes of the body as long as they may be those of a byte order mark. */
  #begunMark: Buffer = NO_BYTES;
  /** Of the next batch: one after a large one begins with a page of the usual size, which is used again. */
  #firstPageBytes = FIRST_PAGE_BYTES;
  #ended = false;
  /** Bytes that were read. */
  bodyBytes = 0;

  constructor(options: BodySourceOptions) {
    this.#options = options;
    this.#iterator = options.body[Symbol.asyncIterator]();
    this.#leave = options.memory.enter(this);
    this.#maxRowBytes = Math.min(options.maxRowBytes, MAX_ROW_BYTES);
  }

  get heldBytes(): number {
    return (this.#batch?.heldBytes ?? 0) + (this.#page?.length ?? 0);
  }

  get canFlush(): boolean {
    return this.#isWaiting && !this.#isBarren && this.heldBytes > 0;
  }

  flush(): void {
    this.#onFlush?.();
  }

  /** The next rows; null = that was the body. Throws BODY_*, and what the body throws. */
  async read(signal: AbortSignal): Promise<RawBatch | null> {
    if (this.#ended) return null;
    const batch = this.#openBatch();
    try {
      await this.#fill(batch, signal);
      this.#nextRow = batch.nextRow;
      this.#batch = null;
      if (batch.rowCount > 0) return batch.build();
      batch.discard();
      return null;
    } finally {
      this.#leaveTurn();
    }
  }

  #openBatch(): BodyBatch {
    const batch = new BodyBatch(this.#options, this.#nextRow, this.#maxRowBytes, (row, bytes) =>
      this.#refuseRow(row, bytes),
    );
    this.#batch = batch;
    if (this.#page !== null) batch.openPage(this.#page);
    return batch;
  }

  /** Ends the reading: whatever was not handed on is given back, and the body is not read any more. */
  async close(): Promise<void> {
    this.#leaveTurn();
    this.#batch?.discard();
    this.#batch = null;
    this.#dropPage();
    this.#leave();
    if (!this.#options.memory.hasLoads) this.#options.pages.trim();
    if (this.#ended) return;
    this.#ended = true;
    // A body that hangs would hang here, too: nothing waits for its end.
    this.#iterator.return?.().catch(() => undefined);
  }

  async #fill(batch: BodyBatch, signal: AbortSignal): Promise<void> {
    for (;;) {
      const chunk = await this.#chunk(signal);
      if (chunk === 'flush') {
        this.#split(batch, false);
        if (batch.rowCount > 0) {
          this.#endBatch(batch);
          return;
        }
        this.#isBarren = true;
        continue;
      }
      if (chunk === null) {
        this.#ended = true;
        if (this.#page !== null) {
          this.#split(batch, true);
          batch.keepPage(this.#page);
          this.#page = null;
        }
        return;
      }
      this.#isBarren = false;
      if (await this.#append(batch, chunk, signal)) return;
    }
  }

  /** The next bytes; null = there are no more, 'flush' = others need the memory. */
  async #chunk(signal: AbortSignal): Promise<Uint8Array | null | 'flush'> {
    let chunk = this.#rest;
    this.#rest = null;
    if (chunk === null) {
      this.#pending ??= this.#iterator.next();
      const { clock, idleTimeoutMs } = this.#options;
      let next: Next | 'late' | 'flush' = await this.#within(
        this.#pending,
        Math.min(PAUSE_MS, idleTimeoutMs),
        signal,
      );
      if (next === 'late') {
        this.#leaveTurn();
        const startMs = clock.monotonicMs();
        do {
          const leftMs = idleTimeoutMs - PAUSE_MS - (clock.monotonicMs() - startMs);
          next = await this.#whenIdle(this.#within(this.#pending, Math.max(0, leftMs), signal));
          if (next === 'late') throw fail('BODY_IDLE', { idleMs: idleTimeoutMs });
        } while (next === 'flush' && this.#isBarren);
      }
      if (next === 'flush') return 'flush';
      this.#pending = null;
      if (next.done === true) return this.#atEnd(next);
      chunk = next.value;
      this.#count(chunk.length);
      if (this.#isAtStart) chunk = this.#withoutBom(chunk);
    }
    if (this.heldBytes < TURN_BYTES) return chunk;
    if (this.#turn !== null) return chunk;
    this.#turn = this.#options.memory.turn();
    const started = await this.#whenIdle(orAborted(this.#turn.ready, signal));
    if (started !== 'flush') return chunk;
    this.#rest = chunk;
    this.#leaveTurn();
    return 'flush';
  }

  #count(bytes: number): void {
    const { maxBytes } = this.#options;
    this.bodyBytes += bytes;
    if (this.bodyBytes > maxBytes) throw bodyTooLarge(maxBytes);
  }

  /** The bytes behind a byte order mark, which may come in pieces; nothing yet of what may be one. */
  #withoutBom(chunk: Uint8Array): Uint8Array {
    const begun = this.#begunMark;
    const start = begun.length === 0 ? chunk : Buffer.concat([begun, chunk]);
    if (start.length < BOM.length && BOM.subarray(0, start.length).equals(start)) {
      this.#begunMark = Buffer.from(start);
      return NO_BYTES;
    }
    this.#isAtStart = false;
    this.#begunMark = NO_BYTES;
    return BOM.equals(start.subarray(0, BOM.length)) ? start.subarray(BOM.length) : start;
  }

  /** What only began as a mark is data. */
  #atEnd(end: Next): Uint8Array | null {
    const begun = this.#begunMark;
    if (begun.length === 0) return null;
    this.#isAtStart = false;
    this.#begunMark = NO_BYTES;
    this.#pending = Promise.resolve(end);
    return begun;
  }

  async #within(next: Promise<Next>, ms: number, signal: AbortSignal): Promise<Next | 'late'> {
    const { promise, resolve } = Promise.withResolvers<'late'>();
    const timer = this.#options.clock.after(ms, () => resolve('late'));
    try {
      return await orAborted(Promise.race([next, promise]), signal);
    } finally {
      timer.cancel();
    }
  }

  /** While it waits it may be asked to flush. */
  async #whenIdle<T>(work: Promise<T>): Promise<T | 'flush'> {
    const { promise, resolve } = Promise.withResolvers<'flush'>();
    this.#onFlush = () => resolve('flush');
    this.#isWaiting = true;
    work.catch(() => undefined);
    this.#options.memory.idle();
    try {
      return await Promise.race([work, promise]);
    } finally {
      this.#isWaiting = false;
      this.#onFlush = null;
    }
  }

  /** Takes the chunk, or a part of it; true = the batch is full. */
  async #append(batch: BodyBatch, chunk: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const page = this.#page ?? (await this.#openFirst(batch, signal));
    const fits = Math.min(chunk.length, page.length - this.#used);
    page.set(chunk.subarray(0, fits), this.#used);
    this.#used += fits;
    if (fits < chunk.length) this.#rest = chunk.subarray(fits);
    if (this.#used < Math.min(page.length, this.#splitAt)) return false;
    this.#split(batch, false);
    if (this.#used < page.length) return false;
    const isFull =
      batch.rowCount >= BATCH_ROWS ||
      (batch.rowCount > 0 &&
        batch.heldBytes + page.length >=
          Math.min(MAX_BATCH_BYTES, this.#options.memory.batchBytes));
    if (isFull) this.#endBatch(batch);
    return isFull || (await this.#turnPage(batch, page, signal));
  }

  /** The page's rows are found: the batch keeps it where it has some, and what is left of it begins the next batch. */
  #endBatch(batch: BodyBatch): void {
    const page = this.#page;
    const tail = this.#tail(batch);
    this.#firstPageBytes = batch.heldBytes >= LARGE_BATCH_BYTES ? PAGE_BYTES : FIRST_PAGE_BYTES;
    if (page === null || this.#from === 0) return;
    batch.keepPage(page);
    this.#page = null;
    if (tail.length > 0) this.#keepTail(tail);
  }

  /** The same, with a further page of the batch; true = there is no room for one, and the batch has ended. */
  async #turnPage(batch: BodyBatch, page: Buffer, signal: AbortSignal): Promise<boolean> {
    const tail = this.#tail(batch);
    const usual = Math.min(PAGE_BYTES, Math.max(FIRST_PAGE_BYTES, this.heldBytes));
    const bytes = Math.max(usual, tail.length * 2);
    if (!(await this.#hasRoom(bytes, signal))) {
      this.#endBatch(batch);
      return true;
    }
    const next = this.#options.pages.takeBytes(bytes);
    const isRow = this.#from === 0;
    if (!isRow) batch.keepPage(page);
    this.#setPage(next, tail);
    batch.openPage(next);
    if (isRow) this.#givePage(page);
    return false;
  }

  #tail(batch: BodyBatch): Buffer {
    const tail = this.#page?.subarray(this.#from, this.#used) ?? NO_BYTES;
    if (tail.length > this.#maxRowBytes) this.#refuseRow(batch.nextRow, tail.length);
    return tail;
  }

  /** The begun row of a batch that is full is the beginning of the next one's. */
  #keepTail(tail: Buffer): void {
    const { memory } = this.#options;
    const large = this.#firstPageBytes;
    const isLarge = large >= tail.length * 2 && memory.tryTake(this, large);
    const bytes = isLarge ? large : Math.max(FIRST_PAGE_BYTES, tail.length * 2);
    if (!isLarge) memory.force(bytes);
    this.#setPage(this.#options.pages.takeBytes(bytes), tail);
  }

  async #openFirst(batch: BodyBatch, signal: AbortSignal): Promise<Buffer> {
    const { memory, pages } = this.#options;
    const large = this.#firstPageBytes;
    const isLarge = memory.tryTake(this, large);
    const bytes = isLarge ? large : FIRST_PAGE_BYTES;
    if (!isLarge) await memory.take(this, bytes, signal);
    const page = pages.takeBytes(bytes);
    this.#setPage(page, NO_BYTES);
    batch.openPage(page);
    return page;
  }

  /** Waits for room for a further page; false = others need what this load has. */
  async #hasRoom(bytes: number, signal: AbortSignal): Promise<boolean> {
    const { memory } = this.#options;
    if (memory.tryTake(this, bytes)) return true;
    // Those that have a turn must come to an end without this one.
    this.#leaveTurn();
    this.#isBarren = (this.#batch?.rowCount ?? 0) === 0;
    const giveUp = new AbortController();
    const taken = memory.take(this, bytes, AbortSignal.any([signal, giveUp.signal]));
    const result = await this.#whenIdle(taken);
    this.#isBarren = false;
    if (result !== 'flush') return true;
    giveUp.abort(fail('CANCELLED'));
    await taken.then(
      () => memory.give(bytes),
      () => undefined,
    );
    return false;
  }

  #setPage(page: Buffer, tail: Buffer): void {
    tail.copy(page);
    this.#page = page;
    this.#from = 0;
    this.#used = tail.length;
    this.#splitAt = Math.max(SPLIT_BYTES, tail.length * 2);
  }

  #dropPage(): void {
    if (this.#page !== null) this.#givePage(this.#page);
    this.#page = null;
  }

  #givePage(page: Buffer): void {
    this.#options.pages.giveBytes(page);
    this.#options.memory.give(page.length);
  }

  #refuseRow(row: number, bytes: number): never {
    throw this.#options.largeRow(row, bytes, this.#maxRowBytes);
  }

  #split(batch: BodyBatch, isLast: boolean): void {
    if (this.#page === null) return;
    this.#from = this.#options.splitter.split(this.#page, this.#from, this.#used, isLast, batch);
    // A begun row is looked at again from its start: each time twice as much, so that a long one costs no more.
    this.#splitAt = this.#used + Math.max(SPLIT_BYTES, this.#used - this.#from);
  }

  #leaveTurn(): void {
    this.#turn?.leave();
    this.#turn = null;
  }
}
